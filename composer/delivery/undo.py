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
from composer.errors import TransportError, UsageError
from composer.ledger.lock import hold_campaign
from composer.ledger.model import BatchState, CampaignState
from composer.ledger.resolution import cancel
from composer.ledger.undo import UndoBatch, count_in_doubt, keep_batch, read_batches, withdraw

if TYPE_CHECKING:
    from composer.config import Config
    from composer.ledger.database import Ledger
    from composer.ledger.model import Campaign
    from composer.project import Project

MOST_BATCHES = 4
# SendGrid: "until 10 minutes before the scheduled time"; one more for clocks that differ and calls that take their time.
_LAST_CALL = timedelta(minutes=11)
_RECALLED = "recalled"


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
    """Return the batch to hand over with: the newest that can still be withdrawn, else a new one; None when all four are used up.

    Raises TransportError, ConfigError when SendGrid gives no id.
    """
    batches = read_batches(ledger, campaign.id)
    if batches and batches[-1].state is BatchState.OPEN and now < last_call(batches[-1]):
        return batches[-1]
    if len(batches) >= MOST_BATCHES:
        return None
    from composer.transport.sendgrid import account, client  # noqa: PLC0415 - the package takes 85 ms

    send_at = (now + timedelta(minutes=config.transport.sendgrid.undo_minutes)).replace(microsecond=0)
    identity = account.create_batch(client.open_client(config))
    batch = UndoBatch(identity, campaign.id, len(batches) + 1, send_at, BatchState.OPEN)
    keep_batch(ledger, batch)
    return batch


def replace_doubtful(project: Project, config: Config, ledger: Ledger, campaign: Campaign, now: datetime) -> int:
    """Cancel a batch that holds somebody in doubt, so that all of it is sent again; return how many wait to be, 0 when it cannot be.

    Once a campaign, and only while there is time, a batch to spare and a free one of the account's ten slots.
    """
    batches = read_batches(ledger, campaign.id)
    if len(batches) >= MOST_BATCHES or any(each.state is BatchState.CANCELLED for each in batches):
        return 0
    doubtful = next((each for each in batches if now < last_call(each) and count_in_doubt(ledger, each)), None)
    if doubtful is None:
        return 0
    with hold_campaign(project, ledger, campaign.id):
        try:
            _cancel(config, doubtful)
        except TransportError:
            return 0  # no free slot, or no answer: it stays in doubt
        state = follow(DeliveryState.IN_DOUBT, DeliveryEvent.WITHDRAWN)
        return withdraw(ledger, doubtful, state, "its batch was in doubt, cancelled, and is sent again", now)


def recall(project: Project, config: Config, ledger: Ledger, campaign: Campaign, now: datetime) -> Recall:
    """Withdraw all of a campaign that has not gone out, and end it. Raises UsageError without undo or while it sends, TransportError."""
    every = read_batches(ledger, campaign.id)
    batches = [each for each in every if each.state is BatchState.OPEN]
    if every and not batches:
        raise UsageError(f"campaign {campaign.id} is recalled already", hint=f"`newsletter status {campaign.id}` says who was withdrawn.")
    if not batches:
        hint = "Only what was sent through SendGrid with `undo_minutes` can be; `newsletter cancel` stops what has not been sent."
        raise UsageError(f"campaign {campaign.id} cannot be recalled", hint=hint)
    in_time = [each for each in batches if now < last_call(each)]
    if campaign.state is CampaignState.RUNNING and control.cancel(project, ledger, campaign.id, now).waiting:
        raise UsageError(f"campaign {campaign.id} is being sent, and has not stopped yet", hint="Say it again in a moment.")
    if not in_time and campaign.state is CampaignState.FINISHED:
        return Recall(0, 0, len(batches))
    with hold_campaign(project, ledger, campaign.id):
        recalled = 0
        for each in in_time:
            _cancel(config, each)
            recalled += withdraw(ledger, each, follow(DeliveryState.ACCEPTED, DeliveryEvent.RECALL), _RECALLED, now)
        skipped = cancel(ledger, campaign.id, _RECALLED, now)
    return Recall(recalled, skipped, len(batches) - len(in_time))


def _cancel(config: Config, batch: UndoBatch) -> None:
    from composer.transport.sendgrid import account, client  # noqa: PLC0415 - the package takes 85 ms

    caller = client.open_client(config)
    # After a lost answer the batch may be cancelled already; asking twice is refused.
    if account.batch_status(caller, batch.id) != "cancel":
        account.cancel_batch(caller, batch.id)
