"""Test sends: who tested which edition, by which transport, and what came of it.

A row is written before its message is sent and ended after; one that was never ended is in doubt. Nothing here knows of campaigns.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, insert, select, update

from composer.errors import LedgerError
from composer.findings import Where
from composer.ledger.bulk import among
from composer.ledger.schema import test_sends

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import ColumnElement, Connection, Row

    from composer.ledger.database import Ledger

ACCEPTED = "accepted"
# What the columns hold on PostgreSQL, which refuses longer texts.
_LONGEST = 100


@dataclass(frozen=True, slots=True)
class TestSend:
    """One test message: ``edition`` is a digest, ``sender`` who pressed send, ``email`` where it went, ``variant`` as whom it was merged.

    ``outcome`` is empty while the answer is awaited, and stays so when it was lost with its process: it may have arrived.
    """

    __test__ = False  # pytest takes every class of that name for a test

    issue: str
    edition: str
    list: str
    transport: str
    real: bool
    sender: str
    email: str = field(repr=False)
    key: str = field(repr=False)
    variant: str = ""
    started_at: datetime | None = None
    ended_at: datetime | None = None
    outcome: str = ""
    answer: str = field(repr=False, default="")


def last_accepted(ledger: Ledger, digest: str, transport: str) -> datetime | None:
    """Say when a test of the edition of this digest was last accepted by this transport; None when none was."""
    accepted = test_sends.c.edition == digest, test_sends.c.transport == transport, test_sends.c.outcome == ACCEPTED
    with ledger.read() as connection:
        when: datetime | None = connection.execute(select(func.max(test_sends.c.ended_at)).where(*accepted)).scalar()
    return when


def start_test_send(ledger: Ledger, test: TestSend, now: datetime) -> int:
    """Write that this test is about to be sent, durably; return its number for ``finish_test_send``. Raises LedgerError."""
    row = {
        "issue": test.issue,
        "edition": test.edition,
        "list": test.list[:_LONGEST],
        "transport": test.transport,
        "real": test.real,
        "sender": test.sender[:_LONGEST],
        "address_key": test.key,
        "email": test.email,
        "variant": test.variant[:_LONGEST],
        "started_at": now,
        "ended_at": None,
        "outcome": "",
        "answer": "",
    }
    with ledger.write() as connection:
        number: int = connection.execute(insert(test_sends).values(row).returning(test_sends.c.id)).scalar_one()
    return number


def finish_test_send(ledger: Ledger, number: int, outcome: str, answer: str, now: datetime) -> None:
    """Write what came of a test that was started. Raises LedgerError, also for one that has an end already."""
    mine = update(test_sends).where(test_sends.c.id == number, test_sends.c.outcome == "")
    with ledger.write() as connection:
        if connection.execute(mine.values(outcome=outcome, answer=answer, ended_at=now)).rowcount != 1:
            raise LedgerError(f"test send {number} is not under way", where=Where(ledger.name))


def list_test_sends(ledger: Ledger, issue: str, *, digest: str = "") -> tuple[TestSend, ...]:
    """Return the tests of an issue (its stem), newest first; with ``digest`` only those of that edition."""
    chosen = select(*_columns()).where(test_sends.c.issue == issue).order_by(test_sends.c.id.desc())
    if digest:
        chosen = chosen.where(test_sends.c.edition == digest)
    with ledger.read() as connection:
        return tuple(map(_test_send, connection.execute(chosen)))


def test_sends_to(connection: Connection, keys: Sequence[str]) -> tuple[TestSend, ...]:
    """Return the tests that went to any of these address keys, in the order in which they were sent."""
    to_them = among(connection, test_sends.c.address_key, keys)
    return tuple(map(_test_send, connection.execute(select(*_columns()).where(to_them).order_by(test_sends.c.id))))


def _columns() -> list[ColumnElement[Any]]:
    return [test_sends.c.address_key.label("key") if name == "key" else test_sends.c[name] for name in TestSend.__slots__]


def _test_send(row: Row[Any]) -> TestSend:
    return TestSend(**row._mapping)  # noqa: SLF001 - the documented way to a row's names
