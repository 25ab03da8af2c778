"""Answers about campaigns: everybody of one, how some people stand in it, how many of each were accepted. Only reads.

Everybody is read page by page, each a transaction of its own: a million people take no memory, and hold up nobody who writes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, func, select

from composer.ledger.bulk import among
from composer.ledger.model import DeliveryState
from composer.ledger.schema import attempts, deliveries

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence
    from datetime import datetime

    from sqlalchemy import Row, Select

    from composer.ledger.database import Ledger

_PAGE = 2_000
_D = deliveries.c


@dataclass(frozen=True, slots=True)
class Line:
    """One person of a campaign; ``answer`` is what ended the last attempt (empty when there was none, or it has not ended)."""

    position: int
    email: str = field(repr=False)
    name: str = field(repr=False)
    list: str
    state: DeliveryState
    reason: str = field(repr=False)
    attempts: int
    first_tried_at: datetime | None
    updated_at: datetime
    answer: str = field(repr=False)
    id: str


def iter_lines(ledger: Ledger, campaign: int, states: Collection[DeliveryState] = ()) -> Iterator[Line]:
    """Yield everybody of a campaign, or those in one of ``states``, in the order in which they are sent to. Raises LedgerError."""
    chosen = _lines(campaign)
    if len(states) == 1:
        # One state is found by its index; of several the pages would have to be sorted, so that all are read instead.
        chosen = chosen.where(_D.state == next(iter(states)))
    last, more = 0, True
    while more:
        with ledger.read() as connection:
            rows = connection.execute(chosen.where(_D.position > last).limit(_PAGE)).all()
        yield from (_line(row) for row in rows if not states or row.state in states)
        more = len(rows) == _PAGE
        last = rows[-1].position if rows else last


def states_of(ledger: Ledger, campaign: int, keys: Sequence[str]) -> dict[str, DeliveryState]:
    """Say how these address keys stand in a campaign; those who are not in it are left out."""
    with ledger.read() as connection:
        found = select(_D.address_key, _D.state).where(_D.campaign == campaign, among(connection, _D.address_key, keys))
        return {key: DeliveryState(state) for key, state in connection.execute(found)}


def count_accepted(ledger: Ledger, campaigns: Sequence[int]) -> dict[int, int]:
    """Count the accepted deliveries of each campaign; one that has none is left out."""
    with ledger.read() as connection:
        here = among(connection, _D.campaign, campaigns), _D.state == DeliveryState.ACCEPTED
        rows = connection.execute(select(_D.campaign, func.count()).where(*here).group_by(_D.campaign)).all()
    return {campaign: number for campaign, number in rows}  # noqa: C416 - a Row is no pair to the type checker


def _lines(campaign: int) -> Select[Any]:
    last = and_(attempts.c.campaign == _D.campaign, attempts.c.position == _D.position, attempts.c.number == _D.attempts)
    columns = [_D[name] for name in Line.__slots__ if name != "answer"]
    joined = deliveries.outerjoin(attempts, last)
    return select(*columns, attempts.c.answer).select_from(joined).where(_D.campaign == campaign).order_by(_D.position)


def _line(row: Row[Any]) -> Line:
    return Line(**{**row._mapping, "state": DeliveryState(row.state), "answer": row.answer or ""})  # noqa: SLF001 - the documented way to a row's names
