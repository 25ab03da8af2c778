"""Events that are listed as upcoming, though they are over. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, datetime

from composer.checks.leftovers.deadlines import Dated, day_name
from composer.checks.leftovers.places import Places
from composer.checks.leftovers.signals import is_report
from composer.findings import Finding, warning


def past_events(dated: Iterable[Dated], places: Places, now: datetime) -> Iterator[Finding]:
    """Warn of events that are over, one that offers a recording or the like aside; it is listed for what is left of it."""
    heads: dict[int, list[Dated]] = {}
    for each in dated:
        if each.head and each.days:
            heads.setdefault(id(each.passage), []).append(each)
    for dates in heads.values():
        last = max(dates, key=lambda each: each.days.last if each.days else date.min)
        if last.days and last.over(now) and not is_report(last.passage.text):
            message = f"an event of {day_name(last.days.last)} is listed as upcoming, and is over"
            yield warning("event-past", places.of(last.line, last.text), message, "Take it out, or give the new date.")
