"""A campaign from its first row to its last answer: begun from what was prepared, run until done or stopped.

A run needs the ledger and the project's secrets: neither the issue nor the lists are read again, and what messages depend on
is the configuration of the start.
"""

from __future__ import annotations

from contextlib import closing, nullcontext
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from composer.audience.select import common_settings, is_public
from composer.delivery import canary
from composer.delivery.dispatch import dispatch
from composer.delivery.model import OVER, CampaignState, DeliveryState
from composer.delivery.orphans import settle
from composer.delivery.pacing import Limits
from composer.delivery.sending import RESUME, Sending, Terms, Watch
from composer.delivery.setting import thaw
from composer.delivery.undo import choose_batch, last_call, offers_undo, reconcile, replace_doubtful
from composer.errors import ComposerError, Stopped, UsageError
from composer.ledger.apart import exchanging
from composer.ledger.campaigns import move_campaign, read_campaign, start_campaign
from composer.ledger.deliveries import record_and_claim
from composer.ledger.editions import read_edition
from composer.ledger.forgotten import count_forgotten
from composer.ledger.lock import hold_campaign
from composer.ledger.opening import BUSY_SECONDS, ledger_path
from composer.ledger.undo import UndoBatch
from composer.message.build import Builder, image_urls
from composer.message.merge import Merger
from composer.transport.registry import Occasion, open_transport, way_out

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from datetime import datetime

    from composer.delivery.prepare import Prepared
    from composer.delivery.sending import Report
    from composer.ledger.apart import Exchange
    from composer.ledger.database import Ledger
    from composer.ledger.model import Campaign, Claimed
    from composer.message.model import Message
    from composer.project import Project

_NOBODY = Watch()
# From so many people on, the ledger is kept by a process of its own, which takes a third of a second to start.
MANY = 5_000
# What kept the ledger for a sender that was killed holds the campaign until its last commit is done.
_PATIENT = 60


def begin(ledger: Ledger, prepared: Prepared, now: datetime) -> Campaign:
    """Write the campaign with all its deliveries; nothing is sent yet. Raises UsageError when something blocks it."""
    if prepared.blocking:
        raise UsageError("this cannot be sent", findings=prepared.blocking)
    if count_forgotten(ledger) != prepared.forgotten:
        raise UsageError("somebody was forgotten since the audience was chosen", hint="Nothing was sent; say it again.")
    campaign = start_campaign(
        ledger,
        prepared.edition,
        prepared.audience,
        transport=prepared.transport,
        real=prepared.real,
        setting=prepared.setting,
        now=now,
        correction=prepared.correction,
        untested=prepared.untested,
        canary=prepared.canary,
    )
    return read_campaign(ledger, campaign)


def run(project: Project, ledger: Ledger, campaign: Campaign, *, clock: Callable[[], datetime], watch: Watch = _NOBODY) -> Report:
    """Send what is left of a campaign. Raises UsageError for one that is over or sent by another process, Stopped."""
    _refuse_over(campaign)
    then = as_begun(project, campaign)
    with hold_campaign(project, ledger, campaign.id, tries=_PATIENT) as lock:
        settle(ledger, campaign, clock())
        report = _once(then, ledger, campaign, clock, watch, lock)
        doubt = report.counts.get(DeliveryState.IN_DOUBT) and not report.stopped
        if doubt and offers_undo(then.config, campaign) and replace_doubtful(then.config, ledger, campaign, clock):
            report = _once(then, ledger, campaign, clock, watch, lock)
        return canary.conclude(ledger, report, clock())


def _exchange(then: Project, ledger: Ledger, campaign: Campaign, lock: int | None) -> AbstractContextManager[Exchange | None]:
    """Return what keeps a ledger apart from what is sent: a process more is worth it for many people, and a file alone can be shared so."""
    if lock is None or campaign.people < MANY or not way_out(campaign.transport).apart:
        return nullcontext()
    here = partial(record_and_claim, ledger, campaign.id)
    return exchanging(ledger_path(then), ledger.name, campaign.id, lock, BUSY_SECONDS, meanwhile=here)


