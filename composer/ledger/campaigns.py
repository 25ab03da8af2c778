"""Campaigns: begun with every delivery written before one is sent, then counted and moved between states."""

from __future__ import annotations

import os
from base64 import b32encode
from dataclasses import asdict
from itertools import islice
from typing import TYPE_CHECKING, Any

from sqlalchemy import Row, func, insert, select, update

from composer.audience.model import LeftOut
from composer.config import ListSettings
from composer.errors import LedgerError, UsageError
from composer.findings import Where
from composer.ledger.editions import keep_edition
from composer.ledger.model import Campaign, CampaignState, DeliveryState
from composer.ledger.schema import HELD, campaigns, deliveries

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import datetime

    from composer.audience.model import Audience
    from composer.edition.model import Edition
    from composer.ledger.database import Ledger

_CHUNK = 5_000
_IN_LIMIT = 500
_MOST_REASONS = 10
_ID_BYTES = 16
UNFINISHED = (CampaignState.RUNNING, CampaignState.PAUSED)


def new_ids(count: int) -> list[str]:
    """Make delivery ids: 128 random bits each, 26 lower-case letters and digits, safe in URLs and addresses."""
    pool = os.urandom(_ID_BYTES * count)
    pieces = (pool[start : start + _ID_BYTES] for start in range(0, len(pool), _ID_BYTES))
    return [b32encode(piece).decode("ascii").rstrip("=").lower() for piece in pieces]


def start_campaign(
    ledger: Ledger,
    edition: Edition,
    audience: Audience,
    *,
    transport: str,
    real: bool,
    setting: Mapping[str, Any],
    now: datetime,
) -> int:
    """Freeze an edition, its audience and ``setting`` (as JSON), one pending delivery a person, in one transaction; return its id."""
    with ledger.write() as connection:
        keep_edition(connection, edition, now)
        row = {
            "issue": edition.stem,
            "edition": edition.digest,
            "lists": [asdict(settings) for settings in audience.lists],
            "left_out": [asdict(left) for left in audience.left_out],
            "transport": transport,
            "real": real,
            "setting": dict(setting),
            "state": CampaignState.RUNNING,
            "reason": "",
            "created_at": now,
            "updated_at": now,
        }
        campaign = int(connection.execute(insert(campaigns).values(row)).inserted_primary_key[0])  # type: ignore[index]  # one key, always there
        common = {"campaign": campaign, "issue": edition.stem, "real": real, "state": DeliveryState.PENDING, "updated_at": now}
        for rows in _delivery_rows(audience, common):
            connection.execute(insert(deliveries), rows)
    return campaign


def _delivery_rows(audience: Audience, common: dict[str, Any]) -> Iterator[list[dict[str, Any]]]:
    people = enumerate(audience.subscribers, 1)
    while chunk := list(islice(people, _CHUNK)):
        yield [
            {
                **common,
                "id": identity,
                "position": position,
                "address_key": person.key,
                "email": person.email,
                "name": person.name,
                "fields": dict(person.fields),
                "reason": "",
                "attempts": 0,
            }
            for identity, (position, person) in zip(new_ids(len(chunk)), chunk, strict=True)
        ]


def already_mailed(ledger: Ledger, issue: str, keys: Iterable[str]) -> set[str]:
    """Say which of these addresses a real campaign has mailed this issue to, may have, or is mailing now."""
    stream = iter(keys)
    found: set[str] = set()
    with ledger.read() as connection:
        while chunk := list(islice(stream, _IN_LIMIT)):
            held = select(deliveries.c.address_key).where(deliveries.c.issue == issue, deliveries.c.address_key.in_(chunk), HELD)
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


def move_campaign(ledger: Ledger, campaign: int, state: CampaignState, now: datetime, reason: str = "") -> None:
    """Put a campaign into a state; ``reason`` says why it paused. Raises LedgerError when there is none of that id."""
    change = update(campaigns).where(campaigns.c.id == campaign).values(state=state, reason=reason, updated_at=now)
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
    values["lists"] = tuple(ListSettings(**settings) for settings in values["lists"])
    values["left_out"] = tuple(LeftOut(**left) for left in values["left_out"])
    return Campaign(**values)
