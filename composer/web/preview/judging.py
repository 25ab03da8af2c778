"""What the checks say of a rendering, and what it weighs: worked out once for each state of its files, for all who ask."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from threading import Lock
from typing import TYPE_CHECKING

from composer.checks import asking
from composer.checks.run import Report, check
from composer.delivery.checking import around, of_list
from composer.delivery.earlier import earlier_issues
from composer.errors import ComposerError
from composer.web.preview.sizes import Weight, weigh

if TYPE_CHECKING:
    from composer.audience.model import List
    from composer.issue.model import Issue
    from composer.web.preview.people import People
    from composer.web.preview.rendering import Rendering

_MOST_KEPT = 16
_Key = tuple[str, str, bool]


@dataclass(frozen=True, slots=True)
class Judgement:
    """A report and a weight; ``error`` is what kept them from being made, ``weight`` then None."""

    report: Report
    weight: Weight | None = None
    error: ComposerError | None = None


class Judge:
    """Judges renderings; safe to share between threads."""

    def __init__(self, people: People) -> None:
        self._people = people
        self._lock = Lock()
        self._kept: OrderedDict[_Key, tuple[tuple[Issue, ...], Judgement]] = OrderedDict()

    def judge(self, rendering: Rendering, list_name: str, now: datetime | None) -> Judgement:
        """Judge a rendering for a list, its dates as of an aware moment (None: today)."""
        moment = now or datetime.now(UTC)
        earlier = earlier_issues(rendering.project, rendering.issue)
        key = (rendering.mark, (moment if now else moment.replace(minute=0, second=0, microsecond=0)).isoformat(), now is None)
        with self._lock:
            kept = self._kept.get(key)
            if kept and len(kept[0]) == len(earlier) and all(one is other for one, other in zip(kept[0], earlier, strict=True)):
                return kept[1]
            judgement = self._judge(rendering, list_name, earlier, moment)
            if not judgement.error:  # it may be mended where nothing of the rendering changes
                self._kept[key] = (earlier, judgement)
                self._kept.move_to_end(key)
            while len(self._kept) > _MOST_KEPT:
                self._kept.popitem(last=False)
            return judgement

    def _judge(self, rendering: Rendering, list_name: str, earlier: tuple[Issue, ...], now: datetime) -> Judgement:
        try:
            with self._people.of(rendering.project, list_name) as chosen:
                return Judgement(_report(rendering, chosen, earlier, now), _weight(rendering, chosen))
        except ComposerError as err:
            return Judgement(Report((*rendering.issue.findings, *rendering.edition.findings)), error=err)


def _report(rendering: Rendering, chosen: List, earlier: tuple[Issue, ...], now: datetime) -> Report:
    letter = around(rendering.project, rendering.issue, rendering.edition, chosen, now, source=rendering.source)
    return check(replace(letter, earlier=earlier), of_list(chosen, rendering.edition), asking.LINKS | asking.SPAM)


def _weight(rendering: Rendering, chosen: List) -> Weight:
    return weigh(rendering.issue, rendering.edition, chosen.subscribers, rendering.project.config, rendering.settings)
