"""The canary of a campaign: who goes first, how far they are, and the two steps by which the rest is held back and let go.

While ``CanaryStage.holds``, a claim (``composer.ledger.deliveries``) finds nobody else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import func, or_, select, true, update

from composer.errors import LedgerError
from composer.findings import Where
from composer.ledger.model import CampaignState, CanaryStage, DeliveryState, Request
from composer.ledger.schema import CANARY, campaigns, deliveries

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from composer.ledger.database import Ledger

_C, _D = campaigns.c, deliveries.c


def mark_canary(connection: Connection, campaign: int, people: int) -> None:
    """Choose ``people`` of a campaign, each as likely as any other: those with the smallest delivery ids, which are random.

    Any order of the ids will do, so whatever the database sorts them by is as good.
    """
    last = select(_D.id).where(_D.campaign == campaign).order_by(_D.id).limit(1).offset(people - 1).scalar_subquery()
    connection.execute(update(deliveries).where(_D.campaign == campaign, _D.id <= last).values(canary=true()))


def count_canary(ledger: Ledger, campaign: int) -> dict[str, int]:
    """Count the deliveries of a campaign's canary by state; states that nobody is in are left out."""
    counting = select(_D.state, func.count().label("number")).where(_D.campaign == campaign, CANARY).group_by(_D.state)
    with ledger.read() as connection:
        return {row.state: row.number for row in connection.execute(counting)}


def count_untried(ledger: Ledger, campaign: int) -> int:
    """Count those of a campaign's canary whom nobody has tried yet: also who was only held back, for the others of their domain."""
    waiting = _D.state.in_((DeliveryState.PENDING, DeliveryState.SENDING, DeliveryState.DEFERRED))
    untried = or_(_D.state == DeliveryState.SENDING, _D.first_tried_at.is_(None))
    with ledger.read() as connection:
        return connection.execute(
            select(func.count()).select_from(deliveries).where(_D.campaign == campaign, CANARY, waiting, untried)
        ).scalar_one()


def hold_rest(ledger: Ledger, campaign: int, reason: str, now: datetime) -> None:
    """Pause a campaign whose canary has gone out; the rest waits. Raises LedgerError for an unknown id."""
    values = {"state": CampaignState.PAUSED, "reason": reason, "request": Request.NONE, "canary_stage": CanaryStage.GONE, "updated_at": now}
    with ledger.write() as connection:
        if connection.execute(update(campaigns).where(_C.id == campaign).values(values)).rowcount != 1:
            raise LedgerError(f"there is no campaign {campaign}", where=Where(ledger.name))


def release_rest(ledger: Ledger, campaign: int, now: datetime) -> bool:
    """Let the next run send to all, if the canary has gone out; say whether it had. One that is still going goes on as it is."""
    gone = update(campaigns).where(_C.id == campaign, _C.canary_stage == CanaryStage.GONE)
    with ledger.write() as connection:
        return connection.execute(gone.values(canary_stage=CanaryStage.OVER, updated_at=now)).rowcount == 1
