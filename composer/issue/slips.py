"""What people mistype in front matter, told from its lines: a missing end, missing quotes, text that YAML takes for a comment."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from difflib import get_close_matches

TEXT_KEYS = {"title", "subject", "preheader", "description", "author", "seo.title", "seo.description"}
MOST_GUESSES = 20
_KEY = re.compile(r"[\"']?[\w.-]{1,60}[\"']?[ \t]{0,20}[:=](?:\s|$)|[\[\]{}\"'?]")
_FIELD_LINE = re.compile(r"[ \t]{0,40}(?:- +)?(?P<key>[\w.-]{1,60})[ \t]{0,8}:[ \t]{1,40}(?P<value>[^\n]*\{\{[^\n]*)")
_COMMENT = re.compile(r"[ \t]{1,200}#")


def prose(lines: Sequence[str]) -> int | None:
    """The index of the first line that belongs to the text: unindented, behind a blank line, and no key. A comment above it counts."""
    blank = False
    heading: int | None = None
    for number, line in enumerate(lines):
        if not line.strip():
            blank = True
        elif line.startswith("#"):
            heading = number if blank and heading is None else heading
        elif line[0] in " \t" or _KEY.match(line):
            blank, heading = False, None
        elif heading is not None:
            return heading
        elif blank and not line.startswith("- "):
            return number
    return None


def quoted(text: str) -> str:
    """A text as YAML reads it whole."""
    if '"' in text or "\\" in text:
        return "'" + text.replace("'", "''") + "'"
    return f'"{text}"'


def quotes_for_field(lines: Iterable[str]) -> str:
    """How to write the first of these lines that has a merge field; empty when none has."""
    for line in lines:
        if match := _FIELD_LINE.match(line):
            value = match["value"].strip()
            if value[0] in "\"'":
                value = value[1:].removesuffix(value[0])
            kind = "single" if (text := quoted(value))[0] == "'" else "double"
            return f"Put {kind} quotes around the whole: {match['key']}: {text[:200]}"
    return ""


def cut_off(rest: str) -> str:
    """What a comment takes from an unquoted text, given what follows it on its line; empty when no comment does."""
    return rest.strip() if _COMMENT.match(rest) else ""


def nearest(word: str, known: Iterable[str], cutoff: float = 0.78) -> str:
    """The known word that was probably meant, in whatever case; empty when none is near."""
    names = {name.casefold(): name for name in known}
    found = get_close_matches(word[:60].casefold(), names, 1, cutoff)
    return names[found[0]] if found else ""
