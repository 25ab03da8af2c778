"""Deliveries: claimed durably before they are sent, recorded after.

With ``resolution``, the only code that moves a delivery between states. A claim takes due rows and nobody else's; a record
moves only what is ``sending``. Which states follow which is decided above, in ``composer.delivery.model``.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from sqlalchemy import Text, cast, func, insert, literal, select, update

from composer.errors import LedgerError
from composer.findings import Where
from composer.ledger.bulk import among, insert_rows
from composer.ledger.forgotten import FORGOTTEN, is_trace
from composer.ledger.lock import in_turn
from composer.ledger.model import Batch, Claimed, DeliveryState, Request
from composer.ledger.schema import REACHED, attempts, campaigns, deliveries, suppressions

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import Connection, Row, Select

    from composer.ledger.database import Ledger
    from composer.ledger.model import Result

# SQLite binds at most 32,766 values a statement (sqlite.org/limits.html); a claim stays far below.
MOST = 1_000
ALREADY_MAILED = "already_mailed"
_ATTEMPT = ("campaign", "position", "number", "started_at", "ended_at", "outcome", "answer", "batch")
_OWN = ("campaign", "position", "number", "started_at", "outcome", "answer", "batch")
_D = deliveries.c
_WANTED = (
    _D.id,
    _D.campaign,
    _D.position,
    _D.attempts,
    _D.first_tried_at,
    _D.email,
    _D.address_key,
    _D.name,
    cast(_D.fields, Text),
    _D.list,
)


def claim(ledger: Ledger, campaign: int, most: int, now: datetime, due_before: datetime | None = None) -> Batch:
    """Take up to ``most`` (at most 1,000) deliveries that are pending, or deferred and due before ``due_before`` (default: now).

    When this returns, the claim is on disk: each row is ``sending``. Those whom another real campaign of the same issue has,
    and those who are suppressed by now, become ``skipped``. An empty Batch means that nothing is due.
    """
    return record_and_claim(ledger, campaign, (), most, now, due_before)


def record(ledger: Ledger, results: Sequence[Result], now: datetime) -> None:
    """Write the attempts and move their deliveries out of ``sending``, all in one commit.

    Raises LedgerError, and changes nothing, when one of them is not being sent, or is given a state that there is not.
    """
    if results:
        with ledger.write() as connection:
            _record(connection, results, now, ledger.name)


def record_and_claim(
    ledger: Ledger, campaign: int, results: Sequence[Result], most: int, now: datetime, due_before: datetime | None = None
) -> Batch:
    """Do ``record``, then ``claim``, in a single commit: half the flushes to disk, and the same promises."""
    with ledger.write() as connection:
        if results:
            _record(connection, results, now, ledger.name)
        asked = (campaigns.c.issue, campaigns.c.real, campaigns.c.correction, campaigns.c.request)
        alone = in_turn(connection, campaigns.c.issue)
        begun = connection.execute(select(*asked, *alone).where(campaigns.c.id == campaign)).one()
        rows = _due(connection, campaign, min(most, MOST), due_before or now)
        unwanted = _suppressed(connection, rows)
        if begun.real and not begun.correction:
            unwanted |= _held_elsewhere(connection, campaign, begun.issue, rows)
        taken = [row for row in rows if row.address_key not in unwanted]
        _skip(connection, campaign, {row.position: unwanted[row.address_key] for row in rows if row.address_key in unwanted}, now)
        if taken:
            _take(connection, campaign, [row.position for row in taken], now)
    return Batch(tuple(_claimed(row, now) for row in taken), len(rows) - len(taken), Request(begun.request))


def _record(connection: Connection, results: Sequence[Result], now: datetime, ledger: str) -> None:
    groups: dict[tuple[int, DeliveryState, str, datetime | None], list[int]] = defaultdict(list)
    for row, state, _, answer, due_at, _ in results:
        groups[row.campaign, state, "" if state == DeliveryState.ACCEPTED else answer, due_at].append(row.position)
    moved = sum(_move(connection, *key, positions, now) for key, positions in groups.items())
    if moved != len(results):
        raise LedgerError("a delivery that nobody was sending cannot have an outcome", where=Where(ledger))
    ended = (
        (row.campaign, row.position, row.attempt, row.started_at, outcome, answer, batch) for row, _, outcome, answer, _, batch in results
    )
    insert_rows(connection, attempts, _OWN, ended, {"ended_at": now})


def settle_orphans(ledger: Ledger, campaign: int, state: DeliveryState, reason: str, now: datetime, batch: str = "") -> int:
    """Move all that a dead process left in ``sending`` to ``state``, with an attempt that was lost; return how many."""
    orphans = _D.campaign == campaign, _D.state == DeliveryState.SENDING
    lost = select(
        _D.campaign,
        _D.position,
        _D.attempts,
        _D.updated_at,
        literal(now, attempts.c.ended_at.type),
        literal("lost"),
        literal(reason),
        literal(batch),
    ).where(*orphans)
    with ledger.write() as connection:
        connection.execute(insert(attempts).from_select(list(_ATTEMPT), lost))
        return connection.execute(update(deliveries).where(*orphans).values(state=state, reason=reason, updated_at=now)).rowcount


def give_up(ledger: Ledger, campaign: int, tried_before: datetime, now: datetime) -> int:
    """Fail what is deferred and was first tried before that moment; return how many."""
    old = update(deliveries).where(_D.campaign == campaign, _D.state == DeliveryState.DEFERRED, _D.first_tried_at < tried_before)
    with ledger.write() as connection:
        reason = func.concat("gave up: ", _D.reason) if connection.dialect.name == "postgresql" else literal("gave up: ") + _D.reason
        return connection.execute(old.values(state=DeliveryState.FAILED, reason=reason, due_at=None, updated_at=now)).rowcount


def _claimed(row: Row[Any], now: datetime) -> Claimed:
    identity, campaign, position, attempts_before, first, email, key, name, fields, _ = tuple(row)
    return Claimed(identity, campaign, position, attempts_before + 1, now, first or now, email, key, name, fields)


def _move(
    connection: Connection, campaign: int, state: DeliveryState, reason: str, due_at: datetime | None, positions: list[int], now: datetime
) -> int:
    change = update(deliveries).where(_D.campaign == campaign, _D.state == DeliveryState.SENDING, among(connection, _D.position, positions))
    return connection.execute(change.values(state=state, reason=reason, due_at=due_at, updated_at=now)).rowcount


def _due(connection: Connection, campaign: int, most: int, before: datetime) -> list[Row[Any]]:
    # Two queries, so that each walks the index and none sorts all that is pending.
    rows = list(connection.execute(_rows(campaign, DeliveryState.PENDING).limit(most)))
    if len(rows) < most:
        deferred = _rows(campaign, DeliveryState.DEFERRED).where(_D.due_at <= before).limit(most - len(rows))
        rows += connection.execute(deferred)
    return rows


def _rows(campaign: int, state: DeliveryState) -> Select[Any]:
    chosen = select(*_WANTED).where(_D.campaign == campaign, _D.state == state)
    return chosen.order_by(_D.position).with_for_update(skip_locked=True)


def _held_elsewhere(connection: Connection, campaign: int, issue: str, rows: Sequence[Row[Any]]) -> dict[str, str]:
    others = select(campaigns.c.id).where(campaigns.c.issue == issue, campaigns.c.id != campaign, campaigns.c.real)
    if connection.execute(others.limit(1)).first() is None:
        return {}
    keys = [row.address_key for row in rows]
    held = select(_D.address_key).where(among(connection, _D.address_key, keys), _D.issue == issue, _D.campaign != campaign, REACHED)
    return dict.fromkeys(connection.execute(held).scalars(), ALREADY_MAILED)


def _suppressed(connection: Connection, rows: Sequence[Row[Any]]) -> dict[str, str]:
    lists = {row.address_key: row.list for row in rows}
    found = connection.execute(
        select(suppressions.c.address_key, suppressions.c.scope, suppressions.c.reason).where(
            among(connection, suppressions.c.address_key, list(lists))
        )
    )
    reasons = {row.address_key: row.reason for row in found if row.scope in {"", lists[row.address_key]}}
    return reasons | {key: FORGOTTEN for key in lists if is_trace(key)}


def _skip(connection: Connection, campaign: int, reasons: dict[int, str], now: datetime) -> None:
    for reason in set(reasons.values()):
        positions = [position for position, why in reasons.items() if why == reason]
        change = update(deliveries).where(_D.campaign == campaign, among(connection, _D.position, positions))
        connection.execute(change.values(state=DeliveryState.SKIPPED, reason=reason, due_at=None, updated_at=now))


def _take(connection: Connection, campaign: int, positions: list[int], now: datetime) -> None:
    change = update(deliveries).where(_D.campaign == campaign, among(connection, _D.position, positions))
    values = {"state": DeliveryState.SENDING, "reason": "", "due_at": None, "attempts": _D.attempts + 1, "updated_at": now}
    connection.execute(change.values(**values, first_tried_at=func.coalesce(_D.first_tried_at, literal(now, _D.updated_at.type))))
    connection.execute(update(campaigns).where(campaigns.c.id == campaign).values(updated_at=now))
