"""``newsletter suppress``: who must not be mailed, added, taken back, listed, brought in from elsewhere."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from composer.cli.output import number_of, plain, print_findings, print_json, typed
from composer.cli.scope import scope_of
from composer.cli.suppressed import EVERYWHERE, HEADER, describe, import_data, print_as_json, print_lines, row_of, sync_data

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from composer.audience.address import Address
    from composer.delivery.suppressing import Remembered
    from composer.ledger.database import Ledger
    from composer.project import Project

suppress = typer.Typer(
    name="suppress",
    help="Say who must not be mailed, on one list or everywhere.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


class Why(StrEnum):
    """The reasons that the ledger knows; they stand here so that `--help` needs no ledger."""

    MANUAL = "manual"
    UNSUBSCRIBED = "unsubscribed"
    HARD_BOUNCE = "hard_bounce"
    COMPLAINT = "complaint"
    INVALID = "invalid"


Addresses = Annotated[list[str], typer.Argument(metavar="ADDRESS...", help="One address or more.")]
OnList = Annotated[str, typer.Option("--list", metavar="NAME", help="Only on this list. Default: everywhere.")]
AnyReason = Annotated[Why | None, typer.Option("--reason", help="Only for this reason. Default: for any.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]


@suppress.command("add", short_help="Mail these addresses no more.")
def add(
    context: typer.Context,
    addresses: Addresses,
    on_list: OnList = "",
    reason: Annotated[Why, typer.Option("--reason", help="Why.")] = Why.MANUAL,
    note: Annotated[str, typer.Option("--note", metavar="TEXT", help="Who said so, or where it is written.")] = "",
) -> None:
    """Mail these addresses no more; it holds from the next message of a campaign that is running."""
    from datetime import UTC, datetime  # noqa: PLC0415 - with the rest below

    from composer.delivery.suppressing import suppress_all  # noqa: PLC0415 - brings the database
    from composer.ledger.model import Reason  # noqa: PLC0415
    from composer.ledger.suppressions import Suppression  # noqa: PLC0415

    project = scope_of(context).project()
    scope = _scope(project, on_list)
    source = note.strip() or "command line"
    entries = [Suppression(each.key, scope, Reason(reason), source) for each in _read(addresses)]
    with _ledger(project) as ledger:
        _tell(suppress_all(project, ledger, entries, datetime.now(UTC)), scope)


@suppress.command("remove", short_help="Let these addresses be mailed again.")
def remove(context: typer.Context, addresses: Addresses, on_list: OnList = "", reason: AnyReason = None) -> None:
    """Let these addresses be mailed again. What a person said of a list of the ledger stays as they said it."""
    from composer.ledger.model import Reason  # noqa: PLC0415 - the database costs 230 ms
    from composer.ledger.suppressions import unsuppress  # noqa: PLC0415

    project = scope_of(context).project()
    people = _read(addresses)
    with _ledger(project) as ledger:
        for person in people:
            number = unsuppress(ledger, person.key, on_list, Reason(reason) if reason else None)
            what = f"{number_of(number, 'suppression')} removed" if number else "nothing to remove"
            typer.echo(f"{plain(person.email)}: {what} ({on_list or EVERYWHERE})")
            for words in _remaining(ledger, person.key):
                typer.echo(f"  {plain(words)}", err=True)


@suppress.command("list", short_help="List who must not be mailed, and why.")
def list_(
    context: typer.Context,
    on_list: Annotated[
        str | None, typer.Option("--list", metavar="NAME", help='Only of this list; "everywhere" for those that hold on all.')
    ] = None,
    reason: AnyReason = None,
    as_json: AsJson = False,
) -> None:
    """List who must not be mailed: since when, why, where, the address, and who said so."""
    from composer.ledger.model import Reason  # noqa: PLC0415 - the database costs 230 ms
    from composer.ledger.suppressions import iter_suppressions  # noqa: PLC0415

    scope = "" if on_list == EVERYWHERE else on_list
    with _ledger(scope_of(context).project()) as ledger:
        found = iter_suppressions(ledger, scope, Reason(reason) if reason else None)
        number = print_as_json(found) if as_json else print_lines(found)
    typer.echo(number_of(number, "suppression"), err=True)


@suppress.command("import", short_help="Suppress everybody in a file.")
def import_(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="CSV, such as SendGrid's exports as they are, or one address a line.")],
    reason: Annotated[
        Why | None, typer.Option("--reason", help="For rows that do not say theirs. Default: what the file looks like.")
    ] = None,
    on_list: Annotated[
        str, typer.Option("--list", metavar="NAME", help="Only on this list, for rows that name none. Default: everywhere.")
    ] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would happen; nobody is suppressed.")] = False,
    as_json: AsJson = False,
) -> None:
    """Suppress everybody in a file. All of it or nothing is written; rows that are no address are told and left out."""
    from datetime import UTC, datetime  # noqa: PLC0415 - with the rest below

    from composer.audience.files import list_names  # noqa: PLC0415 - `--help` reads no list
    from composer.delivery.suppressing import SuppressionFile, suppress_all  # noqa: PLC0415 - brings the database

    project = scope_of(context).project()
    scope = _scope(project, on_list)
    entries = SuppressionFile(file, typed(file), reason=reason or "", scope=scope, lists=list_names(project))
    with _ledger(project) as ledger:
        done = suppress_all(project, ledger, entries, datetime.now(UTC), dry_run=dry_run)
    print_findings(entries.findings)
    invalid = sum(finding.severity == "error" for finding in entries.findings)
    if as_json:
        print_json({"dry_run": dry_run, "scope": scope, **import_data(done, invalid)})
    else:
        _tell(done, scope)
        if dry_run:
            typer.echo("Dry run: nothing was written.")
    raise typer.Exit(int(invalid > 0))


@suppress.command("export", short_help="Write all suppressions as CSV.")
def export(context: typer.Context, file: Annotated[Path, typer.Argument(metavar="FILE", help="The CSV file to write.")]) -> None:
    """Write all suppressions as CSV that `suppress import` takes; only you may read the file."""
    from composer.cli.private import write_csv  # noqa: PLC0415 - `--help` writes no file
    from composer.ledger.suppressions import iter_suppressions  # noqa: PLC0415 - the database costs 230 ms

    with _ledger(scope_of(context).project()) as ledger:
        number = write_csv(file, HEADER, (row_of(each) for each in iter_suppressions(ledger)))
    typer.echo(f"{number_of(number, 'suppression')} written to {typed(file)}")


@suppress.command("sync", short_help="Bring in who left or bounced at SendGrid.")
def sync_(context: typer.Context, as_json: AsJson = False) -> None:
    """Bring in who left or bounced at SendGrid; a send by SendGrid does so first. Nobody is taken off by it."""
    from datetime import UTC, datetime  # noqa: PLC0415 - with the rest below

    from composer.delivery.sync import sync  # noqa: PLC0415 - brings the database

    project = scope_of(context).project()
    with _ledger(project) as ledger:
        counts = sync(project, ledger, datetime.now(UTC))
    if as_json:
        print_json(sync_data(counts))
    else:
        for words in describe(counts):
            typer.echo(words)


def _ledger(project: Project) -> Ledger:
    from composer.ledger.opening import open_ledger  # noqa: PLC0415 - the database costs 230 ms

    return open_ledger(project)


def _scope(project: Project, name: str) -> str:
    """Return the name under which a list is mailed; a misspelt one would suppress nobody."""
    from composer.audience.files import declare  # noqa: PLC0415 - `--help` reads no list

    return declare(project, name).settings.name if name else ""


def _read(texts: Iterable[str]) -> list[Address]:
    from composer.audience.address import Problem, parse_address  # noqa: PLC0415 - `--help` needs no address
    from composer.errors import UsageError  # noqa: PLC0415

    people = []
    for text in texts:
        found = parse_address(text)
        if isinstance(found, Problem):
            raise UsageError(f"{text!r}: {found.message}", hint=found.hint)
        people.append(found)
    return people


def _tell(done: Remembered, scope: str) -> None:
    old = done.read - done.new - done.forgotten
    typer.echo(
        f"{number_of(done.new, 'new suppression')} {f'on {scope}' if scope else EVERYWHERE}" + (f", {old:,} known already" if old else "")
    )
    if done.forgotten:
        typer.echo(f"{done.forgotten:,} passed over: they were forgotten, and are not mailed anyway.", err=True)


def _remaining(ledger: Ledger, key: str) -> Iterator[str]:
    from composer.audience.reasons import told  # noqa: PLC0415 - `--help` needs no audience
    from composer.ledger.model import SubscriptionState  # noqa: PLC0415 - the database costs 230 ms
    from composer.ledger.subscribers import subscription_states  # noqa: PLC0415
    from composer.ledger.suppressions import suppressions_of  # noqa: PLC0415

    for each in suppressions_of(ledger, key):
        yield f"still suppressed {f'on {each.scope}' if each.scope else EVERYWHERE}: {told(each.reason)}"
    for name, state in subscription_states(ledger, key).items():
        if state is SubscriptionState.UNSUBSCRIBED:
            yield f"still unsubscribed from {name}: that is their own word, and only they take it back by subscribing again"
