"""The words of a segment: text in, tokens out, or a SegmentError that shows the place. Pure."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from composer.errors import AudienceError
from composer.findings import Where

MAX_LENGTH = 10_000
_WINDOW = 60
_KEYWORDS = frozenset({"and", "or", "not", "in"})
_TOKEN = re.compile(
    r"""\s*(?:
      (?P<text>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
    | (?P<value>\d{4}-\d\d-\d\d(?:T[\d:.]+(?:Z|[+-]\d\d:?\d\d)?)?(?![\w-])|-?\d+(?:\.\d+)?(?![\w.]))
    | (?P<word>\w+)
    | (?P<symbol>==|!=|<=(?!>)|>=|<(?!>)|>|[()\[\],])
    )""",
    re.VERBOSE | re.DOTALL,
)
_SLIPS = (
    (re.compile("[\u201c-\u201f\u2018-\u201b\u00ab\u00bb]"), "this quotation mark is typographic", 'Use a straight one: "FR".'),
    (re.compile(r"[\"']"), "a quotation mark is opened and not closed", "Close it where the value ends."),
    (re.compile(r"=>|=<"), "there is no such comparison", "Write >= or <=."),
    (re.compile(r"="), "one = is not a comparison", "Write == to compare."),
    (re.compile(r"<>|<=>|≠|!"), "there is no such comparison", "Write != for unequal, not for the contrary of a condition."),
    (re.compile(r"≤|≥"), "there is no such comparison", "Write <= or >=."),
    (re.compile(r"&"), "& joins nothing", "Write and."),
    (re.compile(r"\|"), "| joins nothing", "Write or."),
    (re.compile(r"-"), "a dash cannot stand here", "Columns are written with underscores: first_name. A date is 2026-01-31."),
    (re.compile(r"[{}]"), "braces have no meaning here", "Write the column's name alone."),
    (re.compile(r"\."), "a dot cannot stand here", 'A value stands in quotes: "example.org".'),
    (re.compile(r"[+*/%^~]"), "there is no arithmetic", "Compare a field with a value."),
)  # fmt: skip


class SegmentError(AudienceError):
    """A segment cannot be understood.

    ``text`` is the expression and ``position`` the place in it, counted from 0; the hint ends with both, marked by a caret.
    """

    def __init__(self, message: str, text: str = "", position: int = 0, advice: str = "", *, where: Where | None = None) -> None:
        self.text = text
        self.position = min(position, len(text))
        self.advice = advice
        super().__init__(message, where=where, hint="\n".join((advice, *pointer(text, self.position))))

    def at(self, where: Where) -> SegmentError:
        """Return the same error at a place in a file."""
        return SegmentError(self.message, self.text, self.position, self.advice, where=where)


@dataclass(frozen=True, slots=True)
class Token:
    """``kind`` is value, word, end, a keyword in small letters, or the symbol itself; ``value`` as meant; ``at`` from 0."""

    kind: str
    value: str
    at: int


def pointer(text: str, position: int) -> tuple[str, ...]:
    """Return two lines, the part of a text around a position and a caret under it; none for an empty text."""
    if not text.strip():
        return ()
    start = max(0, position - _WINDOW)
    shown = "".join(character if character.isprintable() else " " for character in text[start : position + _WINDOW])
    before = "".join(_space(character) for character in shown[: position - start])
    return f"  {shown}".rstrip(), f"  {before}^"


def _space(character: str) -> str:
    if unicodedata.combining(character):
        return ""
    return "  " if unicodedata.east_asian_width(character) in "WF" else " "


def tokens(text: str) -> list[Token]:
    """Cut an expression into tokens, the last of kind ``end``. Raises SegmentError."""
    if len(text) > MAX_LENGTH:
        raise SegmentError(f"the segment is longer than {MAX_LENGTH:,} characters", advice="Make a column of it, or several segments.")
    found: list[Token] = []
    at, end = 0, len(text.rstrip())
    while at < end:
        match = _TOKEN.match(text, at)
        if match is None:
            raise _slip(text, at + len(text[at:]) - len(text[at:].lstrip()))
        found.append(_token(match))
        at = match.end()
    return [*found, Token("end", "", end)]


def _token(match: re.Match[str]) -> Token:
    kind = match.lastgroup or ""
    value, at = match[kind], match.start(kind)
    if kind == "text":
        return Token("value", re.sub(r"\\([\"'\\])", r"\1", value[1:-1]), at)
    if kind == "word" and value.casefold() in _KEYWORDS:
        return Token(value.casefold(), value, at)
    return Token(value if kind == "symbol" else kind, value, at)


def _slip(text: str, at: int) -> SegmentError:
    for pattern, message, advice in _SLIPS:
        if pattern.match(text, at):
            return SegmentError(message, text, at, advice)
    return SegmentError("this character has no meaning here", text, at, 'A value stands in quotes: "FR".')
