"""The ledger as a database: how its connections are set, and what its errors mean to people.

Every transaction is one of two: ``read()`` or ``write()``; a write takes SQLite's lock when it begins. No SQL about
campaigns here, and no exception of SQLAlchemy leaves this package.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Self

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.exc import SQLAlchemyError

from composer.errors import LedgerError
from composer.findings import Where

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# SQLite's result codes (sqlite.org/rescode.html); extended codes begin with the primary one.
_MEANING = (
    ("SQLITE_BUSY", "the ledger is locked by another process", "Wait until the other command is done, then try again."),
    ("SQLITE_LOCKED", "the ledger is locked by another process", "Wait until the other command is done, then try again."),
    ("SQLITE_FULL", "the disk is full", "Make room on the disk of the ledger; then `newsletter resume` goes on."),
    ("SQLITE_READONLY", "the ledger cannot be written", "Give your user the right to write to the file and its folder."),
    ("SQLITE_PERM", "the ledger cannot be written", "Give your user the right to write to the file and its folder."),
    ("SQLITE_CANTOPEN", "the ledger cannot be opened", "Check that the file and its folder exist and may be read and written."),
    ("SQLITE_NOTADB", "this file is not a ledger", "Move it away, or name another file under [database] url."),
    ("SQLITE_CORRUPT", "the ledger is damaged", "Restore it from a backup, and keep the damaged file: it knows who was mailed."),
    ("SQLITE_IOERR", "the disk of the ledger failed", "Check the disk; then `newsletter resume` goes on."),
    ("SQLITE_CONSTRAINT", "the ledger refused a change that would break its rules", "Nothing was changed."),
)


class Ledger:
    """An open ledger; close it when done, or use it in a ``with`` statement."""

    def __init__(self, engine: Engine, name: str) -> None:
        self._engine = engine
        self.name = name

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close."""
        self.close()

    def close(self) -> None:
        """Give back every connection. Safe to call twice."""
        self._engine.dispose()

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Open a transaction that only reads. Raises LedgerError."""
        with self._translated(), self._engine.connect() as connection:
            yield connection.execution_options(reading=True)

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """Open a transaction that commits at the end, durably, or changes nothing. Raises LedgerError."""
        with self._translated(), self._engine.begin() as connection:
            yield connection

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except SQLAlchemyError as err:
            raise explained(err, self.name) from err


def explained(err: Exception, name: str) -> LedgerError:
    """Say what a database error means; ``name`` is the ledger as people know it."""
    orig = getattr(err, "orig", None) or err
    code = str(getattr(orig, "sqlite_errorname", ""))
    for prefix, message, hint in _MEANING:
        if code.startswith(prefix):
            return LedgerError(message, where=Where(name), hint=hint)
    return LedgerError(f"the ledger cannot be used: {orig}".splitlines()[0], where=Where(name))


def connect(path: Path, name: str, busy_seconds: float) -> Ledger:
    """Set up the connections to a SQLite file; none is made yet. ``name`` is the file as people know it."""
    # An address put together as text would end at a "?" in the path.
    engine = create_engine(URL.create("sqlite", database=str(path)), connect_args={"timeout": busy_seconds})
    event.listen(engine, "connect", _set_up)
    event.listen(engine, "begin", _begin)
    return Ledger(engine, name)


def _set_up(connection: Any, _record: object) -> None:
    # The driver's legacy transactions would begin late and not at all before DDL; `_begin` does it.
    connection.isolation_level = None
    # fullfsync matters on macOS alone, where fsync does not reach the platter.
    for pragma in ("journal_mode = WAL", "synchronous = FULL", "fullfsync = ON", "foreign_keys = ON"):
        connection.execute(f"PRAGMA {pragma}").close()
    wanted = {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}
    found = {name: connection.execute(f"PRAGMA {name}").fetchone()[0] for name in wanted}
    if found != wanted:
        hint = "A claim must survive a power cut. Is the file on a network drive? Name one on a local disk under [database] url."
        raise LedgerError(f"SQLite does not write durably here: {found}", hint=hint)


def _begin(connection: Connection) -> None:
    # A deferred BEGIN that turns into a write later fails at once when another writer was faster (SQLITE_BUSY_SNAPSHOT).
    connection.exec_driver_sql("BEGIN" if connection.get_execution_options().get("reading") else "BEGIN IMMEDIATE")
