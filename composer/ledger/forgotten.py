"""People who asked to be forgotten: their traces blanked, and a keyed hash kept so that they are not mailed again.

What a delivery counted for stays: its row, its attempts with their times, and that its issue went to somebody once.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from sqlalchemy import case, delete, func, insert, select, update

from composer.errors import UsageError
from composer.ledger.bulk import among
from composer.ledger.keyed import keyed_hashes, require_keys
from composer.ledger.model import DeliveryState
from composer.ledger.schema import (
    attempts,
    campaigns,
    deliveries,
    forgotten,
    moved_to,
    subscribers,
    subscriptions,
    suppressions,
    test_sends,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from sqlalchemy import Connection

    from composer.ledger.database import Ledger

FORGOTTEN = "forgotten"
# What the address key of somebody who was forgotten begins with.
TRACE = "forgotten:"
_CHUNK = 1_000
_WAITING = (DeliveryState.PENDING, DeliveryState.DEFERRED)


@dataclass(frozen=True, slots=True)
class Forgotten:
    """What forgetting changed: rows removed (subscriptions, suppressions) or blanked (deliveries, test sends)."""

    known: bool
    subscriptions: int
    suppressions: int
    deliveries: int
    not_sent: int
    test_sends: int


def identities(key: str, secret_keys: Sequence[str]) -> tuple[str, ...]:
    """Return every key under which the ledger may know a person: as they are, and forgotten with any of the secret keys."""
    return (key, *(f"{TRACE}{hashed}" for hashed in keyed_hashes(key, secret_keys)))


def anyone_forgotten(ledger: Ledger) -> bool:
    """Tell whether anybody was ever forgotten; without, no secret key is needed."""
    with ledger.read() as connection:
        return connection.execute(select(forgotten.c.hash).limit(1)).first() is not None


def count_forgotten(ledger: Ledger) -> int:
    """Count the people who were ever forgotten. Raises LedgerError."""
    with ledger.read() as connection:
        return connection.execute(select(func.count()).select_from(forgotten)).scalar_one()


def is_forgotten(ledger: Ledger, keys: Iterable[str], secret_keys: Sequence[str]) -> set[str]:
    """Say which of these address keys were forgotten with any of ``secret_keys``; nothing is read of them when nobody was.

    Raises ConfigError when somebody was with a key that is not among them: nobody could tell whom.
    """
    found: set[str] = set()
    stream = iter(keys)
    if not anyone_forgotten(ledger):
        return found
    with ledger.read() as connection:
        require_keys(connection, secret_keys)
        while chunk := list(islice(stream, _CHUNK)):
            by_hash = {hashed: key for key in chunk for hashed in keyed_hashes(key, secret_keys)}
            present = select(forgotten.c.hash).where(among(connection, forgotten.c.hash, list(by_hash)))
            found.update(by_hash[hashed] for hashed in connection.execute(present).scalars())
    return found


def forgotten_since(ledger: Ledger, key: str, secret_keys: Sequence[str]) -> datetime | None:
    """Say when a person was forgotten; None when they were not."""
    with ledger.read() as connection:
        mine = select(forgotten.c.created_at).where(among(connection, forgotten.c.hash, keyed_hashes(key, secret_keys)))
        since: datetime | None = connection.execute(mine.order_by(forgotten.c.created_at).limit(1)).scalar()
    return since


def forget(ledger: Ledger, key: str, secret_keys: Sequence[str], now: datetime) -> Forgotten:
    """Forget a person in one transaction, and overwrite what SQLite would leave behind in its files.

    Raises UsageError, and changes nothing, while a delivery to them is being sent; LedgerError.
    """
    with ledger.write() as connection:
        if connection.dialect.name == "sqlite":
            # Deleted content is overwritten with zeros instead of only being unlinked (sqlite.org/pragma.html#pragma_secure_delete).
            connection.exec_driver_sql("PRAGMA secure_delete = ON")
        done = _forget(connection, key, secret_keys, now)
    _flush(ledger)
    return done


def _forget(connection: Connection, key: str, secret_keys: Sequence[str], now: datetime) -> Forgotten:
    hashed = keyed_hashes(key, secret_keys)[0]
    number, not_sent = _blank_deliveries(connection, key, f"{TRACE}{hashed}", now)
    tests = update(test_sends).where(test_sends.c.address_key == key).values(address_key=f"{TRACE}{hashed}", email="", answer="")
    subscriber = connection.execute(select(subscribers.c.id).where(subscribers.c.address_key == key)).scalar()
    said = connection.execute(delete(subscriptions).where(subscriptions.c.subscriber == subscriber)).rowcount
    connection.execute(delete(subscribers).where(subscribers.c.id == subscriber))
    # Why a campaign stopped may name the person it stopped at.
    connection.execute(update(campaigns).where(campaigns.c.reason.icontains(key, autoescape=True)).values(reason=""))
    known = connection.execute(select(forgotten.c.hash).where(forgotten.c.hash == hashed)).first() is not None
    if not known:
        connection.execute(insert(forgotten).values(hash=hashed, created_at=now))
    return Forgotten(
        known=known,
        subscriptions=said,
        suppressions=connection.execute(delete(suppressions).where(suppressions.c.address_key == key)).rowcount,
        deliveries=number,
        not_sent=not_sent,
        test_sends=connection.execute(tests).rowcount,
    )


def _blank_deliveries(connection: Connection, key: str, stand_in: str, now: datetime) -> tuple[int, int]:
    """Blank all deliveries to a person and skip those that wait; return how many there are, and how many waited."""
    mine = deliveries.c.address_key == key
    rows = connection.execute(select(deliveries.c.campaign, deliveries.c.position, deliveries.c.state).where(mine).with_for_update()).all()
    if any(row.state == DeliveryState.SENDING for row in rows):
        hint = "Try again when the campaign is done or paused; after a crash, `newsletter resume` first finds out what became of it."
        raise UsageError("a message to this person is being sent right now", hint=hint)
    for row in rows:
        tried = update(attempts).where(attempts.c.campaign == row.campaign, attempts.c.position == row.position)
        connection.execute(tried.values(answer=""))
    waiting = update(deliveries).where(mine, deliveries.c.state.in_(_WAITING))
    skipped = {**moved_to(DeliveryState.SKIPPED, FORGOTTEN), "due_at": None, "updated_at": now}
    not_sent = connection.execute(waiting.values(**skipped)).rowcount
    # Why one was skipped is a word of our own; every other reason may be what a server said, and name the address.
    reason = case((deliveries.c.state == DeliveryState.SKIPPED, deliveries.c.reason), else_="")
    connection.execute(update(deliveries).where(mine).values(address_key=stand_in, email="", name="", fields={}, reason=reason))
    return len(rows), not_sent


def _flush(ledger: Ledger) -> None:
    """Empty SQLite's write-ahead log, which still holds the pages as they were; when others read, a later checkpoint does it."""
    with ledger.read() as connection:
        if connection.dialect.name == "sqlite":
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
