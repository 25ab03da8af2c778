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

HEAD = "0001"
FOLDER = Path(__file__).parent


def bring_up_to_date(ledger: Ledger) -> None:
    """Make or migrate the tables. Raises LedgerError for a database of something else or of a newer version."""
    with ledger.read() as connection:
        if _revision(connection, ledger.name) == HEAD:
            return
    with ledger.write() as connection:
        if _revision(connection, ledger.name) != HEAD:
            upgrade(connection)


def upgrade(connection: Connection) -> None:
    """Run the missing migrations in the transaction of ``connection``."""
    from alembic import command  # noqa: PLC0415 - costs 100 ms that only a new or old ledger need pay
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _revision(connection: Connection, name: str) -> str:
    tables = set(inspect(connection).get_table_names())
    if not tables:
        return ""
    if not {"alembic_version", "campaigns", "deliveries"} <= tables:
        hint = "Name another file under [database] url; this one belongs to something else."
        raise LedgerError("this database is not a ledger", where=Where(name), hint=hint)
    revision = str(connection.execute(text("SELECT version_num FROM alembic_version")).scalar() or "")
    if revision > HEAD:
        hint = "Update newsletter-composer, or use the ledger that belongs to this version."
        raise LedgerError("this ledger was written by a newer version", where=Where(name), hint=hint)
    return revision