def _once(then: Project, ledger: Ledger, campaign: Campaign, clock: Callable[[], datetime], watch: Watch, lock: int | None) -> Report:
    """Run the loop once, while the campaign is held. A transport that cannot be opened pauses the campaign."""
    _refuse_over(read_campaign(ledger, campaign.id))  # another process may have had it until a moment ago
    # First: while the other process starts, this one opens what else it needs.
    with _exchange(then, ledger, campaign, lock) as exchange:
        try:
            sending = _sending(then, ledger, campaign, clock)
        except ComposerError as err:
            move_campaign(ledger, campaign.id, CampaignState.PAUSED, clock(), err.message)
            hint = f"{err.hint} {RESUME.format(id=campaign.id)}".strip()
            raise Stopped(err.message, where=err.where, hint=hint, findings=err.findings) from err
        with closing(sending.transport):
            return dispatch(replace(sending, watch=watch, exchange=exchange))


def _refuse_over(campaign: Campaign) -> None:
    if campaign.state in OVER:
        raise UsageError(f"campaign {campaign.id} is {campaign.state}", hint="There is nothing left to send.")


def _sending(then: Project, ledger: Ledger, campaign: Campaign, clock: Callable[[], datetime]) -> Sending:
    undo = _undo(then, ledger, campaign, clock)
    build = _builder(then, ledger, campaign)
    delivery = then.config.delivery
    return Sending(
        ledger=ledger,
        campaign=campaign,
        transport=open_transport(then, campaign.transport, _occasion(campaign, undo)),
        build=build,
        lock=nullcontext,
        clock=clock,
        batch=delivery.batch,
        # Nobody waits for the deferred of a canary, for that is when the sender looks, unless some of them are only held back.
        wait=timedelta(minutes=0 if campaign.canary_stage.holds and not delivery.per_domain_minute else delivery.wait),
        give_up=timedelta(hours=delivery.give_up),
        undo=undo.id if undo else "",
        until=last_call(undo) if undo else None,
        terms=Terms(
            Limits(delivery.per_second, delivery.per_hour, delivery.per_day), delivery.per_domain_minute, delivery.pause_at_rejects
        ),
    )


def _undo(then: Project, ledger: Ledger, campaign: Campaign, clock: Callable[[], datetime]) -> UndoBatch | None:
    if not offers_undo(then.config, campaign):
        return None
    reconcile(then.config, ledger, campaign, clock)
    return choose_batch(then.config, ledger, campaign, clock())


def _builder(project: Project, ledger: Ledger, campaign: Campaign) -> Callable[[Claimed, datetime], Message]:
    edition, settings = read_edition(ledger, campaign.edition), common_settings(campaign.lists)
    config = project.config
    keys = project.signing_keys() if config.unsubscribe.via == "service" else ()
    merger = Merger(edition, image_urls(edition, config, hosted=campaign.real and is_public(settings)))
    builder = Builder(merger, config=config, settings=settings, keys=keys)

    def build(row: Claimed, now: datetime) -> Message:
        return builder.build(row, row.id, now, row.position)

    return build


def place(project: Project, campaign: Campaign) -> str:
    """Say where a campaign's messages go: for the outbox, its folder."""
    return way_out(campaign.transport).place(as_begun(project, campaign), _occasion(campaign))


def as_begun(project: Project, campaign: Campaign) -> Project:
    """Return the project with what its messages depend on as it was when the campaign began; secrets and pace are of today."""
    config = thaw(project.config, campaign.setting)
    return replace(project, config=replace(config, delivery=replace(config.delivery, transport=campaign.transport)))


def _occasion(campaign: Campaign, undo: UndoBatch | None = None) -> Occasion:
    occasion = Occasion(campaign.issue, campaign.id, campaign.created_at)
    return replace(occasion, batch=undo.id, send_at=undo.send_at) if undo else occasion
