"""The connection that messages are sent over, one after another: opened when needed, again when lost, given up when asked to stop."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Event, Thread
from typing import TYPE_CHECKING

from composer.errors import TransportError
from composer.transport.smtp_connect import NoConnection
from composer.transport.smtp_parcel import Parcel, envelope, unfit
from composer.transport.smtp_reply import Lost, Reply
from composer.transport.smtp_session import WORD, Session

if TYPE_CHECKING:
    from composer.message.model import Message
    from composer.transport.smtp_session import Talk

STOPPED = "stopped on request"
# A server may have given up waiting for the message behind an envelope by then, and hung up unheard: it should wait for three minutes
# (RFC 5321, 4.5.3.2.5), Postfix under stress waits for ten seconds.
STALE_SECONDS = 5.0
_GOODBYE_SECONDS = 5.0


@dataclass(slots=True)
class Server:
    """What the lanes to one server share.

    How to connect (it blocks), how many seconds the server may be silent, seconds to wait between tries, how many messages a connection
    is used for (0: any number), whom to ``tell`` that a connection is there, whether it was ever reached, whether it has ever taken a
    message, whether to stop.
    """

    connect: Callable[[], Session]
    patience: float
    waits: tuple[float, ...]
    most: int = 0
    tell: Callable[[], None] = lambda: None
    met: bool = False
    relays: bool = False
    stop: Event = field(default_factory=Event)


@dataclass(slots=True, eq=False)
class Lane:
    """One connection, when there is one; ``lost`` in a row; ``dotted`` from the final dot until its outcome is noted.

    ``next`` is what it will probably send next, made of ``foreseen``; ``offered`` the parcel whose envelope is out and not yet
    answered, ``reset`` tells that RSET went before it, ``offered_at`` when (monotonic) the server began to wait.
    """

    server: Server
    patience: float
    session: Session | None = None
    lost: int = 0
    dotted: bool = False
    foreseen: Message | None = None
    next: Parcel | None = None
    offered: Parcel | None = None
    offered_at: float = 0.0
    reset: bool = False

    @property
    def waited(self) -> float:
        """How long the server has been waiting for the message behind the envelope that is out, in seconds; 0 when none is."""
        return time.monotonic() - self.offered_at if self.offered else 0.0

    def prepared(self, message: Message) -> Parcel | None:
        """Return the parcel of a message, if this is what was foreseen, and foresee nothing more; built anew it has another date."""
        seen, parcel = self.foreseen, self.next
        self.foreseen = self.next = None
        if seen is message or (seen is not None and (seen.message_id, seen.date) == (message.message_id, message.date)):
            return parcel
        return None

    def foresee(self, message: Message | None, parcel: Parcel | None) -> None:
        """Be prepared for a message, or for none."""
        self.foreseen, self.next = message, parcel

    def hang_up(self) -> None:
        """Close without a word."""
        if self.session:
            self.session.hang_up()
        self._forget()

    def leave(self) -> Talk[None]:
        """Say goodbye and close; behind an envelope that nothing follows there is no goodbye."""
        if self.session and not self.offered:
            self.patience = min(_GOODBYE_SECONDS, self.server.patience)
            try:
                yield from self.session.leave()
            finally:
                self.patience = self.server.patience
        self.hang_up()

    def ready(self) -> Talk[Session]:
        """Return the connection, or a new one. Raises TransportError."""
        # DATA cannot be taken back: an envelope whose message does not follow costs the connection.
        if self.offered or (self.session and self._last(self.session.messages)):
            yield from self.leave()
        if not self.session:
            self.session = yield from _connected(self.server)
            self.session.sock.settimeout(0)  # from here on a talk waits, and not its thread
        return self.session

    def there(self) -> Session:
        """Return the connection that there is. Raises Lost when there is none."""
        if self.session is None:
            raise Lost("there is no connection")
        return self.session

    def behind(self) -> bytes:
        """Return the envelope of what comes next, if it may be pipelined behind a message."""
        session, parcel = self.there(), self.next
        if not parcel or not session.offer.pipelining or self.server.stop.is_set() or self._last(session.messages + 1):
            return b""
        try:
            return b"" if unfit(parcel, session.offer) else self.commands(parcel, session)
        except TransportError:  # it is said when its turn has come
            return b""

    def commands(self, parcel: Parcel, session: Session) -> bytes:
        """Return an envelope to be pipelined, which counts as out from now on; RSET before it ends what is half done (RFC 2920, 3.1)."""
        self.offered, self.offered_at, self.reset = parcel, time.monotonic(), not session.clean
        lines = envelope(parcel, session.offer)
        return "\r\n".join(("RSET", *lines, "") if self.reset else (*lines, "")).encode()

    def granted(self) -> bool:
        """Tell whether the usual yes to the envelope that is out is there; then it is read. Raises Lost as ``Session.granted`` does."""
        session = self.session
        if session is None or self.reset or not session.granted():
            return False
        self.offered, session.clean, session.used = None, False, True
        return True

    def begin(self) -> Talk[bool]:
        """Begin to hear, or to ask, what is said to an envelope; return whether it is out. Raises Lost when RSET is not answered by yes."""
        session = self.there()
        out, reset = self.offered is not None, self.reset or not session.clean
        session.clean, self.offered, self.reset = False, None, False
        if reset:
            _done((yield from session.read() if out else session.ask("RSET")))
        return out

    def _last(self, messages: int) -> bool:
        return 0 < self.server.most <= messages

    def _forget(self) -> None:
        self.session = self.offered = None
        self.reset = False


def _done(reply: Reply) -> None:
    """RFC 5321, 4.1.1.5: RSET is always answered by 250."""
    if reply.code != 250:  # noqa: PLR2004 - see above
        raise Lost(f"the connection cannot be used again: {reply.naming_nobody()}")


def _connected(server: Server) -> Talk[Session]:
    """Connect in a thread of its own: a server that does not answer keeps nobody from stopping, for nothing was sent.

    Raises TransportError.
    """
    found: list[Session | BaseException] = []
    left = Event()

    def connect() -> None:
        try:
            found.append(_tried(server))
        except BaseException as err:  # noqa: BLE001 - it is raised where it is waited for
            found.append(err)
        if left.is_set():
            _hang_up(found)
        server.tell()

    if not server.stop.is_set():
        Thread(target=connect, name="smtp-connect", daemon=True).start()
    try:
        while not (found or server.stop.is_set()):
            yield WORD
        if server.stop.is_set():
            raise TransportError(STOPPED)
        if isinstance(found[0], BaseException):
            raise found[0]
        return found.pop()  # type: ignore[return-value]  # no exception, see above
    finally:
        left.set()
        _hang_up(found)


def _hang_up(found: list[Session | BaseException]) -> None:
    for each in found:
        if isinstance(each, Session):
            each.hang_up()


def _tried(server: Server) -> Session:
    """Connect; once the server has worked, try again after each of the waits."""
    waits = iter(server.waits)
    while True:
        try:
            session = server.connect()
        except NoConnection as err:
            wait = next(waits, None) if err.again and server.met else None
            if wait is None or server.stop.wait(wait):
                raise
        else:
            server.met = True
            return session
