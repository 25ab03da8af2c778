"""A mail server on loopback that writes down what it accepts and misbehaves as told: real sockets, real TLS, a thread a connection.

As a process of its own: ``python -m composer.testing.smtp --port 0 --log FILE`` prints its port and appends a line a message.
"""

from __future__ import annotations

import argparse
import os
import re
import signal
import socket
import ssl
import sys
from contextlib import suppress
from dataclasses import replace
from threading import Condition, Event, Thread
from typing import TYPE_CHECKING, Literal, Self

from composer.testing.smtp_dialogue import Dialogue
from composer.testing.smtp_fault import Fault, Faults, Rule, parse_rule
from composer.testing.smtp_wire import House, Received

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

__all__ = ["Fault", "Received", "SmtpServer"]

_MESSAGE_ID = re.compile(rb"^Message-ID:\s*<([^>\r\n]*)>", re.MULTILINE | re.IGNORECASE)
_JOIN = 5


class SmtpServer:
    """A context manager; inside it ``port`` is open.

    ``certificate`` is a PEM file with certificate chain and key; with it ``tls`` offers STARTTLS or speaks TLS from the first byte.
    ``username`` makes a login necessary, by one of ``mechanisms``; ``size`` bytes are the most it takes (0: any); without
    ``pipelining`` it refuses commands that do not wait for an answer; after ``per_connection`` messages it says 421 and hangs up.
    ``keep`` False only counts, and looks at nothing: fast, for many messages. ``log`` is a file to which a line
    ``recipient TAB Message-ID`` is written for each message before it is answered.
    """

    def __init__(  # noqa: PLR0913 - all optional, all by name
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        certificate: Path | str | None = None,
        tls: Literal["", "starttls", "implicit"] = "",
        username: str = "",
        password: str = "",
        mechanisms: tuple[str, ...] = ("PLAIN", "LOGIN"),
        size: int = 0,
        utf8: bool = True,
        pipelining: bool = True,
        per_connection: int = 0,
        keep: bool = True,
        log: Path | str | None = None,
        seed: int = 0,
    ) -> None:
        self.host, self.port, self.keep = host, port, keep
        self.faults = Faults(seed)
        self.received: list[Received] = []
        self.count = 0
        self.connections = 0
        self._log = None if log is None else os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._changed = Condition()
        self._stop = Event()
        self._open: dict[Dialogue, Thread] = {}
        self._house = House(
            self._accept,
            self.faults,
            self._stop,
            context=_context(certificate) if certificate and tls else None,
            implicit=tls == "implicit",
            username=username,
            password=password,
            mechanisms=mechanisms,
            size=size,
            utf8=utf8,
            pipelining=pipelining,
            per_connection=per_connection,
            strict=keep,
        )

    def fail(
        self, step: str, fault: Fault | str, *, times: int | None = None, skip: int = 0, marker: str = "", chance: float = 1.0
    ) -> None:
        """Misbehave at a step (``smtp_fault.STEPS``) from now on; a text stands for that reply. Earlier rules come first."""
        self.faults.add(Rule(step, Fault(fault) if isinstance(fault, str) else fault, times, skip, marker, chance))

    def wait_for(self, messages: int, timeout: float = 10.0) -> bool:
        """Wait until so many messages were accepted; False when they are not in time."""
        with self._changed:
            return self._changed.wait_for(lambda: self.count >= messages, timeout)

    @property
    def addresses(self) -> list[str]:
        """The recipients of what was accepted, in order, once for each time."""
        with self._changed:
            return [address for message in self.received for address in message.recipients]

    def hang_up(self) -> None:
        """End every connection that is open, without a word."""
        for dialogue in list(self._open):
            with suppress(OSError):
                socket.socket.shutdown(dialogue.wire.sock, socket.SHUT_RDWR)  # the TLS layer belongs to its own thread

    def start(self) -> Self:
        """Listen. Also after ``stop``, on the same port."""
        self._stop.clear()
        self._listener = socket.create_server((self.host, self.port), backlog=128)
        self.port = self._listener.getsockname()[1]
        self._thread = Thread(target=self._serve, daemon=True)
        self._thread.start()
        return self

    def stop(self) -> None:
        """Die: no port, no connection, no thread is left."""
        self._stop.set()
        with suppress(OSError), socket.create_connection((self.host, self.port), _JOIN):  # ends the wait for the next client
            self._thread.join(_JOIN)
        threads = list(self._open.values())
        self.hang_up()
        for thread in threads:
            thread.join(_JOIN)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()
        if self._log is not None:
            os.close(self._log)
            self._log = None

    def _serve(self) -> None:
        with self._listener:
            while not self._stop.is_set():
                try:
                    sock, _ = self._listener.accept()
                except OSError:
                    continue
                if self._stop.is_set():
                    sock.close()
                    return
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self.connections += 1
                dialogue = Dialogue(sock, self.connections, self._house)
                self._open[dialogue] = thread = Thread(target=self._talk, args=(dialogue,), daemon=True)
                thread.start()

    def _talk(self, dialogue: Dialogue) -> None:
        try:
            dialogue.run()
        finally:
            dialogue.wire.sock.close()
            self._open.pop(dialogue, None)

    def _accept(self, message: Received) -> None:
        if self._log is not None:
            found = _MESSAGE_ID.search(message.data)
            line = b"\t".join((" ".join(message.recipients).encode(), found[1] if found else b""))
            os.write(self._log, line + b"\n")
        with self._changed:
            self.count += 1
            if self.keep:
                self.received.append(message)
            self._changed.notify_all()


def _context(certificate: Path | str) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    return context


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until SIGTERM or SIGINT; the port is the first line printed."""
    parser = argparse.ArgumentParser(prog="python -m composer.testing.smtp", description="A mail server that only counts what it accepts.")
    parser.add_argument("--port", type=int, default=0, help="0: any that is free, printed")
    parser.add_argument("--log", help="file to which a line is appended for each message, before it is answered")
    parser.add_argument(
        "--fail", action="append", default=[], type=parse_rule, metavar="STEP=WHAT[@CHANCE]", help="misbehave; may be repeated"
    )
    parser.add_argument("--seed", type=int, default=0, help="of the chances")
    parser.add_argument("--per-connection", type=int, default=0, metavar="N", help="say 421 after N messages")
    parser.add_argument("--no-pipelining", action="store_true", help="do not offer PIPELINING")
    parser.add_argument("--certificate", help="PEM file with certificate chain and key: offer STARTTLS")
    parser.add_argument("--size", type=int, default=0, help="most bytes a message; 0: any")
    given = parser.parse_args(arguments)
    done = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: done.set())
    server = SmtpServer(
        port=given.port,
        log=given.log,
        seed=given.seed,
        per_connection=given.per_connection,
        size=given.size,
        pipelining=not given.no_pipelining,
        certificate=given.certificate,
        tls="starttls" if given.certificate else "",
        keep=False,
    )
    for rule in given.fail:
        server.faults.add(replace(rule))
    with server:
        sys.stdout.write(f"{server.port}\n")
        sys.stdout.flush()
        done.wait()
    return 0


if __name__ == "__main__":
    sys.exit(main())
