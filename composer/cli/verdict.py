"""What was found of an issue, for people (its lines shown, as in a compiler's output) and as data; shapes are in docs/checking.md."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass, replace
from itertools import groupby
from typing import TYPE_CHECKING, Any

import typer
from wcwidth import wcswidth

from composer.cli.output import COLOURS, MOST_ALIKE, number_of, plain
from composer.findings import Severity
from composer.findings import as_data as finding_as_data

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime

    from composer.checks.fixes import Change
    from composer.checks.silence import Silenced
    from composer.findings import Finding, Where

UNREADABLE = 2
# What is shown of a line that is longer, with the place in it.
_WIDEST = 100
_BEFORE = 60


@dataclass(frozen=True, slots=True)
class Verdict:
    """One issue that was checked: ``lines`` are those of its file, ``fixed`` says what was mended in it.

    ``readable`` is False when there is no letter to check; what is in the way is then its finding.
    """

    stem: str
    path: str
    list_name: str
    lines: tuple[str, ...]
    findings: tuple[Finding, ...]
    silenced: tuple[Silenced, ...] = ()
    fixed: tuple[Change, ...] = ()
    readable: bool = True


def exit_code(verdicts: Sequence[Verdict], *, warnings: bool) -> int:
    """Return 2 when an issue could not be read, 1 when a finding is an error (with ``warnings``: or a warning), else 0."""
    if not all(each.readable for each in verdicts):
        return UNREADABLE
    failing = {Severity.ERROR, Severity.WARNING} if warnings else {Severity.ERROR}
    return int(any(finding.severity in failing for each in verdicts for finding in each.findings))


def as_data(verdicts: Sequence[Verdict], on: datetime | None) -> dict[str, Any]:
    """Return everything as JSON can hold it."""
    return {
        "on": on.isoformat() if on else None,
        "counts": _counts(verdicts),
        "issues": [
            {
                "issue": each.stem,
                "path": each.path,
                "list": each.list_name,
                "readable": each.readable,
                "counts": _counts([each]),
                "findings": [finding_as_data(finding) for finding in each.findings],
                "silenced": [{**finding_as_data(one.finding), "reason": one.reason} for one in each.silenced],
                "fixed": [asdict(change) for change in each.fixed],
            }
            for each in verdicts
        ],
    }


def _counts(verdicts: Iterable[Verdict]) -> dict[str, int]:
    verdicts = list(verdicts)
    found = Counter(str(finding.severity) for each in verdicts for finding in each.findings)
    return {**{severity: found[severity] for severity in Severity}, "silenced": sum(len(each.silenced) for each in verdicts)}


def as_text(verdicts: Sequence[Verdict], *, silenced: bool) -> Iterator[str]:
    """Yield the lines for people: every finding with its source, file by file, and the counts at the end."""
    verdicts = list(told_once(verdicts))
    for each in verdicts:
        for change in each.fixed:
            place = typer.style(f"{plain(each.path)}:{change.line}:", bold=True)
            yield f"{place} {typer.style('fixed', fg=typer.colors.GREEN, bold=True)} {plain(change.what)}"
        for _, alike in groupby(each.findings, key=lambda finding: finding.where.path):
            yield from _of_file(list(alike), each)
        if silenced:
            for one in each.silenced:
                yield f"{_head(one.finding)}"
                yield f"    {typer.style('silenced', bold=True)}: {plain(one.reason)}"
                yield ""
    yield _summary(verdicts)


def told_once(verdicts: Iterable[Verdict]) -> Iterator[Verdict]:
    """Yield the verdicts, each without what an earlier one says of a file that is no issue: the settings are the same for all."""
    told: set[Finding] = set()
    for each in verdicts:
        new = tuple(finding for finding in each.findings if finding.where.path == each.path or finding not in told)
        told.update(new)
        yield replace(each, findings=new)


def _of_file(findings: Sequence[Finding], verdict: Verdict) -> Iterator[str]:
    """Show the findings of one file; of a code at most 20, for a list of a million people may lack the same field."""
    shown: Counter[str] = Counter()
    for finding in findings:
        shown[finding.code] += 1
        if shown[finding.code] > MOST_ALIKE:
            continue
        yield _head(finding)
        if finding.where.path == verdict.path:
            yield from _excerpt(finding.where, verdict.lines)
        if finding.hint:
            yield f"    {typer.style('Mend:', bold=True)} {plain(finding.hint)}"
        yield ""
    for code, number in shown.items():
        if number > MOST_ALIKE:
            yield f"{plain(findings[0].where.path)}: and {number - MOST_ALIKE:,} more like this {code}"
            yield ""


def _head(finding: Finding) -> str:
    where = f"{typer.style(f'{plain(str(finding.where))}:', bold=True)} " if str(finding.where) else ""
    severity = typer.style(str(finding.severity), fg=COLOURS[finding.severity], bold=True)
    return f"{where}{severity} {typer.style(finding.code, fg=COLOURS[finding.severity])}  {plain(finding.message)}"


def _excerpt(where: Where, lines: Sequence[str]) -> Iterator[str]:
    """Show a line of the source, and a caret below its column; of a long line what is around it."""
    if not where.line or where.line > len(lines):
        return
    line = plain(lines[where.line - 1])
    at = where.column - 1 if isinstance(where.column, int) and 0 < where.column <= len(line) + 1 else None
    first = max(0, (at or 0) - _BEFORE) if len(line) > _WIDEST else 0
    cut = line[first : first + _WIDEST]
    before, after = "…" if first else "", "…" if first + _WIDEST < len(line) else ""
    if not cut.strip():
        return
    number = f"{where.line:>6}"
    yield typer.style(f"{number} | ", fg=typer.colors.BRIGHT_BLACK) + f"{before}{cut}{after}"
    if at is not None:
        # Han and kana are two cells wide, accents that combine none.
        cells = wcswidth(before + cut[: at - first])
        yield typer.style(f"{'':>6} | ", fg=typer.colors.BRIGHT_BLACK) + " " * max(cells, 0) + typer.style("^", bold=True)


def _summary(verdicts: Sequence[Verdict]) -> str:
    counts = _counts(verdicts)
    found = ", ".join(number_of(counts[severity], severity) for severity in Severity if counts[severity]) or "nothing to mend"
    quiet = f"; {counts['silenced']:,} silenced" if counts["silenced"] else ""
    unread = [each.path for each in verdicts if not each.readable]
    lost = f"; {', '.join(unread)} cannot be read" if unread else ""
    what = verdicts[0].path if len(verdicts) == 1 else f"{len(verdicts):,} issues"
    return f"{what}: {found}{quiet}{lost}"
