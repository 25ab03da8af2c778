"""Times of day beside a date, with their zones: ``at 23:59 PT``, ``10am ET``, ``(14:00 UTC)``. Pure."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta, timezone
from typing import NamedTuple

NOON, DAY_HOURS = 12, 24
# Hours from UTC by abbreviation; where one has several meanings (CST, IST, BST) the westernmost, so that nothing is past too early.
# https://en.wikipedia.org/wiki/List_of_time_zone_abbreviations, read 2026-11-23.
_HOURS = {
    "UTC": 0, "UCT": 0, "GMT": 0, "Z": 0, "WET": 0, "WEST": 1, "BST": 1, "IST": 1, "CET": 1, "CEST": 2, "EET": 2, "EEST": 3,
    "SAST": 2, "MSK": 3, "GST": 4, "PKT": 5, "SGT": 8, "HKT": 8, "AWST": 8, "JST": 9, "KST": 9, "ACST": 9.5, "AEST": 10, "AEDT": 11,
    "NZST": 12, "NZDT": 13, "EST": -5, "EDT": -4, "CST": -6, "CDT": -5, "MST": -7, "MDT": -6, "PST": -8, "PDT": -7, "AKST": -9,
    "AKDT": -8, "HST": -10, "BRT": -3, "ART": -3, "COT": -5, "AOE": -12,
}  # fmt: skip
# Names that mean summer time in summer, in the United States.
_AMERICAN = {"ET": -5, "EASTERN": -5, "CT": -6, "CENTRAL": -6, "MT": -7, "MOUNTAIN": -7, "PT": -8, "PACIFIC": -8}
_WESTERNMOST = timezone(timedelta(hours=-12))
_LEAD = re.compile(r"[ ]{0,2}(?:[,|(@-]|at|by|from|until|till|before)?[ ]{0,2}(?:(?:at|by|until|till|before)[ ])?", re.IGNORECASE)
_TIME = re.compile(
    r"(?<![\d:.])(?:(?P<hour>[01]?\d|2[0-4])[:h](?P<minute>[0-5]\d)(?::[0-5]\d)?(?![\d:])(?:[ ]?(?P<half>[ap])\.?m\b\.?)?"
    r"|(?P<four>(?:[01]\d|2[0-3])[0-5]\d)(?=[ ]?(?:UTC|GMT|Z\b))"
    r"|(?P<twelve>1[0-2]|0?[1-9])(?:\.(?P<past>[0-5]\d))?[ ]?(?P<side>[ap])\.?m\b\.?|(?P<word>noon|midnight)\b)",
    re.IGNORECASE,
)
_TO = re.compile(r"[ ]?(?:-|to|until)[ ]?", re.IGNORECASE)
_ZONE = re.compile(
    r"[ ]?\(?(?:(?:UTC|GMT)[ ]?(?P<sign>[+-])[ ]?(?P<hours>1[0-4]|0?\d)(?::?(?P<minutes>[0-5]\d))?"
    r"|(?P<aoe>anywhere on earth|AoE)|(?P<long>Eastern|Central|Mountain|Pacific)(?:[ ]Time)?|(?P<name>[A-Z]{1,4}))(?!\w)\)?"
)
_BEFORE = 36


class Clock(NamedTuple):
    """A time of day; ``zone`` is a number of hours from UTC, a name in capitals, or None where none stands."""

    hour: int
    minute: int
    zone: float | str | None = None


def clock_around(text: str, start: int, end: int) -> Clock | None:
    """Return the time beside the date at ``start:end``, of two times the later, or None."""
    lead = _LEAD.match(text, end)
    found = _clock(text, lead.end() if lead else end)
    if found:
        return found[0]
    window = max(0, start - _BEFORE)
    for match in reversed(list(_TIME.finditer(text, window, start))):
        found = _clock(text[:start], match.start())
        if found and re.fullmatch(r"[ ,]{0,3}(?:on[ ])?", text[found[1] : start], re.IGNORECASE):
            return found[0]
    return None


def end_of(day: date, clock: Clock | None) -> datetime:
    """Return when a day is over everywhere on earth, or when that time of it has come."""
    if clock is None or clock.hour == DAY_HOURS:
        zone = _WESTERNMOST if clock is None else _zone(clock.zone, day)
        return datetime.combine(day + timedelta(days=1), datetime.min.time(), zone)
    return datetime(day.year, day.month, day.day, clock.hour, clock.minute, tzinfo=_zone(clock.zone, day))


def _clock(text: str, at: int) -> tuple[Clock, int] | None:
    first = _TIME.match(text, at)
    if first is None:
        return None
    to = _TO.match(text, first.end())
    last = (_TIME.match(text, to.end()) if to else None) or first
    zone, end = _zone_at(text, last.end())
    if last["word"]:
        return Clock(NOON if last["word"].lower() == "noon" else DAY_HOURS, 0, zone), end
    four = last["four"] or ""
    hour, minute = int(last["hour"] or last["twelve"] or four[:2]), int(last["minute"] or last["past"] or four[2:] or 0)
    half = (last["half"] or last["side"] or "").lower()
    if half and hour <= NOON:
        hour = hour % NOON + (NOON if half == "p" else 0)
    return Clock(hour, minute if hour < DAY_HOURS else 0, zone), end


def _zone_at(text: str, at: int) -> tuple[float | str | None, int]:
    match = _ZONE.match(text, at)
    if match is None:
        return None, at
    if match["sign"]:
        hours = int(match["hours"]) + int(match["minutes"] or 0) / 60
        return (hours if match["sign"] == "+" else -hours), match.end()
    name = "AOE" if match["aoe"] else (match["long"] or match["name"]).upper()
    return (name, match.end()) if name in _HOURS or name in _AMERICAN else (None, at)


def _zone(zone: float | str | None, day: date) -> timezone:
    if zone is None:
        return _WESTERNMOST
    if isinstance(zone, str):
        zone = _HOURS[zone] if zone in _HOURS else _AMERICAN[zone] + _is_summer(day)
    return timezone(timedelta(hours=zone)) if zone else UTC


def _is_summer(day: date) -> bool:
    """Tell whether the United States have summer time: from the second Sunday of March to the first of November."""
    march, november = date(day.year, 3, 8), date(day.year, 11, 1)
    return march + timedelta(days=6 - march.weekday()) <= day < november + timedelta(days=6 - november.weekday())
