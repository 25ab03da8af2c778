"""An issue's words as passages: a paragraph, heading, cell or event each, with its lines and whether it lists what is to come. Pure."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from composer.checks.leftovers.links import inner_blocks
from composer.issue.inlines import plain
from composer.issue.model import (
    Block,
    Blocks,
    Break,
    Button,
    Callout,
    Code,
    Event,
    Events,
    Figure,
    Heading,
    Inlines,
    Issue,
    Link,
    LinkRow,
    Paragraph,
    Span,
    Table,
    Text,
)

_COMING = re.compile(
    r"\b(?:events?|upcoming|calendar|agenda|diary|deadlines?|(?:important|key) dates|save the dates?|mark your calendars?|"
    r"coming (?:up|soon)|what['\u2019]s (?:next|on|coming)|next (?:meetings|events|dates)|meetups?)\b",
    re.IGNORECASE,
)
_GONE = re.compile(
    r"\b(?:past|recent|previous|earlier|recaps?|reports?|reviews?|highlights|looking back|look back|archives?|missed|recordings?|"
    r"last (?:week|month|year)|happened|were|was|history)\b",
    re.IGNORECASE,
)
_CELL = " | "


@dataclass(frozen=True, slots=True)
class Passage:
    """Words that belong together: a line break of the letter is a line feed, code a blank.

    ``when`` is the length of an event's date cell, 0 where there is none; ``listing`` tells that it stands in a part of the issue that
    lists what is to come. ``marks`` are places in the text and the lines they stand on, in order; ``part`` counts sections.
    """

    text: str
    marks: tuple[tuple[int, int], ...] = field(repr=False)
    when: int = 0
    listing: bool = False
    part: int = 0

    def line(self, at: int) -> int:
        """Return the line of the issue's file on which a character stands."""
        return self.marks[max(0, bisect_right(self.marks, (at, 1 << 60)) - 1)][1] if self.marks else 0


def passages(issue: Issue) -> tuple[Passage, ...]:
    """Return what people read of an issue, in its order, but for code and pictures."""
    found: list[Passage] = list(_Part(0, listing=False).blocks(issue.lead))
    for number, section in enumerate(issue.sections, 1):
        title = _joined(((section.title, section.line), (section.tagline, section.line)), ": ")
        part = _Part(number, listing=is_coming(title.text))
        found.append(title)
        found += part.blocks(section.blocks)
    for note in issue.footnotes:
        found += _Part(0, listing=False).blocks(note)
    return tuple(found)


def is_coming(title: str) -> bool:
    """Tell whether a heading announces what is to come, such as ``Upcoming events``."""
    return bool(_COMING.search(title)) and not _GONE.search(title)


class _Part:
    """Reads one section; a heading inside it may begin a list of what is to come, or end one."""

    def __init__(self, number: int, *, listing: bool) -> None:
        self.number = number
        self.section = self.listing = listing

    def blocks(self, blocks: Blocks) -> Iterator[Passage]:
        for block in blocks:
            yield from self.words(block)
            for inner in inner_blocks(block):
                yield from self.blocks(inner)

    def words(self, block: Block) -> Iterable[Passage]:
        match block:
            case Heading():
                words = plain(block.children)
                self.listing = not _GONE.search(words) and (self.section or is_coming(words))
                return (_joined(((block.children, block.line),)),)
            case Paragraph():
                return (self.passage((block.children, block.line)),)
            case Button():
                return (self.passage(((Text(block.label),), block.line)),)
            case Callout():
                return (self.passage(((Text(block.title),), block.line)),)
            case Figure():
                return (self.passage((block.caption, block.line)),)
            case LinkRow():
                return (self.passage(*((link.children, link.line) for link in block.links)),)
            case Events():
                return [self.event(row) for row in block.rows]
            case Table():
                return self.table(block)
            case _:
                return ()

    def passage(self, *pieces: tuple[Inlines, int]) -> Passage:
        return _joined(pieces, _CELL, listing=self.listing, part=self.number)

    def event(self, row: Event) -> Passage:
        when = len(_joined(((row.when, row.line),)).text)
        cells = ((cell, row.line) for cell in (row.when, *row.cells))
        return _joined(tuple(cells), _CELL, when=when, listing=True, part=self.number)

    def table(self, table: Table) -> Iterator[Passage]:
        """Each cell behind the head of its column, which may say ``Deadline``; in a list of what is to come each row as an event."""
        # A table knows the line of its head alone: its rows follow, one a line, behind the line of dashes.
        rows = enumerate(table.rows, table.line + 2 if table.head else table.line)
        for line, cells in rows:
            if self.listing:
                yield _joined(tuple((cell, line) for cell in cells), _CELL, listing=True, part=self.number)
                continue
            for index, cell in enumerate(cells):
                head = table.head[index] if index < len(table.head) else ()
                yield self.passage(((*head, Text(": "), *cell), line))


def _joined(
    pieces: tuple[tuple[Inlines, int], ...], between: str = _CELL, *, when: int = 0, listing: bool = False, part: int = 0
) -> Passage:
    words: list[str] = []
    marks: list[tuple[int, int]] = []
    length = 0
    for number, (inlines, line) in enumerate(piece for piece in pieces if piece[0]):
        if number:
            words.append(between)
            length += len(between)
        length, _ = _write(inlines, line, length, words, marks)
    return Passage("".join(words), tuple(marks), when, listing, part)


def _write(nodes: Inlines, line: int, length: int, words: list[str], marks: list[tuple[int, int]]) -> tuple[int, int]:
    """Add the words of inlines and their places; return the length and the line reached."""
    for node in nodes:
        if isinstance(node, Link) and node.line:
            line = node.line
        if not marks or marks[-1][1] != line:
            marks.append((length, line))
        if isinstance(node, Span | Link):
            length, line = _write(node.children, line, length, words, marks)
            continue
        text = node.text if isinstance(node, Text) else "\n" if isinstance(node, Break) else " " if isinstance(node, Code) else ""
        if isinstance(node, Text) and "\n" in text:
            for index, char in enumerate(text):
                if char == "\n":
                    line += 1
                    marks.append((length + index + 1, line))
            text = text.replace("\n", " ")
        words.append(text)
        length += len(text)
    return length, line
