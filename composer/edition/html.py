"""Blocks to the HTML of running text: escaped, with class names only; ``templates/email/styles`` dresses it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from html import escape
from itertools import chain, repeat

from markupsafe import Markup

from composer.issue.inlines import plain
from composer.issue.model import (
    Block,
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
    Items,
    Link,
    LinkRow,
    Paragraph,
    Quote,
    Span,
    Table,
    Text,
)

_CLASSES = {"mark": "mk", "kbd": "kbd"}
COLUMN_WIDTH = 520
_SCOPE = ' scope="col"'
# In pixels: a letter of a table with some to spare, its padding, the least width of a cell, and the room on a screen of 320.
_LETTER, _CELL_PADDING, _NARROWEST_CELL, _PHONE_WIDTH = 9, 12, 54, 280
_LEAST_SHARE = 0.75  # what is left of a column's width on a screen of 480


def inline_html(children: Iterable[Inline]) -> Markup:
    """Return inlines as HTML."""
    return Markup("".join(_inline(node) for node in children))  # noqa: S704 - every part is escaped below


def prose_html(blocks: Iterable[Block], width: int = COLUMN_WIDTH) -> Markup:
    """Return blocks as HTML without tables for layout; images no wider than ``width`` pixels."""
    parts: list[str] = []
    before: Block | None = None
    for block in blocks:
        parts.append(_heading(block, before) if isinstance(block, Heading) else _block(block, width))
        before = block
    return Markup("".join(parts))  # noqa: S704 - every part is escaped below


def address(text: str) -> Markup:
    """Return an address ready for an attribute."""
    return Markup(escape(text))  # noqa: S704 - escaped


def at(line: int) -> str:
    """Return the mark of the issue's line for a start tag, right behind its name; see ``composer.edition.marks``."""
    return f' data-at="{line}"' if line else ""


def shown_width(image: Image, width: int) -> int:
    """Width in pixels at which an image is shown in a column, 0 for the whole column."""
    wanted = image.shown_width or image.width
    return wanted if 0 < wanted < width else 0


def _text(text: str) -> str:
    return escape(text, quote=False)


def _inline(node: Inline) -> str:
    match node:
        case Text():
            return _text(node.text)
        case Code():
            return f'<code class="code">{_text(node.text)}</code>'
        case Break():
            return "<br />"
        case FootnoteRef():
            return f'<sup class="fn">{node.number}</sup>'
        case Link():
            title = f' title="{escape(node.title)}"' if node.title else ""
            return f'<a{at(node.line)} class="a" href="{escape(node.href)}"{title}>{inline_html(node.children)}</a>'
        case Image():
            return _image(node, COLUMN_WIDTH)
        case Span():
            class_ = f' class="{_CLASSES[node.tag]}"' if node.tag in _CLASSES else ""
            return f"<{node.tag}{class_}>{inline_html(node.children)}</{node.tag}>"


def _image(image: Image, width: int) -> str:
    shown = shown_width(image, width) or (width if image.width else 0)
    size = f' width="{shown}"' if shown else ""
    title = f' title="{escape(image.title)}"' if image.title else ""
    return f'<img{at(image.line)} class="img" src="{escape(image.src)}" alt="{escape(image.alt)}"{title}{size} />'


def _block(block: Block, width: int) -> str:  # noqa: C901, PLR0911, PLR0912 - one case a kind of block
    match block:
        case Paragraph():
            return f'<p{at(block.line)} class="p">{inline_html(block.children)}</p>'
        case Heading():
            return _heading(block, None)
        case Items():
            return _items(block, "", width)
        case Quote():
            cite = f'<p class="p">— {inline_html(block.cite)}</p>' if block.cite else ""
            return f'<blockquote{at(block.line)} class="q">{prose_html(block.blocks, width)}{cite}</blockquote>'
        case Callout():
            title = f'<p class="p"><strong>{_text(block.title)}</strong></p>' if block.title else ""
            return f'<blockquote{at(block.line)} class="q">{title}{prose_html(block.blocks, width)}</blockquote>'
        case Columns():
            return "".join(prose_html(column, width) for column in block.columns)
        case Button():
            return f'<p{at(block.line)} class="p"><a class="a" href="{escape(block.href)}"><strong>{_text(block.label)}</strong></a></p>'
        case LinkRow():
            return f'<p{at(block.line)} class="p">{" · ".join(_inline(link) for link in block.links)}</p>'
        case Events():
            return f'<ul{at(block.line)} class="ul">{"".join(_event(row) for row in block.rows)}</ul>'
        case Figure():
            image = _image(block.image, width)
            linked = f'<a href="{escape(block.href)}">{image}</a>' if block.href else image
            return f'<p{at(block.line)} class="p">{linked}{"<br />" if block.caption else ""}{inline_html(block.caption)}</p>'
        case CodeBlock():
            # A <pre> in mail loses its line ends in some clients, so they are spelled out.
            return f'<pre{at(block.line)} class="pre">{_text(block.text).replace(chr(10), "<br />")}</pre>'
        case Table():
            return _table(block, width)
        case Divider():
            return f'<hr{at(block.line)} class="hr" />'


