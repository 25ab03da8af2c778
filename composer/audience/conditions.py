"""What a segment asks of one person, as closures made once and called for each: the parts that an expression is put together from. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from composer.audience.comparison import Measure, compare, compare_measured, fold, measure, several
from composer.audience.model import Subscriber
from composer.audience.tokens import Token

FUNCTIONS: dict[str, Callable[[str, str], bool]] = {
    "starts_with": lambda text, part: bool(part) and fold(text).startswith(fold(part)),
    "ends_with": lambda text, part: bool(part) and fold(text).endswith(fold(part)),
    "contains": lambda text, part: bool(part) and fold(part) in fold(text),
}
_MIRRORED = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}

Condition = Callable[[Subscriber], bool]
Getter = Callable[[Subscriber], str]


@dataclass(frozen=True, slots=True)
class Operand:
    """A side of a comparison: a field (``getter``), a value (``value``), or a list of values."""

    token: Token
    getter: Getter | None = None
    value: str = ""
    values: tuple[str, ...] | None = None

    def text(self) -> Getter:
        """Return what gives its text for a person."""
        value = self.value
        return self.getter or (lambda _: value)


def getter_of(name: str) -> Getter:
    """Return what gives the value of a field, empty when there is none; ``email``, ``domain`` and ``name`` are the person's own."""
    if name == "email":
        return lambda person: person.email
    if name == "domain":
        return lambda person: person.email.rpartition("@")[2]
    if name == "name":
        return lambda person: person.name or person.fields.get("name", "")
    return lambda person: person.fields.get(name, "")


def every(parts: Sequence[Condition]) -> Condition:
    """Join conditions with and."""
    if len(parts) == 1:
        return parts[0]
    if len(parts) == 2:  # noqa: PLR2004 - the usual case, twice as fast as the loop
        first, second = parts
        return lambda person: first(person) and second(person)
    return lambda person: all(part(person) for part in parts)


def either(parts: Sequence[Condition]) -> Condition:
    """Join conditions with or."""
    if len(parts) == 1:
        return parts[0]
    return lambda person: any(part(person) for part in parts)


def compared(symbol: str, left: Operand, right: Operand) -> Condition:
    """Compare two sides; what can be known of a value is found out once."""
    if left.getter is None and right.getter is not None:
        return compared(_MIRRORED.get(symbol, symbol), right, left)
    if left.getter is None or right.getter is not None:
        one, other = left.text(), right.text()
        return lambda person: compare(symbol, one(person), other(person))
    return _with_value(symbol, left.getter, right.value, measure(right.value))


def _with_value(symbol: str, getter: Getter, value: str, size: Measure) -> Condition:
    if size is None and symbol == "==":
        folded = fold(value)
        return lambda person: (text := getter(person)) == value or fold(text) == folded
    if size is None and symbol == "!=":
        folded = fold(value)
        return lambda person: fold(getter(person)) != folded
    return lambda person: compare_measured(symbol, text := getter(person), measure(text), value, size)


def among(getter: Getter, values: tuple[str, ...]) -> Condition:
    """Tell whether a text equals one of several values."""
    texts = frozenset(map(fold, values))
    measured = tuple(value for value in values if measure(value) is not None)
    if not measured:
        return lambda person: fold(getter(person)) in texts
    return lambda person: fold(text := getter(person)) in texts or any(compare("==", text, value) for value in measured)


def held(sought: Operand, getter: Getter) -> Condition:
    """Tell whether one of the values that a field holds is the one sought; nothing is held nowhere."""
    if sought.getter is None:
        wanted = fold(sought.value)
        return lambda person: wanted in several(getter(person))
    look_for = sought.getter
    return lambda person: fold(look_for(person)) in several(getter(person))


def called(function: Callable[[str, str], bool], first: Getter, second: Getter) -> Condition:
    """Apply a function to two texts of a person."""
    return lambda person: function(first(person), second(person))


def negated(inner: Condition) -> Condition:
    """Turn a condition round."""
    return lambda person: not inner(person)
