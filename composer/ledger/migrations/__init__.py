"""Bringing a ledger's tables up to date with Alembic; a ledger that is current costs one query and no import.

``HEAD`` is the newest revision in ``versions/`` (a test compares them).
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import inspect, text

from composer.errors import LedgerError
from composer.findings import Where

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from composer.ledger.database import Ledger

HEAD = "0004"
FOLDER = Path(__file__).parent
# A number of our own: whoever holds this advisory lock makes or changes tables, and no one else (PostgreSQL's locks are a database's).
_LOCK = 7_305_804_402


def bring_up_to_date(ledger: Ledger) -> str:
    """Make or migrate the tables; return the revision before, empty for none. Raises LedgerError for what is no ledger, or a newer one."""
    if (before := revision_of(ledger)) == HEAD:
        return before
    with ledger.write() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("SET LOCAL statement_timeout = 0"))
            connection.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": _LOCK})
        if _revision(connection, ledger.name) != HEAD:
            upgrade(connection)
    return before


def revision_of(ledger: Ledger) -> str:
    """Return a ledger's revision, empty when it has no tables. Raises LedgerError for what is no ledger, or a newer one."""
    with ledger.read() as connection:
        return _revision(connection, ledger.name)


def upgrade(connection: Connection, to: str = "head") -> None:
    """Run the missing migrations in the transaction of ``connection``."""
    from alembic import command  # noqa: PLC0415 - costs 100 ms that only a new or old ledger need pay
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, to)


def _revision(connection: Connection, name: str) -> str:
    tables = set(inspect(connection).get_table_names())
    if not tables:
        return ""
    if not {"alembic_version", "campaigns", "deliveries"} <= tables:
        hint = "Name another one under [database] url; this one belongs to something else."
        raise LedgerError("this database is not a ledger", where=Where(name), hint=hint)
    revision = str(connection.execute(text("SELECT version_num FROM alembic_version")).scalar() or "")
    if revision > HEAD:
        hint = "Update newsletter-composer, or use the ledger that belongs to this version."
        raise LedgerError("this ledger was written by a newer version", where=Where(name), hint=hint)
    return revision
