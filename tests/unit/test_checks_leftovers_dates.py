"""Dates as people write them: found in prose, given a year, and over at the right moment."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from composer.checks.leftovers.clock import Clock, end_of
from composer.checks.leftovers.dates import find_dates, find_months
from composer.checks.leftovers.years import days_of

JANUARY = date(2026, 1, 1)


def spans(text, near=JANUARY):
    """Give the days of each date in a text, as ISO, one day or first..last."""
    found = []
    for written in find_dates(text):
        days = days_of(written, near)
        found.append("none" if days is None else "..".join(dict.fromkeys((days.first.isoformat(), days.last.isoformat()))))
    return found


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("17-19 October | Springfield", "2026-10-17..2026-10-19"),
        ("fees double on 2 July at 23:59 PT", "2026-07-02"),
        ("by January 31", "2026-01-31"),
        ("Tuesday, 13 January, 14:00 UTC", "2026-01-13"),
        ("10am ET on Oct. 3rd", "2026-10-03"),
        ("scheduled for October 27-31, 2025.", "2025-10-27..2025-10-31"),
        ("On September 8-9, the fair", "2026-09-08..2026-09-09"),
        ("September 8 & 9, 2026", "2026-09-08..2026-09-09"),
        ("8 and 9 September", "2026-09-08..2026-09-09"),
        ("signed by July 17, 2026.", "2026-07-17"),
        ("on Friday, 16 January.", "2026-01-16"),
        ("the week of June 23, 2025!", "2025-06-23"),
        ("30 April \u2013 2 May 2026", "2026-04-30..2026-05-02"),
        ("from April 30 to May 2, 2026", "2026-04-30..2026-05-02"),
        ("between 3 March and 5 April", "2026-03-03..2026-04-05"),
        ("28 December 2025 to 3 January", "2025-12-28..2026-01-03"),
        ("30 Dec - 2 Jan 2026", "2025-12-30..2026-01-02"),
        ("the 3rd of October", "2026-10-03"),
        ("Tuesday the 3rd of March", "2026-03-03"),
        ("3, 10 and 17 March", "2026-03-03..2026-03-17"),
        ("Sat-Sun 3-4 May", "2026-05-03..2026-05-04"),
        ("Mon 1 - Fri 5 June", "2026-06-01..2026-06-05"),
        ("17\u00a0October", "2026-10-17"),
        ("17\u201119 October", "2026-10-17..2026-10-19"),
        ("3 Oct '26", "2026-10-03"),
        ("FR\u0130DAY, 2 JANUARY", "2026-01-02"),
        ("3 \u017fept", "2026-09-03"),
        ("SEPT 3", "2026-09-03"),
        ("2026-01-31", "2026-01-31"),
        ("2026-01-31T17:00", "2026-01-31"),
        ("31/01/2026", "2026-01-31"),
        ("01/31/2026", "2026-01-31"),
        ("4/4/2026", "2026-04-04"),
        ("31.1.2026", "2026-01-31"),
        ("until the end of February", "2026-02-01..2026-02-28"),
        ("14 October 2025 (Tuesday)", "2025-10-14"),
        ("May 3-5pm", "2026-05-03"),
        ("31 June", "none"),
        ("29 February 2026", "none"),
        ("29 February", "none"),
        ("2026-02-30", "none"),
    ],
)
def test_one_date(text, days):
    """Each form that newsletters use, with its year near January 2026 where none is written."""
    assert spans(text) == [days]


@pytest.mark.parametrize(
    "text",
    [
        "3/4/2026", "in May 2026", "you may 3 times", "they march 4 miles", "version 3.25 March", "May 32", "0 May", "Mayor 3",
        "https://example.org/2026-01-31-post", "1234 May", "room 2026-01-311", "In May 20 people met", "14:05 May", "$5 May", "3 apples", "",
    ],
)  # fmt: skip
def test_no_date(text):
    """What may mean two days, or is none, is left alone."""
    assert find_dates(text) == ()


def test_two_dates_are_two():
    """Only a range is one date."""
    assert spans("8 September and 9 October, then 1 May. 2 June") == ["2026-09-08", "2026-10-09", "2026-05-01", "2026-06-02"]


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("July - September | Fairs", 7, 9),
        ("July", 7, 7),
        ("late March: fair", 3, 3),
        ("Nov to Jan |", 11, 1),
        ("December, Springfield", 12, 12),
    ],
)
def test_months_alone(text, first, last):
    """An event may only know its month."""
    written = find_months(text)
    assert (written.first.month, written.last.month, written.months) == (first, last, True)


@pytest.mark.parametrize("text", ["Mayor", "May be", "march on", "Springfield, July", "July fair"])
def test_no_months_alone(text):
    """A word that only begins like one."""
    assert find_months(text) is None


@pytest.mark.parametrize(
    ("text", "clock"),
    [
        ("2 July at 23:59 PT", Clock(23, 59, "PT")),
        ("2 July, 11:59pm PST", Clock(23, 59, "PST")),
        ("2 July (14:00 UTC)", Clock(14, 0, "UTC")),
        ("2 July, 14:00-15:30 UTC", Clock(15, 30, "UTC")),
        ("2 July at 1900 UTC", Clock(19, 0, "UTC")),
        ("2 July | 5 p.m. Eastern Time", Clock(17, 0, "EASTERN")),
        ("2 July at 12am", Clock(0, 0)),
        ("2 July at 12 pm CET", Clock(12, 0, "CET")),
        ("2 July at noon UTC+5:30", Clock(12, 0, 5.5)),
        ("2 July, midnight AoE", Clock(24, 0, "AOE")),
        ("2 July 23:59 anywhere on earth", Clock(23, 59, "AOE")),
        ("2 July at 24:00 GMT-3", Clock(24, 0, -3.0)),
        ("10am ET on 2 July", Clock(10, 0, "ET")),
        ("at 14:00 UTC, 2 July", Clock(14, 0, "UTC")),
        ("2 July at 17:00 ABC", Clock(17, 0)),
        ("2 July, 9 of us", None),
        ("2 July. Later, at 14:00", None),
        ("2026-07-02T08:30", Clock(8, 30)),
    ],
)
def test_times_and_zones(text, clock):
    """The time beside a date, of two the later."""
    (written,) = find_dates(text)
    assert written.clock == clock


@pytest.mark.parametrize(
    ("day", "clock", "moment"),
    [
        (date(2026, 1, 31), Clock(17, 0, "ET"), datetime(2026, 1, 31, 22, tzinfo=UTC)),
        (date(2026, 7, 31), Clock(17, 0, "ET"), datetime(2026, 7, 31, 21, tzinfo=UTC)),
        (date(2026, 7, 31), Clock(17, 0, "EST"), datetime(2026, 7, 31, 22, tzinfo=UTC)),
        (date(2026, 3, 7), Clock(12, 0, "PT"), datetime(2026, 3, 7, 20, tzinfo=UTC)),
        (date(2026, 3, 8), Clock(12, 0, "PT"), datetime(2026, 3, 8, 19, tzinfo=UTC)),
        (date(2026, 10, 31), Clock(12, 0, "PT"), datetime(2026, 10, 31, 19, tzinfo=UTC)),
        (date(2026, 11, 1), Clock(12, 0, "PT"), datetime(2026, 11, 1, 20, tzinfo=UTC)),
        (date(2026, 1, 31), Clock(24, 0, "UTC"), datetime(2026, 2, 1, tzinfo=UTC)),
        (date(2026, 1, 31), Clock(17, 0), datetime(2026, 2, 1, 5, tzinfo=UTC)),
        (date(2026, 1, 31), None, datetime(2026, 2, 1, 12, tzinfo=UTC)),
    ],
)
def test_when_a_date_is_over(day, clock, moment):
    """At its time, in summer as in winter; without one when the day has ended in the last place on earth."""
    assert end_of(day, clock) == moment


@pytest.mark.parametrize(
    ("text", "near", "first"),
    [
        ("12 December", date(2026, 1, 1), date(2025, 12, 12)),
        ("9 October", date(2026, 1, 1), date(2026, 10, 9)),
        ("3 January", date(2025, 12, 1), date(2026, 1, 3)),
        ("Friday, 17 October", date(2025, 7, 1), date(2025, 10, 17)),
        ("Friday, 17 October", date(2026, 1, 1), date(2025, 10, 17)),
        ("Friday, 20 November", date(2026, 1, 1), date(2026, 11, 20)),
        ("Monday, 17 October", date(2026, 1, 1), date(2026, 10, 17)),
    ],
)
def test_the_year_that_is_meant(text, near, first):
    """A letter looks ahead, last month aside; a weekday that fits another near year decides."""
    assert days_of(find_dates(text)[0], near).first == first


def test_a_list_of_dates_goes_on_into_the_next_year():
    """In a list that begins in February, what looks like last December is the one to come."""
    (written,) = find_dates("9 December")
    assert days_of(written, JANUARY, date(2026, 2, 4)).first == date(2026, 12, 9)
