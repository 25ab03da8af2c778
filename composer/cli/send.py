"""``newsletter send``: show what would happen, ask, then deliver with every step in the ledger."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from composer.cli.output import confirm, number_of, print_findings, print_pairs
from composer.cli.running import REHEARSAL, run_to_end
from composer.cli.scope import scope_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from composer.delivery.prepare import Prepared, Unfinished
    from composer.project import Project

USAGE = 2


def _stated(value: str | None) -> str | None:
    """Refuse an empty segment: one from a variable that is not set would else be everybody."""
    if value is not None and not value.strip():
        raise typer.BadParameter("it is empty; leave the option out to send to everybody")
    return value


def send(
    context: typer.Context,
    issue: Annotated[str, typer.Argument(metavar="ISSUE", help="The issue: its file, or its stem such as 2026-01.")],
    to: Annotated[
        list[str], typer.Option("--to", metavar="LIST", help="A list in recipients/, or a CSV file. May be given again; nobody gets two.")
    ],
    segment: Annotated[
        str | None, typer.Option("--segment", metavar="NAME", callback=_stated, help="Only this segment, which each list declares.")
    ] = None,
    where: Annotated[
        str | None,
        typer.Option("--where", metavar="EXPR", callback=_stated, help="Only those it holds for, such as 'country == \"FR\"'."),
    ] = None,
    correction: Annotated[bool, typer.Option("--correction", help="Send it again to those who have it already, too.")] = False,
    untested: Annotated[bool, typer.Option("--untested", help="Send although this edition was not test-sent. It is recorded.")] = False,
    any_size: Annotated[bool, typer.Option("--any-size", help="Send although the audience differs much from the last one's.")] = False,
    canary: Annotated[
        str | None,
        typer.Option(
            "--canary", metavar="SHARE", help="Send to this share first, such as 2%, chosen at random; the rest waits for `resume`."
        ),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would be sent; write nothing.")] = False,
) -> None:
    """Deliver an issue to lists: show what and to whom, ask, and record every delivery before and after."""
    from composer.delivery.canary import parse_share  # noqa: PLC0415 - the whole pipeline, which `--help` needs not
    from composer.delivery.prepare import Wish, prepare  # noqa: PLC0415 - the same

    first = {} if canary is None else {"canary": parse_share(canary)}
    project = scope_of(context).project()
    wish = Wish(segment or "", where or "", correction=correction, untested=untested, any_size=any_size, look=dry_run, **first)
    prepared = prepare(project, issue, to, wish)
    _announce(prepared)
    if dry_run:
        typer.echo("Dry run: nothing was sent, nothing was written.")
        raise typer.Exit(_faulty(prepared))
    if yes or confirm(f"Send to {prepared.canary:,} of them first?" if prepared.canary else "Send?"):
        raise typer.Exit(_deliver(project, prepared))
    typer.echo("Nothing was sent.", err=True)
    raise typer.Exit(USAGE)


def _announce(prepared: Prepared) -> None:
    if not prepared.real:
        typer.echo(REHEARSAL.format(tense="leaves"), err=True)
    print_pairs(_overview(prepared))
    print_findings(prepared.findings)
    if prepared.blocking:
        codes = ", ".join(dict.fromkeys(finding.code for finding in prepared.blocking))
        stop = "stops" if len(prepared.blocking) == 1 else "stop"
        typer.echo(f"error: nothing was sent: {number_of(len(prepared.blocking), 'error')} {stop} the send: {codes}", err=True)
        raise typer.Exit(USAGE)


def _overview(prepared: Prepared) -> Iterator[tuple[str, str]]:
    from composer.audience.reasons import counted  # noqa: PLC0415 - `--help` needs no audience
    from composer.edition.fields import as_written  # noqa: PLC0415 - `--help` needs no edition

    edition, audience = prepared.edition, prepared.audience
    yield "Subject", as_written(edition, edition.subject)
    yield "Preheader", as_written(edition, edition.preheader)
    yield "From", edition.from_
    yield "Lists", ", ".join(f"{each.name} ({each.kind})" for each in audience.lists)
    yield "Transport", prepared.transport
    if prepared.synced:
        yield "", f"{number_of(prepared.synced.new, 'new suppression')} taken over from SendGrid"
    yield "Sent to", _people(len(audience.subscribers))
    if prepared.canary:
        yield "Canary", f"{_people(prepared.canary)} first, chosen at random; the rest waits for `resume`"
    if prepared.correction:
        yield "Again", f"a correction: {_people(prepared.again)} of them had this issue already and will get it a second time"
    if prepared.silenced:
        codes = ", ".join(dict.fromkeys(each.finding.code for each in prepared.silenced))
        yield "Silenced", f"{number_of(len(prepared.silenced), 'finding')} by the issue itself: {codes}"
    if prepared.real and prepared.untested:
        yield "Untested", "this edition was not accepted in a test send by this transport"
    for number, each in enumerate(prepared.unfinished):
        yield "" if number else "Unfinished", _begun(each)
    for number, left in enumerate(audience.left_out):
        yield "" if number else "Left out", counted(left.reason, left.count)


def _begun(found: Unfinished) -> str:
    """Say what was begun with this issue: going on with it is most often what is meant."""
    campaign = found.campaign
    name = f"campaign {campaign.id} of this issue, to {', '.join(each.name for each in campaign.lists)},"
    if found.sending:
        return f"{name} is being sent right now: `newsletter status {campaign.id}` shows it"
    if not found.unsent:
        return f"{name} is {campaign.state}: `newsletter status {campaign.id}` says what is open"
    state = "was left when its process ended" if campaign.state == "running" else f"is {campaign.state}"
    return (
        f"{name} {state}, and {_people(found.unsent)} of it still {'waits' if found.unsent == 1 else 'wait'}: "
        f"`newsletter resume {campaign.id}` goes on with it; this would be another one"
    )


def _people(number: int) -> str:
    return f"{number:,} {'person' if number == 1 else 'people'}"


def _deliver(project: Project, prepared: Prepared) -> int:
    from datetime import UTC, datetime  # noqa: PLC0415 - with the rest below

    from composer.delivery.campaign import begin  # noqa: PLC0415 - brings the database
    from composer.ledger.opening import open_ledger  # noqa: PLC0415

    with open_ledger(project) as ledger:
        campaign = begin(ledger, prepared, datetime.now(UTC))
        exit_code = run_to_end(project, ledger, campaign)
    return exit_code or _faulty(prepared)


def _faulty(prepared: Prepared) -> int:
    return int(any(finding.severity == "error" for finding in prepared.findings))
