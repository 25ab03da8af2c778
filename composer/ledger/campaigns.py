"""Campaigns: begun with every delivery written before one is sent, then read, counted and moved between states."""

from __future__ import annotations

import os
from base64 import b32encode
from dataclasses import asdict
from itertools import islice
from typing import TYPE_CHECKING, Any

from sqlalchemy import Row, and_, func, insert, select, update

from composer.audience.model import LeftOut
from composer.config import ListSettings
from composer.errors import LedgerError, UsageError
from composer.findings import Where
from composer.ledger.bulk import insert_rows
from composer.ledger.canary import mark_canary
from composer.ledger.editions import keep_edition
from composer.ledger.model import Campaign, CampaignState, CanaryStage, DeliveryState, Request
from composer.ledger.schema import REACHED, campaigns, deliveries

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import datetime

    from composer.audience.model import Audience
    from composer.edition.model import Edition
    from composer.ledger.database import Ledger

_CHUNK = 5_000
_IN_LIMIT = 500
_MOST_REASONS = 10
_LOOK_BACK = 200
_ID_BYTES, _ID_LETTERS = 15, 24
_PERSON = ("id", "position", "address_key", "email", "name", "fields", "list")
UNFINISHED = (CampaignState.RUNNING, CampaignState.PAUSED)


def new_ids(count: int) -> list[str]:
    """Make delivery ids: 120 random bits each, 24 lower-case letters and digits, safe in URLs and addresses."""
    pool = b32encode(os.urandom(_ID_BYTES * count)).decode("ascii").lower()
    return [pool[start : start + _ID_LETTERS] for start in range(0, len(pool), _ID_LETTERS)]


def start_campaign(  # noqa: PLR0913 - all that a campaign is, said once
    ledger: Ledger,
    edition: Edition,
    audience: Audience,
    *,
    transport: str,
    real: bool,
    setting: Mapping[str, Any],
    now: datetime,
    correction: bool = False,
    untested: bool = False,
    canary: int = 0,
) -> int:
    """Freeze an edition, its audience and ``setting`` (as JSON), one pending delivery a person, in one transaction; return its id.

    ``canary`` of the people, chosen at random, go first.
    """
    with ledger.write() as connection:
        keep_edition(connection, edition, now)
        row = {
            "issue": edition.stem,
            "edition": edition.digest,
            "lists": [asdict(settings) for settings in audience.lists],
            "left_out": [asdict(left) for left in audience.left_out],
            "transport": transport,
            "real": real,
            "correction": correction,
            "untested": untested,
            "people": len(audience.subscribers),
            "request": Request.NONE,
            "setting": dict(setting),
            "state": CampaignState.RUNNING,
            "reason": "",
            "created_at": now,
            "updated_at": now,
            "canary": canary,
            "canary_stage": CanaryStage.GOING if canary else CanaryStage.NONE,
        }
        campaign = int(connection.execute(insert(campaigns).values(row)).inserted_primary_key[0])  # type: ignore[index]  # one key, always there
        common = {
            "campaign": campaign,
            "issue": edition.stem,
            "real": real,
            "correction": correction,
            "state": DeliveryState.PENDING,
            "reason": "",
            "attempts": 0,
            "updated_at": now,
        }
        insert_rows(connection, deliveries, _PERSON, _people(audience), common)
        if canary:
            mark_canary(connection, campaign, canary)
    return campaign


def _people(audience: Audience) -> Iterator[tuple[Any, ...]]:
    people = enumerate(audience.subscribers, 1)
    while chunk := list(islice(people, _CHUNK)):
        for identity, (position, person) in zip(new_ids(len(chunk)), chunk, strict=True):
            yield identity, position, person.key, person.email, person.name, dict(person.fields), person.list


def already_mailed(ledger: Ledger, issue: str, keys: Iterable[str]) -> set[str]:
    """Say which of these addresses a real campaign has mailed this issue to, may have, or is mailing now."""
    stream = iter(keys)
    found: set[str] = set()
    with ledger.read() as connection:
        while chunk := list(islice(stream, _IN_LIMIT)):
            held = select(deliveries.c.address_key).where(deliveries.c.issue == issue, deliveries.c.address_key.in_(chunk), REACHED)
            found.update(connection.execute(held).scalars())
    return found


