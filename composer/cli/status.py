"""``newsletter status``: how a campaign stands, for people or as JSON."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from composer.cli.output import print_json, print_pairs, typed
from composer.cli.scope import scope_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from composer.ledger.database import Ledger
    from composer.ledger.model import Campaign
    from composer.project import Project


def status(
    context: typer.Context,
    campaign: Annotated[
        int | None,
        typer.Argument(metavar="ID", min=1, max=2**31 - 1, help="The campaign. Default: the newest unfinished, else the newest."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Show a campaign: what, to whom, and how many deliveries are in each state."""
    from composer.ledger.campaigns import count_states, read_campaign  # noqa: PLC0415 - the database costs 230 ms

    project = scope_of(context).project()
    with existing_ledger(project) as ledger:
        chosen = read_campaign(ledger, campaign)
        counts = count_states(ledger, chosen.id)
        reasons = list(why_not(ledger, chosen))
    if as_json:
        print_json(_as_data(project, chosen, counts))
    else:
        print_pairs(_as_pairs(project, chosen, counts))
        print_pairs(("" if number else "Why not", words) for number, words in enumerate(reasons))


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
    """Say how many deliveries failed, were refused, deferred or are in doubt for which reason; no address is named."""
    from composer.ledger.campaigns import count_reasons  # noqa: PLC0415 - with the database

    for state, reason, number in count_reasons(ledger, campaign.id):
        yield f"{number:,} {state.replace('_', ' ')}: {reason or 'no reason was given'}"


def _as_data(project: Project, campaign: Campaign, counts: Mapping[str, int]) -> dict[str, object]:
    from composer.delivery.campaign import place  # noqa: PLC0415 - with the database
    from composer.delivery.model import DeliveryState  # noqa: PLC0415

    return {
        "campaign": campaign.id,
        "issue": campaign.issue,
        "edition": campaign.edition,
        "lists": [each.name for each in campaign.lists],
        "transport": campaign.transport,
        "real": campaign.real,
        "state": campaign.state,
        "reason": campaign.reason,
        "created_at": campaign.created_at.isoformat(),
        "updated_at": campaign.updated_at.isoformat(),
        "place": place(project, campaign),
        "left_out": {left.reason: left.count for left in campaign.left_out},
        "counts": {str(state): counts.get(state, 0) for state in DeliveryState},
    }


def _as_pairs(project: Project, campaign: Campaign, counts: Mapping[str, int]) -> Iterator[tuple[str, str]]:
    from composer.delivery.campaign import place  # noqa: PLC0415 - with the database
    from composer.delivery.model import DeliveryState  # noqa: PLC0415

    yield "Campaign", f"{campaign.id}, {campaign.state}" + (f" ({campaign.reason})" if campaign.reason else "")
    yield "Issue", f"{campaign.issue}, edition {campaign.edition[:12]}"
    yield "Lists", ", ".join(each.name for each in campaign.lists)
    yield "Transport", campaign.transport + ("" if campaign.real else " (a rehearsal: nothing left this machine)")
    yield "Begun", f"{campaign.created_at:%Y-%m-%d %H:%M} UTC"
    if where := place(project, campaign):
        yield "Files", f"{typed(where)}/"
    yield "People", f"{sum(counts.values()):,}"
    for state in DeliveryState:
        if counts.get(state):
            yield "", f"{counts[state]:,} {state.replace('_', ' ')}"
    for number, left in enumerate(campaign.left_out):
        yield "" if number else "Left out", f"{left.count:,} {left.reason.replace('_', ' ')}"
