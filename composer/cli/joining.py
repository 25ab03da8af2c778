"""``newsletter subscriber add`` and ``edit``: one person of the ledger's lists, by hand. Nobody comes back by it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from composer.cli.imports import ledger_list
from composer.cli.output import plain
from composer.cli.scope import scope_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from composer.audience.address import Address
    from composer.ledger.database import Ledger
    from composer.ledger.imports import ImportCounts
    from composer.project import Project

Email = Annotated[str, typer.Argument(metavar="EMAIL", help="The person's address.")]
Name = Annotated[str, typer.Option("--name", metavar="NAME", help="What they are called.")]
Fields = Annotated[list[str] | None, typer.Option("--field", metavar="FIELD=VALUE", help="A merge field. May be given again.")]


def add(
    context: typer.Context,
    email: Email,
    on_list: Annotated[str, typer.Option("--list", metavar="NAME", help="A list whose people are in the ledger.")],
    name: Name = "",
    field: Fields = None,
) -> None:
    """Add a person to a list of the ledger as confirmed; of one who is on it already the values given are taken."""
    from composer.ledger.opening import open_ledger  # noqa: PLC0415 - the database costs 230 ms

    project = scope_of(context).project()
    list_name = ledger_list(project, on_list)
    address, fields = _address(email), _fields(field or [], name)
    with open_ledger(project) as ledger:
        _refuse(address, list_name, _bring(project, ledger, list_name, address, fields, dry_run=True))
        done = _bring(project, ledger, list_name, address, fields)
    what = f"added to {list_name}" if done.created else f"on {list_name} already" + ("; their values are changed" if done.updated else "")
    typer.echo(plain(f"{address.email}: {what}."))


def edit(context: typer.Context, email: Email, name: Name = "", field: Fields = None) -> None:
    """Change the name or the fields of a person of the ledger, on all their lists; FIELD= takes a value away. What they said stays."""
    from datetime import UTC, datetime  # noqa: PLC0415 - with the rest below

    from composer.errors import UsageError  # noqa: PLC0415 - `--help` needs no errors
    from composer.ledger.opening import open_ledger  # noqa: PLC0415 - the database costs 230 ms
    from composer.ledger.subscribers import edit_subscriber  # noqa: PLC0415

    project = scope_of(context).project()
    address, fields = _address(email), _fields(field or [], name)
    if not fields:
        raise UsageError("there is nothing to change", hint="Say it with --name NAME or --field FIELD=VALUE.")
    with open_ledger(project) as ledger:
        changed = edit_subscriber(ledger, address.key, fields, datetime.now(UTC))
    if changed is None:
        hint = "People of CSV lists are edited in their files; `newsletter subscriber add EMAIL --list NAME` adds one to the ledger."
        raise UsageError(f"{address.email} is on no list of the ledger", hint=hint)
    typer.echo(plain(f"{address.email}: {'changed' if changed else 'it was so already'}."))


def _address(text: str) -> Address:
    from composer.audience.address import Problem, parse_address  # noqa: PLC0415 - `--help` needs no address
    from composer.errors import UsageError  # noqa: PLC0415

    found = parse_address(text)
    if isinstance(found, Problem):
        raise UsageError(f"{text[:80]!r}: {found.message}", hint=found.hint)
    return found


def _fields(texts: Sequence[str], name: str) -> dict[str, str]:
    """Read ``FIELD=VALUE``; the name is a field too. Raises UsageError."""
    from composer.audience.columns import BLANK, field_problem, normalised  # noqa: PLC0415 - `--help` needs no audience
    from composer.errors import UsageError  # noqa: PLC0415

    fields: dict[str, str] = {}
    for text in (*texts, *([f"name={name}"] if name else [])):
        label, equals, value = text.partition("=")
        field = normalised(label)
        if not equals:
            raise UsageError(f"{text[:80]!r} is no field with a value", hint="Write it so: --field city=Paris")
        if problem := field_problem(field):
            raise UsageError(f"{label[:80]!r} cannot be a field: {problem}", hint="A field is called as a column would be: first_name.")
        if not value.isprintable() and any("\ud800" <= character <= "\udfff" for character in value):
            raise UsageError(f"the value of {field} is not text in UTF-8", hint="Check the terminal's encoding.")
        fields[field] = value.strip(BLANK)
    return fields


def _bring(
    project: Project, ledger: Ledger, name: str, address: Address, fields: Mapping[str, str], *, dry_run: bool = False
) -> ImportCounts:
    """Import a file of one person."""
    from datetime import UTC, datetime  # noqa: PLC0415 - with the rest below

    from composer.audience.columns import full_name  # noqa: PLC0415
    from composer.audience.consent import State  # noqa: PLC0415
    from composer.audience.exports import ImportedRow  # noqa: PLC0415
    from composer.ledger.imports import import_people  # noqa: PLC0415

    values = dict(fields)
    row = ImportedRow(address, full_name(values, address), values, State.CONFIRMED, "", 1)
    now, keys = datetime.now(UTC), project.signing_keys()
    return import_people(ledger, name, [row], source="command line", now=now, secret_keys=keys, dry_run=dry_run)


def _refuse(address: Address, name: str, would: ImportCounts) -> None:
    """Raise UsageError for somebody who must not be mailed: that is theirs to take back, or undone knowingly first."""
    from composer.errors import UsageError  # noqa: PLC0415 - `--help` needs no errors

    if would.forgotten:
        hint = "They are mailed never again, whatever list they stand on."
        raise UsageError(f"{address.email} asked to be forgotten: nothing was added", hint=hint)
    if would.kept_unsubscribed:
        hint = f"`newsletter subscriber show {address.email}` tells since when. Only they take it back, by subscribing again."
        raise UsageError(f"{address.email} unsubscribed from {name}: nothing was added", hint=hint)
    if would.kept_suppressed:
        hint = f"`newsletter subscriber show {address.email}` tells why; `newsletter suppress remove` ends what no longer holds."
        raise UsageError(f"{address.email} is suppressed: nothing was added", hint=hint)
