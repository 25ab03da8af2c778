"""The only loop that sends: claim, build, send, record, batch by batch and lane by lane.

The only caller of ``Transport.send``. Time, stop signal and message building come in as arguments. Whatever happens,
a delivery is never sent unless its claim is on disk, and a lost answer is never taken for a no.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from composer.delivery.ending import finish, stopped, words_of
from composer.delivery.lanes import Lanes
from composer.delivery.model import CampaignState, DeliveryEvent, DeliveryState, after_loss, follow
from composer.delivery.multiplex import Multiplex
from composer.delivery.orphans import LOST
from composer.delivery.results import Ended, not_sent, partly, results_of
from composer.delivery.sending import Report, Sending
from composer.delivery.turns import take_turns
from composer.errors import ComposerError, LedgerError, MergeError, TransportError, UsageError
from composer.ledger.campaigns import move_campaign, read_campaign
from composer.ledger.deliveries import settle_orphans
from composer.ledger.model import Result
from composer.transport.base import Letter, Multiplexed, Unknown, Unusable

if TYPE_CHECKING:
    from datetime import datetime

    from composer.delivery.results import Errand
    from composer.delivery.run import Workers
    from composer.ledger.model import Claimed
    from composer.message.model import Message
    from composer.transport.base import Outcome, Transport


_FRESH = timedelta(seconds=5)


def dispatch(sending: Sending) -> Report:
    """Send what is due of a campaign, until nothing is, ``stop`` says so, or the transport gives up.

    First settles what a dead process left in flight. Raises UsageError when another process sends this campaign.
    Whatever else ends the run early pauses the campaign with its reason: an interrupt and a ComposerError are raised as
    Stopped, anything else as it is. Then too `resume` loses and doubles nobody.
    """
    with sending.lock():
        _still_open(sending)
        try:
            _begin(sending)
            run = take_turns(sending, _lanes(sending))
            return finish(sending, run.stop, run.request)
        except BaseException as err:
            # A ledger that has just failed may fail once more; what is true is then found out by the next run.
            with suppress(LedgerError):
                move_campaign(sending.ledger, sending.campaign.id, CampaignState.PAUSED, sending.clock(), words_of(err))
            if not isinstance(err, (ComposerError, KeyboardInterrupt)):
                raise
            raise stopped(sending, err) from err


def _lanes(sending: Sending) -> Workers:
    """Return what sends side by side: threads, or a transport that needs none."""
    if isinstance(sending.transport, Multiplexed):
        return Multiplex(sending.transport, partial(_start, sending, sending.transport), partial(_settle, sending))
    return Lanes(partial(_deliver, sending), max(1, sending.transport.lanes))


def _still_open(sending: Sending) -> None:
    """Look again now that nobody else can change it: it may have been cancelled a moment ago."""
    if read_campaign(sending.ledger, sending.campaign.id).state is CampaignState.CANCELLED:
        raise UsageError(f"campaign {sending.campaign.id} is cancelled", hint="There is nothing left to send.")


def _begin(sending: Sending) -> None:
    now = sending.clock()
    state = after_loss(idempotent=sending.transport.idempotent)
    sending.watch.probe("recover")
    settle_orphans(sending.ledger, sending.campaign.id, state, LOST, now)
    sending.watch.probe("run")
    move_campaign(sending.ledger, sending.campaign.id, CampaignState.RUNNING, now)


def _deliver(sending: Sending, errand: Errand) -> Ended:
    """Build and send one batch, and build ahead who is next, in a lane's thread."""
    prepared = _prepare(sending, errand, sending.clock())
    if isinstance(prepared, Ended):
        return prepared
    sending.watch.probe("built")
    built, failed, upcoming = prepared
    ended = _send(sending, built, upcoming) if built else Ended([])
    sending.watch.probe("sent")
    return Ended(failed + ended.results, ended.reason, ahead=errand.ahead, upcoming=upcoming)


def _start(sending: Sending, transport: Multiplexed, errands: Sequence[Errand]) -> list[Ended]:
    """Build the messages of some errands and begin to send them, and build ahead who is next; return those that have ended so soon."""
    ended: list[Ended] = []
    letters: list[Letter] = []
    now = sending.clock()
    for errand in errands:
        prepared = _prepare(sending, errand, now)
        if isinstance(prepared, Ended):
            ended.append(prepared)
            continue
        sending.watch.probe("built")
        built, failed, upcoming = prepared
        for _, message in built:
            letters.append(Letter(message, upcoming, (errand, upcoming)))
        if failed:
            ended.append(Ended(failed, ahead=errand.ahead, upcoming=upcoming))
    transport.begin(letters)
    return ended


