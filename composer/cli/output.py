"""What commands print: results on stdout; findings, questions and progress on stderr.

Colour and progress only where a person looks at a terminal.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from contextlib import contextmanager
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from composer.findings import Finding

MOST_ALIKE = 20
COLOURS = {"error": typer.colors.RED, "warning": typer.colors.YELLOW, "info": typer.colors.BLUE}


def print_findings(findings: Iterable[Finding], beyond: Mapping[tuple[str, str], int] | None = None) -> None:
    """Print findings on stderr: the worst first, those of one code together, at most 20 of each, with counts at the end.

    ``beyond`` says by severity and code how many more there are than ``findings`` has.
    """
    further = beyond or {}
    order = list(COLOURS)
    ranked = sorted(
        findings, key=lambda finding: (order.index(finding.severity), finding.code, finding.where.path, finding.where.line or 0)
    )
    for kind, group in groupby(ranked, key=lambda finding: (str(finding.severity), finding.code)):
        alike = list(group)
        for finding in alike[:MOST_ALIKE]:
            _print_finding(finding)
        if more := max(len(alike) - MOST_ALIKE, 0) + further.get(kind, 0):
            typer.echo(f"  and {more:,} more like this [{alike[0].code}]", err=True)
    if ranked:
        counts = Counter(str(finding.severity) for finding in ranked)
        for (severity, _), number in further.items():
            counts[severity] += number
        typer.echo(", ".join(number_of(counts[severity], severity) for severity in order if counts[severity]), err=True)


def _print_finding(finding: Finding) -> None:
    severity = typer.style(str(finding.severity), fg=COLOURS[finding.severity], bold=True)
    where = f"{finding.where}: " if str(finding.where) else ""
    typer.echo(f"{plain(where)}{severity}: {plain(finding.message)} [{finding.code}]", err=True)
    if finding.hint:
        typer.echo(f"  {plain(finding.hint)}", err=True)


def plain(text: str) -> str:
    """Return text without what a terminal would take for a command: escape sequences, line breaks, direction overrides."""
    return "".join(character if character.isprintable() or character in "\u200c\u200d" else " " for character in text)


def typed(path: str | Path) -> str:
    """Return a path as one would type it here: relative where it lies below the working directory."""
    here = Path.cwd()
    return str(Path(path).relative_to(here)) if Path(path).is_relative_to(here) else str(path)


def number_of(number: int, what: str) -> str:
    """Return ``1 error``, ``2,000 errors``; ``info`` has no plural."""
    return f"{number:,} {what}" if number == 1 or what == "info" else f"{number:,} {what}s"


def print_pairs(pairs: Iterable[tuple[str, str]], *, err: bool = False) -> None:
    """Print names and values in two columns; an empty name continues the one above."""
    for line in pair_lines(pairs):
        typer.echo(line, err=err)


def pair_lines(pairs: Iterable[tuple[str, str]]) -> list[str]:
    """Return the lines that ``print_pairs`` prints."""
    rows = [(name, plain(value)) for name, value in pairs]
    width = max((len(name) for name, _ in rows), default=0)
    return [f"{name:<{width}}  {value}".rstrip() for name, value in rows]


def when(moment: datetime) -> str:
    """Return a moment (aware UTC) to the minute, as ``2026-01-15 09:00 UTC``."""
    return f"{moment:%Y-%m-%d %H:%M} UTC"


def print_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table; columns of numbers are set to the right."""
    columns = list(zip(header, *rows, strict=True))
    widths = [max(map(len, column)) for column in columns]
    numeric = [bool(rows) and all(cell.replace(",", "").isdigit() for cell in column[1:]) for column in columns]
    for row in (header, *rows):
        cells = (f"{cell:>{width}}" if right else f"{cell:<{width}}" for cell, width, right in zip(row, widths, numeric, strict=True))
        typer.echo("  ".join(map(plain, cells)).rstrip())


def print_json(data: Any) -> None:
    """Print data as JSON."""
    typer.echo(json.dumps(data, ensure_ascii=False, indent=2))


def confirm(question: str) -> bool:
    """Ask on stderr; ``y`` or ``yes`` is a yes, all else, Ctrl-C and Ctrl-D too, a no. Raises UsageError without a terminal."""
    from composer.errors import UsageError  # noqa: PLC0415 - `--help` needs no errors

    if not sys.stdin.isatty():
        raise UsageError("nobody is here to answer", hint="Add --yes to go on without a question.")
    try:
        typer.echo(f"{question} [y/N]: ", nl=False, err=True)
        # Not input(): GNU readline sets itself up first, and a Ctrl-C in that moment is heard only with the next key.
        return sys.stdin.readline().strip().lower() in {"y", "yes"}
    except KeyboardInterrupt:
        typer.echo("", err=True)
        return False


@contextmanager
def progress(what: str, total: int) -> Iterator[Callable[[int], None]]:
    """Show a bar on stderr while the block runs, if that is a terminal; yield what to call with the number done since."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console  # noqa: PLC0415 - 90 ms that only a terminal need pay
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn  # noqa: PLC0415

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=total)
        yield lambda number: bar.advance(task, number)
