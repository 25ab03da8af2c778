"""The only loop that sends: claim, build, send, record, batch by batch.

The only caller of ``Transport.send``. Time, stop signal and message building come in as arguments. Whatever happens,
a delivery is never sent unless its claim is on disk, and a lost answer is never taken for a no.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from composer.delivery.lock import hold
from composer.delivery.model import OPEN, CampaignState, DeliveryEvent, DeliveryState, after, after_loss, follow, unsent
from composer.errors import ComposerError, LedgerError, MergeError, Stopped, TransportError
from composer.ledger.campaigns import count_states, move_campaign, next_due
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
class Watch:
    """Who looks on while a campaign runs.

    ``stop`` is asked between batches; ``interruptible`` is entered around the transport's call, the one place where an
    interrupt may cut in; ``progress`` is told how many more are settled; ``probe`` is told each step's name as it begins.
    """

    stop: Callable[[], bool] = lambda: False
    interruptible: Callable[[], AbstractContextManager[None]] = nullcontext
    progress: Callable[[int], None] = lambda _: None
    probe: Callable[[str], None] = lambda _: None


@dataclass(frozen=True, slots=True)
class Sending:
    """What one run needs: ``build`` makes the message of a claimed delivery (MergeError: that one fails, others go on).

    ``clock`` gives aware times.
    """

    ledger: Ledger
    campaign: Campaign
    transport: Transport
    build: Callable[[Claimed, datetime], Message]
    lock: Path
    clock: Callable[[], datetime]
    batch: int = 100
    watch: Watch = Watch()


@dataclass(frozen=True, slots=True)
class Report:
    """How a run ended; ``counts`` are the whole campaign's, by delivery state; ``reason`` says why it paused.

    ``due`` is set when a resume before then would find nothing to send.
    """

    campaign: int
    state: CampaignState
    counts: Mapping[str, int]
    reason: str = ""
    due: datetime | None = None

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

    First settles what a dead process left in flight. Raises UsageError when another process sends this campaign.
    Whatever else ends the run early pauses the campaign with its reason: an interrupt and a ComposerError are raised as
    Stopped, anything else as it is. Then too `resume` loses and doubles nobody.
    """
    with hold(sending.lock):
        try:
            _begin(sending)
            return _finish(sending, _loop(sending))
        except BaseException as err:
            # A ledger that has just failed may fail once more; what is true is then found out by the next run.
            with suppress(LedgerError):
                move_campaign(sending.ledger, sending.campaign.id, CampaignState.PAUSED, sending.clock(), _words(err))
            if not isinstance(err, (ComposerError, KeyboardInterrupt)):
                raise
            raise _stopped(sending, err) from err


def _stopped(sending: Sending, err: ComposerError | KeyboardInterrupt) -> Stopped:
    resume = RESUME.format(id=sending.campaign.id)
    if isinstance(err, KeyboardInterrupt):
        return Stopped(_words(err), hint=resume)
    return Stopped(err.message, where=err.where, hint=f"{err.hint} {resume}".strip(), findings=err.findings)


def _words(err: BaseException) -> str:
    """Say in one line what ended a run."""
    if isinstance(err, KeyboardInterrupt):
        return "interrupted"
    if isinstance(err, ComposerError):
        return f"{err}. {err.hint}".strip() if err.hint else str(err)
    return f"{type(err).__name__}: {err}".strip(" :")


def _begin(sending: Sending) -> None:
    now = sending.clock()
    state = after_loss(idempotent=sending.transport.idempotent)
    sending.watch.probe("recover")
    settle_orphans(sending.ledger, sending.campaign.id, state, "the process ended before the answer was recorded", now)
    sending.watch.probe("run")
    move_campaign(sending.ledger, sending.campaign.id, CampaignState.RUNNING, now)


def _loop(sending: Sending) -> str:
    started = sending.clock()
    while not sending.watch.stop():
        sending.watch.probe("claim")
        batch = claim(sending.ledger, sending.campaign.id, sending.batch, sending.clock(), started)
        sending.watch.probe("claimed")
        if not batch:
            return ""
        if reason := _deliver(sending, batch.rows):
            return reason
        sending.watch.progress(len(batch.rows) + batch.skipped)
    return "stopped on request"


def _deliver(sending: Sending, rows: Sequence[Claimed]) -> str:
    built, results = _build(sending, rows)
    sending.watch.probe("built")
    answers, reason = _send(sending, built) if built else ([], "")
    sending.watch.probe("sent")
    record(sending.ledger, results + answers, sending.clock())
    sending.watch.probe("recorded")
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
                failed.append(Result(row.id, follow(DeliveryState.SENDING, DeliveryEvent.UNBUILDABLE), "unbuilt", str(err)))
    except BaseException as err:
        record(sending.ledger, _not_sent([row.id for row in rows], _words(err)), now)
        raise
    return built, failed


def _send(sending: Sending, messages: Sequence[Message]) -> tuple[list[Result], str]:
    outcomes: list[Outcome] = []
    reason = ""
    try:
        with sending.watch.interruptible():
            outcomes = sending.transport.send(messages)
    except TransportError as err:
        return _not_sent([message.delivery_id for message in messages], str(err)), _words(err)
    except (Exception, KeyboardInterrupt) as err:  # noqa: BLE001 - whatever it was, these may have been sent
        reason = _words(err)
    try:
        now = sending.clock()
        return [_result(message, outcome, now) for message, outcome in zip(messages, outcomes, strict=True)], reason
    except Exception as err:  # noqa: BLE001 - no answers, too few, too many, or none that is an Outcome
        reason = f"the answer of {sending.transport.name} was lost: {reason or _words(err)}"
        state = after_loss(idempotent=sending.transport.idempotent)
        return [Result(message.delivery_id, state, "lost", reason) for message in messages], reason


def _not_sent(deliveries: Sequence[str], why: str) -> list[Result]:
    state = follow(DeliveryState.SENDING, DeliveryEvent.NOT_SENT)
    return [Result(delivery, state, "not_sent", why) for delivery in deliveries]


def _result(message: Message, outcome: Outcome, now: datetime) -> Result:
    state = after(outcome)
    words = getattr(outcome, "answer", "") or getattr(outcome, "reason", "")
    wait = (timedelta(seconds=outcome.after) if outcome.after is not None else _WAIT) if isinstance(outcome, Deferred) else None
    return Result(message.delivery_id, state, type(outcome).__name__.lower(), words, now + wait if wait is not None else None)


def _finish(sending: Sending, reason: str) -> Report:
    identity = sending.campaign.id
    counts = count_states(sending.ledger, identity)
    left = {state: counts[state] for state in OPEN if counts.get(state)}
    state = CampaignState.PAUSED if left else CampaignState.FINISHED
    due = next_due(sending.ledger, identity) if unsent(counts) == counts.get(DeliveryState.DEFERRED) else None
    if left and not reason:
        reason = ", ".join(f"{number} {name.replace('_', ' ')}" for name, number in left.items())
        reason += f"; the next is due at {due:%Y-%m-%d %H:%M:%S} UTC" if due else ""
    sending.watch.probe("finish")
    move_campaign(sending.ledger, identity, state, sending.clock(), reason if left else "")
    return Report(identity, state, counts, reason if left else "", due)
