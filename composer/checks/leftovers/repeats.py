"""Paragraphs that stand in the previous issue too and hold a date or deadline: perhaps they were forgotten when it was copied. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator

from composer.checks.leftovers.dates import MONTH_NAMES
from composer.checks.leftovers.deadlines import Dated
from composer.checks.leftovers.passages import Passage, passages
from composer.findings import Finding, Where, info
from composer.issue.model import Issue

SHORTEST = 60
ALIKE = 0.85
_DIGIT = re.compile(r"\d")
_MONTH = re.compile(MONTH_NAMES, re.IGNORECASE)
_WORD = re.compile(r"\w+")
_DEADLINE = re.compile(r"\b(?:deadlines?|register by|apply by|submit by|closes? (?:on|soon)|open until|last chance)\b", re.IGNORECASE)
_MOST_CANDIDATES = 20
_Key = tuple[int, int]


def repeated(words: Iterable[Passage], dated: Iterable[Dated], issue: Issue, before: Issue, told: frozenset[int]) -> Iterator[Finding]:
    """Mention passages that are the same, or nearly, in the issue ``before``; lines in ``told`` have a finding already.

    One whose date was changed is not the same; event lines are judged by their dates alone.
    """
    dates: dict[int, set[_Key]] = {}
    for each in dated:
        dates.setdefault(id(each.passage), set()).add((each.written.first.month, each.written.first.day))
    mine = [each for each in words if len(each.text) >= SHORTEST and not each.when and (id(each) in dates or _DEADLINE.search(each.text))]
    if not mine:
        return
    earlier = _Earlier(passages(before))
    for passage in mine:
        line = passage.line(0)
        if not told.isdisjoint(range(line, passage.line(len(passage.text)) + 1)):
            continue
        if found := earlier.like(passage, dates.get(id(passage), set())):
            message = f"this stands in the previous issue too, at {before.path}:{found}"
            yield info("date-repeated", Where(issue.path, line), message, "Nothing to do, if its dates still hold.")


class _Earlier:
    """The passages of the previous issue, found by their words."""

    def __init__(self, passages: Iterable[Passage]) -> None:
        self.same: dict[str, Passage] = {}
        self.by_number: dict[str, list[Passage]] = {}
        for passage in passages:
            if len(passage.text) < SHORTEST or not (_DIGIT.search(passage.text) or _DEADLINE.search(passage.text)):
                continue
            words = _words(passage)
            self.same.setdefault(" ".join(words), passage)
            for number in _numbers(words):
                self.by_number.setdefault(number, []).append(passage)

    def like(self, passage: Passage, dates: set[_Key]) -> int:
        """Return the line of a passage that is the same, or has the same dates and nearly the same words; else 0."""
        words = _words(passage)
        if same := self.same.get(" ".join(words)):
            return same.line(0)
        if not dates:
            return 0
        numbers = _numbers(words)
        number = next(iter(sorted(numbers, key=lambda each: len(self.by_number.get(each, [])))), "")
        for other in self.by_number.get(number, [])[:_MOST_CANDIDATES]:
            theirs = _words(other)
            if numbers == _numbers(theirs) and _alike(words, theirs):
                return other.line(0)
        return 0


def _words(passage: Passage) -> list[str]:
    return _WORD.findall(passage.text.lower())


def _numbers(words: list[str]) -> set[str]:
    """Return the words that tell dates apart: numbers, and names of months."""
    return {word for word in words if word[0].isdigit() or _MONTH.fullmatch(word)}


def _alike(one: list[str], two: list[str]) -> bool:
    shared = (Counter(one) & Counter(two)).total()
    return shared >= ALIKE * max(len(one), len(two))
