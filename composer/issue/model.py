"""An Issue as written: front matter, and the body as a small typed tree in which every piece knows its line.

Any text here may hold *marks*: opaque, URL-safe words that stand for a merge field (see ``MergeField``).
Nothing in this tree is HTML; what sets it (HTML, plain text) escapes as its format demands.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from composer.findings import Finding, Where
from composer.issue.silences import Silence

# Fields that the product fills by itself, and the two of them that are links; a list needs no column for them.
LINK_FIELDS = frozenset({"unsubscribe_url", "preferences_url"})
SYSTEM_FIELDS = LINK_FIELDS | {"email"}


@dataclass(frozen=True, slots=True)
class MergeField:
    """One occurrence of ``{{ name | default("…") }}``: ``mark`` is what stands for it in the tree."""

    mark: str
    name: str
    default: str | None
    source: str
    where: Where


@dataclass(frozen=True, slots=True)
class Asset:
    """A local image: bytes as they are in the file, ``width`` and ``height`` in pixels, ``mark`` its stand-in address."""

    mark: str
    name: str
    media_type: str
    data: bytes = field(repr=False)
    sha256: str
    width: int
    height: int

    @property
    def hosted_name(self) -> str:
        """File name under which a build publishes it; changes with its content."""
        stem, _, suffix = self.name.rpartition(".")
        return f"{stem}-{self.sha256[:12]}.{suffix}"


# ---- inlines ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Text:
    """Characters as they are read."""

    text: str


@dataclass(frozen=True, slots=True)
class Code:
    """Inline code; never holds a mark."""

    text: str


@dataclass(frozen=True, slots=True)
class Break:
    """A hard line break."""


@dataclass(frozen=True, slots=True)
class Span:
    """An inline element: ``tag`` is one of em, strong, s, sub, sup, u, small, mark, kbd."""

    tag: str
    children: tuple[Inline, ...]


@dataclass(frozen=True, slots=True)
class Link:
    """A link; ``href`` is absolute, ``#anchor`` or a mark."""

    href: str
    children: tuple[Inline, ...]
    title: str = ""
    line: int = 0


@dataclass(frozen=True, slots=True)
class Image:
    """An image; ``src`` is an absolute address or an asset's mark; sizes in pixels, 0 when unknown.

    ``shown_width`` is a width that the author asked for (``{width=300}``), else 0.
    """

    src: str
    alt: str = ""
    title: str = ""
    width: int = 0
    height: int = 0
    shown_width: int = 0
    line: int = 0


@dataclass(frozen=True, slots=True)
class FootnoteRef:
    """A reference to the footnote of that number, counted from 1."""

    number: int


Inline = Text | Code | Break | Span | Link | Image | FootnoteRef
Inlines = tuple[Inline, ...]


# ---- blocks ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Running text."""

    children: Inlines
    line: int = 0


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading inside a Section; ``level`` 3 is the first below the Section's own (h2)."""

    level: int
    children: Inlines
    line: int = 0


@dataclass(frozen=True, slots=True)
class Items:
    """A list; ``start`` is None for bullets, else the first number; ``tight`` when items are not apart."""

    items: tuple[tuple[Block, ...], ...]
    start: int | None = None
    tight: bool = True
    line: int = 0


@dataclass(frozen=True, slots=True)
class Quote:
    """A quotation and who said it."""

    blocks: tuple[Block, ...]
    cite: Inlines = ()
    line: int = 0


@dataclass(frozen=True, slots=True)
class Callout:
    """A box that stands out; ``kind`` is note, tip, important or warning; ``title`` may be empty."""

    blocks: tuple[Block, ...]
    kind: str = "note"
    title: str = ""
    line: int = 0


@dataclass(frozen=True, slots=True)
class Columns:
    """Two to four columns side by side, one below the other on a phone."""

    columns: tuple[tuple[Block, ...], ...]
    line: int = 0


@dataclass(frozen=True, slots=True)
class Button:
    """A call to action."""

    label: str
    href: str
    secondary: bool = False
    line: int = 0


@dataclass(frozen=True, slots=True)
class LinkRow:
    """Links side by side that belong together."""

    links: tuple[Link, ...]
    line: int = 0


@dataclass(frozen=True, slots=True)
class Event:
    """One event: the date as written, then the other cells (what, where …)."""

    when: Inlines
    cells: tuple[Inlines, ...]
    line: int = 0


@dataclass(frozen=True, slots=True)
class Events:
    """Events, one a row."""

    rows: tuple[Event, ...]
    line: int = 0


@dataclass(frozen=True, slots=True)
class Figure:
    """An image that stands alone, perhaps linked."""

    image: Image
    href: str = ""
    caption: Inlines = ()
    line: int = 0


@dataclass(frozen=True, slots=True)
class CodeBlock:
    """Preformatted text; never holds a mark."""

    text: str
    line: int = 0


@dataclass(frozen=True, slots=True)
class Table:
    """A data table; ``aligns`` has one of "", left, center, right a column; ``head`` may be empty."""

    head: tuple[Inlines, ...]
    rows: tuple[tuple[Inlines, ...], ...]
    aligns: tuple[str, ...] = ()
    line: int = 0


@dataclass(frozen=True, slots=True)
class Divider:
    """A thematic break."""

    line: int = 0


Block = Paragraph | Heading | Items | Quote | Callout | Columns | Button | LinkRow | Events | Figure | CodeBlock | Table | Divider
Blocks = tuple[Block, ...]


# ---- the whole -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Section:
    """One titled part: ``Name: tagline`` is split, ``href`` is set when the heading is a link, lines count from 1."""

    title: Inlines
    tagline: Inlines
    slug: str
    blocks: Blocks
    line: int
    last_line: int
    href: str = ""


@dataclass(frozen=True, slots=True)
class Issue:
    """One newsletter as written; its identity is ``stem``.

    ``month`` is the month it speaks of ("January 2026") or empty; ``date`` is the moment of writing, aware;
    ``url`` is the canonical address or empty; ``template`` and ``language`` are empty when not set;
    ``footnotes`` are numbered from 1; ``extra`` keeps front matter keys that no letter shows; ``silences`` are in no letter.
    """

    stem: str
    path: str
    title: str
    subject: str
    preheader: str
    mark_prefix: str
    lead: Blocks
    sections: tuple[Section, ...]
    footnotes: tuple[Blocks, ...] = ()
    month: str = ""
    language: str = ""
    template: str = ""
    url: str = ""
    author: str = ""
    date: datetime | None = None
    categories: tuple[str, ...] = ()
    draft: bool = False
    fields: tuple[MergeField, ...] = ()
    assets: tuple[Asset, ...] = ()
    extra: Mapping[str, object] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()
    silences: tuple[Silence, ...] = ()
