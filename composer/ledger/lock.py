"""One process a campaign: a lock of the kernel or of PostgreSQL, gone with its process however that ends."""

from __future__ import annotations

import fcntl
import os
import time
from contextlib import contextmanager, suppress
from threading import Lock
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, text
from sqlalchemy.exc import SQLAlchemyError

from composer.errors import LedgerError, UsageError
from composer.findings import Where
from composer.ledger.opening import ledger_path

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from sqlalchemy import Column, ColumnElement

    from composer.ledger.database import Ledger
    from composer.project import Project

# Two numbers name the lock: that of the ledger's own table, unlike any other in this database, and the campaign's.
_NUMBERS = "CAST(CAST(to_regclass('campaigns') AS oid) AS integer), :campaign"
_TAKE, _GIVE_BACK = text(f"SELECT pg_try_advisory_lock({_NUMBERS})"), text(f"SELECT pg_advisory_unlock({_NUMBERS})")

# It may be a look alone that is in the way: `newsletter status` takes the lock for a moment to see whether somebody has it.
_TRIES, _A_MOMENT = 3, 0.05


@contextmanager
def hold_campaign(project: Project, ledger: Ledger, campaign: int, *, tries: int = _TRIES) -> Iterator[int | None]:
    """Hold a campaign while the block runs: no other process does, on this machine or any that shares the ledger.

    While another process has it, it is asked for ``tries`` times, twenty a second.
    Gives the lock file's descriptor, where there is one: a process that inherits it holds the campaign too, for as long as it lives.
    Raises UsageError when another process has it, LedgerError when it cannot be had. When the connection that holds the lock
    in PostgreSQL is lost, every later ``ledger.write()`` of the block raises LedgerError: somebody else may have it then.
    """
    if ledger.dialect == "sqlite":
        with hold(lock_path(project, campaign), tries) as descriptor:
            yield descriptor
        return
    with ledger.session() as connection:
        _insist(lambda: bool(connection.execute(_TAKE, {"campaign": campaign}).scalar()), tries)
        try:
            with ledger.guarded(_alive(connection.connection.dbapi_connection, ledger.name)):
                yield None
        finally:
            # Closing would do, but a moment later, when the server has noticed.
            with suppress(SQLAlchemyError):
                connection.execute(_GIVE_BACK, {"campaign": campaign})


def lock_path(project: Project, campaign: int) -> Path:
    """Where the lock file of a campaign lies: beside the ledger's file, which several projects may share."""
    ledger = ledger_path(project).resolve()
    return ledger.with_name(f"{ledger.name}-campaign-{campaign}.lock")


def in_turn(dialect: str, issue: Column[Any]) -> tuple[ColumnElement[Any], ...]:
    """Return what a statement selects besides, to wait until no other transaction that does so for the same issue is open.

    Of two campaigns that claim one person at the same moment neither sees the other's claim. SQLite has one writer at a time.
    """
    if dialect == "sqlite":
        return ()
    return (func.pg_advisory_xact_lock(text("CAST(CAST(to_regclass('deliveries') AS oid) AS integer)"), func.hashtext(issue)),)


@contextmanager
def hold(path: Path, tries: int = _TRIES) -> Iterator[int]:
    """Hold the lock file at ``path`` (made at need). Raises UsageError when another process has it, LedgerError when there can be none."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as err:
        raise LedgerError(f"cannot lock the campaign: {err.strerror} ({path.name})", hint=f"Check your rights in {path.parent}.") from err
    try:
        _lock(descriptor, path, tries)
        yield descriptor
    finally:
        os.close(descriptor)


def _lock(descriptor: int, path: Path, tries: int) -> None:
    try:
        _insist(lambda: _flock(descriptor), tries)
    except OSError as err:
        hint = "Some network drives have no locks: name a file on a local disk under [database] url."
        raise LedgerError(f"cannot lock the campaign: {err.strerror} ({path.name})", hint=hint) from err


def _flock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _insist(take: Callable[[], bool], tries: int) -> None:
    """Try to take a lock a few times. Raises UsageError when another process has it all the while."""
    for number in range(tries):
        if number:
            time.sleep(_A_MOMENT)
        if take():
            return
    hint = "Wait until it is done, or stop it with `newsletter pause`; `newsletter status` shows how far it is."
    raise UsageError("another process is sending this campaign", hint=hint)


def _alive(driver: Any, name: str) -> Callable[[], None]:
    """Return what looks, without asking the server, whether a connection is still there: a closed one is readable."""
    one_at_a_time = Lock()

    def check() -> None:
        try:
            with one_at_a_time:
                driver.pgconn.consume_input()
        except Exception as err:
            raise LedgerError(
                "the connection that kept other processes away from this campaign was lost",
                where=Where(name),
                hint="Look at the server; then `newsletter resume` goes on.",
            ) from err

    return check
