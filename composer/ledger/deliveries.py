"""Deliveries: claimed durably before they are sent, recorded after.

With ``resolution``, the only code that moves a delivery between states. A claim takes due rows and nobody else's; a record
moves only what is ``sending``. Which states follow which is decided above, in ``composer.delivery.model``.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import func, literal, update

from composer.errors import LedgerError
from composer.findings import Where
from composer.ledger import statements
from composer.ledger.due import POSITION, Row, due, seen, unwanted
from composer.ledger.memory import recall
from composer.ledger.model import HELD, UNFORESEEN, Batch, Claimed, DeliveryState, Foresight, Request
from composer.ledger.schema import deliveries, moved_to

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import Connection

    from composer.ledger.database import Ledger
    from composer.ledger.model import Result
    from composer.ledger.ready import Ready

Run = tuple[int, int]
MOST = 1_000
_FRESH = timedelta(seconds=1)
_ALL, _FIRST = (statements.PENDING, statements.DEFERRED), (statements.FIRST_PENDING, statements.FIRST_DEFERRED)
_D = deliveries.c


class Told(NamedTuple):
    """What became of ``number`` deliveries, in the runs of those alike: how their attempts ``ended``, where they move.

    Keys are (campaign, outcome, answer, batch) and (campaign, state, reason, due_at, whether there was an attempt); of ``held``
    deliveries there was none.
    """

    number: int
    held: int
    ended: Mapping[tuple[int, str, str, str], list[Run]]
    moves: Mapping[tuple[int, DeliveryState, str, datetime | None, bool], list[Run]]


class Found(NamedTuple):
    """What a claim took, and who would be next, how many were skipped, what others ask.

    ``kept`` are the positions of those who were chosen and are taken; rows are as in ``due``.
    """

    kept: list[int]
    rows: list[Row]
    skipped: int
    request: str
    ahead: list[Row]


def claim(ledger: Ledger, campaign: int, most: int, now: datetime, due_before: datetime | None = None) -> Batch:
    """Take up to ``most`` (at most 1,000) deliveries that are pending, or deferred and due before ``due_before`` (default: now).

    When this returns, the claim is on disk: each row is ``sending``. Those whom another real campaign of the same issue has,
    and those who are suppressed by now, become ``skipped``. An empty Batch means that nothing is due, or that somebody
    asks for something: see its ``request``.
    """
    return batch_of(exchange(ledger, campaign, told(()), most, now, due_before=due_before), now)


def record(ledger: Ledger, results: Sequence[Result], now: datetime) -> None:
    """Write the attempts and move their deliveries out of ``sending``, all in one commit.

    Raises LedgerError, and changes nothing, when one of them is not being sent, or is given a state that there is not.
    """
    if results:
        with ledger.write() as connection:
            _record(connection, told(results), now, ledger.name)


def record_and_claim(
    ledger: Ledger, campaign: int, results: Sequence[Result], most: int, now: datetime, foresight: Foresight = UNFORESEEN
) -> Batch:
    """Do ``record``, then ``claim``, in a single commit: half the flushes to disk, and the same promises.

    ``most`` come on top of those whom ``foresight`` has chosen; one of them who is no longer due is not claimed.
    """
    return batch_of(exchange(ledger, campaign, told(results), most, now, foresight), now, foresight)


def told(results: Sequence[Result]) -> Told:
    """Put together what became of deliveries."""
    ended, moves = defaultdict[Any, list[int]](list), defaultdict[Any, list[int]](list)
    for row, state, outcome, answer, due_at, batch in results:
        moves[row.campaign, state, "" if state == DeliveryState.ACCEPTED else answer, due_at, outcome != HELD].append(row.position)
        if outcome != HELD:
            ended[row.campaign, outcome, answer, batch].append(row.position)
    held = len(results) - sum(map(len, ended.values()))
    return Told(len(results), held, *({alike: _runs(places) for alike, places in each.items()} for each in (ended, moves)))


def exchange(
    ledger: Ledger,
    campaign: int,
    told: Told,
    most: int,
    now: datetime,
    foresight: Foresight = UNFORESEEN,
    *,
    due_before: datetime | None = None,
) -> Found:
    """Record and claim in a single commit; while another process asks for something, nothing is claimed.

    Raises LedgerError as ``record`` does, and then changes nothing.
    """
    with ledger.write_again() as connection:
        if told.number:
            _record(connection, told, now, ledger.name)
        memory = recall(ledger.notes, connection, campaign)
        if memory.begun is None:
            (memory.begun,) = statements.BEGUN.rows(connection, {"of": campaign})
        issue, apart, request, first_only, *_ = memory.begun
        if request:
            return Found([], [], 0, request, [])
        chosen, rows, ahead = due(connection, memory, min(most, MOST), due_before or now, foresight, _FIRST if first_only else _ALL)
        places, why = [each.position for each in chosen] + [row[POSITION] for row in rows], dict[int, str]()
        if not apart or any(row[-1] for each in (chosen, rows, ahead) for row in each):
            why = unwanted(connection, campaign, "" if apart else issue, [*chosen, *map(seen, rows), *map(seen, ahead)])
        skipped = {position: why[position] for position in places if position in why} if why else {}
        if why:
            _skip(connection, campaign, skipped, now)
            places = [position for position in places if position not in why]
            rows, ahead = ([row for row in each if row[POSITION] not in why] for each in (rows, ahead))
        if places:
            statements.TAKE.change(connection, _each(_runs(places)), of=campaign, now=now)
            statements.TOUCH.change(connection, [{}], of=campaign, now=now, before=now - _FRESH)
        memory.shown.update([row[POSITION] for row in ahead])
    return Found(places[: len(places) - len(rows)], rows, len(skipped), request, ahead)


def batch_of(found: Found, now: datetime, foresight: Foresight = UNFORESEEN) -> Batch:
    """Return what was found as deliveries that were claimed at ``now``; those whom ``foresight`` has chosen are known from there."""
    known = {row.position: row for row in foresight.chosen}
    kept = [Claimed._make((*known[position][:-1], now)) for position in found.kept]
    rows, ahead = ([Claimed._make((*row[:-1], now)) for row in each] for each in (found.rows, found.ahead))
    return Batch((*kept, *rows), found.skipped, Request(found.request), tuple(ahead))


def settle_orphans(ledger: Ledger, campaign: int, state: DeliveryState, reason: str, now: datetime, batch: str = "") -> int:
    """Move all that a dead process left in ``sending`` to ``state``, with an attempt that was lost; return how many."""
    orphans = _D.campaign == campaign, _D.state == DeliveryState.SENDING
    lost = {"now": now, "outcome": "lost", "answer": reason, "batch": batch}
    with ledger.write() as connection:
        connection.execute(statements.ended(*orphans), lost)
        return connection.execute(update(deliveries).where(*orphans).values(**moved_to(state, reason), updated_at=now)).rowcount


def give_up(ledger: Ledger, campaign: int, tried_before: datetime, now: datetime) -> int:
    """Fail what is deferred and was first tried before that moment; return how many."""
    old = update(deliveries).where(_D.campaign == campaign, _D.state == DeliveryState.DEFERRED, _D.first_tried_at < tried_before)
    with ledger.write() as connection:
        reason = func.concat("gave up: ", _D.reason) if connection.dialect.name == "postgresql" else literal("gave up: ") + _D.reason
        values = {**moved_to(DeliveryState.FAILED), "reason": reason, "due_at": None, "updated_at": now}
        return connection.execute(old.values(**values)).rowcount


def _record(connection: Connection, told: Told, now: datetime, ledger: str) -> None:
    # A mail server answers each one differently: all attempts go in together, whatever was said.
    said = (
        {"of": campaign, "outcome": outcome, "answer": answer, "batch": batch, **run}
        for (campaign, outcome, answer, batch), runs in told.ended.items()
        for run in _each(runs)
    )
    written, moved = statements.ENDED.change(connection, said, now=now), 0
    for (campaign, state, reason, due_at, tried), runs in told.moves.items():
        change = _move(state, reason) if tried else statements.UNCLAIM
        moved += change.change(connection, _each(runs), of=campaign, to=state, why=reason, due=due_at, now=now)
    if not written + told.held == moved == told.number:
        raise LedgerError("a delivery that nobody was sending cannot have an outcome", where=Where(ledger))


def _move(state: DeliveryState, reason: str) -> Ready:
    if state == DeliveryState.PENDING:
        return statements.RETURN
    return statements.LEAVE if "held" in moved_to(state, reason) else statements.STAY


def _skip(connection: Connection, campaign: int, reasons: Mapping[int, str], now: datetime) -> None:
    for reason in set(reasons.values()):
        positions = [position for position, why in reasons.items() if why == reason]
        statements.SKIP.change(connection, _each(_runs(positions)), of=campaign, why=reason, now=now)


def _runs(positions: Iterable[int]) -> list[Run]:
    """Cut positions into runs without a gap, first and last: most batches are one, and one range is found faster than its members."""
    places = sorted({*positions})
    if places and places[-1] - places[0] < len(places):
        return [(places[0], places[-1])]
    runs: list[Run] = []
    for position in places:
        if runs and position == runs[-1][1] + 1:
            runs[-1] = (runs[-1][0], position)
        else:
            runs.append((position, position))
    return runs


def _each(runs: Iterable[Run]) -> Iterator[dict[str, int]]:
    for first, last in runs:
        yield {"first": first, "last": last}
