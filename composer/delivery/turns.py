"""The turns of one run: have recorded what ended, claim for the lanes that are idle, wait for the next word, until nothing is left.

Whatever ends a run early, what is known is recorded first, and what is in flight has some seconds to end.
"""

from __future__ import annotations

import time
from contextlib import nullcontext, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from composer.delivery.desk import Desk
from composer.delivery.ending import INTERRUPTED
from composer.delivery.lookahead import Lookahead
from composer.delivery.model import after_loss
from composer.delivery.restraint import Restraint
from composer.delivery.results import not_sent
from composer.errors import LedgerError
from composer.ledger.campaigns import next_due, read_campaign
from composer.ledger.deliveries import MOST, give_up, settle_orphans
from composer.ledger.model import Request

if TYPE_CHECKING:
    from datetime import datetime

    from composer.delivery.lanes import Lanes
    from composer.delivery.multiplex import Multiplex
    from composer.delivery.pacing import Hold
    from composer.delivery.results import Ended, Errand
    from composer.delivery.sending import Sending
    from composer.ledger.model import Result

    Workers = Lanes[Errand, Ended] | Multiplex[Errand, Ended]

DRAIN_SECONDS = 8.0
# So long a ledger may take for what is handed in last; after that an interrupt ends the wait.
PATIENT_SECONDS = 10.0
_LOOK_SECONDS = 0.2
# The more lanes there are, the less is lost while some wait for others.
_GATHER_SECONDS = 0.00025
_MANY_LANES = 16
_WORTH_SAYING = 3.0
_ON_REQUEST = {Request.PAUSE: "paused on request", Request.CANCEL: "cancelled on request"}
_TOO_LATE = "the time in which this can be recalled is over; a resume hands the rest over for later"


@dataclass(slots=True)
class Run:
    """Where one run stands; ``stop`` is why it takes nothing new.

    ``restraint`` is what holds it back, ``ahead`` who is next; ``patient`` is until when (monotonic) the last record is waited for.
    """

    sending: Sending
    lanes: Workers
    desk: Desk
    restraint: Restraint
    deadline: datetime
    ahead: Lookahead = field(default_factory=Lookahead)
    stop: str = ""
    request: Request = Request.NONE
    error: BaseException | None = None
    told: datetime | None = None
    patient: float = 0.0


def take_turns(sending: Sending, lanes: Workers) -> Run:
    """Run until nothing is left or there is a reason to stop; ``lanes`` send one batch each at a time.

    Raises what a lane or the ledger did, after everything that is known was recorded.
    """
    restraint = Restraint(sending, min(sending.transport.batch or sending.batch, MOST))
    run = Run(sending, lanes, Desk(sending, lanes.wake), restraint, sending.clock() + sending.wait)
    try:
        while _turn(run):
            pass
    except BaseException:
        with suppress(LedgerError):
            _break_off(run)
        raise
    finally:
        lanes.close()
        run.desk.close()
    if run.error:
        raise run.error
    return run


def _turn(run: Run) -> bool:
    """Take one turn; False when nothing is left to do."""
    desk = run.desk
    _look_for_a_stop(run)
    if run.stop and (run.lanes.busy or desk.busy):
        return _drain(run)
    _ask(run)
    _hear(run)
    if desk.busy:
        return _collect(run) or _drain(run)
    hold = run.restraint.hold() if run.lanes.idle and not run.stop and (desk.more or run.ahead) else None
    if not desk.done or (hold and not hold.seconds):
        return True
    if run.lanes.busy:
        return _collect(run, hold.seconds if hold else _LOOK_SECONDS) or _drain(run)
    return _rest(run, hold) if hold else not run.stop and _wait(run)


