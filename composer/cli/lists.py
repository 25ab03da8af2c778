"""``newsletter lists``: which lists there are, who is on one (as numbers, or as CSV for their owner), and whom an issue does not fit."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from composer.cli.imports import import_
from composer.cli.members import STATE_COLUMN, STATES, declaration_of, in_order, ledger_of, members_of, numbers_of, people_of, read_file
from composer.cli.output import number_of, plain, print_findings, print_json, print_pairs, print_table, typed
from composer.cli.part import show_part
from composer.cli.scope import scope_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from composer.audience.model import Declaration, List
    from composer.edition.model import Slot
    from composer.project import Project

_MOST = 50

lists = typer.Typer(
    name="lists",
    help="Show the lists; bring people into one of the ledger; check one against an issue.",
    invoke_without_command=True,
    rich_markup_mode=None,
)
Name = Annotated[str, typer.Argument(metavar="NAME", help="The list.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]


@lists.callback()
def overview(context: typer.Context, as_json: AsJson = False) -> None:
    """Show every list: its kind, where its people are, and how many there are."""
    if context.invoked_subcommand:
        return
    found = list(_overview(scope_of(context).project()))
    if as_json:
        print_json(found)
    else:
        print_table(("List", "Kind", "People", *map(str.capitalize, STATES)), [_line(each) for each in found])
        for each in found:
            if each["problem"]:
                typer.echo(f"error: {plain(str(each['problem']))}", err=True)
    raise typer.Exit(int(any(each["problem"] for each in found)))


@lists.command("show", short_help="Show one list in numbers.")
def show(
    context: typer.Context,
    name: Name,
    segment: Annotated[str | None, typer.Option("--segment", metavar="NAME", help="Count this segment, and show some of it.")] = None,
    where: Annotated[
        str | None, typer.Option("--where", metavar="EXPR", help="Count those it holds for, and show some: 'country == \"FR\"'.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show one list in numbers: what its people said, and how many have each field. An address is shown of a segment alone."""
    project = scope_of(context).project()
    declaration = declaration_of(project, name)
    if segment is not None or where is not None:
        raise typer.Exit(show_part(project, declaration, segment, where, as_json=as_json))
    states, columns = numbers_of(project, declaration)
    settings = declaration.settings
    data = {"name": settings.name, "title": settings.title, "kind": settings.kind, "people": declaration.people}
    if as_json:
        print_json({**data, "counts": states, "columns": columns, "segments": dict(declaration.segments)})
        return
    print_pairs((key.capitalize(), value) for key, value in data.items() if value)
    print_pairs(("" if at else "Counts", f"{states[each]:,} {each}") for at, each in enumerate(STATES))
    print_pairs(("" if at else "Columns", f"{column} ({number:,})") for at, (column, number) in enumerate(columns.items()))
    print_pairs(("" if at else "Segments", f"{key}: {text}") for at, (key, text) in enumerate(declaration.segments.items()))


@lists.command("export", short_help="Write a list as CSV.")
def export(
    context: typer.Context,
    name: Name,
    file: Annotated[Path | None, typer.Argument(metavar="FILE", help="The CSV file to write, for you alone. Default: print it.")] = None,
) -> None:
    """Write a list as CSV, with what each person said of it; `lists import` takes it back as it is."""
    project = scope_of(context).project()
    with members_of(project, declaration_of(project, name)) as (columns, members):
        header = ("email", *columns, STATE_COLUMN)
        rows = ((person.email, *(person.fields.get(column, "") for column in columns), state) for person, state in members)
        number = _write(file, header, rows)
    typer.echo(f"{number_of(number, 'row')} written" + (f" to {typed(file)}" if file else ""), err=file is None)


@lists.command("check", short_help="Say who lacks a field that an issue needs.")
def check(
    context: typer.Context,
    name: Name,
    issue: Annotated[str, typer.Argument(metavar="ISSUE", help="The issue: its file, or its stem such as 2026-01.")],
    as_json: AsJson = False,
) -> None:
    """Say who on a list lacks a field that an issue needs. People of a CSV list are named by their row, others by their address."""
    from composer.audience.fit import defaulted_fields  # noqa: PLC0415 - `--help` needs no audience

    project = scope_of(context).project()
    declaration = declaration_of(project, name)
    needed, optional = _fields(project, issue, declaration)
    with people_of(project, declaration) as read:
        print_findings((*read.findings, *defaulted_fields([read], [(each.name, each.where) for each in optional])))
        lacking = Counter[str]()
        who = list(_lacking(read, [each.name for each in needed], lacking, None if as_json else _MOST, by_row=not declaration.in_ledger))
        people = len(read.subscribers)
    fields = [{"name": each.name, "where": str(each.where), "lacking": lacking[each.name]} for each in needed]
    if as_json:
        print_json({"list": declaration.settings.name, "people": people, "fields": fields, "lacking": who})
    else:
        _print_check(people, fields, who, lacking.total())
    raise typer.Exit(int(lacking.total() > 0))


