"""Groups of messages that were handed over to be sent later, and can be withdrawn together until then."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import and_, exists, func, insert, select, update

from composer.ledger.model import BatchState, DeliveryState
from composer.ledger.schema import attempts, deliveries, moved_to, undo_batches

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import ColumnElement

    from composer.ledger.database import Ledger

_U, _D = undo_batches.c, deliveries.c


@dataclass(frozen=True, slots=True)
class UndoBatch:
    """One group: ``id`` is the provider's, ``number`` counts from 1 in a campaign, ``send_at`` is when it goes out."""

    id: str
    campaign: int
    number: int
    send_at: datetime
    state: BatchState


def keep_batch(ledger: Ledger, batch: UndoBatch) -> None:
    """Write down a group before the first message is handed over with it. Raises LedgerError when there is one of that number or id."""
    row = {"id": batch.id, "campaign": batch.campaign, "number": batch.number, "send_at": batch.send_at, "state": batch.state}
    with ledger.write() as connection:
        connection.execute(insert(undo_batches), [row])


def mark_batch(ledger: Ledger, batch: UndoBatch, state: BatchState) -> None:
    """Put a group into a state; nobody handed over with it moves."""
    with ledger.write() as connection:
        connection.execute(update(undo_batches).where(_U.id == batch.id).values(state=state))


def read_batches(ledger: Ledger, campaign: int) -> list[UndoBatch]:
    """Read a campaign's groups, the oldest first."""
    with ledger.read() as connection:
        found = connection.execute(select(undo_batches).where(_U.campaign == campaign).order_by(_U.number))
        return [UndoBatch(row.id, row.campaign, row.number, row.send_at, BatchState(row.state)) for row in found]


def count_in_doubt(ledger: Ledger, batch: UndoBatch) -> int:
    """Count who is in doubt and was handed over, perhaps, with this group."""
    asked = (
        select(func.count())
        .select_from(deliveries)
        .where(_D.campaign == batch.campaign, _D.state == DeliveryState.IN_DOUBT, _last_with(batch))
    )
    with ledger.read() as connection:
        return int(connection.execute(asked).scalar() or 0)


def withdraw(ledger: Ledger, batch: UndoBatch, state: DeliveryState, reason: str, now: datetime) -> int:
    """Note that a group was cancelled: whoever was handed over with it, surely or perhaps, moves to ``state``; return how many."""
    reached = _D.state.in_((DeliveryState.ACCEPTED, DeliveryState.IN_DOUBT))
    moved = update(deliveries).where(_D.campaign == batch.campaign, reached, _last_with(batch))
    with ledger.write() as connection:
        connection.execute(update(undo_batches).where(_U.id == batch.id).values(state=BatchState.CANCELLED))
        return connection.execute(moved.values(**moved_to(state, reason), updated_at=now)).rowcount


def _last_with(batch: UndoBatch) -> ColumnElement[bool]:
    """Say that a delivery's last attempt was made with this group."""
    last = and_(
        attempts.c.campaign == _D.campaign,
        attempts.c.position == _D.position,
        attempts.c.number == _D.attempts,
        attempts.c.batch == batch.id,
    )
    return exists(select(attempts.c.number).where(last)).correlate(deliveries)
