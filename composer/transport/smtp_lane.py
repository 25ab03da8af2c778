"""The connection that one thread sends over: opened when needed, again when lost, given up when asked to stop."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from threading import Event, Thread

from composer.errors import TransportError
from composer.transport.smtp_reply import Lost
from composer.transport.smtp_session import NoConnection, Session

STOPPED = "stopped on request"
_LOOK_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class Server:
    """What the lanes to one server share: how to connect, seconds to wait between tries, whether it was ever reached, whether to stop."""

    connect: Callable[[], Session]
    waits: tuple[float, ...]
    met: Event = field(default_factory=Event)
    stop: Event = field(default_factory=Event)


@dataclass(slots=True, eq=False)
class Lane:
    """One connection, when there is one; ``lost`` in a row; ``dotted`` from the final dot until its outcome is noted."""

    server: Server
    session: Session | None = None
    lost: int = 0
    dotted: bool = False

    def hang_up(self) -> None:
        """Close without a word."""
        if self.session:
            self.session.hang_up()
        self.session = None

    def leave(self) -> None:
        """Say goodbye and close."""
        if self.session:
            self.session.leave()
        self.session = None

    def ready(self) -> Session:
        """Return the connection, cleared of what was begun, or a new one. Raises TransportError."""
        if self.session:
            with suppress(Lost):
                if self.session.clean or self.session.ask("RSET").code == 250:  # noqa: PLR2004 - RFC 5321, 4.1.1.5
                    return self.session
            self.hang_up()
        self.session = self._connected()
        return self.session

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