lists.command("import", short_help="Bring people into a list of the ledger.")(import_)


def _overview(project: Project) -> Iterator[dict[str, object]]:
    """Describe each declared list, then what else the ledger holds; a list that cannot be read is no reason to hide the others."""
    from composer.audience.files import list_names  # noqa: PLC0415 - `--help` reads no list
    from composer.errors import ComposerError  # noqa: PLC0415
    from composer.ledger.opening import ledger_exists  # noqa: PLC0415 - the database costs 230 ms
    from composer.ledger.people import all_counts  # noqa: PLC0415

    kept: dict[str, dict[str, int]] = {}
    if ledger_exists(project):
        with ledger_of(project) as ledger:
            kept = {name: in_order(counts) for name, counts in all_counts(ledger).items()}
    nobody = dict.fromkeys(STATES, 0)
    for name in list_names(project):
        try:
            declaration = declaration_of(project, name)
            counts = (
                kept.pop(name, nobody) if declaration.in_ledger else {**nobody, STATES[0]: len(read_file(project, declaration).subscribers)}
            )
            settings = declaration.settings
            described = {"kind": settings.kind, "title": settings.title, "people": declaration.people, "counts": counts, "problem": ""}
        except ComposerError as err:
            described = {"kind": "", "title": "", "people": "", "counts": nobody, "problem": str(err)}
        yield {"name": name, **described}
    for name, counts in kept.items():
        yield {"name": name, "kind": "", "title": "", "people": "ledger, not declared", "counts": counts, "problem": ""}


def _line(each: dict[str, object]) -> list[str]:
    counts = each["counts"]
    numbers = [f"{counts[state]:,}" for state in STATES] if isinstance(counts, dict) and not each["problem"] else ["?"] * len(STATES)
    return [str(each["name"]), str(each["kind"]), str(each["people"]), *numbers]


def _write(file: Path | None, header: Sequence[str], rows: Iterator[Sequence[str]]) -> int:
    from composer.cli.private import neutral, write_csv  # noqa: PLC0415 - `--help` writes no file

    if file:
        return write_csv(file, header, rows)
    import csv  # noqa: PLC0415 - with the above

    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(header)
    return sum(1 for row in rows if writer.writerow(map(neutral, row)))


def _fields(project: Project, issue: str, declaration: Declaration) -> tuple[list[Slot], list[Slot]]:
    """Compose an issue for a list; return the fields it needs and those with a default, each once."""
    from composer.edition.compose import compose  # noqa: PLC0415 - the whole pipeline, which `--help` needs not
    from composer.issue.files import read_issue  # noqa: PLC0415
    from composer.issue.model import SYSTEM_FIELDS  # noqa: PLC0415

    edition = compose(read_issue(project.issue_path(issue), project), declaration.settings, project)
    slots = [each for each in edition.fields if each.name not in SYSTEM_FIELDS]
    needed = {each.name: each for each in reversed(slots) if each.default is None}
    return list(needed.values())[::-1], [each for each in slots if each.default is not None]


def _lacking(read: List, needed: Sequence[str], counts: Counter[str], most: int | None, *, by_row: bool) -> Iterator[dict[str, str]]:
    """Yield who lacks which field, at most so many; count all."""
    for person in read.subscribers:
        for name in needed:
            if not person.fields.get(name, "").strip():
                counts[name] += 1
                if most is None or counts.total() <= most:
                    yield {"where": f"{person.where.path}:{person.where.line}:{name}" if by_row else person.email, "field": name}


def _print_check(people: int, fields: Sequence[Mapping[str, object]], who: Sequence[Mapping[str, str]], number: int) -> None:
    if not number:
        typer.echo(f"Nobody lacks a field that the issue needs ({number_of(people, 'subscriber')}).")
        return
    print_table(
        ("Field", "Used at", "Lacking", "Of"),
        [[str(each["name"]), str(each["where"]), f"{each['lacking']:,}", f"{people:,}"] for each in fields],
    )
    typer.echo("")
    for each in who:
        typer.echo(plain(f"{each['where']}  {each['field']}"))
    if number > len(who):
        typer.echo(f"and {number - len(who):,} more; --json names all")
