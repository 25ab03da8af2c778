"""Undo: a campaign is handed over for a later moment, and until ten minutes before it can be withdrawn.

Only SendGrid offers this (``send_at`` and ``batch_id`` of its v3 API). At most four batches a campaign; once a campaign, a batch
in doubt is cancelled and all of it sent again under a new id, because what is cancelled reaches nobody.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from composer.delivery import control
from composer.delivery.model import DeliveryEvent, DeliveryState, follow
from composer.delivery.orphans import settle
from composer.errors import TransportError, UsageError
from composer.ledger.campaigns import read_campaign
from composer.ledger.lock import hold_campaign
from composer.ledger.model import BatchState, CampaignState
from composer.ledger.resolution import cancel
from composer.ledger.undo import UndoBatch, count_in_doubt, keep_batch, mark_batch, read_batches, withdraw

if TYPE_CHECKING:
    from collections.abc import Callable

    from composer.config import Config
    from composer.ledger.database import Ledger
    from composer.ledger.model import Campaign
    from composer.project import Project

    Clock = Callable[[], datetime]

MOST_BATCHES = 4
# SendGrid: "until 10 minutes before the scheduled time"; one more for clocks that differ and calls that take their time.
_TOO_LATE = timedelta(minutes=10)
_LAST_CALL = timedelta(minutes=11)
_MOST_OF_IT = 0.7
_AFTER = {
    BatchState.REPLACING: follow(DeliveryState.IN_DOUBT, DeliveryEvent.WITHDRAWN),
    BatchState.RECALLING: follow(DeliveryState.ACCEPTED, DeliveryEvent.RECALL),
}
_UNSURE = follow(DeliveryState.ACCEPTED, DeliveryEvent.UNSURE)
_WORDS = {BatchState.REPLACING: "its batch was in doubt, cancelled, and is sent again", BatchState.RECALLING: "recalled"}


@dataclass(frozen=True, slots=True)
class Recall:
    """What a recall did: how many were withdrawn, how many were still waiting and are skipped, and how many batches had gone already."""

    recalled: int
    skipped: int
    too_late: int


def offers_undo(config: Config, campaign: Campaign) -> bool:
    """Tell whether a campaign, with the configuration it began with, is handed over for later."""
    return campaign.transport == "sendgrid" and config.transport.sendgrid.undo_minutes > 0


def last_call(batch: UndoBatch) -> datetime:
    """Return the last moment at which a batch is sure to be withdrawn."""
    return batch.send_at - _LAST_CALL


def choose_batch(config: Config, ledger: Ledger, campaign: Campaign, now: datetime) -> UndoBatch | None:
    """Return the batch to hand over with: the newest while most of its time is left, else a new one; None when all four are used up.

    The campaign is held, and nothing of it is in flight. Raises TransportError, ConfigError when SendGrid gives no id.
    """
    minutes = timedelta(minutes=config.transport.sendgrid.undo_minutes)
    batches = read_batches(ledger, campaign.id)
    if batches and batches[-1].state is BatchState.OPEN and now < batches[-1].send_at - max(minutes * _MOST_OF_IT, _LAST_CALL):
        return batches[-1]
    if len(batches) >= MOST_BATCHES:
        return None
    from composer.transport.sendgrid import account, client  # noqa: PLC0415 - the package takes 85 ms

    identity = account.create_batch(client.open_client(config))
    batch = UndoBatch(identity, campaign.id, len(batches) + 1, (now + minutes).replace(microsecond=0), BatchState.OPEN)
    keep_batch(ledger, batch)
    return batch


def reconcile(config: Config, ledger: Ledger, campaign: Campaign, clock: Clock) -> None:
    """Find out what became of a batch whose cancelling was begun and never told, while the campaign is held.

    Raises TransportError when SendGrid cannot be asked: then nothing may be sent, and nobody is told that they were withdrawn.
    """
    for batch in read_batches(ledger, campaign.id):
        if batch.state in _AFTER:
            if _is_cancelled(config, batch):
                withdraw(ledger, batch, _AFTER[batch.state], _WORDS[batch.state], clock())
            elif clock() < batch.send_at:
                mark_batch(ledger, batch, BatchState.OPEN)
            else:  # what was cancelled is no longer listed once its time is over
                withdraw(ledger, batch, _UNSURE, "its batch was perhaps cancelled", clock())


def replace_doubtful(config: Config, ledger: Ledger, campaign: Campaign, clock: Clock) -> int:
    """Cancel a batch that holds somebody in doubt, so that all of it is sent again; return how many wait to be, 0 when it cannot be.

    The campaign is held. Once a campaign, and only while there is time, a batch to spare and a free one of the account's ten slots.
    """
    batches = read_batches(ledger, campaign.id)
    if len(batches) >= MOST_BATCHES or any(each.state is not BatchState.OPEN for each in batches):
        return 0
    doubtful = next((each for each in batches if clock() < last_call(each) and count_in_doubt(ledger, each)), None)
    if doubtful is None:
        return 0
    try:
        return _cancel(config, ledger, doubtful, BatchState.REPLACING, clock) or 0
    except TransportError:
        return 0  # no free slot, or no answer: it stays in doubt


def recall(project: Project, config: Config, ledger: Ledger, campaign: Campaign, clock: Clock) -> Recall:
    """Withdraw all of a campaign that has not gone out, and end it. Raises UsageError without undo or while it sends, TransportError."""
    every = read_batches(ledger, campaign.id)
    if not every:
        hint = "Only what was sent through SendGrid with `undo_minutes` can be; `newsletter cancel` stops what has not been sent."
        raise UsageError(f"campaign {campaign.id} cannot be recalled", hint=hint)
    if read_campaign(ledger, campaign.id).state is CampaignState.RUNNING and control.cancel(project, ledger, campaign.id, clock()).waiting:
        raise UsageError(f"campaign {campaign.id} is being sent, and has not stopped yet", hint="Say it again in a moment.")
    with hold_campaign(project, ledger, campaign.id):
        settle(ledger, campaign, clock())
        reconcile(config, ledger, campaign, clock)
        batches = [each for each in read_batches(ledger, campaign.id) if each.state is BatchState.OPEN]
        if not batches:
            hint = f"`newsletter status {campaign.id}` says who was withdrawn."
            raise UsageError(f"campaign {campaign.id} is recalled already", hint=hint)
        found = [_cancel(config, ledger, each, BatchState.RECALLING, clock) for each in batches]
        too_late = found.count(None)
        if too_late == len(found) and read_campaign(ledger, campaign.id).state is CampaignState.FINISHED:
            return Recall(0, 0, too_late)
        skipped = cancel(ledger, campaign.id, _WORDS[BatchState.RECALLING], clock())
    return Recall(sum(filter(None, found)), skipped, too_late)


def _cancel(config: Config, ledger: Ledger, batch: UndoBatch, why: BatchState, clock: Clock) -> int | None:
    """Cancel a batch at SendGrid and withdraw it here; return how many, None when it is too late.

    What is about to happen is on disk before SendGrid is asked: whoever comes after a crash finds out. Raises TransportError.
    """
    from composer.transport.sendgrid import account, client  # noqa: PLC0415 - the package takes 85 ms

    caller = client.open_client(config)
    if clock() >= last_call(batch):
        return None
    mark_batch(ledger, batch, why)
    try:
        account.cancel_batch(caller, batch.id)
    except TransportError:
        if not _is_cancelled(config, batch):
            mark_batch(ledger, batch, BatchState.OPEN)
            raise
    in_time = clock() < batch.send_at - _TOO_LATE
    withdrawn = withdraw(ledger, batch, _AFTER[why] if in_time else _UNSURE, _WORDS[why], clock())
    return withdrawn if in_time else None


def _is_cancelled(config: Config, batch: UndoBatch) -> bool:
    from composer.transport.sendgrid import account, client  # noqa: PLC0415 - the package takes 85 ms

    return account.batch_status(client.open_client(config), batch.id) == "cancel"
