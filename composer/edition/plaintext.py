"""The plain-text part, written from the Issue itself: wrapped, headings underlined, links numbered and listed per Section."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from composer.edition.wrap import GLUE, WIDTH, columns, table, wrap
from composer.issue.inlines import plain
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
    Event,
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
    Section,
    Span,
    Table,
    Text,
)

_NARROWEST = 32
_WHEN = 16


@dataclass(frozen=True, slots=True)
class Frame:
    """What stands around the Issue: lines after the title, lines after the last Section, and words of the theme.

    ``labels`` are the titles of callouts without one, by kind.
    """

    top: tuple[str, ...] = ()
    bottom: tuple[str, ...] = ()
    notes: str = "Notes"
    contents: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)


def plaintext(issue: Issue, frame: Frame) -> str:
    """Write an Issue as text for a terminal; LF line ends, no trailing spaces, marks of merge fields kept."""
    return _Writer(issue, frame).write()


@dataclass(slots=True)
class _Links:
    """Numbers of the addresses met; ``fresh`` are those not listed yet."""

    numbers: dict[str, int] = field(default_factory=dict)
    fresh: dict[str, int] = field(default_factory=dict)

    def number(self, href: str) -> int:
        if href not in self.numbers:
            self.numbers[href] = len(self.numbers) + 1
        self.fresh[href] = self.numbers[href]
        return self.numbers[href]


class _Writer:
    def __init__(self, issue: Issue, frame: Frame) -> None:
        self.issue = issue
        self.frame = frame
        self.mark = issue.mark_prefix
        self.defaults = {slot.mark: slot.default for slot in issue.fields if slot.default is not None}
        self.links = _Links()
        self.width = WIDTH

    @contextmanager
    def indented(self, columns: int) -> Iterator[None]:
        """What is written meanwhile will stand that many columns further in."""
        self.width, outer = max(_NARROWEST, self.width - columns), self.width
        yield
        self.width = outer

    def write(self) -> str:
        issue = self.issue
        parts: list[list[str]] = [self.underlined(issue.title, "=")]
        parts += [self.wrapped(line) for line in self.frame.top]
        if self.frame.contents:
            titles = [plain(section.title) for section in issue.sections]
            parts.append([self.frame.contents, *(line for title in titles for line in self.wrapped(title, "  * ", "    "))])
        parts += self.listed(self.blocks(issue.lead))
        for section in issue.sections:
            parts.append(["", *self.section_title(section)])
            parts += self.listed(self.blocks(section.blocks))
        if issue.footnotes:
            parts.append(["", *self.underlined(self.frame.notes, "-")])
            notes = [self.item(note, f"[^{number}] ") for number, note in enumerate(issue.footnotes, 1)]
            parts += self.listed(notes)
        if self.frame.bottom:
            parts += [["", "-" * WIDTH], *(self.wrapped(line) for line in self.frame.bottom)]
        text = "\n\n".join("\n".join(lines) for lines in parts if lines)
        return "\n".join(line.rstrip(" \t") for line in text.replace(GLUE, " ").split("\n")) + "\n"

    def wrapped(self, text: str, first: str = "", rest: str = "") -> list[str]:
        return wrap(text, self.width, first, rest, self.mark)

    def underlined(self, text: str, stroke: str) -> list[str]:
        lines = self.wrapped(text)
        return [*lines, stroke * min(WIDTH, max(columns(self.filled(line), self.mark) for line in lines))]

    def filled(self, line: str) -> str:
        """A line with each merge field as its default, where it has one."""
        for mark, default in self.defaults.items() if self.mark in line else ():
            line = line.replace(mark, default)
        return line

    def section_title(self, section: Section) -> list[str]:
        title = self.inline(section.title)
        if section.href:
            title = f"{title}{GLUE}[{self.links.number(section.href)}]"
        if section.tagline:
            title = f"{title}: {self.inline(section.tagline)}"
        return self.underlined(title, "-")

    def listed(self, parts: list[list[str]]) -> list[list[str]]:
        """Paragraphs, and after them the addresses that they refer to; an address is never cut."""
        if self.links.fresh:
            parts = [*parts, [f"[{number}] {href}" for href, number in self.links.fresh.items()]]
            self.links.fresh = {}
        return parts

    # ---- blocks: each gives paragraphs, a paragraph is a list of lines ----

    def blocks(self, blocks: Blocks) -> list[list[str]]:
        return [lines for block in blocks for lines in self.block(block)]

    def block(self, block: Block) -> list[list[str]]:  # noqa: C901, PLR0911, PLR0912 - one case a kind of block
        match block:
            case Paragraph():
                return self.paragraph(block.children)
            case Heading():
                return [["", *self.wrapped(self.inline(block.children), "## ", "## ")]]
            case Items():
                return self.items(block)
            case Quote():
                with self.indented(2):
                    cite = [self.wrapped(self.inline(block.cite), "-- ", "   ")] if block.cite else []
                    return [self.prefixed([*self.blocks(block.blocks), *cite], "> ")]
            case Callout():
                with self.indented(2):
                    label = block.title or self.frame.labels.get(block.kind, "")
                    title = [self.wrapped(label)] if label else []
                    return [self.prefixed([*title, *self.blocks(block.blocks)], "| ")]
            case Columns():
                return [lines for column in block.columns for lines in self.blocks(column)]
            case Button():
                return [[*self.wrapped(block.label, ">> ", "   "), f"   {block.href}"]]
            case LinkRow():
                return [self.wrapped(" | ".join(self.one(link) for link in block.links))]
            case Events():
                return [[line for row in block.rows for line in self.event(row)]]
            case Figure():
                return self.figure(block)
            case CodeBlock():
                return [[f"    {line}" for line in block.text.split("\n")]]
            case Table():
                return self.table(block)
            case Divider():
                return [["* * *"]]

    def paragraph(self, children: Inlines) -> list[list[str]]:
        text = self.inline(children)
        return [[line for part in text.split("\v") for line in self.wrapped(part)]] if text.strip() else []

    def items(self, block: Items) -> list[list[str]]:
        items: list[list[str]] = []
        for index, item in enumerate(block.items):
            items.append(self.item(item, "* " if block.start is None else f"{block.start + index}. "))
        loose = not block.tight or sum(len(lines) for lines in items) > 2 * len(items)
        return items if loose else [[line for lines in items for line in lines]]

    def item(self, blocks: Blocks, bullet: str) -> list[str]:
        indent = " " * len(bullet)
        lines: list[str] = []
        for block in blocks:
            with self.indented(len(bullet)):
                paragraphs = self.block(block)
            for index, paragraph in enumerate(paragraphs):
                if lines and not (isinstance(block, Items) and block.tight and not index):
                    lines.append("")
                lines += [f"{indent}{line}" if line else "" for line in paragraph]
        return [f"{bullet}{lines[0].removeprefix(indent)}", *lines[1:]] if lines else [bullet.rstrip()]

    def prefixed(self, paragraphs: list[list[str]], prefix: str) -> list[str]:
        lines = [line for index, paragraph in enumerate(paragraphs) for line in (["", *paragraph] if index else paragraph)]
        return [f"{prefix}{line}".rstrip() for line in lines]

    def event(self, event: Event) -> list[str]:
        when = self.inline(event.when)
        rest = " | ".join(self.inline(cell) for cell in event.cells)
        first = f"  {when}  " if columns(when, self.mark) > _WHEN else f"  {when}{' ' * (_WHEN + 2 - columns(when, self.mark))}"
        return self.wrapped(rest, first, " " * (_WHEN + 4))

    def figure(self, block: Figure) -> list[list[str]]:
        caption = self.inline(block.caption) or block.image.title
        alt = f"[Image: {block.image.alt}]" if block.image.alt not in {"", caption} else ""
        words = " ".join(part for part in (alt, caption) if part)
        if block.href:
            words = f"{words or '[Image]'}{GLUE}[{self.links.number(block.href)}]"
        return [self.wrapped(words)] if words else []

    def table(self, block: Table) -> list[list[str]]:
        rows = [block.head, *block.rows] if block.head else list(block.rows)
        cells = [[self.inline(cell).replace("\v", " ").replace("\n", " ") for cell in row] for row in rows]
        return [table(cells, self.width, self.mark, head=bool(block.head))]

    # ---- inlines; a hard break is a vertical tab until the paragraph is wrapped ----

    def inline(self, children: Iterable[Inline]) -> str:
        return "".join(self.one(node) for node in children)

    def one(self, node: Inline) -> str:
        match node:
            case Text():
                return node.text.replace("\v", " ")
            case Code():
                words = node.text if "`" in node.text else f"`{node.text}`"
                return words.replace(" ", GLUE) if len(words) < WIDTH // 2 else words
            case Break():
                return "\v"
            case Span():
                words = self.inline(node.children)
                if node.tag == "sup":
                    return f"^{words}"
                if node.tag == "s":
                    return f"~{words}~"
                return f"*{words}*" if node.tag == "strong" and not words.startswith("*") else words
            case FootnoteRef():
                return f"[^{node.number}]"
            case Image():
                return f"[Image: {node.alt}]" if node.alt else ""
            case Link():
                return self.link(node)

    def link(self, link: Link) -> str:
        words = self.inline(link.children)
        if link.href.startswith("#"):
            return words
        bare = words.strip()
        if bare and bare.rstrip("/") in {link.href.rstrip("/"), link.href.removeprefix("mailto:"), link.href.removeprefix("tel:")}:
            return words
        return f"{words}{GLUE}[{self.links.number(link.href)}]" if words else f"[{self.links.number(link.href)}]"
