"""What stands between ``::: name`` and ``:::``: callouts, buttons, columns, events and quotations."""

from __future__ import annotations

from collections.abc import Callable

from composer.findings import error, warning
from composer.issue.addresses import Reading
from composer.issue.cells import read_events
from composer.issue.inlines import plain
from composer.issue.model import (
    Block,
    Blocks,
    Button,
    Callout,
    Columns,
    Divider,
    Event,
    Events,
    Heading,
    Inlines,
    Items,
    Link,
    LinkRow,
    Paragraph,
    Quote,
    Span,
    Text,
)
from composer.issue.slips import nearest

TONES = ("note", "tip", "important", "warning")
MOST_COLUMNS = 4


def read_directive(name: str, argument: str, inner: Blocks, reading: Reading, line: int) -> Blocks:
    """Turn a directive into blocks; an unknown one is reported and its content kept."""
    reader = _READERS.get(name)
    if reader is None:
        hint = f"Directives are: {', '.join(_READERS)}."
        reading.findings.append(error("unknown-directive", reading.where(line), f"there is no directive {name[:40]!r}", hint))
        return inner
    if not inner and not (name == "button" and argument):
        reading.findings.append(
            warning("empty-directive", reading.where(line), f"the {name} is empty and is left out", "Fill it in, or delete it.")
        )
        return ()
    return reader(argument, inner, reading, line)


def _callout(argument: str, inner: Blocks, reading: Reading, line: int) -> Blocks:
    tone, _, title = argument.partition(" ")
    if tone.lower() not in TONES:
        if meant := nearest(tone, TONES, 0.8):
            message = f"{tone[:40]!r} is no kind of callout and is set as a part of the title"
            hint = f"Write ::: callout {meant} if that is meant; kinds are {', '.join(TONES)}."
            reading.findings.append(warning("callout-kind", reading.where(line), message, hint))
        tone, title = "note", argument
    return (Callout(inner, tone.lower(), " ".join(title.split()), line),)


def _quote(argument: str, inner: Blocks, reading: Reading, line: int) -> Blocks:
    return (Quote(inner, (Text(argument),) if argument else (), line),)


def _button(argument: str, inner: Blocks, reading: Reading, line: int) -> Blocks:
    """Each link inside becomes a button; ``::: button secondary`` makes quiet ones."""
    secondary = "secondary" in argument.lower().split()
    buttons: list[Block] = []
    for block in inner:
        if isinstance(block, Button):
            buttons.append(Button(block.label, block.href, secondary or block.secondary, block.line))
            continue
        links = block.links if isinstance(block, LinkRow) else tuple(_links(block))
        buttons += [
            Button(plain(link.children).strip(), link.href, secondary, link.line or line) for link in links if plain(link.children).strip()
        ]
        if not links:
            buttons.append(block)
    if not any(isinstance(block, Button) for block in buttons):
        hint = "Write a link inside: [Register now](https://example.org/register)."
        reading.findings.append(error("button-without-link", reading.where(line), "this button has no link", hint))
    return tuple(buttons)


def _links(block: Block) -> list[Link]:
    if isinstance(block, Paragraph):
        return _links_in(block.children)
    if isinstance(block, Items):
        return [link for item in block.items for inner in item for link in _links(inner)]
    return []


def _links_in(children: Inlines) -> list[Link]:
    found: list[Link] = []
    for node in children:
        if isinstance(node, Link):
            found.append(node)
        elif isinstance(node, Span):
            found += _links_in(node.children)
    return found


def _columns(argument: str, inner: Blocks, reading: Reading, line: int) -> Blocks:
    """Columns stand apart by a line ``---``; more than four, or only one, are set one below the other."""
    columns: list[list[Block]] = [[]]
    for block in inner:
        if isinstance(block, Divider):
            columns.append([])
        else:
            columns[-1].append(block)
    filled = tuple(tuple(column) for column in columns if column)
    if 1 < len(filled) <= MOST_COLUMNS:
        return (Columns(filled, line),)
    message = f"columns are two to four, not {len(filled)}; they are set one below the other"
    reading.findings.append(warning("columns-number", reading.where(line), message, "Put a line --- between two columns."))
    return tuple(block for column in filled for block in column)


def _event(argument: str, inner: Blocks, reading: Reading, line: int) -> Blocks:
    """One event a line, whatever its first cell looks like; other blocks stay."""
    blocks: list[Block] = []
    rows: list[Event] = []
    for block in inner:
        found = _rows(block)
        if not found and isinstance(block, Paragraph | LinkRow | Items | Heading):
            hint = "Write one event a line: 17-19 October | Summit | Paris."
            reading.findings.append(
                warning("event-without-date", reading.where(block.line), "an event starts with its date and a ` | `", hint)
            )
        if found:
            rows += found
        else:
            blocks.append(block)
    return (*((Events(tuple(rows), line),) if rows else ()), *blocks)


def _rows(block: Block) -> list[Event]:
    if isinstance(block, Events):
        return list(block.rows)
    if isinstance(block, Paragraph):
        return list(read_events(block.children, block.line, dated=False))
    if isinstance(block, Items):
        nested = [_rows(inner) for item in block.items for inner in item]
        return [row for rows in nested for row in rows] if all(nested) else []
    return []


_READERS: dict[str, Callable[[str, Blocks, Reading, int], Blocks]] = {
    "callout": _callout,
    "button": _button,
    "columns": _columns,
    "event": _event,
    "quote": _quote,
}
