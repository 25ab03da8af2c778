"""Does an Audience have what an issue asks for? Findings per person, before anything is sent. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from difflib import get_close_matches
from typing import Protocol

from composer.audience.model import Audience, List, Subscriber
from composer.audience.select import choose
from composer.findings import Finding, Where, error, warning
from composer.issue.model import SYSTEM_FIELDS


class Field(Protocol):
    """A merge field as an issue or an edition knows it; ``default`` is None when there is none."""

    @property
    def name(self) -> str:
        """The column it is filled from."""

    @property
    def default(self) -> str | None:
        """What stands in for a value that is lacking."""

    @property
    def where(self) -> Where:
        """Its place in the issue."""


def fit(lists: Sequence[List], fields: Iterable[Field], audience: Audience | None = None) -> tuple[Finding, ...]:
    """Check lists, or the audience chosen from them, against merge fields: who lacks a value, which names no list has."""
    fields = tuple(fields)
    needed = [(each.name, each.where) for each in fields if each.default is None]
    optional = [(each.name, each.where) for each in fields if each.default is not None]
    return (*missing_fields(audience or choose(lists), lists, needed), *defaulted_fields(lists, optional))


def missing_fields(audience: Audience, lists: Sequence[List], needed: Sequence[tuple[str, Where]]) -> tuple[Finding, ...]:
    """Name everyone who lacks a merge field that has no default; an empty value counts as lacking.

    ``needed`` holds such fields with their place in the issue. A field for which a list has no column at all is one
    finding at that place; other gaps are one finding a person, at row and column.
    """
    places: dict[str, Where] = {}
    for name, where in needed:
        if name not in SYSTEM_FIELDS:
            places.setdefault(name, where)
    return tuple(finding for name, where in places.items() for finding in _lacking(audience, lists, name, where))


def _lacking(audience: Audience, lists: Sequence[List], name: str, place: Where) -> Iterator[Finding]:
    people = [person for person in audience.subscribers if not person.fields.get(name, "").strip()]
    without = {_path(each): each for each in lists if name not in each.columns}
    for path in dict.fromkeys(person.where.path for person in people):
        if path in without:
            yield _no_column(name, place, without[path], path, sum(person.where.path == path for person in people))
    for person in people:
        if person.where.path not in without:
            yield _no_value(name, place, person)


def defaulted_fields(lists: Sequence[List], optional: Sequence[tuple[str, Where]]) -> tuple[Finding, ...]:
    """Warn of fields with a default for which no list has a column: everyone would get the default, as with a misspelt name."""
    columns = sorted({column for each in lists for column in each.columns})
    places: dict[str, Where] = {}
    for name, where in optional:
        if lists and name not in SYSTEM_FIELDS and name not in columns:
            places.setdefault(name, where)
    return tuple(_defaulted(name, where, columns) for name, where in places.items())


def _defaulted(name: str, place: Where, columns: Sequence[str]) -> Finding:
    near = get_close_matches(name, columns, n=1, cutoff=0.6)
    hint = (
        f"Did you mean {{{{ {near[0]} | default(…) }}}}?"
        if near
        else f"The columns are: {', '.join(columns[:20]) or 'none but the address'}."
    )
    return warning("field-defaulted", place, f"no list has a column {name}: everyone gets the default", hint)


def _path(each: List) -> str:
    return next((person.where.path for person in each.subscribers), "")


def _no_column(name: str, place: Where, each: List, path: str, people: int) -> Finding:
    columns = ", ".join(each.columns[:20]) or "none but the address"
    near = get_close_matches(name, each.columns, n=1, cutoff=0.6)
    guess = f"Did you mean {{{{ {near[0]} }}}}? Else add" if near else "Add"
    return error(
        "field-unknown",
        place,
        f"{path} has no column {name}, which {people} {'person needs' if people == 1 else 'people need'}; its columns: {columns}",
        f'{guess} a column {name}, or write {{{{ {name} | default("…") }}}}.',
    )


def _no_value(name: str, place: Where, person: Subscriber) -> Finding:
    return error(
        "field-missing",
        replace(person.where, column=name),
        f"no value for the merge field {name} used at {place}",
        f'Fill in {name} for this person, or write {{{{ {name} | default("…") }}}} in the issue.',
    )
