"""A ledger in a SQLite file: how its connections are set, and what SQLite's errors mean to people."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from sqlalchemy import URL, Connection, create_engine, event

from composer.errors import LedgerError
from composer.ledger.database import Kind, Ledger

if TYPE_CHECKING:
    from pathlib import Path

CACHE_KIB = 64 * 1024
# What only sends goes through the people once, from the first to the last.
SMALL_CACHE_KIB = 8 * 1024
# The values of a connection that writes durably: journal_mode WAL, synchronous FULL (2).
DURABLE = {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}
_AGAIN = "Wait until the other command is done, then try again."
_RIGHTS = "Give your user the right to write to the file and its folder."
# SQLite's result codes (sqlite.org/rescode.html); extended codes begin with the primary one.
_MEANING = (
    ("SQLITE_BUSY", "the ledger is locked by another process", _AGAIN),
    ("SQLITE_LOCKED", "the ledger is locked by another process", _AGAIN),
    ("SQLITE_FULL", "the disk is full", "Make room on the disk of the ledger; then `newsletter resume` goes on."),
    ("SQLITE_READONLY", "the ledger cannot be written", _RIGHTS),
    ("SQLITE_PERM", "the ledger cannot be written", _RIGHTS),
    ("SQLITE_CANTOPEN", "the ledger cannot be opened", "Check that the file and its folder exist and may be read and written."),
    ("SQLITE_NOTADB", "this file is not a ledger", "Move it away, or name another file under [database] url."),
    ("SQLITE_CORRUPT", "the ledger is damaged", "Restore it from a backup, and keep the damaged file: it knows who was mailed."),
    ("SQLITE_IOERR", "the disk of the ledger failed", "Check the disk; then `newsletter resume` goes on."),
    ("SQLITE_CONSTRAINT", "the ledger refused a change that would break its rules", "Nothing was changed."),
)


def connect(path: Path, name: str, busy_seconds: float, cache_kib: int = CACHE_KIB) -> Ledger:
    """Set up the connections to a file, each with a cache of so many KiB; none is made yet. ``name`` is the file as people know it."""
    # An address put together as text would end at a "?" in the path.
    url = URL.create("sqlite", database=str(path))
    # The connection used last is used next: another one's cache is of no use after a write (sqlite.org/wal.html).
    engine = create_engine(url, connect_args={"timeout": busy_seconds}, pool_use_lifo=True, hide_parameters=True)
    event.listen(engine, "connect", partial(_set_up, cache_kib))
    event.listen(engine, "begin", _begin)
    return Ledger(engine, name, Kind({"reading": True}, meaning))


def meaning(err: BaseException) -> tuple[str, str]:
    """Say what an error of the driver means, and what to do: (message, hint)."""
    code = str(getattr(err, "sqlite_errorname", ""))
    for prefix, message, hint in _MEANING:
        if code.startswith(prefix):
            return message, hint
    return f"the ledger cannot be used: {err}".splitlines()[0], ""


def _set_up(cache_kib: int, connection: Any, _record: object) -> None:
    # The driver's legacy transactions would begin late and not at all before DDL; `_begin` does it.
    connection.isolation_level = None
    # fullfsync matters on macOS alone, where fsync does not reach the platter. With the default cache of 2 MB, writing 400,000 people
    # takes half as long again; this one grows only as it is used.
    pragmas = ("journal_mode = WAL", "synchronous = FULL", "fullfsync = ON", "foreign_keys = ON", f"cache_size = -{cache_kib}")
    for pragma in pragmas:
        connection.execute(f"PRAGMA {pragma}").close()
    found = {name: connection.execute(f"PRAGMA {name}").fetchone()[0] for name in DURABLE}
    if found != DURABLE:
        hint = "A claim must survive a power cut. Is the file on a network drive? Name one on a local disk under [database] url."
        raise LedgerError(f"SQLite does not write durably here: {found}", hint=hint)


def _begin(connection: Connection) -> None:
    # A deferred BEGIN that turns into a write later fails at once when another writer was faster (SQLITE_BUSY_SNAPSHOT).
    connection.exec_driver_sql("BEGIN" if connection.get_execution_options().get("reading") else "BEGIN IMMEDIATE")
