"""Every address that an issue's text links to, with its line. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from composer.issue.model import (
    Block,
    Blocks,
    Button,
    Callout,
    Columns,
    Events,
    Figure,
    Heading,
    Inlines,
    Issue,
    Items,
    Link,
    LinkRow,
    Paragraph,
    Quote,
    Span,
    Table,
)

Links = Iterator[tuple[str, int]]


def links_of(issue: Issue) -> Links:
    """Yield address and line of each link, in the order of the text."""
    yield from _blocks(issue.lead)
    for section in issue.sections:
        if section.href:
            yield section.href, section.line
        yield from _inlines(section.title)
        yield from _inlines(section.tagline)
        yield from _blocks(section.blocks)
    for note in issue.footnotes:
        yield from _blocks(note)


def inner_blocks(block: Block) -> tuple[Blocks, ...]:
    """Return the runs of blocks that a block is made of; none for one that holds words."""
    match block:
        case Items():
            return block.items
        case Quote() | Callout():
            return (block.blocks,)
        case Columns():
            return block.columns
        case _:
            return ()


def _blocks(blocks: Blocks) -> Links:
    for block in blocks:
        if isinstance(block, Button | Figure):
            yield block.href, block.line
        for inlines in _words(block):
            yield from _inlines(inlines)
        for inner in inner_blocks(block):
            yield from _blocks(inner)


def _words(block: Block) -> Iterable[Inlines]:
    match block:
        case Paragraph() | Heading():
            return (block.children,)
        case LinkRow():
            return (block.links,)
        case Events():
            return [cell for row in block.rows for cell in (row.when, *row.cells)]
        case Table():
            return [cell for cells in (block.head, *block.rows) for cell in cells]
        case Figure():
            return (block.caption,)
        case _:
            return ()


def _inlines(nodes: Inlines) -> Links:
    for node in nodes:
        if isinstance(node, Link):
            yield node.href, node.line
        elif isinstance(node, Span):
            yield from _inlines(node.children)
