"""The people whom a letter meets sooner or later: made up from a colleague, to see what their names do to it. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace

from composer.audience.model import Subscriber
from composer.edition.model import Context, Edition, Slot
from composer.issue.model import SYSTEM_FIELDS

# Columns as lists call them, in the form that merge fields have.
_FIRST = frozenset("first_name firstname fname given_name forename preferred_name nickname vorname prénom prenom nombre".split())
_LAST = frozenset("last_name lastname lname surname family_name nachname nom apellido apellidos".split())
_WHOLE = frozenset("name full_name fullname display_name".split())


@dataclass(frozen=True, slots=True)
class _Name:
    label: str
    first: str = ""
    last: str = ""

    def part(self, field: str) -> str | None:
        """Return what stands in a field of this name; None when it is about something else."""
        if field in _FIRST:
            return self.first
        if field in _LAST:
            return self.last
        return f"{self.first} {self.last}".strip() if field in _WHOLE else None


_NAMES = (
    _Name("no name"),
    # One word, so that it can burst a column.
    _Name("60-character name", "Wolfeschlegelsteinhausenbergerdorff-Maximiliana-Alexandrinaé"),
    _Name("apostrophe", "D\u2019Arcy", "O'Neil"),
    # Arabic and Hebrew; inside a line that runs from left to right.
    _Name("right-to-left name", "ليلى", "כהן"),
    _Name("emoji", "Zoë 🌻", "👩🏽‍🌾"),
    _Name("markup in the name", '<b>Bob</b> & "Co"', "{{ first_name }}"),
)
LABELS = (*(name.label for name in _NAMES), "plus-address", "missing fields")


def edge_cases(person: Subscriber, edition: Edition) -> Iterator[tuple[str, Subscriber]]:
    """Yield each of ``LABELS`` in order with somebody like ``person`` of whom it is true; mail still goes to ``person`` alone."""
    fields = {slot.name for slot in edition.fields} - SYSTEM_FIELDS
    for name in _NAMES:
        yield name.label, _called(person, name, fields)
    local, _, domain = person.email.rpartition("@")
    yield LABELS[-2], replace(person, email=f"{local}+test@{domain}")
    yield LABELS[-1], replace(person, name="", fields={})


def _called(person: Subscriber, name: _Name, fields: Collection[str]) -> Subscriber:
    parts = {field: part for field in {*fields, *person.fields} if (part := name.part(field)) is not None}
    return replace(person, name=f"{name.first} {name.last}".strip(), fields={**person.fields, **parts})


def lacking(person: Subscriber, edition: Edition) -> tuple[Slot, ...]:
    """Return the fields without a default for which a person has no value, each once."""
    values = {"name": person.name, **{field: value for field, value in person.fields.items() if value.strip()}}
    needed = {slot.name: slot for slot in edition.fields if slot.default is None and slot.name not in SYSTEM_FIELDS}
    return tuple(slot for field, slot in needed.items() if not values.get(field, "").strip())


def placeholders(edition: Edition, fields: Collection[str]) -> Mapping[str, str]:
    """Return what stands in a test for values that are lacking: ``«first_name»``, or an address where the field is a whole link."""
    links = {slot.name for slot in edition.fields if slot.context is Context.HREF}
    return {field: f"https://example.org/{field}" if field in links else f"«{field}»" for field in fields}
