"""``newsletter lists import``: another tool's export into a list of the ledger, with counts and a file of all that was wrong."""

from __future__ import annotations

import csv
import sys
from collections import Counter
from contextlib import ExitStack
from dataclasses import asdict
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn, Self

import typer

from composer.cli.output import MOST_ALIKE, number_of, print_findings, print_json, print_pairs, progress, typed
from composer.cli.scope import scope_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from types import TracebackType

    from composer.audience.exports import Export, ImportedRow
    from composer.findings import Finding
    from composer.ledger.database import Ledger
    from composer.ledger.imports import ImportCounts
    from composer.project import Project

HEADER = ("line", "column", "severity", "code", "message", "hint")
STOPPED = 3
_BLOCK = 1 << 20
_STEP = 1_000
_WORDS = {
    "created": "new on the list",
    "updated": "updated",
    "unchanged": "unchanged",
    "duplicates": "duplicates within the file",
    "forgotten": "left out: they asked to be forgotten",
    "invalid": "left out: the row cannot be used",
    "unconfirmed": "unconfirmed, as the file says",
    "unsubscribed": "unsubscribed, as the file says",
    "suppressed": "suppressed, as the file says: bounced, complained or blocked",
    "kept_unsubscribed": "stay unsubscribed, whatever the file says",
    "kept_suppressed": "stay suppressed, whatever the file says",
}


class Said(StrEnum):
    """What people may be; the words stand here so that `--help` needs no ledger."""

    CONFIRMED = "confirmed"
    UNCONFIRMED = "unconfirmed"
    UNSUBSCRIBED = "unsubscribed"


