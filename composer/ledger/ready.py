"""Statements that run for every batch: compiled once a database, then handed to the driver as they are.

SQLAlchemy's own way costs more than the database does: it looks each statement up, and makes an object of each row. Rows come back as
the driver gives them, so a statement selects no moment; errors are the driver's, which ``Ledger.write`` translates.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import ARRAY, JSON, all_, any_, bindparam, func, select

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from sqlalchemy import Column, ColumnElement, Connection, Dialect, Executable


@dataclass(frozen=True, slots=True)
class _Compiled:
    """``order`` is that of the values where they are bound by place; ``converters`` make of some of them what the driver takes."""

    text: str
    order: tuple[str, ...]
    constants: dict[str, Any]
    converters: dict[str, Callable[[Any], Any]]
    names: frozenset[str]

    def converted(self, values: Mapping[str, Any]) -> Mapping[str, Any]:
        if self.names.isdisjoint(values):
            return values
        return {name: self.converters[name](value) if name in self.names else value for name, value in values.items()}

    def placed(self, values: Mapping[str, Any]) -> tuple[Any, ...] | Mapping[str, Any]:
        return tuple([values[name] for name in self.order]) if self.order else values

    def bound(self, values: Mapping[str, Any]) -> tuple[Any, ...] | Mapping[str, Any]:
        return self.placed({**self.constants, **self.converted(values)})


class Ready:
    """A statement made by ``of``, which is given the dialect's name; its values are bound by name, those of ``within`` as lists."""

    def __init__(self, of: Callable[[str], Executable]) -> None:
        self._of = of
        self._compiled: dict[str, _Compiled] = {}

    def rows(self, connection: Connection, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        """Run it and return its rows."""
        compiled = self._for(connection.dialect)
        cursor = _driver(connection).cursor()
        try:
            cursor.execute(compiled.text, compiled.bound(values))
            found: list[tuple[Any, ...]] = cursor.fetchall()
        finally:
            cursor.close()
        return found

    def change(self, connection: Connection, each: Iterable[Mapping[str, Any]], **shared: Any) -> int:
        """Run it once for ``each``, with the ``shared`` values besides; return how many rows it changed in all."""
        compiled = self._for(connection.dialect)
        # What they share is converted once: of ten thousand people, a moment would be ten thousand times.
        known = {**compiled.constants, **compiled.converted(shared)}
        rows = [compiled.placed({**known, **compiled.converted(values)}) for values in each]
        cursor = _driver(connection).cursor()
        try:
            cursor.executemany(compiled.text, rows)
            return int(cursor.rowcount) if rows else 0
        finally:
            cursor.close()

    def _for(self, dialect: Dialect) -> _Compiled:
        if dialect.name not in self._compiled:
            statement: Any = self._of(dialect.name)
            compiled = statement.compile(dialect=dialect)
            processors = {name: bind.type.dialect_impl(dialect).bind_processor(dialect) for bind, name in compiled.bind_names.items()}
            converters = {name: processor for name, processor in processors.items() if processor}
            self._compiled[dialect.name] = _Compiled(
                str(compiled), tuple(compiled.positiontup or ()), compiled.params, converters, frozenset(converters)
            )
        return self._compiled[dialect.name]


def within(dialect: str, column: Column[Any], name: str) -> ColumnElement[bool]:
    """Return the condition that a column holds one of the values that are bound to ``name`` as a list, however many."""
    if dialect == "postgresql":
        return column == any_(bindparam(name, type_=ARRAY(column.type)))
    return column.in_(select(func.json_each(bindparam(name, type_=JSON())).table_valued("value").c.value))


def outside(dialect: str, column: Column[Any], name: str) -> ColumnElement[bool]:
    """Return the condition that a column, which is never null, holds none of the values that are bound to ``name`` as a list."""
    if dialect == "postgresql":
        return column != all_(bindparam(name, type_=ARRAY(column.type)))
    return ~within(dialect, column, name)


def _driver(connection: Connection) -> Any:
    return connection.connection.dbapi_connection
