"""Is the ledger whole? What its database, its tables and its rows must be, looked at one by one.

Changes nothing; names campaigns and counts, never a person.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import CheckConstraint, case, func, inspect, select, text

from composer.errors import UsageError
from composer.findings import Finding, Where, error
from composer.ledger.keyed import PUT_BACK, count_lost
from composer.ledger.lock import hold_campaign
from composer.ledger.migrations import HEAD, revision_of
from composer.ledger.model import DeliveryState
from composer.ledger.schema import HELD, attempts, campaigns, deliveries, metadata
from composer.ledger.sqlite import DURABLE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection

    from composer.ledger.database import Ledger
    from composer.project import Project

_D = deliveries.c
_MOST = 20
_RESTORE = "Keep a copy: it knows who was mailed. Then restore the ledger from a backup."
_BY_HAND = "Something other than `newsletter` wrote to the ledger, or a backup was restored in part: compare it with an older backup."


def check_ledger(project: Project, ledger: Ledger) -> tuple[Finding, ...]:
    """Look at the database, then the tables, then the rows, each only where what comes before is well. Raises LedgerError.

    To find out whether anybody runs a campaign that has people in flight, its lock is taken for a moment.
    """
    where = Where(ledger.name)
    with ledger.read() as connection:
        found = (*_intact(connection, where), *_durable(connection, where))
    if (revision := revision_of(ledger)) != HEAD:
        message = f"the tables are of revision {revision or 'none'}, this version works with {HEAD}"
        return (*found, error("ledger-outdated", where, message, "Run `newsletter db upgrade`."))
    with ledger.read() as connection:
        if differing := tuple(_tables(connection, where)):
            return (*found, *differing)
        counts = (*_attempts(connection, where), *_people(connection, where), *_twice(connection, where))
    return (*found, *counts, *_unrecognised(project, ledger, where), *_left_sending(project, ledger, where))


def _intact(connection: Connection, where: Where) -> Iterator[Finding]:
    """What SQLite finds in its own file; PostgreSQL has tools of its own for that (pg_amcheck)."""
    if connection.dialect.name != "sqlite":
        return
    for row in connection.exec_driver_sql(f"PRAGMA integrity_check({_MOST})"):
        if row[0] != "ok":
            yield error("ledger-damaged", where, f"the file is damaged: {str(row[0])[:200]}", _RESTORE)
    strays = connection.exec_driver_sql("PRAGMA foreign_key_check").fetchmany(_MOST)
    for table, parent in sorted({(row[0], row[2]) for row in strays}):
        yield error("ledger-damaged", where, f"rows of {table} belong to rows of {parent} that are not there", _RESTORE)


def _durable(connection: Connection, where: Where) -> Iterator[Finding]:
    """Whether a claim survives a power cut, by what is in effect and not by what was asked for."""
    if connection.dialect.name == "sqlite":
        wanted: dict[str, Any] = DURABLE
        found = {name: connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in wanted}
        hint = "Keep the ledger on a local disk."
    else:
        wanted = {"fsync": True, "full_page_writes": True, "synchronous_commit": True}
        found = {name: connection.execute(text("SELECT current_setting(:name)"), {"name": name}).scalar() != "off" for name in wanted}
        hint = "Switch it on in postgresql.conf."
    for name, value in found.items():
        if value != wanted[name]:
            yield error("ledger-not-durable", where, f"a power cut may lose who was mailed: {name} is {value or 'off'}", hint)


def _tables(connection: Connection, where: Where) -> Iterator[Finding]:
    from alembic.autogenerate import compare_metadata  # noqa: PLC0415 - costs 100 ms that only a check need pay
    from alembic.migration import MigrationContext  # noqa: PLC0415

    differences = [_words(each) for each in compare_metadata(MigrationContext.configure(connection), metadata)]
    inspector = inspect(connection)
    for table in metadata.sorted_tables if not differences else ():
        wanted = {str(each.name) for each in table.constraints if isinstance(each, CheckConstraint)}
        differences += sorted(f"no {name}" for name in wanted - {each["name"] for each in inspector.get_check_constraints(table.name)})
    if not differences and not _once(connection):
        differences.append("uq_deliveries_once is not the index it should be")
    hint = "Restore the ledger from a backup, or make what is missing by hand; tables of your own belong into another database."
    for difference in differences[:_MOST]:
        yield error("ledger-tables-differ", where, f"the tables are not those of this version: {difference}", hint)


def _words(difference: Any) -> str:
    """Say what Alembic found, such as ``remove_table songs`` for a table too many."""
    entry = difference[0] if isinstance(difference, list) else difference
    parts = (getattr(part, "name", part) for part in entry[1:])
    return " ".join(str(part) for part in (entry[0], *parts) if isinstance(part, str))


def _once(connection: Connection) -> bool:
    """Whether the index that keeps people from being mailed twice looks at those, and only those, who may have been."""
    option = f"{connection.dialect.name}_where"
    index = next((each for each in inspect(connection).get_indexes("deliveries") if each["name"] == "uq_deliveries_once"), None)
    if index is None or not index["unique"]:
        return False
    return str(index.get("dialect_options", {}).get(option, "")).strip("() ") == str(HELD)


def _attempts(connection: Connection, where: Where) -> Iterator[Finding]:
    grouping = select(attempts.c.campaign, attempts.c.position, func.count().label("number"))
    counted = grouping.group_by(attempts.c.campaign, attempts.c.position).subquery()
    both = deliveries.outerjoin(counted, (_D.campaign == counted.c.campaign) & (_D.position == counted.c.position))
    under_way = case((_D.state == DeliveryState.SENDING, 1), else_=0)
    wrong = _D.attempts != func.coalesce(counted.c.number, 0) + under_way
    asked = select(_D.campaign, func.count(), func.min(_D.position)).select_from(both).where(wrong).group_by(_D.campaign)
    for campaign, number, first in connection.execute(asked.order_by(_D.campaign).limit(_MOST)):
        message = f"campaign {campaign}: {number} deliveries count other attempts than were written; the first is position {first}"
        yield error("attempts-miscounted", where, message, _BY_HAND)


def _people(connection: Connection, where: Where) -> Iterator[Finding]:
    counted = select(_D.campaign, func.count().label("number")).group_by(_D.campaign).subquery()
    rows = func.coalesce(counted.c.number, 0)
    both = campaigns.outerjoin(counted, campaigns.c.id == counted.c.campaign)
    asked = select(campaigns.c.id, campaigns.c.people, rows).select_from(both).where(campaigns.c.people != rows).order_by(campaigns.c.id)
    for campaign, people, number in connection.execute(asked.limit(_MOST)):
        message = f"campaign {campaign} began with {people} people and has rows for {number}"
        yield error("campaign-miscounted", where, message, _BY_HAND)


def _twice(connection: Connection, where: Where) -> Iterator[Finding]:
    asked = select(_D.issue, func.count().label("number")).where(HELD).group_by(_D.issue, _D.address_key).having(func.count() > 1)
    each = asked.subquery()
    for issue, number in connection.execute(select(each.c.issue, func.count()).group_by(each.c.issue).limit(_MOST)):
        message = f"{number} people got, or may have got, the issue {issue} more than once"
        yield error("mailed-twice", where, message, _BY_HAND)


def _unrecognised(project: Project, ledger: Ledger, where: Where) -> Iterator[Finding]:
    if number := count_lost(ledger, project.known_keys()):
        message = f"the secret key is not here with which {number:,} of the forgotten could be recognised"
        yield error("forgotten-key-lost", where, message, PUT_BACK)


def _left_sending(project: Project, ledger: Ledger, where: Where) -> Iterator[Finding]:
    flying = select(_D.campaign, func.count()).where(_D.state == DeliveryState.SENDING).group_by(_D.campaign).order_by(_D.campaign)
    with ledger.read() as connection:
        running = [row[0] for row in connection.execute(flying)]
    for campaign in running:
        try:
            with hold_campaign(project, ledger, campaign), ledger.read() as connection:
                number = {row[0]: row[1] for row in connection.execute(flying)}.get(campaign, 0)
        except UsageError:
            continue
        if number:
            message = f"campaign {campaign}: {number} deliveries were in flight when their process ended"
            yield error("left-in-flight", where, message, f"Run `newsletter resume {campaign}`: it settles them before it sends.")
