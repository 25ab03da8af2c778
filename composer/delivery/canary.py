"""The canary of a campaign: a share of its people, chosen at random, who get it first, while the rest waits for the sender's word.

Says how many they are, and ends a run that has sent to all of them. Which are chosen, and who is claimed, is the ledger's.
"""

from __future__ import annotations

import re
from dataclasses import replace
from fractions import Fraction
from math import ceil
from typing import TYPE_CHECKING

from composer.delivery.model import CampaignState, DeliveryState
from composer.errors import UsageError
from composer.ledger.campaigns import read_campaign
from composer.ledger.canary import count_canary, count_untried, hold_rest

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from composer.delivery.sending import Report
    from composer.ledger.database import Ledger

_SHARE = re.compile(r"\s*(?P<percent>[0-9]{1,3}(?:\.[0-9]{1,6})?)\s*%\s*")
_HUNDRED = 100


def parse_share(text: str) -> Fraction:
    """Read a share such as ``2%`` or ``0.5 %`` of all; more than nothing and less than all. Raises UsageError."""
    match = _SHARE.fullmatch(text)
    share = Fraction(match["percent"]) / _HUNDRED if match else Fraction(0)
    if not 0 < share < 1:
        raise UsageError(f"a canary cannot be {text!r}", hint="It is a share of the people, above 0% and below 100%: --canary 2%")
    return share


def people_first(share: Fraction, people: int) -> int:
    """Say how many of ``people`` a share is, rounded up: one at least. Raises UsageError when that is everybody."""
    first = ceil(share * people)
    if first and first == people:
        who = "the one person there is" if people == 1 else f"all {people:,} people"
        raise UsageError(f"this canary would be everybody: {who}", hint="Leave --canary out, or name a smaller share.")
    return first


def conclude(ledger: Ledger, report: Report, now: datetime) -> Report:
    """Hold the rest back when a run has come to its end with nobody of the canary left untried; else return ``report`` as it is.

    Whoever is deferred was tried, but those who were only held back for their domain. The campaign is held.
    """
    campaign = read_campaign(ledger, report.campaign)
    if not campaign.canary_stage.holds or report.stopped or report.state is not CampaignState.PAUSED:
        return report
    if count_untried(ledger, campaign.id):
        return report
    counts = count_canary(ledger, campaign.id)
    gone = f"the canary has gone out: {campaign.canary:,} of {campaign.people:,} people ({_counted(counts)})"
    reason = f"{gone}; look at what came back, then `newsletter resume {campaign.id}` sends to the rest"
    hold_rest(ledger, campaign.id, reason, now)
    return replace(report, reason=reason, due=None, stopped=True, held=True)


def _counted(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{counts[state]:,} {state.replace('_', ' ')}" for state in DeliveryState if counts.get(state))
