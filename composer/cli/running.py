"""A campaign while it runs in this process, and the words it ends with; `send`, `resume`, `retry` and `resolve` share it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from composer.cli.interrupt import stop_on_signal
from composer.cli.output import progress, typed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from composer.delivery.sending import Report
    from composer.ledger.database import Ledger
    from composer.ledger.model import Campaign
    from composer.project import Project

REHEARSAL = (
    "Nothing {tense} this machine: the outbox writes one file per person. A rehearsal counts as mailed for nobody, and may be repeated."
)


def run_to_end(project: Project, ledger: Ledger, campaign: Campaign) -> int:
    """Run a campaign until it is done or stopped, say how it ended, and return the exit code."""
    from datetime import UTC, datetime  # noqa: PLC0415 - with the rest below

    from composer.cli.status import why_not  # noqa: PLC0415 - brings the database
    from composer.delivery.campaign import run  # noqa: PLC0415
    from composer.delivery.model import unsent  # noqa: PLC0415
    from composer.delivery.sending import Watch  # noqa: PLC0415
    from composer.ledger.campaigns import count_states  # noqa: PLC0415
    from composer.ledger.canary import count_canary  # noqa: PLC0415

    count = count_canary if campaign.canary_stage.holds else count_states
    with stop_on_signal() as interrupt, progress("Sending", unsent(count(ledger, campaign.id))) as advance:
        watch = Watch(
            stop=interrupt.asked, interruptible=interrupt.interruptible, progress=advance, waiting=_say_waiting, resting=_say_resting
        )
        report = run(project, ledger, campaign, clock=lambda: datetime.now(UTC), watch=watch)
    _conclude(project, campaign, report)
    for words in _held(ledger, campaign):
        typer.echo(words, err=True)
    for words in why_not(ledger, campaign):
        typer.echo(words, err=True)
    return report.exit_code


def _conclude(project: Project, campaign: Campaign, report: Report) -> None:
    from composer.delivery.campaign import place  # noqa: PLC0415 - brings the database
    from composer.delivery.model import DeliveryState  # noqa: PLC0415

    counts = ", ".join(f"{report.counts[state]:,} {state.replace('_', ' ')}" for state in DeliveryState if report.counts.get(state))
    typer.echo(f"Campaign {campaign.id} is {report.state}: {counts}.")
    if not campaign.real and (where := place(project, campaign)):
        typer.echo(f"Files: {typed(where)}/")
    if report.reason:
        more = f" `newsletter resume {campaign.id}` goes on{' then' if report.due else ''}." if report.left and not report.held else ""
        typer.echo(f"Stopped: {report.reason.rstrip('.')}.{more}", err=True)
    if not campaign.real:
        typer.echo(REHEARSAL.format(tense="left"), err=True)


def _say_waiting(due: datetime) -> None:
    typer.echo(f"Waiting for deferred deliveries; the next is due at {due:%H:%M:%S} UTC. Ctrl-C pauses.", err=True)


def _say_resting(until: datetime, limit: str) -> None:
    typer.echo(f"The limit [delivery] {limit} is reached; it goes on at {until:%H:%M:%S} UTC. Ctrl-C pauses.", err=True)


def _held(ledger: Ledger, campaign: Campaign) -> Iterator[str]:
    """Say until when a campaign that was handed over for later can be withdrawn."""
    from composer.delivery.undo import last_call  # noqa: PLC0415 - with the database
    from composer.ledger.undo import read_batches  # noqa: PLC0415

    for batch in read_batches(ledger, campaign.id):
        if batch.state == "open":
            recall = f"until {last_call(batch):%H:%M} UTC `newsletter recall {campaign.id}` withdraws it"
            yield f"SendGrid sends it at {batch.send_at:%H:%M} UTC; {recall}."
