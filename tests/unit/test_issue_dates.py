"""Dates as they are met: understood, or refused with what to write instead."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from composer.issue.dates import MONTHS, month_of, read_moment, starts_with_date

MOMENT = datetime(2018, 6, 11, 14, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-02-02T17:58:42.638Z", datetime(2026, 2, 2, 17, 58, 42, 638000, tzinfo=UTC)),
        ("2018-06-11 14:00:00 -0000", MOMENT),
        ("2018-06-11 14:00", MOMENT),
        ("2018-06-11T16:00:00+02:00", MOMENT.astimezone(timezone(timedelta(hours=2)))),
        ("2018-06-11 14:00:00 UTC", MOMENT),
        ("2018-6-1", datetime(2018, 6, 1, tzinfo=UTC)),
        (" 2018-06-11 ", datetime(2018, 6, 11, tzinfo=UTC)),
    ],
)
def test_moments_are_understood(text, moment):
    """With or without time and zone; no zone means UTC."""
    assert read_moment(text) == moment
    assert read_moment(text).tzinfo is not None


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("14:4g5:00", "2026-02-02"),
        ("14-12-2025", "2025-12-14"),
        ("3.4.2025", "2025-04-03 or 2025-03-04"),
        ("31/12/2025", "2025-12-31"),
        ("2026-02-30", "no such moment"),
        ("2026-13-01", "no such moment"),
        ("2026-01-01T25:00:00Z", "no such moment"),
        ("2026-01-01T10:00:00+99:00", "no such moment"),
        ("yesterday", "2026-02-02"),
        ("99/99/2025", "2026-02-02"),
        ("", "2026-02-02"),
    ],
)
def test_what_is_no_moment_says_what_to_write(text, says):
    """Never a guess between day and month."""
    with pytest.raises(ValueError, match=says):
        read_moment(text)


@pytest.mark.parametrize(
    "cell",
    ["17-19 October", "23 – 26 March 2026", "March 3", "3rd of June", "Mon, 3 June", "Sat-Sun 3-4 May", "July - September", "early July", "2026-06-03",
     "3.6.2026", "30 April & 1 May", "19. Juli", "3 de junio de 2026", "1er août", "6月3日", "2026年6月3日", "SEPT 3", "17-19\u00a0October",
     "23-26 مارس", "3 מאי"],
)  # fmt: skip
def test_cells_that_start_with_a_date(cell):
    """As communities write them in several languages."""
    assert starts_with_date(cell)


@pytest.mark.parametrize(
    "cell", ["Mayor 3", "Marching on", "3 apples", "2026", "Paris", "", "May I ask", "decide 3", "1234 May", "Booth 3 June"]
)
def test_cells_that_do_not(cell):
    """A word that looks like a month makes no event."""
    assert not starts_with_date(cell)


def test_every_month_starts_a_date():
    """None may be missing from the pattern."""
    assert all(starts_with_date(f"3 {month}") and starts_with_date(f"{month[:3]} 3") for month in MONTHS)


def test_the_month_an_issue_speaks_of():
    """Title before stem before date: the date is that of writing, often a month late."""
    late = datetime(2026, 2, 2, tzinfo=UTC)
    assert month_of("Inside: january 2026", "2025-12", late) == "January 2026"
    assert month_of("Inside", "2025-12", late) == "December 2025"
    assert month_of("Inside", "inside-july-2025", late) == "July 2025"
    assert month_of("Inside", "news", late) == "February 2026"
    assert month_of("Inside", "news", None) == ""
    assert month_of("Inside", "news-2025-13", None) == ""
