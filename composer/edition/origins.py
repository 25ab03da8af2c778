"""Which line of an issue or of a template each element of a letter comes from, read off marks that the finished HTML no longer holds. Pure.

The marks are those of ``composer.edition.marks``, read in the HTML as it was before the inliner, which keeps the start tags as they follow
one another. Nothing here changes the letter.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from html import unescape
from typing import NamedTuple, overload

from composer.edition.marks import Carried


class Element(NamedTuple):
    """A start tag: its name in lower case, its attributes with references resolved, and where it begins and ends in the document."""

    name: str
    attributes: dict[str, str]
    start: int
    end: int


class Origin(NamedTuple):
    """Where an element came from.

    ``template`` as people know it (``shipped/newsletter.mjml``) and its line, empty and 0 when unknown; ``line`` of the issue's file, 0 for
    an element of the template's own.
    """

    template: str = ""
    template_line: int = 0
    line: int = 0


class Sheet(NamedTuple):
    """A style block as the template wrote it, before the inliner; ``places`` are its lines that have a mark: line, template, its line."""

    text: str
    places: tuple[tuple[int, str, int], ...]

    def place(self, line: int) -> tuple[str, int]:
        """Return template and line of a line of the text, counted from 1; empty and 0 when unknown."""
        on = next((place for place in self.places if place[0] == line), None)
        before = on or next((place for place in reversed(self.places) if place[0] < line), (0, "", 0))
        return before[1:]


_INSIDE = r"((?:[^<>\"']|\"[^\"]*\"|'[^']*')*)"
# A comment; a raw element without its end tag; any other tag. What the inliner writes has no raw < but in these.
TOKEN = re.compile(
    rf"<!--(?:-?>|.*?(?:-->|\Z))|<(?P<raw>(?i:style|script|title|textarea))(?![^\s/>]){_INSIDE}>(?P<text>.*?)(?=</(?P=raw)|\Z)"
    rf"|<(/?)([A-Za-z][^\s/>]*){_INSIDE}>",
    re.DOTALL,
)
_ATTRIBUTE = re.compile(r"([^\s=\"'<>/]+)(?:\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s\"'<>=`]+)))?")
VOID = frozenset("area base br col embed hr img input link meta param source track wbr".split())


def elements(html: str) -> Iterator[Element]:
    """Yield every start tag in document order, also void ones; not what stands in comments, style or script."""
    for token in TOKEN.finditer(html):
        raw, inside, _, closing, name, attributes_ = token.groups()
        if raw:
            yield Element(raw.lower(), attributes(inside), token.start(), token.start("text"))
        elif name and not closing:
            yield Element(name.lower(), attributes(attributes_), token.start(), token.end())


@lru_cache(maxsize=4096)
def attributes(text: str) -> dict[str, str]:
    """Read the attributes of a start tag, not to be changed; the first of a name wins, as in a browser."""
    found: dict[str, str] = {}
    for name, double, single, bare in _ATTRIBUTE.findall(text):
        value = double or single or bare
        found.setdefault(name.lower(), unescape(value) if "&" in value else value)
    return found


class Origins(Sequence[Origin]):
    """The origins of a letter's elements, one a start tag; worked out when they are first asked for, since sending needs none."""

    def __init__(self, marked: Carried, templates: Sequence[str], html: str) -> None:
        self._made = (marked, tuple(templates), html)
        self._found: tuple[Origin, ...] | None = None
        self._sheets: tuple[Sheet, ...] | None = None

    @property
    def _all(self) -> tuple[Origin, ...]:
        if self._found is None:
            self._found = _read(*self._made)
        return self._found

    @property
    def sheets(self) -> tuple[Sheet, ...]:
        """The style blocks of the templates, also those whose rules the inliner moved into the elements."""
        if self._sheets is None:
            self._sheets = tuple(_sheets(self._made[0], self._made[1]))
        return self._sheets

    @overload
    def __getitem__(self, index: int) -> Origin: ...

    @overload
    def __getitem__(self, index: slice) -> tuple[Origin, ...]: ...

    def __getitem__(self, index: int | slice) -> Origin | tuple[Origin, ...]:
        return self._all[index]

    def __len__(self) -> int:
        return len(self._all)

    def __deepcopy__(self, _: object) -> Origins:
        return self


