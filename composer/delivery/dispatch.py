"""The only loop that sends: claim, build, send, record, batch by batch and lane by lane.

The only caller of ``Transport.send``. Time, stop signal and message building come in as arguments. Whatever happens,
a delivery is never sent unless its claim is on disk, and a lost answer is never taken for a no.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from threading import Event
from typing import TYPE_CHECKING

from composer.delivery.desk import Desk
from composer.delivery.ending import INTERRUPTED, finish, stopped, words_of
from composer.delivery.lanes import Lanes
from composer.delivery.model import CampaignState, DeliveryEvent, DeliveryState, after_loss, follow
from composer.delivery.orphans import LOST
from composer.delivery.results import Ended, not_sent, partly, results_of
from composer.delivery.sending import Report, Sending
from composer.errors import ComposerError, LedgerError, MergeError, TransportError, UsageError
from composer.ledger.campaigns import move_campaign, next_due, read_campaign
from composer.ledger.deliveries import MOST, give_up, settle_orphans
from composer.ledger.model import Request, Result
from composer.transport.base import Unknown, Unusable

if TYPE_CHECKING:
    from datetime import datetime

    from composer.ledger.model import Claimed
    from composer.message.model import Message
    from composer.transport.base import Outcome, Transport

DRAIN_SECONDS = 8.0
_LOOK_SECONDS = 0.2
# So many are recorded and claimed in one commit, which then costs little a person; with more, all lanes would wait for the last of them.
_UNIT = 100
# So many refused one after the other, and nobody taken between them: it is not the people.
_MOST_REFUSED = 50
_ON_REQUEST = {Request.PAUSE: "paused on request", Request.CANCEL: "cancelled on request"}


@dataclass(slots=True)
class _Run:
    """Where one run stands; ``stop`` is why it takes nothing new. ``ready`` is set when a lane or the ledger has something to say."""

    sending: Sending
    lanes: Lanes[Sequence[Claimed], Ended]
    desk: Desk
    ready: Event
    size: int
    deadline: datetime
    stop: str = ""
    request: Request = Request.NONE
    error: BaseException | None = None
    told: datetime | None = None
    refused: int = 0


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
            run = _loop(sending)
            return finish(sending, run.stop, run.request)
        except BaseException as err:
            # A ledger that has just failed may fail once more; what is true is then found out by the next run.
            with suppress(LedgerError):
                move_campaign(sending.ledger, sending.campaign.id, CampaignState.PAUSED, sending.clock(), words_of(err))
            if not isinstance(err, (ComposerError, KeyboardInterrupt)):
                raise
            raise stopped(sending, err) from err


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


def _loop(sending: Sending) -> _Run:
    size, ready = min(sending.transport.batch or sending.batch, MOST), Event()
    lanes = Lanes[Sequence["Claimed"], Ended](lambda rows: _deliver(sending, rows), max(1, sending.transport.lanes), ready)
    run = _Run(sending, lanes, Desk(sending, ready, max(size, _UNIT)), ready, size, sending.clock() + sending.wait)
    try:
        while _turn(run):
            pass
    except BaseException:
        with suppress(LedgerError):
            _drain(run)
        raise
    finally:
        lanes.close()
        run.desk.close()
    if run.error:
        raise run.error
    return run


def _turn(run: _Run) -> bool:
    """Have recorded what has ended, claim for the lanes that are idle, wait for the next word; False when nothing is left to do."""
    sending, desk = run.sending, run.desk
    if not run.stop and sending.watch.stop():
        run.stop = "stopped on request"
    if not run.stop and sending.until and sending.clock() >= sending.until:
        run.stop = "the time in which this can be recalled is over; a resume hands the rest over for later"
    if run.stop and (run.lanes.busy or desk.busy):
        return _drain(run)
    desk.ask(0 if run.stop else run.lanes.idle * run.size)
    _hear(run)
    if run.lanes.busy or desk.busy:
        return _collect(run) or _drain(run)
    return not run.stop and (desk.more or _wait(run))


def _hear(run: _Run) -> None:
    """Take the ledger's answer, if it is there, and give the lanes what was claimed; when the run stops, nobody is begun with."""
    batch = run.desk.answer()
    if batch is None:
        return
    if batch.request and not run.stop:
        run.request, run.stop = batch.request, _ON_REQUEST[batch.request]
    if run.stop:
        run.desk.results += not_sent(batch.rows, run.stop)
        return
    for start in range(0, len(batch.rows), run.size):
        run.lanes.submit(batch.rows[start : start + run.size])


