"""Segments under Hypothesis: any text is a condition or a SegmentError, and what a condition finds agrees with a plain reading of it."""

from __future__ import annotations

from datetime import date

from hypothesis import given, settings
from hypothesis import strategies as st

from composer.audience.comparison import measure, several
from composer.audience.model import Subscriber
from composer.audience.segment import SegmentError, compile_segment

PIECES = st.sampled_from(
    'and or not in == != < <= > >= = ( ) [ ] , "FR" \'x\' “ " country tags 12 -3 4.5 2025-01-31 2025-99-99 starts_with( contains( lower( && ! . { \\ é'.split()
)
FIELDS = ("country", "age", "joined", "tags")
TEXTS = ("", "FR", "fr", "De", "ß", "12", "12.0", "7", "-3", "007", "2025-01-31", "2024-12-01", "1e3")
VALUES = st.sampled_from(TEXTS)
people = st.builds(
    lambda fields, tags: Subscriber("Ana@Example.org", "ana@example.org", "Ana", {**fields, "tags": ",".join(tags)}),
    st.dictionaries(st.sampled_from(FIELDS[:3]), VALUES),
    st.lists(VALUES, max_size=3),
)


@given(
    st.text(max_size=80) | st.lists(PIECES | st.text(max_size=4), max_size=25).map(" ".join) | st.lists(PIECES, max_size=40).map("".join)
)
@settings(deadline=None, max_examples=600)
def test_any_text_is_a_segment_or_a_segment_error(text):
    """Whatever is typed, nothing of Python's own comes out, neither while compiling nor while matching."""
    try:
        segment = compile_segment(text)
    except SegmentError as err:
        caught = err
    else:
        caught = None
    if caught:
        assert 0 <= caught.position <= len(text)
        assert caught.message
        return
    assert segment.matches(Subscriber("a@example.org", "a@example.org", "", {"country": "FR", "tags": text})) in {True, False}


@given(st.text(max_size=60))
@settings(deadline=None)
def test_any_value_is_matched_without_a_word(text):
    """Values come from other people's files."""
    person = Subscriber("a@example.org", "a@example.org", text, dict.fromkeys(FIELDS, text))
    for expression in ("age > 3", "joined <= 2025-01-31", '"x" in tags', "country in tags", "age == country", 'contains(tags, "\\"")'):
        assert compile_segment(expression).matches(person) in {True, False}
    assert several(text) is not None
    measure(text)


def _folded(text):
    return text.strip().casefold()


def _number(text):
    digits = text.removeprefix("-")
    plain = digits.replace(".", "", 1).isdigit() and not (digits.startswith("0") and digits != "0" and not digits.startswith("0."))
    return float(text) if plain else None


def _date(text):
    try:
        return date.fromisoformat(text) if "-" in text[1:] else None
    except ValueError:
        return None


def _compare(symbol, left, right):
    """What the documentation says of a comparison, read slowly."""
    for read in (_number, _date):
        if read(left) is not None and read(right) is not None:
            left, right = read(left), read(right)
            break
    else:
        if symbol not in {"==", "!="} and (
            any(read(text) is not None for read in (_number, _date) for text in (left, right)) or not (left and right)
        ):
            return False
        left, right = _folded(left), _folded(right)
    return {"==": left == right, "!=": left != right, "<": left < right, "<=": left <= right, ">": left > right, ">=": left >= right}[
        symbol
    ]


def _value(person, operand):
    kind, text = operand
    return person.fields.get(text, "") if kind == "field" else text


def _holds(person, node):
    match node:
        case ("not", inner):
            return not _holds(person, inner)
        case ("and", *parts):
            return all(_holds(person, part) for part in parts)
        case ("or", *parts):
            return any(_holds(person, part) for part in parts)
        case ("has", value):
            return _folded(value) in {_folded(part) for part in person.fields["tags"].split(",")} - {""}
        case ("among", operand, values):
            return any(_compare("==", _value(person, operand), value) for value in values)
        case (symbol, left, right):
            return _compare(symbol, _value(person, left), _value(person, right))
    raise AssertionError(node)


def _written(node):
    match node:
        case ("field", name):
            return name
        case ("value", text):
            return f'"{text}"'
        case ("not", inner):
            return f"not ({_written(inner)})"
        case (("and" | "or") as word, *parts):
            return f" {word} ".join(f"({_written(part)})" for part in parts)
        case ("has", value):
            return f'"{value}" in tags'
        case ("among", operand, values):
            return f"{_written(operand)} in [{', '.join(f'{chr(34)}{value}{chr(34)}' for value in values)}]"
        case (symbol, left, right):
            return f"{_written(left)} {symbol} {_written(right)}"
    raise AssertionError(node)


operands = st.tuples(st.just("field"), st.sampled_from(FIELDS[:3])) | st.tuples(st.just("value"), VALUES)
leaves = (
    st.tuples(st.sampled_from(["==", "!=", "<", "<=", ">", ">="]), operands, operands)
    | st.tuples(st.just("has"), VALUES.filter(bool))
    | st.tuples(st.just("among"), operands, st.lists(VALUES, max_size=3).map(tuple))
)
trees = st.recursive(
    leaves,
    lambda inner: (
        st.tuples(st.just("not"), inner)
        | st.tuples(st.sampled_from(["and", "or"]), inner, inner)
        | st.tuples(st.just("or"), inner, inner, inner)
    ),
    max_leaves=6,
)


@given(trees, people)
@settings(deadline=None, max_examples=600)
def test_matches_agree_with_a_plain_reading(tree, person):
    """The closures are there for speed alone."""
    assert compile_segment(_written(tree)).matches(person) is _holds(person, tree), _written(tree)
