"""Does an Audience have what an issue asks for? Findings per person, before anything is sent. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from difflib import get_close_matches

from composer.audience.model import Audience, List, Subscriber
from composer.findings import Finding, Where, error

# Filled by the product for everyone (composer.edition.model.SYSTEM_FIELDS); no list may or must have them.
SYSTEM_FIELDS = frozenset({"unsubscribe_url", "preferences_url", "email"})


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


def _path(each: List) -> str:
    return each.subscribers[0].where.path if each.subscribers else ""


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
