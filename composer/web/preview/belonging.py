"""Which piece of a letter's HTML belongs to which Section, by the lines that its elements come from. Pure.

A box of the template's own belongs to a Section when all that it holds does; what holds several, or none, is the template's.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import zip_longest

from composer.edition.model import Edition
from composer.edition.origins import Element, Origin, elements
from composer.issue.model import Issue

_NOBODYS, _SEVERAL = -1, -2
_BETWEEN = re.compile(r"<!--.*?(?:-->|\Z)|</([A-Za-z][^\s>]*)", re.DOTALL)
_VOID = frozenset("area base br col embed hr img input link meta param source track wbr".split())


@dataclass(slots=True)
class _Piece:
    """From a start tag to the next one, with the first comment between; ``owner`` is the number of a Section, or one of those above."""

    name: str
    start: int
    origin: Origin
    end: int
    comment: int = 0
    owner: int = _NOBODYS

    def holds(self, owner: int) -> None:
        """Take note of a Section that the element holds something of."""
        if owner != _NOBODYS:
            self.owner = owner if self.owner in {_NOBODYS, owner} else _SEVERAL


def pieces(issue: Issue, edition: Edition) -> Iterator[tuple[int, int, int]]:
    """Yield the number of a Section with the start and end of a piece of HTML that belongs to it."""
    tags = list(elements(edition.html))
    if len(tags) != len(edition.origins):
        yield from _from_headings(issue, edition.html)
        return
    found = _owned(issue, edition, tags)
    following: _Piece | None = None
    for piece in reversed(found):
        if piece.owner == _NOBODYS and following and piece.origin.template == following.origin.template:
            piece.owner = following.owner  # a space before what follows, set by the same template
        elif piece.origin.line:
            following = piece
        elif piece.owner == _NOBODYS:
            following = None
    for piece, other in zip_longest(found, found[1:]):
        if piece.owner >= 0:
            # Before something else, a comment opens tables for Outlook that are that other's.
            last = not other or other.owner != piece.owner
            yield piece.owner, piece.start, piece.comment if last and piece.comment else piece.end


def _owned(issue: Issue, edition: Edition, tags: list[Element]) -> list[_Piece]:
    """Cut the HTML at its start tags, and say of each piece whose it is."""
    first_lines = [section.line for section in issue.sections]
    found: list[_Piece] = []
    opened: list[_Piece] = []
    ends = [*(tag.start for tag in tags[1:]), len(edition.html)]
    for tag, end, origin in zip(tags, ends, edition.origins, strict=True):
        piece = _Piece(tag.name, tag.start, origin, end, owner=_section_at(issue, first_lines, origin.line))
        found.append(piece)
        opened.append(piece)
        if tag.name in _VOID:
            _close(opened, tag.name)
        for other in _BETWEEN.finditer(edition.html, tag.end, end):
            if other[1]:
                _close(opened, other[1].lower())
            elif not piece.comment:
                piece.comment = other.start()
    while opened:
        _close(opened, opened[-1].name)
    return found


def _close(opened: list[_Piece], name: str) -> None:
    """Close the innermost element of a name, and all in it; each tells the one around it what it holds."""
    if all(piece.name != name for piece in opened):
        return
    while opened:
        closed = opened.pop()
        if opened and not opened[-1].origin.line:
            opened[-1].holds(closed.owner)
        if closed.name == name:
            return


def _section_at(issue: Issue, first_lines: list[int], line: int) -> int:
    number = bisect_right(first_lines, line) - 1
    return number if line and number >= 0 and line <= issue.sections[number].last_line else _NOBODYS


def _from_headings(issue: Issue, html: str) -> Iterator[tuple[int, int, int]]:
    """Without origins a Section reaches from its heading to the next one's, the last to the footer."""
    at, starts = 0, list[int]()
    for section in issue.sections:
        at = html.find(f'id="{section.slug}"', at)
        if at < 0:
            return
        starts.append(html.rfind("<", 0, at))
    footer = html.find('class="foot', at)
    yield from zip(range(len(starts)), starts, [*starts[1:], html.rfind("<", 0, footer) if footer > 0 else len(html)], strict=True)
