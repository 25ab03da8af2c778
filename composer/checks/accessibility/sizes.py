"""Text that is too small to read, and buttons that are too small to hit. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

from composer.checks.accessibility.cascade import Cascade
from composer.checks.accessibility.sheets import LIGHT, PHONE, VIEWS
from composer.checks.letter import Letter
from composer.checks.page import Node, Page
from composer.findings import Finding, Where, warning

# No criterion of WCAG names a size. These are the project's own: what is smaller is not read on a phone, and not every
# program can enlarge it.
BODY, SMALL_PRINT = 14.0, 12.0
_SMALL = frozenset({"sub", "sup", "small", "code", "pre", "kbd", "samp", "figcaption"})
# WCAG 2.2, 2.5.5 (AAA) and the guidelines of Apple; 2.5.8 (AA) asks for 24.
TARGET = 44.0
_SIZED = (VIEWS.index(LIGHT), VIEWS.index(PHONE))
_PIXELS = re.compile(r"(\d{1,4}(?:\.\d{1,3})?)px")
_TIMES = re.compile(r"(\d(?:\.\d{1,3})?)")
_PERCENT = re.compile(r"(\d{2,3})%")


def check_sizes(letter: Letter, page: Page, cascade: Cascade) -> Iterator[Finding]:
    """Yield text below 14 px in the issue and below 12 px anywhere, and buttons lower than 44 px."""
    yield from _texts(letter, cascade)
    for node in page.nodes:
        if node.tag == "a" and "padding" in str(node.attributes.get("style")) and _is_button(node):
            height = _height(node, cascade)
            if height < TARGET:
                message = f"the button {node.text[:40]!r} is {height:g} px high; a thumb wants {TARGET:g}"
                hint = "Raise inner-padding or line-height in the template (WCAG 2.2, 2.5.5 and 2.5.8)."
                yield warning("a11y-target", node.where, message, hint)


def _texts(letter: Letter, cascade: Cascade) -> Iterator[Finding]:
    found: dict[tuple[float, float], list[Where]] = {}
    for node in cascade.written:
        own = node.where.path == letter.issue.path and bool(node.where.line)
        looks = cascade.looks(node)
        for index in _SIZED:
            look = looks[index]
            if look.size >= BODY or not look.legible:
                continue
            least = BODY if own and look.size >= SMALL_PRINT and not _small_print(node) else SMALL_PRINT
            if look.ground is not None and look.size < least - 0.05:
                found.setdefault((round(look.size, 1), least), []).append(node.where)
                break
    for (size, least), places in found.items():
        more = f", here and in {len(places) - 1} more places" if len(places) > 1 else ""
        kind = "running text" if least == BODY else "even small print"
        message = f"text of {size:g} px{more}; {kind} wants {least:g}"
        yield warning("a11y-font-size", places[0], message, "Raise font-size in the template; not every program can enlarge a letter.")


def _small_print(node: Node) -> bool:
    return node.tag in _SMALL or any(above.tag in _SMALL for above in node.ancestors())


def _is_button(node: Node) -> bool:
    style = node.style
    boxed = style.get("display", "") in {"block", "inline-block"}
    filled = any(name in style for name in ("background", "background-color", "border"))
    return boxed and filled and bool(node.text)


def _height(node: Node, cascade: Cascade) -> float:
    """Line height, padding and border in pixels."""
    style = node.style
    size = cascade.look(node, LIGHT).size
    line = style.get("line-height", "")
    if match := _PIXELS.fullmatch(line):
        height = float(match[1])
    elif match := _TIMES.fullmatch(line):
        height = float(match[1]) * size
    elif match := _PERCENT.fullmatch(line):
        height = float(match[1]) / 100 * size
    else:
        height = 1.2 * size
    sides = style.get("padding", "0").split()
    top, bottom = (sides[0], sides[2] if len(sides) > 2 else sides[0]) if sides else ("0", "0")  # noqa: PLR2004 - top right bottom left
    height += _pixels(style.get("padding-top", top)) + _pixels(style.get("padding-bottom", bottom))
    return height + 2 * _pixels(style.get("border", "0").split()[0] if style.get("border") else "0")


def _pixels(value: str) -> float:
    match = _PIXELS.fullmatch(value)
    return float(match[1]) if match else 0.0
