"""A connection to a mail server: commands and messages out, replies in. Whatever ends it is Lost.

What has to wait is a ``Talk``: a generator that yields what it waits for, and returns what it found. So one thread can serve many
connections (``smtp_loop``); on a socket that blocks a talk never waits, and ``finish`` runs it to its end. What a loss means for a
message is decided elsewhere, and so is how to get a connection.
"""

from __future__ import annotations

import errno
import re
import select
import socket
import ssl
import time
from collections.abc import Generator
from contextlib import suppress
from dataclasses import dataclass, field
from math import inf
from selectors import EVENT_READ, EVENT_WRITE
from typing import TypeVar

from composer.transport.smtp_parcel import Offer
from composer.transport.smtp_reply import Lost, Reply

Found = TypeVar("Found")
# Yields EVENT_READ, EVENT_WRITE, or WORD: something that is no socket's. MORE is EVENT_READ for the rest of a reply: it has begun, and the
# whole of it must come in time, or a byte now and then would keep a connection for days.
Talk = Generator[int, None, Found]
WORD, MORE = 0, EVENT_READ | 4

_LINE = re.compile(rb"([2-5]\d\d)(?:([ -])([^\r\n]*))?\r?\n")
# MAIL, RCPT and DATA, each with a reply of one line.
_GRANTED = re.compile(rb"250 [^\r\n]*\r\n250 [^\r\n]*\r\n354 [^\r\n]*\r\n")
_CHUNK = 1 << 16
_LONGEST_LINE = 8192
_MOST_LINES = 200
_DOT = b".\r\n"
_LATE = "no answer in time"
_UNASKED = "the server says more than it was asked for"
# A full buffer; more pieces than a call of the system takes, which are 1,024 on Linux and macOS.
_LESS_AT_ONCE = {errno.EAGAIN, errno.EWOULDBLOCK, errno.EMSGSIZE}
_NOT_NOW = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)


class Short(Lost):
    """Lost while a message was handed over: its final dot was certainly not sent."""


