"""The connection that one call sends over: opened when needed, again when lost, given up when asked to stop."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from threading import Event, Thread
from typing import TYPE_CHECKING

from composer.errors import TransportError
from composer.transport.smtp_connect import NoConnection
from composer.transport.smtp_parcel import Parcel, envelope, unfit
from composer.transport.smtp_reply import Lost, Reply
from composer.transport.smtp_session import Session

if TYPE_CHECKING:
    from composer.message.model import Message

STOPPED = "stopped on request"
_LOOK_SECONDS = 0.05
_STALE_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Server:
    """What the lanes to one server share.

    How to connect, seconds to wait between tries, how many messages a connection is used for (0: any number), whether it was ever
    reached, whether to stop.
    """

    connect: Callable[[], Session]
    waits: tuple[float, ...]
    most: int = 0
    met: Event = field(default_factory=Event)
    stop: Event = field(default_factory=Event)


@dataclass(slots=True, eq=False)
class Lane:
    """One connection, when there is one; ``lost`` in a row; ``dotted`` from the final dot until its outcome is noted.

    ``next`` is what it will probably send next, made of ``foreseen``; ``offered`` the parcel whose envelope is out and not yet
    answered, ``reset`` tells that RSET went before it, ``offered_at`` when (monotonic) the server began to wait.
    """

    server: Server
    session: Session | None = None
    lost: int = 0
    dotted: bool = False
    foreseen: Message | None = None
    next: Parcel | None = None
    offered: Parcel | None = None
    offered_at: float = 0.0
    reset: bool = False

    @property
    def stale(self) -> bool:
        """Whether a server may have given up waiting for the message behind the envelope that is out, and hung up unheard.

        It should wait for three minutes (RFC 5321, 4.5.3.2.5); Postfix under stress waits for ten seconds.
        """
        return self.offered is not None and self.waited > _STALE_SECONDS

    @property
    def waited(self) -> float:
        """How long the server has been waiting for the message behind the envelope that is out, in seconds."""
        return time.monotonic() - self.offered_at

    def is_prepared_for(self, message: Message) -> bool:
        """Tell whether this is what was foreseen; the same message built anew has another date."""
        seen = self.foreseen
        return seen is message or (seen is not None and (seen.message_id, seen.date) == (message.message_id, message.date))

    def foresee(self, message: Message | None, parcel: Parcel | None) -> None:
        """Be prepared for a message, or for none."""
        self.foreseen, self.next = message, parcel

    def hang_up(self) -> None:
        """Close without a word."""
        if self.session:
            self.session.hang_up()
        self._forget()

    def leave(self) -> None:
        """Say goodbye and close; behind an envelope that nothing follows there is no goodbye."""
        if self.session and not self.offered:
            self.session.leave()
        self.hang_up()

    def ready(self) -> Session:
        """Return the connection, or a new one. Raises TransportError."""
        # DATA cannot be taken back: an envelope whose message does not follow costs the connection.
        if self.offered or (self.session and self._last(self.session.messages)):
            self.leave()
        if not self.session:
            self.session = self._connected()
        return self.session

    def there(self) -> Session:
        """Return the connection that there is. Raises Lost when there is none."""
        if self.session is None:
            raise Lost("there is no connection")
        return self.session

    def behind(self) -> bytes:
        """Return the envelope of what comes next, if it may be pipelined behind a message."""
        session, parcel = self.there(), self.next
        if parcel and session.offer.pipelining and not (self.server.stop.is_set() or self._last(session.messages + 1)):
            with suppress(TransportError):  # it is said when its turn has come
                return b"" if unfit(parcel, session.offer) else self.commands(parcel)
        return b""

    def commands(self, parcel: Parcel) -> bytes:
        """Return an envelope to be pipelined, which counts as out from now on; RSET before it ends what is half done (RFC 2920, 3.1)."""
        session = self.there()
        self.offered, self.offered_at, self.reset = parcel, time.monotonic(), not session.clean
        lines = (*(("RSET",) if self.reset else ()), *envelope(parcel, session.offer))
        return "".join(f"{line}\r\n" for line in lines).encode()

    def granted(self) -> bool:
        """Wait for what is said to the envelope that is out; True when it is the usual yes, come at once. Raises Lost."""
        session = self.there()
        if self.reset or not session.granted():
            return False
        self.offered, session.clean, session.used = None, False, True
        return True

    def replies(self, parcel: Parcel) -> Iterator[Reply]:
        """Yield what is said to MAIL, RCPT and DATA; without pipelining each is asked when its turn comes. Raises Lost."""
        session = self.there()
        session.clean, pipelined, reset = False, self.offered is not None, self.reset or not session.clean
        self.offered, self.reset = None, False
        if reset:
            _done(session.read() if pipelined else session.ask("RSET"))
        for command in envelope(parcel, session.offer):
            yield session.read() if pipelined else session.ask(command)

    def _last(self, messages: int) -> bool:
        return 0 < self.server.most <= messages

    def _forget(self) -> None:
        self.session = self.offered = None
        self.reset = False

    def _connected(self) -> Session:
        """Connect; once the server has worked, try again after each of the waits."""
        server, waits = self.server, iter(self.server.waits)
        while True:
            try:
                session = _unless_stopped(server)
            except NoConnection as err:
                wait = next(waits, None) if err.again and server.met.is_set() else None
                if wait is None:
                    raise
            else:
                server.met.set()
                return session
            server.stop.wait(wait)


def _done(reply: Reply) -> None:
    """RFC 5321, 4.1.1.5: RSET is always answered by 250."""
    if reply.code != 250:  # noqa: PLR2004 - see above
        raise Lost(f"the connection cannot be used again: {reply.words()}")


def _unless_stopped(server: Server) -> Session:
    """Connect in a thread of its own: a server that does not answer keeps nobody from stopping, for nothing was sent."""
    found: SimpleQueue[Session | BaseException] = SimpleQueue()

    def attempt() -> None:
        try:
            session = server.connect()
        except BaseException as err:  # noqa: BLE001 - it is raised where it is waited for
            found.put(err)
            return
        if server.stop.is_set():
            session.hang_up()
        found.put(session)

    if not server.stop.is_set():
        Thread(target=attempt, name="smtp-connect", daemon=True).start()
    while not server.stop.is_set():
        with suppress(Empty):
            got = found.get(timeout=_LOOK_SECONDS)
            if isinstance(got, BaseException):
                raise got
            return got
    raise TransportError(STOPPED)
