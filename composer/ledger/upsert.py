"""The statements of an import: from staged people into subscribers, subscriptions and suppressions, on both databases.

What a row says never makes anyone who left, or is suppressed, a confirmed subscriber: that is decided in ``_AFTER`` alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import Column, Integer, MetaData, PrimaryKeyConstraint, Table, Text, bindparam, select, text

from composer.ledger.schema import Moment, subscriptions

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection, TextClause

COLUMNS = ("seq", "key", "email", "name", "fields", "state", "gone", "reason")
_staging = MetaData()


def _staged(name: str, *constraints: PrimaryKeyConstraint, **options: Any) -> Table:
    kinds = {"seq": Integer, "gone": Integer}
    columns = (Column(each, kinds.get(each, Text), nullable=False) for each in COLUMNS)
    return Table(name, _staging, *columns, *constraints, prefixes=["TEMPORARY"], **options)


# Rows as they come, and the same in the order of their keys: with it every index is walked, none is searched at random.
rows = _staged("import_rows")
people = _staged("import_people", PrimaryKeyConstraint("key", "seq"), sqlite_with_rowid=False)
# What rows of one person are put together to.
united = _staged("import_united")

_MERGED = {
    "sqlite": "json_patch({old}, {new})",
    "postgresql": "CAST(CAST({old} AS jsonb) || CAST({new} AS jsonb) AS json)",
}
_DIFFERENT = {
    "sqlite": "{old} <> {new} AND json_patch({old}, {new}) <> json({old})",
    "postgresql": "NOT CAST({old} AS jsonb) @> CAST({new} AS jsonb)",
}
_STORED = {"sqlite": "fields", "postgresql": "CAST(fields AS json)"}

_CHANGED = "({old}.email <> {new}.email OR ({new}.name <> '' AND {new}.name <> {old}.name) OR {different})"
_KNOWN = """
SELECT p.key, p.email, p.name, p.fields, p.state, p.gone, p.reason, s.id, {before} AS before,
    s.email AS old_email, s.name AS old_name, s.fields AS old_fields,
    COALESCE((SELECT MAX(CASE WHEN x.reason = 'unsubscribed' THEN 2 ELSE 1 END) FROM suppressions x
        WHERE x.address_key = p.key AND x.scope IN ('', :list)), 0) AS held
FROM import_people p
LEFT JOIN subscribers s ON s.address_key = p.key
{joined}
"""
# Nobody is on a new list: SQLite then writes to the table at once, as it does not read it.
_NEW = _KNOWN.format(before="CAST(NULL AS TEXT)", joined="")
_OLD = _KNOWN.format(before="ss.state", joined="LEFT JOIN subscriptions ss ON ss.list = :list AND ss.subscriber = s.id")
_AFTER = """
CASE WHEN gone = 1 THEN 'unsubscribed'
    WHEN before IS NOT NULL AND (before <> 'unconfirmed' OR held > 0 OR reason <> '') THEN before
    WHEN held = 2 THEN 'unsubscribed'
    WHEN held = 1 OR reason <> '' THEN 'unconfirmed'
    ELSE state END
