"""An issue's words as people read them: passages of text, links and images, each with its line and place. Plain data."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field

from composer.findings import Where
from composer.issue.model import Image

# Stands for what is no running text: code, an image, a merge field, a hard line break.
OTHER = "\ufffc"


@dataclass(slots=True)
class Passage:
    """One run of text: a paragraph, heading, cell … ``starts`` are offsets at which a line of the file begins, with that line."""

    kind: str
    text: str = ""
    starts: list[tuple[int, int]] = field(default_factory=list)
    links: list[Use] = field(default_factory=list)

    def line(self, offset: int) -> int:
        """Return the line of the file on which a character stands."""
        at = bisect_right(self.starts, offset, key=lambda start: start[0]) - 1
        return self.starts[max(0, at)][1]


@dataclass(frozen=True, slots=True)
class Use:
    """A link as it is used: its words, and where within ``passage`` they stand; ``kind`` is text, button, image or title."""

    text: str
    href: str
    line: int
    kind: str
    passage: Passage | None = None
    start: int = 0
    end: int = 0

    @property
    def name(self) -> str:
        """Its words as a finding shows them, or its address when it has none."""
        return repr((self.text or self.href)[:60])

    @property
    def alone(self) -> bool:
        """Tell whether nothing else stands in its passage, nor in the other cells of its event."""
        return self.passage is None or (self.passage.kind != "event" and self.passage.text.strip() == self.text)


@dataclass(frozen=True, slots=True)
class Words:
    """All of an issue that is read, with the lines of its file."""

    path: str
    lines: tuple[str, ...] = field(repr=False)
    passages: tuple[Passage, ...]
    links: tuple[Use, ...]
    images: tuple[Image, ...]
    headings: tuple[int, ...]
    tables: tuple[tuple[int, int], ...] = ()  # line, columns

    def where(self, line: int, *typed: str) -> Where:
        """Name a place: the column of the first of these texts that stands in the line as typed, if any does."""
        if 0 < line <= len(self.lines):
            for text in typed:
                if text and (at := self.lines[line - 1].find(text)) >= 0:
                    return Where(self.path, line, at + 1)
        return Where(self.path, line or None)

    def at(self, passage: Passage, start: int, end: int) -> Where:
        """Name the place of a piece of a passage."""
        text = passage.text[start:end]
        return self.where(passage.line(start), text, text.partition("\n")[0].strip())

    def of(self, link: Use) -> Where:
        """Name the place of a link."""
        return self.where(link.line, f"[{link.text}]", f"]({link.href}", link.href, link.text)
