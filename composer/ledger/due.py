"""Who is due: whom a claim looks at, and why some of them are not to be sent to. It only reads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from composer.ledger import statements
from composer.ledger.forgotten import FORGOTTEN, TRACE
from composer.ledger.model import Claimed

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import Connection

    from composer.ledger.memory import Memory
    from composer.ledger.model import Foresight
    from composer.ledger.ready import Ready

ALREADY_MAILED = "already_mailed"
POSITION, _KEY, _LIST = (Claimed._fields.index(name) for name in ("position", "key", "list"))
Row = tuple[Any, ...]


class Seen(NamedTuple):
    """Somebody whom a claim looks at; ``doubtful`` says that there is something to be found out first."""

    position: int
    key: str
    list: str
    doubtful: bool


def due(
    connection: Connection, memory: Memory, most: int, before: datetime, foresight: Foresight, ways: tuple[Ready, Ready]
) -> tuple[list[Seen], list[Row], list[Row]]:
    """Return those of the chosen who still wait, whom else to claim, and who would be next.

    A row has the fields of ``Claimed``, and at the end no moment but whether there is something to be found out first.
    """
    campaign, chosen = memory.campaign, [row.position for row in foresight.chosen]
    wanted, known = most + foresight.shown if most or chosen else 0, [*chosen, *foresight.reserved]
    # Two queries, so that each walks the index and none sorts all that is pending.
    pending, deferred = ways
    rows = pending.rows(connection, {"of": campaign, "most": wanted, "known": known}) if wanted else []
    if len(rows) < wanted:
        rows += deferred.rows(connection, {"of": campaign, "before": before, "most": wanted - len(rows), "known": known})
    return _still_waiting(connection, memory, foresight.chosen, chosen), rows[:most], rows[most:]


def seen(row: Row) -> Seen:
    """Look at a row of ``due``."""
    return Seen(row[POSITION], row[_KEY], row[_LIST], row[-1])


def unwanted(connection: Connection, campaign: int, issue: str, people: Sequence[Seen]) -> dict[int, str]:
    """Say why some of these are not to be sent to: suppressed, forgotten, held by another real campaign of ``issue`` (none: no matter)."""
    found: dict[int, str] = {}
    if issue:
        asked = {"of": campaign, "same": issue, "keys": [each.key for each in people]}
        held = {key for (key,) in statements.ELSEWHERE.rows(connection, asked)}
        found |= {each.position: ALREADY_MAILED for each in people if each.key in held}
    doubtful = [each for each in people if each.doubtful]
    if doubtful:
        suppressed = statements.SUPPRESSED.rows(connection, {"keys": [each.key for each in doubtful]})
        reasons = {(key, scope): reason for key, scope, reason in suppressed}
        for each in doubtful:
            reason = FORGOTTEN if each.key.startswith(TRACE) else reasons.get((each.key, "")) or reasons.get((each.key, each.list))
            if reason:
                found.setdefault(each.position, reason)
    return found


def _still_waiting(connection: Connection, memory: Memory, chosen: Sequence[Claimed], places: list[int]) -> list[Seen]:
    """Look again at people who were shown before: all that they were then they still are, unless somebody has written since."""
    known = memory.shown.issuperset(places)
    memory.shown.difference_update(places)
    if known:
        return [Seen(row.position, row.key, row.list, doubtful=False) for row in chosen]
    return [Seen(*row) for row in statements.STILL_WAITING.rows(connection, {"of": memory.campaign, "places": places})]