def _heading(block: Heading, before: Block | None) -> str:
    """``h3-next`` is a heading after text; a sibling selector would cost the inliner time by the square of the siblings."""
    name = f"h{min(4, max(3, block.level))}"
    classes = name if before is None or isinstance(before, Heading | Divider) else f"{name} {name}-next"
    return f'<h{block.level}{at(block.line)} class="{classes}">{inline_html(block.children)}</h{block.level}>'


def _event(event: Event) -> str:
    rest = f": {', '.join(inline_html(cell) for cell in event.cells)}" if event.cells else ""
    return f'<li{at(event.line)} class="li"><strong>{inline_html(event.when)}</strong>{rest}</li>'


def _items(block: Items, nested: str, width: int) -> str:
    tag = "ul" if block.start is None else "ol"
    start = f' start="{block.start}"' if block.start not in {None, 1} else ""
    items = "".join(f'<li{at(item[0].line) if item else ""} class="li">{_item(item, width)}</li>' for item in block.items)
    return f'<{tag}{at(block.line)} class="{tag}{nested}"{start}>{items}</{tag}>'


def _item(blocks: tuple[Block, ...], width: int) -> str:
    """An item's first paragraph needs no element of its own, which keeps lists light."""
    parts: list[str] = []
    for index, block in enumerate(blocks):
        if index == 0 and isinstance(block, Paragraph):
            parts.append(inline_html(block.children))
        elif isinstance(block, Items):
            parts.append(_items(block, " sub", width))
        else:
            parts.append(_block(block, width))
    return "".join(parts)


def _table(block: Table, width: int) -> str:
    rows = (block.head, *block.rows) if block.head else block.rows
    longest = [[max((len(word) for word in re.split(r"[\s-]+", plain(cell))), default=0) for cell in row] for row in rows]
    columns = [max(column) for column in zip(*longest, strict=True)]

    def row(index: int, tag: str, extra: str) -> str:
        classes = _whole(longest[index], columns, width)
        return "".join(
            f'<{tag} class="{tag}{class_}"{extra}{_align(align)}>{inline_html(cell)}</{tag}>'
            for cell, class_, align in zip(rows[index], classes, chain(block.aligns, repeat("")), strict=False)
        )

    head = f"<thead><tr>{row(0, 'th', _SCOPE)}</tr></thead>" if block.head else ""
    body = "".join(f"<tr>{row(index, 'td', '')}</tr>" for index in range(1 if block.head else 0, len(rows)))
    return f'<table{at(block.line)} class="t" width="100%" cellpadding="0" cellspacing="0" border="0">{head}<tbody>{body}</tbody></table>'


def _whole(cells: Sequence[int], columns: Sequence[int], width: int) -> Iterator[str]:
    """Say which cells of a row need never break a word, by the letters of their longest words and of their columns'.

    ``ws`` is for any screen, ``wl`` for one where columns stand side by side. A cell's fair share is always there; beyond
    that, all may have their room when it suffices for all.
    """

    def fits(cell: int, room: float) -> bool:
        needed = sum(max(_LETTER * letters + _CELL_PADDING, _NARROWEST_CELL) for letters in columns)
        return needed <= room or _LETTER * cell + _CELL_PADDING <= room / len(columns)

    for cell in cells:
        yield " ws" if fits(cell, _PHONE_WIDTH) else " wl" if fits(cell, width * _LEAST_SHARE) else ""


def _align(align: str) -> str:
    return f' align="{align}"' if align else ""
