"""The sender's word: ``newsletter pause``, ``resume``, ``cancel``, ``retry`` and ``resolve``. Numbers first, then the question."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from composer.cli.campaigns import Number
from composer.cli.output import confirm
from composer.cli.scope import scope_of
from composer.cli.status import existing_ledger

if TYPE_CHECKING:
    from datetime import datetime

    from composer.cli.standing import Standing
    from composer.delivery.control import Effect, Patience
    from composer.ledger.database import Ledger
    from composer.project import Project

FAULTY, USAGE = 1, 2
Unfinished = Annotated[
    int | None, typer.Argument(metavar="ID", min=1, max=2**31 - 1, help="The campaign. Default: the newest that is not finished.")
]
NoWait = Annotated[bool, typer.Option("--no-wait", help="Do not wait until the process that sends has stopped.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]


def resume(context: typer.Context, campaign: Unfinished = None) -> None:
    """Go on with a campaign that stopped; whoever has the issue already does not get it again."""
    from composer.cli.standing import look  # noqa: PLC0415 - brings the database
    from composer.delivery import control  # noqa: PLC0415 - the same

    project = scope_of(context).project()
    with existing_ledger(project) as ledger:
        standing = look(project, ledger, campaign)
        if control.release(project, ledger, standing.campaign.id, _now()):
            typer.echo("The canary has gone out; now the rest.", err=True)
        else:
            _say_when(project, standing)
        raise typer.Exit(_go_on(project, ledger, standing.campaign.id))


def pause(context: typer.Context, campaign: Unfinished = None, no_wait: NoWait = False) -> None:
    """Pause a campaign, also from another window or machine: what is in flight ends, nothing new begins; `resume` goes on."""
    from composer.delivery import control  # noqa: PLC0415 - brings the database
    from composer.ledger.campaigns import read_campaign  # noqa: PLC0415

    project = scope_of(context).project()
    with existing_ledger(project) as ledger:
        chosen = read_campaign(ledger, campaign).id
        effect = control.pause(project, ledger, chosen, _now(), _patience("pause", chosen, no_wait=no_wait))
        raise typer.Exit(_tell(ledger, effect, "paused", no_wait=no_wait))


def cancel(context: typer.Context, campaign: Number, no_wait: NoWait = False, yes: Yes = False) -> None:
    """End a campaign for good: whoever was not mailed yet will not be. Nobody's mail is called back."""
    from composer.delivery import control  # noqa: PLC0415 - brings the database

    project = scope_of(context).project()
    with existing_ledger(project) as ledger:
        _ask_to_cancel(project, ledger, campaign, yes=yes)
        effect = control.cancel(project, ledger, campaign, _now(), _patience("cancel", campaign, no_wait=no_wait))
        raise typer.Exit(_tell(ledger, effect, "cancelled", no_wait=no_wait))


def retry(context: typer.Context, campaign: Number, yes: Yes = False) -> None:
    """Try those again who failed or are deferred. Whoever was rejected got a final no, and is not tried again."""
    from composer.delivery import control  # noqa: PLC0415 - brings the database

    project = scope_of(context).project()
    with existing_ledger(project) as ledger:
        _ask_to_retry(project, ledger, campaign, yes=yes)
        control.retry(project, ledger, campaign, _now())
        raise typer.Exit(_go_on(project, ledger, campaign))


def resolve(
    context: typer.Context,
    campaign: Number,
    email: Annotated[list[str] | None, typer.Argument(metavar="EMAIL", help="Only these. Default: all who are in doubt.")] = None,
    resend: Annotated[bool, typer.Option("--resend", help="Send to them again: who has it already gets it twice.")] = False,
    skip: Annotated[bool, typer.Option("--skip", help="Leave them out: who has it not will not get it.")] = False,
    yes: Yes = False,
) -> None:
    """Decide about those in doubt, of whom nobody can know whether they got it: send again, or leave out."""
    from composer.delivery import control  # noqa: PLC0415 - brings the database

    people = _people(email or [], resend=resend, skip=skip)
    project = scope_of(context).project()
    with existing_ledger(project) as ledger:
        number = control.find_doubtful(project, ledger, campaign, _now(), people, resend=resend)
        _ask_to_resolve(campaign, number, resend=resend, yes=yes)
        number = control.resolve(project, ledger, campaign, _now(), resend=resend, people=people)
        raise typer.Exit(_go_on(project, ledger, campaign) if resend else _left_out(ledger, campaign, number))


def _now() -> datetime:
    from datetime import UTC, datetime  # noqa: PLC0415 - `--help` needs no clock

    return datetime.now(UTC)


def _count(number: int) -> str:
    return f"{number:,} {'person' if number == 1 else 'people'}"


def _sure(question: str, *, yes: bool) -> None:
    if not (yes or confirm(question)):
        typer.echo("Nothing was changed.", err=True)
        raise typer.Exit(USAGE)


def _go_on(project: Project, ledger: Ledger, number: int) -> int:
    from composer.cli.running import REHEARSAL, run_to_end  # noqa: PLC0415 - the whole pipeline, which `--help` needs not
    from composer.ledger.campaigns import read_campaign  # noqa: PLC0415

    campaign = read_campaign(ledger, number)
    if not campaign.real:
        typer.echo(REHEARSAL.format(tense="leaves"), err=True)
    return run_to_end(project, ledger, campaign)


