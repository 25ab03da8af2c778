"""How a run ends early: what is known is recorded first, what is in flight has some seconds to end, and the rest is lost."""

from __future__ import annotations

import time
from contextlib import nullcontext
from typing import TYPE_CHECKING

from composer.delivery.ending import INTERRUPTED
from composer.delivery.model import after_loss
from composer.delivery.run import LOOK_SECONDS, collect, hear, take
from composer.errors import LedgerError
from composer.ledger.deliveries import settle_orphans

if TYPE_CHECKING:
    from composer.delivery.run import Run

DRAIN_SECONDS = 8.0
# So long a ledger may take for what is handed in last; after that an interrupt ends the wait.
PATIENT_SECONDS = 10.0


def drain(run: Run) -> bool:
    """Let what is in flight end, for some seconds or until interrupted; what has not by then is lost. Returns False."""
    sending = run.sending
    run.stop = run.stop or "stopped"
    sending.transport.interrupt()
    end = time.monotonic() + (LOOK_SECONDS if run.stop == INTERRUPTED else DRAIN_SECONDS)
    while run.lanes.busy and time.monotonic() < end:
        run.desk.ask(0)
        if not collect(run):
            break
    _hand_in(run)
    if run.lanes.busy:
        _settle(run)
    return False


def break_off(run: Run) -> None:
    """Drain after an error, also when the lanes cannot be heard any more: then what they said before is known, and the rest is lost."""
    try:
        drain(run)
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
            take(run)
        run.desk.ask(0)
        hear(run)
        if run.desk.done:
            return
        if run.desk.busy:
            with run.sending.watch.interruptible() if time.monotonic() > run.patient else nullcontext():
                run.lanes.wait(LOOK_SECONDS)
