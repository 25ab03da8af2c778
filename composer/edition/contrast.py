"""Whether the theme's text can be read on its ground: WCAG's contrast, for each pair that a letter sets. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from composer.edition.theme import KeyPath, Source, Theme, is_colour
from composer.findings import Finding, Where, warning

LEAST = 4.5
_LINEAR = 0.04045


def contrast(one: str, other: str) -> float:
    """Return the contrast of two colours (#rrggbb), from 1 to 21. Source: WCAG 2.2, "contrast ratio"."""
    dark, bright = sorted((_luminance(one), _luminance(other)))
    return (bright + 0.05) / (dark + 0.05)


def contrast_findings(theme: Theme, sources: Sequence[Source]) -> tuple[Finding, ...]:
    """Warn of each pair below 4.5:1; ``sources`` are the files that the theme was laid together from, the topmost last."""
    found = []
    for ink, ground in _pairs(theme):
        colours = _value(theme, ink), _value(theme, ground)
        if not (is_colour(colours[0]) and is_colour(colours[1])):
            continue  # a section need not have every colour
        ratio = contrast(str(colours[0]), str(colours[1]))
        if ratio < LEAST:
            names = f"{'.'.join(ink)} ({colours[0]}) on {'.'.join(ground)} ({colours[1]})"
            message = f"{names} has a contrast of {int(ratio * 100) / 100:.2f}:1"
            hint = "Many people cannot read text below 4.5:1: make one of the two darker or brighter."
            found.append(warning("theme-contrast", _where(ink, ground, sources), message, hint))
    return tuple(found)


def _pairs(theme: Theme) -> Iterator[tuple[KeyPath, KeyPath]]:
    for scheme in ("light", "dark"):
        base = ("colors", scheme)
        for ground in ("card", "page"):
            yield from (((*base, ink), (*base, ground)) for ink in ("text", "heading", "muted", "link"))
        yield (*base, "on_button"), (*base, "button")
        for tone in theme.get("callouts", {}):
            yield ("callouts", tone, scheme, "ink"), ("callouts", tone, scheme, "fill")
        for key in theme.get("sections", {}):
            yield ("sections", key, f"on_{scheme}"), ("sections", key, scheme)


def _value(theme: Theme, path: KeyPath) -> object:
    value: object = theme
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def _where(ink: KeyPath, ground: KeyPath, sources: Sequence[Source]) -> Where:
    """The line of the ink, or of the ground, in the topmost file that sets one of them."""
    for source in reversed(sources):
        for path in (ink, ground):
            if _value(source.data, path) is not None:
                return source.where(path)
    return Where("theme.toml")


def _luminance(colour: str) -> float:
    parts = (int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5))
    red, green, blue = (part / 12.92 if part <= _LINEAR else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
