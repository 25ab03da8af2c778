"""An open connection to a mail server: commands and messages out, replies in. Whatever ends it is Lost.

What that means for a message is decided elsewhere, and so is how to get a connection.
"""

from __future__ import annotations

import re
import select
import smtplib
import socket
import ssl
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from composer.transport.smtp_reply import Lost, Reply

if TYPE_CHECKING:
    from composer.transport.smtp_parcel import Offer

_LINE = re.compile(rb"([2-5]\d\d)(?:([ -])([^\r\n]*))?\r?\n")
# MAIL, RCPT and DATA, each with a reply of one line.
_GRANTED = re.compile(rb"250 [^\r\n]*\r\n250 [^\r\n]*\r\n354 [^\r\n]*\r\n")
_LONGEST_LINE = 8192
_MOST_LINES = 200
_GOODBYE = 5
_DOT = b".\r\n"


class Short(Lost):
    """Lost while a message was handed over: its final dot was certainly not sent."""


@dataclass(slots=True, eq=False)
class Session:
    """An open connection, logged in; for one thread at a time.

    ``clean`` tells that no transaction is half done, ``used`` that one was answered; ``messages`` counts those handed over.
    """

    client: smtplib.SMTP
    offer: Offer
    clean: bool = True
    used: bool = False
    messages: int = 0

    def ask(self, command: str) -> Reply:
        """Give a command and return the reply. Raises Lost."""
        if "\r" in command or "\n" in command:
            raise ValueError("a command is one line")
        self.put(f"{command}\r\n".encode())
        return self.read()

    def put(self, data: bytes) -> None:
        """Hand over bytes, all of them. Raises Lost."""
        if self.client.sock is None:
            raise Lost("the connection is closed")
        try:
            self.client.sock.sendall(data)
        except OSError as err:
            raise Lost(cause(err)) from err

    def hand_over(self, message: tuple[bytes, ...], behind: bytes) -> None:
        """Hand over a message, its final dot and what is pipelined behind it. Raises Short, or Lost when the dot may be out."""
        self.messages += 1
        sock, dot = self.client.sock, _DOT + behind
        if isinstance(sock, ssl.SSLSocket) or sock is None:  # how much of a record has left is not known
            try:
                self.put(b"".join(message))
            except Lost as err:
                raise Short(str(err)) from err
            self.put(dot)
            return
        last = sum(map(len, message)) + len(_DOT)
        sent = 0
        try:
            sent = sock.sendmsg((*message, dot))
            if sent < last + len(behind):
                rest = memoryview(b"".join((*message, dot)))
                while sent < len(rest):
                    sent += sock.sendmsg((rest[sent:],))
        except OSError as err:
            raise (Lost if sent >= last else Short)(cause(err)) from err

    def granted(self) -> bool:
        """Wait for the replies to a pipelined envelope, and tell whether they are the usual ones, come together: then they are read.

        False says nothing, and nothing is read: ``read`` has them one by one. Raises Lost.
        """
        file = self.client.file
        try:
            said = file.peek() if file else b""
            usual = _GRANTED.match(said)
            if usual and file:
                file.read(usual.end())
        except OSError as err:
            raise Lost(cause(err)) from err
        if usual and len(said) > usual.end():
            raise Lost("the server says more than it was asked for")
        return usual is not None

    def speaks(self) -> bool:
        """Tell whether there is something to hear, unasked: the end of the connection, or why it will end."""
        if self.client.sock is None:
            return True
        poll = select.poll()
        poll.register(self.client.sock, select.POLLIN)
        return bool(poll.poll(0))

    def read(self) -> Reply:
        """Wait for a reply. Raises Lost."""
        try:
            return strict_reply(self.client)
        except OSError as err:
            raise Lost(cause(err)) from err

    def leave(self) -> None:
        """Say QUIT and close; a server that does not answer is not waited for."""
        with suppress(OSError, Lost):
            if self.client.sock is not None:
                self.client.sock.settimeout(_GOODBYE)
                self.ask("QUIT")
        self.hang_up()

    def cut(self) -> None:
        """End the connection under a thread that waits for it."""
        sock = self.client.sock
        with suppress(OSError):
            if sock is not None:
                socket.socket.shutdown(sock, socket.SHUT_RDWR)  # past the TLS layer, which belongs to that thread

    def hang_up(self) -> None:
        """Close without a word."""
        with suppress(OSError):
            self.client.close()


def strict_reply(client: smtplib.SMTP) -> Reply:
    """Read one reply; smtplib's own takes half a line before the end of the connection for a whole one, and any number for a code.

    Raises SMTPServerDisconnected for what is none, and when there comes nothing.
    """
    if client.sock is None:
        raise smtplib.SMTPServerDisconnected("the connection is closed")
    client.file = client.file or client.sock.makefile("rb")
    code, lines = b"", list[str]()
    while True:
        try:
            line = client.file.readline(_LONGEST_LINE)
        except OSError as err:
            client.close()
            raise smtplib.SMTPServerDisconnected(cause(err)) from err
        match = _LINE.fullmatch(line)
        if not match or (code and match[1] != code) or len(lines) >= _MOST_LINES:
            client.close()
            raise smtplib.SMTPServerDisconnected("the answer cannot be understood" if line.endswith(b"\n") else "the server hung up")
        code, dash, text = match.groups()
        lines.append(text.decode("utf-8", "replace") if text else "")
        if dash != b"-":
            return Reply(int(code), tuple(lines))


def cause(err: OSError) -> str:
    """Name what happened, not smtplib's words for it: it says "Server not connected" for every failure to write."""
    cause = err.__context__ if isinstance(err, smtplib.SMTPException) and isinstance(err.__context__, OSError) else err
    if isinstance(cause, TimeoutError):
        return "no answer in time"
    return cause.strerror or str(cause) or "the server hung up"
