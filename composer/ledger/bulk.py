"""Many rows or values at once, at the speed of the driver: SQLAlchemy's own loops cost more than the database does.

Values are converted by the columns' own types, so that what is written here reads as what is written elsewhere.
"""

from __future__ import annotations

import json
from functools import lru_cache
from itertools import islice
from typing import TYPE_CHECKING, Any

from sqlalchemy import ARRAY, any_, bindparam, func, literal, select

from composer.ledger.schema import Moment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from sqlalchemy import Column, ColumnElement, Connection, Table

_CHUNK = 5_000


def insert_rows(
    connection: Connection, table: Table, columns: Sequence[str], rows: Iterable[Sequence[Any]], common: Mapping[str, Any] | None = None
) -> int:
    """Insert rows, each the values of ``columns`` in order, with the values of ``common`` in all of them; return how many.

    Rows are taken from the iterator as they are needed. Works in the transaction of ``connection``.
    """
    shared = common or {}
    names = (*shared, *columns)
    fixed = tuple(_converted(connection, table, name, value) for name, value in shared.items())
    converters = [(at, convert) for at, name in enumerate(columns) if (convert := _converter(connection, table, name))]
    stream = iter(rows)
    count = 0
    while chunk := list(islice(stream, _CHUNK)):
        for at, convert in converters:
            chunk = [(*row[:at], convert(row[at]), *row[at + 1 :]) for row in chunk]
        _write(connection, table.name, names, [(*fixed, *row) for row in chunk])
        count += len(chunk)
    return count


def among(connection: Connection, values_of: Column[Any], values: Sequence[int] | Sequence[str]) -> ColumnElement[bool]:
    """Return the condition that a column holds one of these values, however many: they travel as a single parameter."""
    if connection.dialect.name == "postgresql":
        return values_of == any_(bindparam(None, list(values), type_=ARRAY(values_of.type)))
    listed = func.json_each(literal(json.dumps(list(values)))).table_valued("value")
    return values_of.in_(select(listed.c.value))


def _converter(connection: Connection, table: Table, name: str) -> Callable[[Any], Any] | None:
    kind = table.c[name].type
    convert = kind.dialect_impl(connection.dialect).bind_processor(connection.dialect)
    # Moments repeat: one claim, one record.
    return lru_cache(maxsize=64)(convert) if convert and isinstance(kind, Moment) else convert


def _converted(connection: Connection, table: Table, name: str, value: Any) -> Any:
    convert = _converter(connection, table, name)
    return convert(value) if convert else value


def _write(connection: Connection, table: str, names: Sequence[str], rows: list[tuple[Any, ...]]) -> None:
    listed = ", ".join(f'"{name}"' for name in names)
    if connection.dialect.name == "postgresql":
        driver = connection.connection.dbapi_connection
        with driver.cursor() as cursor, cursor.copy(f"COPY {table} ({listed}) FROM STDIN") as copy:  # type: ignore[union-attr]  # psycopg's
            for row in rows:
                copy.write_row(row)
        return
    marks = ", ".join("?" * len(names))
    connection.exec_driver_sql(f"INSERT INTO {table} ({listed}) VALUES ({marks})", rows)  # noqa: S608 - names of our own tables