def _ask(run: Run) -> None:
    """Have recorded what ended, and claimed for the lanes that are idle: those they are prepared for first."""
    if run.stop:
        run.desk.ask(0)
        return
    _gather(run)
    size = run.restraint.size
    idle = min(run.lanes.idle, MOST // size)
    room = run.restraint.room(idle * size)  # whole batches: a small one is a call like any other
    if not run.restraint.foresees:
        run.desk.ask(room)
        return
    foresight = run.ahead.foresight(room)
    if run.desk.ask(room - len(foresight.chosen), foresight):
        run.ahead.asked(foresight)


def _gather(run: Run) -> None:
    """Let lanes that end at nearly the same moment share a commit, which alone costs as much as ten people in it."""
    lanes, end = run.lanes, time.monotonic() + run.lanes.count * _GATHER_SECONDS
    enough = lanes.count * 2 // 3 if lanes.count >= _MANY_LANES else 0
    while not run.desk.busy and 0 < lanes.idle < enough and (left := end - time.monotonic()) > 0:
        lanes.quorum = enough - lanes.idle
        lanes.wait(left)
        lanes.quorum = 1
        _take(run)


def _look_for_a_stop(run: Run) -> None:
    sending = run.sending
    if not run.stop and sending.watch.stop():
        run.stop = "stopped on request"
    if not run.stop and sending.until and sending.clock() >= sending.until:
        run.stop = _TOO_LATE


def _hear(run: Run) -> None:
    """Take the ledger's answer, if it is there, and give the lanes what was claimed; when the run stops, nobody is begun with."""
    batch = run.desk.answer()
    if batch is None:
        return
    if batch.request and not run.stop:
        run.request, run.stop = batch.request, _ON_REQUEST[batch.request]
    if run.sending.until:
        _look_for_a_stop(run)  # the ledger may have been locked for long
    if run.stop:
        run.desk.hand_in(not_sent(batch.rows, run.stop))
        return
    rows, held = run.restraint.admit(batch.rows)
    run.desk.hand_in(held)
    run.restraint.begun(len(rows))
    if rows:
        run.deadline = run.sending.clock() + run.sending.wait
    run.lanes.submit(run.ahead.errands(rows, run.restraint.size, run.restraint.foreseeable(batch.ahead)))


def _collect(run: Run, seconds: float = _LOOK_SECONDS) -> bool:
    """Wait some ``seconds`` at most for lanes and ledger, and take what they have to say; False when the wait was interrupted."""
    interrupted = False
    run.lanes.quorum = run.lanes.count if run.desk.busy else 1  # nobody can begin before the ledger has answered
    try:
        with run.sending.watch.interruptible():
            if not run.lanes.wait(min(seconds, _LOOK_SECONDS)) and seconds >= _LOOK_SECONDS:
                run.desk.look_again()
    except KeyboardInterrupt:
        run.stop, interrupted = INTERRUPTED, True
    run.lanes.quorum = 1
    _take(run)
    _hear(run)
    return not interrupted


def _take(run: Run) -> None:
    """Take what became of the batches that have ended."""
    results: list[Result] = []
    try:
        for ended in run.lanes.collect():
            results += ended.results
            run.stop = run.stop or ended.reason
            run.error = run.error or ended.error
            run.ahead.take(ended)
    finally:
        run.desk.hand_in(results)
    why = run.restraint.heard(results)
    run.stop = run.stop or why


def _drain(run: Run) -> bool:
    """Let what is in flight end, for some seconds or until interrupted; what has not by then is lost. Returns False."""
    sending = run.sending
    run.stop = run.stop or "stopped"
    sending.transport.interrupt()
    end = time.monotonic() + (_LOOK_SECONDS if run.stop == INTERRUPTED else DRAIN_SECONDS)
    while run.lanes.busy and time.monotonic() < end:
        run.desk.ask(0)
        if not _collect(run):
            break
    _hand_in(run)
    if run.lanes.busy:
        _settle(run)
    return False


def _break_off(run: Run) -> None:
    """Drain after an error, also when the lanes cannot be heard any more: then what they said before is known, and the rest is lost."""
    try:
        _drain(run)
    except LedgerError:
        raise
    except Exception:  # noqa: BLE001 - what went wrong first is what is told
        _hand_in(run, deaf=True)
    _settle(run)


def _settle(run: Run) -> None:
    """Give up whoever is still in flight."""
    sending = run.sending
    state = after_loss(idempotent=sending.transport.idempotent)
    reason = f"the answer of {sending.transport.name} was lost: {run.stop}"
    settle_orphans(sending.ledger, sending.campaign.id, state, reason, sending.clock(), sending.undo)
    run.lanes.busy = 0


def _hand_in(run: Run, *, deaf: bool = False) -> None:
    """Have everything recorded that is known, and wait until it is; an interrupt ends a wait that lasts for long."""
    run.patient = run.patient or time.monotonic() + PATIENT_SECONDS
    while True:
        if not deaf:
            _take(run)
        run.desk.ask(0)
        _hear(run)
        if run.desk.done:
            return
        if run.desk.busy:
            with run.sending.watch.interruptible() if time.monotonic() > run.patient else nullcontext():
                run.lanes.wait(_LOOK_SECONDS)


def _rest(run: Run, hold: Hold) -> bool:
    """Wait a moment for the pace, which allows nothing yet. Returns True."""
    sending = run.sending
    until = sending.clock() + timedelta(seconds=hold.seconds)
    if hold.seconds > _WORTH_SAYING and (run.told is None or until - run.told > timedelta(seconds=1)):
        run.told = until
        sending.watch.resting(until, hold.limit)
    with sending.watch.interruptible():
        run.lanes.wait(min(hold.seconds, _LOOK_SECONDS))
    _take(run)  # nobody is under way, but a server may have hung up: what is not heard would end each wait at once
    if hold.seconds > _LOOK_SECONDS:
        run.desk.look_again()  # another process may have left a word
    return True


def _wait(run: Run) -> bool:
    """Wait for what is deferred; False when nothing falls due while this run may wait."""
    sending, now = run.sending, run.sending.clock()
    give_up(sending.ledger, sending.campaign.id, now - sending.give_up, now)
    due = next_due(sending.ledger, sending.campaign.id)
    if due is None or due >= run.deadline:
        return False
    if run.told != due:
        run.told = due
        sending.watch.waiting(due)
    if due <= now:  # whoever it is was not claimed: another transaction may have their row, and to ask at once would be to spin
        with sending.watch.interruptible():
            sending.sleep(_LOOK_SECONDS)
    while (seconds := (due - sending.clock()).total_seconds()) > 0 and not sending.watch.stop():
        if read_campaign(sending.ledger, sending.campaign.id).request:
            break
        with sending.watch.interruptible():
            sending.sleep(min(seconds, _LOOK_SECONDS))
    run.desk.look_again()
    return True
