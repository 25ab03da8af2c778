"""What a template sees: an Issue's blocks as pieces to set, each of a kind that a template macro knows.

Running text comes as ready HTML (``Prose``); what needs MJML of its own (buttons, images, columns …) as data.
All HTML here is escaped and safe to print; strings typed ``str`` are escaped by Jinja2. ``line`` is the issue's line, 0 when unknown.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from markupsafe import Markup


@dataclass(frozen=True, slots=True)
class Prose:
    """Paragraphs, headings, lists, tables, code and quotes in a row, as HTML with class names only."""

    kind: ClassVar[str] = "prose"
    html: Markup


@dataclass(frozen=True, slots=True)
class ButtonPiece:
    """A call to action; ``href`` ready for an attribute."""

    kind: ClassVar[str] = "button"
    label: Markup
    href: Markup
    secondary: bool
    line: int = 0


@dataclass(frozen=True, slots=True)
class ImagePiece:
    """An image on its own; ``width`` in pixels as shown (0: full column), ``href`` empty when not linked; ``title`` may be empty."""

    kind: ClassVar[str] = "image"
    src: Markup
    alt: Markup
    width: int
    href: Markup
    caption: Markup
    title: Markup
    line: int = 0


@dataclass(frozen=True, slots=True)
class EventRow:
    """One event; ``cells`` are the parts after the date, the first is what it is."""

    when: Markup
    cells: tuple[Markup, ...]
    line: int = 0


@dataclass(frozen=True, slots=True)
class EventsPiece:
    """Events, one a row."""

    kind: ClassVar[str] = "events"
    rows: tuple[EventRow, ...]
    line: int = 0


@dataclass(frozen=True, slots=True)
class LinksPiece:
    """Links in a row, each a complete ``<a class="…">``."""

    kind: ClassVar[str] = "links"
    links: tuple[Markup, ...]
    line: int = 0


@dataclass(frozen=True, slots=True)
class CalloutPiece:
    """A box; ``tone`` is note, tip, important or warning; ``title`` may be empty."""

    kind: ClassVar[str] = "callout"
    tone: str
    title: Markup
    html: Markup
    line: int = 0


@dataclass(frozen=True, slots=True)
class QuotePiece:
    """A pulled quotation and who said it (may be empty)."""

    kind: ClassVar[str] = "quote"
    html: Markup
    cite: Markup
    line: int = 0


@dataclass(frozen=True, slots=True)
class ColumnsPiece:
    """Two to four columns of pieces."""

    kind: ClassVar[str] = "columns"
    columns: tuple[tuple[Piece, ...], ...]
    line: int = 0


@dataclass(frozen=True, slots=True)
class DividerPiece:
    """A thematic break."""

    kind: ClassVar[str] = "divider"


Piece = Prose | ButtonPiece | ImagePiece | EventsPiece | LinksPiece | CalloutPiece | QuotePiece | ColumnsPiece | DividerPiece


@dataclass(frozen=True, slots=True)
class SectionView:
    """One Section to set: ``slug`` is its anchor, ``chip`` and ``accent`` are set when the theme knows its name.

    ``accent`` is the key of a CSS class ``accent-<accent>``; ``href`` is empty unless the heading is a link.
    """

    title: Markup
    tagline: Markup
    name: str
    slug: str
    href: Markup
    chip: str
    accent: str
    pieces: tuple[Piece, ...]
    line: int = 0
