"""The language of segments: what it finds, and what its mistakes say."""

import pytest
from patience import ends_within

from composer.audience.model import Subscriber
from composer.audience.segment import MAX_DEPTH, MAX_LENGTH, SegmentError, compile_segment, unknown_fields
from composer.errors import AudienceError
from composer.findings import Where

ANA = Subscriber(
    "Ana@Example.org",
    "ana@example.org",
    "Ana Silva",
    {
        "name": "Ana Silva",
        "country": "FR",
        "city": "Évry",
        "age": "42",
        "score": "7.50",
        "zip": "01234",
        "joined": "2025-03-01 10:00:00",
        "seen": "2025-03-01T23:30:00-05:00",
        "born": "1983-05-02",
        "tags": '"member","speaker, 2024"',
        "labels": "Member; Press | board",
        "projects": '["garden", "library, west", 3]',
        "empty": "",
    },
)


@pytest.mark.parametrize(
    "text",
    [
        'country == "FR"',
        "country == 'fr'",
        'COUNTRY == " FR "',
        'country != "DE"',
        'city == "évry"',
        'city == "E\u0301VRY"',
        '"FR" == country',
        "age == 42",
        'age == "42.0"',
        "age >= 42 and age <= 42",
        "18 < age",
        "age < 100",
        "score == 7.5",
        "-1 < score",
        'zip == "01234"',
        "zip != 1234",
        'joined == "2025-03-01"',
        "joined == 2025-03-01",
        "joined >= 2025-03-01 and joined <= 2025-03-01",
        "joined < 2025-03-02",
        'joined < "2025-03-01 10:00:01"',
        "joined == 2025-03-01T10:00:00Z",
        'seen == "2025-03-01"',
        "seen == 2025-03-02T04:30:00Z",
        "born < 1990-01-01",
        'country > "DE"',
        '"member" in tags',
        '"Speaker, 2024" in tags',
        'not "speaker" in tags',
        '"speaker" not in tags',
        '"press" in labels and "BOARD" in labels',
        '"library, west" in projects',
        '"3" in projects',
        'country in ["DE", "fr"]',
        'country not in ["DE"]',
        "age in [41, 42.0]",
        'age in ["42",]',
        "country not in []",
        'starts_with(email, "ana@")',
        'ends_with(email, "EXAMPLE.ORG")',
        'contains(name, "silva")',
        "Contains(name, 'SIL')",
        'email == "ana@example.org"',
        'domain == "example.org"',
        'name == "ana silva"',
        'empty == ""',
        'nowhere == ""',
        'nowhere != "x"',
        'not (country == "DE" or age < 18)',
        'country == "DE" or country == "FR" and age > 40',
        'country == "FR" OR country == "DE" AND age < 18',
        'NOT country == "DE"',
        '"a" == "A"',
        'name == \'Ana \\"x\' or country == "FR"',
        'country\n==\n"FR"',
    ],
)
def test_what_holds(text):
    """The table in the documentation, as examples that a person fits."""
    assert compile_segment(text).matches(ANA) is True


@pytest.mark.parametrize(
    "text",
    [
        'country == "F"',
        "zip == 1234",
        'zip == "1234"',
        "age < 42",
        'age > "x"',
        "country > 5",
        "empty < 5",
        'empty < "z"',
        "nowhere > 2020-01-01",
        'joined == "2025-03-01 10:00"' + " and age == 1",
        '"mem" in tags',
        '"speaker" in tags',
        'empty in ["FR"]',
        "nowhere in tags",
        'contains(empty, "a")',
        "contains(name, nowhere)",
        'country == "FR" and country == "DE"',
        '"ana" in email',
    ],
)
def test_what_does_not_hold(text):
    """Nobody is in a segment by accident: a value of another kind, or none, is neither less nor more."""
    assert compile_segment(text).matches(ANA) is False


def test_the_fields_it_looks_at_are_named_once():
    """The caller checks them against the columns."""
    assert compile_segment('Country == "x" or country == "y" and age > first_name and domain == "x" and email == name').fields == (
        "country",
        "age",
        "first_name",
    )


def test_unknown_fields_are_told_with_the_near_one():
    """A misspelt column is empty for everyone, so the segment would be empty or everybody."""
    where = Where("recipients/garden.toml", 12)
    found = unknown_fields(compile_segment('contry == "FR" and age > 3 and city == paris'), ["country", "age", "city"], where)
    assert [(finding.code, finding.where, finding.hint) for finding in found] == [
        ("segment-field-unknown", where, "Did you mean country?"),
        ("segment-field-unknown", where, "The columns are: age, city, country, domain, email, name. A value stands in quotes."),
    ]


