"""Why somebody has no delivery in a campaign, as far as that can be known afterwards. Only looks.

Lists are read as they are today: what they were when the campaign began is kept for those alone who were in it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from composer.audience.files import declare
from composer.audience.reasons import told
from composer.delivery.choosing import NOT_IN_SEGMENT
from composer.delivery.traces import rows_of
from composer.errors import AudienceError
from composer.ledger.model import SubscriptionState
from composer.ledger.resolution import may_have_it

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from composer.ledger.model import Campaign
    from composer.ledger.subscribers import Person, Subscribed
    from composer.project import Project


def why_absent(project: Project, campaign: Campaign, person: Person) -> str:
    """Say in a clause why a person is not in a campaign: ``on no list of it``, ``suppressed since …``, ``joined readers later, on …``."""
    then = campaign.created_at
    if person.forgotten_at and person.forgotten_at <= then:
        return f"forgotten on {_day(person.forgotten_at)}, and mailed no more since"
    if campaign.real and not campaign.correction and (first := _had_it(campaign, person)):
        return f"had this issue already, by campaign {first}"
    names = {each.name for each in campaign.lists}
    for each in person.suppressions:
        if each.scope in {"", *names} and each.created_at and each.created_at <= then:
            where = f"on {each.scope}" if each.scope else "everywhere"
            return f"suppressed {where} since {_day(each.created_at)}: {told(each.reason)}"
    return _by_lists(project, campaign, person)


def _had_it(campaign: Campaign, person: Person) -> int:
    """Return the first other real campaign of the issue that reached the person, or may have; 0 when none did."""
    others = (each for each in person.deliveries if each.real and each.issue == campaign.issue and each.campaign < campaign.id)
    return next((each.campaign for each in others if may_have_it(each.state, each.reason)), 0)


def _by_lists(project: Project, campaign: Campaign, person: Person) -> str:
    said, unknown = [], []
    for each in campaign.lists:
        try:
            declaration = declare(project, each.name)
        except AudienceError:
            unknown.append(f"the list {each.name} is not declared any more")
            continue
        if declaration.in_ledger:
            said += [_of_ledger(found, campaign) for found in person.subscriptions if found.list == each.name]
        else:
            said += list(_of_file(project, declaration.people, person.key, campaign))
    if said or unknown:
        return "; ".join((*said, *unknown))
    names = [each.name for each in campaign.lists]
    return f"not on the list {names[0]}" if len(names) == 1 else f"on none of the lists {', '.join(names)}"


def _of_ledger(found: Subscribed, campaign: Campaign) -> str:
    if found.created_at > campaign.created_at:
        return f"joined {found.list} later, on {_day(found.created_at)}"
    if found.state is SubscriptionState.UNSUBSCRIBED:
        return f"left {found.list} on {_day(found.updated_at)}"
    if found.state is SubscriptionState.UNCONFIRMED:
        return f"on {found.list}, but never confirmed"
    if found.updated_at > campaign.created_at:
        return f"on {found.list}, where something changed later, on {_day(found.updated_at)}"
    return f"on {found.list} since {_day(found.created_at)}, but {_not_chosen(campaign)}"


def _of_file(project: Project, path: str, key: str, campaign: Campaign) -> Iterator[str]:
    rows, _ = rows_of(project, key)
    for row in rows:
        if row.where.path == path:
            yield f"in {row.where} today: added later, or {_not_chosen(campaign)}"
            return


def _not_chosen(campaign: Campaign) -> str:
    if any(left.reason == NOT_IN_SEGMENT for left in campaign.left_out):
        return "not in the segment that was asked for"
    return "left out then for a reason that no longer holds"


def _day(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d}"
