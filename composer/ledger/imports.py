"""Bringing the people of another tool's export into a list of the ledger: all of them, or nobody.

Rows are staged in temporary tables, so memory does not grow with their number and the ledger is locked only while the whole is
written. Nobody comes back by it: not who left, not who is suppressed, not who was forgotten.
"""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import reduce
from itertools import groupby, islice
from json.encoder import encode_basestring_ascii
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select

from composer.audience.consent import RANK, REASONS, State
from composer.errors import LedgerError
from composer.findings import Where
from composer.ledger import upsert
from composer.ledger.bulk import insert_rows
from composer.ledger.forgotten import is_forgotten
from composer.ledger.schema import forgotten

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime

    from sqlalchemy import Connection

    from composer.audience.exports import ImportedRow
    from composer.ledger.database import Ledger

_CHUNK = 1_000
_NAMES = upsert.COLUMNS
# Temporary pages are walked in order, so a small cache does; what this connection caches is memory of every import.
_SQLITE = ("cache_size = -8192", "temp.cache_size = -8192", "temp_store = FILE")


@dataclass(frozen=True, slots=True)
class ImportCounts:
    """What an import did, or would do; of every row one of the first six is true, ``created`` to ``invalid``.

    Of the people among them ``unconfirmed``, ``unsubscribed`` and ``suppressed`` (bounced, complained or blocked) are so by
    their rows; ``kept_unsubscribed`` and ``kept_suppressed`` are so here, although their rows say nothing of it.
    """

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    duplicates: int = 0
    forgotten: int = 0
    invalid: int = 0
    unconfirmed: int = 0
    unsubscribed: int = 0
    suppressed: int = 0
    kept_unsubscribed: int = 0
    kept_suppressed: int = 0

    @property
    def people(self) -> int:
        """How many people the rows were."""
        return self.created + self.updated + self.unchanged

    @property
    def rows(self) -> int:
        """How many rows there were."""
        return self.people + self.duplicates + self.forgotten + self.invalid


def import_people(  # noqa: PLR0913 - what, where to, and four words on how
    ledger: Ledger,
    name: str,
    people: Iterable[ImportedRow],
    *,
    source: str,
    now: datetime,
    secret_keys: Sequence[str],
    state: State = State.CONFIRMED,
    dry_run: bool = False,
) -> ImportCounts:
    """Write people to the list ``name`` in one transaction, or with ``dry_run`` find out what that would do.

    ``source`` says in words where they come from; ``state`` is what everyone is at least, as the file's name may say it.
    What is there stays where a row has nothing; the first row of a person wins over later ones. Raises LedgerError, then
    nothing was written; ConfigError when somebody was forgotten and there is no secret key to tell whom.
    """
    with _staging(ledger) as connection:
        known = _forgotten(connection)
        connection.commit()
        reader = _Reader(ledger, secret_keys if known else None, state)
        with connection.begin():
            _fill(connection, reader.rows(people))
            upsert.stage_in_order(connection)
            _unite(connection)
        with _writing(connection) as transaction:
            if _forgotten(connection) != known:
                hint = "Nothing was changed; try again."
                raise LedgerError("somebody was forgotten while the file was read", where=Where(ledger.name), hint=hint)
            counts = ImportCounts(**upsert.count(connection, name), forgotten=reader.left_out)
            if dry_run:
                transaction.rollback()
            else:
                upsert.write(connection, name, source, now)
    return replace(counts, duplicates=reader.taken - counts.people)


@contextmanager
def _staging(ledger: Ledger) -> Iterator[Connection]:
    with ledger.session() as connection:
        if ledger.dialect == "sqlite":
            for pragma in _SQLITE:
                _driver(connection).execute(f"PRAGMA {pragma}").close()
            connection.execution_options(reading=True)
        else:
            _driver(connection).autocommit = False  # it is closed at the end, so nobody else meets it
        for table in (upsert.rows, upsert.people, upsert.united):
            table.create(connection, checkfirst=False)
        connection.commit()
        yield connection


