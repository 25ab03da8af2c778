"""One run: where it stands, and how it hears what lanes and ledger have to say."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from composer.delivery.ending import INTERRUPTED
from composer.delivery.lookahead import Lookahead
from composer.delivery.results import not_sent
from composer.ledger.model import Request

if TYPE_CHECKING:
    from datetime import datetime

    from composer.delivery.desk import Desk
    from composer.delivery.lanes import Lanes
    from composer.delivery.multiplex import Multiplex
    from composer.delivery.restraint import Restraint
    from composer.delivery.results import Ended, Errand
    from composer.delivery.sending import Sending
    from composer.ledger.model import Result

    Workers = Lanes[Errand, Ended] | Multiplex[Errand, Ended]

LOOK_SECONDS = 0.2
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


def look_for_a_stop(run: Run) -> None:
    """Stop when somebody asked for it, or when it is too late."""
    sending = run.sending
    if not run.stop and sending.watch.stop():
        run.stop = "stopped on request"
    if not run.stop and sending.until and sending.clock() >= sending.until:
        run.stop = _TOO_LATE


def hear(run: Run) -> None:
    """Take the ledger's answer, if it is there, and give the lanes what was claimed; when the run stops, nobody is begun with."""
    batch = run.desk.answer()
    if batch is None:
        return
    if batch.request and not run.stop:
        run.request, run.stop = batch.request, _ON_REQUEST[batch.request]
    if run.sending.until:
        look_for_a_stop(run)  # the ledger may have been locked for long
    if run.stop:
        run.desk.hand_in(not_sent(batch.rows, run.stop))
        return
    rows, held = run.restraint.admit(batch.rows)
    run.desk.hand_in(held)
    run.restraint.begun(len(rows))
    if rows:
        run.deadline = run.sending.clock() + run.sending.wait
    run.lanes.submit(run.ahead.errands(rows, run.restraint.size, run.restraint.foreseeable(batch.ahead)))


def collect(run: Run, seconds: float = LOOK_SECONDS) -> bool:
    """Wait some ``seconds`` at most for lanes and ledger, and take what they have to say; False when the wait was interrupted."""
    interrupted = False
    run.lanes.quorum = run.lanes.count if run.desk.busy else 1  # nobody can begin before the ledger has answered
    try:
        with run.sending.watch.interruptible():
            if not run.lanes.wait(min(seconds, LOOK_SECONDS)) and seconds >= LOOK_SECONDS:
                run.desk.look_again()
    except KeyboardInterrupt:
        run.stop, interrupted = INTERRUPTED, True
    run.lanes.quorum = 1
    take(run)
    hear(run)
    return not interrupted


def take(run: Run) -> None:
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
