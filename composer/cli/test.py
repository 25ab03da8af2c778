"""``newsletter test``: show what would be tested and by whom, ask, then mail it to colleagues, every message in the ledger."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Annotated, Any

import typer

from composer.cli.output import confirm, number_of, plain, print_findings, print_json, print_pairs, typed, when
from composer.cli.running import REHEARSAL
from composer.cli.scope import scope_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from composer.delivery.test_run import Tested, TestReport
    from composer.delivery.test_send import PreparedTest
    from composer.ledger.test_sends import TestSend
    from composer.project import Project

USAGE = 2
_STAFF = ["staff"]


def send_test(
    context: typer.Context,
    issue: Annotated[str, typer.Argument(metavar="ISSUE", help="The issue: its file, or its stem such as 2026-01.")],
    meant_for: Annotated[
        list[str] | None,
        typer.Option("--for", metavar="LIST", help="The list that will get it. May be given again. Default: the only public list."),
    ] = None,
    to: Annotated[
        list[str], typer.Option("--to", metavar="LIST|EMAIL", help="A list of kind staff, or an address. May be given again.")
    ] = _STAFF,
    merged_as: Annotated[
        list[str] | None, typer.Option("--as", metavar="EMAIL", help="Merge it as this subscriber of the list. May be given again.")
    ] = None,
    edge_cases: Annotated[bool, typer.Option("--edge-cases", help="Merge it as eight people with difficult names.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Mail an issue to colleagues as its readers will get it, marked [TEST] and with links that unsubscribe nobody."""
    from composer.delivery.test_send import Asked, prepare_test  # noqa: PLC0415 - the whole pipeline, which `--help` needs not

    project = scope_of(context).project()
    prepared = prepare_test(project, issue, Asked(tuple(meant_for or ()), tuple(to), tuple(merged_as or ()), edge_cases))
    _announce(prepared, quiet=as_json)
    if not (yes or confirm(f"Send {number_of(len(prepared.trials), 'test message')}?")):
        typer.echo("Nothing was sent.", err=True)
        raise typer.Exit(USAGE)
    report = _run(project, prepared)
    if as_json:
        print_json(_as_data(prepared, report))
    _conclude(prepared, report, quiet=as_json)
    raise typer.Exit(report.exit_code)


def _announce(prepared: PreparedTest, *, quiet: bool) -> None:
    if not prepared.real:
        typer.echo(REHEARSAL.format(tense="leaves"), err=True)
    print_pairs(_overview(prepared), err=quiet)
    print_findings(prepared.findings)
    if prepared.blocking:
        codes = ", ".join(dict.fromkeys(finding.code for finding in prepared.blocking))
        typer.echo(f"error: nothing was sent: not even a test can go out with {codes}", err=True)
        raise typer.Exit(USAGE)
    if any(finding.severity == "error" for finding in prepared.findings):
        typer.echo("Errors stop a send to the public; the test goes on.", err=True)


def _overview(prepared: PreparedTest) -> Iterator[tuple[str, str]]:
    from composer.audience.reasons import counted  # noqa: PLC0415 - `--help` needs no audience
    from composer.edition.fields import as_written  # noqa: PLC0415 - `--help` needs no edition

    edition, testers = prepared.edition, dict.fromkeys(trial.tester.email for trial in prepared.trials)
    yield "Subject", prepared.trials[0].prefix + as_written(edition, edition.subject)
    yield "From", edition.from_
    yield "As for", ", ".join(prepared.lists)
    yield "Transport", prepared.transport
    yield "Test to", ", ".join(list(testers)[:5]) + (f" and {len(testers) - 5:,} more" if len(testers) > 5 else "")  # noqa: PLR2004 - a line's room
    for number, left in enumerate(prepared.left_out):
        yield "" if number else "Left out", counted(left.reason, left.count)
    yield "Edition", f"{edition.digest[:12]}, {_tested(prepared.earlier)}"


def _tested(earlier: Sequence[TestSend]) -> str:
    """Say how often an edition was tested, and how that ended; what has no answer may have arrived."""
    if not earlier:
        return "not tested before"
    last = earlier[0]
    at = f", {when(last.started_at)}" if last.started_at else ""
    return f"tested before: {_counted(each.outcome for each in earlier)}; last by {last.sender}{at}"


def _run(project: Project, prepared: PreparedTest) -> TestReport:
    from datetime import UTC, datetime  # noqa: PLC0415 - with the rest below

    from composer.delivery.test_run import run_test  # noqa: PLC0415 - brings the database
    from composer.ledger.opening import open_ledger  # noqa: PLC0415

    with open_ledger(project) as ledger:
        return run_test(project, ledger, prepared, sender=_user(), clock=lambda: datetime.now(UTC))


def _user() -> str:
    """Return the name of whoever runs this, as the system knows it."""
    import getpass  # noqa: PLC0415 - only to send

    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container may run as a number that has no name
        return "unknown"


def _conclude(prepared: PreparedTest, report: TestReport, *, quiet: bool) -> None:
    for each in report.tested:
        if each.outcome != "accepted":
            typer.echo(plain(f"{each.trial.tester.email}{_variant(each)}: {_said(each.outcome)}: {each.answer}"), err=True)
    typer.echo(f"Tested {prepared.edition.stem}: {_counted(each.outcome for each in report.tested)}.", err=quiet)
    if report.reason:
        left = len(prepared.trials) - len(report.tested)
        typer.echo(f"Stopped: {report.reason.rstrip('.')}.{f' {left:,} not tried.' if left else ''}", err=True)
    if not prepared.real:
        typer.echo(f"Files: {typed(report.place)}/", err=quiet)
        typer.echo(REHEARSAL.format(tense="left"), err=True)


def _counted(outcomes: Iterable[str]) -> str:
    return ", ".join(f"{number:,} {what}" for what, number in Counter(map(_said, outcomes)).items())


def _said(outcome: str) -> str:
    """An answer that never came, or was lost with its process, leaves a message in doubt."""
    return "in doubt" if outcome in {"", "unknown"} else outcome.replace("_", " ")


def _variant(each: Tested) -> str:
    return f" ({each.trial.variant})" if each.trial.variant else ""


def _as_data(prepared: PreparedTest, report: TestReport) -> dict[str, Any]:
    edition = prepared.edition
    return {
        "issue": edition.stem,
        "digest": edition.digest,
        "lists": list(prepared.lists),
        "transport": prepared.transport,
        "real": prepared.real,
        "place": report.place,
        "stopped": report.reason,
        "left_out": {left.reason: left.count for left in prepared.left_out},
        "not_tried": len(prepared.trials) - len(report.tested),
        "messages": [
            {
                "email": each.trial.tester.email,
                "variant": each.trial.variant,
                "prefix": each.trial.prefix,
                "outcome": each.outcome,
                "answer": each.answer,
            }
            for each in report.tested
        ],
    }
