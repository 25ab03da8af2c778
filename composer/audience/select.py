"""Lists in, Audience out: everyone once, in the order of the lists. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from composer.audience.model import Audience, LeftOut, List, Subscriber
from composer.config import ListSettings
from composer.errors import UsageError


def choose(lists: Sequence[List]) -> Audience:
    """Put lists together: the first row of a person wins, its empty fields are filled from later ones.

    ``left_out`` counts ``invalid`` rows and ``duplicate`` ones, within a list and over lists; a reason with no one is not named.
    """
    everyone = [person for each in lists for person in each.subscribers]
    people = unite(everyone)
    invalid = sum(each.invalid for each in lists)
    duplicates = sum(each.duplicates for each in lists) + len(everyone) - len(people)
    counts = (LeftOut("invalid", invalid), LeftOut("duplicate", duplicates))
    return Audience(tuple(each.settings for each in lists), people, tuple(one for one in counts if one.count))


def unite(rows: Iterable[Subscriber]) -> tuple[Subscriber, ...]:
    """Keep one Subscriber per key, in order of first appearance, completed from the rows that follow."""
    people: dict[str, Subscriber] = {}
    for row in rows:
        first = people.get(row.key)
        people[row.key] = _completed(first, row) if first else row
    return tuple(people.values())


def _completed(first: Subscriber, later: Subscriber) -> Subscriber:
    fields = _filled(first.fields, later.fields)
    if fields is first.fields and (first.name or not later.name):
        return first
    return replace(first, name=first.name or later.name, fields=fields)


def _filled(first: Mapping[str, str], later: Mapping[str, str]) -> Mapping[str, str]:
    new = {name: value for name, value in later.items() if value and not first.get(name)}
    return {**first, **new} if new else first


def is_public(settings: ListSettings) -> bool:
    """Tell whether a list is the public's; what is not known to be of the staff is."""
    return settings.kind != "staff"


def common_settings(lists: Sequence[ListSettings]) -> ListSettings:
    """Return the settings that one edition for several lists has: those of the first public list, else of the first.

    Raises UsageError when the lists differ in what readers see.
    """
    if not lists:
        raise UsageError("no list is named", hint="Name one with --to, such as --to staff.")
    chosen = next((each for each in lists if is_public(each)), lists[0])
    for each in lists:
        if replace(each, name="", title="", kind="") != replace(chosen, name="", title="", kind=""):
            hint = "Send to one after the other; nobody gets the issue twice."
            raise UsageError(f"the lists {chosen.name} and {each.name} differ in sender, language or template", hint=hint)
    return chosen
