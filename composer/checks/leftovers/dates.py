"""Dates in English prose, as they are written: day, month, perhaps weekday, year and time of day. Pure; years are not guessed here."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import NamedTuple

from composer.checks.leftovers.clock import Clock, clock_around

MONTH_NAMES = (
    "Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(?:ust)?|Sept?(?:ember)?|Oct(?:ober)?|Nov(?:ember)?|Dec(?:ember)?"
)
_FIRST_THREE = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_FULL_DAY = "(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day"
_SHORT_DAY = "(?:Mon|Tues?|Wed|Thu(?:rs?)?|Fri|Sat|Sun)"
_WEEKDAY = rf"(?:{_FULL_DAY},?|{_SHORT_DAY}[.,]?,?)"
# Small words that are a month or its short form only with a capital letter.
_WORDS = {"may", "march", "mar", "dec", "jan", "sep", "oct", "nov"}
# Spaces and dashes as editors paste them, each as the character it stands for, and letters that count as s, i and k to a search
# without regard to capitals; places in the text stay what they are.
PLAIN = str.maketrans("\u00a0\u202f\u2009\t\n\u2010\u2011\u2012\u2013\u2014\u2212\u2019\u017f\u0131\u0130\u212a", "     ------'siIK")
_NUMBER = r"\d{1,2}(?:st|nd|rd|th)?(?![\w%]|[.:]\d|[ ]?[ap]\.?m\b)"
_AND = rf"[ ]{{0,2}}(?:-|/|&|\+|,|and|to|until|till|through|thru)[ ]{{0,2}}(?:{_WEEKDAY}[ ])?(?:the[ ])?"
_DAYS = rf"{_NUMBER}(?:{_AND}{_NUMBER}){{0,5}}"
_MONTH = rf"(?:{MONTH_NAMES})(?![^\W_])"
_PIECE = re.compile(
    rf"(?<![\w$€£#])(?:"
    rf"(?:(?P<weekday>{_WEEKDAY})(?:[ ]?(?:-|&|and|to)[ ]?{_WEEKDAY})?[ ]{{1,2}}(?:the[ ])?)?"
    rf"(?:(?<![.:/])(?P<days1>{_DAYS})[ ]{{0,2}}(?:of[ ])?(?P<month1>{_MONTH})\.?"
    rf"|(?P<month2>{_MONTH})\.?[ ]{{0,2}}(?:the[ ])?(?P<days2>{_DAYS}))"
    r"(?:(?:[ ]?,[ ]{0,2}|[ ]{1,2}|(?<=\.))(?P<year>(?:19|20)\d\d)(?!\w|[:-]\d)|[ ]'(?P<short>\d\d)(?!\w))?"
    rf"(?:[ ]?[,(][ ]?(?P<later>{_FULL_DAY})(?!\w))?"
    r"|(?<![/.-])(?P<iso>(?:19|20)\d\d(?P<mark>[-/])\d\d(?P=mark)\d\d)(?:T(?P<time>\d\d:\d\d))?(?![\w/-]|\.\w)"
    r"|(?<![/.-])(?P<one>\d{1,2})(?P<bar>[/.])(?P<two>\d{1,2})(?P=bar)(?P<full>(?:19|20)\d\d)(?![\w/-]|\.\w)"
    rf"|end[ ]of[ ](?P<whole>{_MONTH})\.?(?:,?[ ]{{1,2}}(?P<wholes>(?:19|20)\d\d)(?!\w))?"
    r")",
    re.IGNORECASE,
)
_RANGE = re.compile(r"[ ]{0,2}(?:-|to|until|till|through|thru|and)[ ]{0,2}", re.IGNORECASE)
_MONTHS_ALONE = re.compile(
    rf"\s{{0,3}}(?:(?:early|mid|late|end of)[ -])?(?P<from>{_MONTH})\.?(?:[ ]{{0,2}}(?:-|to|and|&|/)[ ]{{0,2}}(?P<to>{_MONTH})\.?)?"
    r"(?:,?[ ]{1,2}(?P<year>(?:19|20)\d\d))?[ ]{0,2}(?=$|[|:,(\n]|-[ ])",
    re.IGNORECASE,
)
_WHOLE = {"january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december"}
_NUMBERS = re.compile(r"\d{1,2}")
LAST_DAY = 31


class Day(NamedTuple):
    """A day as written; ``year`` is None where none stands there."""

    year: int | None
    month: int
    day: int


@dataclass(frozen=True, slots=True)
class Written:
    """A date, or days from ``first`` to ``last``, at ``start:end`` of the text.

    ``weekday`` (0 is Monday) is that of the first day, ``clock`` the time at which it ends; either may be None. ``months`` when
    only months are named: the last day is then the last there is in its month.
    """

    start: int
    end: int
    first: Day
    last: Day
    weekday: int | None = None
    clock: Clock | None = None
    months: bool = False


def find_dates(text: str) -> tuple[Written, ...]:
    """Return the dates in a text, in their order; numbers such as 3/4/2026, which may mean two days, are none."""
    plain = text.translate(PLAIN)
    found = [written for match in _PIECE.finditer(plain) if (written := _read(match))]
    joined: list[Written] = []
    for each in found:
        joined[-1:] = _joined(joined[-1], each, plain) if joined else (each,)
    return tuple(each if each.clock or each.months else replace(each, clock=clock_around(plain, each.start, each.end)) for each in joined)


def find_months(text: str) -> Written | None:
    """Return the month or months that a text starts with, such as ``July - September | …``, as days."""
    match = _MONTHS_ALONE.match(text.translate(PLAIN))
    if match is None:
        return None
    year = int(match["year"]) if match["year"] else None
    first, last = _number(match["from"]), _number(match["to"] or match["from"])
    return Written(0, match.end(), Day(None if last < first else year, first, 1), Day(year, last, LAST_DAY), months=True)


def _read(match: re.Match[str]) -> Written | None:
    start, end = match.span()
    if match["whole"]:
        day = Day(int(match["wholes"]) if match["wholes"] else None, _number(match["whole"]), LAST_DAY)
        return Written(start, end, day._replace(day=1), day, months=True) if _is_month(match["whole"]) else None
    if match["iso"] or match["full"]:
        numeric = _numeric(match)
        return numeric and Written(start, end, numeric, numeric, clock=_iso_clock(match["time"]))
    name, days = match["month1"] or match["month2"], match["days1"] or match["days2"]
    if not _is_month(name):
        return None
    if not match["year"] and match[0].endswith(".") and name.lower() in _WHOLE:
        end -= 1  # the sentence's
    ordinal = not days.isdigit()
    if match["month2"] and not ordinal and not match["year"] and match.string[max(0, start - 3) : start].lower() == "in ":
        return None  # "In May 20 people met"
    numbers = [int(number) for number in _NUMBERS.findall(days)]
    if not 0 < min(numbers) <= max(numbers) <= LAST_DAY or numbers[-1] < numbers[0]:
        return None
    year = int(match["year"]) if match["year"] else 2000 + int(match["short"]) if match["short"] else None
    month = _number(name)
    weekday = match["weekday"] or match["later"]
    number = _WEEKDAYS.index(weekday[:3].lower()) if weekday and weekday[0].isupper() else None
    return Written(start, end, Day(year, month, numbers[0]), Day(year, month, numbers[-1]), number)


def _numeric(match: re.Match[str]) -> Day | None:
    if match["iso"]:
        year, month, day = (int(part) for part in match["iso"].split(match["mark"]))
    else:
        year, day, month = int(match["full"]), int(match["one"]), int(match["two"])
        if match["bar"] == "/" and month > 12 >= day:  # noqa: PLR2004 - months of a year
            day, month = month, day
        elif match["bar"] == "/" and day <= 12 and day != month:  # noqa: PLR2004
            return None
    return Day(year, month, day) if 0 < month <= 12 and 0 < day <= LAST_DAY else None  # noqa: PLR2004


def _iso_clock(time: str | None) -> Clock | None:
    if not time or int(time[:2]) > 24 or int(time[3:]) > 59:  # noqa: PLR2004 - hours of a day, minutes of an hour
        return None
    return Clock(int(time[:2]), int(time[3:]))


def _joined(before: Written, after: Written, text: str) -> tuple[Written, ...]:
    """Two dates as the one range that they are, or as the two they are."""
    between = _RANGE.fullmatch(text, before.end, after.start)
    if between is None or before.months or after.months or before.first != before.last or before.clock:
        return before, after
    if "and" in between[0].lower() and not text[max(0, before.start - 20) : before.start].lower().rstrip().endswith("between"):
        return before, after
    return (replace(after, start=before.start, first=before.first, weekday=before.weekday),)


def _is_month(name: str) -> bool:
    return name[0].isupper() or name.lower() not in _WORDS


def _number(name: str) -> int:
    return _FIRST_THREE.index(name[:3].lower()) + 1
