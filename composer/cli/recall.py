"""``newsletter recall``: withdraw what was handed over to be sent later."""

from __future__ import annotations

from typing import Annotated

import typer

from composer.cli.output import confirm
from composer.cli.scope import scope_of

USAGE = 2


def recall(
    context: typer.Context,
    campaign: Annotated[int, typer.Argument(metavar="ID", min=1, max=2**31 - 1, help="The campaign.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Withdraw a campaign that was handed over with `undo_minutes`, until ten minutes before it goes out, and end it."""
    from datetime import UTC, datetime  # noqa: PLC0415 - with the database

    from composer.cli.status import existing_ledger  # noqa: PLC0415 - brings the database
    from composer.delivery.campaign import as_begun  # noqa: PLC0415
    from composer.delivery.undo import recall as withdraw  # noqa: PLC0415
    from composer.ledger.campaigns import read_campaign  # noqa: PLC0415

    project = scope_of(context).project()
    with existing_ledger(project) as ledger:
        chosen = read_campaign(ledger, campaign)
        if not yes and not confirm(f"Withdraw campaign {chosen.id} from {chosen.people:,} people?"):
            typer.echo("Nothing was withdrawn.", err=True)
            raise typer.Exit(USAGE)
        then = as_begun(project, chosen)
        done = withdraw(then, then.config, ledger, chosen, lambda: datetime.now(UTC))
    if done.recalled or done.skipped or not done.too_late:
        typer.echo(f"Campaign {chosen.id} is cancelled: {done.recalled:,} withdrawn, {done.skipped:,} not sent.")
    else:
        typer.echo(f"Nobody was withdrawn from campaign {chosen.id}.")
    if done.too_late:
        typer.echo("For the rest it was too late: they get it, or have it. `newsletter status` says how many.", err=True)
        raise typer.Exit(1)
