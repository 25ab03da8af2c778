"""Elements to blocks: paragraphs, lists, tables, and what a paragraph means to be (a button, an event line, a picture)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from composer.issue.addresses import Reading
from composer.issue.cells import read_cells
from composer.issue.directives import read_directive
from composer.issue.html import Element
from composer.issue.inlines import SPACES, plain, read_inlines
from composer.issue.model import (
    Block,
    Blocks,
    Button,
    CodeBlock,
    Divider,
    Event,
    Events,
    Figure,
    Heading,
    Image,
    Inline,
    Inlines,
    Items,
    Link,
    Paragraph,
    Quote,
    Span,
    Table,
    Text,
)  # fmt: skip

_BLOCK_TAGS = {
    "p", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "blockquote", "pre", "hr", "table", "div", "section", "article", "header",
    "footer", "main", "center", "details", "summary", "address", "figure", "figcaption", "dl", "dt", "dd", "li", "caption",
    "tbody", "thead", "tfoot", "tr", "td", "th",
}  # fmt: skip
_HEADINGS = {"h1": 1, "h2": 2, "h3": 3, "h4": 4, "h5": 5, "h6": 6}


def read_blocks(children: Sequence[Element | str], reading: Reading, line: int = 0) -> Blocks:
    """Turn the content of a body, list item, quotation or directive into blocks."""
    blocks: list[Block] = []
    loose: list[Element | str] = []
    for child in children:
        if isinstance(child, Element) and child.tag in _BLOCK_TAGS:
            blocks.extend(_paragraph(loose, reading, _first_line(loose, line)))
            loose = []
            line = child.line or line
            blocks.extend(_block(child, reading, line))
        else:
            loose.append(child)
    blocks.extend(_paragraph(loose, reading, _first_line(loose, line)))
    return tuple(blocks)


def _first_line(children: Sequence[Element | str], line: int) -> int:
    """The line at which loose content starts: that of the first element that has one, less the line ends before it."""
    before = 0
    for child in children:
        if isinstance(child, str):
            before += child.count("\n")
        elif child.line:
            return max(line, child.line - before)
    return line


def _block(element: Element, reading: Reading, line: int) -> Iterable[Block]:
    tag = element.tag
    if "data-d" in element.attrs:
        inner = read_blocks(element.children, reading, line)
        return read_directive(element.attrs["data-d"], element.attrs.get("data-a", ""), inner, reading, line)
    if tag in _HEADINGS:
        inlines = read_inlines(element.children, reading, line)
        return _picture(inlines, line) or [Heading(_HEADINGS[tag], inlines, line)]
    if tag in {"ul", "ol"}:
        return _items(element, reading, line)
    if tag == "blockquote":
        inner = read_blocks(element.children, reading, line)
        return [Quote(inner, line=line)] if inner else []
    if tag == "pre":
        return [CodeBlock(reading.fields.restore(element.text()).strip("\n"), _first_line(element.children, line))]
    if tag == "hr":
        return [Divider(line)]
    if tag == "table":
        return _table(element, reading, line)
    if tag == "figure":
        return _figure(element, reading, line)
    if tag in {"p", "summary", "dt", "figcaption", "caption"}:
        return _paragraph(element.children, reading, line)
    return read_blocks(element.children, reading, line)


def _paragraph(children: Sequence[Element | str], reading: Reading, line: int) -> list[Block]:
    parts = [child for child in children if not isinstance(child, str) or child.strip(SPACES)]
    if not parts:
        return []
    if buttons := _buttons(parts, reading, line):
        return buttons
    inlines = read_inlines(children, reading, line)
    if not inlines:
        return []
    if picture := _picture(inlines, line):
        return picture
    if len(inlines) == 1 and isinstance(only := _unmarked(inlines[0]), Link) and _in_capitals(plain(only.children)):
        return [Button(" ".join(plain(only.children).split()), only.href, line=line)]
    return [read_cells(inlines, line) or Paragraph(inlines, line=line)]


def _picture(inlines: Inlines, line: int) -> list[Block]:
    """The figure that a paragraph or heading is, when an image, perhaps linked, is all it holds."""
    only = _unmarked(inlines[0]) if len(inlines) == 1 else None
    if isinstance(only, Link) and len(only.children) == 1 and isinstance(only.children[0], Image):
        return [Figure(only.children[0], only.href, line=only.line or line)]
    return [Figure(only, line=only.line or line)] if isinstance(only, Image) else []


def _unmarked(node: Inline) -> Inline:
    """A link or image that is bold or emphasised as a whole is meant for itself."""
    inner = node
    while isinstance(inner, Span) and inner.tag in {"strong", "em"} and len(inner.children) == 1:
        inner = inner.children[0]
    return inner if isinstance(inner, Link | Image) else node


def _in_capitals(text: str) -> bool:
    letters = [char for char in text if char.isalpha()]
    return len(letters) > 1 and text == text.upper() and text != text.lower()


def _buttons(parts: Sequence[Element | str], reading: Reading, line: int) -> list[Block]:
    """The buttons of a paragraph that holds nothing but links marked ``{.button}``."""
    links = [part for part in parts if isinstance(part, Element) and "button" in part.attrs.get("class", "").split()]
    if len(links) != len(parts):
        return []
    buttons: list[Block] = []
    for link in links:
        secondary = "secondary" in link.attrs["class"].split()
        link.attrs["class"] = ""  # it stands where a button may, so reading it as a link has nothing to report
        for node in read_inlines([link], reading, line):
            if isinstance(node, Link) and plain(node.children):
                buttons.append(Button(plain(node.children), node.href, secondary, node.line or line))
            else:
                buttons.append(Paragraph((node,), line=line))
    return buttons


def _items(element: Element, reading: Reading, line: int) -> list[Block]:
    """A list; its event lines become events of their own, in their place."""
    start = element.attrs.get("start", "1") if element.tag == "ol" else None
    number = int(start) if start is not None and re.fullmatch(r"\d{1,9}", start, re.ASCII) else (1 if start is not None else None)
    tight = element.attrs.get("data-a") != "loose"
    blocks: list[Block] = []
    items: list[Blocks] = []
    events: list[Event] = []
    began = line

    def close() -> None:
        nonlocal number
        if events:
            blocks.append(Events(tuple(events), events[0].line))
            events.clear()
        if items:
            blocks.append(Items(tuple(items), number, tight, began))
            number = number + len(items) if number is not None else None
            items.clear()

    for child in element.children:
        if isinstance(child, str):
            continue
        at = child.line or line
        inner = read_blocks(child.children if child.tag == "li" else [child], reading, at)
        is_event = len(inner) == 1 and isinstance(inner[0], Events)
        if (is_event and items) or (not is_event and events):
            close()
        if is_event and isinstance(inner[0], Events):
            events.extend(_with_day(row, child.attrs.get("data-a", "")) for row in inner[0].rows)
        elif inner:
            began = began if items else at
            items.append(inner)
    close()
    return blocks


def _with_day(event: Event, marker: str) -> Event:
    """Give back its day to a date such as ``3. Juni``, which Markdown takes for item 3 of a list."""
    if not marker.endswith(".") or any(char.isdigit() for char in plain(event.when)[:12]):
        return event
    return Event((Text(f"{marker} "), *event.when), event.cells, event.line)


def _table(element: Element, reading: Reading, line: int) -> list[Block]:
    head: tuple[Inlines, ...] = ()
    rows: list[tuple[Inlines, ...]] = []
    aligns: list[str] = []
    for row in _rows(element):
        cells = [cell for cell in row.children if isinstance(cell, Element) and cell.tag in {"td", "th"}]
        texts = tuple(read_inlines(cell.children, reading, row.line or line) for cell in cells)
        for index, cell in enumerate(cells):
            align = cell.attrs.get("data-a") or cell.attrs.get("align", "")
            aligns += [""] * (index + 1 - len(aligns))
            aligns[index] = aligns[index] or (align if align in {"left", "center", "right"} else "")
        if not head and not rows and cells and all(cell.tag == "th" for cell in cells):
            head = texts
        elif any(texts):
            rows.append(texts)
    width = len(aligns)
    if not head and not rows:
        return []
    return [Table(_filled(head, width) if head else (), tuple(_filled(row, width) for row in rows), tuple(aligns), line)]


def _filled(row: tuple[Inlines, ...], width: int) -> tuple[Inlines, ...]:
    return row + ((),) * (width - len(row))


def _rows(element: Element) -> Iterable[Element]:
    for child in element.children:
        if isinstance(child, Element):
            if child.tag == "tr":
                yield child
            elif child.tag in {"thead", "tbody", "tfoot"}:
                yield from _rows(child)


def _figure(element: Element, reading: Reading, line: int) -> Iterable[Block]:
    caption: Inlines = ()
    rest: list[Element | str] = []
    for child in element.children:
        if isinstance(child, Element) and child.tag == "figcaption":
            caption = read_inlines(child.children, reading, child.line or line)
        else:
            rest.append(child)
    blocks = read_blocks(rest, reading, line)
    if caption and blocks and isinstance(blocks[-1], Figure):
        last = blocks[-1]
        return [*blocks[:-1], Figure(last.image, last.href, caption, last.line)]
    return [*blocks, Paragraph(caption, line=line)] if caption else blocks
