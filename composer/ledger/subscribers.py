"""One person: everything that the ledger knows under their address, for them or for who answers them, and their fields mended."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sqlalchemy import select, update

from composer.audience.address import Address
from composer.audience.columns import full_name
from composer.ledger.bulk import among
from composer.ledger.forgotten import forgotten_since, identities
from composer.ledger.model import DeliveryState, SubscriptionState
from composer.ledger.schema import attempts, campaigns, deliveries, subscribers, subscriptions
from composer.ledger.suppressions import Suppression, suppressions_of
from composer.ledger.test_sends import test_sends_to

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import Connection, Row

    from composer.ledger.database import Ledger
    from composer.ledger.test_sends import TestSend


@dataclass(frozen=True, slots=True)
class Profile:
    """A subscriber of the ledger's lists; times are aware UTC."""

    email: str = field(repr=False)
    name: str = field(repr=False)
    fields: Mapping[str, str] = field(repr=False)
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Subscribed:
    """What a person said about one list of the ledger, how it was learnt, since when, and when it changed last."""

    list: str
    state: SubscriptionState
    source: str
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Tried:
    """One attempt of a delivery and its end."""

    number: int
    started_at: datetime
    ended_at: datetime
    outcome: str
    answer: str = field(repr=False)
    batch: str


@dataclass(frozen=True, slots=True)
class Delivered:
    """One campaign's delivery to a person, with its attempts in order."""

    id: str
    campaign: int
    position: int
    issue: str
    list: str
    transport: str
    real: bool
    correction: bool
    email: str = field(repr=False)
    name: str = field(repr=False)
    fields: Mapping[str, str] = field(repr=False)
    state: DeliveryState
    reason: str = field(repr=False)
    first_tried_at: datetime | None
    due_at: datetime | None
    updated_at: datetime
    attempts: tuple[Tried, ...] = ()


@dataclass(frozen=True, slots=True)
class Person:
    """All that the ledger knows of one address; ``forgotten_at`` is set when they asked to be forgotten."""

    key: str = field(repr=False)
    profile: Profile | None
    forgotten_at: datetime | None
    subscriptions: tuple[Subscribed, ...]
    suppressions: tuple[Suppression, ...]
    deliveries: tuple[Delivered, ...]
    test_sends: tuple[TestSend, ...]

    def __bool__(self) -> bool:
        """Whether anything is known."""
        return bool(self.profile or self.forgotten_at or self.suppressions or self.deliveries or self.test_sends)


def read_person(ledger: Ledger, key: str, secret_keys: Sequence[str]) -> Person:
    """Read all that is known of an address key, what was kept when they were forgotten included. Raises LedgerError."""
    keys = identities(key, secret_keys)
    with ledger.read() as connection:
        row = connection.execute(select(subscribers).where(subscribers.c.address_key == key)).first()
        mine = select(subscriptions).where(subscriptions.c.subscriber == (row.id if row else None)).order_by(subscriptions.c.list)
        said = tuple(
            Subscribed(**{**_values(each, Subscribed), "state": SubscriptionState(each.state)}) for each in connection.execute(mine)
        )
        sent = _deliveries(connection, keys)
        tests = test_sends_to(connection, keys)
    profile = Profile(**_values(row, Profile)) if row else None
    return Person(key, profile, forgotten_since(ledger, key, secret_keys), said, tuple(suppressions_of(ledger, key)), sent, tests)


def subscription_states(ledger: Ledger, key: str) -> dict[str, SubscriptionState]:
    """Return what a person said of each list of the ledger that they are on, by the list's name."""
    found = select(subscriptions.c.list, subscriptions.c.state).join(subscribers).where(subscribers.c.address_key == key)
    with ledger.read() as connection:
        return {name: SubscriptionState(state) for name, state in connection.execute(found.order_by(subscriptions.c.list))}


def _deliveries(connection: Connection, keys: Sequence[str]) -> tuple[Delivered, ...]:
    sent = (
        select(deliveries, campaigns.c.transport)
        .join(campaigns)
        .where(among(connection, deliveries.c.address_key, keys))
        .order_by(deliveries.c.campaign)
    )
    return tuple(
        Delivered(**{**_values(row, Delivered), "state": DeliveryState(row.state), "attempts": _attempts(connection, row)})
        for row in connection.execute(sent).all()
    )


def _attempts(connection: Connection, row: Row[Any]) -> tuple[Tried, ...]:
    tried = select(attempts).where(attempts.c.campaign == row.campaign, attempts.c.position == row.position).order_by(attempts.c.number)
    return tuple(Tried(**_values(each, Tried)) for each in connection.execute(tried))


def _values(row: Row[Any], kind: Any) -> dict[str, Any]:
    """Return the columns of a row that a dataclass has a field for."""
    return {name: value for name, value in row._mapping.items() if name in kind.__dataclass_fields__}  # noqa: SLF001 - the documented way to a row's names


def edit_subscriber(ledger: Ledger, key: str, fields: Mapping[str, str], now: datetime) -> bool | None:
    """Set merge fields of a subscriber, an empty value to take one away; the name is the field ``name``, or made of first and last.

    Say whether anything is another now; None when the ledger has no such subscriber. What they said of lists stays.
    """
    with ledger.write() as connection:
        row = connection.execute(select(subscribers).where(subscribers.c.address_key == key).with_for_update()).first()
        if row is None:
            return None
        values = {name: value for name, value in {**row.fields, **fields}.items() if value}
        if "name" not in fields and values.get("name") == _first_and_last(row.fields):
            values.pop("name", None)
        name = full_name(values, Address(row.email, key))
        if (name, values) == (row.name, row.fields):
            return False
        changed = {"name": name, "fields": values, "updated_at": now}
        connection.execute(update(subscribers).where(subscribers.c.id == row.id).values(**changed))
    return True


def _first_and_last(fields: Mapping[str, str]) -> str:
    return " ".join(part for part in (fields.get("first_name"), fields.get("last_name")) if part)
