"""The only loop that sends: claim, build, send, record, batch by batch.

The only caller of ``Transport.send``. Time, stop signal and message building come in as arguments. Whatever happens,
a delivery is never sent unless its claim is on disk, and a lost answer is never taken for a no.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from composer.delivery.lock import hold
from composer.delivery.model import OPEN, CampaignState, DeliveryState, after, after_loss, unsent
from composer.errors import LedgerError, MergeError, Stopped, TransportError
from composer.ledger.campaigns import count_states, move_campaign
from composer.ledger.deliveries import claim, record, settle_orphans
from composer.ledger.model import Result
from composer.transport.base import Deferred

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime
    from pathlib import Path

    from composer.ledger.database import Ledger
    from composer.ledger.model import Campaign, Claimed
    from composer.message.model import Message
    from composer.transport.base import Outcome, Transport

RESUME = "`newsletter resume {id}` goes on where this stopped."
_WAIT = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Sending:
    """What one run needs: ``build`` makes the message of a claimed delivery (MergeError: that one fails, others go on).

    ``clock`` gives aware times; ``stop`` is asked between batches; ``progress`` is told how many more are settled;
    ``probe`` is told each step's name as it begins, for tests that die there.
    """

    ledger: Ledger
    campaign: Campaign
    transport: Transport
    build: Callable[[Claimed, datetime], Message]
    lock: Path
    clock: Callable[[], datetime]
    batch: int = 100
    stop: Callable[[], bool] = lambda: False
    progress: Callable[[int], None] = lambda _: None
    probe: Callable[[str], None] = lambda _: None


@dataclass(frozen=True, slots=True)
class Report:
    """How a run ended; ``counts`` are the whole campaign's, by delivery state; ``reason`` says why it paused."""

    campaign: int
    state: CampaignState
    counts: Mapping[str, int]
    reason: str = ""

    @property
    def left(self) -> int:
        """How many a resume may still send; those in doubt are none of them."""
        return unsent(self.counts)

    @property
    def exit_code(self) -> int:
        """0 when all went well, 1 when somebody was refused or failed, 3 when the campaign is not finished."""
        if self.state is not CampaignState.FINISHED:
            return Stopped.exit_code
        return int(any(self.counts.get(state) for state in (DeliveryState.REJECTED, DeliveryState.FAILED)))


def dispatch(sending: Sending) -> Report:
    """Send what is due of a campaign, until nothing is, ``stop`` says so, or the transport gives up.

    First settles what a dead process left in flight. Raises UsageError when another process sends this campaign, and
    Stopped when the ledger fails on the way or the run is interrupted; then too `resume` loses and doubles nobody.
    """
    identity = sending.campaign.id
    with hold(sending.lock):
        try:
            _begin(sending)
            return _finish(sending, _loop(sending))
        except LedgerError as err:
            hint = f"{err.hint} {RESUME.format(id=identity)}".strip()
            raise Stopped(err.message, where=err.where, hint=hint) from err
        except KeyboardInterrupt:
            raise Stopped("interrupted", hint=RESUME.format(id=identity)) from None


def _begin(sending: Sending) -> None:
    now = sending.clock()
    _, state = after_loss(idempotent=sending.transport.idempotent)
    sending.probe("recover")
    settle_orphans(sending.ledger, sending.campaign.id, state, "the process ended before the answer was recorded", now)
    sending.probe("run")
    move_campaign(sending.ledger, sending.campaign.id, CampaignState.RUNNING, now)


def _loop(sending: Sending) -> str:
    started = sending.clock()
    while not sending.stop():
        sending.probe("claim")
        batch = claim(sending.ledger, sending.campaign.id, sending.batch, sending.clock(), started)
        sending.probe("claimed")
        if not batch:
            return ""
        if reason := _deliver(sending, batch.rows):
            return reason
        sending.progress(len(batch.rows) + batch.skipped)
    return "stopped on request"


def _deliver(sending: Sending, rows: Sequence[Claimed]) -> str:
    built, results = _build(sending, rows)
    sending.probe("built")
    answers, reason = _send(sending, built)
    sending.probe("sent")
    record(sending.ledger, results + answers, sending.clock())
    sending.probe("recorded")
    return reason


def _build(sending: Sending, rows: Sequence[Claimed]) -> tuple[list[Message], list[Result]]:
    now = sending.clock()
    built: list[Message] = []
    failed: list[Result] = []
    try:
        for row in rows:
            try:
                built.append(sending.build(row, now))
            except MergeError as err:
                failed.append(Result(row.id, DeliveryState.FAILED, "unbuilt", str(err)))
    except BaseException as err:
        record(sending.ledger, [Result(row.id, DeliveryState.PENDING, "not_sent", type(err).__name__) for row in rows], now)
        move_campaign(sending.ledger, sending.campaign.id, CampaignState.PAUSED, now, f"a message could not be built: {err}")
        raise
    return built, failed


def _send(sending: Sending, messages: Sequence[Message]) -> tuple[list[Result], str]:
    if not messages:
        return [], ""
    try:
        outcomes = sending.transport.send(messages)
        now = sending.clock()
        return [_result(message, outcome, now) for message, outcome in zip(messages, outcomes, strict=True)], ""
    except TransportError as err:
        reason = f"{err}. {err.hint}".strip()
        return [Result(message.delivery_id, DeliveryState.PENDING, "not_sent", str(err)) for message in messages], reason
    except (Exception, KeyboardInterrupt) as err:  # noqa: BLE001 - whatever it was, these may have been sent
        reason = f"the answer of {sending.transport.name} was lost: {type(err).__name__} {err}".strip()
        _, state = after_loss(idempotent=sending.transport.idempotent)
        return [Result(message.delivery_id, state, "lost", reason) for message in messages], reason


def _result(message: Message, outcome: Outcome, now: datetime) -> Result:
    state = after(outcome)
    words = getattr(outcome, "answer", "") or getattr(outcome, "reason", "")
    wait = (timedelta(seconds=outcome.after) if outcome.after is not None else _WAIT) if isinstance(outcome, Deferred) else None
    return Result(message.delivery_id, state, type(outcome).__name__.lower(), words, now + wait if wait is not None else None)


def _finish(sending: Sending, reason: str) -> Report:
    counts = count_states(sending.ledger, sending.campaign.id)
    left = {state: counts[state] for state in OPEN if counts.get(state)}
    state = CampaignState.PAUSED if left else CampaignState.FINISHED
    if left and not reason:
        reason = ", ".join(f"{number} {name.replace('_', ' ')}" for name, number in left.items())
    sending.probe("finish")
    move_campaign(sending.ledger, sending.campaign.id, state, sending.clock(), reason if left else "")
    return Report(sending.campaign.id, state, counts, reason if left else "")
