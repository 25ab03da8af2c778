"""How a run of the loop ends: the campaign's state, its reason in a line, and what is raised."""

from __future__ import annotations

from typing import TYPE_CHECKING

from composer.delivery.model import OPEN, CampaignState, DeliveryState, unsent
from composer.delivery.sending import RESUME, Report
from composer.errors import ComposerError, Stopped
from composer.ledger.campaigns import count_states, move_campaign, next_due
from composer.ledger.model import Request
from composer.ledger.resolution import cancel

if TYPE_CHECKING:
    from composer.delivery.sending import Sending

INTERRUPTED = "interrupted"


def stopped(sending: Sending, err: ComposerError | KeyboardInterrupt) -> Stopped:
    """Return what a run that ended early raises, with how to go on."""
    resume = RESUME.format(id=sending.campaign.id)
    if isinstance(err, KeyboardInterrupt):
        return Stopped(words_of(err), hint=resume)
    return Stopped(err.message, where=err.where, hint=f"{err.hint} {resume}".strip(), findings=err.findings)


def words_of(err: BaseException) -> str:
    """Say in one line what ended a run."""
    if isinstance(err, KeyboardInterrupt):
        return INTERRUPTED
    if isinstance(err, ComposerError):
        return f"{err}. {err.hint}".strip() if err.hint else str(err)
    return f"{type(err).__name__}: {err}".strip(" :")


def finish(sending: Sending, reason: str, request: Request) -> Report:
    """Put the campaign into the state that its deliveries are in, and report; ``reason`` says why the run took nothing more."""
    identity, was_stopped = sending.campaign.id, bool(reason)
    if request is Request.CANCEL:
        cancel(sending.ledger, identity, reason, sending.clock())
        return Report(identity, CampaignState.CANCELLED, count_states(sending.ledger, identity), reason, stopped=True)
    counts = count_states(sending.ledger, identity)
    left = {state: counts[state] for state in OPEN if counts.get(state)}
    state = CampaignState.PAUSED if left else CampaignState.FINISHED
    due = next_due(sending.ledger, identity) if unsent(counts) == counts.get(DeliveryState.DEFERRED) else None
    if left and not reason:
        reason = ", ".join(f"{number} {name.replace('_', ' ')}" for name, number in left.items())
        reason += f"; the next is due at {due:%Y-%m-%d %H:%M:%S} UTC" if due else ""
    sending.watch.probe("finish")
    move_campaign(sending.ledger, identity, state, sending.clock(), reason if left else "")
    return Report(identity, state, counts, reason if left else "", due, was_stopped)
