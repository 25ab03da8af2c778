"""A campaign from its first row to its last answer: begun from what was prepared, run until done or stopped.

A run needs the ledger and the configuration alone: neither the issue nor the lists are read again.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from composer.delivery.dispatch import Sending, dispatch
from composer.delivery.model import CampaignState
from composer.errors import UsageError
from composer.ledger.campaigns import read_campaign, start_campaign
from composer.ledger.deliveries import positions
from composer.ledger.editions import read_edition
from composer.message.build import build_message, inline_images
from composer.message.merge import Merger
from composer.transport.registry import Occasion, open_transport, way_out

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime
    from pathlib import Path

    from composer.config import Config, ListSettings
    from composer.delivery.dispatch import Report
    from composer.delivery.prepare import Prepared
    from composer.edition.model import Edition
    from composer.ledger.database import Ledger
    from composer.ledger.model import Campaign, Claimed
    from composer.message.model import Message
    from composer.project import Project

_OVER = (CampaignState.FINISHED, CampaignState.CANCELLED)


def begin(ledger: Ledger, prepared: Prepared, now: datetime) -> Campaign:
    """Write the campaign with all its deliveries; nothing is sent yet. Raises UsageError when something blocks it."""
    if prepared.blocking:
        raise UsageError("this cannot be sent", findings=prepared.blocking)
    campaign = start_campaign(ledger, prepared.edition, prepared.audience, transport=prepared.transport, real=prepared.real, now=now)
    return read_campaign(ledger, campaign)


def run(
    project: Project,
    ledger: Ledger,
    campaign: Campaign,
    *,
    clock: Callable[[], datetime],
    stop: Callable[[], bool] = lambda: False,
    progress: Callable[[int], None] = lambda _: None,
    probe: Callable[[str], None] = lambda _: None,
) -> Report:
    """Send what is left of a campaign. Raises UsageError for one that is over or sent by another process, Stopped."""
    if campaign.state in _OVER:
        raise UsageError(f"campaign {campaign.id} is {campaign.state}", hint="There is nothing left to send.")
    edition = read_edition(ledger, campaign.edition)
    settings = common_settings(campaign.lists)
    config, keys = project.config, project.signing_keys()
    merger = Merger(edition, image_urls(edition, config, real=campaign.real, public=is_public(settings)))

    def build(row: Claimed, now: datetime) -> Message:
        return build_message(merger, row.subscriber, delivery_id=row.id, date=now, config=config, settings=settings, keys=keys)

    transport = open_transport(project, campaign.transport, _occasion(ledger, campaign))
    try:
        return dispatch(
            Sending(
                ledger=ledger,
                campaign=campaign,
                transport=transport,
                build=build,
                lock=lock_path(project, campaign.id),
                clock=clock,
                batch=max(1, config.delivery.batch),
                stop=stop,
                progress=progress,
                probe=probe,
            )
        )
    finally:
        transport.close()


def is_public(settings: ListSettings) -> bool:
    """Tell whether a list is the public's; what is not known to be of the staff is."""
    return settings.kind != "staff"


def image_urls(edition: Edition, config: Config, *, real: bool, public: bool) -> dict[str, str]:
    """Return the address of every local image, by mark: hosted when the public really gets it, else inside the message."""
    if not (real and public):
        return inline_images(edition)
    return {asset.mark: f"{config.images.url.rstrip('/')}/{asset.hosted_name}" for asset in edition.attachments}


def common_settings(lists: Sequence[ListSettings]) -> ListSettings:
    """Return the settings that one edition for several lists has: those of the first public list, else of the first.

    Raises UsageError when the lists differ in what readers see.
    """
    if not lists:
        raise UsageError("no list is named", hint="Name one with --to, such as --to staff.")
    chosen = next((each for each in lists if is_public(each)), lists[0])
    for each in lists:
        if replace(each, name="", title="", kind="") != replace(chosen, name="", title="", kind=""):
            hint = "Send to one after the other; nobody gets the issue twice."
            raise UsageError(f"the lists {chosen.name} and {each.name} differ in sender, language or template", hint=hint)
    return chosen


def lock_path(project: Project, campaign: int) -> Path:
    """Where the lock of a campaign lies."""
    return project.var / f"campaign-{campaign}.lock"


def place(project: Project, campaign: Campaign) -> str:
    """Say where a campaign's messages go: for the outbox, its folder."""
    return way_out(campaign.transport).place(project, _occasion(None, campaign))


def _occasion(ledger: Ledger | None, campaign: Campaign) -> Occasion:
    known = (lambda ids: positions(ledger, ids)) if ledger else None
    return Occasion(campaign.issue, campaign.id, campaign.created_at, known)
