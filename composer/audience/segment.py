"""Segments: a condition over a list, such as ``country == "FR" and "member" in tags``, compiled to closures.

A small language of its own: nothing of it is Python that runs. Pure; every mistake is a SegmentError with a caret.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from difflib import get_close_matches

from composer.audience.columns import normalised
from composer.audience.comparison import fold
from composer.audience.conditions import FUNCTIONS, Condition, Operand, among, called, compared, either, every, getter_of, held, negated
from composer.audience.tokens import MAX_LENGTH, SegmentError, Token, tokens
from composer.findings import Finding, Where, error

__all__ = ["FUNCTIONS", "MAX_DEPTH", "MAX_LENGTH", "Segment", "SegmentError", "compile_segment", "unknown_fields"]

MAX_DEPTH = 30
BUILT_IN = ("email", "name", "domain")
_COMPARISONS = frozenset({"==", "!=", "<", "<=", ">", ">="})


@dataclass(frozen=True, slots=True)
class Segment:
    """A compiled condition; ``fields`` are the columns it looks at, in the order of their first use (not email, name and domain)."""

    text: str
    fields: tuple[str, ...]
    matches: Condition = field(repr=False, compare=False)


def compile_segment(text: str) -> Segment:
    """Compile an expression. Raises SegmentError, whose hint shows the place with a caret."""
    parser = _Parser(text, tokens(text))
    condition = parser.whole()
    return Segment(text, tuple(name for name in parser.fields if name not in BUILT_IN), condition)


def unknown_fields(segment: Segment, columns: Iterable[str], where: Where = Where("")) -> tuple[Finding, ...]:
    """Tell the fields of a segment that no list has a column for: empty for everyone, so a misspelt name could choose everyone else."""
    known = sorted({*columns, *BUILT_IN})
    return tuple(_unknown(name, known, where) for name in segment.fields if name not in known)


def _unknown(name: str, known: list[str], where: Where) -> Finding:
    near = get_close_matches(name, known, n=1, cutoff=0.6)
    hint = f"Did you mean {near[0]}?" if near else f"The columns are: {', '.join(known[:20])}. A value stands in quotes."
    return error("segment-field-unknown", where, f"the segment asks for {name}, and no list has such a column", hint)


class _Parser:
    """Recursive descent; ``and`` and ``or`` are flat, only parentheses and ``not`` nest, to MAX_DEPTH."""

    def __init__(self, text: str, found: list[Token]) -> None:
        self.text = text
        self.tokens = found
        self.at = 0
        self.depth = 0
        self.fields: dict[str, None] = {}

    def whole(self) -> Condition:
        if self.tokens[0].kind == "end":
            raise self._wrong("the segment is empty", 'Write a condition: country == "FR".')
        condition = self._any()
        if self._next.kind != "end":
            raise self._unexpected()
        return condition

    def _any(self) -> Condition:
        parts = [self._all()]
        while self._take("or"):
            parts.append(self._all())
        return either(parts)

    def _all(self) -> Condition:
        parts = [self._one()]
        while self._take("and"):
            parts.append(self._one())
        return every(parts)

    def _one(self) -> Condition:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise self._wrong(f"the segment is nested deeper than {MAX_DEPTH}", "Make several segments of it.")
        condition = self._nested()
        self.depth -= 1
        return condition

    def _nested(self) -> Condition:
        if self._take("not"):
            return negated(self._one())
        if self._take("("):
            condition = self._any()
            self._expect(")", "a parenthesis is not closed", "Add a ) where the condition ends.")
            if self._next.kind in _COMPARISONS | {"in"}:
                raise self._wrong("parentheses hold a whole condition, not a value", 'Write: country == "FR" and (age > 18 or age < 3).')
            return condition
        if self._next.kind == "word" and self._after.kind == "(":
            return self._function()
        return self._comparison()

    def _function(self) -> Condition:
        token = self._pop()
        function = FUNCTIONS.get(token.value.casefold())
        if function is None:
            near = get_close_matches(token.value.casefold(), FUNCTIONS, n=1, cutoff=0.5)
            hint = f"Did you mean {near[0]}?" if near else f"There are: {', '.join(FUNCTIONS)}."
            raise self._wrong(f"there is no function {token.value}", hint, token)
        shape = f'Write {token.value.casefold()}(email, "…").'
        self._pop()
        first = self._operand().text()
        self._expect(",", f"{token.value} takes two values with a comma between", shape)
        second = self._operand()
        self._expect(")", f"{token.value} takes two values and ends with a parenthesis", shape)
        if second.getter is None and not fold(second.value):
            raise self._wrong(f"{token.value} looks for nothing", 'To ask for what is empty write: field == "".', second.token)
        return called(function, first, second.text())

    def _comparison(self) -> Condition:
        left = self._operand()
        token = self._next
        if token.kind in _COMPARISONS:
            self._pop()
            right = self._operand()
            condition = compared(token.kind, left, right)
        elif token.kind == "in" or (token.kind == "not" and self._after.kind == "in"):
            condition = self._membership(left)
        else:
            raise self._alone(left)
        if self._next.kind in _COMPARISONS | {"in"}:
            raise self._wrong("two comparisons stand side by side", "Join them with and: 18 <= age and age < 65.")
        return condition

    def _membership(self, left: Operand) -> Condition:
        contrary = self._pop().kind == "not"
        if contrary:
            self._pop()
        if self._next.kind == "(":
            raise self._wrong("the values to choose from stand in square brackets", 'Write: country in ["FR", "DE"].')
        right = self._list() if self._next.kind == "[" else self._operand()
        inside = among(left.text(), right.values) if right.values is not None else self._held(left, right)
        return negated(inside) if contrary else inside

    def _held(self, left: Operand, right: Operand) -> Condition:
        if right.getter is None:
            hint = 'Write a field, or a list: country in ["FR", "DE"]. For a part of a text: contains(company, "x").'
            raise self._wrong("in looks into a field or a list", hint, right.token)
        if left.getter is None and not fold(left.value):
            raise self._wrong("in looks for nothing", 'To ask for what is empty write: field == "".', left.token)
        return held(left, right.getter)

    def _list(self) -> Operand:
        opening = self._pop()
        values: list[str] = []
        while self._next.kind != "]":
            operand = self._operand()
            if operand.getter is not None:
                hint = f'Write it in quotes: "{operand.token.value}".'
                raise self._wrong("a list holds values, not fields", hint, operand.token)
            values.append(operand.value)
            if not self._take(",") and self._next.kind != "]":
                raise self._wrong("a list is not closed", 'Write: ["FR", "DE"].')
        self._pop()
        return Operand(opening, values=tuple(values))

    def _operand(self) -> Operand:
        token = self._next
        if token.kind == "value":
            self._pop()
            return Operand(token, value=token.value)
        if token.kind != "word":
            raise self._unexpected()
        if self._after.kind == "(":
            hint = (
                f"Write {token.value}(…) alone; it is a condition."
                if token.value.casefold() in FUNCTIONS
                else "Capitals do not matter anyway."
            )
            raise self._wrong("a function cannot stand here", hint)
        name = normalised(token.value)
        if not name:
            raise self._unexpected()
        if name in {"true", "false", "null", "none"}:
            hint = 'Write what the column holds, in quotes: member == "yes"; for what is empty: member == "".'
            raise self._wrong(f"{token.value} is no value", hint)
        self._pop()
        self.fields[name] = None
        return Operand(token, getter=getter_of(name))

    def _alone(self, left: Operand) -> SegmentError:
        if self._next.kind == "word" and left.getter is not None:
            hint = f"Columns are written with underscores: {normalised(f'{left.token.value} {self._next.value}')}."
            return self._wrong("two words stand side by side", hint)
        if self._next.kind == "value":
            return self._wrong("a comparison is missing", f"Put == before it: {left.token.value} == …")
        shown = normalised(left.token.value) or "field"
        hint = f'Write {shown} == "yes", or {shown} != "" for everyone who has one.' if left.getter else "Compare it with a field."
        return self._wrong("this is not compared with anything", hint, left.token)

    @property
    def _next(self) -> Token:
        return self.tokens[self.at]

    @property
    def _after(self) -> Token:
        return self.tokens[min(self.at + 1, len(self.tokens) - 1)]

    def _pop(self) -> Token:
        token = self.tokens[self.at]
        self.at = min(self.at + 1, len(self.tokens) - 1)
        return token

    def _take(self, kind: str) -> bool:
        found = self._next.kind == kind
        if found:
            self._pop()
        return found

    def _expect(self, kind: str, message: str, hint: str) -> None:
        if not self._take(kind):
            raise self._wrong(message, hint)

    def _unexpected(self) -> SegmentError:
        token = self._next
        if token.kind == "end":
            return self._wrong("something is missing at the end", 'A condition is complete: country == "FR".')
        return self._wrong(f"{token.value} cannot stand here", "A condition is a field, a comparison and a value, joined by and, or, not.")

    def _wrong(self, message: str, hint: str, token: Token | None = None) -> SegmentError:
        return SegmentError(message, self.text, (token or self._next).at, hint)
