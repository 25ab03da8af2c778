"""A part of a list, as a send to it would choose: how many, and the first few to see whether those are meant."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

import typer

from composer.cli.members import people_of
from composer.cli.output import print_findings, print_json, print_table

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from composer.audience.model import Declaration, List, Subscriber
    from composer.audience.segment import Segment
    from composer.findings import Finding
    from composer.project import Project

_SOME = 10
_WIDEST = 40


def show_part(project: Project, declaration: Declaration, segment: str | None, where: str | None, *, as_json: bool) -> int:
    """Print how many of a list's confirmed people a segment and an expression hold for, and some of them; return the exit code.

    Whoever is suppressed or has the issue already is counted too: a send looks at that besides. Raises SegmentError, UsageError.
    """
    parts = _compiled(declaration, segment, where)
    with people_of(project, declaration) as read:
        said = _unknown(parts, read)
        people = (person for person in read.subscribers if all(part.matches(person) for part in parts))
        first = list(islice(people, _SOME))
        number = len(first) + sum(1 for _ in people)
        total = len(read.subscribers)
    print_findings((*read.findings, *said))
    fields = tuple(dict.fromkeys(name for part in parts for name in part.fields))
    if as_json:
        some = [{"email": person.email, "name": person.name, "fields": dict(person.fields)} for person in first]
        print_json({"list": declaration.settings.name, "people": total, "matching": number, "some": some})
    else:
        typer.echo(f"{number:,} of {total:,} on {declaration.settings.name}" + (f"; the first {_SOME}:" if number > _SOME else ""))
        if first:
            print_table(("Address", "Name", *fields), [tuple(_cells(person, fields)) for person in first])
    return int(bool(said))


def _compiled(declaration: Declaration, segment: str | None, where: str | None) -> list[Segment]:
    from composer.audience.segment import compile_segment  # noqa: PLC0415 - `--help` reads no list
    from composer.errors import UsageError  # noqa: PLC0415

    if segment is not None and segment not in declaration.segments:
        hint = f"Its segments: {', '.join(declaration.segments) or 'none'}. --where takes an expression."
        raise UsageError(f"the list {declaration.settings.name} has no segment {segment!r}", hint=hint)
    texts = [declaration.segments[segment] if segment is not None else None, where]
    return [compile_segment(text) for text in texts if text is not None]


def _unknown(parts: Sequence[Segment], read: List) -> list[Finding]:
    from composer.audience.segment import unknown_fields  # noqa: PLC0415 - `--help` reads no list
    from composer.findings import Where  # noqa: PLC0415

    return [finding for part in parts for finding in unknown_fields(part, read.columns, Where(read.settings.name))]


def _cells(person: Subscriber, fields: Sequence[str]) -> Iterator[str]:
    for value in (person.email, person.name, *(person.fields.get(field, "") for field in fields)):
        yield value if len(value) <= _WIDEST else value[: _WIDEST - 1] + "…"
