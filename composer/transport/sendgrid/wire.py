"""One request on the wire, and how far it came: connected, body wholly written, answered.

Knows HTTP alone. A new connection a request: on a kept one, a close by the server looks like a lost answer. Redirects are not
followed, since urllib would turn a POST into a GET; a proxy of the environment is used.
"""

from __future__ import annotations

import re
import ssl
from dataclasses import dataclass, field
from functools import cached_property, partial
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import TYPE_CHECKING, Any
from urllib.error import URLError
from urllib.request import AbstractHTTPHandler, OpenerDirector, ProxyHandler, UnknownHandler

if TYPE_CHECKING:
    from collections.abc import Mapping
    from http.client import HTTPResponse
    from urllib.request import Request

_UNPRINTABLE = re.compile(r"[^\x20-\x7e]+")


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back; header names in lower case. ``whole`` is False when it came before the body was wholly written."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)
    whole: bool = True


class Lost(Exception):  # noqa: N818 - what became of a request
    """No answer came.

    ``connected``: TLS included; ``written``: the other side may have the whole request; ``untrusted``: its certificate was refused.
    """

    def __init__(self, reason: str, *, connected: bool = False, written: bool = False, untrusted: bool = False) -> None:
        self.reason = reason
        self.connected = connected
        self.written = written
        self.untrusted = untrusted
        super().__init__(reason)


@dataclass(slots=True)
class _Trace:
    connected: bool = False
    written: bool = False


class _Connection(HTTPConnection):
    """Says how far it came. ``endheaders`` writes headers and body; it returns when the kernel has taken all of both."""

    def __init__(self, *args: Any, trace: _Trace, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.trace = trace

    def connect(self) -> None:
        super().connect()
        self.trace.connected = True

    def endheaders(self, message_body: Any = None, *, encode_chunked: bool = False) -> None:
        try:
            super().endheaders(message_body, encode_chunked=encode_chunked)
        except (ConnectionError, ssl.SSLEOFError):
            if not self.trace.connected:
                raise
            return  # the other side has hung up; it may have said why before (413, 401)
        self.trace.written = True


class _TlsConnection(_Connection, HTTPSConnection):
    """The same over TLS."""


class _Handler(AbstractHTTPHandler):
    """Opens http and https addresses with connections that are traced."""

    def __init__(self, context: ssl.SSLContext | None) -> None:
        super().__init__()
        self._given = context

    @cached_property
    def _trust(self) -> ssl.SSLContext:
        return self._given or ssl.create_default_context()  # reads all certificates of the system: 20 ms

    def http_open(self, request: Any) -> HTTPResponse:
        return self.do_open(partial(_Connection, trace=request.trace), request)

    def https_open(self, request: Any) -> HTTPResponse:
        return self.do_open(partial(_TlsConnection, trace=request.trace, context=self._trust), request)

    http_request = AbstractHTTPHandler.do_request_
    https_request = AbstractHTTPHandler.do_request_


def opener(context: ssl.SSLContext | None = None) -> OpenerDirector:
    """Make what ``exchange`` opens addresses with; safe to share between threads. ``context``: default, the system's certificates."""
    director = OpenerDirector()
    for handler in (ProxyHandler(), UnknownHandler(), _Handler(context)):
        director.add_handler(handler)
    return director


def exchange(director: OpenerDirector, request: Request, timeout: float) -> Answer:
    """Send one request and read its answer, whatever its status; ``timeout`` in seconds for each step. Raises Lost."""
    trace = _Trace()
    request.trace = trace  # type: ignore[attr-defined]
    try:
        response = director.open(request, timeout=timeout)
    except (OSError, HTTPException, ValueError) as err:
        cause = err.reason if isinstance(err, URLError) and isinstance(err.reason, Exception) else err
        untrusted = isinstance(cause, ssl.SSLCertVerificationError)
        raise Lost(_words(cause), connected=trace.connected, written=trace.written, untrusted=untrusted) from err
    if response is None:
        raise Lost("the address cannot be opened")
    with response:
        headers = {name.lower(): value for name, value in response.headers.items()}
        try:
            body = response.read()
        except (OSError, HTTPException):
            body = b""  # the status has said what matters
    return Answer(response.status, headers, body, trace.written)


def _words(err: Exception) -> str:
    """Say in a line what went wrong, without what the other side wrote."""
    if isinstance(err, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted: {err.verify_message}"
    if isinstance(err, TimeoutError):
        return "no answer in time"
    if isinstance(err, OSError):
        return _UNPRINTABLE.sub(" ", err.strerror or str(err) or type(err).__name__)[:200]
    return f"not an answer in HTTP ({type(err).__name__})"
