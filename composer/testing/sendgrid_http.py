"""The HTTP half of the SendGrid double: a threaded server on loopback that can fail at any point of a request."""

from __future__ import annotations

import json
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.utils import formatdate
from enum import StrEnum
from http.server import BaseHTTPRequestHandler
from socketserver import TCPServer, ThreadingMixIn
from threading import Event, Thread
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

# What the kernel takes of a large body before anybody reads it (some megabytes) would else be the second half.
_MIDDLE = 100_000


class Point(StrEnum):
    """Where a request may fail.

    CLOSE_BEFORE its body is read, CLOSE_MIDDLE of the body, CLOSE_AFTER the body without an answer, SLOW: the answer comes late
    (a 202 only when the mail is taken), STATUS: an answer of that status, GARBAGE: bytes that are no answer.
    """

    CLOSE_BEFORE = "close-before"
    CLOSE_MIDDLE = "close-middle"
    CLOSE_AFTER = "close-after"
    SLOW = "slow"
    STATUS = "status"
    GARBAGE = "garbage"


@dataclass(frozen=True, slots=True)
class Fault:
    """One failure. ``accept``: the mail is taken all the same. ``seconds``: how late. ``errors``: rows of the answer's body."""

    point: Point
    accept: bool = False
    status: int = 500
    seconds: float = 0.0
    headers: tuple[tuple[str, str], ...] = ()
    errors: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer to be: ``data`` is written as JSON, None as nothing."""

    status: int
    data: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)


def refusal(status: int, message: str, where: str | None = None) -> Reply:
    """Make an error answer as SendGrid writes it."""
    return Reply(status, {"errors": [{"message": message, "field": where, "help": None}]})


@dataclass(frozen=True, slots=True)
class Call:
    """A request as it came; header names in lower case."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes = field(repr=False)


Choosing = Callable[[str, str], Fault | None]


class Server(ThreadingMixIn, TCPServer):
    """``choose`` says beforehand how a request fails, ``answer`` what is answered (and does what is asked, as the fault allows)."""

    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False
    request_queue_size = 256

    def __init__(self, port: int, choose: Choosing, answer: Callable[[Call, Fault | None], Reply], tls: ssl.SSLContext | None) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.choose = choose
        self.answer = answer
        self.tls = tls
        self.ended = Event()
        self._thread = Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02}, name="sendgrid-double", daemon=True)

    def start(self) -> None:
        """Serve in a thread."""
        self._thread.start()

    def stop(self) -> None:
        """Stop listening; connections are refused from now on."""
        self.ended.set()
        self.shutdown()
        self.server_close()
        self._thread.join()

    def finish_request(self, request: Any, client_address: Any) -> None:
        """Speak TLS in the connection's own thread."""
        request.settimeout(30)
        if self.tls is None:
            super().finish_request(request, client_address)
            return
        with self.tls.wrap_socket(request, server_side=True) as wrapped:
            super().finish_request(wrapped, client_address)

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: clients that go away are what this is for."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name of the base class
        """Say nothing; paths may hold addresses."""

    def _serve(self) -> None:
        self.close_connection = True
        parts = urlsplit(self.path)
        fault = self.server.choose(self.command, parts.path)
        length = int(self.headers.get("Content-Length") or 0)
        if fault and fault.point is Point.CLOSE_BEFORE:
            return
        if fault and fault.point is Point.CLOSE_MIDDLE:
            self.rfile.read(min(length // 2, _MIDDLE))
            return
        body = self.rfile.read(length)
        if len(body) < length:
            return
        query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        headers = {name.lower(): value for name, value in self.headers.items()}
        reply = self.server.answer(Call(self.command, unquote(parts.path), query, headers, body), fault)
        if fault:
            self._fail(fault, reply)
        else:
            self._reply(reply)

    def _fail(self, fault: Fault, reply: Reply) -> None:
        if fault.point is Point.SLOW:
            self.server.ended.wait(fault.seconds)
        if fault.point is Point.SLOW and fault.accept:
            self._reply(reply)
        elif fault.point in {Point.STATUS, Point.SLOW}:
            rows = list(fault.errors) or [{"message": "an error on purpose", "field": None, "help": None}]
            self._reply(Reply(fault.status, {"errors": rows}, dict(fault.headers)))
        elif fault.point is Point.GARBAGE:
            self.wfile.write(b"%PDF-1.4 this is no HTTP\r\n\r\n")

    def _reply(self, reply: Reply) -> None:
        body = b"" if reply.data is None else json.dumps(reply.data).encode()
        lines = [
            f"HTTP/1.1 {reply.status} {self.responses.get(reply.status, ('Other', ''))[0]}",
            f"Date: {formatdate(time.time(), usegmt=True)}",
        ]
        lines += [f"{name}: {value}" for name, value in reply.headers.items()]
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}", "Connection: close", "", ""]
        self.wfile.write("\r\n".join(lines).encode() + body)

    do_GET = do_POST = do_PATCH = do_DELETE = do_PUT = _serve  # noqa: N815 - names of the base class
