"""The sender's word about a campaign: pause it, cancel it, try the failed again, say what becomes of those in doubt.

Whoever holds the campaign's lock alone may move its deliveries: these take it, or ask the process that has it. Sends nothing.
"""

from __future__ import annotations

import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from composer.delivery.model import OPEN, OVER, CampaignState, DeliveryEvent, DeliveryState, follow
from composer.delivery.orphans import settle
from composer.errors import UsageError
from composer.ledger import resolution
from composer.ledger.answers import states_of
from composer.ledger.campaigns import ask_campaign, count_states, move_campaign, read_campaign
from composer.ledger.canary import release_rest
from composer.ledger.lock import hold_campaign
from composer.ledger.model import CanaryStage, Request

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from datetime import datetime

    from composer.ledger.database import Ledger
    from composer.ledger.model import Campaign
    from composer.project import Project

WAIT_SECONDS = 20.0
_LOOK_SECONDS = 0.25
_BEGINS = timedelta(seconds=5)
_WORDS = {Request.PAUSE: "paused on request", Request.CANCEL: "cancelled on request"}


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait for another process to do what it is asked: ``seconds`` (0: not at all).

    ``asked`` is told once that somebody else was asked, before the wait begins.
    """

    seconds: float = WAIT_SECONDS
    asked: Callable[[], None] = lambda: None
    sleep: Callable[[float], None] = time.sleep


@dataclass(frozen=True, slots=True)
class Effect:
    """What came of a word: the campaign as it is now; ``waiting`` when the process that sends it was asked and has not ended."""

    campaign: Campaign
    waiting: bool = False


_PATIENT = Patience()


def pause(project: Project, ledger: Ledger, campaign: int, now: datetime, patience: Patience = _PATIENT) -> Effect:
    """Pause a campaign, by the process that sends it or, when there is none, directly. Raises UsageError for one that is over."""

    def directly() -> None:
        if read_campaign(ledger, campaign).state is CampaignState.PAUSED:
            ask_campaign(ledger, campaign, Request.NONE)
        else:
            move_campaign(ledger, campaign, CampaignState.PAUSED, now, _WORDS[Request.PAUSE])

    return _carry_out(project, ledger, campaign, Request.PAUSE, directly, patience, now)


def cancel(project: Project, ledger: Ledger, campaign: int, now: datetime, patience: Patience = _PATIENT) -> Effect:
    """End a campaign for good: whoever was waiting is skipped, whoever is in doubt stays so. Raises UsageError for one that is over."""

    def directly() -> None:
        settle(ledger, read_campaign(ledger, campaign), now)
        resolution.cancel(ledger, campaign, _WORDS[Request.CANCEL], now)

    return _carry_out(project, ledger, campaign, Request.CANCEL, directly, patience, now)


def retry(project: Project, ledger: Ledger, campaign: int, now: datetime) -> int:
    """Make who failed or is deferred due now; return how many.

    Raises UsageError when nobody did, the campaign was cancelled, or another process is sending it.
    """
    with hold_campaign(project, ledger, campaign):
        _not_cancelled(read_campaign(ledger, campaign))
        moved = resolution.retry(ledger, campaign, now)
    if not moved:
        raise UsageError(f"nobody of campaign {campaign} failed or is deferred", hint="There is nothing to try again.")
    return moved


def release(project: Project, ledger: Ledger, campaign: int, now: datetime) -> bool:
    """Let the next run send to all when the canary has gone out; say whether it had. Raises UsageError while another process sends."""
    if read_campaign(ledger, campaign).canary_stage is not CanaryStage.GONE:
        return False
    with hold_campaign(project, ledger, campaign):
        unfinished(ledger, campaign)
        return release_rest(ledger, campaign, now)


def find_doubtful(
    project: Project, ledger: Ledger, campaign: int, now: datetime, people: Mapping[str, str] | None = None, *, resend: bool = False
) -> int:
    """Count who is in doubt: all, or ``people`` (address key → as typed); what a dead process left in flight is in doubt from here on.

    Raises UsageError when nobody is, when one of ``people`` is not, when another process is sending the campaign, or for a wish
    to ``resend`` what was cancelled.
    """
    with hold_campaign(project, ledger, campaign):
        found = read_campaign(ledger, campaign)
        if resend:
            _not_cancelled(found)
        settle(ledger, found, now)
    if people is None:
        if number := resolution.count_in_doubt(ledger, campaign):
            return number
        raise UsageError(f"nobody of campaign {campaign} is in doubt", hint="There is nothing to resolve.")
    states = states_of(ledger, campaign, list(people))
    for key, typed in people.items():
        state = states.get(key)
        if state is not DeliveryState.IN_DOUBT:
            what = f"is not in campaign {campaign}" if state is None else f"is not in doubt but {state.replace('_', ' ')}"
            raise UsageError(f"{typed} {what}", hint="Nothing was changed. `newsletter who EMAIL` tells all that is known.")
    return len(people)


def resolve(
    project: Project, ledger: Ledger, campaign: int, now: datetime, *, resend: bool, people: Mapping[str, str] | None = None
) -> int:
    """Let who is in doubt, all or ``people``, be sent to again by the next run, or be skipped; return how many.

    A campaign with nothing open any more is finished by it. Raises UsageError as ``find_doubtful`` does.
    """
    find_doubtful(project, ledger, campaign, now, people, resend=resend)
    keys = None if people is None else list(people)
    with hold_campaign(project, ledger, campaign):
        state = follow(DeliveryState.IN_DOUBT, DeliveryEvent.RESEND if resend else DeliveryEvent.SKIP)
        moved = resolution.resolve(ledger, campaign, state, now, keys)
        _conclude(ledger, campaign, now)
    return moved


def unfinished(ledger: Ledger, campaign: int) -> Campaign:
    """Read a campaign. Raises UsageError for one that is over."""
    found = read_campaign(ledger, campaign)
    if found.state in OVER:
        raise UsageError(f"campaign {campaign} is {found.state}", hint="There is nothing left to send.")
    return found


def is_sent_now(project: Project, ledger: Ledger, campaign: int) -> bool:
    """Say whether a process is sending a campaign at this moment: its lock is held."""
    with _if_free(project, ledger, campaign) as free:
        return not free


@contextmanager
def _if_free(project: Project, ledger: Ledger, campaign: int) -> Iterator[bool]:
    """Hold the campaign's lock during the block and yield True; yield False when another process has it."""
    with ExitStack() as stack:
        try:
            stack.enter_context(hold_campaign(project, ledger, campaign))
        except UsageError:
            yield False
        else:
            yield True


