"""``newsletter doctor``: what stands between this project and its readers, or what a received test shows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from composer.cli.output import print_findings, print_json, print_pairs
from composer.cli.scope import scope_of
from composer.findings import as_data

if TYPE_CHECKING:
    from collections.abc import Sequence

    from composer.delivery.doctor import Report
    from composer.findings import Finding


def doctor(
    context: typer.Context,
    file: Annotated[
        Path | None, typer.Argument(metavar="FILE.eml", help="A test as it was received, saved with all its headers. Default: the project.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Look for what would keep mail from arriving.

    Checks the settings, logs in without sending, and asks DNS for MX, SPF, DKIM and DMARC of the sender. With FILE.eml it reads a
    received test instead: who signed it, and whether readers can leave with one click.
    """
    from composer.delivery.doctor import examine, examine_received  # noqa: PLC0415 - the ledger and DNS are heavy

    report = None if file else examine(scope_of(context).project())
    findings = report.findings if report else examine_received(file or Path())
    if as_json:
        print_json({**(_as_data(report) if report else {"file": str(file)}), "findings": [as_data(each) for each in findings]})
    elif report:
        print_pairs(_as_pairs(report))
    print_findings(findings)
    conclude(findings, "nothing here stops a send" if report and report.real else "no errors")


def conclude(findings: Sequence[Finding], well: str) -> None:
    """End with exit code 1 when a finding is an error, else say that all is ``well``."""
    if any(finding.severity == "error" for finding in findings):
        raise typer.Exit(1)
    typer.echo(well, err=True)


def _as_data(report: Report) -> dict[str, Any]:
    return {
        "transport": report.transport,
        "real": report.real,
        "sender": report.sender,
        "domain": report.domain,
        "people": report.people,
        "login": report.login,
        "records": {kind.lower(): {"passes": checked.passes, "record": checked.record} for kind, checked in report.records.items()},
    }


def _as_pairs(report: Report) -> Iterator[tuple[str, str]]:
    yield "Transport", report.transport + ("" if report.real else " (a rehearsal: nothing leaves this machine)")
    yield "Login", report.login or ("nothing to log in to" if not report.real else "not tried")
    yield "Sender", report.sender or "not set"
    yield "Public lists", f"up to {report.people:,} people" if report.people else "nobody yet"
    words = {True: "good", False: "not good", None: "cannot be told from here"}
    for kind in ("MX", "SPF", "DKIM", "DMARC"):
        checked = report.records.get(kind)
        said = f"{words[checked.passes]}{': ' if checked.record else ''}{checked.record[:200]}" if checked else "not looked at"
        yield kind, said