@dataclass(slots=True, eq=False)
class Session:
    """An open connection; for one thread at a time. ``offer`` is what the server says of itself, once it was asked.

    ``clean`` tells that no transaction is half done, ``used`` that one was answered; ``messages`` counts those handed over. ``heard``
    is what came and was not yet read, ``ended`` why nothing more will come.
    """

    sock: socket.socket
    offer: Offer = field(default_factory=Offer)
    clean: bool = True
    used: bool = False
    messages: int = 0
    heard: bytes = b""
    ended: str = ""

    def fill(self) -> None:
        """Take in what has come; on a socket that blocks, wait for it."""
        sock = self.sock
        try:
            data = sock.recv(_CHUNK)
            self.heard += data
            while isinstance(sock, ssl.SSLSocket) and sock.pending():  # nothing but this tells of what TLS has decrypted already
                self.heard += sock.recv(_CHUNK)
        except _NOT_NOW:
            return  # a part of a TLS record, or one without data
        except OSError as err:
            self.ended = cause(err)
            return
        if not data:
            self.ended = "the server hung up"
        elif len(self.heard) > _MOST_LINES * _LONGEST_LINE:
            self.ended = "the answer cannot be understood"

    def ask(self, command: str) -> Talk[Reply]:
        """Give a command and return the reply. Raises Lost."""
        if "\r" in command or "\n" in command:
            raise ValueError("a command is one line")
        self.expect_silence()
        yield from self.put(f"{command}\r\n".encode())
        return (yield from self.read())

    def put(self, data: bytes) -> Talk[None]:
        """Hand over bytes, all of them. Raises Lost."""
        left = memoryview(data)
        while left:
            wait = EVENT_WRITE
            try:
                left = left[self.sock.send(left) :]
                continue
            except ssl.SSLWantReadError:
                wait = EVENT_READ
            except _NOT_NOW:
                pass
            except OSError as err:
                raise Lost(cause(err)) from err
            yield wait

    def hand_over(self, message: tuple[bytes, ...], size: int, behind: bytes) -> Talk[None]:
        """Hand over a message of ``size`` bytes, its final dot and what is pipelined behind it.

        Raises Short, or Lost when the dot may be out.
        """
        self.messages += 1
        sock, dot = self.sock, _DOT + behind
        if isinstance(sock, ssl.SSLSocket):  # how much of a record has left is not known
            try:
                yield from self.put(b"".join(message))
                self.expect_silence()
            except Lost as err:
                raise Short(str(err)) from err
            yield from self.put(dot)
            return
        last, sent = size + len(_DOT), 0
        try:
            try:
                sent = sock.sendmsg((*message, dot))
            except OSError as err:
                if err.errno not in _LESS_AT_ONCE:
                    raise
            if sent < size + len(dot):
                rest = memoryview(b"".join((*message, dot)))
                while sent < len(rest):
                    try:
                        sent += sock.send(rest[sent:])
                        continue
                    except BlockingIOError:
                        pass
                    yield EVENT_WRITE
                    if sent < last:
                        self.expect_silence()
        except (OSError, Lost) as err:
            raise (Lost if sent >= last else Short)(cause(err) if isinstance(err, OSError) else str(err)) from err

    def granted(self) -> bool:
        """Tell whether the replies to a pipelined envelope are there, all of them, the usual ones and not the last: then they are read.

        False says nothing, and nothing is read: ``read`` has them one by one. Raises Lost when more was said than was asked for.
        """
        usual = _GRANTED.match(self.heard)
        if usual is None or self.ended:
            return False
        if len(self.heard) > usual.end():
            raise Lost(_UNASKED)
        self.heard = b""
        return True

    def expect_silence(self) -> None:
        """Raise Lost when something was said that nobody asked for, or nothing more will be.

        What was said would be taken for the answer to what is said next.
        """
        if self.heard:
            reply = self._reply()
            raise Lost(f"{_UNASKED}: {reply.naming_nobody()}" if reply else _UNASKED)
        if self.ended:
            raise Lost(self.ended)

    def listen(self) -> Talk[None]:
        """Wait until something was said, or nothing will be."""
        while not (self.heard or self.ended):
            yield EVENT_READ

    def read(self) -> Talk[Reply]:
        """Wait for a reply; half a line before the end of the connection is none. Raises Lost."""
        wait = EVENT_READ
        while not self.heard or (reply := self._reply()) is None:
            if self.ended:
                raise Lost(self.ended)
            yield wait
            wait = MORE
        return reply

    def speaks(self) -> bool:
        """Tell whether there is something to hear, unasked: the end of the connection, or why it will end."""
        if self.heard or self.ended:
            return True
        poll = select.poll()
        poll.register(self.sock, select.POLLIN)
        return bool(poll.poll(0))

    def leave(self) -> Talk[None]:
        """Say QUIT and wait until it is answered."""
        with suppress(Lost):
            yield from self.ask("QUIT")

    def cut(self) -> None:
        """End the connection, from any thread: whoever waits for it hears that it is over."""
        with suppress(OSError):
            socket.socket.shutdown(self.sock, socket.SHUT_RDWR)  # past the TLS layer, which belongs to another thread

    def hang_up(self) -> None:
        """Close without a word."""
        with suppress(OSError):
            self.sock.close()

    def _reply(self) -> Reply | None:
        """Read one reply off what was heard, if all of it is there. Raises Lost for what is none."""
        lines: list[str] = []
        code, at = b"", 0
        while match := _LINE.match(self.heard, at):
            end = match.end()
            if (lines and match[1] != code) or len(lines) >= _MOST_LINES or end - at > _LONGEST_LINE:
                raise Lost("the answer cannot be understood")
            code, dash, text = match.groups(b"")
            lines.append(text.decode("utf-8", "replace"))
            if dash != b"-":
                self.heard = self.heard[end:]
                return Reply(int(code), tuple(lines))
            at = end
        if len(self.heard) - at > _LONGEST_LINE or self.heard.find(b"\n", at) >= 0:
            raise Lost("the answer cannot be understood")
        return None


def finish(session: Session, talk: Talk[Found]) -> Found:
    """Run a talk to its end on a session whose socket blocks."""
    until, patience = inf, session.sock.gettimeout() or inf
    try:
        while True:
            wait = next(talk)
            if wait != MORE:
                until = time.monotonic() + patience
            if time.monotonic() > until:
                session.ended = _LATE
            elif wait & EVENT_READ:
                session.fill()
    except StopIteration as end:
        found: Found = end.value
        return found


def cause(err: OSError) -> str:
    """Name what happened, in a few words."""
    if isinstance(err, TimeoutError):
        return _LATE
    return err.strerror or str(err) or "the server hung up"
