"""JSON in exports: listmonk's column of attributes, and files with one JSON object a line. Text in, flat values out. Pure."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any, TypeVar

from composer.audience.columns import ADDRESS_COLUMNS, BLANK, LONGEST_NAME, normalised, too_long
from composer.findings import Finding, Where, error, warning
from composer.issue.model import SYSTEM_FIELDS

# listmonk exports `attributes`; its API, and some who export by hand, say `attribs`.
COLUMNS = frozenset({"attributes", "attribs"})
_DEEPEST = 4
_MOST = 500
_Person = TypeVar("_Person")


def is_json(lines: Callable[[], Iterator[str]]) -> bool:
    """Tell whether a file is of JSON lines: its first character is a brace."""
    opened = (line for line in lines())
    with closing(opened):
        return next((line.lstrip("\ufeff \t") for line in opened if line.strip("\ufeff \t\r\n")), "").startswith("{")


def people(path: str, lines: Iterator[str], person: Callable[[int, dict[str, str], str], _Person | Finding]) -> Iterator[_Person | Finding]:
    """Yield what ``person`` makes of the flat values of each line, and a finding for a line that is no object."""
    for number, line in enumerate(lines, 1):
        if not line.strip("\ufeff \t\r\n"):
            continue
        values = _object(line.strip("\ufeff"))
        if values is None:
            yield error("row-unreadable", Where(path, number), "this line is not one JSON object", 'Write {"email": "name@example.org"}.')
            continue
        if len(line) > LONGEST_NAME:
            yield from _told_long(path, number, values)
        flat = flattened(values)
        yield person(number, flat, next((name for name in ADDRESS_COLUMNS if name in flat), ""))


def unfold(path: str, line: int, text: str, fields: dict[str, str]) -> Iterator[Finding]:
    """Add the values of a cell of attributes to a row's fields, those that a column has aside."""
    if not text:
        return
    values = _object(text)
    if values is None:
        hint = 'It is one JSON object, such as {"city": "Paris"}; the row is used without.'
        yield warning("attributes-unreadable", Where(path, line, "attributes"), "the attributes are not a JSON object", hint)
        return
    if len(text) > LONGEST_NAME:
        yield from _told_long(path, line, values)
    for name, value in flattened(values).items():
        if not fields.get(name) and name not in SYSTEM_FIELDS:
            fields[name] = value


def flattened(values: dict[str, Any]) -> dict[str, str]:
    """Return nested values as text by name: ``{"home": {"city": "Paris"}}`` is ``home_city``; a list is its items with commas."""
    found: dict[str, str] = {}
    for name, value in _leaves(values, "", _DEEPEST):
        if name and len(name) <= LONGEST_NAME and name not in found and len(found) < _MOST:
            found[name] = _text(value)
    return found


def _told_long(path: str, line: int, values: dict[str, Any]) -> Iterator[Finding]:
    length = max((len(name) for name, _ in _leaves(values, "", _DEEPEST)), default=0)
    if length > LONGEST_NAME:
        yield too_long(Where(path, line), length)


def _leaves(values: dict[str, Any], before: str, deeper: int) -> Iterator[tuple[str, Any]]:
    for key, value in values.items():
        name = normalised(f"{before} {key}")
        if isinstance(value, dict) and value and deeper:
            yield from _leaves(value, name, deeper - 1)
        elif name not in SYSTEM_FIELDS or name in ADDRESS_COLUMNS:
            yield name, value


def _object(text: str) -> dict[str, Any] | None:
    try:
        values = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return values if isinstance(values, dict) else None


def _text(value: object) -> str:
    if isinstance(value, str):
        text = value
    elif value is None:
        text = ""
    elif isinstance(value, list) and all(isinstance(item, str) and not set(item) & set(',;|"') for item in value):
        text = ", ".join(value)
    else:
        text = json.dumps(value, ensure_ascii=False)
    # Databases refuse NUL, and halves of surrogate pairs are no text.
    return text.replace("\0", "").encode("utf-8", "replace").decode().strip(BLANK)
