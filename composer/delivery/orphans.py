"""What a dead process left in flight. Under the campaign's lock, and before a new undo batch is begun, whoever comes next settles it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from composer.delivery.model import after_loss
from composer.ledger.deliveries import settle_orphans
from composer.ledger.undo import read_batches

if TYPE_CHECKING:
    from datetime import datetime

    from composer.ledger.database import Ledger
    from composer.ledger.model import Campaign

LOST = "the process ended before the answer was recorded"


def settle(ledger: Ledger, campaign: Campaign, now: datetime) -> int:
    """Move it where it belongs: a rehearsal is written over, all else is in doubt, with the batch it was handed over with.

    That is the newest batch there is: one is begun only when nothing is in flight any more. Return how many.
    """
    batches = read_batches(ledger, campaign.id)
    lost_with = batches[-1].id if batches else ""
    return settle_orphans(ledger, campaign.id, after_loss(idempotent=not campaign.real), LOST, now, lost_with)
