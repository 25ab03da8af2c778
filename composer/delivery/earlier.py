"""The issues of a folder that came before one, as far as a check looks back. Reads files, and remembers what it read."""

from __future__ import annotations

import re
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from stat import S_ISREG
from typing import TYPE_CHECKING

from composer.errors import ComposerError
from composer.issue.dates import MONTHS, month_of, read_moment
from composer.issue.files import read_issue

if TYPE_CHECKING:
    from datetime import datetime

    from composer.issue.model import Issue
    from composer.project import Project

# Half a year: to read one takes about a third of the time that composing one takes.
MOST = 6
_HEAD_BYTES = 8_000
_KEY = re.compile(r"^(title|date)[ \t]{0,9}:[ \t]{0,9}[\"']?([^\n\"']{1,300})", re.MULTILINE)
_Stamp = tuple[int, int]
_Order = tuple[int, int, float, str]


def earlier_issues(project: Project, issue: Issue, most: int = MOST) -> tuple[Issue, ...]:
    """Return the last ``most`` issues beside this one that come before it by month, date and stem, oldest first.

    What cannot be read, or tells no month, is passed over.
    """
    own = project.root / issue.path
    order = _order(issue.month, issue.date, issue.stem)
    before: list[tuple[_Order, Path, _Stamp]] = []
    for path in own.parent.glob("*.md"):
        stamp = _stamp(path)
        found = _order_of(path, stamp) if stamp and path.stem != own.stem else None
        if stamp and found and order and found < order:
            before.append((found, path, stamp))
    read: list[Issue] = []
    for _, path, stamp in sorted(before, reverse=True):
        if len(read) == most:
            break
        if other := _read(path, stamp, project):
            read.append(other)
    return tuple(reversed(read))


def _order(month: str, date: datetime | None, stem: str) -> _Order | None:
    name, _, year = month.partition(" ")
    return (int(year), MONTHS.index(name), date.timestamp() if date else 0.0, stem) if year else None


def _stamp(path: Path) -> _Stamp | None:
    """Return what changes when a file does; None for what is none, and might never answer."""
    try:
        found = path.stat()
    except OSError:
        return None
    return (found.st_mtime_ns, found.st_size) if S_ISREG(found.st_mode) else None


@lru_cache(maxsize=1024)
def _order_of(path: Path, _stamp: _Stamp) -> _Order | None:
    """Tell the place of an issue among the others from the top of its file alone: whole, a folder of years would take seconds."""
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD_BYTES).decode("utf-8", "replace")
    except OSError:
        return None
    keys = {match[1]: match[2] for match in reversed(list(_KEY.finditer(head)))}
    date = None
    with suppress(ValueError):
        date = read_moment(keys.get("date", ""))
    return _order(month_of(keys.get("title", ""), path.stem, date), date, path.stem)


@lru_cache(maxsize=4 * MOST)
def _read(path: Path, _stamp: _Stamp, project: Project) -> Issue | None:
    try:
        return read_issue(path, project)
    except ComposerError:
        return None
