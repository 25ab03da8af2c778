"""Lines of text for a terminal: wrapped at columns, in which wide characters count two and a merge field's mark a short word."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from wcwidth import wcswidth

WIDTH = 72
GLUE = "\x1f"  # a space that does not break a line; an issue's text holds no control characters
_MARK_WIDTH = 10
_SPACE = re.compile(r"[ \t\n]+")
_WIDE = re.compile("([\u1100-\u11ff\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe4f\uff00-\uff60\uffe0-\uffe6])")


def wrap(text: str, width: int = WIDTH, first: str = "", rest: str = "", mark: str = "") -> list[str]:
    """Wrap a text to a width in terminal columns, with prefixes; words that are too long stand alone, never cut.

    ``mark`` is the prefix of merge field marks, which count as words of ordinary length.
    """
    lines: list[str] = []
    line, used, start = first, columns(first, mark), True
    for word in _words(text):
        size = columns(word.text, mark)
        if not start and used + word.space + size > width:
            lines.append(line.rstrip())
            line, used, start = rest, columns(rest, mark), True
        gap = "" if start else " " * word.space
        line, used, start = line + gap + word.text, used + len(gap) + size, False
    lines.append(line.rstrip())
    return lines


def table(rows: Sequence[Sequence[str]], width: int, mark: str, *, head: bool) -> list[str]:
    """Lay out rows of as many cells each: aligned where they fit into the width, else wrapped with bars between."""
    sizes = [max(columns(cell, mark) for cell in column) for column in zip(*rows, strict=True)]
    aligned = sum(sizes) + 3 * (len(sizes) - 1) <= width
    lines: list[str] = []
    for number, row in enumerate(rows):
        padded = [text + " " * (size - columns(text, mark)) for text, size in zip(row, sizes, strict=True)] if aligned else row
        lines += ["   ".join(padded).rstrip()] if aligned else wrap(" | ".join(row), width, "", "    ", mark)
        if head and not number:
            lines.append("   ".join("-" * size for size in sizes) if aligned else "-" * width)
    return lines


@dataclass(frozen=True, slots=True)
class _Word:
    text: str
    space: int


def _words(text: str) -> Iterable[_Word]:
    """Words with the spaces before them; between wide characters a line may break without one."""
    for word in _SPACE.split(text.strip(" \t\n")):
        pieces = [piece for piece in _WIDE.split(word) if piece] if _WIDE.search(word) else [word]
        for index, piece in enumerate(pieces):
            yield _Word(piece, 0 if index else 1)


def columns(text: str, mark: str) -> int:
    """Return how many columns a text takes in a terminal."""
    if mark and mark in text:
        text = re.sub(rf"{mark}f\d+x", "_" * _MARK_WIDTH, text)
    return len(text) if text.isascii() else max(0, wcswidth(text)) or len(text)
