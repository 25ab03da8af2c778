"""Dates in the text: those that are past while the words speak of them as ahead, wrong weekdays, days that do not exist. Pure."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime

from composer.checks.leftovers.clock import Clock, end_of
from composer.checks.leftovers.dates import Written, find_dates, find_months
from composer.checks.leftovers.passages import Passage
from composer.checks.leftovers.places import Places
from composer.checks.leftovers.tense import Sentences
from composer.checks.leftovers.years import Days, days_of
from composer.findings import Finding, info, warning
from composer.issue.dates import MONTHS

_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_RELATIVE = re.compile(
    r"(?<!of )(?<!for )\b(?:[Tt]omorrow|[Yy]esterday|[Tt]onight|[Nn]ext week(?:end)?|[Tt]his weekend"
    r"|(?:[Nn]ext|[Tt]his|[Cc]oming) (?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day)(?!['\u2019\w])"
)
_RELATIVE_WORDS = ("day", "week", "morrow", "night")
_MAY_DATE = re.compile(r"\d|end of ", re.IGNORECASE)
_BESIDE = 30
LONGEST_NAME = 80
_LISTED = re.compile(r"[ ]{0,2}(?:$|[|:,(\n-]|\u2013|\u2014)")
_LISTED_LAST = re.compile(r"(?:^|[:|,(-]|\u2013|\u2014)[ ]{0,2}$")


@dataclass(frozen=True, slots=True)
class Dated:
    """A date in a passage and the days it means, None when there are no such days.

    ``head`` tells that the date is what the passage lists, as in ``3 July | Bogota``; else ``sentences`` are the words around it.
    """

    passage: Passage
    written: Written
    days: Days | None
    head: bool
    sentences: Sentences = field(repr=False)

    @property
    def line(self) -> int:
        """Line of the issue's file."""
        return self.passage.line(self.written.start)

    @property
    def text(self) -> str:
        """The date as written."""
        return " ".join(self.passage.text[self.written.start : self.written.end].split())

    def over(self, now: datetime) -> bool:
        """Tell whether it is past everywhere on earth; of an event the whole day counts."""
        return self.days is not None and end_of(self.days.last, None if self.head else self.written.clock) <= now


def read_dated(passages: Iterable[Passage], near: date) -> tuple[Dated, ...]:
    """Return every date of an issue; ``near`` is the first day of its month."""
    found: list[Dated] = []
    part, above = 0, None
    for passage in passages:
        if passage.part != part:
            part, above = passage.part, None
        for each in _in_passage(passage, near, above):
            found.append(each)
            if each.head and each.days:
                above = each.days.first
    return tuple(found)


def past_deadlines(dated: Iterable[Dated], places: Places, now: datetime) -> Iterator[Finding]:
    """Warn of dates that the text speaks of as ahead, though they are past."""
    for each in dated:
        if not each.head and each.over(now) and each.sentences.is_ahead(each.written):
            message = f"{spoken(each)} is past, and the text speaks of it as ahead"
            hint = "Give the new date, say what came of it, or take it out."
            yield warning("date-past", places.of(each.line, each.text), message, hint)


def wrong_days(dated: Iterable[Dated], places: Places) -> Iterator[Finding]:
    """Warn of weekdays that do not belong to their date, and of days that no calendar has."""
    for each in dated:
        if each.days is None:
            message = f"there is no such day as {each.text}"
            yield warning("date-impossible", places.of(each.line, each.text), message, "Look the date up and correct it.")
        elif each.written.weekday not in {None, each.days.first.weekday()}:
            right = _WEEKDAYS[each.days.first.weekday()]
            message = f"{day_name(each.days.first)} is a {right}, not a {_WEEKDAYS[each.written.weekday or 0]}"
            yield warning("weekday-wrong", places.of(each.line, each.text), message, "Correct the weekday or the date, whichever is wrong.")


def relative_days(passages: Iterable[Passage], dated: Iterable[Dated], places: Places) -> Iterator[Finding]:
    """Mention words such as ``tomorrow``, which mean another day to everybody who reads later, where no date stands beside them."""
    dates: dict[int, list[int]] = {}
    for each in dated:
        dates.setdefault(id(each.passage), []).append(each.written.start)  # in their order
    for passage in passages:
        if not any(word in passage.text for word in _RELATIVE_WORDS):
            continue
        said: set[int] = set()
        for match in _RELATIVE.finditer(passage.text):
            line = passage.line(match.start())
            beside = dates.get(id(passage), [])
            if line in said or bisect_left(beside, match.start() - _BESIDE) < bisect_left(beside, match.start() + _BESIDE):
                continue
            said.add(line)
            message = f"{match[0]!r} means another day to whoever reads this letter later"
            yield info("date-relative", places.of(line, match[0]), message, "Write the date.")


def spoken(dated: Dated) -> str:
    """Return the last day of a date, with its time where one counts."""
    last = day_name(dated.days.last) if dated.days else dated.text
    return last if dated.head or dated.written.clock is None else f"{last} at {_time(dated.written.clock)}"


def day_name(day: date) -> str:
    """Return ``2 July 2025``."""
    return f"{day.day} {MONTHS[day.month - 1]} {day.year}"


def _time(clock: Clock) -> str:
    zone = clock.zone
    name = f" {zone}" if isinstance(zone, str) else "" if zone is None else f" UTC{zone:+g}"
    return f"{clock.hour:02}:{clock.minute:02}{name}"


def _in_passage(passage: Passage, near: date, above: date | None) -> Iterator[Dated]:
    text = passage.text
    written = find_dates(text) if _MAY_DATE.search(text) else ()
    if passage.when and not any(each.start < passage.when for each in written) and (months := find_months(text[: passage.when])):
        written = (months, *written)
    if not written:
        return
    sentences = Sentences(text)
    for each in written:
        head = _is_head(passage, each, sentences)
        yield Dated(passage, each, days_of(each, near, above if head else None), head, sentences)


def _is_head(passage: Passage, written: Written, sentences: Sentences) -> bool:
    """Tell whether a date stands where a list of what is to come has its dates: first, or last behind a mark."""
    if passage.when:
        return written.start < passage.when
    if not passage.listing:
        return False
    text = passage.text
    begin, _ = sentences.bounds(written.start, written.end)
    before = text[max(begin, written.start - LONGEST_NAME) : written.start]
    if not before.strip() and not text[: min(written.start, LONGEST_NAME)].strip():
        return bool(_LISTED.match(text, written.end))
    ends = not text[written.end : written.end + 3].strip(" .)") and len(text) < written.end + 3
    return ends and written.start - begin < LONGEST_NAME and bool(_LISTED_LAST.search(before))