def _driver(connection: Connection) -> Any:
    return connection.connection.dbapi_connection


def _fill(connection: Connection, rows: Iterator[tuple[Any, ...]]) -> None:
    if connection.dialect.name == "postgresql":
        insert_rows(connection, upsert.rows, _NAMES, rows)
        return
    # The driver takes a million rows from the iterator itself in two thirds of the time that lists of them need.
    statement = f"INSERT INTO import_rows ({', '.join(_NAMES)}) VALUES ({', '.join('?' * len(_NAMES))})"  # noqa: S608 - our own names
    _driver(connection).executemany(statement, rows).close()


@contextmanager
def _writing(connection: Connection) -> Iterator[Any]:
    # Only now SQLite takes the lock for writing; what was staged needed none.
    connection.execution_options(reading=False)
    transaction = connection.begin()
    with transaction:
        yield transaction


def _forgotten(connection: Connection) -> int:
    return connection.execute(select(func.count()).select_from(forgotten)).scalar_one()


class _Labels(dict[str, str]):
    """Names of fields as they begin a value in JSON."""

    def __missing__(self, name: str) -> str:
        self[name] = label = f"{encode_basestring_ascii(name)}: "
        return label


class _Reader:
    """Turns rows of an export into rows of the staging table, without those who were forgotten."""

    def __init__(self, ledger: Ledger, secret_keys: Sequence[str] | None, state: State) -> None:
        """Without ``secret_keys`` nobody was forgotten."""
        self._ledger = ledger
        self._secret_keys = secret_keys
        self._said = {each: _as_said(max(each, state, key=RANK.__getitem__)) for each in State}
        self.taken = self.left_out = 0

    def rows(self, people: Iterable[ImportedRow]) -> Iterator[tuple[Any, ...]]:
        said, labels, escaped = self._said, _Labels(), encode_basestring_ascii
        for address, name, fields, state, _, _ in people if self._secret_keys is None else self._remembered(people, self._secret_keys):
            self.taken += 1
            # Four times as fast as json.dumps, and the same text.
            kept = ", ".join([labels[each] + escaped(value) for each, value in fields.items() if value])
            yield (self.taken, address.key, address.email, name, f"{{{kept}}}", *said[state])

    def _remembered(self, people: Iterable[ImportedRow], secret_keys: Sequence[str]) -> Iterator[ImportedRow]:
        stream = iter(people)
        while chunk := list(islice(stream, _CHUNK)):
            gone = is_forgotten(self._ledger, (row.address.key for row in chunk), secret_keys)
            self.left_out += sum(row.address.key in gone for row in chunk)
            yield from (row for row in chunk if row.address.key not in gone) if gone else chunk


def _as_said(state: State) -> tuple[str, int, str]:
    """Return what a row says as the staging table has it: state, whether they left, why they must not be mailed anywhere."""
    if state in {State.CONFIRMED, State.UNCONFIRMED}:
        return str(state), 0, ""
    if state is State.UNSUBSCRIBED:
        return str(State.UNCONFIRMED), 1, ""
    return str(State.UNCONFIRMED), 0, REASONS[state]


def _unite(connection: Connection) -> None:
    """Put the rows of each person together."""
    found = connection.execute(upsert.repeated(), execution_options={"stream_results": True})
    rows: Iterator[Sequence[Any]] = map(tuple, found)
    united = (reduce(_together, several) for _, several in groupby(rows, key=itemgetter(1)))
    if insert_rows(connection, upsert.united, _NAMES, united):
        upsert.replace_repeated(connection)


def _together(first: Sequence[Any], later: Sequence[Any]) -> tuple[Any, ...]:
    seq, key, email, name, fields, state, gone, reason = first
    values = {**json.loads(later[4]), **json.loads(fields)}
    weakest = max(state, later[5], key=lambda word: RANK[State(word)])
    return seq, key, email, name or later[3], json.dumps(values), weakest, gone | later[6], max(reason, later[7], key=_STRENGTH.__getitem__)


_STRENGTH = {"": -1, **{reason: RANK[state] for state, reason in REASONS.items()}}
