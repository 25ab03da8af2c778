"""Lines with `` | `` in them: event lines (the first cell starts with a date) and rows of links."""

from __future__ import annotations

import re
from collections.abc import Sequence

from composer.issue.dates import starts_with_date
from composer.issue.inlines import plain, split
from composer.issue.model import Event, Events, Inlines, Link, LinkRow, Text

_PIPE = re.compile(r"(?<=[ \u00a0\t])\|(?=[ \u00a0\t])")
_LINE = re.compile(r"\n")


def read_cells(children: Inlines, line: int) -> Events | LinkRow | None:
    """Understand a paragraph as event lines or a row of links; None when it is neither."""
    if not any(isinstance(node, Text) and "|" in node.text for node in children):
        return None
    events = read_events(children, line)
    if events:
        return Events(events, line)
    links = _links(split(children, _PIPE))
    return LinkRow(links, line) if links else None


def read_events(children: Inlines, line: int, *, dated: bool = True) -> tuple[Event, ...]:
    """Read one event a line; a line without a `` | `` goes on with the one above.

    Empty when the first has none, or (when ``dated``) does not start with a date.
    """
    lines = split(children, _LINE)
    if not lines or not _is_event(lines[0], dated=dated):
        return ()
    rows: list[tuple[Inlines, int]] = []
    for number, part in enumerate(lines):
        if _is_event(part, dated=False):
            rows.append((part, line + number))
        elif part:
            above, at = rows[-1]
            rows[-1] = ((*above, Text(" "), *part), at)
    return tuple(_event(part, at) for part, at in rows)


def _is_event(part: Inlines, *, dated: bool) -> bool:
    cells = split(part, _PIPE)
    return len(cells) > 1 and (not dated or starts_with_date(plain(cells[0])))


def _event(part: Inlines, line: int) -> Event:
    when, *cells = split(part, _PIPE)
    return Event(when, tuple(cell for cell in cells if cell), line)


def _links(cells: Sequence[Inlines]) -> tuple[Link, ...]:
    links = tuple(cell[0] for cell in cells if len(cell) == 1 and isinstance(cell[0], Link))
    return links if len(links) == len(cells) > 1 else ()
