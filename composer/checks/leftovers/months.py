"""Title, stem, address and description of one issue name one month. Where they do not, one was left behind. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import NamedTuple

from composer.checks.leftovers.dates import MONTH_NAMES, PLAIN
from composer.checks.leftovers.front import Key
from composer.findings import Finding, Where, warning
from composer.issue.dates import MONTHS
from composer.issue.model import Issue

_NAME = rf"(?P<name>{MONTH_NAMES})"
_IN_TEXT = re.compile(rf"(?<![\w-]){_NAME}\.?,?[ \u00a0]{{1,3}}(?P<year>(?:19|20)\d\d)(?![\w-])", re.IGNORECASE)
_SEVERAL = re.compile(rf"(?:{MONTH_NAMES})\.?(?: (?:19|20)\d\d)?[ ]?(?:[-/&+\u2013\u2014]|and|to)[ ]?$", re.IGNORECASE)
_IN_ADDRESS = re.compile(
    rf"(?<![a-z\d])(?:{_NAME}[-_](?P<year>(?:19|20)\d\d)(?!\d)|(?P<early>(?:19|20)\d\d)[-_/](?:(?P<late>{MONTH_NAMES})(?![a-z])"
    r"|(?P<number>0[1-9]|1[0-2])(?!\d|[-_/]\d)))",
    re.IGNORECASE,
)
# A subject or description may speak of any month; it names the issue's own where it is said or set apart like a title's.
_NAMING = re.compile(
    rf"(?:(?:^|[:|\u2013\u2014-][ ])(?:{MONTH_NAMES})[ ](?:19|20)\d\d$|^(?:{MONTH_NAMES})[ ](?:19|20)\d\d[ ]?[:|\u2013\u2014-]"
    rf"|(?:newsletter|issue|edition|digest|letter|bulletin|round-?up)(?:[ ](?:of|for))?[,:]?[ ](?:{MONTH_NAMES})[ ](?:19|20)\d\d"
    rf"|(?:{MONTH_NAMES})[ ](?:19|20)\d\d[ ](?:newsletter|issue|edition|digest|letter|bulletin|round-?up))",
    re.IGNORECASE,
)
_ADDRESSES = ("slug", "seo.url", "url", "canonical_url")
_TITLES = ("title", "seo.title")
_WORDS = ("subject", "preheader", "description", "seo.description")
# Letters are begun in the month before, and finished in the month after.
_MONTHS_APART = 1


class Named(NamedTuple):
    """A month that a part of an issue names: ``what`` as people call that part, its line (0: none), months since year 0."""

    what: str
    line: int
    month: int


def named_months(issue: Issue, keys: Mapping[str, Key]) -> tuple[Named, ...]:
    """Return the month that each part of the issue names, in their order of weight; parts that name none or several are left out."""
    found = [*_texts(keys, _TITLES), *_texts(keys, _WORDS, _NAMING)]
    if (month := _address(issue.stem)) is not None:
        found.append(Named("the file's name", 0, month))
    addresses = ((key, keys[key]) for key in _ADDRESSES if key in keys)
    found += [Named(key, typed.line, month) for key, typed in addresses if (month := _address(typed.text)) is not None]
    return tuple(found)


def months_differ(issue: Issue, keys: Mapping[str, Key], named: tuple[Named, ...]) -> Iterator[Finding]:
    """Warn once, at the part that differs from most others, and say what each of them names."""
    if not named:
        return
    votes = Counter(each.month for each in named)
    votes_of_title = {each.month: 0.5 for each in named if each.what == "title"}
    usual = max(votes, key=lambda month: (votes[month] + votes_of_title.get(month, 0), month))
    odd = [each for each in named if each.month != usual]
    if issue.date and abs(issue.date.year * 12 + issue.date.month - 1 - usual) > _MONTHS_APART:
        odd.append(Named("date", keys["date"].line if "date" in keys else 0, issue.date.year * 12 + issue.date.month - 1))
    if not odd:
        return
    line = next((each.line for each in odd if each.line), keys["title"].line if "title" in keys else 1)
    says = [f"{_list(each.what for each in named if each.month == usual)} {_verb(named, usual)} {month_name(usual)}"]
    says += [f"{_list(each.what for each in odd if each.month == month)} {_verb(odd, month)} {month_name(month)}" for month in _months(odd)]
    hint = "Is one of them left over from another issue? A file is renamed before its first send: its name tells who has the issue."
    yield warning("months-differ", Where(issue.path, line), f"{says[0]}, but {', '.join(says[1:])}", hint)


def url_repeated(issue: Issue, keys: Mapping[str, Key], earlier: tuple[Issue, ...]) -> Iterator[Finding]:
    """Warn when the address that is written in the front matter is that of an earlier issue."""
    key = next((key for key in reversed(_ADDRESSES[1:]) if key in keys), "")
    other = next((other for other in reversed(earlier) if other.url == issue.url), None) if key else None
    if other:
        message = f"{key} is the address of {other.path} too"
        yield warning("url-repeated", Where(issue.path, keys[key].line), message, "Give this issue an address of its own.")


def first_day(month: int) -> date:
    """Return the first day of a month counted from year 0."""
    return date(month // 12, month % 12 + 1, 1)


def month_name(month: int) -> str:
    """Return ``January 2026``."""
    return f"{MONTHS[month % 12]} {month // 12}"


def _texts(keys: Mapping[str, Key], names: Iterable[str], only: re.Pattern[str] | None = None) -> Iterator[Named]:
    for name in names:
        text = keys[name].text[:2000].translate(PLAIN) if name in keys else ""
        scope = only.search(text) if only else None
        matches = list(_IN_TEXT.finditer(scope[0] if scope else "" if only else text))
        months = {_month(match["name"], match["year"]) for match in matches}
        if len(months) == 1 and not _SEVERAL.search(text[: text.find(matches[0][0])][-40:]):
            yield Named(name, keys[name].line, months.pop())


def _address(text: str) -> int | None:
    months = {
        _month(match["name"] or match["late"] or "", match["year"] or match["early"], match["number"] or "")
        for match in _IN_ADDRESS.finditer(text[:500].translate(PLAIN).rpartition("://")[2])
    }
    return months.pop() if len(months) == 1 else None


def _month(name: str, year: str, number: str = "") -> int:
    index = int(number) - 1 if number else next(index for index, month in enumerate(MONTHS) if month[:3].lower() == name[:3].lower())
    return int(year) * 12 + index


def _months(named: Iterable[Named]) -> list[int]:
    return list(dict.fromkeys(each.month for each in named))


def _verb(named: Iterable[Named], month: int) -> str:
    return "names" if sum(each.month == month for each in named) == 1 else "name"


def _list(words: Iterable[str]) -> str:
    *most, last = words
    return f"{', '.join(most)} and {last}" if most else last
