"""Merge fields against lists, before anything is sent."""

from composer.audience.fit import defaulted_fields, missing_fields
from composer.audience.model import List, Subscriber
from composer.audience.select import choose
from composer.config import ListSettings
from composer.findings import Severity, Where

PLACE = Where("issues/2026-01.md", 12)


def people(path, columns, *rows):
    """Build a list from rows of values; lines begin at 2."""
    found = tuple(
        Subscriber(f"p{line}@{path}", f"p{line}@{path}", "", dict(zip(columns, row, strict=False)), Where(path, line, "email"))
        for line, row in enumerate(rows, 2)
    )
    return List(ListSettings(path), found, tuple(columns))


def test_everyone_without_a_value_is_named_by_row_and_column():
    """The sender mends the list from this output alone."""
    one = people("a.csv", ["first_name"], ["Ann"], [""], ["  "])
    findings = missing_fields(choose([one]), [one], [("first_name", PLACE), ("first_name", Where("issues/2026-01.md", 40))])
    assert [(finding.code, str(finding.where)) for finding in findings] == [
        ("field-missing", "a.csv:3:first_name"),
        ("field-missing", "a.csv:4:first_name"),
    ]
    assert all(finding.severity is Severity.ERROR and "issues/2026-01.md:12" in finding.message for finding in findings)


def test_a_column_that_is_not_there_is_one_finding():
    """Ten thousand findings for one misspelt field would hide the cause."""
    one = people("a.csv", ["first_name", "city"], *[["Ann", "Rome"]] * 500)
    (finding,) = missing_fields(choose([one]), [one], [("firstname", PLACE)])
    assert (finding.code, finding.where) == ("field-unknown", PLACE)
    assert "a.csv has no column firstname, which 500 people need; its columns: first_name, city" in finding.message
    assert "{{ first_name }}" in finding.hint
    assert 'default("…")' in finding.hint


def test_lists_are_judged_each_for_itself():
    """A column in one list says nothing about another, and a person completed from another list lacks nothing."""
    one, two = people("a.csv", ["city"], ["Rome"], [""]), people("b.csv", [], [], [])
    findings = missing_fields(choose([one, two]), [one, two], [("city", PLACE)])
    assert [(finding.code, str(finding.where)) for finding in findings] == [
        ("field-unknown", "issues/2026-01.md:12"),
        ("field-missing", "a.csv:3:city"),
    ]
    assert "none but the address" in findings[0].message


def test_nothing_is_missing_when_nobody_lacks_it():
    """Fields of the system need no column, and an empty list needs nothing."""
    one = people("a.csv", ["city"], ["Rome"])
    assert missing_fields(choose([one]), [one], [("city", PLACE), ("email", PLACE), ("unsubscribe_url", PLACE)]) == ()
    empty = people("a.csv", [])
    assert missing_fields(choose([empty]), [empty], [("city", PLACE)]) == ()


def test_a_field_with_a_default_that_no_list_has_is_a_warning():
    """A misspelt name with a default gives everybody the default, and nobody would see it."""
    one = people("a.csv", ["first_name"], ["Ann"])
    two = people("b.csv", ["city"], ["Rome"])
    optional = [("frist_name", PLACE), ("city", PLACE), ("email", PLACE), ("frist_name", Where("issues/2026-01.md", 30))]
    (finding,) = defaulted_fields([one, two], optional)
    assert (finding.code, finding.severity, finding.where) == ("field-defaulted", Severity.WARNING, PLACE)
    assert "first_name" in finding.hint
    assert defaulted_fields([], optional) == ()
