"""The people of lists that are kept in the ledger: read page by page, counted, never all in memory. Only reads.

A page is a transaction of its own, so that a long send holds up nobody who writes.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, literal_column, select

from composer.audience.model import List, Subscriber
from composer.findings import Where, warning
from composer.ledger.model import SubscriptionState
from composer.ledger.schema import subscribers, subscriptions

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from composer.audience.model import Declaration
    from composer.ledger.database import Ledger

_PAGE = 1_000


@dataclass(frozen=True, slots=True)
class Member:
    """Somebody on a list of the ledger, whatever they said of it."""

    subscriber: Subscriber = field(repr=False)
    state: SubscriptionState


class LedgerPeople(Collection[Subscriber]):
    """The confirmed people of a list, in an order that stays; fields that a declaration has values for are never empty.

    Each time it is gone over it reads the ledger anew, which has to stay open. The place of a person is the list and the
    number that the ledger gave them: no address is in it.
    """

    def __init__(self, ledger: Ledger, declaration: Declaration) -> None:
        self._ledger = ledger
        self._declaration = declaration

    def __len__(self) -> int:
        return count_states(self._ledger, self._name).get(SubscriptionState.CONFIRMED, 0)

    def __iter__(self) -> Iterator[Subscriber]:
        defaults, name = self._declaration.fields, self._name
        for number, email, key, full_name, fields, _ in _rows(self._ledger, name, SubscriptionState.CONFIRMED):
            if defaults:
                fields.update({field: value for field, value in defaults.items() if not fields.get(field)})
            yield Subscriber(email, key, full_name, fields, Where(name, number))

    def __contains__(self, person: object) -> bool:
        if not isinstance(person, Subscriber):
            return False
        confirmed = (subscriptions.c.list == self._name) & (subscriptions.c.state == SubscriptionState.CONFIRMED)
        found = select(subscribers.c.id).join(subscriptions).where(confirmed, subscribers.c.address_key == person.key)
        with self._ledger.read() as connection:
            return connection.execute(found).first() is not None

    @property
    def _name(self) -> str:
        return self._declaration.settings.name


def read_ledger_list(ledger: Ledger, declaration: Declaration) -> List:
    """Read a list whose people are in the ledger: those who confirmed; its columns are the fields that any of them has.

    Raises LedgerError.
    """
    name = declaration.settings.name
    people = LedgerPeople(ledger, declaration)
    findings = declaration.findings
    if not people:
        hint = f"`newsletter lists import FILE --to {name}` brings people in."
        findings = (*findings, warning("list-empty", Where(name), "nobody is on this list", hint))
    columns = dict.fromkeys((*count_fields(ledger, name, SubscriptionState.CONFIRMED), *declaration.fields))
    return List(declaration.settings, people, tuple(columns), findings=findings)


def iter_members(ledger: Ledger, name: str, state: SubscriptionState | None = None) -> Iterator[Member]:
    """Yield the people of a list in the order of their numbers, all or those of one state."""
    for number, email, key, full_name, fields, said in _rows(ledger, name, state):
        yield Member(Subscriber(email, key, full_name, fields, Where(name, number)), SubscriptionState(said))


def count_states(ledger: Ledger, name: str) -> dict[SubscriptionState, int]:
    """Count the people of a list by what they said."""
    return all_counts(ledger, name).get(name, {})


def all_counts(ledger: Ledger, name: str = "") -> dict[str, dict[SubscriptionState, int]]:
    """Count the people of every list of the ledger (or only of ``name``) by what they said; lists in order of their names."""
    columns = (subscriptions.c.list, subscriptions.c.state)
    chosen = select(*columns, func.count()).group_by(*columns).order_by(*columns)
    counts: dict[str, dict[SubscriptionState, int]] = {}
    with ledger.read() as connection:
        for each, state, number in connection.execute(chosen.where(subscriptions.c.list == name) if name else chosen):
            counts.setdefault(each, {})[SubscriptionState(state)] = number
    return counts


def written_at(ledger: Ledger, name: str, moment: datetime) -> bool:
    """Tell whether anything of a list, or of a person, was written at exactly this moment."""
    of_list = select(subscriptions.c.subscriber).where(subscriptions.c.list == name, subscriptions.c.updated_at == moment)
    of_people = select(subscribers.c.id).where(subscribers.c.updated_at == moment)
    with ledger.read() as connection:
        return any(connection.execute(found.limit(1)).first() is not None for found in (of_list, of_people))


def count_fields(ledger: Ledger, name: str, state: SubscriptionState | None = None) -> dict[str, int]:
    """Count how many people of a list (all, or those of one state) have each field; what most have stands first."""
    if ledger.dialect == "postgresql":
        keys = func.json_object_keys(subscribers.c.fields).table_valued("key").render_derived()
    else:
        keys = func.json_each(subscribers.c.fields).table_valued("key")
    number = func.count().label("number")
    joined = subscriptions.join(subscribers).join(keys, literal_column("true"))
    chosen = select(keys.c.key, number).select_from(joined).where(*_on(name, state)).group_by(keys.c.key)
    with ledger.read() as connection:
        return {str(key): int(many) for key, many in connection.execute(chosen.order_by(number.desc(), keys.c.key))}


def _on(name: str, state: SubscriptionState | None) -> tuple[Any, ...]:
    here = subscriptions.c.list == name
    return (here,) if state is None else (here, subscriptions.c.state == state)


def _rows(ledger: Ledger, name: str, state: SubscriptionState | None) -> Iterator[tuple[int, str, str, str, dict[str, str], str]]:
    columns = (subscribers.c.id, subscribers.c.email, subscribers.c.address_key, subscribers.c.name, subscribers.c.fields)
    chosen = select(*columns, subscriptions.c.state).join(subscriptions).where(*_on(name, state)).order_by(subscriptions.c.subscriber)
    last, more = 0, True
    while more:
        with ledger.read() as connection:
            rows = connection.execute(chosen.where(subscriptions.c.subscriber > last).limit(_PAGE)).all()
        yield from map(tuple, rows)
        more = len(rows) == _PAGE
        last = rows[-1][0] if rows else last
