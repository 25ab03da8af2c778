"""Levels of headings as typed: the letter sets them without gaps, and says where it had to. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

from composer.checks.content.passages import Words
from composer.checks.letter import Letter
from composer.findings import Finding, Where, info

_ATX = re.compile(r"[> \t]{0,20}(?:[-*+][ \t]{1,4}){0,3}(#{1,6})(?:[ \t\u00a0]|$)")
_HTML = re.compile(r"\s{0,20}<h([1-6])\b", re.IGNORECASE)


def check_headings(words: Words, letter: Letter) -> Iterator[Finding]:
    """Report each heading that is more than one level below the one before it."""
    del letter
    before = 0
    for line in words.headings:
        level = _level(words, line)
        if not level:
            continue
        if before and level > before + 1:
            message = f"this heading is of level {level} below one of level {before}; the letter sets it one level down"
            yield info("heading-jump", Where(words.path, line), message, f"Write it with {'#' * (before + 1)}.")
        before = level


def _level(words: Words, line: int) -> int:
    """The level that a heading has as typed; 0 when it is a bold line, or set otherwise."""
    if not 0 < line <= len(words.lines):
        return 0
    text = words.lines[line - 1]
    if match := _ATX.match(text):
        return len(match[1])
    if match := _HTML.match(text):
        return int(match[1])
    below = words.lines[line].strip() if line < len(words.lines) else ""
    return {"=": 1, "-": 2}.get(below[:1], 0) if below and not below.strip(below[0]) else 0
