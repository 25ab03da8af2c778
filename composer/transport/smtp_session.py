"""One connection to a mail server: connect, TLS, EHLO, AUTH, then commands and data. The sole user of smtplib.

It never falls back to plaintext and takes no certificate that it cannot verify. Whatever ends the connection is Lost;
what that means for a message is decided elsewhere.
"""

from __future__ import annotations

import re
import smtplib
import socket
import ssl
from base64 import b64encode
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from composer.errors import TransportError
from composer.transport.smtp_parcel import Offer
from composer.transport.smtp_reply import Lost, Reply
from composer.transport.smtp_settings import bare_host, literal, own_name, place, port

if TYPE_CHECKING:
    from composer.config import Smtp

_LINE = re.compile(rb"([2-5]\d\d)(?:([ -])([^\r\n]*))?\r?\n")
_LONGEST_LINE = 8192
_MOST_LINES = 200
_GOODBYE = 5
_TRANSIENT = 4


class NoConnection(TransportError):  # noqa: N818 - a state of the way out
    """No connection, no TLS or no login; ``again`` tells whether it may be different in a moment."""

    again: bool = False


@dataclass(slots=True, eq=False)
class Session:
    """An open connection, logged in; for one thread at a time.

    ``clean`` tells that no transaction is half done.
    """

    client: smtplib.SMTP
    offer: Offer
    clean: bool = True

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
            raise Lost(_cause(err)) from err

    def read(self) -> Reply:
        """Wait for a reply. Raises Lost."""
        try:
            return _reply(*self.client.getreply())
        except OSError as err:
            raise Lost(_cause(err)) from err

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


def connect(settings: Smtp, password: str, context: ssl.SSLContext | None) -> Session:
    """Open a connection as ``settings`` say; ``context`` verifies certificates, None is for ``security = "none"``.

    Raises NoConnection, with a hint, for whatever hinders it.
    """
    client = None
    try:
        client = _greeted(settings, context if settings.security == "tls" else None)
        _hello(client)
        if settings.security == "starttls":
            _start_tls(client, context)
        if settings.username:
            _login(client, settings.username, password)
    except BaseException as err:
        if client is not None:
            client.close()
        if isinstance(err, OSError | UnicodeError):
            raise _no_connection(err, settings) from err
        raise
    features = client.esmtp_features
    size = features.get("size", "").strip()
    offer = Offer(int(size) if size.isdecimal() else 0, "size" in features, "smtputf8" in features)
    return Session(client, offer)


def describe(session: Session, settings: Smtp) -> str:
    """Say in a line how the connection stands."""
    sock = session.client.sock
    secured = f"over {sock.version()}" if isinstance(sock, ssl.SSLSocket) else "without TLS"
    login = "login accepted" if settings.username else "no login asked for"
    return f"{place(settings)} answers {secured}, {login}"


def _strict_reply(client: smtplib.SMTP) -> tuple[int, bytes]:
    """Read one reply; smtplib's own takes half a line before the end of the connection for a whole one, and any number for a code."""
    if client.sock is None:
        raise smtplib.SMTPServerDisconnected("the connection is closed")
    client.file = client.file or client.sock.makefile("rb")
    code, lines = b"", list[bytes]()
    while True:
        try:
            line = client.file.readline(_LONGEST_LINE)
        except OSError as err:
            client.close()
            raise smtplib.SMTPServerDisconnected(_cause(err)) from err
        match = _LINE.fullmatch(line)
        if not match or (code and match[1] != code) or len(lines) >= _MOST_LINES:
            client.close()
            raise smtplib.SMTPServerDisconnected("the answer cannot be understood" if line.endswith(b"\n") else "the server hung up")
        code = match[1]
        lines.append(match[3] or b"")
        if match[2] != b"-":
            return int(code), b"\n".join(lines)


class _Plain(smtplib.SMTP):
    def getreply(self) -> tuple[int, bytes]:
        return _strict_reply(self)


class _Tls(smtplib.SMTP_SSL):
    def getreply(self) -> tuple[int, bytes]:
        return _strict_reply(self)


def _reply(code: int, text: bytes) -> Reply:
    return Reply(code, tuple(text.decode("utf-8", "replace").split("\n")))