def _collect(run: _Run) -> bool:
    """Wait a moment for lanes and ledger, and take what they have to say; False when the wait was interrupted."""
    interrupted = False
    try:
        with run.sending.watch.interruptible():
            if not run.ready.wait(_LOOK_SECONDS):
                run.desk.look_again()
    except KeyboardInterrupt:
        run.stop, interrupted = INTERRUPTED, True
    run.ready.clear()
    for ended in run.lanes.collect():
        run.desk.results += ended.results
        run.stop = run.stop or ended.reason or _brake(run, ended.results)
        run.error = run.error or ended.error
    _hear(run)
    return not interrupted


def _brake(run: _Run, results: Sequence[Result]) -> str:
    """Say why to stop when everybody is refused alike: by a policy, a blocked address of ours, a limit."""
    for result in results:
        if result.state is DeliveryState.REJECTED:
            run.refused += 1
        elif result.state is DeliveryState.ACCEPTED:
            run.refused = 0
    if run.refused < _MOST_REFUSED:
        return ""
    last = next(result.answer for result in reversed(results) if result.state is DeliveryState.REJECTED)
    return f"{run.refused} people in a row were refused; the last answer: {last}"


def _drain(run: _Run) -> bool:
    """Let what is in flight end, for some seconds or until interrupted; what has not by then is lost. Returns False."""
    sending = run.sending
    run.stop = run.stop or "stopped"
    looks = 1 if run.stop == INTERRUPTED else round(DRAIN_SECONDS / _LOOK_SECONDS)
    sending.transport.interrupt()
    while run.lanes.busy and looks > 0:
        looks = looks - 1 if _collect(run) else 0
    _hand_in(run)
    if run.lanes.busy:
        state = after_loss(idempotent=sending.transport.idempotent)
        reason = f"the answer of {sending.transport.name} was lost: {run.stop}"
        settle_orphans(sending.ledger, sending.campaign.id, state, reason, sending.clock(), sending.undo)
        run.lanes.busy = 0
    return False


def _hand_in(run: _Run) -> None:
    """Have everything recorded that is known, and wait until it is."""
    while True:
        run.desk.ask(0)
        _hear(run)
        if not (run.desk.busy or run.desk.results):
            return
        run.ready.wait(_LOOK_SECONDS)
        run.ready.clear()


def _wait(run: _Run) -> bool:
    """Wait for what is deferred; False when nothing falls due while this run may wait."""
    sending, now = run.sending, run.sending.clock()
    give_up(sending.ledger, sending.campaign.id, now - sending.give_up, now)
    due = next_due(sending.ledger, sending.campaign.id)
    if due is None or due >= run.deadline:
        return False
    if run.told != due:
        run.told = due
        sending.watch.waiting(due)
    while (seconds := (due - sending.clock()).total_seconds()) > 0 and not sending.watch.stop():
        if read_campaign(sending.ledger, sending.campaign.id).request:
            break
        with sending.watch.interruptible():
            sending.sleep(min(seconds, _LOOK_SECONDS))
    run.desk.look_again()
    return True


def _deliver(sending: Sending, rows: Sequence[Claimed]) -> Ended:
    """Build and send one batch, in a lane's thread."""
    try:
        built, results = _build(sending, rows)
    except BaseException as err:  # noqa: BLE001 - whatever it was, nobody of these was sent
        return Ended(not_sent(rows, words_of(err)), words_of(err), err)
    sending.watch.probe("built")
    ended = _send(sending, built) if built else Ended([])
    sending.watch.probe("sent")
    return Ended(results + ended.results, ended.reason)


def _build(sending: Sending, rows: Sequence[Claimed]) -> tuple[list[tuple[Claimed, Message]], list[Result]]:
    now = sending.clock()
    built: list[tuple[Claimed, Message]] = []
    failed: list[Result] = []
    for row in rows:
        try:
            built.append((row, sending.build(row, now)))
        except MergeError as err:
            failed.append(Result(row, follow(DeliveryState.SENDING, DeliveryEvent.UNBUILDABLE), "unbuilt", str(err)))
    return built, failed


def _send(sending: Sending, built: Sequence[tuple[Claimed, Message]]) -> Ended:
    rows = [row for row, _ in built]
    outcomes: Sequence[Outcome] = ()
    reason = ""
    try:
        outcomes = sending.transport.send([message for _, message in built])
    except Unusable as err:
        return partly(rows, err, sending.clock())
    except TransportError as err:
        return Ended(not_sent(rows, str(err)), words_of(err))
    except BaseException as err:  # noqa: BLE001 - whatever it was, these may have been sent
        reason = words_of(err)
    try:
        return Ended(results_of(rows, outcomes, sending.clock()), reason)
    except Exception as err:  # noqa: BLE001 - no answers, too few, too many, or none that is an Outcome
        reason = f"the answer of {sending.transport.name} was lost: {reason or words_of(err)}"
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
