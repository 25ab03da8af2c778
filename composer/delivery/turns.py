"""The turns of one run: have recorded what ended, claim for the lanes that are idle, wait for the next word, until nothing is left."""

from __future__ import annotations

import time
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING

from composer.delivery.desk import Desk
from composer.delivery.draining import break_off, drain
from composer.delivery.restraint import Restraint
from composer.delivery.run import LOOK_SECONDS, Run, collect, hear, look_for_a_stop, take
from composer.errors import LedgerError
from composer.ledger.campaigns import next_due, read_campaign
from composer.ledger.deliveries import MOST, give_up
from composer.transport.base import Multiplexed

if TYPE_CHECKING:
    from composer.delivery.pacing import Hold
    from composer.delivery.run import Workers
    from composer.delivery.sending import Sending

# The more lanes there are, the less is lost while some wait for others.
_GATHER_SECONDS = 0.00025
_MANY_LANES = 16
_WORTH_SAYING = 3.0


def take_turns(sending: Sending, lanes: Workers) -> Run:
    """Run until nothing is left or there is a reason to stop; ``lanes`` send one batch each at a time.

    Raises what a lane or the ledger did, after everything that is known was recorded.
    """
    most = 1 if isinstance(sending.transport, Multiplexed) else min(sending.transport.batch or sending.batch, MOST)
    restraint = Restraint(sending, most)
    run = Run(sending, lanes, Desk(sending, lanes.wake), restraint, sending.clock() + sending.wait)
    try:
        while _turn(run):
            pass
    except BaseException:
        with suppress(LedgerError):
            break_off(run)
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
    look_for_a_stop(run)
    if run.stop and (run.lanes.busy or desk.busy):
        return drain(run)
    _ask(run)
    hear(run)
    if desk.busy:
        return collect(run) or drain(run)
    hold = run.restraint.hold() if run.lanes.idle and not run.stop and (desk.more or run.ahead) else None
    if not desk.done or (hold and not hold.seconds):
        return True
    if run.lanes.busy:
        return collect(run, hold.seconds if hold else LOOK_SECONDS) or drain(run)
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
        take(run)


def _rest(run: Run, hold: Hold) -> bool:
    """Wait a moment for the pace, which allows nothing yet. Returns True."""
    sending = run.sending
    until = sending.clock() + timedelta(seconds=hold.seconds)
    if hold.seconds > _WORTH_SAYING and (run.told is None or until - run.told > timedelta(seconds=1)):
        run.told = until
        sending.watch.resting(until, hold.limit)
    with sending.watch.interruptible():
        run.lanes.wait(min(hold.seconds, LOOK_SECONDS))
    take(run)  # nobody is under way, but a server may have hung up: what is not heard would end each wait at once
    if hold.seconds > LOOK_SECONDS:
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
            sending.sleep(LOOK_SECONDS)
    while (seconds := (due - sending.clock()).total_seconds()) > 0 and not sending.watch.stop():
        if read_campaign(sending.ledger, sending.campaign.id).request:
            break
        with sending.watch.interruptible():
            sending.sleep(min(seconds, LOOK_SECONDS))
    run.desk.look_again()
    return True
