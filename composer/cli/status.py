"""``newsletter status``: how a campaign stands, for people or as JSON, once or until it stops."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from composer.cli.output import print_json, print_pairs
from composer.cli.scope import scope_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from composer.ledger.database import Ledger
    from composer.ledger.model import Campaign
    from composer.project import Project


def status(
    context: typer.Context,
    campaign: Annotated[
        int | None,
        typer.Argument(metavar="ID", min=1, max=2**31 - 1, help="The campaign. Default: the newest unfinished, else the newest."),
    ] = None,
    watching: Annotated[bool, typer.Option("--watch", help="Go on looking until it is not running; Ctrl-C ends only the looking.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON; with --watch one line each time.")] = False,
) -> None:
    """Show a campaign: what, to whom, how many deliveries are in each state, why not, and what to do now."""
    from composer.cli.standing import as_data, as_pairs, look  # noqa: PLC0415 - brings dataclasses
    from composer.cli.watch import watch  # noqa: PLC0415 - the same

    project = scope_of(context).project()
    with existing_ledger(project) as ledger:
        standing = look(project, ledger, campaign)
        if watching:
            watch(lambda: look(project, ledger, standing.campaign.id), as_json=as_json)
        elif as_json:
            print_json(as_data(standing))
        else:
            print_pairs(as_pairs(standing))


@contextmanager
def existing_ledger(project: Project) -> Iterator[Ledger]:
    """Open the ledger, but make none. Raises UsageError when nothing was ever sent."""
    from composer.errors import UsageError  # noqa: PLC0415 - with the database
    from composer.ledger.opening import ledger_exists, open_ledger  # noqa: PLC0415

    if not ledger_exists(project):
        raise UsageError("nothing has been sent yet", hint="`newsletter send ISSUE --to LIST` starts a campaign.")
    with open_ledger(project) as ledger:
        yield ledger


def why_not(ledger: Ledger, campaign: Campaign) -> Iterator[str]:
    """Say after a run who was not mailed and why, in numbers, and what the sender may do for them."""
    from composer.cli.standing import Standing, reasons_of, what_is_open  # noqa: PLC0415 - brings the database
    from composer.ledger.campaigns import count_reasons, count_states, read_campaign  # noqa: PLC0415

    counts, reasons = count_states(ledger, campaign.id), tuple(count_reasons(ledger, campaign.id))
    standing = Standing(read_campaign(ledger, campaign.id), counts, reasons)
    yield from reasons_of(standing)
    yield from what_is_open(standing)
