"""An issue's tree to its passages, in the order in which it is read. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable

from composer.checks.content.passages import OTHER, Passage, Use, Words
from composer.issue.model import (
    Block,
    Blocks,
    Break,
    Button,
    Callout,
    Code,
    CodeBlock,
    Columns,
    Divider,
    Events,
    Figure,
    FootnoteRef,
    Heading,
    Image,
    Inline,
    Inlines,
    Issue,
    Items,
    Link,
    LinkRow,
    Paragraph,
    Quote,
    Span,
    Table,
    Text,
)


def words(issue: Issue, source: str) -> Words:
    """Read an issue's tree; ``source`` is its file's text with LF line ends."""
    reader = _Reader(re.compile(rf"{issue.mark_prefix}f\d+x") if issue.mark_prefix else None)
    reader.blocks(issue.lead)
    for section in issue.sections:
        reader.headings.append(section.line)
        reader.passage("heading", section.title, section.line)
        if section.tagline:
            reader.passage("heading", section.tagline, section.line)
        if section.href:
            title = reader.passages[-1]
            reader.links.append(Use(_flat(title.text), section.href, section.line, "title", title, 0, len(title.text)))
        reader.blocks(section.blocks)
    for note in issue.footnotes:
        reader.blocks(note)
    return Words(
        issue.path,
        tuple(source.split("\n")),
        tuple(reader.passages),
        tuple(reader.links),
        tuple(reader.images),
        tuple(reader.headings),
        tuple(reader.tables),
    )


def _flat(text: str) -> str:
    return " ".join(text.split())


class _Reader:
    def __init__(self, marks: re.Pattern[str] | None) -> None:
        self.marks = marks
        self.passages: list[Passage] = []
        self.links: list[Use] = []
        self.images: list[Image] = []
        self.headings: list[int] = []
        self.tables: list[tuple[int, int]] = []
        self._parts: list[str] = []
        self._length = 0
        self._line = 0
        self._open: Passage | None = None

    def passage(self, kind: str, nodes: Inlines, line: int) -> None:
        """Read one run of inlines that begins at a line."""
        passage = Passage(kind, starts=[(0, line)])
        self._parts, self._length, self._line, self._open = [], 0, line, passage
        self._inlines(nodes)
        passage.text = "".join(self._parts)
        self.passages.append(passage)

    def _to(self, line: int) -> None:
        """From here on, the text stands on that line."""
        if line and line != self._line and self._open is not None:
            self._line = line
            self._open.starts.append((self._length, line))

    def _add(self, text: str) -> None:
        if self.marks is not None and "q" in text:
            text = self.marks.sub(OTHER, text)
        self._parts.append(text)
        if "\n" in text and self._open is not None:
            at = -1
            while (at := text.find("\n", at + 1)) >= 0:
                self._line += 1
                self._open.starts.append((self._length + at + 1, self._line))
        self._length += len(text)

    def _inlines(self, nodes: Iterable[Inline]) -> None:
        for node in nodes:
            match node:
                case Text():
                    self._add(node.text)
                case Span():
                    self._inlines(node.children)
                case Link():
                    self._link(node)
                case Image():
                    self._to(node.line)
                    self.images.append(node)
                    self._add(OTHER)
                case Code() | Break():
                    self._add(OTHER)
                case FootnoteRef():
                    pass

    def _link(self, node: Link) -> None:
        self._to(node.line)
        images = len(self.images)
        start, first = self._length, len(self._parts)
        self._inlines(node.children)
        text = _flat("".join(self._parts[first:]))
        kind = "text"
        if not text.strip(OTHER + " ") and len(self.images) > images:
            text, kind = self.images[images].alt, "image"
        href = self.marks.sub(OTHER, node.href) if self.marks is not None else node.href
        use = Use(text, href, node.line or self._line, kind, self._open, start, self._length)
        self.links.append(use)
        if self._open is not None:
            self._open.links.append(use)

    def blocks(self, blocks: Blocks) -> None:
        """Read blocks and all in them."""
        for block in blocks:
            self._block(block)

    def _block(self, block: Block) -> None:  # noqa: C901, PLR0912 - one case a kind of block
        match block:
            case Paragraph():
                self.passage("paragraph", block.children, block.line)
            case Heading():
                self.headings.append(block.line)
                self.passage("heading", block.children, block.line)
            case Items():
                for item in block.items:
                    self.blocks(item)
            case Quote():
                self.blocks(block.blocks)
                if block.cite:
                    self.passage("cell", block.cite, block.line)
            case Callout():
                if block.title:
                    self.passage("heading", (Text(block.title),), block.line)
                self.blocks(block.blocks)
            case Columns():
                for column in block.columns:
                    self.blocks(column)
            case Events():
                for row in block.rows:
                    for cell in (row.when, *row.cells):
                        self.passage("event", cell, row.line)
            case LinkRow():
                for link in block.links:
                    self.passage("row", (link,), block.line)
            case Table():
                self._table(block)
            case Button() | Figure():
                self._single(block)
            case CodeBlock() | Divider():
                pass

    def _single(self, block: Button | Figure) -> None:
        if isinstance(block, Button):
            self.passage("button", (Link(block.href, (Text(block.label),), line=block.line),), block.line)
            self.links[-1] = Use(_flat(self.passages[-1].text), self.links[-1].href, block.line, "button", self.passages[-1])
            return
        self.images.append(block.image)
        if block.href:
            href = self.marks.sub(OTHER, block.href) if self.marks is not None else block.href
            self.links.append(Use(block.image.alt, href, block.line, "image"))
        if block.caption:
            self.passage("paragraph", block.caption, block.line)

    def _table(self, table: Table) -> None:
        self.tables.append((table.line, max(map(len, (table.head, *table.rows)))))
        # In Markdown each row stands on a line of its own, the first two apart by the line of dashes.
        for number, row in enumerate((table.head, *table.rows) if table.head else table.rows):
            for cell in row:
                if cell:
                    self.passage("cell", cell, table.line + number + (number > 0 and bool(table.head)))