def _sheets(marked: Carried, templates: tuple[str, ...]) -> Iterator[Sheet]:
    mark = re.compile(rf"/\*{marked.word}(\d+)-(\d+)-\d+\*/")
    for token in TOKEN.finditer(marked.text):
        if token["raw"] and token["raw"].lower() == "style":
            pieces = mark.split(token["text"])
            text, places = pieces[0], []
            for number, line, piece in zip(pieces[1::3], pieces[2::3], pieces[3::3], strict=True):
                if piece.strip() and int(number) < len(templates):
                    places.append((text.count("\n") + 1, templates[int(number)], int(line)))
                text += piece
            yield Sheet(text, tuple(places))


def _read(marked: Carried, templates: tuple[str, ...], html: str) -> tuple[Origin, ...]:
    """Walk the compiled HTML with its marks; an element without one has its parent's."""
    found = re.compile(rf'{marked.word}(?:(\d+)-(\d+)-(\d+)|="(?:(\d+):(\d+))?/(\d*))')
    number, line = marked.top or (-1, 0)
    top = Origin(templates[number], line, 0) if 0 <= number < len(templates) else Origin()
    opened: list[tuple[str, Origin]] = [("", top)]
    origins: list[Origin] = []
    names: list[str] = []
    for token in TOKEN.finditer(marked.text):
        raw, _, _, closing, name, attributes_ = token.groups()
        if raw:
            names.append(raw.lower())
            origins.append(opened[-1][1])
        if name is None:
            continue
        name = name.lower()
        if closing:
            _close(name, opened)
            continue
        origin = opened[-1][1]
        if marked.word in attributes_:
            for mark in found.finditer(attributes_):
                origin = _moved(origin, mark, templates)
        names.append(name)
        origins.append(origin)
        if name not in VOID:
            opened.append((name, origin))
    return _matched(names, origins, html)


def _close(name: str, opened: list[tuple[str, Origin]]) -> None:
    """Close the innermost element of that name with all that is open in it; an end tag of none changes nothing."""
    for index in range(len(opened) - 1, 0, -1):
        if opened[index][0] == name:
            del opened[index:]
            return


def _moved(origin: Origin, mark: re.Match[str], templates: tuple[str, ...]) -> Origin:
    number, line = mark[1] or mark[4], mark[2] or mark[5]
    at = int(mark[3] or mark[6] or 0) or origin.line
    if number and int(number) < len(templates):
        return Origin(templates[int(number)], int(line), at)
    return Origin(origin.template, origin.template_line, at)


def _matched(names: Sequence[str], origins: Sequence[Origin], html: str) -> tuple[Origin, ...]:
    """Give each start tag of the finished HTML its origin; the inliner keeps their number and order, but for style blocks."""
    theirs = [(raw or name).lower() for raw, _, _, closing, name, _ in TOKEN.findall(html) if raw or (name and not closing)]
    if [name for name in names if name != "style"] != [name for name in theirs if name != "style"]:
        return ()
    kept = iter([origin for name, origin in zip(names, origins, strict=True) if name != "style"])
    return tuple(origins[0] if name == "style" else next(kept) for name in theirs)


def with_lines(html: str, origins: Sequence[Origin]) -> str:
    """Put ``data-line="42"`` into each start tag that comes from a line of the issue.

    The HTML may be merged meanwhile; when its start tags are no longer as many as the origins it is returned as it is.
    """
    tags = list(elements(html))
    if len(tags) != len(origins):
        return html
    parts: list[str] = []
    at = 0
    for tag, origin in zip(tags, origins, strict=True):
        if origin.line:
            named = tag.start + 1 + len(tag.name)
            parts += [html[at:named], f' data-line="{origin.line}"']
            at = named
    return "".join([*parts, html[at:]])
