"""Colours as CSS writes them, and their counterpart in the dark: lightness turned round, hue kept. Pure."""

from __future__ import annotations

import colorsys
import re
from functools import lru_cache

from PIL import ImageColor

# Outlook's web editor turns lightness round in CIE Lab and never goes below that of #333333:
# https://github.com/microsoft/roosterjs, packages/roosterjs-color-utils/lib/utils/getDarkColor.ts, looked at in November 2026.
DARKEST = 21.247
_NUMBER = re.compile(r"[-+]?\d*\.?\d+%?")
# D65, as sRGB has it (IEC 61966-2-1), and the constants of CIE 15.
_WHITE = (0.95047, 1.0, 1.08883)
_TO_XYZ = ((0.4124564, 0.3575761, 0.1804375), (0.2126729, 0.7151522, 0.0721750), (0.0193339, 0.1191920, 0.9503041))
_FROM_XYZ = ((3.2404542, -1.5371385, -0.4985314), (-0.9692660, 1.8760108, 0.0415560), (0.0556434, -0.2040259, 1.0572252))
_EPSILON, _KAPPA = 216 / 24389, 24389 / 27

Triple = tuple[float, float, float]


@lru_cache(maxsize=1024)
def inverted(colour: str) -> str:
    """Return the counterpart in the dark of a colour as CSS writes it; empty for what is none."""
    found = _read(colour)
    if found is None:
        return ""
    red, green, blue, alpha = found
    lightness, a, b = _lab((red, green, blue))
    channels = _rgb(((100 - lightness) * (100 - DARKEST) / 100 + DARKEST, a, b))
    shown = [round(min(1.0, max(0.0, channel)) * 255) for channel in channels]
    if alpha < 1:
        return f"rgba({shown[0]},{shown[1]},{shown[2]},{alpha:g})"
    return "#{:02x}{:02x}{:02x}".format(*shown)


def _read(colour: str) -> tuple[float, float, float, float] | None:
    """Red, green, blue and alpha from 0 to 1."""
    word = colour.strip().lower()
    if word.startswith(("rgb", "hsl")):
        return _function(word)
    if not word.startswith("#") and word not in ImageColor.colormap:
        return None
    try:
        red, green, blue, *alpha = ImageColor.getrgb(word)
    except ValueError:
        return None
    return red / 255, green / 255, blue / 255, alpha[0] / 255 if alpha else 1.0


def _function(word: str) -> tuple[float, float, float, float] | None:
    numbers = _NUMBER.findall(word)
    if len(numbers) not in {3, 4}:
        return None
    alpha = _share(numbers[3], 1) if len(numbers) > 3 else 1.0  # noqa: PLR2004 - the fourth is alpha
    if word.startswith("rgb"):
        red, green, blue = (_share(number, 255) for number in numbers[:3])
        return red, green, blue, alpha
    hue = float(numbers[0].rstrip("%")) % 360 / 360
    saturation, lightness = (_share(number, 100) for number in numbers[1:3])
    return (*colorsys.hls_to_rgb(hue, lightness, saturation), alpha)


def _share(number: str, whole: float) -> float:
    part = float(number[:-1]) / 100 if number.endswith("%") else float(number) / whole
    return min(1.0, max(0.0, part))


def _lab(rgb: Triple) -> Triple:
    linear = [channel / 12.92 if channel <= 0.04045 else ((channel + 0.055) / 1.055) ** 2.4 for channel in rgb]  # noqa: PLR2004
    xyz = (sum(weight * channel for weight, channel in zip(row, linear, strict=True)) for row in _TO_XYZ)
    x, y, z = (_bent(value / white) for value, white in zip(xyz, _WHITE, strict=True))
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


def _bent(value: float) -> float:
    return float(value ** (1 / 3)) if value > _EPSILON else (_KAPPA * value + 16) / 116


def _rgb(lab: Triple) -> Triple:
    lightness, a, b = lab
    y = (lightness + 16) / 116
    bent = (y + a / 500, y, y - b / 200)
    xyz = [_straight(value) * white for value, white in zip(bent, _WHITE, strict=True)]
    linear = (sum(weight * value for weight, value in zip(row, xyz, strict=True)) for row in _FROM_XYZ)
    red, green, blue = (12.92 * value if value <= 0.0031308 else 1.055 * value ** (1 / 2.4) - 0.055 for value in linear)  # noqa: PLR2004
    return red, green, blue


def _straight(value: float) -> float:
    return value**3 if value**3 > _EPSILON else (116 * value - 16) / _KAPPA
