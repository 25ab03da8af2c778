"""``newsletter db``: bringing the ledger up to date, and looking whether it is whole."""

from __future__ import annotations

from typing import Annotated

import typer

from composer.cli.output import print_findings, print_json
from composer.cli.scope import scope_of
from composer.findings import as_data

db = typer.Typer(name="db", help="Bring the ledger up to date, or check it.", no_args_is_help=True)


@db.command("upgrade", short_help="Bring the ledger up to date.")
def upgrade(context: typer.Context, as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False) -> None:
    """Make the ledger's tables, or bring them to what this version needs; what is in them stays.

    Every command that opens the ledger does so too: this one is for those who want it done, and seen, before a send.
    """
    from composer.ledger.migrations import HEAD, bring_up_to_date  # noqa: PLC0415 - the database costs 230 ms
    from composer.ledger.opening import reach_ledger  # noqa: PLC0415

    with reach_ledger(scope_of(context).project()) as ledger:
        before = bring_up_to_date(ledger)
    if as_json:
        print_json({"ledger": ledger.name, "from": before, "to": HEAD})
    else:
        typer.echo(f"{ledger.name}: " + (f"already at {HEAD}" if before == HEAD else f"from {before or 'nothing'} to {HEAD}"))


@db.command("check", short_help="Check that the ledger is whole.")
def check(context: typer.Context, as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False) -> None:
    """Check the ledger: its file, how durably it writes, its tables, and that its rows agree with each other. Changes nothing."""
    from composer.errors import UsageError  # noqa: PLC0415 - with the database
    from composer.ledger.checking import check_ledger  # noqa: PLC0415 - the database costs 230 ms
    from composer.ledger.opening import ledger_exists, reach_ledger  # noqa: PLC0415

    project = scope_of(context).project()
    if not ledger_exists(project):
        raise UsageError("there is no ledger yet", hint="`newsletter db upgrade` makes one, and so does the first send.")
    with reach_ledger(project) as ledger:
        findings = check_ledger(project, ledger)
    if as_json:
        print_json({"ledger": ledger.name, "findings": [as_data(each) for each in findings]})
    print_findings(findings)
    if findings:
        raise typer.Exit(1)
    typer.echo(f"{ledger.name}: nothing is wrong", err=True)
