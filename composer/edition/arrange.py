"""Issue to what a template sets: blocks grouped into pieces, Sections with chip and accent. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from markupsafe import Markup

from composer.edition.html import COLUMN_WIDTH, address, inline_html, prose_html, shown_width
from composer.edition.layout import (
    ButtonPiece,
    CalloutPiece,
    ColumnsPiece,
    DividerPiece,
    EventRow,
    EventsPiece,
    ImagePiece,
    LinksPiece,
    Piece,
    Prose,
    QuotePiece,
    SectionView,
)
from composer.issue.inlines import plain
from composer.issue.model import Block, Button, Callout, Columns, Divider, Events, Figure, LinkRow, Quote, Section

_GUTTER = 24


def pieces(blocks: Sequence[Block], width: int = COLUMN_WIDTH) -> tuple[Piece, ...]:
    """Group blocks into pieces for a column of ``width`` pixels."""
    found: list[Piece] = []
    prose: list[Block] = []
    for block in blocks:
        piece = _piece(block, width)
        if piece is None:
            prose.append(block)
            continue
        if prose:
            found.append(Prose(prose_html(prose, width)))
            prose = []
        found.append(piece)
    if prose:
        found.append(Prose(prose_html(prose, width)))
    return tuple(found)


def _piece(block: Block, width: int) -> Piece | None:
    match block:
        case Button():
            return ButtonPiece(Markup.escape(block.label), address(block.href), block.secondary, block.line)
        case Figure():
            image = block.image
            return ImagePiece(
                src=address(image.src),
                alt=Markup.escape(image.alt),
                width=shown_width(image, width),
                href=address(block.href),
                caption=inline_html(block.caption),
                title=Markup.escape(image.title),
                line=block.line,
            )
        case Events():
            return EventsPiece(
                tuple(EventRow(inline_html(row.when), tuple(inline_html(cell) for cell in row.cells), row.line) for row in block.rows),
                block.line,
            )
        case LinkRow():
            return LinksPiece(tuple(inline_html((link,)) for link in block.links), block.line)
        case Callout():
            return CalloutPiece(block.kind, Markup.escape(block.title), prose_html(block.blocks, width - 2 * _GUTTER), block.line)
        case Quote() if block.cite:
            return QuotePiece(prose_html(block.blocks, width - 2 * _GUTTER), inline_html(block.cite), block.line)
        case Columns():
            inner = (width - _GUTTER * (len(block.columns) - 1)) // len(block.columns)
            return ColumnsPiece(tuple(pieces(column, inner) for column in block.columns), block.line)
        case Divider():
            return DividerPiece()
        case _:
            return None


def section_view(section: Section, known: Mapping[str, tuple[str, str]]) -> SectionView:
    """Prepare a Section; ``known`` has (accent, chip) by the case-folded name of a section."""
    name = " ".join(plain(section.title).split())
    accent, chip = known.get(name.casefold(), ("", ""))
    return SectionView(
        title=inline_html(section.title),
        tagline=inline_html(section.tagline),
        name=name,
        slug=section.slug,
        href=address(section.href),
        chip=chip,
        accent=accent,
        pieces=pieces(section.blocks),
        line=section.line,
    )
