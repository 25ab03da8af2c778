"""One person: everything that the ledger knows under their address, for them or for who answers them. Only reads."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from composer.ledger.bulk import among
from composer.ledger.forgotten import forgotten_since, identities
from composer.ledger.model import DeliveryState, SubscriptionState
from composer.ledger.schema import attempts, campaigns, deliveries, subscribers, subscriptions, test_sends
from composer.ledger.suppressions import Suppression, suppressions_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import Connection, Row

    from composer.ledger.database import Ledger


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
class TestSend:
    """One test message that went to a person."""

    __test__ = False  # pytest takes every class of that name for a test

    issue: str
    edition: str
    list: str
    transport: str
    real: bool
    sender: str
    email: str = field(repr=False)
    variant: str
    started_at: datetime
    ended_at: datetime | None
    outcome: str
    answer: str = field(repr=False)


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
        tested = select(test_sends).where(among(connection, test_sends.c.address_key, keys)).order_by(test_sends.c.id)
        tests = tuple(TestSend(**_values(each, TestSend)) for each in connection.execute(tested))
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