def import_(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Another tool's export, as it is: CSV, semicolons, tabs or JSON lines.")],
    to: Annotated[str, typer.Option("--to", metavar="NAME", help="A list whose people are in the ledger.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would happen; nobody is written.")] = False,
    state: Annotated[Said, typer.Option("--state", help="What people are of whom the file says nothing else.")] = Said.CONFIRMED,
    findings: Annotated[
        Path | None, typer.Option("--findings", metavar="FILE", help="Where to write what is wrong. Default: a new file in var/imports/.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Bring people into a list of the ledger: all of them or, when something fails, nobody.

    Nobody comes back by it: who unsubscribed, bounced or complained here stays so, and what the file says of that is kept.
    """
    project = scope_of(context).project()
    name = ledger_list(project, to, typed(file))
    now = datetime.now(UTC)
    with Findings(findings or _place(project, name, now)) as said:
        counts = _import(project, name, file, said, {"now": now, "dry_run": dry_run, "state": state})
    said.show()
    if as_json:
        print_json({"list": name, "dry_run": dry_run, "rows": counts.rows, **asdict(counts), "findings": said.written})
    else:
        print_pairs(_as_pairs(counts))
        typer.echo(f"Dry run: nothing was written to {name}." if dry_run else f"{number_of(counts.people, 'row')} written to {name}.")
    raise typer.Exit(int(counts.invalid > 0))


class Findings:
    """What is wrong with a file: the first of each kind to show, all of them in a private CSV file that is made for the first."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._open = ExitStack()
        self._write: Callable[[Iterable[object]], object] | None = None
        self._counts: Counter[tuple[str, str]] = Counter()
        self._first: list[Finding] = []

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Keep the file when all went well."""
        self._open.__exit__(kind, error, trace)

    @property
    def errors(self) -> int:
        """How many rows were left out."""
        return sum(number for (severity, _), number in self._counts.items() if severity == "error")

    @property
    def written(self) -> str | None:
        """The file, as one would type it here; None when there was nothing to write."""
        return typed(self._path) if self._counts else None

    def add(self, finding: Finding) -> None:
        """Count a finding and write it down. Raises UsageError."""
        kind = (str(finding.severity), finding.code)
        self._counts[kind] += 1
        if self._counts[kind] <= MOST_ALIKE:
            self._first.append(finding)
        if self._write is None:
            self._write = self._begin()
        where = finding.where
        self._write((where.line or "", where.column or "", *kind, finding.message, finding.hint))

    def show(self) -> None:
        """Print the first ones on stderr, and where all are."""
        print_findings(self._first, {kind: number - MOST_ALIKE for kind, number in self._counts.items() if number > MOST_ALIKE})
        if self.written:
            typer.echo(f"Findings: {self.written}", err=True)

    def _begin(self) -> Callable[[Iterable[object]], object]:
        from composer.cli.private import private_file  # noqa: PLC0415 - most imports have nothing to say
        from composer.errors import UsageError  # noqa: PLC0415

        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as err:
            hint = "Name another file with --findings."
            raise UsageError(f"the folder {typed(self._path.parent)} cannot be made: {err.strerror}", hint=hint) from err
        writer = csv.writer(self._open.enter_context(private_file(self._path)), lineterminator="\n")
        writer.writerow(HEADER)
        return writer.writerow


def ledger_list(project: Project, name: str, file: str = "") -> str:
    """Return the name of a list whose people are in the ledger. Raises UsageError for every other one, with the way to make it one."""
    from composer.audience.declaration import is_name  # noqa: PLC0415 - `--help` reads no list
    from composer.audience.files import declare, list_names  # noqa: PLC0415
    from composer.errors import UsageError  # noqa: PLC0415

    stem = Path(name).stem
    make = f'Write the line people = "ledger" into recipients/{stem}.toml, then try again.'
    if not is_name(stem):
        raise UsageError(f"{name[:80]!r} cannot be the name of a list", hint="A name is of letters, digits, - and _ (at most 100).")
    if name not in list_names(project):
        known = ", ".join(each for each in list_names(project) if declare(project, each).in_ledger)
        raise UsageError(f"there is no list {name!r} in the ledger", hint=f"{make}\nLists in the ledger: {known or 'none yet'}.")
    declaration = declare(project, name)
    if not declaration.in_ledger:
        more = f"\nIts people so far: newsletter lists import {declaration.people} --to {name}" if file != declaration.people else ""
        raise UsageError(f"the people of the list {name} are in {declaration.people}, not in the ledger", hint=make + more)
    return declaration.settings.name


def _place(project: Project, name: str, now: datetime) -> Path:
    return project.var / "imports" / f"{now:%Y%m%d-%H%M%S-%f}-{name}.csv"


def _import(project: Project, name: str, file: Path, said: Findings, how: dict[str, Any]) -> ImportCounts:
    from dataclasses import replace  # noqa: PLC0415 - with the rest below

    from composer.audience.consent import State  # noqa: PLC0415 - `--help` reads no list
    from composer.audience.files import read_export  # noqa: PLC0415
    from composer.ledger.imports import import_people  # noqa: PLC0415 - the database costs 230 ms
    from composer.ledger.opening import open_ledger  # noqa: PLC0415

    export = read_export(file, typed(file))
    how = {**how, "state": State(how["state"]), "source": f"import {file.name}", "secret_keys": project.signing_keys()}
    with open_ledger(project) as ledger, progress("Reading", _lines(file)) as advance:
        try:
            counts = import_people(ledger, name, _people(export, said, advance), **how)
        except KeyboardInterrupt:
            _interrupted(ledger, name, how["now"])
    return replace(counts, invalid=said.errors)


def _interrupted(ledger: Ledger, name: str, now: datetime) -> NoReturn:
    """Say what became of an import that somebody stopped: the last word may have been said already."""
    from composer.ledger.people import written_at  # noqa: PLC0415 - with the import itself

    done = written_at(ledger, name, now)
    words = f"it was all written to {name} already" if done else "nothing was imported; the list is as it was"
    typer.echo(f"Stopped: {words}.", err=True)
    raise typer.Exit(STOPPED)


def _people(export: Export, said: Findings, advance: Callable[[int], None]) -> Iterator[ImportedRow]:
    from composer.findings import Finding  # noqa: PLC0415 - `--help` needs no findings

    for finding in export.findings:
        said.add(finding)
    for number, row in enumerate(export, 1):
        if not number % _STEP:
            advance(_STEP)
        if isinstance(row, Finding):
            said.add(row)
        else:
            yield row


def _lines(path: Path) -> int:
    """Count lines for the bar on a terminal."""
    if not sys.stderr.isatty():
        return 0
    with path.open("rb") as file:
        return sum(block.count(b"\n") for block in iter(lambda: file.read(_BLOCK), b""))


def _as_pairs(counts: ImportCounts) -> Iterator[tuple[str, str]]:
    yield "Rows", f"{counts.rows:,}"
    for name, words in _WORDS.items():
        if number := getattr(counts, name):
            yield "", f"{number:,} {words}"
