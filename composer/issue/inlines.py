"""Elements inside a paragraph to inlines, and inlines to their plain words."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from composer.findings import error, info, warning
from composer.issue.addresses import Reading, meant
from composer.issue.html import Element
from composer.issue.leftovers import leftovers, spaced
from composer.issue.model import Break, Code, FootnoteRef, Image, Inline, Inlines, Link, Span, Text

_SPANS = {
    "b": "strong", "strong": "strong", "i": "em", "em": "em", "cite": "em", "var": "em",
    "s": "s", "del": "s", "strike": "s", "u": "u", "ins": "u",
    "sub": "sub", "sup": "sup", "small": "small", "mark": "mark", "kbd": "kbd",
}  # fmt: skip
_BLOCK_EDGES = {"p", "div", "li", "tr", "dt", "dd", "h1", "h2", "h3", "h4", "h5", "h6", "blockquote", "figcaption"}
SPACES = " \t\n\r\u00a0\u200b\ufeff"


def read_inlines(children: Iterable[Element | str], reading: Reading, line: int) -> Inlines:
    """Turn the content of a paragraph, cell or heading into inlines, stripped at both ends."""
    found = _Inlines(reading, line).all(children)
    return strip(found)


class _Inlines:
    def __init__(self, reading: Reading, line: int) -> None:
        self.reading = reading
        self.line = line

    def all(self, children: Iterable[Element | str]) -> list[Inline]:
        nodes: list[Inline] = []
        before: Element | str = ""
        for child in children:
            if isinstance(child, Element) and child.tag == "a" and isinstance(before, str) and before.endswith("]("):
                # A bare address in what should have been a link is one by itself.
                self.reading.findings.append(spaced(child.text(), self.reading.where(child.line or self.line)))
            before = child
            if isinstance(child, str):
                self.reading.findings += leftovers(child, self.reading.path, self.line)
                self.line += child.count("\n")
                nodes.append(Text(child))
            else:
                nodes.extend(self.element(child))
        return _joined(nodes)

    def element(self, element: Element) -> list[Inline]:
        tag = element.tag
        self.line = element.line or self.line
        if "data-fn" in element.attrs:
            number = element.attrs["data-fn"]
            return [FootnoteRef(int(number))] if number.isascii() and number.isdigit() and len(number) < 9 else []  # noqa: PLR2004 - beyond any file
        if tag == "br":
            return [Break()]
        if tag in {"code", "samp", "tt", "pre"}:
            return [Code(self.reading.fields.restore(" ".join(element.text().split("\n"))))]
        if tag == "img":
            image = self.image(element)
            return [image] if image else []
        if tag == "a":
            return self.link(element)
        children = self.all(element.children)
        if tag in _SPANS:
            return [Span(_SPANS[tag], tuple(children))] if plain(children).strip(SPACES) or _has_image(children) else children
        return [Break(), *children, Break()] if tag in _BLOCK_EDGES and children else children

    def image(self, element: Element) -> Image | None:
        attrs = element.attrs
        return self.reading.image(
            attrs.get("src", attrs.get("data-a", "")), attrs.get("alt", ""), attrs.get("title", ""), attrs.get("width", ""), self.line
        )

    def link(self, element: Element) -> list[Inline]:
        """A link with the spaces at its ends put outside; just its text when it leads nowhere."""
        line = self.line
        where = self.reading.where(line)
        children = self.all(element.children)
        typed = element.attrs.get("href", "")
        if not plain(children).strip(SPACES) and not _has_image(children):
            if typed:
                self.reading.findings.append(
                    warning(
                        "empty-link", where, f"the link to {typed[:80]} has no text and is left out", "Delete [](…), or give it a text."
                    )
                )
            return children
        if "href" not in element.attrs and not element.line:
            return children
        address = typed or element.attrs.get("data-a", "")
        if (whole := meant(address)) and not address.lower().startswith(("http:", "https:")):
            message = f"the address {address[:80]!r} is misspelt, so this is no link and is set as text"
            self.reading.findings.append(error("address-misspelt", where, message, f"Write {whole[:200]} here."))
            return children
        href = self.reading.link(typed, line)
        if not href:
            message = f"the link {plain(children).strip()[:60]!r} leads nowhere and is set as text"
            self.reading.findings.append(warning("link-without-address", where, message, "Give it an http, https, mailto or tel address."))
            return children
        if "button" in element.attrs.get("class", "").split():
            message = f"the button {plain(children).strip()[:60]!r} stands in running text and is set as a link"
            self.reading.findings.append(info("button-in-text", where, message, "A button stands in a paragraph of its own."))
        inner = strip(children)
        before = " " if isinstance(children[0], Text) and children[0].text[:1] in SPACES else ""
        after = " " if isinstance(children[-1], Text) and children[-1].text[-1:] in SPACES else ""
        link = Link(href, inner, " ".join(element.attrs.get("title", "").split()), line)
        return [part for part in (Text(before), link, Text(after)) if not isinstance(part, Text) or part.text]


def _has_image(children: Iterable[Inline]) -> bool:
    return any(isinstance(node, Image) or (isinstance(node, Span | Link) and _has_image(node.children)) for node in children)


def _joined(nodes: Iterable[Inline]) -> list[Inline]:
    joined: list[Inline] = []
    texts: list[str] = []
    for node in nodes:
        if isinstance(node, Text):
            texts.append(node.text)
            continue
        if texts:
            joined.append(Text("".join(texts)))
            texts = []
        joined.append(node)
    return [*joined, Text("".join(texts))] if texts else joined


def strip(nodes: Sequence[Inline]) -> Inlines:
    """Return inlines without breaks, spaces and no-break spaces at either end."""
    first, last = 0, len(nodes)
    while first < last and _is_space(nodes[first]):
        first += 1
    while first < last and _is_space(nodes[last - 1]):
        last -= 1
    kept = list(nodes[first:last])
    if kept and isinstance(kept[0], Text):
        kept[0] = Text(kept[0].text.lstrip(SPACES))
    if kept and isinstance(kept[-1], Text):
        kept[-1] = Text(kept[-1].text.rstrip(SPACES))
    return tuple(kept)


def _is_space(node: Inline) -> bool:
    return isinstance(node, Break) or (isinstance(node, Text) and not node.text.strip(SPACES))


def split(nodes: Sequence[Inline], separator: re.Pattern[str]) -> list[Inlines]:
    """Cut inlines where a text matches; never inside a link or other element. Parts come stripped."""
    parts: list[list[Inline]] = [[]]
    for node in nodes:
        if not isinstance(node, Text):
            parts[-1].append(node)
            continue
        first, *rest = separator.split(node.text)
        parts[-1].append(Text(first))
        parts.extend([Text(piece)] for piece in rest)
    return [strip(part) for part in parts]


def plain(nodes: Iterable[Inline]) -> str:
    """The words alone: no addresses, images as their alt text."""
    words: list[str] = []
    for node in nodes:
        if isinstance(node, Text | Code):
            words.append(node.text)
        elif isinstance(node, Break):
            words.append("\n")
        elif isinstance(node, Span | Link):
            words.append(plain(node.children))
        elif isinstance(node, Image):
            words.append(node.alt)
    return "".join(words)
