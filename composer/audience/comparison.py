"""How the values of a list compare: as numbers, as dates, else as text without regard to capitals. Pure."""

from __future__ import annotations

import json
import operator
import re
import unicodedata
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any, NamedTuple, TypeAlias

OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
# A leading zero makes a post code or a telephone number, not a number: 01234 and 1234 are two places.
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]{0,29})(?:\.[0-9]{1,30})?", re.ASCII)
_DATE = re.compile(r"(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d(?:[.,]\d{1,9})?)?) ?(Z|UTC|[+-]\d\d:?\d\d)?)?", re.ASCII | re.IGNORECASE)
_SEVERAL = re.compile(r'"((?:[^"]|"")*)"|([^,;|]+)')
_SEPARATORS = re.compile(r"[,;|]")


class Moment(NamedTuple):
    """A date as it was written, and the instant when a time of day came with it (without an offset: UTC)."""

    day: date
    instant: datetime | None


Measure: TypeAlias = int | Decimal | Moment | None


def fold(text: str) -> str:
    """Return a text as it is compared: without spaces around it, capitals, or a choice of Unicode form."""
    return text.strip().lower() if text.isascii() else unicodedata.normalize("NFC", text.strip().casefold())


def measure(text: str) -> Measure:
    """Read a number or an ISO date; None for every other text."""
    if not text[:1].isdigit() and text[:1] not in "- \t\u00a0":
        return None
    text = text.strip()
    if _NUMBER.fullmatch(text):
        return Decimal(text) if "." in text else int(text)
    return _moment(text)


def _moment(text: str) -> Moment | None:
    match = _DATE.fullmatch(text)
    if not match:
        return None
    day, clock, offset = match.groups()
    try:
        if not clock:
            return Moment(date.fromisoformat(day), None)
        offset = "+00:00" if not offset or offset.upper() in {"Z", "UTC"} else offset
        clock, _, fraction = clock.replace(",", ".").partition(".")
        instant = datetime.fromisoformat(f"{day}T{clock}{f'.{fraction[:6]:0<6}' if fraction else ''}{offset}")
        return Moment(date.fromisoformat(day), instant.astimezone(UTC))
    except (ValueError, OverflowError):
        return None


def compare(symbol: str, left: str, right: str) -> bool:
    """Compare two values by one of ``OPERATORS``.

    Two numbers as numbers; two dates as instants when both have a time of day, else by their days; all else as text.
    A number or a date is neither less nor more than other text, and nothing is less or more than an empty value.
    """
    if symbol in {"==", "!="} and left == right:
        return symbol == "=="
    return compare_measured(symbol, left, measure(left), right, measure(right))


def compare_measured(symbol: str, left: str, left_measure: Measure, right: str, right_measure: Measure) -> bool:
    """Compare as ``compare`` does, with the measures known."""
    function = OPERATORS[symbol]
    if isinstance(left_measure, Moment) and isinstance(right_measure, Moment):
        if left_measure.instant and right_measure.instant:
            return function(left_measure.instant, right_measure.instant)
        return function(left_measure.day, right_measure.day)
    if isinstance(left_measure, int | Decimal) and isinstance(right_measure, int | Decimal):
        return function(left_measure, right_measure)
    one, other = fold(left), fold(right)
    if symbol in {"==", "!="}:
        return function(one, other)
    return left_measure is None and right_measure is None and bool(one and other) and function(one, other)


@lru_cache(maxsize=4_096)
def several(value: str) -> frozenset[str]:
    """Return the folded values that a field holds: separated by comma, semicolon or bar, each in double quotes or not, or a JSON array.

    Mailchimp writes ``"member","speaker"`` into TAGS, listmonk ``["member", "speaker"]`` into attributes.
    """
    text = value.strip()
    if text.startswith("[") and text.endswith("]"):
        try:
            items = json.loads(text)
        except (ValueError, RecursionError):
            items = None
        if isinstance(items, list):
            return frozenset(fold(item if isinstance(item, str) else json.dumps(item)) for item in items) - {""}
    quoted = '"' in text
    parts = [inner.replace('""', '"') or bare for inner, bare in _SEVERAL.findall(text)] if quoted else _SEPARATORS.split(text)
    return frozenset(map(fold, parts)) - {""}
