"""The mail domains that defer: how many people of a campaign wait there, when the next is due, and what was said last. Names no person."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import case, func, literal, select

from composer.ledger.model import DeliveryState
from composer.ledger.schema import deliveries

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import ColumnElement

    from composer.ledger.database import Ledger

MOST = 10
_D = deliveries.c


class DeferringDomain(NamedTuple):
    """``number`` people of ``domain`` are deferred; the next is due at ``due_at``, and ``reason`` is the newest there is."""

    domain: str
    number: int
    due_at: datetime
    reason: str


def deferring_domains(ledger: Ledger, campaign: int, most: int = MOST) -> tuple[tuple[DeferringDomain, ...], int]:
    """Return the domains with the most deferred people of a campaign, and how many domains there are besides."""
    newest = func.row_number().over(partition_by=_domain(ledger.dialect), order_by=(_D.updated_at.desc(), _D.position.desc()))
    # Somebody who was forgotten has no address any more, but the trace of one.
    here = _D.campaign == campaign, _D.state == DeliveryState.DEFERRED, _D.address_key.contains("@")
    waiting = select(_domain(ledger.dialect).label("domain"), _D.due_at, _D.reason, newest.label("turn")).where(*here).subquery()
    number = func.count().label("number")
    reason = func.max(case((waiting.c.turn == 1, waiting.c.reason)))
    found = select(waiting.c.domain, number, func.min(waiting.c.due_at), reason, func.count().over().label("domains"))
    ordered = found.group_by(waiting.c.domain).order_by(number.desc(), waiting.c.domain).limit(most)
    with ledger.read() as connection:
        rows = connection.execute(ordered).all()
    return tuple(DeferringDomain(*row[:4]) for row in rows), (rows[0].domains - len(rows) if rows else 0)


def _domain(dialect: str) -> ColumnElement[str]:
    """What stands behind the last @: SQLite cannot search from the right, but it can strip from there all that is no @."""
    key = _D.address_key
    if dialect == "postgresql":
        return func.substring(key, literal("[^@]*$"))
    return func.substr(key, func.length(func.rtrim(key, func.replace(key, "@", ""))) + 1)
