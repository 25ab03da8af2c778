"""How text in an element looks, from how it looks around it and what is declared. Pure."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from composer.checks.css import colour

Colour = tuple[float, float, float]
Values = tuple[tuple[str, str, bool], ...]
"""Declarations: name, value in lower case, and whether it is of Outlook.com's darkness; a later one wins."""

_SIZE = re.compile(r"([\d.]{1,12})(px|pt|em|rem|%)")
_KEYWORDS = {"xx-small": 9.0, "x-small": 10.0, "small": 13.0, "medium": 16.0, "large": 18.0, "x-large": 24.0, "xx-large": 32.0}
_RELATIVE = {"smaller": 1 / 1.2, "larger": 1.2}
_WEIGHTS = {"bold": True, "bolder": True, "normal": False, "lighter": False}
_BOLD = 700
_UNITS = {"px": 1.0, "pt": 4 / 3, "rem": 16.0}
LEGIBLE = 2.0


class Look(NamedTuple):
    """How text in an element looks.

    ``ink`` with the ground seen through it, ``ground`` without transparency, None where an image or a gradient lies under it;
    ``size`` in pixels; ``ink_set`` and ``ground_set`` say whether rules for Outlook.com's darkness set them.
    """

    ink: Colour
    alpha: float
    ground: Colour | None
    size: float
    bold: bool
    hidden: bool
    opacity: float = 1.0
    ink_set: bool = False
    ground_set: bool = False

    @property
    def legible(self) -> bool:
        """Whether it is meant to be read at all; a pixel or two hold a place open."""
        return not self.hidden and self.size > LEGIBLE and self.opacity > 0 and self.alpha > 0

    @property
    def seen(self) -> Colour | None:
        """The ink as it is seen on the ground; None when that is not known."""
        return None if self.ground is None else over(self.ink, self.alpha * self.opacity, self.ground)


def over(ink: Colour, alpha: float, ground: Colour) -> Colour:
    """Lay a colour over another."""
    if alpha >= 1:
        return ink
    red, green, blue = (alpha * top + (1 - alpha) * below for top, below in zip(ink, ground, strict=True))
    return red, green, blue


@lru_cache(maxsize=4096)
def inside(before: Look, values: Values) -> Look:
    """The look of an element inside another; ``values`` in the order in which a later one wins."""
    set_ = _settled(values)
    ink, alpha, ink_set = before.ink, before.alpha, before.ink_set
    if "color" in set_ and (found := colour(set_["color"][0])):
        ink, alpha, ink_set = found[:3], found[3], set_["color"][1]
    opacity = before.opacity * _share(set_["opacity"][0]) if "opacity" in set_ else before.opacity
    ground, ground_set = before.ground, before.ground_set
    if "background-image" in set_ and set_["background-image"][0] != "none":
        ground = None
    if "background-color" in set_ and (found := colour(set_["background-color"][0])) and found[3]:
        ground = over(found[:3], found[3] * opacity, ground or before.ground or found[:3])
        ground_set = set_["background-color"][1]
    size = _size(set_["font-size"][0], before.size) if "font-size" in set_ else before.size
    weight = set_.get("font-weight", ("", False))[0]
    hidden = before.hidden or set_.get("display", ("",))[0] == "none" or set_.get("visibility", ("",))[0] == "hidden"
    return Look(ink, alpha, ground, before.size if size is None else size, _bold(weight, before.bold), hidden, opacity, ink_set, ground_set)


def _settled(values: Values) -> dict[str, tuple[str, bool]]:
    """The last valid declaration of each property, shorthands taken apart."""
    settled: dict[str, tuple[str, bool]] = {}
    for name, value, outlook in values:
        if name == "background":
            settled["background-color"] = (_fill(value), outlook)
            settled["background-image"] = (value if "url(" in value or "gradient(" in value else "none", outlook)
        elif name == "font":
            settled["font-weight"] = ("bold" if _bold(value, before=False) else "normal", outlook)
            settled["font-size"] = (next((part for word in value.split() if _size(part := word.partition("/")[0], 1)), "medium"), outlook)
        elif name not in {"color", "background-color"} or colour(value):
            settled[name] = (value, outlook)
    return settled


@lru_cache(maxsize=512)
def _fill(value: str) -> str:
    """The colour in a ``background``; it clears what it does not name."""
    return value if colour(value) else next((word for word in value.split() if colour(word)), "transparent")


def _share(value: str) -> float:
    return min(1.0, float(value)) if re.fullmatch(r"\d{0,3}(?:\.\d{1,6}|\d)", value) else 1.0


@lru_cache(maxsize=512)
def _size(value: str, parent: float) -> float | None:
    if value in _KEYWORDS:
        return _KEYWORDS[value]
    if value in _RELATIVE:
        return parent * _RELATIVE[value]
    match = _SIZE.fullmatch(value)
    if match is None or match[1].count(".") > 1 or match[1] == ".":
        return 0.0 if value == "0" else None
    number = float(match[1])
    return number * parent * (0.01 if match[2] == "%" else 1.0) if match[2] in {"em", "%"} else number * _UNITS[match[2]]


def _bold(value: str, before: bool) -> bool:  # noqa: FBT001 - what it is so far
    for word in value.split():
        number = int(word) if len(word) == 3 and word.isdecimal() else 0  # noqa: PLR2004 - 100 to 900
        if number or word in _WEIGHTS:
            return number >= _BOLD or _WEIGHTS.get(word, False)
    return before
