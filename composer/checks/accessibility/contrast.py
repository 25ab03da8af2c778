"""Text that is too faint on what it stands on, in light, in dark, and in Outlook.com's own darkness. Pure.

Least contrast: WCAG 2.2, 1.4.3 (AA): 4.5:1, and 3:1 for large text (24 px, or 18.66 px when bold).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache

from composer.checks.accessibility.cascade import Cascade
from composer.checks.accessibility.looks import Colour, Look, over
from composer.checks.accessibility.sheets import DARK, LIGHT, OUTLOOK, VIEWS, View
from composer.checks.letter import Letter
from composer.checks.page import Node, Page
from composer.edition.contrast import LEAST, contrast
from composer.findings import Finding, warning

LARGE, LARGE_BOLD, LEAST_LARGE = 24.0, 18.66, 3.0
_SCHEMES = ((LIGHT, "in the light letter"), (DARK, "in the dark letter"), (OUTLOOK, "in Outlook.com's dark"))
_INDEX = {view: VIEWS.index(view) for view, _ in _SCHEMES}
_EVERYBODYS = frozenset({"#000000", "#ffffff"})
_Pair = tuple[str, str, bool]


def check_contrast(letter: Letter, page: Page, cascade: Cascade) -> Iterator[Finding]:
    """Yield one finding for each pair of colours that is too close, at the first place that has it."""
    del page
    said = [finding.message.upper() for finding in letter.edition.findings if finding.code == "theme-contrast"]
    names = theme_names(letter.theme)
    done: set[_Pair] = set()
    for view, words in _SCHEMES:
        for pair, nodes in _faint(cascade, view).items():
            ink, ground, _ = pair
            if pair in done or any(f"({ink.upper()})" in message and f"({ground.upper()})" in message for message in said):
                continue
            done.add(pair)
            yield _finding(pair, nodes, words, names)


def theme_names(theme: Mapping[str, object]) -> dict[str, str]:
    """Return the theme's keys by their colours, ``{"#b5121b": "colors.light.link"}``; the first of a colour counts."""
    found: dict[str, str] = {}

    def gather(value: object, path: str) -> None:
        if isinstance(value, Mapping):
            for key, below in value.items():
                gather(below, f"{path}.{key}" if path else str(key))
        elif isinstance(value, str) and value.startswith("#"):
            found.setdefault(value.lower(), path)

    gather(theme, "")
    return found


def hexadecimal(colour: Colour) -> str:
    """Return a colour as #rrggbb."""
    return "#" + "".join(f"{round(part * 255):02x}" for part in colour)


@lru_cache(maxsize=1024)
def ratio(one: Colour, other: Colour) -> float:
    """Return the contrast of two colours, from 1 to 21."""
    return contrast(hexadecimal(one), hexadecimal(other))


def _faint(cascade: Cascade, view: View) -> dict[_Pair, list[Node]]:
    """The nodes whose own text is too faint, by pair of colours."""
    found: dict[_Pair, list[Node]] = {}
    for node in cascade.written:
        look = cascade.looks(node)[_INDEX[view]]
        if view.outlook and not (look.ink_set and look.ground_set):
            continue  # it darkens what the letter leaves alone, nobody knows how
        if pair := _pair(look):
            found.setdefault(pair, []).append(node)
    return found


@lru_cache(maxsize=1024)
def _pair(look: Look) -> _Pair | None:
    if look.ground is None or not look.legible:
        return None
    large = look.size >= LARGE or (look.bold and look.size >= LARGE_BOLD)
    seen = over(look.ink, look.alpha * look.opacity, look.ground)
    if ratio(seen, look.ground) >= (LEAST_LARGE if large else LEAST):
        return None
    return hexadecimal(seen), hexadecimal(look.ground), large


def _finding(pair: _Pair, nodes: list[Node], words: str, names: Mapping[str, str]) -> Finding:
    ink, ground, large = pair
    least = LEAST_LARGE if large else LEAST
    found = int(contrast(ink, ground) * 100) / 100
    # Black and white are everybody's: alone they do not show that the theme has a hand in it.
    both = ink in names and ground in names
    keys = {colour: names[colour] for colour in (ink, ground) if colour in names and (both or colour not in _EVERYBODYS)}
    shown = [f"{colour.upper()} ({keys[colour]} of the theme)" if colour in keys else colour.upper() for colour in (ink, ground)]
    first = nodes[0]
    more = f", here and in {len(nodes) - 1} more places" if len(nodes) > 1 else ""
    message = f"text in {shown[0]} on {shown[1]} has a contrast of {found:.2f}:1 {words}{more}; {least:g}:1 is the least that many can read"
    hint = f"Change {' or '.join(keys.values())} in the theme" if keys else "Change one of the two in the template"
    return warning("a11y-contrast", first.where, message, f"{hint} (WCAG 2.2, 1.4.3).")
