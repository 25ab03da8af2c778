"""Deliveries: claimed durably before they are sent, recorded after.

The only code that moves a delivery between states. A claim takes due rows and nobody else's; a record moves only
what is ``sending``. Which states follow which is decided above, in ``composer.delivery.model``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, insert, select, update

from composer.errors import LedgerError
from composer.findings import Where
from composer.ledger.model import Batch, Claimed, DeliveryState
from composer.ledger.schema import HELD, attempts, campaigns, deliveries

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import Connection, Row, Select

    from composer.ledger.database import Ledger
    from composer.ledger.model import Result

# SQLite binds at most 32,766 values a statement (sqlite.org/limits.html); a claim stays far below.
MOST = 1_000
ALREADY_MAILED = "already_mailed"


def claim(ledger: Ledger, campaign: int, most: int, now: datetime, due_before: datetime | None = None) -> Batch:
    """Take up to ``most`` (at most 1,000) deliveries that are pending, or deferred and due before ``due_before`` (default: now).

    When this returns, the claim is on disk: each row is ``sending`` with an open attempt. Those whom another real
    campaign of the same issue has become ``skipped``. An empty Batch means that nothing is due.
    """
    with ledger.write() as connection:
        rows = _due(connection, campaign, min(most, MOST), due_before or now)
        held = _held_elsewhere(connection, campaign, rows)
        taken = [row for row in rows if row.address_key not in held]
        _skip(connection, [row.id for row in rows if row.address_key in held], now)
        if taken:
            _open_attempts(connection, taken, now)
    fields = ("id", "position", "email", "name", "fields")
    claimed = (Claimed(**{name: getattr(row, name) for name in fields}, key=row.address_key, attempt=row.attempts + 1) for row in taken)
    return Batch(tuple(claimed), len(held))


def record(ledger: Ledger, results: Sequence[Result], now: datetime) -> None:
    """Close attempts and move their deliveries out of ``sending``, all in one commit.

    Raises LedgerError, and changes nothing, when one of them is not being sent, or is given a state that there is not.
    """
    if not results:
        return
    rows = [_bound(result, now) for result in results]
    moved = (
        update(deliveries)
        .where(deliveries.c.id == bindparam("_delivery"), deliveries.c.state == DeliveryState.SENDING)
        .values(state=bindparam("_state"), reason=bindparam("_reason"), due_at=bindparam("_due_at"), updated_at=bindparam("_now"))
    )
    closed = (
        update(attempts)
        .where(attempts.c.delivery == bindparam("_delivery"), attempts.c.ended_at.is_(None))
        .values(ended_at=bindparam("_now"), outcome=bindparam("_outcome"), answer=bindparam("_answer"))
    )
    with ledger.write() as connection:
        if connection.execute(moved, rows).rowcount != len(rows):
            raise LedgerError("a delivery that nobody was sending cannot have an outcome", where=Where(ledger.name))
        connection.execute(closed, rows)


def settle_orphans(ledger: Ledger, campaign: int, state: DeliveryState, reason: str, now: datetime) -> int:
    """Move all that a dead process left in ``sending`` to ``state``, closing their attempts; return how many."""
    orphans = select(deliveries.c.id).where(deliveries.c.campaign == campaign, deliveries.c.state == DeliveryState.SENDING)
    closed = update(attempts).where(attempts.c.delivery.in_(orphans), attempts.c.ended_at.is_(None))
    moved = update(deliveries).where(deliveries.c.campaign == campaign, deliveries.c.state == DeliveryState.SENDING)
    with ledger.write() as connection:
        connection.execute(closed.values(ended_at=now, outcome="lost", answer=reason))
        return connection.execute(moved.values(state=state, reason=reason, updated_at=now)).rowcount


def _bound(result: Result, now: datetime) -> dict[str, Any]:
    return {
        "_delivery": result.delivery,
        "_state": result.state,
        "_outcome": result.outcome,
        "_answer": result.answer,
        "_reason": "" if result.state == DeliveryState.ACCEPTED else result.answer,
        "_due_at": result.due_at,
        "_now": now,
    }


def _due(connection: Connection, campaign: int, most: int, before: datetime) -> list[Row[Any]]:
    # Two queries, so that each walks the index and none sorts all that is pending.
    pending = _rows(campaign, DeliveryState.PENDING).limit(most)
    rows = list(connection.execute(pending))
    if len(rows) < most:
        deferred = _rows(campaign, DeliveryState.DEFERRED).where(deliveries.c.due_at < before).limit(most - len(rows))
        rows += connection.execute(deferred)
    return rows


def _rows(campaign: int, state: DeliveryState) -> Select[Any]:
    chosen = select(deliveries).where(deliveries.c.campaign == campaign, deliveries.c.state == state)
    return chosen.order_by(deliveries.c.position)


def _held_elsewhere(connection: Connection, campaign: int, rows: Sequence[Row[Any]]) -> set[str]:
    if not rows or not rows[0].real:
        return set()
    held = select(deliveries.c.address_key).where(
        deliveries.c.issue == rows[0].issue,
        deliveries.c.address_key.in_([row.address_key for row in rows]),
        deliveries.c.campaign != campaign,
        HELD,
    )
    return set(connection.execute(held).scalars())


def _skip(connection: Connection, ids: Sequence[str], now: datetime) -> None:
    if ids:
        change = update(deliveries).where(deliveries.c.id.in_(ids))
        connection.execute(change.values(state=DeliveryState.SKIPPED, reason=ALREADY_MAILED, due_at=None, updated_at=now))


def _open_attempts(connection: Connection, rows: Sequence[Row[Any]], now: datetime) -> None:
    change = update(deliveries).where(deliveries.c.id.in_([row.id for row in rows]))
    connection.execute(
        change.values(state=DeliveryState.SENDING, reason="", due_at=None, attempts=deliveries.c.attempts + 1, updated_at=now)
    )
    fresh = [{"delivery": row.id, "number": row.attempts + 1, "started_at": now, "outcome": "", "answer": ""} for row in rows]
    connection.execute(insert(attempts), fresh)
    connection.execute(update(campaigns).where(campaigns.c.id == rows[0].campaign).values(updated_at=now))
