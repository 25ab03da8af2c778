"""What a transport's Outcomes make of the deliveries of a batch. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from composer.delivery.ending import words_of
from composer.delivery.model import DeliveryEvent, DeliveryState, after, follow
from composer.delivery.retry import wait_before
from composer.ledger.model import Result
from composer.transport.base import Deferred

if TYPE_CHECKING:
    from composer.ledger.model import Claimed
    from composer.transport.base import Outcome, Unusable


@dataclass(frozen=True, slots=True)
class Ended:
    """What became of one batch in its lane; ``reason`` says why no other should begin, ``error`` what went wrong besides."""

    results: list[Result]
    reason: str = ""
    error: BaseException | None = None


def not_sent(rows: Sequence[Claimed], why: str) -> list[Result]:
    """Give back those who were certainly not sent to: they are due again."""
    state = follow(DeliveryState.SENDING, DeliveryEvent.NOT_SENT)
    return [Result(row, state, "not_sent", why) for row in rows]


def partly(rows: Sequence[Claimed], err: Unusable, now: datetime) -> Ended:
    """Say what became of a batch in which the transport became unusable."""
    outcomes = err.outcomes or [None] * len(rows)
    known = [result_of(row, outcome, now) for row, outcome in zip(rows, outcomes, strict=True) if outcome is not None]
    kept = [row for row, outcome in zip(rows, outcomes, strict=True) if outcome is None]
    return Ended(known + not_sent(kept, str(err)), words_of(err))


def result_of(row: Claimed, outcome: Outcome, now: datetime) -> Result:
    """Say what an Outcome makes of a delivery. Raises TypeError for anything that is no Outcome."""
    words = getattr(outcome, "answer", "") or getattr(outcome, "reason", "")
    due = now + wait_before(row.attempt, outcome.after) if isinstance(outcome, Deferred) else None
    return Result(row, after(outcome), type(outcome).__name__.lower(), words, due, getattr(outcome, "batch", ""))