def _greeted(settings: Smtp, context: ssl.SSLContext | None) -> smtplib.SMTP:
    host, number, timeout = bare_host(settings), port(settings), settings.timeout
    name = settings.ehlo_name.encode("idna").decode("ascii") if settings.ehlo_name else own_name()
    client: smtplib.SMTP
    if context:
        client = _Tls(host, number, local_hostname=name, timeout=timeout, context=context)
    else:
        client = _Plain(host, number, local_hostname=name, timeout=timeout)
    sock = client.sock
    if sock is not None:
        # The final dot is a small packet behind big ones: without this it waits for their acknowledgement, up to 40 ms on Linux.
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if not name:
            client.local_hostname = literal(sock.getsockname()[0])
    return client


def _hello(client: smtplib.SMTP) -> None:
    code, text = client.ehlo()
    if code != 250:  # noqa: PLR2004 - RFC 5321, 4.1.1.1
        raise smtplib.SMTPHeloError(code, text)


def _start_tls(client: smtplib.SMTP, context: ssl.SSLContext | None) -> None:
    if not client.has_extn("starttls"):
        hint = 'If it speaks TLS from the first byte, set [transport.smtp] security = "tls" and its port. Nothing is sent in plaintext.'
        raise NoConnection("the mail server offers no STARTTLS", hint=hint)
    client.starttls(context=context)
    _hello(client)


def _login(client: smtplib.SMTP, username: str, password: str) -> None:
    """AUTH PLAIN, else LOGIN (RFC 4954, RFC 4616), once: smtplib's own tries every way, which can lock an account, and only in ASCII."""
    offered = client.esmtp_features.get("auth", "").upper().split()
    if "PLAIN" in offered:
        code, text = client.docmd("AUTH", f"PLAIN {_base64(f'{chr(0)}{username}{chr(0)}{password}')}")
    elif "LOGIN" in offered:
        code, text = client.docmd("AUTH", "LOGIN")
        for answer in (username, password):
            if code == 334:  # noqa: PLR2004 - RFC 4954, 4: go on
                code, text = client.docmd(_base64(answer))
    else:
        hint = "It must offer AUTH PLAIN or LOGIN; without a login leave [transport.smtp] `username` empty."
        raise NoConnection("the mail server offers no login that is understood here", hint=hint)
    if code != 235:  # noqa: PLR2004 - RFC 4954, 6: accepted
        raise smtplib.SMTPAuthenticationError(code, text)


def _base64(text: str) -> str:
    return b64encode(text.encode()).decode("ascii")


def _no_connection(err: OSError | UnicodeError, settings: Smtp) -> NoConnection:
    """Say in plain words why there is no connection, and what to do."""
    where, again = place(settings), True
    match err:
        case smtplib.SMTPAuthenticationError():
            again = err.smtp_code // 100 == _TRANSIENT
            said = f"{where} refuses the login: {_said(err)}"
            hint = "Check [transport.smtp] `username`, and SMTP_PASSWORD in the environment or .env."
        case smtplib.SMTPResponseException():
            again = err.smtp_code // 100 == _TRANSIENT
            said = f"{where} takes no mail now: {_said(err)}"
            hint = "Fewer [transport.smtp] `connections` may help; its operator knows more."
        case ssl.SSLCertVerificationError():
            again = False
            said = f"the certificate of {where} cannot be trusted: {err.verify_message}"
            hint = "`host` must be the name in the certificate; the certificate of an authority of your own is named by SSL_CERT_FILE."
        case ssl.SSLError():
            said = f"no TLS with {where}: {err.reason or 'it hung up'}"
            hint = 'Port 465 wants [transport.smtp] security = "tls", port 587 "starttls".'
        case socket.gaierror() | UnicodeError():
            said, hint = f"the mail server {settings.host} is not found", "Check [transport.smtp] `host`, and this machine's network."
        case _:
            said = f"the mail server {where} does not answer: {_cause(err)}"
            hint = "Check [transport.smtp] `host`, `port` and `security`, and that no firewall stands between."
    found = NoConnection(said, hint=hint)
    found.again = again
    return found


def _said(err: smtplib.SMTPResponseException) -> str:
    text = err.smtp_error
    return _reply(err.smtp_code, text if isinstance(text, bytes) else text.encode()).words()


def _cause(err: OSError) -> str:
    """Name what happened, not smtplib's words for it: it says "Server not connected" for every failure to write."""
    cause = err.__context__ if isinstance(err, smtplib.SMTPException) and isinstance(err.__context__, OSError) else err
    if isinstance(cause, TimeoutError):
        return "no answer in time"
    return cause.strerror or str(cause) or "the server hung up"