@pytest.mark.parametrize(
    ("text", "position", "message", "hint"),
    [
        ('country = "FR"', 8, "one = is not a comparison", "Write =="),
        ('country == "FR', 11, "not closed", "Close it"),
        ("country == “FR”", 11, "typographic", "straight"),
        ("country == ‘FR’", 11, "typographic", "straight"),
        ("country ==", 10, "missing at the end", "complete"),
        ("country", 0, "not compared", 'country == "yes"'),
        ("not member", 4, "not compared", 'member == "yes"'),
        ('"x"', 0, "not compared", "field"),
        ("(country) == 3", 1, "not compared", "country"),
        ('(a == 1) == "x"', 9, "whole condition", "and"),
        ("first name == 1", 6, "two words", "first_name"),
        ("first-name == 1", 5, "dash", "first_name"),
        ('country "FR"', 8, "comparison is missing", "=="),
        ("member == true", 10, "no value", "quotes"),
        ("member == None", 10, "no value", "quotes"),
        ("lower(a) == 1", 0, "no function lower", "starts_with"),
        ('startswith(a, "b")', 0, "no function startswith", "Did you mean starts_with?"),
        ('a == contains(b, "c")', 5, "function cannot stand here", "alone"),
        ("a == lower(b)", 5, "function cannot stand here", "Capitals"),
        ("contains(a)", 10, "two values", "contains(email"),
        ('contains(a, "")', 12, "looks for nothing", '== ""'),
        ('contains(a, "x"', 15, "parenthesis", "contains"),
        ('"" in tags', 0, "looks for nothing", '== ""'),
        ('"a" in "abc"', 7, "field or a list", "contains"),
        ('a in ("b")', 5, "square brackets", "["),
        ('a in ["b"', 9, "not closed", "["),
        ("a in [b]", 6, "values, not fields", '"b"'),
        ("a == [1]", 5, "cannot stand here", "comparison"),
        ("1 < a < 3", 6, "side by side", "and"),
        ("a == 1 && b == 2", 7, "joins nothing", "and"),
        ("a == 1 || b == 2", 7, "joins nothing", "or"),
        ("a <> 1", 2, "no such comparison", "!="),
        ("a => 1", 2, "no such comparison", ">="),
        ("!a == 1", 0, "no such comparison", "not"),
        ("((a == 1)", 9, "not closed", ")"),
        ("a == 1)", 6, "cannot stand here", ""),
        ("a == example.org", 12, "dot", "quotes"),
        ("{{ a }} == 1", 0, "braces", "name"),
        ("a + 1 == 2", 2, "arithmetic", ""),
        ("a == 1 and", 10, "missing at the end", ""),
        ("_ == 1", 0, "cannot stand here", ""),
        ("a == \x00", 5, "no meaning", ""),
        ("a == 1 💥", 7, "no meaning", ""),
    ],
)
def test_a_mistake_is_shown_at_its_place(text, position, message, hint):
    """The caret stands where one has to type, and the hint says what."""
    with pytest.raises(SegmentError) as caught:
        compile_segment(text)
    assert message in caught.value.message
    assert hint in caught.value.hint
    assert caught.value.position == position
    advice, shown, caret = caught.value.hint.splitlines()
    assert advice
    assert len(caret) - 3 <= len(shown)


@pytest.mark.parametrize("text", ["", "  ", "\n"])
def test_an_empty_segment_is_refused(text):
    """It would be everybody."""
    with pytest.raises(SegmentError, match="empty") as caught:
        compile_segment(text)
    assert caught.value.hint.splitlines() == ['Write a condition: country == "FR".']


def test_the_caret_stands_under_the_place():
    """Two spaces stand before both lines; wide letters take two places of a terminal, accents none."""
    with pytest.raises(SegmentError) as caught:
        compile_segment('東京 = "x"')
    assert caught.value.hint.splitlines()[1:] == ['  東京 = "x"', "       ^"]
    with pytest.raises(SegmentError) as caught:
        compile_segment("a == 1 and " * 30 + "b = 2")
    shown, caret = caught.value.hint.splitlines()[1:]
    assert shown[len(caret) - 1] == "="
    assert len(shown) < 140


def test_a_segment_error_is_an_audience_error_and_can_be_placed():
    """The command line prints it like any other; a declaration adds the line."""
    with pytest.raises(AudienceError) as caught:
        compile_segment("a = 1")
    placed = caught.value.at(Where("recipients/garden.toml", 3))
    assert str(placed) == "recipients/garden.toml:3: one = is not a comparison"
    assert placed.hint == caught.value.hint


@pytest.mark.parametrize("text", ["(" * 5_000, "not " * 2_000 + "a == 1", "(" * MAX_DEPTH + "a == 1" + ")" * MAX_DEPTH])
def test_deep_nesting_is_refused_not_a_crash(text):
    """An expression from anywhere ends in a sentence."""
    with pytest.raises(SegmentError, match="nested"):
        compile_segment(text)


def test_long_flat_segments_are_fine_up_to_the_bound():
    """A thousand conditions joined by or neither nest nor crash; beyond the bound is a sentence."""
    text = " or ".join(["a == 12"] * 900)
    assert len(text) < MAX_LENGTH
    assert not compile_segment(text).matches(ANA)
    with pytest.raises(SegmentError, match="longer"):
        compile_segment("a == 1 or " * 2_000 + "a == 1")


def test_time_grows_with_the_text_only():
    """No expression within the bound holds anyone up."""

    def compile_all():
        for text in ('"' + "\\" * 9_990, "'" * 9_999, " " * 9_999, "1" * 9_999 + "x", "a" * 9_999, "\u00a0" * 9_000 + "=", "[" * 9_999):
            with pytest.raises(SegmentError):
                compile_segment(text)

    assert ends_within(1, compile_all)


def test_a_hundred_thousand_people_are_a_matter_of_a_moment():
    """A list of the ledger has a million; at this rate they take a few seconds."""
    segment = compile_segment('country == "FR" and "member" in tags and age > 18')
    assert segment.matches(ANA)
    assert ends_within(2, lambda: [segment.matches(ANA) for _ in range(100_000)])


def test_values_that_only_look_alike_stay_apart():
    """A date that cannot be is text, and a number too long to be one is compared to the last digit."""
    person = Subscriber("a@x.org", "a@x.org", "", {"day": "2025-02-30", "id": "12345678901234567890", "list": "[1,", "dots": "1.2.3"})
    assert compile_segment('day == "2025-02-30"').matches(person)
    assert not compile_segment("day < 2030-01-01").matches(person)
    assert not compile_segment('id == "12345678901234567891"').matches(person)
    assert compile_segment('"[1" in list').matches(person)
    assert compile_segment('dots == "1.2.3"').matches(person)
