"""A name server on loopback, UDP and TCP: answers from a dict, follows aliases, and fails as told."""

from __future__ import annotations

import socketserver
import struct
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset

# RFC 1035, 4.2.1: what fits into a datagram when the question does not say otherwise.
_DATAGRAM = 512
_CHUNK = 255
_MOST_ALIASES = 8


@dataclass(slots=True)
class NameServer:
    """What a name server knows, and what it was asked.

    ``records``: ``{"example.org": {"TXT": ["v=spf1 -all"], "MX": ["10 mx.example.org"]}}``; a TXT may be a tuple of chunks, any other
    is cut at 255 bytes. A name that is not there does not exist. ``failures`` by name: ``SERVFAIL``, ``REFUSED``, ``silence`` (no
    answer) or ``garbage``. ``asked`` holds ``(name, kind, "udp" or "tcp")``; ``address`` is what ``[doctor] nameserver`` takes.
    """

    records: Mapping[str, Mapping[str, Sequence[str | tuple[str, ...]]]]
    failures: Mapping[str, str] = field(default_factory=dict)
    asked: list[tuple[str, str, str]] = field(default_factory=list)
    address: str = ""

    def answer(self, wire: bytes, way: str) -> bytes:
        """Answer one question; empty is silence."""
        query = dns.message.from_wire(wire)
        question = query.question[0]
        name, kind = question.name.to_text(omit_final_dot=True).lower(), dns.rdatatype.to_text(question.rdtype)
        self.asked.append((name, kind, way))
        failure = self.failures.get(name, "")
        if failure in {"silence", "garbage"}:
            return b"" if failure == "silence" else wire[:2] + b"\xff" * 20
        response = dns.message.make_response(query, recursion_available=True)
        if failure:
            response.set_rcode(dns.rcode.from_text(failure))
        else:
            self._fill(response, name, kind)
        packed = response.to_wire()
        if way == "udp" and len(packed) > _DATAGRAM:
            response.answer.clear()
            response.flags |= dns.flags.TC
            packed = response.to_wire()
        return packed

    def _fill(self, response: dns.message.Message, name: str, kind: str) -> None:
        for _ in range(_MOST_ALIASES):
            known = self.records.get(name)
            if known is None:
                response.set_rcode(dns.rcode.NXDOMAIN)
                return
            if kind in known:
                response.answer.append(_rrset(name, kind, known[kind]))
                return
            if "CNAME" not in known:
                return
            response.answer.append(_rrset(name, "CNAME", known["CNAME"]))
            name = str(known["CNAME"][0]).lower().rstrip(".")


def _rrset(name: str, kind: str, values: Sequence[str | tuple[str, ...]]) -> dns.rrset.RRset:
    texts = [_quoted(value) if kind == "TXT" else _absolute(str(value), kind) for value in values]
    return dns.rrset.from_text(dns.name.from_text(name), 60, "IN", kind, *texts)


def _quoted(value: str | tuple[str, ...]) -> str:
    chunks = value if isinstance(value, tuple) else [value[at : at + _CHUNK] for at in range(0, len(value) or 1, _CHUNK)]
    return " ".join('"{}"'.format(chunk.replace("\\", "\\\\").replace('"', '\\"')) for chunk in chunks)


def _absolute(value: str, kind: str) -> str:
    return f"{value.rstrip('.')}." if kind in {"MX", "CNAME"} else value


class _Datagrams(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        wire, socket = self.request
        if packed := _knowledge(self.server).answer(wire, "udp"):
            socket.sendto(packed, self.client_address)


class _Streams(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        head = self.rfile.read(2)
        if len(head) == 2:  # noqa: PLR2004 - RFC 1035, 4.2.2: two bytes of length
            wire = self.rfile.read(*struct.unpack("!H", head))
            if packed := _knowledge(self.server).answer(wire, "tcp"):
                self.wfile.write(struct.pack("!H", len(packed)) + packed)


def _knowledge(server: Any) -> NameServer:
    knowledge: NameServer = server.knowledge
    return knowledge


class _Tcp(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


class _Udp(socketserver.ThreadingUDPServer):
    daemon_threads = True


def _bound() -> tuple[_Tcp, _Udp]:
    """Open both servers on one free port."""
    for _ in range(20):
        tcp = _Tcp(("127.0.0.1", 0), _Streams)
        try:
            return tcp, _Udp(("127.0.0.1", tcp.server_address[1]), _Datagrams)
        except OSError:
            tcp.server_close()
    raise OSError("no port is free for both UDP and TCP")


@contextmanager
def name_server(
    records: Mapping[str, Mapping[str, Sequence[str | tuple[str, ...]]]], failures: Mapping[str, str] | None = None
) -> Iterator[NameServer]:
    """Run a NameServer on a free port of loopback while the block runs."""
    servers = _bound()
    knowledge = NameServer(records, failures or {}, address=f"127.0.0.1:{servers[0].server_address[1]}")
    threads = []
    for server in servers:
        server.knowledge = knowledge  # type: ignore[union-attr]  # the handlers' way to it
        threads.append(threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True))
        threads[-1].start()
    try:
        yield knowledge
    finally:
        for server in servers:
            server.shutdown()
            server.server_close()
        for thread in threads:
            thread.join()