def _carry_out(
    project: Project, ledger: Ledger, campaign: int, request: Request, directly: Callable[[], None], patience: Patience, now: datetime
) -> Effect:
    unfinished(ledger, campaign)
    looks, told = 1 + round(patience.seconds / _LOOK_SECONDS), False
    for look in range(looks):
        last, time_is = look == looks - 1, now + timedelta(seconds=look * _LOOK_SECONDS)
        with _if_free(project, ledger, campaign) as free:
            found = read_campaign(ledger, campaign)
            if free and (last or not _about_to_begin(found, time_is)):
                # It may have come to its end in the meantime, whatever it was asked for.
                if found.state not in OVER:
                    directly()
                return Effect(read_campaign(ledger, campaign))
        if not free:
            _ask(ledger, found, request)
            if not told:
                patience.asked()
            told = True
        if not last:
            patience.sleep(_LOOK_SECONDS)
    return Effect(read_campaign(ledger, campaign), waiting=True)


def _about_to_begin(campaign: Campaign, now: datetime) -> bool:
    """Tell whether a process may just have begun a campaign and not hold it yet: it would run over whatever was done before."""
    return campaign.state is CampaignState.RUNNING and now - campaign.updated_at < _BEGINS


def _ask(ledger: Ledger, campaign: Campaign, request: Request) -> None:
    """Leave the request, unless it is there, or a stronger one is, or the process is done and about to let go.

    A process that has only just begun wipes what was asked before: so it is asked again with every look.
    """
    if campaign.state not in OVER and campaign.request not in (request, Request.CANCEL):
        ask_campaign(ledger, campaign.id, request)


def _conclude(ledger: Ledger, campaign: int, now: datetime) -> None:
    counts = count_states(ledger, campaign)
    if read_campaign(ledger, campaign).state not in OVER and not any(counts.get(state) for state in OPEN):
        move_campaign(ledger, campaign, CampaignState.FINISHED, now)


def _not_cancelled(campaign: Campaign) -> None:
    if campaign.state is CampaignState.CANCELLED:
        raise UsageError(f"campaign {campaign.id} is cancelled", hint="Nothing of it is sent any more; a new `newsletter send` may be.")