def _settle(sending: Sending, about: tuple[Errand, Message | None], outcome: Outcome | Unusable) -> Ended:
    errand, upcoming = about
    sending.watch.probe("sent")
    results, reason, *_ = _told(sending, errand.rows, outcome if isinstance(outcome, Unusable) else (outcome,))
    return Ended(results, reason, None, errand.ahead, upcoming)


def _prepare(sending: Sending, errand: Errand, now: datetime) -> tuple[list[tuple[Claimed, Message]], list[Result], Message | None] | Ended:
    """Build the messages of a batch, and that of who is next; return them, and those that cannot be built, or how it ended before."""
    try:
        return *_build(sending, errand, now), _foresee(sending, errand.ahead, now)
    except BaseException as err:  # noqa: BLE001 - whatever it was, nobody of these was sent
        return Ended(not_sent(errand.rows, words_of(err)), words_of(err), err)


def _build(sending: Sending, errand: Errand, now: datetime) -> tuple[list[tuple[Claimed, Message]], list[Result]]:
    built: list[tuple[Claimed, Message]] = []
    failed: list[Result] = []
    ready = errand.ready  # that of the first row; one that has waited for long would have an old date
    if ready is not None and now - ready.date < _FRESH:
        built.append((errand.rows[0], ready))
    for row in errand.rows[len(built) :]:
        try:
            built.append((row, sending.build(row, now)))
        except MergeError as err:
            failed.append(Result(row, follow(DeliveryState.SENDING, DeliveryEvent.UNBUILDABLE), "unbuilt", str(err)))
    return built, failed


def _foresee(sending: Sending, row: Claimed | None, now: datetime) -> Message | None:
    """Build the message of somebody whom nobody has claimed yet; what cannot be built fails when it is."""
    try:
        return sending.build(row, now) if row is not None else None
    except MergeError:
        return None


def _send(sending: Sending, built: Sequence[tuple[Claimed, Message]], upcoming: Message | None) -> Ended:
    rows = [row for row, _ in built]
    foreseen = () if upcoming is None else (upcoming,)
    try:
        return _told(sending, rows, sending.transport.send([message for _, message in built], *foreseen))
    except Unusable as err:
        return _told(sending, rows, err)
    except TransportError as err:
        return Ended(not_sent(rows, str(err)), words_of(err))
    except BaseException as err:  # noqa: BLE001 - whatever it was, these may have been sent
        return _lost(sending, rows, words_of(err))


def _told(sending: Sending, rows: Sequence[Claimed], said: Sequence[Outcome] | Unusable) -> Ended:
    """Say what a transport's word makes of a batch; one that does not fit it (too few, too many, no Outcomes) is no answer."""
    try:
        if isinstance(said, Unusable):
            return partly(rows, said, sending.clock)
        return Ended(results_of(rows, said, sending.clock))
    except Exception as err:  # noqa: BLE001 - whatever it was, these may have been sent
        return _lost(sending, rows, words_of(said if isinstance(said, Unusable) else err))


def _lost(sending: Sending, rows: Sequence[Claimed], why: str) -> Ended:
    reason = f"the answer of {sending.transport.name} was lost: {why}"
    state = after_loss(idempotent=sending.transport.idempotent)
    return Ended([Result(row, state, "lost", reason, None, sending.undo) for row in rows], reason)


def send_apart(transport: Transport, message: Message) -> Outcome:
    """Send one message that belongs to no campaign, such as a test; the record is its caller's, before and after.

    Raises TransportError when the transport is unusable; then the message was certainly not sent.
    """
    outcomes: Sequence[Outcome | None]
    reason = "no answer for one message"
    try:
        outcomes = transport.send([message])
    except Unusable as err:
        outcomes = err.outcomes
        if not any(outcomes):
            raise
    except TransportError:
        raise
    except Exception as err:  # noqa: BLE001 - whatever it was, the message may have been sent
        outcomes, reason = (), words_of(err)
    if len(outcomes) == 1 and outcomes[0] is not None:
        return outcomes[0]
    return Unknown(f"the answer of {transport.name} was lost: {reason}")
