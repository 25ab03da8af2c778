"""One message over one connection: its envelope, offered before or now, then its bytes with the next envelope behind them.

Pipelined where the server offers it (RFC 2920), a command at a time where not. From the final dot until it is answered the lane
is ``dotted``, and the message perhaps accepted; before, it certainly is not.
"""

from __future__ import annotations

import time
from contextlib import suppress
from typing import TYPE_CHECKING

from composer.errors import TransportError
from composer.transport.base import Accepted
from composer.transport.smtp_lane import STALE_SECONDS
from composer.transport.smtp_parcel import envelope, unfit
from composer.transport.smtp_reply import Lost, Reply, Step, judge
from composer.transport.smtp_session import Short

if TYPE_CHECKING:
    from composer.transport.base import Outcome
    from composer.transport.smtp_lane import Lane
    from composer.transport.smtp_parcel import Parcel
    from composer.transport.smtp_session import Talk

_CLOSING, _GRANTED = 421, 354
# Nobody hangs up sooner on who was just told to go on; to look costs a call of the system for each message.
_A_WHILE = 0.05
# The first digit of a reply (RFC 5321, 4.2.1).
_DONE, _GO_ON = 2, 3
_STEPS = ((Step.MAIL, _DONE), (Step.RCPT, _DONE), (Step.DATA, _GO_ON))


class _Stale(Exception):  # noqa: N818 - a state of the connection
    """A connection that was kept is closed: servers do so after so many messages, or so long. That is no refusal."""


def transact(lane: Lane, parcel: Parcel) -> Talk[Outcome]:
    """Send a message. Raises Lost when the connection is, TransportError for what concerns everybody."""
    while True:
        if lane.offered is not parcel:
            session = yield from lane.ready()
            if too_much := unfit(parcel, session.offer):
                return too_much
        elif _granted_by_now(lane):
            return (yield from _hand_over(lane, parcel))
        try:
            refused = yield from _settle_envelope(lane, parcel)
        except _Stale:
            lane.hang_up()
        else:
            return refused or (yield from _hand_over(lane, parcel))


def _granted_by_now(lane: Lane) -> bool:
    """Tell whether the usual yes to the envelope that is out has come in good time, as it nearly always has. If not, nothing is read."""
    try:
        return lane.waited < min(_A_WHILE, STALE_SECONDS) and lane.granted()
    except Lost:  # it is met again, and judged, where the envelope is settled
        return False


def _settle_envelope(lane: Lane, parcel: Parcel) -> Talk[Outcome | None]:
    """Return why the message cannot follow, or None when it can. Raises _Stale when nobody has answered on a connection that was used."""
    session = lane.there()
    used, waited = session.used, lane.waited
    codes: list[int] = []
    refused: Outcome | None = None
    if waited > STALE_SECONDS or (lane.offered and session.ended):  # a message sent now would be in doubt for nothing
        raise _Stale
    try:
        if session.offer.pipelining:
            if lane.offered is None:
                session.expect_silence()
                yield from session.put(lane.commands(parcel, session))
            yield from session.listen()
            if lane.granted():
                codes.append(_GRANTED)
        if not codes:
            refused = yield from _hear(lane, parcel, codes)
        if waited > _A_WHILE and refused is None and session.speaks():
            raise _Stale  # it has waited for long enough, and hung up
    except Lost:
        if used and not codes:
            raise _Stale from None
        raise
    if refused and lane.session and codes[-1] // 100 == _GO_ON:
        yield from _end_empty(lane, nobody=codes[1] // 100 != _DONE)
    return refused


def _hear(lane: Lane, parcel: Parcel, codes: list[int]) -> Talk[Outcome | None]:
    """Hear the replies one by one, noting their codes; return what the first one that is no yes means."""
    session = lane.there()
    used = session.used
    refused: Outcome | None = None
    try:
        out = yield from lane.begin()
        for (step, expected), command in zip(_STEPS, envelope(parcel, session.offer), strict=True):
            reply = yield from session.read() if out else session.ask(command)
            if used and not codes and reply.code == _CLOSING:
                raise _Stale
            session.used = True
            codes.append(reply.code)
            if refused is None and reply.code // 100 != expected:
                refused = _judged(lane, parcel, step, reply)
            if reply.code == _CLOSING:
                lane.hang_up()
            if refused and not (out and lane.session):
                break
    except Lost:
        if refused is None:
            raise
        lane.hang_up()
    return refused


def _end_empty(lane: Lane, *, nobody: bool) -> Talk[None]:
    """The server waits for a message although its recipient was refused: RFC 2920, 3.1 has a lone dot sent then.

    Only if there is ``nobody`` who could receive it; otherwise nothing but the end of the connection takes DATA back.
    """
    with suppress(Lost):
        if nobody:
            yield from lane.there().put(b".\r\n")
            yield from lane.there().read()
            return
    lane.hang_up()


def _hand_over(lane: Lane, parcel: Parcel) -> Talk[Outcome]:
    session = lane.there()
    session.expect_silence()
    session.clean = True  # the final dot ends the transaction, whatever is said to it (RFC 5321, 4.1.1.4)
    behind = lane.behind()
    lane.dotted = True
    try:
        yield from session.hand_over(parcel.pieces, parcel.size, behind)
    except Short:
        lane.dotted = False
        raise
    reply = yield from session.read()
    lane.offered_at = time.monotonic()  # only now does the server begin to wait for what was pipelined
    try:
        outcome = _judged(lane, parcel, Step.DOT, reply)
    except TransportError:
        lane.dotted = False  # answered: a refusal of everybody, this message included
        raise
    if outcome is None:
        raise Lost("no answer")
    if reply.code == _CLOSING:
        lane.hang_up()
    elif not behind:
        session.clean = isinstance(outcome, Accepted)
    return outcome


def _judged(lane: Lane, parcel: Parcel, step: Step, reply: Reply) -> Outcome | None:
    known, relays = (parcel.sender, parcel.message_id), lane.server.relays
    return judge(step, reply, known=known, recipient=parcel.recipient, utf8=parcel.utf8, relays=relays)
