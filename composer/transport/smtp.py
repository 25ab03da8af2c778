"""SMTP over connections that are kept: a message a transaction, the next envelope behind its final dot (RFC 5321, RFC 2920).

What was lost before the final dot is certainly not accepted; from the dot to its answer it is perhaps. A body goes out only when
the one before it on its connection was answered, so that no connection has more than one message in doubt.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import repeat
from threading import Lock, Timer
from typing import TYPE_CHECKING, NoReturn

from composer.errors import ComposerError, MergeError, TransportError
from composer.transport.base import Accepted, Deferred, Rejected, Unknown, Unusable
from composer.transport.smtp_connect import connect, describe
from composer.transport.smtp_lane import STOPPED, Lane, Server
from composer.transport.smtp_loop import Loop, Strand
from composer.transport.smtp_parcel import Parcel, pack
from composer.transport.smtp_pool import Pool
from composer.transport.smtp_reply import Lost
from composer.transport.smtp_session import finish
from composer.transport.smtp_settings import verifying
from composer.transport.smtp_transaction import transact

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from concurrent.futures import Future

    from composer.config import Smtp
    from composer.message.dkim import Signer
    from composer.message.model import Message
    from composer.transport.base import Letter, Outcome
    from composer.transport.smtp_session import Talk

_WAITS = (1.0, 3.0, 10.0)
_GRACE = 5.0
_GOODBYE = 5.0
_LOOK_SECONDS = 0.2
_LOST_IN_A_ROW = 3
_MOST_SIGNERS = 8


def probe(settings: Smtp, password: str) -> str:
    """Connect, log in, send nothing, and say in a line what was found. Raises ConfigError, and TransportError with a hint."""
    session = connect(settings, password, verifying(settings, password))
    try:
        reply = finish(session, session.ask("NOOP"))
        if reply.code // 100 != 2:  # noqa: PLR2004 - 2yz: done
            raise TransportError(f"the mail server answers, but is not ready: {reply.words()}", hint="Try again later, or ask who runs it.")
        return describe(session, settings)
    except Lost as err:
        raise TransportError(f"the mail server hung up after the login: {err}", hint="Try again later, or ask who runs it.") from err
    finally:
        session.sock.settimeout(_GOODBYE)
        finish(session, session.leave())
        session.hang_up()


class SmtpTransport:
    """Sends through one server, over at most ``connections`` connections, all of them served by the thread that waits for them.

    ``waits`` are the seconds before each new try when a server that has worked cannot be reached; after the last one, or
    when three connections in a row are lost in a transaction, it is unusable. After ``interrupt`` what was not begun comes back
    in Unusable as certainly not sent, with the words ``stopped on request``; what is in flight has ``grace`` seconds to end.
    """

    name: str = "smtp"
    real: bool = True
    idempotent: bool = False
    batch: int = 1  # a message is a connection's own: after a crash no more than one of each is in doubt
    ahead: bool = True
    direct: bool = True

    def __init__(
        self, settings: Smtp, password: str = "", *, signer: Signer | None = None, waits: Sequence[float] = _WAITS, grace: float = _GRACE
    ) -> None:
        """Raise ConfigError for settings that cannot work; nothing is connected before the first message."""
        self.lanes: int = settings.connections
        self._grace = grace
        self._pack = partial(pack, bounce_address=settings.bounce_address, signer=signer, verp=settings.verp)
        context = verifying(settings, password)
        self._loop: Loop[Lane, Outcome | Unusable] = Loop()
        opened = partial(connect, settings, password, context)
        self._signing = ThreadPoolExecutor(min(_MOST_SIGNERS, os.cpu_count() or 1), "smtp-sign") if signer else None
        self._server = Server(opened, settings.timeout, tuple(waits), settings.messages_per_connection, self._loop.wake)
        self._lanes = tuple(Lane(self._server, settings.timeout) for _ in range(self.lanes))
        self._pool = Pool(self._lanes)
        self._one_call = Lock()

    def begin(self, letters: Iterable[Letter], /) -> None:
        """Begin to send messages; see ``Multiplexed``. All are written before one is handed over: in a row that is done faster."""
        letters = list(letters)
        written = zip(letters, self._written(letters), strict=False)
        loaded = [(*self._loaded(message, upcoming, ready), about) for (message, upcoming, about), ready in written]
        for lane, parcel, about in loaded:
            self._loop.start(Strand(lane, self._told(lane, parcel), about))

    def wait(self, seconds: float, enough: int = 1, /) -> bool:
        """Wait for the server; see ``Multiplexed``."""
        return self._loop.wait(seconds, enough)

    def wake(self) -> None:
        """End a wait, from any thread."""
        self._loop.wake()

    def ended(self) -> Iterator[tuple[object, Outcome | Unusable]]:
        """Yield what became of messages; see ``Multiplexed``."""
        for strand in self._loop.advance():
            strand.line.dotted = False
            self._pool.give(strand.line)
            if strand.found is not None:
                yield strand.about, strand.found

    def send(self, batch: Sequence[Message], upcoming: Message | None = None, /) -> list[Outcome]:
        """Send one after another, a call at a time, with nothing else under way. Raises Unusable, with what is known of each message."""
        outcomes: list[Outcome | None] = [None] * len(batch)
        with self._one_call:
            for place, message in enumerate(batch):
                found = self._alone(message, batch[place + 1] if place + 1 < len(batch) else upcoming)
                if isinstance(found, Unusable):
                    outcomes[place], found.outcomes = found.outcomes[0], outcomes
                    raise found
                outcomes[place] = found
        return [outcome for outcome in outcomes if outcome is not None]

    def interrupt(self) -> None:
        """Begin no further transaction and end every wait; what is in flight may finish, within ``grace`` seconds."""
        if not self._server.stop.is_set():
            self._server.stop.set()
            self._loop.wake()
            timer = Timer(self._grace, self._cut)
            timer.daemon = True
            timer.start()

    def close(self) -> None:
        """Say goodbye on every connection that is not in use, and end all."""
        with self._one_call:
            lanes = self._pool.take_all()
            self._loop.close()
            goodbyes: Loop[Lane, None] = Loop()
            strands = [Strand[Lane, None](lane, lane.leave()) for lane in lanes]
            for strand in strands:
                goodbyes.start(strand)
            while not all(strand.ended for strand in strands):  # a goodbye has an end of its own
                goodbyes.wait(_LOOK_SECONDS)
                goodbyes.advance()
            goodbyes.close()
            for lane in self._lanes:
                lane.hang_up()
                lane.foresee(None, None)
                lane.dotted = False
            self._pool = Pool(self._lanes)

    def _cut(self) -> None:
        for lane in self._lanes:
            if session := lane.session:
                session.cut()

    def _alone(self, message: Message, upcoming: Message | None) -> Outcome | Unusable:
        """Send one message and wait for what becomes of it; broken off while its answer is awaited, it is in doubt."""
        lane, parcel = self._loaded(message, upcoming)
        strand = Strand(lane, self._told(lane, parcel))
        try:
            self._loop.start(strand)
            while strand.found is None:
                self._loop.wait(_LOOK_SECONDS)
                self._loop.advance()
        except (Exception, KeyboardInterrupt) as err:  # noqa: BLE001 - it is raised by who asked
            self._loop.drop(strand)
            strand.found = strand.found or _broken_off(lane, err)
        finally:
            lane.dotted = False
            self._pool.give(lane)
        return strand.found

    def _written(self, letters: Sequence[Letter]) -> Iterable[Future[Parcel | None] | None]:
        """Write what is upcoming side by side, where it is signed: a signature costs more than all else."""
        signing = self._signing
        return [signing.submit(self._foreseen, upcoming) for _, upcoming, _ in letters] if signing else repeat(None)

    def _loaded(
        self, message: Message, upcoming: Message | None, written: Future[Parcel | None] | None = None
    ) -> tuple[Lane, Parcel | Rejected | Unusable]:
        """Return a lane for a message, prepared for what is upcoming, and the parcel, or why there is none."""
        lane = self._pool.take(message.message_id)
        prepared = lane.prepared(message)
        try:
            parcel = prepared or self._pack(message)
            lane.foresee(upcoming, written.result() if written else self._foreseen(upcoming))
        except MergeError as err:
            return lane, Rejected(f"the message cannot be written: {err}")
        except (Exception, KeyboardInterrupt) as err:  # noqa: BLE001 - it is raised by who asked
            return lane, _broken_off(lane, err)
        return lane, parcel

    def _foreseen(self, message: Message | None) -> Parcel | None:
        try:
            return self._pack(message) if message is not None else None
        except MergeError:  # it is refused when its turn has come
            return None

    def _told(self, lane: Lane, parcel: Parcel | Rejected | Unusable) -> Talk[Outcome | Unusable]:
        """Say what becomes of a message, whatever happens."""
        if not isinstance(parcel, Parcel):
            return parcel
        if self._server.stop.is_set():
            return _broken_off(lane, TransportError(STOPPED))
        outcome: Outcome | None = None
        try:
            try:
                outcome = yield from transact(lane, parcel)
            except Lost as err:
                outcome = _lost(lane, err)
            else:
                lane.lost = 0 if lane.session else lane.lost + 1
                if isinstance(outcome, Accepted):
                    self._server.relays = True
            if lane.lost >= _LOST_IN_A_ROW:
                _give_up(lane, outcome)
        except (Exception, KeyboardInterrupt) as err:  # noqa: BLE001 - it is raised by who asked
            return _broken_off(lane, err, outcome)
        return outcome


def _lost(lane: Lane, err: Lost) -> Outcome:
    lane.hang_up()
    lane.lost += 1
    if lane.dotted:
        return Unknown(f"the connection was lost before the answer: {err}")
    return Deferred(f"the connection was lost before the message was handed over: {err}")


def _give_up(lane: Lane, outcome: Outcome) -> NoReturn:
    lane.lost = 0
    reason = outcome.reason if isinstance(outcome, Deferred | Unknown) else ""
    hint = "Try again later; fewer [transport.smtp] `connections` or a longer `timeout` may help."
    raise TransportError(f"the mail server broke off {_LOST_IN_A_ROW} times in a row: {reason}", hint=hint)


def _broken_off(lane: Lane, err: BaseException, outcome: Outcome | None = None) -> Unusable:
    """Say why the transport is unusable, and what that makes of the message that was under way."""
    lane.hang_up()
    if lane.dotted and outcome is None:
        outcome = Unknown(f"broken off while the answer was awaited: {type(err).__name__}")
    if isinstance(err, ComposerError):
        unusable = Unusable(err.message, where=err.where, hint=err.hint)
    else:
        unusable = Unusable("interrupted" if isinstance(err, KeyboardInterrupt) else f"{type(err).__name__}: {err}".strip(" :"))
    unusable.outcomes = [outcome]
    unusable.__cause__ = err
    return unusable
