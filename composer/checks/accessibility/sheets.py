"""The style blocks of a letter, ready for a cascade: which rules hold in which view. Pure."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from composer.checks.accessibility.selectors import Selector, selectors
from composer.checks.css import Rule, rules
from composer.checks.page import Page


class View(NamedTuple):
    """One way of looking: colour scheme and width in pixels; ``outlook`` is Outlook.com's own darkness."""

    name: str
    dark: bool
    width: int
    outlook: bool = False


LIGHT = View("light", dark=False, width=800)
DARK = View("dark", dark=True, width=800)
OUTLOOK = View("Outlook.com", dark=False, width=800, outlook=True)
PHONE = View("phone", dark=False, width=375)
VIEWS = (LIGHT, DARK, OUTLOOK, PHONE)

PROPERTIES = frozenset(
    {"color", "background", "background-color", "background-image", "font", "font-size", "font-weight", "display", "visibility", "opacity"}
)
_OUTLOOK = re.compile(r"\[data-ogs[cb]\]\s+(?=\S)")


class Applied(NamedTuple):
    """What a rule declares where its selector matches: ``order`` ranks it; ``views`` says of each of ``VIEWS`` whether it holds there."""

    order: tuple[tuple[int, int, int], int]
    values: tuple[tuple[str, str, bool], ...]
    outlook: bool
    views: tuple[bool, ...]


class Group(NamedTuple):
    """A selector and all that is declared for it."""

    selector: Selector
    applied: tuple[Applied, ...]


class Sheets(NamedTuple):
    """Groups by a class (``.name``) or name of the elements that they are for; ``exact`` when attributes are asked for."""

    groups: dict[str, tuple[Group, ...]]
    exact: bool


def sheets_of(page: Page) -> Sheets:
    """Read the style blocks of a page."""
    return _sheets(
        tuple(
            ("".join(str(child) for child in node.children), node.attributes.get("media", "")) for node in page.nodes if node.tag == "style"
        )
    )


@lru_cache(maxsize=8)
def _sheets(blocks: tuple[tuple[str, str], ...]) -> Sheets:
    found: dict[Selector, list[Applied]] = {}
    number = 0
    for text, media in blocks:
        for rule in rules(text):
            number += 1
            if not set(rule.within) - {"@media"} and not rule.selector.startswith("@"):
                views = tuple(_holds(media, view) and _holds(rule.media, view) for view in VIEWS)
                for selector, applied in _applied(rule, views, number) if any(views) else ():
                    found.setdefault(selector, []).append(applied)
    groups: dict[str, list[Group]] = {}
    for selector, each in found.items():
        groups.setdefault(selector.key, []).append(Group(selector, tuple(each)))
    exact = any(compound.attributes for selector in found for compound in selector.compounds)
    return Sheets({key: tuple(group) for key, group in groups.items()}, exact)


def _applied(rule: Rule, views: tuple[bool, ...], number: int) -> list[tuple[Selector, Applied]]:
    values = tuple((name, value.lower(), important) for name, value, important in rule.declarations if name in PROPERTIES)
    if not values:
        return []
    outlook = "[data-ogs" in rule.selector
    if not outlook:
        return [(selector, Applied((selector.weight, number), values, outlook, views)) for selector in selectors(rule.selector)]
    views = tuple(holds and view.outlook for holds, view in zip(views, VIEWS, strict=True))
    # Outlook.com sets the attribute on what stands around: the rest of the selector is what it is about.
    chosen = selectors(_OUTLOOK.sub("", rule.selector))
    weights = [(selector.weight[0], selector.weight[1] + 1, selector.weight[2]) for selector in chosen]
    return [(selector, Applied((weight, number), values, outlook, views)) for selector, weight in zip(chosen, weights, strict=True)]


@lru_cache(maxsize=256)
def _holds(media: str, view: View) -> bool:
    """Whether a media query holds in a view; what is not understood does not."""
    return not media.strip() or any(all(_part(part.strip(), view) for part in query.split(" and ")) for query in media.lower().split(","))


def _part(part: str, view: View) -> bool:
    if part in {"all", "screen", "only screen", "only all"}:
        return True
    name, _, value = part.strip("() ").partition(":")
    if name.strip() == "prefers-color-scheme":
        return value.strip() == ("dark" if view.dark else "light")
    size = re.fullmatch(r"(\d{1,5})px", value.strip())
    if size is None:
        return False
    return {"min-width": view.width >= int(size[1]), "max-width": view.width <= int(size[1])}.get(name.strip(), False)
