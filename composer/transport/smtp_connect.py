"""How a connection to a mail server is made: connect, TLS, EHLO, AUTH, by ``smtplib``.

It never falls back to plaintext and takes no certificate that it cannot verify.
"""

from __future__ import annotations

import re
import smtplib
import socket
import ssl
from base64 import b64encode
from typing import TYPE_CHECKING

from composer.errors import TransportError
from composer.transport.smtp_parcel import Offer
from composer.transport.smtp_reply import Lost, Reply
from composer.transport.smtp_session import Session, cause, finish
from composer.transport.smtp_settings import bare_host, literal, own_name, place, port

if TYPE_CHECKING:
    from composer.config import Smtp

_TRANSIENT = 4
# RFC 1870, 3: up to 20 digits.
_SIZE = re.compile(r"[0-9]{1,20}")


class NoConnection(TransportError):  # noqa: N818 - a state of the way out
    """No connection, no TLS or no login; ``again`` tells whether it may be different in a moment."""

    again: bool = False


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
    known = ("size", "smtputf8", "8bitmime", "pipelining")
    session = client.session()
    session.offer = Offer(int(size) if _SIZE.fullmatch(size) else 0, *(name in features for name in known))
    return session


def describe(session: Session, settings: Smtp) -> str:
    """Say in a line how the connection stands."""
    sock = session.sock
    secured = f"over {sock.version()}" if isinstance(sock, ssl.SSLSocket) else "without TLS"
    login = "login accepted" if settings.username else "no login asked for"
    return f"{place(settings)} answers {secured}, {login}"


class _Plain(smtplib.SMTP):
    """Its replies are a Session's: smtplib takes half a line before the end for a whole one, and any number for a code."""

    _session: Session | None = None

    def session(self) -> Session:
        """Return what is connected; what came before TLS began is not heard any more (RFC 3207, 6)."""
        if self.sock is None:
            raise smtplib.SMTPServerDisconnected("the connection is closed")
        if self._session is None or self._session.sock is not self.sock:
            self._session = Session(self.sock)
        return self._session

    def getreply(self) -> tuple[int, bytes]:
        session = self.session()
        try:
            reply = finish(session, session.read())
        except Lost as err:
            self.close()
            raise smtplib.SMTPServerDisconnected(str(err)) from err
        return reply.code, "\n".join(reply.lines).encode()


class _Tls(_Plain, smtplib.SMTP_SSL):
    pass


def _greeted(settings: Smtp, context: ssl.SSLContext | None) -> _Plain:
    host, number, timeout = bare_host(settings), port(settings), settings.timeout
    name = settings.ehlo_name.encode("idna").decode("ascii") if settings.ehlo_name else own_name()
    client: _Plain
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


def _cause(err: OSError | UnicodeError) -> str:
    """Name what happened, not smtplib's words for it: it says "Server not connected" for every failure to write."""
    below = err.__context__
    found = below if isinstance(err, smtplib.SMTPException) and isinstance(below, OSError) else err
    return cause(found) if isinstance(found, OSError) else str(found)


def _said(err: smtplib.SMTPResponseException) -> str:
    text = err.smtp_error
    lines = (text.decode("utf-8", "replace") if isinstance(text, bytes) else text).split("\n")
    return Reply(err.smtp_code, tuple(lines)).words()