def read_campaign(ledger: Ledger, campaign: int | None = None) -> Campaign:
    """Read a campaign: the one of that id, else the newest unfinished, else the newest. Raises UsageError when there is none."""
    newest = select(campaigns).order_by(campaigns.c.state.in_(UNFINISHED).desc(), campaigns.c.id.desc()).limit(1)
    with ledger.read() as connection:
        row = connection.execute(newest if campaign is None else newest.where(campaigns.c.id == campaign)).first()
    if row is None:
        what = "no campaign yet" if campaign is None else f"no campaign {campaign}"
        raise UsageError(f"there is {what}", hint="`newsletter send` starts one; `newsletter status` shows the newest.")
    return _campaign(row)


def list_campaigns(ledger: Ledger, most: int = 100) -> list[Campaign]:
    """Read campaigns, the newest first."""
    with ledger.read() as connection:
        return [_campaign(row) for row in connection.execute(select(campaigns).order_by(campaigns.c.id.desc()).limit(most))]


def last_alike(ledger: Ledger, lists: Iterable[str]) -> Campaign | None:
    """Read the newest real campaign to exactly these lists, corrections and cancelled ones aside; None when there is none."""
    wanted = set(lists)
    alike = and_(campaigns.c.real, ~campaigns.c.correction, campaigns.c.state != CampaignState.CANCELLED)
    with ledger.read() as connection:
        for row in connection.execute(select(campaigns).where(alike).order_by(campaigns.c.id.desc()).limit(_LOOK_BACK)):
            if {each["name"] for each in row.lists} == wanted:
                return _campaign(row)
    return None


def ask_campaign(ledger: Ledger, campaign: int, request: Request) -> None:
    """Leave a request for the process that sends a campaign; it looks with every claim."""
    with ledger.write() as connection:
        connection.execute(update(campaigns).where(campaigns.c.id == campaign).values(request=request))


def move_campaign(ledger: Ledger, campaign: int, state: CampaignState, now: datetime, reason: str = "") -> None:
    """Put a campaign into a state; ``reason`` says why it paused, and requests are answered. Raises LedgerError for an unknown id."""
    change = update(campaigns).where(campaigns.c.id == campaign).values(state=state, reason=reason, request=Request.NONE, updated_at=now)
    with ledger.write() as connection:
        if connection.execute(change).rowcount != 1:
            raise LedgerError(f"there is no campaign {campaign}", where=Where(ledger.name))


def count_states(ledger: Ledger, campaign: int) -> dict[str, int]:
    """Count a campaign's deliveries by state; states that nobody is in are left out."""
    counting = (
        select(deliveries.c.state, func.count().label("number")).where(deliveries.c.campaign == campaign).group_by(deliveries.c.state)
    )
    with ledger.read() as connection:
        return {row.state: row.number for row in connection.execute(counting)}


def count_reasons(ledger: Ledger, campaign: int) -> list[tuple[str, str, int]]:
    """Count the deliveries that did not go well by state and reason, the most frequent first: (state, reason, number)."""
    number = func.count().label("number")
    unwell = (DeliveryState.FAILED, DeliveryState.REJECTED, DeliveryState.IN_DOUBT, DeliveryState.DEFERRED)
    counting = (
        select(deliveries.c.state, deliveries.c.reason, number)
        .where(deliveries.c.campaign == campaign, deliveries.c.state.in_(unwell))
        .group_by(deliveries.c.state, deliveries.c.reason)
        .order_by(number.desc(), deliveries.c.reason)
        .limit(_MOST_REASONS)
    )
    with ledger.read() as connection:
        return [(row.state, row.reason, row.number) for row in connection.execute(counting)]


def next_due(ledger: Ledger, campaign: int) -> datetime | None:
    """Say when the first deferred delivery of a campaign is due again; None when nothing is deferred."""
    deferred = deliveries.c.state == DeliveryState.DEFERRED
    with ledger.read() as connection:
        due: datetime | None = connection.execute(
            select(func.min(deliveries.c.due_at)).where(deliveries.c.campaign == campaign, deferred)
        ).scalar()
    return due


def _campaign(row: Row[Any]) -> Campaign:
    values = dict(row._mapping)  # noqa: SLF001 - the documented way to a row's names
    values["state"] = CampaignState(values["state"])
    values["request"] = Request(values["request"])
    values["canary_stage"] = CanaryStage(values["canary_stage"])
    values["lists"] = tuple(ListSettings(**settings) for settings in values["lists"])
    values["left_out"] = tuple(LeftOut(**left) for left in values["left_out"])
    return Campaign(**values)
