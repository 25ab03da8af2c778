"""What the connections of a recording mail server share, what they note, and the bytes that come and go."""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable
    from threading import Event

    from composer.testing.smtp_fault import Faults

_CHUNK = 1 << 16


class Over(Exception):  # noqa: N818 - no error
    """The connection is at its end."""


@dataclass(frozen=True, slots=True)
class Received:
    """An accepted message: envelope, ``parameters`` of MAIL, bytes without dot-stuffing, time (seconds), connection (from 1), login."""

    sender: str
    recipients: tuple[str, ...]
    data: bytes
    parameters: tuple[str, ...] = ()
    at: float = 0.0
    connection: int = 1
    secure: bool = False
    username: str = ""


@dataclass(frozen=True, slots=True)
class House:
    """What all connections of a server share; see SmtpServer."""

    accept: Callable[[Received], None]
    faults: Faults
    stop: Event
    context: ssl.SSLContext | None = None
    implicit: bool = False
    username: str = ""
    password: str = ""
    mechanisms: tuple[str, ...] = ("PLAIN", "LOGIN")
    size: int = 0
    utf8: bool = True
    pipelining: bool = True
    per_connection: int = 0
    strict: bool = True


@dataclass(slots=True)
class Wire:
    """A socket with what was read ahead: pipelined commands wait here."""

    sock: socket.socket
    ahead: bytearray = field(default_factory=bytearray)

    def until(self, end: bytes, before: bytes = b"") -> bytes:
        """Return what comes up to ``end``, without it; ``before`` is taken for what stood in front. Raises Over."""
        self.ahead[:0] = before
        searched = 0
        while (found := self.ahead.find(end, searched)) < 0:
            searched = max(0, len(self.ahead) - len(end))
            try:
                chunk = self.sock.recv(_CHUNK)
            except OSError:
                raise Over from None
            if not chunk:
                raise Over
            self.ahead += chunk
        taken = bytes(self.ahead[:found])
        del self.ahead[: found + len(end)]
        return taken

    def say(self, data: bytes) -> None:
        """Write. Raises Over."""
        try:
            self.sock.sendall(data)
        except OSError:
            raise Over from None
