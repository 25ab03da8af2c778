"""What is remembered from one exchange with a ledger to the next: true for as long as nobody else has written."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sqlalchemy import text

from composer.ledger.ready import Ready

if TYPE_CHECKING:
    from sqlalchemy import Connection

_KEY = "exchange"
# Another number when another connection has committed since this one asked (sqlite.org/pragma.html#pragma_data_version).
_VERSION = Ready(lambda _: text("PRAGMA data_version"))


@dataclass(slots=True)
class Memory:
    """Of one campaign: its row as a claim wants it, when it was read, and the positions that were shown as those who would be next."""

    version: int = 0
    campaign: int = 0
    begun: tuple[Any, ...] | None = None
    shown: set[int] = field(default_factory=set)


def recall(notes: dict[str, Any], connection: Connection, campaign: int) -> Memory:
    """Return what ``notes`` say, within a transaction of their connection: nothing when another one has written since the last.

    PostgreSQL does not tell, so there nothing is remembered.
    """
    if connection.dialect.name != "sqlite":
        return Memory(campaign=campaign)
    ((version,),) = _VERSION.rows(connection, {})
    memory: Memory | None = notes.get(_KEY)
    if memory is None or (memory.version, memory.campaign) != (version, campaign):
        memory = notes[_KEY] = Memory(version, campaign)
    return memory
