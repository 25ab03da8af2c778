"""Deliveries: claimed durably before they are sent, recorded after.

With ``resolution``, the only code that moves a delivery between states. A claim takes due rows and nobody else's; a record
moves only what is ``sending``. Which states follow which is decided above, in ``composer.delivery.model``.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from sqlalchemy import Text, bindparam, cast, func, insert, literal, null, or_, select, update

from composer.errors import LedgerError
from composer.findings import Where
from composer.ledger.forgotten import FORGOTTEN, is_trace
from composer.ledger.lock import in_turn
from composer.ledger.model import Batch, Claimed, DeliveryState, Request
from composer.ledger.ready import Ready, within
from composer.ledger.schema import REACHED, attempts, campaigns, deliveries, moved_to, suppressions

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import ColumnElement, Connection, Insert, Select, Update

    from composer.ledger.database import Ledger
    from composer.ledger.model import Result

MOST = 1_000
ALREADY_MAILED = "already_mailed"
_ATTEMPT = ("campaign", "position", "number", "started_at", "ended_at", "outcome", "answer", "batch")
_C, _D, _S = campaigns.c, deliveries.c, suppressions.c
_NOW = bindparam("now", type_=_D.updated_at.type)
_WAITING = (DeliveryState.PENDING, DeliveryState.DEFERRED)
_POSITION, _KEY, _LIST = (Claimed._fields.index(name) for name in ("position", "key", "list"))


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
        ((issue, apart, request, *_),) = _BEGUN.rows(connection, {"of": campaign})
        rows = _due(connection, campaign, min(most, MOST), due_before or now)
        unwanted = _suppressed(connection, rows)
        if not apart:
            unwanted |= _held_elsewhere(connection, campaign, issue, rows)
        taken = [row for row in rows if row[_KEY] not in unwanted] if unwanted else rows
        if unwanted:
            _skip(connection, campaign, {row[_POSITION]: unwanted[row[_KEY]] for row in rows if row[_KEY] in unwanted}, now)
        if taken:
            _TAKE.change(connection, _runs(campaign, [row[_POSITION] for row in taken], now=now))
            _TOUCH.change(connection, [{"of": campaign, "now": now}])
    return Batch(tuple([Claimed._make((*row, now)) for row in taken]), len(rows) - len(taken), Request(request))


def settle_orphans(ledger: Ledger, campaign: int, state: DeliveryState, reason: str, now: datetime, batch: str = "") -> int:
    """Move all that a dead process left in ``sending`` to ``state``, with an attempt that was lost; return how many."""
    orphans = _D.campaign == campaign, _D.state == DeliveryState.SENDING
    lost = {"now": now, "outcome": "lost", "answer": reason, "batch": batch}
    with ledger.write() as connection:
        connection.execute(_ended(*orphans), lost)
        return connection.execute(update(deliveries).where(*orphans).values(**moved_to(state, reason), updated_at=now)).rowcount


def give_up(ledger: Ledger, campaign: int, tried_before: datetime, now: datetime) -> int:
    """Fail what is deferred and was first tried before that moment; return how many."""
    old = update(deliveries).where(_D.campaign == campaign, _D.state == DeliveryState.DEFERRED, _D.first_tried_at < tried_before)
    with ledger.write() as connection:
        reason = func.concat("gave up: ", _D.reason) if connection.dialect.name == "postgresql" else literal("gave up: ") + _D.reason
        values = {**moved_to(DeliveryState.FAILED), "reason": reason, "due_at": None, "updated_at": now}
        return connection.execute(old.values(**values)).rowcount


def _record(connection: Connection, results: Sequence[Result], now: datetime, ledger: str) -> None:
    ended, moves = defaultdict[Any, list[int]](list), defaultdict[Any, list[int]](list)
    for row, state, outcome, answer, due_at, batch in results:
        ended[row.campaign, outcome, answer, batch].append(row.position)
        moves[row.campaign, state, "" if state == DeliveryState.ACCEPTED else answer, due_at].append(row.position)
    written = moved = 0
    for (campaign, outcome, answer, batch), positions in ended.items():
        said = {"now": now, "outcome": outcome, "answer": answer, "batch": batch}
        written += _ENDED.change(connection, _runs(campaign, positions, **said))
    for (campaign, state, reason, due_at), positions in moves.items():
        change = _LEAVE if "held" in moved_to(state, reason) else _STAY
        moved += change.change(connection, _runs(campaign, positions, to=state, why=reason, due=due_at, now=now))
    if not written == moved == len(results):
        raise LedgerError("a delivery that nobody was sending cannot have an outcome", where=Where(ledger))


def _due(connection: Connection, campaign: int, most: int, before: datetime) -> list[tuple[Any, ...]]:
    # Two queries, so that each walks the index and none sorts all that is pending.
    rows = _PENDING.rows(connection, {"of": campaign, "most": most})
    if len(rows) < most:
        rows += _DEFERRED.rows(connection, {"of": campaign, "before": before, "most": most - len(rows)})
    return rows


def _held_elsewhere(connection: Connection, campaign: int, issue: str, rows: Sequence[tuple[Any, ...]]) -> dict[str, str]:
    about = {"of": campaign, "same": issue}
    if not rows or not _OTHERS.rows(connection, about):
        return {}
    held = _REACHED.rows(connection, {**about, "keys": [row[_KEY] for row in rows]})
    return {key: ALREADY_MAILED for (key,) in held}


def _suppressed(connection: Connection, rows: Sequence[tuple[Any, ...]]) -> dict[str, str]:
    keys = [row[_KEY] for row in rows]
    found = _SUPPRESSED.rows(connection, {"keys": keys}) if keys else []
    lists = {row[_KEY]: row[_LIST] for row in rows} if found else {}
    reasons = {key: reason for key, scope, reason in found if scope in {"", lists[key]}}
    return reasons | {key: FORGOTTEN for key in keys if is_trace(key)}


def _skip(connection: Connection, campaign: int, reasons: Mapping[int, str], now: datetime) -> None:
    for reason in set(reasons.values()):
        positions = [position for position, why in reasons.items() if why == reason]
        _SKIP.change(connection, _runs(campaign, positions, why=reason, now=now))


def _runs(campaign: int, positions: Iterable[int], **values: Any) -> Iterator[dict[str, Any]]:
    """Cut positions into runs without a gap: most batches are one, and one range is found faster than its members."""
    run: list[int] = []
    for position in sorted(positions):
        if run and position != run[-1] + 1:
            yield {"of": campaign, "first": run[0], "last": run[-1], **values}
            run = []
        run.append(position)
    if run:
        yield {"of": campaign, "first": run[0], "last": run[-1], **values}


# ---- the statements of a batch; a name that is bound must be none of a column's -----------------------------------


def _begun(dialect: str) -> Select[Any]:
    turn = in_turn(dialect, _C.issue)
    return select(_C.issue, ~_C.real | _C.correction, _C.request, *turn).where(_C.id == bindparam("of"))


def _rows(state: DeliveryState, *when: ColumnElement[bool]) -> Select[Any]:
    fields = (_D.id, _D.campaign, _D.position, _D.attempts + 1, _D.email, _D.address_key, _D.name, cast(_D.fields, Text), _D.list)
    chosen = select(*fields).where(_D.campaign == bindparam("of"), _D.state == literal(state), *when)
    return chosen.order_by(_D.position).limit(bindparam("most")).with_for_update(skip_locked=True)


def _run(*states: DeliveryState) -> Update:
    return update(deliveries).where(*_among(*states))


def _among(*states: DeliveryState) -> tuple[ColumnElement[bool], ...]:
    place = _D.campaign == bindparam("of"), _D.position.between(bindparam("first"), bindparam("last"))
    return *place, or_(*(_D.state == literal(state) for state in states))


def _taken() -> Update:
    values = {"state": literal(DeliveryState.SENDING), "reason": literal(""), "due_at": null(), "attempts": _D.attempts + 1}
    first = func.coalesce(_D.first_tried_at, _NOW)
    return _run(*_WAITING).values(**values, first_tried_at=first, updated_at=_NOW, held=_D.real & ~_D.correction)


def _moved(**also: Any) -> Update:
    values = {"state": bindparam("to"), "reason": bindparam("why"), "due_at": bindparam("due"), "updated_at": _NOW}
    return _run(DeliveryState.SENDING).values(**values, **also)


def _ended(*of_whom: ColumnElement[bool]) -> Insert:
    """An attempt began when its delivery was claimed, which is the last that was done to it."""
    said = (bindparam(name, type_=attempts.c[name].type) for name in ("outcome", "answer", "batch"))
    ending = select(_D.campaign, _D.position, _D.attempts, _D.updated_at, _NOW, *said).where(*of_whom)
    return insert(attempts).from_select(list(_ATTEMPT), ending)


def _skipped() -> Update:
    values = {**moved_to(DeliveryState.SKIPPED), "reason": bindparam("why"), "due_at": null(), "updated_at": _NOW}
    return _run(*_WAITING).values(**values)


def _touched() -> Update:
    return update(campaigns).where(_C.id == bindparam("of")).values(updated_at=_NOW)


def _others() -> Select[Any]:
    return select(_C.id).where(_C.issue == bindparam("same"), _C.id != bindparam("of"), _C.real).limit(1)


def _reached(dialect: str) -> Select[Any]:
    people = within(dialect, _D.address_key, "keys")
    return select(_D.address_key).where(people, _D.issue == bindparam("same"), _D.campaign != bindparam("of"), REACHED)


def _unwanted(dialect: str) -> Select[Any]:
    return select(_S.address_key, _S.scope, _S.reason).where(within(dialect, _S.address_key, "keys"))


_BEGUN, _OTHERS, _REACHED, _SUPPRESSED = Ready(_begun), Ready(lambda _: _others()), Ready(_reached), Ready(_unwanted)
_PENDING = Ready(lambda _: _rows(DeliveryState.PENDING))
_DEFERRED = Ready(lambda _: _rows(DeliveryState.DEFERRED, _D.due_at <= bindparam("before")))
_TAKE, _SKIP, _TOUCH = Ready(lambda _: _taken()), Ready(lambda _: _skipped()), Ready(lambda _: _touched())
_ENDED = Ready(lambda _: _ended(*_among(DeliveryState.SENDING)))
_STAY, _LEAVE = Ready(lambda _: _moved()), Ready(lambda _: _moved(held=False))
