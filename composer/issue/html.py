"""Rendered HTML, sanitised, as a tree of elements; the only importer of nh3.

Sanitised once per rendered text (on single tokens nh3 would close tags early).
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from html.parser import HTMLParser

import nh3

from composer.errors import IssueError
from composer.findings import Where
from composer.issue.rawhtml import ALLOWED, ATTRIBUTES, CONTENT_DROPPED, VOID

DEEPEST = 100
_OURS = {"data-l", "data-d", "data-a", "data-fn"}
# Those mail cannot hold are kept for composer.issue.addresses to refuse by name; javascript: and its like go here.
_SCHEMES = {"http", "https", "mailto", "tel", "data", "ftp", "file", "cid", "blob"}
# The HTML parser closes these by itself, so that many of them left open nest nothing.
_CLOSED_BY_THEMSELVES = frozenset("p li dt dd tr td th thead tbody tfoot caption".split())
_TAG = re.compile(r"<(/?)([A-Za-z][A-Za-z0-9:-]{0,40})([^<>]*)>")
_LINE = re.compile(r'data-l="(\d{1,8})"')


@dataclass(slots=True)
class Element:
    """An element of the sanitised tree; children are elements and strings (character references resolved)."""

    tag: str
    attrs: dict[str, str] = field(default_factory=dict)
    children: list[Element | str] = field(default_factory=list)

    @property
    def line(self) -> int:
        """The source line, 0 when unknown."""
        text = self.attrs.get("data-l", "")
        return int(text) if text.isascii() and text.isdigit() and len(text) < 9 else 0  # noqa: PLR2004 - beyond any file

    def text(self) -> str:
        """All text inside."""
        return "".join(child if isinstance(child, str) else child.text() for child in self.children)


def tree(source: str, path: str, line: int) -> Element:
    """Sanitise rendered HTML and return it as a tree under an element ``body``.

    Raises IssueError when elements nest deeper than ``DEEPEST``.
    """
    _refuse_depth(source, path, line)
    clean = nh3.clean(
        source,
        tags=set(ALLOWED),
        clean_content_tags=set(CONTENT_DROPPED),
        attributes={
            **{tag: {*names, *_OURS} for tag, names in ATTRIBUTES.items()},
            **{tag: set(_OURS) for tag in ALLOWED - ATTRIBUTES.keys()},
        },
        url_schemes=_SCHEMES,
        link_rel=None,
    )
    builder = _Builder(path, line)
    builder.feed(clean)
    builder.close()
    return builder.root


def _too_deep(path: str, line: int) -> IssueError:
    hint = "Close the elements that are open here, or delete them."
    return IssueError("HTML elements are nested too deeply", where=Where(path, line), hint=hint)


def _refuse_depth(source: str, path: str, line: int) -> None:
    """Refuse too many open elements before the sanitiser opens each of them again in every paragraph that follows."""
    opened: Counter[str] = Counter()
    depth = 0
    for match in _TAG.finditer(source):
        if known := _LINE.search(match[3][:200]):
            line = int(known[1])
        tag = match[2].lower()
        if tag in VOID or tag in _CLOSED_BY_THEMSELVES:
            continue
        if not match[1]:
            opened[tag] += 1
            depth += 1
            if depth > DEEPEST:
                raise _too_deep(path, line)
        elif opened[tag]:
            opened[tag] -= 1
            depth -= 1


class _Builder(HTMLParser):
    """Builds the tree; what it reads is nh3's output, in which every element is closed."""

    def __init__(self, path: str, line: int) -> None:
        super().__init__(convert_charrefs=True)
        self.path = path
        self.line = line
        self.root = Element("body")
        self.open = [self.root]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, {name: value or "" for name, value in attrs})
        self.line = element.line or self.line
        self.open[-1].children.append(element)
        if tag not in VOID:
            self.open.append(element)
            if len(self.open) > DEEPEST + 1:
                raise _too_deep(self.path, self.line)

    def handle_endtag(self, tag: str) -> None:
        if len(self.open) > 1 and self.open[-1].tag == tag:
            self.open.pop()

    def handle_data(self, data: str) -> None:
        self.open[-1].children.append(data)
