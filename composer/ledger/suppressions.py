"""Suppressions: who must not be mailed, on one list or everywhere, why, since when, and who said so.

Of one address there may be several. What is written here is seen by the next claim of every campaign; nothing here
takes a suppression back but ``unsuppress``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, delete, select

from composer.ledger.bulk import among
from composer.ledger.model import Reason
from composer.ledger.schema import suppressions

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime

    from sqlalchemy import Connection, Row

    from composer.ledger.database import Ledger

EVERYWHERE = ""
# Strongest first: what a person is told when several hold.
STRENGTH = (Reason.COMPLAINT, Reason.HARD_BOUNCE, Reason.INVALID, Reason.UNSUBSCRIBED, Reason.MANUAL)
_RANK = {reason: rank for rank, reason in enumerate(STRENGTH)}
_CHUNK = 1_000


@dataclass(frozen=True, slots=True)
class Suppression:
    """One reason not to mail an address: ``key`` is its identity, ``scope`` a list's name, or empty for everywhere.

    ``source`` says in words where it came from; ``created_at`` is aware, None for the moment it is written.
    """

    key: str = field(repr=False)
    scope: str
    reason: Reason
    source: str = field(default="", repr=False)
    created_at: datetime | None = None


def suppress(ledger: Ledger, entries: Iterable[Suppression], now: datetime, *, dry_run: bool = False) -> int:
    """Write suppressions in one transaction, or with ``dry_run`` find out what that would do; return how many are new.

    One that is there already stays, with the earlier of the two moments and the source of that moment. Raises LedgerError.
    """
    with ledger.write() as connection:
        new = write_suppressions(connection, entries, now)
        if dry_run:
            connection.rollback()
    return new


def write_suppressions(connection: Connection, entries: Iterable[Suppression], now: datetime) -> int:
    """Do what ``suppress`` does, in a transaction that is open already."""
    stream, new = iter(entries), 0
    while chunk := list(islice(stream, _CHUNK)):
        new += _upsert(connection, chunk, now)
    return new


def _upsert(connection: Connection, chunk: Sequence[Suppression], now: datetime) -> int:
    rows: dict[tuple[str, str, str], dict[str, Any]] = {}
    for entry in chunk:
        created = min(entry.created_at or now, now)
        identity = (entry.key, entry.scope, str(entry.reason))
        if identity not in rows or created < rows[identity]["created_at"]:
            values = (*identity, entry.source, created)
            rows[identity] = dict(zip(("address_key", "scope", "reason", "source", "created_at"), values, strict=True))
    columns = (suppressions.c.address_key, suppressions.c.scope, suppressions.c.reason)
    present = select(*columns, suppressions.c.created_at).where(among(connection, suppressions.c.address_key, [key for key, _, _ in rows]))
    known = {(row[0], row[1], row[2]): row[3] for row in connection.execute(present)}
    wanted = [row for identity, row in rows.items() if identity not in known or row["created_at"] < known[identity]]
    if wanted:
        connection.execute(_insert_or_date_back(connection), wanted)
    return sum(identity not in known for identity in rows)


def _insert_or_date_back(connection: Connection) -> Any:
    # Both databases spell it alike, but SQLAlchemy has it in their dialects only.
    if connection.dialect.name == "postgresql":
        from sqlalchemy.dialects.postgresql import insert  # noqa: PLC0415 - one of the two is needed
    else:
        from sqlalchemy.dialects.sqlite import insert  # type: ignore[assignment]  # noqa: PLC0415

    fresh = insert(suppressions)
    return fresh.on_conflict_do_update(
        index_elements=["address_key", "scope", "reason"],
        set_={"created_at": fresh.excluded.created_at, "source": fresh.excluded.source},
        where=fresh.excluded.created_at < suppressions.c.created_at,
    )


def unsuppress(ledger: Ledger, key: str, scope: str, reason: Reason | None = None) -> int:
    """Take back what suppresses an address in exactly this scope, for one reason or (None) for any; return how many were there."""
    gone = delete(suppressions).where(suppressions.c.address_key == key, suppressions.c.scope == scope)
    with ledger.write() as connection:
        return connection.execute(gone if reason is None else gone.where(suppressions.c.reason == reason)).rowcount


def suppressed(ledger: Ledger, keys: Iterable[str], scope: str) -> dict[str, Reason]:
    """Say which of these addresses must not be mailed on the list ``scope``, and the strongest reason of each.

    What holds everywhere holds on every list. ``keys`` is taken as it is needed; nothing is read of it when nobody is suppressed.
    """
    found: dict[str, Reason] = {}
    stream = iter(keys)
    columns = (suppressions.c.address_key, suppressions.c.reason)
    with ledger.read() as connection:
        if connection.execute(select(suppressions.c.id).limit(1)).first() is None:
            return found
        while chunk := list(islice(stream, _CHUNK)):
            here = and_(among(connection, suppressions.c.address_key, chunk), suppressions.c.scope.in_((EVERYWHERE, scope)))
            for key, word in connection.execute(select(*columns).where(here)):
                reason = Reason(word)
                found[key] = min(found.get(key, reason), reason, key=_RANK.__getitem__)
    return found


def iter_suppressions(ledger: Ledger, scope: str | None = None, reason: Reason | None = None) -> Iterator[Suppression]:
    """Yield suppressions in the order in which they were written; None for ``scope`` or ``reason`` means any.

    Each thousand is a transaction of its own, so that a slow reader holds up nobody.
    """
    last = 0
    while rows := _page(ledger, scope, reason, last):
        yield from map(_suppression, rows)
        last = rows[-1].id


def _page(ledger: Ledger, scope: str | None, reason: Reason | None, after: int) -> Sequence[Row[Any]]:
    page = select(suppressions).where(suppressions.c.id > after).order_by(suppressions.c.id).limit(_CHUNK)
    if scope is not None:
        page = page.where(suppressions.c.scope == scope)
    if reason is not None:
        page = page.where(suppressions.c.reason == reason)
    with ledger.read() as connection:
        return connection.execute(page).all()


def suppressions_of(ledger: Ledger, key: str) -> list[Suppression]:
    """Return all that suppresses an address, everywhere first, then by list; the strongest reason first."""
    with ledger.read() as connection:
        rows = connection.execute(select(suppressions).where(suppressions.c.address_key == key)).all()
    return sorted(map(_suppression, rows), key=lambda each: (each.scope, _RANK[each.reason]))


def _suppression(row: Row[Any]) -> Suppression:
    return Suppression(row.address_key, row.scope, Reason(row.reason), row.source, row.created_at)
