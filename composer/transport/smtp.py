"""SMTP: one message a transaction, over connections that are kept (RFC 5321).

What was lost before the final dot is certainly not accepted; from the dot to its answer it is perhaps.
"""

from __future__ import annotations

from contextlib import suppress
from queue import Empty, LifoQueue
from threading import Timer
from typing import TYPE_CHECKING

from composer.errors import ComposerError, MergeError, TransportError
from composer.transport.base import Accepted, Deferred, Rejected, Unknown, Unusable
from composer.transport.smtp_lane import STOPPED, Lane, Server
from composer.transport.smtp_parcel import Parcel, mail_command, pack, unfit
from composer.transport.smtp_reply import Lost, Reply, Step, judge
from composer.transport.smtp_session import Session, connect, describe
from composer.transport.smtp_settings import verifying

if TYPE_CHECKING:
    from collections.abc import Sequence

    from composer.config import Smtp
    from composer.message.model import Message
    from composer.transport.base import Outcome

_WAITS = (1.0, 3.0, 10.0)
_GRACE = 5.0
_LOST_IN_A_ROW = 3
_CLOSING = 421


def probe(settings: Smtp, password: str) -> str:
    """Connect, log in, send nothing, and say in a line what was found. Raises ConfigError, and TransportError with a hint."""
    session = connect(settings, password, verifying(settings, password))
    try:
        reply = session.ask("NOOP")
        if reply.code // 100 != 2:  # noqa: PLR2004 - 2yz: done
            raise TransportError(f"the mail server answers, but is not ready: {reply.words()}", hint="Try again later, or ask who runs it.")
        return describe(session, settings)
    except Lost as err:
        raise TransportError(f"the mail server hung up after the login: {err}", hint="Try again later, or ask who runs it.") from err
    finally:
        session.leave()