"""
_WELL = "gone = 0 AND reason = ''"
_COUNTS = {
    "created": "before IS NULL",
    "updated": "before IS NOT NULL AND (({changed}) OR {after} <> before)",
    "unchanged": "before IS NOT NULL AND NOT (({changed}) OR {after} <> before)",
    "unconfirmed": f"{_WELL} AND state = 'unconfirmed'",
    "unsubscribed": "gone = 1",
    "suppressed": "reason <> ''",
    "kept_unsubscribed": f"{_WELL} AND (before = 'unsubscribed' OR held = 2)",
    "kept_suppressed": f"{_WELL} AND COALESCE(before, '') <> 'unsubscribed' AND held = 1",
}


def stage_in_order(connection: Connection) -> None:
    """Move the rows into the order of their keys."""
    names = ", ".join(COLUMNS)
    connection.execute(text(f"INSERT INTO import_people ({names}) SELECT {names} FROM import_rows ORDER BY key, seq"))  # noqa: S608 - our names
    connection.execute(text("DROP TABLE import_rows"))
    if connection.dialect.name == "postgresql":
        connection.execute(text("ANALYZE import_people"))


def repeated() -> TextClause:
    """Select the rows of everybody who has several, person after person, in the order of the file."""
    names = ", ".join(f"p.{name}" for name in COLUMNS)
    several = "SELECT key FROM import_people GROUP BY key HAVING COUNT(*) > 1"
    return text(f"SELECT {names} FROM import_people p WHERE p.key IN ({several}) ORDER BY p.key, p.seq")  # noqa: S608 - our names


def replace_repeated(connection: Connection) -> None:
    """Put the united rows in the place of those they were made from."""
    names = ", ".join(COLUMNS)
    connection.execute(text("DELETE FROM import_people WHERE key IN (SELECT key FROM import_united)"))
    connection.execute(text(f"INSERT INTO import_people ({names}) SELECT {names} FROM import_united ORDER BY key"))  # noqa: S608 - our names


def count(connection: Connection, name: str) -> dict[str, int]:
    """Say what ``write`` would do for a list, by the names of ImportCounts."""
    different = _DIFFERENT[connection.dialect.name].format(old="old_fields", new="fields")
    changed = f"old_email <> email OR (name <> '' AND name <> old_name) OR {different}"
    conditions = {what: each.format(changed=changed, after=_AFTER) for what, each in _COUNTS.items()}
    sums = ", ".join(f"COALESCE(SUM(CASE WHEN {each} THEN 1 ELSE 0 END), 0) AS {what}" for what, each in conditions.items())
    row = connection.execute(text(f"SELECT {sums} FROM ({_known(connection, name)}) known").bindparams(list=name)).one()  # noqa: S608 - our names
    return {what: int(number) for what, number in row._mapping.items()}  # noqa: SLF001 - the documented way to a row's names


def write(connection: Connection, name: str, source: str, now: datetime) -> None:
    """Write the staged people to a list: who they are, what they said, whom not to mail."""
    known = _known(connection, name)
    for statement in (_people(connection.dialect.name), _said(known), _not_to_mail()):
        wanted = {"list": name, "source": source}
        values = {key: value for key, value in wanted.items() if f":{key}" in statement}
        connection.execute(text(statement).bindparams(bindparam("now", now, Moment), **values))


def _known(connection: Connection, name: str) -> str:
    anybody = select(subscriptions.c.subscriber).where(subscriptions.c.list == name).limit(1)
    return _OLD if connection.execute(anybody).first() else _NEW


def _people(dialect: str) -> str:
    old, new = "subscribers", "excluded"
    merged = _MERGED[dialect].format(old=f"{old}.fields", new=f"{new}.fields")
    different = _DIFFERENT[dialect].format(old=f"{old}.fields", new=f"{new}.fields")
    changed = _CHANGED.format(old=old, new=new, different=different)
    return f"""
        INSERT INTO subscribers (address_key, email, name, fields, created_at, updated_at)
        SELECT key, email, name, {_STORED[dialect]}, :now, :now FROM import_people WHERE true ORDER BY key
        ON CONFLICT (address_key) DO UPDATE SET email = excluded.email, fields = {merged}, updated_at = excluded.updated_at,
            name = CASE WHEN excluded.name <> '' THEN excluded.name ELSE subscribers.name END
        WHERE {changed}
    """  # noqa: S608 - our own names


def _said(known: str) -> str:
    return f"""
        INSERT INTO subscriptions (list, subscriber, state, source, created_at, updated_at)
        SELECT :list, id, {_AFTER}, :source, :now, :now FROM ({known}) known WHERE before IS NULL OR {_AFTER} <> before
        ON CONFLICT (list, subscriber) DO UPDATE SET state = excluded.state, source = excluded.source, updated_at = excluded.updated_at
    """  # noqa: S608 - our own names


def _not_to_mail() -> str:
    return """
        INSERT INTO suppressions (address_key, scope, reason, source, created_at)
        SELECT key, '', reason, :source, :now FROM import_people WHERE reason <> ''
        UNION ALL SELECT key, :list, 'unsubscribed', :source, :now FROM import_people WHERE gone = 1
        ON CONFLICT (address_key, scope, reason) DO NOTHING
    """
