"""The keys of an issue's front matter as typed, each with its line. The reader has read it before, so it is well-formed. Pure."""

from __future__ import annotations

import re
from typing import NamedTuple

from composer.issue.frontmatter import LONGEST

_YAML = re.compile(r"(?P<indent>[ ]{0,20})(?P<key>[\w.-]{1,60})[ ]{0,9}:(?:[ ]{1,9}|$)(?P<value>.*)")
_TOML = re.compile(r"[ ]{0,20}(?P<key>[\w.-]{1,60})[ ]{0,9}=[ ]{0,9}(?P<value>.*)")
_TABLE = re.compile(r"[ ]{0,20}\[[ ]{0,9}(?P<name>[\w-]{1,60})[ ]{0,9}\]")


class Key(NamedTuple):
    """What is typed behind a key, on one line and without quotes around it, and the key's line."""

    text: str
    line: int


def front_keys(source: str) -> dict[str, Key]:
    """Return the keys of a file's front matter; those of a table such as ``seo`` are called ``seo.url``."""
    lines = source[: LONGEST + 1000].split("\n")
    first = next((number for number, line in enumerate(lines) if line.strip("\ufeff \t")), len(lines))
    fence = lines[first].strip("\ufeff \t") if first < len(lines) else ""
    found: dict[str, list[str]] = {}
    at: dict[str, int] = {}
    table = name = ""
    for number, line in enumerate(lines[first + 1 :], first + 2):
        if line.rstrip() in {fence, "..."}:
            break
        if header := fence == "+++" and _TABLE.match(line):
            table = f"{header['name']}."
        elif match := (_TOML if fence == "+++" else _YAML).match(line):
            if fence != "+++":
                table = _table(match["indent"], table, name, "".join(found[name][:2]) if name else "")
            name = f"{table}{match['key']}"
            found.setdefault(name, []).append(match["value"])
            at[name] = number
        elif name:
            found[name].append(line)
    return {key: Key(" ".join(" ".join(parts).split()).strip("\"' "), at[key]) for key, parts in found.items()}


def _table(indent: str, table: str, above: str, value: str) -> str:
    """Return the name before a YAML key: that of the key above when nothing stands behind it and this one is indented."""
    if not indent:
        return ""
    return f"{above}." if above and not table and not value.strip() else table
