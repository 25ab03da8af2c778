"""Selectors of style rules, as far as mail has them: names, classes, ids, attributes, descendants and children. Pure.

What is not understood (pseudo-classes, siblings) matches nothing.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from composer.checks.page import Node

_COMPOUND = re.compile(r"(?P<tag>\*|[A-Za-z][\w-]*)?(?P<rest>(?:[.#][\w-]+|\[[^\[\]]*\])*)")
_PART = re.compile(r"([.#])([\w-]+)|\[\s*([\w-]+)\s*(?:([~^$*|]?=)\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s\"'\]]*))\s*)?\]")
_LINK = re.compile(r":(?:link|any-link|visited)$")


class Compound(NamedTuple):
    """What is asked of one element; ``child`` says that it stands directly inside the one before."""

    tag: str
    classes: frozenset[str]
    attributes: tuple[tuple[str, str], ...]
    child: bool


class Selector(NamedTuple):
    """Compounds from the outermost to the element itself; ``weight`` is the specificity (ids, classes, names).

    ``needs`` are classes (``.name``) and names that some element around must have.
    """

    compounds: tuple[Compound, ...]
    weight: tuple[int, int, int]
    needs: frozenset[str]

    @property
    def key(self) -> str:
        """A class or name that every element it matches has; empty when there is none."""
        last = self.compounds[-1]
        return f".{min(last.classes)}" if last.classes else last.tag


@lru_cache(maxsize=512)
def selectors(text: str) -> tuple[Selector, ...]:
    """Read a list of selectors; those that are not understood are left out."""
    return tuple(found for part in text.split(",") if (found := _selector(part)) is not None)


def _selector(text: str) -> Selector | None:
    compounds: list[Compound] = []
    ids = classes = names = 0
    child = False
    for word in text.replace(">", " > ").split():
        if word == ">":
            child = True
            continue
        match = _COMPOUND.fullmatch(_LINK.sub("", word))
        if match is None or (not match["tag"] and not match["rest"]):
            return None
        parts = _PART.findall(match["rest"])
        tag = (match["tag"] or "").lower().replace("*", "")
        own = frozenset(name for kind, name, *_ in parts if kind == ".")
        asked = [("id", f"={name}") for kind, name, *_ in parts if kind == "#"]
        asked += [(name.lower(), f"{sign}{one or two or three}" if sign else "") for _, _, name, sign, one, two, three in parts if name]
        compounds.append(Compound(tag, own, tuple(asked), child))
        ids += sum(kind == "#" for kind, *_ in parts)
        classes += sum(kind != "#" for kind, *_ in parts)
        names += bool(tag)
        child = False
    if not compounds or child:
        return None
    outer = compounds[:-1]
    needs = {compound.tag for compound in outer if compound.tag} | {f".{name}" for compound in outer for name in compound.classes}
    return Selector(tuple(compounds), (ids, classes, names), frozenset(needs))


def matches(selector: Selector, node: Node) -> bool:
    """Whether a selector matches an element."""
    *outer, last = selector.compounds
    return _fits(last, node) and (not outer or _inside(selector.compounds, len(outer) - 1, node))


def _inside(compounds: tuple[Compound, ...], index: int, node: Node) -> bool:
    compound = compounds[index]
    above = node.parent
    while above is not None and above.parent is not None:
        if _fits(compound, above) and (index == 0 or _inside(compounds, index - 1, above)):
            return True
        if compounds[index + 1].child:
            return False
        above = above.parent
    return False


def _fits(compound: Compound, node: Node) -> bool:
    if compound.tag and compound.tag != node.tag:
        return False
    if compound.classes and not compound.classes.issubset(node.attributes.get("class", "").split()):
        return False
    return all(_has(node, name, asked) for name, asked in compound.attributes)


def _has(node: Node, name: str, asked: str) -> bool:
    value = node.attributes.get(name)
    if value is None:
        return False
    sign, _, wanted = asked.partition("=")
    match sign if asked else None:
        case None:
            return True
        case "":
            return value == wanted
        case "~":
            return wanted in value.split()
        case "^":
            return value.startswith(wanted)
        case "$":
            return value.endswith(wanted)
        case "*":
            return wanted in value
        case _:
            return value == wanted or value.startswith(f"{wanted}-")
