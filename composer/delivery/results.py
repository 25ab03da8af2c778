"""What a lane is given, and what a transport's Outcomes make of it. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from composer.delivery.ending import words_of
from composer.delivery.model import DeliveryEvent, DeliveryState, after, follow
from composer.delivery.retry import wait_before
from composer.ledger.model import Result
from composer.transport.base import Accepted, Deferred

if TYPE_CHECKING:
    from composer.ledger.model import Claimed
    from composer.message.model import Message
    from composer.transport.base import Outcome, Unusable

Clock = Callable[[], datetime]


class Errand(NamedTuple):
    """What a lane is given: deliveries to send, and who will probably be next, whom nobody has claimed.

    ``ready`` is the message of the first delivery, where it was built ahead.
    """

    rows: Sequence[Claimed]
    ahead: Claimed | None = None
    ready: Message | None = None


class Ended(NamedTuple):
    """What became of one batch in its lane; ``reason`` says why no other should begin, ``error`` what went wrong besides.

    ``ahead`` is who is next, and ``upcoming`` the message that a lane is prepared for.
    """

    results: list[Result]
    reason: str = ""
    error: BaseException | None = None
    ahead: Claimed | None = None
    upcoming: Message | None = None


def not_sent(rows: Sequence[Claimed], why: str) -> list[Result]:
    """Give back those who were certainly not sent to: they are due again."""
    state = follow(DeliveryState.SENDING, DeliveryEvent.NOT_SENT)
    return [Result(row, state, "not_sent", why) for row in rows]


def partly(rows: Sequence[Claimed], err: Unusable, clock: Clock) -> Ended:
    """Say what became of a batch in which the transport became unusable."""
    outcomes = err.outcomes or [None] * len(rows)
    told = [(row, outcome) for row, outcome in zip(rows, outcomes, strict=True) if outcome is not None]
    known = results_of([row for row, _ in told], [outcome for _, outcome in told], clock)
    kept = [row for row, outcome in zip(rows, outcomes, strict=True) if outcome is None]
    return Ended(known + not_sent(kept, str(err)), words_of(err))


def results_of(rows: Sequence[Claimed], outcomes: Sequence[Outcome], clock: Clock) -> list[Result]:
    """Say what Outcomes, one for each delivery, make of them; one that stands for many, as a request's does, is looked at once.

    Raises TypeError for what is no Outcome, ValueError when there are more or less of them.
    """
    made: list[Result] = []
    last: Outcome | None = None
    for row, outcome in zip(rows, outcomes, strict=True):
        if outcome is not last:
            state, kind, words, batch = _said(outcome)
            last = outcome
        due = clock() + wait_before(row.attempt, outcome.after) if isinstance(outcome, Deferred) else None
        made.append(Result(row, state, kind, words, due, batch))
    return made


def _said(outcome: Outcome) -> tuple[DeliveryState, str, str, str]:
    words = outcome.answer if isinstance(outcome, Accepted) else getattr(outcome, "reason", "")
    return after(outcome), type(outcome).__name__.lower(), words, getattr(outcome, "batch", "")
