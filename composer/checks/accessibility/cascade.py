"""What every element looks like in each view of a letter: ink, ground, size, weight. Pure; one pass over the tree.

Knows what text needs and no more: no layout, no shorthand but ``background`` and ``font``.
"""

from __future__ import annotations

from functools import lru_cache

from composer.checks.accessibility.looks import Look, Values, inside
from composer.checks.accessibility.selectors import matches
from composer.checks.accessibility.sheets import PROPERTIES, VIEWS, Applied, View, sheets_of
from composer.checks.css import declarations
from composer.checks.page import Node, Page

# HTML Standard, "Rendering" (read 2026-11): what browsers do to elements that nobody dresses.
_USUAL: dict[str, Values] = {
    "h1": (("font-size", "2em", False), ("font-weight", "bold", False)),
    "h2": (("font-size", "1.5em", False), ("font-weight", "bold", False)),
    "h3": (("font-size", "1.17em", False), ("font-weight", "bold", False)),
    "h5": (("font-size", ".83em", False), ("font-weight", "bold", False)),
    "h6": (("font-size", ".67em", False), ("font-weight", "bold", False)),
    **dict.fromkeys(("h4", "b", "strong", "th"), (("font-weight", "bold", False),)),
    **dict.fromkeys(("small", "sub", "sup"), (("font-size", "smaller", False),)),
    "mark": (("background-color", "#ffff00", False), ("color", "#000000", False)),
    **dict.fromkeys(("head", "style", "script", "title", "template", "noscript"), (("display", "none", False),)),
}
_OLD = ("style", "class", "id", "bgcolor", "background", "color", "hidden")
_LINK_INK = {False: "#0000ee", True: "#9e9eff"}  # Chromium's, where nothing else is said
_WHITE, _BLACK = (1.0, 1.0, 1.0), (0.0, 0.0, 0.0)
_NIGHT = (0x12 / 255, 0x12 / 255, 0x12 / 255)  # Chromium's canvas in the dark

_Inline = tuple[tuple[str, str, bool], ...]  # name, value, important
_Key = tuple[object, ...]


class Cascade:
    """The looks of every element of a page; ``written`` are the elements that have text of their own."""

    def __init__(self, page: Page) -> None:
        self._sheets = sheets_of(page)
        self._schemed = any(node.tag == "meta" and node.attributes.get("name", "").lower() == "color-scheme" for node in page.nodes)
        self._link = [("color", _LINK_INK[view.dark and self._schemed], False) for view in VIEWS]
        start = tuple(self._start(view) for view in VIEWS)
        self._looks: dict[Node, tuple[Look, ...]] = {page.root: start}
        self._around: dict[Node, int] = {page.root: 0}
        self._sets: list[frozenset[str]] = [frozenset()]
        self._numbers: dict[tuple[int, str, str], int] = {}
        self._found: dict[frozenset[str], int] = {frozenset(): 0}
        self._known: dict[_Key, tuple[Look, ...]] = {}
        self._same: dict[tuple[Look, ...], tuple[Look, ...]] = {start: start}
        self.written: list[Node] = []
        for node in page.nodes:
            self._enter(node)
            if any(isinstance(child, str) and any(map(str.isalnum, child)) for child in node.children):
                self.written.append(node)

    def look(self, node: Node, view: View) -> Look:
        """Return how text in an element looks."""
        return self._looks[node][VIEWS.index(view)]

    def looks(self, node: Node) -> tuple[Look, ...]:
        """Return how text in an element looks in each of ``VIEWS``."""
        return self._looks[node]

    def _start(self, view: View) -> Look:
        night = view.dark and self._schemed
        return Look(_WHITE if night else _BLACK, 1.0, _NIGHT if night else _WHITE, 16.0, bold=False, hidden=False)

    def _enter(self, node: Node) -> None:
        """Elements alike in every way that a rule may ask for share their looks."""
        parent = node.parent
        if parent is None:  # only the root has none
            return
        attributes = node.attributes
        above, around = self._looks[parent], self._around[parent]
        asked = tuple(attributes.items()) if self._sheets.exact else tuple(map(attributes.get, _OLD))
        beside = tuple(parent.attributes.items()) if self._sheets.exact else parent.attributes.get("class")
        key = (id(above), around, parent.tag, beside, node.tag, "href" in attributes, asked)
        looks = self._known.get(key)
        if looks is None:
            looks = self._derived(node, above, self._sets[around])
            looks = self._known[key] = self._same.setdefault(looks, looks)
        self._looks[node] = looks
        classes = attributes.get("class", "")
        number = self._numbers.get((around, node.tag, classes))
        if number is None:
            names = self._sets[around] | {node.tag, *(f".{name}" for name in classes.split())}
            number = self._numbers[around, node.tag, classes] = self._found.setdefault(names, len(self._sets))
            if number == len(self._sets):
                self._sets.append(names)
        self._around[node] = number

    def _derived(self, node: Node, above: tuple[Look, ...], around: frozenset[str]) -> tuple[Look, ...]:
        own, inline = _own(node), _inline(node.attributes.get("style", ""))
        keys = ("", node.tag, *(f".{name}" for name in node.attributes.get("class", "").split()))
        groups = [group for key in keys for group in self._sheets.groups.get(key, ()) if group.selector.needs <= around]
        applied = [each for group in groups if matches(group.selector, node) for each in group.applied]
        link = node.tag == "a" and "href" in node.attributes
        if not (own or inline or applied or link):
            return above
        plain = _ranked(own, [], inline)
        found = []
        for index, before in enumerate(above):
            ruled = [each for each in applied if each.views[index]] if applied else applied
            values = _ranked(own, ruled, inline) if ruled else plain
            found.append(inside(before, (self._link[index], *values) if link else values))
        return tuple(found)


def _own(node: Node) -> Values:
    """What the element's name and old attributes say."""
    found = list(_USUAL.get(node.tag, ()))
    attributes = node.attributes
    if ground := attributes.get("bgcolor"):
        found.append(("background-color", ground.lower(), False))
    if node.tag == "font" and (ink := attributes.get("color")):
        found.append(("color", ink.lower(), False))
    if attributes.get("background"):
        found.append(("background-image", "url()", False))
    if "hidden" in attributes:
        found.append(("display", "none", False))
    return tuple(found)


@lru_cache(maxsize=2048)
def _inline(style: str) -> _Inline:
    return tuple((name, value.lower(), important) for name, value, important in declarations(style) if name in PROPERTIES)


def _ranked(own: Values, applied: list[Applied], inline: _Inline) -> Values:
    """Declarations in the order in which a later one wins."""
    if not applied:
        return (*own, *((name, value, False) for name, value, _ in inline))
    ordered = sorted(applied, key=lambda each: each.order)
    ruled = [(name, value, important, each.outlook) for each in ordered for name, value, important in each.values]
    return (
        *own,
        *((name, value, outlook) for name, value, important, outlook in ruled if not important),
        *((name, value, False) for name, value, important in inline if not important),
        *((name, value, outlook) for name, value, important, outlook in ruled if important),
        *((name, value, False) for name, value, important in inline if important),
    )
