"""What can happen to a delivery, and the whole table of which state may follow which. Pure; the ledger has the words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from composer.ledger.model import CampaignState, DeliveryState
from composer.transport.base import Accepted, Deferred, Outcome, Rejected, Unknown

__all__ = [
    "FINAL",
    "OPEN",
    "CampaignState",
    "DeliveryEvent",
    "DeliveryState",
    "Transition",
    "after",
    "after_loss",
    "event_of",
    "follow",
    "transition_table",
    "unsent",
]


class DeliveryEvent(StrEnum):
    """What can happen to a delivery."""

    CLAIMED = "claimed"
    ALREADY_MAILED = "already mailed"
    SUPPRESSED = "suppressed"
    CANCELLED = "cancelled"
    ACCEPTED = "accepted"
    DEFERRED = "deferred"
    REJECTED = "rejected"
    ANSWER_LOST = "answer lost"
    UNBUILDABLE = "message could not be built"
    NOT_SENT = "certainly not sent"
    HELD_BACK = "must wait for others of its domain"
    GAVE_UP = "gave up"
    CONFIRMED = "confirmed from outside"
    BOUNCED = "bounced"
    RESEND = "sender says: send again"
    SKIP = "sender says: skip"
    RECALL = "withdrawn in time"
    WITHDRAWN = "withdrawn to be sent again"
    UNSURE = "perhaps withdrawn"
    RETRY = "sender says: try again"


@dataclass(frozen=True, slots=True)
class Transition:
    """One row of the table: in state ``before``, ``event`` leads to ``after``."""

    before: DeliveryState
    event: DeliveryEvent
    after: DeliveryState


_S, _E = DeliveryState, DeliveryEvent
_TABLE = (
    Transition(_S.PENDING, _E.CLAIMED, _S.SENDING),
    Transition(_S.PENDING, _E.ALREADY_MAILED, _S.SKIPPED),
    Transition(_S.PENDING, _E.SUPPRESSED, _S.SKIPPED),
    Transition(_S.PENDING, _E.CANCELLED, _S.SKIPPED),
    Transition(_S.SENDING, _E.ACCEPTED, _S.ACCEPTED),
    Transition(_S.SENDING, _E.DEFERRED, _S.DEFERRED),
    Transition(_S.SENDING, _E.REJECTED, _S.REJECTED),
    Transition(_S.SENDING, _E.ANSWER_LOST, _S.IN_DOUBT),
    Transition(_S.SENDING, _E.UNBUILDABLE, _S.FAILED),
    Transition(_S.SENDING, _E.NOT_SENT, _S.PENDING),
    Transition(_S.SENDING, _E.HELD_BACK, _S.DEFERRED),
    Transition(_S.DEFERRED, _E.CLAIMED, _S.SENDING),
    Transition(_S.DEFERRED, _E.ALREADY_MAILED, _S.SKIPPED),
    Transition(_S.DEFERRED, _E.SUPPRESSED, _S.SKIPPED),
    Transition(_S.DEFERRED, _E.CANCELLED, _S.SKIPPED),
    Transition(_S.DEFERRED, _E.GAVE_UP, _S.FAILED),
    Transition(_S.DEFERRED, _E.RETRY, _S.PENDING),
    Transition(_S.FAILED, _E.RETRY, _S.PENDING),
    Transition(_S.IN_DOUBT, _E.CONFIRMED, _S.ACCEPTED),
    Transition(_S.IN_DOUBT, _E.BOUNCED, _S.REJECTED),
    Transition(_S.IN_DOUBT, _E.RESEND, _S.PENDING),
    Transition(_S.IN_DOUBT, _E.SKIP, _S.SKIPPED),
    Transition(_S.IN_DOUBT, _E.RECALL, _S.RECALLED),
    Transition(_S.IN_DOUBT, _E.WITHDRAWN, _S.PENDING),
    Transition(_S.ACCEPTED, _E.RECALL, _S.RECALLED),
    Transition(_S.ACCEPTED, _E.WITHDRAWN, _S.PENDING),
    Transition(_S.ACCEPTED, _E.UNSURE, _S.IN_DOUBT),
)
_NEXT = {(row.before, row.event): row.after for row in _TABLE}
_EVENTS: dict[type, DeliveryEvent] = {Accepted: _E.ACCEPTED, Deferred: _E.DEFERRED, Rejected: _E.REJECTED, Unknown: _E.ANSWER_LOST}
# Asked for each message: where an attempt leads that ended so.
_AFTER: dict[type, DeliveryState] = {kind: _NEXT[DeliveryState.SENDING, event] for kind, event in _EVENTS.items()}
FINAL = frozenset(DeliveryState) - {row.before for row in _TABLE}
# Nothing is sent of a campaign in one of these.
OVER = (CampaignState.FINISHED, CampaignState.CANCELLED)
# A campaign is not finished while one of its deliveries is in one of these.
OPEN = (DeliveryState.PENDING, DeliveryState.SENDING, DeliveryState.DEFERRED, DeliveryState.IN_DOUBT)
UNSENT = (DeliveryState.PENDING, DeliveryState.SENDING, DeliveryState.DEFERRED)


def transition_table() -> tuple[Transition, ...]:
    """Return every transition there is, in the order of a delivery's life."""
    return _TABLE


def unsent(counts: Mapping[str, int]) -> int:
    """Count the deliveries that a run may still send, of a campaign's counts by state."""
    return sum(counts.get(state, 0) for state in UNSENT)


def follow(state: DeliveryState, event: DeliveryEvent) -> DeliveryState:
    """Return the state that ``event`` leads to. Raises ValueError for what cannot happen in ``state``."""
    try:
        return _NEXT[state, event]
    except KeyError:
        raise ValueError(f"a delivery that is {state} cannot be: {event}") from None


def event_of(outcome: Outcome) -> DeliveryEvent:
    """Say what an Outcome is for a delivery. Raises TypeError for anything that is no Outcome."""
    try:
        return _EVENTS[type(outcome)]
    except KeyError:
        raise TypeError(f"not an Outcome: {outcome!r}") from None


def after(outcome: Outcome) -> DeliveryState:
    """Return the state of a delivery whose attempt ended so. Raises TypeError for anything that is no Outcome."""
    return _AFTER.get(type(outcome)) or follow(DeliveryState.SENDING, event_of(outcome))


def after_loss(*, idempotent: bool) -> DeliveryState:
    """Return the state of a delivery whose sender died or lost its way: due again if that does no harm, else in doubt."""
    return follow(DeliveryState.SENDING, DeliveryEvent.NOT_SENT if idempotent else DeliveryEvent.ANSWER_LOST)