class SmtpTransport:
    """Sends through one server, over at most ``connections`` connections, one for each call that is under way.

    ``waits`` are the seconds before each new try when a server that has worked cannot be reached; after the last one, or
    when three connections in a row are lost in a transaction, it is unusable. After ``interrupt`` what was not begun comes back
    in Unusable as certainly not sent, with the words ``stopped on request``; what is in flight has ``grace`` seconds to end.
    """

    name: str = "smtp"
    real: bool = True
    idempotent: bool = False
    batch: int = 1  # a message is a connection's own: after a crash no more than one of each is in doubt

    def __init__(self, settings: Smtp, password: str = "", *, waits: Sequence[float] = _WAITS, grace: float = _GRACE) -> None:
        """Raise ConfigError for settings that cannot work; nothing is connected before the first message."""
        self.lanes: int = settings.connections
        self._bounce_address, self._grace = settings.bounce_address, grace
        context = verifying(settings, password)
        self._server = Server(lambda: connect(settings, password, context), tuple(waits))
        self._lanes = tuple(Lane(self._server) for _ in range(self.lanes))
        self._idle: LifoQueue[Lane] = LifoQueue()
        for lane in self._lanes:
            self._idle.put(lane)
        self._relays = False

    def send(self, batch: Sequence[Message]) -> list[Outcome]:
        """Send one after another. Raises Unusable, with what is known of each message."""
        lane = self._idle.get()
        outcomes: list[Outcome | None] = [None] * len(batch)
        place = 0
        try:
            if lane.session:
                lane.session.clean = False  # it may have been idle for long: RSET finds out
            for place, message in enumerate(batch):
                outcomes[place] = self._one(lane, message)
                lane.dotted = False
                _give_up(lane, outcomes[place])
        except (Exception, KeyboardInterrupt) as err:
            lane.hang_up()
            if lane.dotted and outcomes[place] is None:
                outcomes[place] = Unknown(f"broken off while the answer was awaited: {type(err).__name__}")
            raise _unusable(err, outcomes) from err
        finally:
            lane.dotted = False
            self._idle.put(lane)
        return [outcome for outcome in outcomes if outcome is not None]

    def interrupt(self) -> None:
        """Begin no further transaction and end every wait; what is in flight may finish, within ``grace`` seconds."""
        if not self._server.stop.is_set():
            self._server.stop.set()
            timer = Timer(self._grace, self._cut)
            timer.daemon = True
            timer.start()

    def close(self) -> None:
        """Say goodbye on every connection that is not in use."""
        idle: list[Lane] = []
        with suppress(Empty):
            while True:
                idle.append(self._idle.get_nowait())
        for lane in idle:
            lane.leave()
            self._idle.put(lane)

    def _cut(self) -> None:
        for lane in self._lanes:
            if session := lane.session:
                session.cut()

    def _one(self, lane: Lane, message: Message) -> Outcome:
        if self._server.stop.is_set():
            raise TransportError(STOPPED)
        try:
            parcel = pack(message, self._bounce_address)
        except MergeError as err:
            return Rejected(f"the message cannot be written: {err}")
        try:
            outcome = self._transaction(lane, parcel)
        except Lost as err:
            lane.hang_up()
            lane.lost += 1
            if lane.dotted:
                return Unknown(f"the connection was lost before the answer: {err}")
            return Deferred(f"the connection was lost before the message was handed over: {err}")
        lane.lost = 0 if lane.session else lane.lost + 1
        return outcome

    def _transaction(self, lane: Lane, parcel: Parcel) -> Outcome:
        kept = lane.session
        session = lane.ready()
        if too_much := unfit(parcel, session.offer):
            return too_much
        session.clean = False
        try:
            reply = session.ask(mail_command(parcel, session.offer))
        except Lost:
            if session is not kept:
                raise
            reply = Reply(_CLOSING)
        if session is kept and reply.code == _CLOSING:
            # Servers close a connection after so many messages, or so long: that is no refusal.
            lane.hang_up()
            return self._transaction(lane, parcel)
        for answered, command in ((Step.MAIL, f"RCPT TO:<{parcel.recipient}>"), (Step.RCPT, "DATA")):
            if refused := self._judge(lane, answered, reply, parcel):
                return refused
            reply = session.ask(command)
        return self._judge(lane, Step.DATA, reply, parcel) or self._hand_over(lane, session, parcel)

    def _hand_over(self, lane: Lane, session: Session, parcel: Parcel) -> Outcome:
        session.put(parcel.on_the_wire)
        lane.dotted = True
        session.put(b".\r\n")
        reply = session.read()
        try:
            outcome = self._judge(lane, Step.DOT, reply, parcel)
        except TransportError:
            lane.dotted = False  # answered: a refusal of everybody, this message included
            raise
        if outcome is None:
            raise Lost("no answer")
        session.clean = isinstance(outcome, Accepted)
        self._relays = self._relays or session.clean
        return outcome

    def _judge(self, lane: Lane, step: Step, reply: Reply, parcel: Parcel) -> Outcome | None:
        known = (parcel.sender, parcel.message_id)
        outcome = judge(step, reply, known=known, recipient=parcel.recipient, utf8=parcel.utf8, relays=self._relays)
        if reply.code == _CLOSING:
            lane.hang_up()
        return outcome


def _give_up(lane: Lane, outcome: Outcome | None) -> None:
    if lane.lost >= _LOST_IN_A_ROW:
        lane.lost = 0
        reason = outcome.reason if isinstance(outcome, Deferred | Unknown) else ""
        hint = "Try again later; fewer [transport.smtp] `connections` or a longer `timeout` may help."
        raise TransportError(f"the mail server broke off {_LOST_IN_A_ROW} times in a row: {reason}", hint=hint)


def _unusable(err: BaseException, outcomes: Sequence[Outcome | None]) -> Unusable:
    if isinstance(err, ComposerError):
        unusable = Unusable(err.message, where=err.where, hint=err.hint)
    else:
        unusable = Unusable("interrupted" if isinstance(err, KeyboardInterrupt) else f"{type(err).__name__}: {err}".strip(" :"))
    unusable.outcomes = outcomes
    return unusable
