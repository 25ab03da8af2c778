"""``newsletter campaigns`` and ``newsletter export``: what was sent so far, and everybody of one campaign as CSV."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from composer.cli.output import number_of, print_json, print_table, typed, when
from composer.cli.scope import scope_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from composer.ledger.answers import Line
    from composer.ledger.database import Ledger
    from composer.ledger.model import Campaign, DeliveryState

_MOST, _ALL = 50, 2**31 - 1
_HEADER = ("address", "name", "list", "state", "reason", "attempts", "first_tried", "last_change", "last_answer", "delivery")
Number = Annotated[int, typer.Argument(metavar="ID", min=1, max=2**31 - 1, help="The campaign.")]


def campaigns(
    context: typer.Context,
    everything: Annotated[bool, typer.Option("--all", help="Show older ones than the last 50, too.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """List the campaigns, the newest first: what, to whom, by which way, how it stands, and how many got it."""
    from composer.cli.status import existing_ledger  # noqa: PLC0415 - brings the database
    from composer.ledger.answers import count_accepted  # noqa: PLC0415
    from composer.ledger.campaigns import list_campaigns  # noqa: PLC0415

    with existing_ledger(scope_of(context).project()) as ledger:
        found = list_campaigns(ledger, _ALL if everything else _MOST)
        accepted = count_accepted(ledger, [each.id for each in found])
    if as_json:
        print_json([_as_data(each, accepted.get(each.id, 0)) for each in found])
    else:
        header = ("ID", "Issue", "Lists", "Transport", "State", "People", "Accepted", "Begun")
        print_table(header, [_row(each, accepted.get(each.id, 0)) for each in found])
        if found and not everything and found[-1].id > 1:
            typer.echo("older ones: --all", err=True)


def _as_data(campaign: Campaign, accepted: int) -> dict[str, object]:
    return {
        "campaign": campaign.id,
        "issue": campaign.issue,
        "lists": [each.name for each in campaign.lists],
        "transport": campaign.transport,
        "real": campaign.real,
        "correction": campaign.correction,
        "untested": campaign.untested,
        "state": campaign.state,
        "reason": campaign.reason,
        "people": campaign.people,
        "canary": campaign.canary,
        "canary_stage": campaign.canary_stage,
        "accepted": accepted,
        "created_at": campaign.created_at.isoformat(),
        "updated_at": campaign.updated_at.isoformat(),
    }


def _row(campaign: Campaign, accepted: int) -> tuple[str, ...]:
    lists = ", ".join(each.name for each in campaign.lists)
    issue = campaign.issue + (" (correction)" if campaign.correction else "")
    transport = campaign.transport + ("" if campaign.real else " (rehearsal)")
    state = f"{campaign.state} (canary {campaign.canary_stage})" if campaign.canary_stage.holds else str(campaign.state)
    numbers = (f"{campaign.people:,}", f"{accepted:,}")
    return (str(campaign.id), issue, lists, transport, state, *numbers, when(campaign.created_at))


def export(
    context: typer.Context,
    campaign: Number,
    file: Annotated[Path | None, typer.Argument(metavar="FILE", help="The CSV file to write, for you alone. Default: print it.")] = None,
    state: Annotated[
        list[str] | None, typer.Option("--state", metavar="STATE", help="Only those in this state, such as failed. May be given again.")
    ] = None,
) -> None:
    """Write everybody of a campaign as CSV, one line a person: state, reason, attempts, times, last answer."""
    from composer.cli.private import write_csv  # noqa: PLC0415 - `--help` writes no file
    from composer.cli.status import existing_ledger  # noqa: PLC0415 - brings the database
    from composer.ledger.campaigns import read_campaign  # noqa: PLC0415

    states = _states(state or [])
    with existing_ledger(scope_of(context).project()) as ledger:
        rows = _cells(ledger, read_campaign(ledger, campaign), states)
        number = write_csv(file, _HEADER, rows) if file else _print_csv(rows)
    typer.echo(f"{number_of(number, 'row')} written" + (f" to {typed(file)}" if file else ""), err=file is None)


def _states(words: Sequence[str]) -> frozenset[DeliveryState]:
    from composer.errors import UsageError  # noqa: PLC0415 - `--help` needs no errors
    from composer.ledger.model import DeliveryState  # noqa: PLC0415

    known = {str(state): state for state in DeliveryState}
    wanted = [word.strip().lower().replace(" ", "_").replace("-", "_") for word in words]
    if unknown := [word for word in wanted if word not in known]:
        raise UsageError(f"there is no state {unknown[0]}", hint=f"It is one of: {', '.join(known)}.")
    return frozenset(known[word] for word in wanted)


def _cells(ledger: Ledger, campaign: Campaign, states: Collection[DeliveryState]) -> Iterator[tuple[str, ...]]:
    from composer.ledger.answers import iter_lines  # noqa: PLC0415 - with the database

    return (_cell(line) for line in iter_lines(ledger, campaign.id, states))


def _cell(line: Line) -> tuple[str, ...]:
    tried = line.first_tried_at.isoformat() if line.first_tried_at else ""
    what = (line.email, line.name, line.list, str(line.state), line.reason)
    return (*what, str(line.attempts), tried, line.updated_at.isoformat(), line.answer, line.id)


def _print_csv(rows: Iterator[tuple[str, ...]]) -> int:
    import csv  # noqa: PLC0415 - `--help` writes no file

    from composer.cli.private import neutral  # noqa: PLC0415

    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(_HEADER)
    return sum(1 for row in rows if writer.writerow(map(neutral, row)))
