"""The letter as a tree of elements that know where they came from: what checks look at. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from html import unescape

from composer.checks.css import Rule, declarations, rules
from composer.checks.letter import Letter
from composer.edition.origins import TOKEN, VOID, Origin, Origins, Sheet, attributes
from composer.findings import Where

_UNSEEN = frozenset({"style", "script", "title", "head", "template"})
# These close an open element of the same kind before they begin, as a browser does it.
_CLOSES = {"li": {"li"}, "tr": {"tr", "td", "th"}, "td": {"td", "th"}, "th": {"td", "th"}, "dt": {"dt", "dd"}, "dd": {"dt", "dd"}}
_SCOPE = frozenset({"table", "ul", "ol", "dl"})


class Node:
    """An element; ``children`` are elements and strings with references resolved.

    ``where`` is the issue's line, else the template's; ``source`` the template's, which is what styles come from.
    """

    __slots__ = ("_style", "attributes", "children", "parent", "source", "tag", "where")

    def __init__(self, tag: str, attributes: dict[str, str], parent: Node | None, where: Where) -> None:
        self.tag = tag
        self.attributes = attributes
        self.parent = parent
        self.children: list[Node | str] = []
        self.where = self.source = where
        self._style: dict[str, str] | None = None

    def __repr__(self) -> str:
        return f"<{self.tag} at {self.where}>"

    @property
    def text(self) -> str:
        """The text that a reader sees, white space collapsed; an image counts for nothing."""
        return " ".join("".join(_texts(self)).split())

    @property
    def style(self) -> dict[str, str]:
        """Inline declarations by name, the last of a name; values in lower case."""
        if self._style is None:
            self._style = {name: value.lower() for name, value, _ in declarations(self.attributes.get("style", ""))}
        return self._style

    def ancestors(self) -> Iterator[Node]:
        """Yield the elements around it, the nearest first, without the page's root."""
        node = self.parent
        while node is not None and node.parent is not None:
            yield node
            node = node.parent


def _texts(node: Node) -> Iterator[str]:
    for child in () if node.tag in _UNSEEN else node.children:
        if isinstance(child, str):
            yield child
        elif child.tag == "br":
            yield " "
        else:
            yield from _texts(child)


class Page:
    """A letter's tree; ``root`` holds the document and is no element of it, ``nodes`` are all elements in document order.

    ``styles`` has the text of each ``<style>`` and where it came from, ``comments`` the text of each comment, Outlook's conditions too.
    """

    def __init__(self, root: Node, nodes: list[Node], comments: list[str], sheets: Sequence[Sheet]) -> None:
        self.root = root
        self.nodes = nodes
        self.comments = comments
        self._sheets = sheets

    @cached_property
    def styles(self) -> list[tuple[str, Where]]:
        """The style blocks that are left after inlining."""
        found = [("".join(map(str, node.children)), node) for node in self.nodes if node.tag == "style"]
        return [(text, self._place_of(text.partition("{")[0].strip()) or node.where) for text, node in found]

    def rule_place(self, rule: Rule) -> Where | None:
        """Return the template's line of a rule of a style block."""
        return self._places.get((rule.selector, rule.media, *rule.within))

    def style_place(self, name: str, value: str) -> Where | None:
        """Return the template's line of the first plain rule that declares this, as far as the value is still as it was written."""
        return self._places.get(("", name, _bare(value)))

    @cached_property
    def _places(self) -> dict[tuple[str, ...], Where]:
        found: dict[tuple[str, ...], Where] = {}
        for sheet in self._sheets:
            for rule in rules(sheet.text):
                template, line = sheet.place(rule.line)
                if not template:
                    continue
                where = Where(template, line)
                found.setdefault((rule.selector, rule.media, *rule.within), where)
                for name, value, _ in () if rule.within else rule.declarations:
                    found.setdefault(("", name, _bare(value)), where)
        return found

    def _place_of(self, head: str) -> Where | None:
        for sheet in self._sheets if head else ():
            at = sheet.text.find(head)
            if at >= 0:
                template, line = sheet.place(sheet.text.count("\n", 0, at) + 1)
                if template:
                    return Where(template, line)
        return None


def _bare(value: str) -> str:
    return "".join(value.lower().split())


def read_page(letter: Letter) -> Page:
    """Read the tree of ``letter.html``; each element's place is the issue's line where that is known, else the template's."""
    return page_of(letter.html, letter.issue.path, letter.edition.origins)


def page_of(html: str, path: str, origins: Sequence[Origin] = ()) -> Page:
    """Read the tree of an HTML document whose issue is ``path``; origins that are not as many as its elements count for nothing."""
    nodes: list[Node] = []
    comments: list[str] = []
    root = current = Node("#document", {}, None, Where(path))
    at = 0
    for token in TOKEN.finditer(html):
        if token.start() > at:
            current.children.append(unescape(html[at : token.start()]))
        at = token.end()
        raw, inside, text, closing, name, its = token.groups()
        if name is None and raw is None:
            comments.append(token[0][4:].removesuffix("-->"))
            continue
        tag = (raw or name).lower()
        if closing:
            current = _closed(current, tag)
            continue
        current = _open_for(current, tag)
        node = Node(tag, attributes(inside if raw else its), current, root.where)
        current.children.append(node)
        nodes.append(node)
        if raw:
            node.children.append(text if tag in {"style", "script"} else unescape(text))
        if tag not in VOID:
            current = node
    if html[at:]:
        current.children.append(unescape(html[at:]))
    _place(nodes, path, origins)
    return Page(root, nodes, comments, origins.sheets if isinstance(origins, Origins) else ())


def _closed(current: Node, tag: str) -> Node:
    """The element that is open after an end tag; one that closes nothing changes nothing."""
    node: Node | None = current
    while node is not None and node.tag != tag:
        node = node.parent
    return node.parent if node is not None and node.parent is not None else current


def _open_for(current: Node, tag: str) -> Node:
    closes = _CLOSES.get(tag)
    if not closes:
        return current
    node: Node | None = current
    while node is not None and node.tag not in _SCOPE:
        if node.tag in closes and node.parent is not None:
            return _open_for(node.parent, tag)
        node = node.parent
    return current


def _place(nodes: list[Node], path: str, origins: Sequence[Origin]) -> None:
    if len(origins) != len(nodes):
        return
    known: dict[tuple[str, int], Where] = {}
    for node, (template, template_line, line) in zip(nodes, origins, strict=True):
        if template:
            key = (template, template_line)
            node.where = node.source = known.get(key) or known.setdefault(key, Where(template, template_line or None))
        if line:
            node.where = known.get((path, line)) or known.setdefault((path, line), Where(path, line))
