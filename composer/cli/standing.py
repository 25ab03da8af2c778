"""How a campaign stands: what the ledger says of it at one moment, for people or as JSON (its shape is in docs/campaigns.md)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from composer.audience.reasons import counted
from composer.cli.output import typed, when

if TYPE_CHECKING:
    from collections.abc import Iterator

    from composer.ledger.database import Ledger
    from composer.ledger.deferring import DeferringDomain
    from composer.ledger.model import Campaign
    from composer.project import Project

# A campaign that claimed somebody so lately is being sent: its lock need not be looked at.
_FRESH = timedelta(seconds=5)
# So near, the hour says enough.
_SOON = timedelta(hours=12)


@dataclass(frozen=True, slots=True)
class Standing:
    """A campaign, its deliveries by state, those that did not go well by (state, reason, number), when the next deferred one is due.

    ``sending`` says whether a process is sending it; ``place`` where its messages go; ``first`` counts its canary by state while
    nobody else is sent to; ``domains`` are those that defer the most, ``more_domains`` how many do besides.
    """

    campaign: Campaign
    counts: Mapping[str, int]
    reasons: tuple[tuple[str, str, int], ...]
    due: datetime | None = None
    sending: bool = False
    place: str = ""
    first: Mapping[str, int] = field(default_factory=dict)
    domains: tuple[DeferringDomain, ...] = ()
    more_domains: int = 0

    @property
    def unsent(self) -> int:
        """How many a run may still send."""
        from composer.delivery.model import unsent  # noqa: PLC0415 - with the database

        return unsent(self.counts)

    @property
    def waiting(self) -> int:
        """How many a run has yet to try for the first time: of the canary alone, while it goes first."""
        counts = self.first if self.campaign.canary_stage.holds else self.counts
        return counts.get("pending", 0) + counts.get("sending", 0)

    def number(self, *states: str) -> int:
        """Count the deliveries in these states."""
        return sum(self.counts.get(state, 0) for state in states)


def look(project: Project, ledger: Ledger, number: int | None) -> Standing:
    """Look at a campaign: that of the number, else the newest unfinished, else the newest. Raises UsageError when there is none."""
    from composer.delivery.campaign import place  # noqa: PLC0415 - the database costs 230 ms
    from composer.delivery.control import is_sent_now  # noqa: PLC0415 - the same
    from composer.ledger.campaigns import count_reasons, count_states, next_due, read_campaign  # noqa: PLC0415 - the same
    from composer.ledger.canary import count_canary  # noqa: PLC0415 - the same
    from composer.ledger.deferring import deferring_domains  # noqa: PLC0415 - the same

    campaign = read_campaign(ledger, number)
    running = campaign.state == "running"
    fresh = datetime.now(UTC) - campaign.updated_at < _FRESH
    domains, more_domains = deferring_domains(ledger, campaign.id)
    return Standing(
        campaign=campaign,
        counts=count_states(ledger, campaign.id),
        reasons=tuple(count_reasons(ledger, campaign.id)),
        due=next_due(ledger, campaign.id),
        sending=running and (fresh or is_sent_now(project, ledger, campaign.id)),
        place=place(project, campaign),
        first=count_canary(ledger, campaign.id) if campaign.canary_stage.holds else {},
        domains=domains,
        more_domains=more_domains,
    )


def as_data(standing: Standing) -> dict[str, Any]:
    """Return everything, as JSON can hold it; times are ISO 8601 in UTC."""
    from composer.delivery.model import DeliveryState  # noqa: PLC0415 - with the database

    campaign = standing.campaign
    return {
        "campaign": campaign.id,
        "issue": campaign.issue,
        "edition": campaign.edition,
        "lists": [each.name for each in campaign.lists],
        "transport": campaign.transport,
        "real": campaign.real,
        "correction": campaign.correction,
        "untested": campaign.untested,
        "state": campaign.state,
        "reason": campaign.reason,
        "request": campaign.request,
        "sending": standing.sending,
        "created_at": campaign.created_at.isoformat(),
        "updated_at": campaign.updated_at.isoformat(),
        "next_due": standing.due.isoformat() if standing.due else None,
        "place": standing.place,
        "people": campaign.people,
        "canary": campaign.canary,
        "canary_stage": campaign.canary_stage,
        "left_out": {left.reason: left.count for left in campaign.left_out},
        "counts": {str(state): standing.number(state) for state in DeliveryState},
        "reasons": [{"state": state, "reason": reason, "number": number} for state, reason, number in standing.reasons],
        "deferring": [_deferring(each) for each in standing.domains],
        "more_deferring": standing.more_domains,
    }


def _deferring(found: DeferringDomain) -> dict[str, Any]:
    return {"domain": found.domain, "number": found.number, "next_due": found.due_at.isoformat(), "reason": found.reason}


def as_pairs(standing: Standing) -> Iterator[tuple[str, str]]:
    """Yield names and values to print in two columns."""
    campaign = standing.campaign
    yield "Campaign", f"{campaign.id}, {campaign.state}" + (f" ({campaign.reason})" if campaign.reason else "")
    yield "Issue", f"{campaign.issue}, edition {campaign.edition[:12]}"
    yield "Lists", ", ".join(each.name for each in campaign.lists)
    yield "Transport", campaign.transport + ("" if campaign.real else " (a rehearsal: nothing left this machine)")
    if campaign.correction:
        yield "Again", "a correction: it goes to those who had this issue already, too"
    if campaign.real and campaign.untested:
        yield "Untested", "it began although its edition was not accepted in a test send"
    yield "Begun", when(campaign.created_at)
    if standing.place:
        yield ("Server", standing.place) if campaign.real else ("Files", f"{typed(standing.place)}/")
    if campaign.canary:
        yield "Canary", _canary(standing)
    yield from _numbers(standing)
    for number, words in enumerate(reasons_of(standing)):
        yield "" if number else "Why not", words
    for number, words in enumerate(deferring(standing, datetime.now(UTC))):
        yield "" if number else "Deferring", words
    for number, words in enumerate(what_now(standing)):
        yield "" if number else "What now", words


def _canary(standing: Standing) -> str:
    campaign = standing.campaign
    first = f"{campaign.canary:,} {'person' if campaign.canary == 1 else 'people'}"
    return {
        "going": f"{first} first, chosen at random, {standing.waiting:,} of them not tried yet; the rest waits",
        "gone": f"{first} were sent to; the rest waits for `newsletter resume {campaign.id}`",
        "over": f"{first} went first, chosen at random",
    }[campaign.canary_stage]


def deferring(standing: Standing, now: datetime) -> Iterator[str]:
    """Say which domains defer how many, when the next is due and what they said last; the most of them first."""
    for each in standing.domains:
        when_due = f"{each.due_at:%H:%M} UTC" if each.due_at - now < _SOON else when(each.due_at)
        due = "due now" if each.due_at <= now else f"next due {when_due}"
        yield f"{each.domain}: {each.number:,}, {due}: {each.reason or 'no reason was given'}"
    if standing.more_domains:
        yield f"and {standing.more_domains:,} more {'domain' if standing.more_domains == 1 else 'domains'}"


def _numbers(standing: Standing) -> Iterator[tuple[str, str]]:
    from composer.delivery.model import DeliveryState  # noqa: PLC0415 - with the database

    yield "People", f"{sum(standing.counts.values()):,}"
    for state in DeliveryState:
        if number := standing.number(state):
            yield "", f"{number:,} {state.replace('_', ' ')}"
    for number, left in enumerate(standing.campaign.left_out):
        yield "" if number else "Left out", counted(left.reason, left.count)


def reasons_of(standing: Standing) -> Iterator[str]:
    """Say how many deliveries failed, were refused, deferred or are in doubt for which reason; no address of ours is named."""
    for state, reason, number in standing.reasons:
        yield f"{number:,} {state.replace('_', ' ')}: {reason or 'no reason was given'}"


def what_now(standing: Standing) -> Iterator[str]:
    """Say what the sender may do next."""
    campaign, identity = standing.campaign, standing.campaign.id
    if campaign.state == "running":
        if not standing.sending:
            yield f"No process is sending it any more: `newsletter resume {identity}` goes on."
        elif campaign.request:
            yield f"It was asked to {campaign.request}, and will when what is in flight has ended."
    elif campaign.state == "paused" and standing.unsent:
        only = standing.due if standing.unsent == standing.number("deferred") else None
        what = {"going": "goes on with the canary", "gone": "sends to the rest"}.get(campaign.canary_stage, "goes on")
        yield f"`newsletter resume {identity}` {what}" + (f"; the next is due at {only:%Y-%m-%d %H:%M:%S} UTC." if only else ".")
    yield from what_is_open(standing)


def what_is_open(standing: Standing) -> Iterator[str]:
    """Say what the sender may do for those who are in doubt, and those who failed, once nobody sends any more."""
    campaign, identity = standing.campaign, standing.campaign.id
    if standing.sending:
        return
    if doubtful := standing.number("in_doubt"):
        yield f"{doubtful:,} in doubt may have it or not: the answer was lost. `newsletter export {identity} --state in_doubt` names them."
        again = "" if campaign.state == "cancelled" else f"`newsletter resolve {identity} --resend` sends to them again; "
        yield f"{again}`newsletter resolve {identity} --skip` leaves them out."
    if standing.number("failed") and campaign.state != "cancelled":
        yield f"`newsletter retry {identity}` tries those again who failed."