def _say_when(project: Project, standing: Standing) -> None:
    """Of a campaign that has only deferred ones left, say when the next is due, if the run will wait for it."""
    deferred, due, minutes = standing.number("deferred"), standing.due, project.config.delivery.wait
    if due is None or standing.unsent != deferred or standing.campaign.state in {"finished", "cancelled"}:
        return
    if 0 < (due - _now()).total_seconds() < minutes * 60:
        typer.echo(
            f"{deferred:,} deferred; waiting for the next, due at {due:%H:%M:%S} UTC (Ctrl-C stops, at most {minutes} min).", err=True
        )


def _patience(what: str, campaign: int, *, no_wait: bool) -> Patience:
    from composer.delivery.control import WAIT_SECONDS, Patience  # noqa: PLC0415 - with the database

    waits = "" if no_wait else f"; waiting up to {WAIT_SECONDS:.0f} seconds until what is in flight has ended"
    asked = f"Another process is sending campaign {campaign}: it was asked to {what}{waits}."
    return Patience(0 if no_wait else WAIT_SECONDS, lambda: typer.echo(asked, err=True))


def _tell(ledger: Ledger, effect: Effect, wanted: str, *, no_wait: bool) -> int:
    from composer.delivery.model import unsent  # noqa: PLC0415 - with the database
    from composer.ledger.campaigns import count_states  # noqa: PLC0415

    campaign = effect.campaign
    if effect.waiting:
        typer.echo(f"It has not stopped yet; `newsletter status {campaign.id} --watch` shows when.", err=True)
        return 0 if no_wait else FAULTY
    counts = count_states(ledger, campaign.id)
    told = f"{counts.get('accepted', 0):,} accepted, {unsent(counts):,} still to be sent, {counts.get('in_doubt', 0):,} in doubt"
    typer.echo(f"Campaign {campaign.id} is {campaign.state}: {told}.")
    if campaign.state != wanted:
        typer.echo(f"It was {campaign.state} before it could be {wanted}.", err=True)
        return FAULTY
    if wanted == "paused":
        typer.echo(f"`newsletter resume {campaign.id}` goes on.", err=True)
    return 0


def _ask_to_cancel(project: Project, ledger: Ledger, number: int, *, yes: bool) -> None:
    from composer.cli.standing import look  # noqa: PLC0415 - with the database
    from composer.delivery.control import unfinished  # noqa: PLC0415

    campaign, standing = unfinished(ledger, number), look(project, ledger, number)
    # What a dead process left in flight may have arrived.
    lost = standing.number("sending") if campaign.real and not standing.sending else 0
    now, left = "Up to " if standing.sending else "", standing.unsent - lost
    typer.echo(f"{now}{_count(left)} will not get {campaign.issue}; {standing.number('accepted'):,} accepted so far.", err=True)
    if doubtful := standing.number("in_doubt") + lost:
        typer.echo(f"{_count(doubtful)} in doubt will stay so; `newsletter resolve {number} --skip` settles that.", err=True)
    _sure(f"Cancel campaign {number}? It cannot be undone.", yes=yes)


def _ask_to_retry(project: Project, ledger: Ledger, number: int, *, yes: bool) -> None:
    from composer.cli.standing import look  # noqa: PLC0415 - with the database

    standing = look(project, ledger, number)
    failed, deferred, rejected = (standing.number(state) for state in ("failed", "deferred", "rejected"))
    if rejected:
        typer.echo(f"{rejected:,} rejected will not be tried again: that was a final no.", err=True)
    if failed + deferred:
        typer.echo(f"{failed:,} failed and {deferred:,} deferred will be tried again.", err=True)
        _sure(f"Try again for campaign {number} now?", yes=yes)


def _people(emails: list[str], *, resend: bool, skip: bool) -> dict[str, str] | None:
    """Return the people named, address key → as typed; None for all."""
    from composer.audience.address import Problem, parse_address  # noqa: PLC0415 - `--help` needs no address
    from composer.errors import UsageError  # noqa: PLC0415

    if resend == skip:
        raise UsageError("say what is to become of them", hint="Either --resend (send again) or --skip (leave out).")
    people = {}
    for email in emails:
        address = parse_address(email)
        if isinstance(address, Problem):
            raise UsageError(f"{email!r}: {address.message}", hint=address.hint)
        people[address.key] = email
    return people or None


def _ask_to_resolve(campaign: int, number: int, *, resend: bool, yes: bool) -> None:
    typer.echo(f"{_count(number)} of campaign {campaign} in doubt: the answer was lost, and they may have it or not.", err=True)
    question = "Send to them again? Whoever has it gets it twice." if resend else "Leave them out? Whoever has it not will not get it."
    _sure(question, yes=yes)


def _left_out(ledger: Ledger, number: int, people: int) -> int:
    from composer.delivery.model import unsent  # noqa: PLC0415 - with the database
    from composer.ledger.campaigns import count_states, read_campaign  # noqa: PLC0415

    campaign, counts = read_campaign(ledger, number), count_states(ledger, number)
    typer.echo(f"{_count(people)} left out. Campaign {number} is {campaign.state}.")
    if doubtful := counts.get("in_doubt"):
        typer.echo(f"{_count(doubtful)} still in doubt.", err=True)
    if unsent(counts):
        typer.echo(f"`newsletter resume {number}` goes on.", err=True)
    return 0
