"""Deliveries moved by a person's word: cancelled, tried again, resolved. Nothing here touches what is being sent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import func, select, update

from composer.ledger.bulk import among
from composer.ledger.model import CampaignState, DeliveryState, Request
from composer.ledger.schema import REACHED_STATES, RESOLVED, campaigns, deliveries, moved_to

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from composer.ledger.database import Ledger

CANCELLED = "cancelled"
_D = deliveries.c
_WAITING = (DeliveryState.PENDING, DeliveryState.DEFERRED)


def may_have_it(state: DeliveryState, reason: str) -> bool:
    """Tell whether a real delivery in that state, with its reason, has or may have reached its person: in doubt and then skipped, too."""
    return state in REACHED_STATES or (state is DeliveryState.SKIPPED and reason == RESOLVED)


def cancel(ledger: Ledger, campaign: int, reason: str, now: datetime) -> int:
    """End a campaign: who was waiting is ``skipped``, who is in doubt stays so; return how many were skipped."""
    waiting = update(deliveries).where(_D.campaign == campaign, _D.state.in_(_WAITING))
    over = update(campaigns).where(campaigns.c.id == campaign)
    with ledger.write() as connection:
        connection.execute(over.values(state=CampaignState.CANCELLED, reason=reason, request=Request.NONE, updated_at=now))
        return connection.execute(waiting.values(**moved_to(DeliveryState.SKIPPED, CANCELLED), due_at=None, updated_at=now)).rowcount


def retry(ledger: Ledger, campaign: int, now: datetime) -> int:
    """Make what failed or was deferred due now, as if tried for the first time; return how many."""
    again = update(deliveries).where(_D.campaign == campaign, _D.state.in_((DeliveryState.FAILED, DeliveryState.DEFERRED)))
    values = {"due_at": None, "first_tried_at": None, "updated_at": now}
    return _move(ledger, campaign, again.values(**moved_to(DeliveryState.PENDING), **values), now)


def count_in_doubt(ledger: Ledger, campaign: int, keys: Sequence[str] | None = None) -> int:
    """Count who is in doubt, among all or among these address keys."""
    with ledger.read() as connection:
        asked = select(func.count()).where(_D.campaign == campaign, _D.state == DeliveryState.IN_DOUBT)
        if keys is not None:
            asked = asked.where(among(connection, _D.address_key, list(keys)))
        return int(connection.execute(asked).scalar() or 0)


def resolve(ledger: Ledger, campaign: int, state: DeliveryState, now: datetime, keys: Sequence[str] | None = None) -> int:
    """Move who is in doubt, all or these address keys, to ``state``: pending to be sent again, or skipped; return how many."""
    reason = RESOLVED if state is DeliveryState.SKIPPED else ""
    with ledger.read() as connection:
        doubtful = update(deliveries).where(_D.campaign == campaign, _D.state == DeliveryState.IN_DOUBT)
        if keys is not None:
            doubtful = doubtful.where(among(connection, _D.address_key, list(keys)))
    # To be sent again is to begin anew: the day in which a delivery is given up does not count from the first time.
    begun = {"first_tried_at": None} if state is DeliveryState.PENDING else {}
    return _move(ledger, campaign, doubtful.values(**moved_to(state, reason), **begun, updated_at=now), now)


def _move(ledger: Ledger, campaign: int, change: object, now: datetime) -> int:
    """Move deliveries; a campaign that was over then has something to send, or has ended, and its next run finds out which."""
    finished = update(campaigns).where(campaigns.c.id == campaign, campaigns.c.state == CampaignState.FINISHED)
    with ledger.write() as connection:
        moved = int(connection.execute(change).rowcount)  # type: ignore[call-overload]  # an update, whatever its values
        if moved:
            connection.execute(finished.values(state=CampaignState.PAUSED, reason="", updated_at=now))
    return moved
