"""What was left behind from the issue that this one was made of: months, dates, events, handles, sites, paragraphs. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from composer.checks.leftovers.archive import archived, is_archived, month_of_issue
from composer.checks.leftovers.deadlines import past_deadlines, read_dated, relative_days, wrong_days
from composer.checks.leftovers.events import past_events
from composer.checks.leftovers.front import front_keys
from composer.checks.leftovers.handles import handle_findings
from composer.checks.leftovers.links import links_of
from composer.checks.leftovers.months import Named, months_differ, named_months, url_repeated
from composer.checks.leftovers.passages import passages
from composer.checks.leftovers.places import Places
from composer.checks.leftovers.repeats import repeated
from composer.checks.leftovers.sites import site_findings

if TYPE_CHECKING:
    from composer.checks.letter import Letter
    from composer.checks.page import Page
    from composer.findings import Finding

__all__ = ["check"]


def check(letter: Letter, page: Page | None = None) -> Iterator[Finding]:  # noqa: ARG001 - every family is called alike
    """Yield what seems left over from earlier issues, and dates that are past on ``letter.now`` or wrong on any day."""
    issue, keys = letter.issue, front_keys(letter.source)
    named = named_months(issue, keys)
    yield from months_differ(issue, keys, named)
    yield from url_repeated(issue, keys, letter.earlier)
    yield from _dates(letter, named, keys["title"].line if "title" in keys else 1)
    links = tuple(links_of(issue))
    before = [(other, tuple(links_of(other))) for other in letter.earlier]
    yield from handle_findings(issue, keys, links, before)
    yield from site_findings(issue, keys, links, before)


def _dates(letter: Letter, named: tuple[Named, ...], title_line: int) -> Iterator[Finding]:
    issue, now = letter.issue, letter.now
    words = passages(issue)
    dated = read_dated(words, month_of_issue(issue, named, now))
    places = Places(issue.path, tuple(letter.source.split("\n")))
    yield from wrong_days(dated, places)
    events = list(past_events(dated, places, now))
    over = {finding.where.line for finding in events}
    past = [*(finding for finding in past_deadlines(dated, places, now) if finding.where.line not in over), *events]
    if is_archived(issue, named, now):
        yield from archived(issue, named, title_line, past)
        return
    yield from past
    yield from relative_days(words, dated, places)
    if letter.earlier:
        told = frozenset(finding.where.line or 0 for finding in past)
        yield from repeated(words, dated, issue, letter.earlier[-1], told)
