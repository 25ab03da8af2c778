"""A written date as days of the calendar: the year that is meant where none stands, and whether there is such a day. Pure."""

from __future__ import annotations

from calendar import monthrange
from datetime import date, timedelta
from typing import NamedTuple

from composer.checks.leftovers.dates import Day, Written

# A letter looks ahead: only what lies this far before its month is taken for that past day, all else for the next one of that name.
LOOK_BACK = timedelta(days=62)
# A weekday that fits decides between two years, unless it points to a day longer ago than this.
LONG_AGO = timedelta(days=200)


class Days(NamedTuple):
    """The days that a date means, both included."""

    first: date
    last: date


def days_of(written: Written, near: date, after: date | None = None) -> Days | None:
    """Return the days meant; None when the calendar has no such day.

    ``near`` is the first day of the issue's month. ``after`` is the date above in a list of dates: what
    could be a past day, but stands below a later one, is meant for the next year.
    """
    first, last = written.first, written.last
    year = last.year or first.year
    if year is not None:
        return _days(written, _first_year(first, last))
    candidates = [days for year in range(near.year - 1, near.year + 3) if (days := _days(written, year))]
    candidates = [days for days in candidates if abs(days.first - near) < timedelta(days=500)]
    if not candidates:
        return None
    ahead = [days for days in candidates if days.last >= near - LOOK_BACK] or candidates[-1:]
    if after and ahead[0].last < near and ahead[0].first < after:
        ahead = ahead[1:] or ahead
    if written.weekday is None or ahead[0].first.weekday() == written.weekday:
        return ahead[0]
    others = [days for days in candidates if near - LONG_AGO <= days.last and abs(days.first.year - ahead[0].first.year) == 1]
    return next((days for days in others if days.first.weekday() == written.weekday), ahead[0])


def _first_year(first: Day, last: Day) -> int:
    if first.year is not None:
        return first.year
    year = last.year or 0
    return year - 1 if (first.month, first.day) > (last.month, last.day) else year


def _days(written: Written, year: int) -> Days | None:
    first, last = written.first, written.last
    turned = (last.month, last.day) < (first.month, first.day)
    ends = last.year or year + turned
    try:
        final = monthrange(ends, last.month)[1] if written.months else last.day
        return Days(date(year, first.month, first.day), date(ends, last.month, final))
    except ValueError:
        return None
