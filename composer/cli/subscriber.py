"""``newsletter subscriber``: what is known of one person, as a file too, adding, editing and forgetting them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from composer.cli.joining import add, edit
from composer.cli.output import confirm, number_of, print_findings, print_json, print_pairs, typed
from composer.cli.scope import scope_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from composer.audience.address import Address
    from composer.cli.person import Dossier
    from composer.findings import Finding
    from composer.ledger.forgotten import Forgotten

USAGE = 2

subscriber = typer.Typer(
    name="subscriber",
    help="Show, add, edit, hand over or forget one person.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
Email = Annotated[str, typer.Argument(metavar="EMAIL", help="The person's address.")]


@subscriber.command("show", short_help="Show all that is known of a person.")
def show(
    context: typer.Context,
    email: Email,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Show all that is known of a person: lists, suppressions, every delivery with its attempts, tests, rows of CSV lists."""
    from composer.cli.person import as_data, as_pairs  # noqa: PLC0415 - brings the database

    found = _find(context, email)
    print_findings(found.findings)
    if as_json:
        print_json(as_data(found))
    else:
        print_pairs(as_pairs(found))


@subscriber.command("export", short_help="Write all that is known of a person as JSON.")
def export(
    context: typer.Context,
    email: Email,
    file: Annotated[Path | None, typer.Argument(metavar="FILE", help="The JSON file to write. Default: stdout.")] = None,
) -> None:
    """Write all that is known of a person as JSON, for a person who asks what is kept; only you may read the file."""
    from composer.cli.person import as_data  # noqa: PLC0415 - brings the database
    from composer.cli.private import private_file  # noqa: PLC0415 - `--help` writes no file

    found = _find(context, email)
    print_findings(found.findings)
    if file is None:
        print_json(as_data(found))
        return
    with private_file(file) as opened:
        opened.write(json.dumps(as_data(found), ensure_ascii=False, indent=2) + "\n")
    typer.echo(f"Written to {typed(file)}. Hand it to nobody else, and delete it when it was handed over.")


@subscriber.command("forget", short_help="Remove what is known of a person for good.")
def forget_(context: typer.Context, email: Email, yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False) -> None:
    """Remove what is known of a person, and mail them never again: a keyed hash of the address is all that is kept."""
    from composer.cli.person import as_pairs  # noqa: PLC0415 - brings the database

    found = _find(context, email)
    print_pairs(as_pairs(found), err=True)
    if not (yes or confirm("Forget this person? It cannot be undone.")):
        typer.echo("Nothing was changed.", err=True)
        raise typer.Exit(USAGE)
    for words in _describe(_forget(context, found.address)):
        typer.echo(words)
    print_findings((*found.findings, *_elsewhere(found)))


subscriber.command("add", short_help="Add a person to a list of the ledger.")(add)
subscriber.command("edit", short_help="Change a person's name or fields.")(edit)


@subscriber.command("write-off", short_help="Give up the forgotten whose secret key is lost.")
def write_off_(context: typer.Context, yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False) -> None:
    """Give up the forgotten whom no secret key recognises any more: sending goes on, and mails them again where a list has them."""
    from composer.ledger.keyed import count_lost, write_off  # noqa: PLC0415 - the database costs 230 ms
    from composer.ledger.opening import open_ledger  # noqa: PLC0415

    project = scope_of(context).project()
    with open_ledger(project) as ledger:
        number = count_lost(ledger, keys := project.known_keys())
        if not number:
            typer.echo("Everybody who was forgotten can be recognised; there is nobody to give up.")
            return
        typer.echo(f"{_people(number)} cannot be recognised. A send will mail them again if a list holds them.", err=True)
        typer.echo("First try to find the key: a backup of var/secret.key, another machine's NEWSLETTER_SECRET_KEYS.", err=True)
        if not (yes or confirm("Give them up? It cannot be undone.")):
            typer.echo("Nothing was changed.", err=True)
            raise typer.Exit(USAGE)
        typer.echo(f"{_people(write_off(ledger, keys))} given up. Forget again whom you remember: `newsletter subscriber forget EMAIL`.")


def _people(number: int) -> str:
    return f"{number:,} forgotten {'person' if number == 1 else 'people'}"


def _find(context: typer.Context, email: str) -> Dossier:
    from composer.audience.address import Problem, parse_address  # noqa: PLC0415 - `--help` needs no address
    from composer.cli.person import Dossier  # noqa: PLC0415 - brings the database
    from composer.delivery.traces import outbox_files, rows_of  # noqa: PLC0415
    from composer.errors import UsageError  # noqa: PLC0415
    from composer.findings import Where, warning  # noqa: PLC0415
    from composer.ledger.keyed import PUT_BACK, count_lost  # noqa: PLC0415
    from composer.ledger.opening import open_ledger  # noqa: PLC0415
    from composer.ledger.subscribers import read_person  # noqa: PLC0415

    address = parse_address(email)
    if isinstance(address, Problem):
        raise UsageError(f"{email!r}: {address.message}", hint=address.hint)
    project = scope_of(context).project()
    with open_ledger(project) as ledger:
        person = read_person(ledger, address.key, project.signing_keys())
        lost = count_lost(ledger, project.known_keys())
    rows, findings = rows_of(project, address.key)
    if lost:
        message = f"whether they were forgotten cannot be said: {_people(lost)} cannot be recognised, as the secret key is not here"
        findings.append(warning("forgotten-key-lost", Where("var/secret.key"), message, PUT_BACK))
    files = tuple(project.shown(path) for path in outbox_files(project, address))
    return Dossier(address, person, tuple(rows), files, tuple(findings))


def _forget(context: typer.Context, address: Address) -> Forgotten:
    from datetime import UTC, datetime  # noqa: PLC0415 - with the rest below

    from composer.ledger.forgotten import forget  # noqa: PLC0415 - the database costs 230 ms
    from composer.ledger.opening import open_ledger  # noqa: PLC0415

    project = scope_of(context).project()
    with open_ledger(project) as ledger:
        return forget(ledger, address.key, project.signing_keys(), datetime.now(UTC))


def _describe(done: Forgotten) -> Iterator[str]:
    removed = f"{number_of(done.subscriptions, 'subscription')} and {number_of(done.suppressions, 'suppression')} removed"
    blanked = (
        f"{done.deliveries:,} {'delivery' if done.deliveries == 1 else 'deliveries'} and {number_of(done.test_sends, 'test send')} blanked"
    )
    yield f"Forgotten: {removed}, {blanked}."
    if done.not_sent:
        yield f"{done.not_sent:,} of them {'was' if done.not_sent == 1 else 'were'} still to be sent, and will not be."


def _elsewhere(found: Dossier) -> Iterator[Finding]:
    from composer.findings import Where, warning  # noqa: PLC0415 - `--help` needs no findings

    for row in found.rows:
        yield warning(
            "forgotten-in-list", row.where, "the person still stands in this row; they are left out of every send", "Delete the row."
        )
    for name in found.files:
        yield warning("forgotten-in-outbox", Where(name), "this file of a rehearsal holds a message to the person", "Delete the file.")
