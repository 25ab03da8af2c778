"""The statements of a batch, ready for the driver: what a claim asks, and what claim and record change.

A name that is bound (``:of`` a campaign, ``:same`` issue) must be none of a column's, which SQLAlchemy keeps for itself.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from sqlalchemy import Text, bindparam, case, cast, exists, func, insert, literal, null, or_, select, update

from composer.ledger.forgotten import TRACE
from composer.ledger.lock import in_turn
from composer.ledger.model import CanaryStage, DeliveryState
from composer.ledger.ready import Ready, outside, within
from composer.ledger.schema import CANARY, REACHED, attempts, campaigns, deliveries, moved_to, suppressions

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Insert, Select, TextClause, Update

_ATTEMPT = ("campaign", "position", "number", "started_at", "ended_at", "outcome", "answer", "batch")
_C, _D, _S = campaigns.c, deliveries.c, suppressions.c
_NOW = bindparam("now", type_=_D.updated_at.type)
# Who is given back was not tried: if the claim was the first, it is forgotten, or a long pause would count as trying.
_FIRST_TRIED = case((_D.first_tried_at == _D.updated_at, null()), else_=_D.first_tried_at)
_WAITING = (DeliveryState.PENDING, DeliveryState.DEFERRED)
# Whether to look closer at somebody before a claim: few are suppressed, or forgotten, since the campaign began.
_DOUBTFUL = or_(exists(select(1).where(_S.address_key == _D.address_key)), func.substr(_D.address_key, 1, len(TRACE)) == TRACE)


def _begun(dialect: str) -> Select[Any]:
    turn = in_turn(dialect, _C.issue)
    other = campaigns.alias()
    others = exists(select(1).where(other.c.issue == _C.issue, other.c.id != _C.id, other.c.real))
    apart = ~_C.real | _C.correction | ~others
    first_only = or_(*(_C.canary_stage == literal(stage) for stage in CanaryStage if stage.holds))
    return select(_C.issue, apart, _C.request, first_only, *turn).where(_C.id == bindparam("of"))


def _rows(dialect: str, state: DeliveryState, *when: ColumnElement[bool] | TextClause) -> Select[Any]:
    fields = (_D.id, _D.campaign, _D.position, _D.attempts + 1, _D.email, _D.address_key, _D.name, cast(_D.fields, Text), _D.list)
    others = outside(dialect, _D.position, "known")
    chosen = select(*fields, _DOUBTFUL).where(_D.campaign == bindparam("of"), _D.state == literal(state), others, *when)
    return chosen.order_by(_D.position).limit(bindparam("most")).with_for_update(skip_locked=True, of=deliveries)


def _still_waiting(dialect: str) -> Select[Any]:
    places = _D.campaign == bindparam("of"), within(dialect, _D.position, "places")
    waiting = or_(*(_D.state == literal(state) for state in _WAITING))
    chosen = select(_D.position, _D.address_key, _D.list, _DOUBTFUL).where(*places, waiting)
    return chosen.order_by(_D.position).with_for_update(skip_locked=True, of=deliveries)


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


def ended(*of_whom: ColumnElement[bool]) -> Insert:
    """An attempt began when its delivery was claimed, which is the last that was done to it."""
    said = (bindparam(name, type_=attempts.c[name].type) for name in ("outcome", "answer", "batch"))
    ending = select(_D.campaign, _D.position, _D.attempts, _D.updated_at, _NOW, *said).where(*of_whom)
    return insert(attempts).from_select(list(_ATTEMPT), ending)


def _skipped() -> Update:
    values = {**moved_to(DeliveryState.SKIPPED), "reason": bindparam("why"), "due_at": null(), "updated_at": _NOW}
    return _run(*_WAITING).values(**values)


def _touched() -> Update:
    """That a campaign is being sent is told to the second: a page less to be written in most commits."""
    return (
        update(campaigns)
        .where(_C.id == bindparam("of"), _C.updated_at < bindparam("before", type_=_C.updated_at.type))
        .values(updated_at=_NOW)
    )


def _reached(dialect: str) -> Select[Any]:
    people = within(dialect, _D.address_key, "keys")
    return select(_D.address_key).where(people, _D.issue == bindparam("same"), _D.campaign != bindparam("of"), REACHED)


def _unwanted(dialect: str) -> Select[Any]:
    return select(_S.address_key, _S.scope, _S.reason).where(within(dialect, _S.address_key, "keys"))


BEGUN, ELSEWHERE, SUPPRESSED = Ready(_begun), Ready(_reached), Ready(_unwanted)
STILL_WAITING = Ready(_still_waiting)
PENDING = Ready(partial(_rows, state=DeliveryState.PENDING))
DEFERRED = Ready(lambda dialect: _rows(dialect, DeliveryState.DEFERRED, _D.due_at <= bindparam("before")))
FIRST_PENDING = Ready(lambda dialect: _rows(dialect, DeliveryState.PENDING, CANARY))
FIRST_DEFERRED = Ready(lambda dialect: _rows(dialect, DeliveryState.DEFERRED, _D.due_at <= bindparam("before"), CANARY))
TAKE, SKIP, TOUCH = Ready(lambda _: _taken()), Ready(lambda _: _skipped()), Ready(lambda _: _touched())
ENDED = Ready(lambda _: ended(*_among(DeliveryState.SENDING)))
STAY, LEAVE = Ready(lambda _: _moved()), Ready(lambda _: _moved(held=False))
RETURN = Ready(lambda _: _moved(held=False, first_tried_at=_FIRST_TRIED))
UNCLAIM = Ready(lambda _: _moved(first_tried_at=_FIRST_TRIED, attempts=_D.attempts - 1))
