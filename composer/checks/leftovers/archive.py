"""Which month an issue is of, and whether it is so old that nobody expects the dates in it to be ahead. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

from composer.checks.leftovers.months import Named, first_day
from composer.findings import Finding, Where, info
from composer.issue.dates import MONTHS
from composer.issue.model import Issue

# A letter goes out within some weeks of its month. Until three months after it, a past date is taken for a slip.
LIVE = timedelta(days=90)
_MOST_LINES = 30


def month_of_issue(issue: Issue, named: Sequence[Named], now: datetime) -> date:
    """Return the first day of the latest month that the issue names; else of the one it was written in, else of this one."""
    months = [each.month for each in named]
    if issue.month:
        name, _, year = issue.month.partition(" ")
        months.append(int(year) * 12 + MONTHS.index(name))
    return first_day(max(months)) if months else now.date().replace(day=1)


def is_archived(issue: Issue, named: Sequence[Named], now: datetime) -> bool:
    """Tell whether every month the issue names, and the day it was written, are long over; with none of them it never is."""
    return bool(named or issue.month) and now - _finished(issue, named) > LIVE


def archived(issue: Issue, named: Sequence[Named], line: int, past: Sequence[Finding]) -> tuple[Finding, ...]:
    """Say once, instead of date by date, what is past in an issue of the archive; ``line`` is that of its title."""
    if not past:
        return ()
    lines = sorted({finding.where.line or line for finding in past})
    shown = ", ".join(str(number) for number in lines[:_MOST_LINES]) + (" …" if len(lines) > _MOST_LINES else "")
    message = f"this issue is of {issue.month}, so dates in it are past by now, on line{'s' if len(lines) > 1 else ''} {shown}"
    day = _finished(issue, named).date()
    hint = f"Nothing to do for an old issue; to judge it as of the time it was written, check it with --on {day}."
    return (info("issue-archived", Where(issue.path, line), message, hint),)


def _finished(issue: Issue, named: Sequence[Named]) -> datetime:
    """Return the end of the issue's month, or the moment of writing where that is later."""
    month = month_of_issue(issue, named, issue.date or datetime.max.replace(tzinfo=UTC))
    end = datetime(month.year + month.month // 12, month.month % 12 + 1, 1, tzinfo=UTC)
    return max(end, issue.date or end)
