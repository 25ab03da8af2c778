"""Every check that needs nothing but the letter, in one go: what they say, silenced where the writer said so. Pure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass

from composer.checks import accessibility, compatibility, content, leaving, leftovers, parity
from composer.checks.letter import Letter
from composer.checks.page import Page, read_page
from composer.checks.silence import Silenced, apply, silences
from composer.checks.size import gmail_clip, html_size
from composer.checks.values import unfit_values
from composer.findings import Finding, Where

Family = Callable[[Letter, Page], Iterable[Finding]]

# One family more is one line here.
FAMILIES: tuple[Family, ...] = (
    content.check,
    leftovers.check,
    compatibility.check,
    accessibility.check,
    parity.check,
    leaving.check,
)


@dataclass(frozen=True, slots=True)
class Report:
    """What the checks say of a letter, in the order of its files and lines, and what they would have said."""

    findings: tuple[Finding, ...]
    silenced: tuple[Silenced, ...] = ()


def check(letter: Letter, also: Iterable[Finding] = (), unchecked: Collection[str] = ()) -> Report:
    """Check a letter and the values of its people.

    ``also`` is what else is known of it (its list, its links), silenced and sorted like the rest; ``unchecked`` names codes that
    nobody looked for. Raises ConfigError when its links to leave cannot be made from the configuration.
    """
    return _report(letter, (*said(letter), *of_people(letter), *also), unchecked)


def check_text(letter: Letter, unchecked: Collection[str] = ()) -> Report:
    """Check a letter but for its size and its people's values, which whoever prepares a send knows better."""
    return _report(letter, said(letter), {*unchecked, "gmail-clip"})


def said(letter: Letter) -> tuple[Finding, ...]:
    """Return what reader, composer and every family say, silenced or not."""
    page = read_page(letter)
    found = (finding for family in FAMILIES for finding in family(letter, page))
    return (*letter.issue.findings, *letter.edition.findings, *found)


def of_people(letter: Letter) -> tuple[Finding, ...]:
    """Return what the values of the people do to the letter: its size for the longest, and links that are none."""
    size = html_size(letter.edition, letter.people, letter.config, letter.settings)
    return (*gmail_clip(size, Where(letter.issue.path)), *unfit_values(letter.edition, letter.people))


def _report(letter: Letter, findings: Iterable[Finding], unchecked: Collection[str]) -> Report:
    kept, silenced = apply(_once(findings), silences(letter.source, letter.issue), unchecked)
    return Report(by_place(kept, letter.issue.path), tuple(silenced))


def _once(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Drop what is said twice in the same words, whatever the hint."""
    once: dict[tuple[str, Where, str], Finding] = {}
    for finding in findings:
        once.setdefault((finding.code, finding.where, finding.message), finding)
    return tuple(once.values())


def by_place(findings: Iterable[Finding], first: str) -> tuple[Finding, ...]:
    """Sort findings by file, line and column; those of the file ``first`` come first, those of a whole file before its lines."""

    def place(finding: Finding) -> tuple[bool, str, int, int, str, str]:
        where = finding.where
        column = where.column
        number, name = (column, "") if isinstance(column, int) else (0, column or "")
        return (where.path != first, where.path, where.line or 0, number, name, finding.code)

    return tuple(sorted(findings, key=place))
