"""The ledger as a database, whichever it is: its transactions, and its errors in words for people.

Every transaction is one of two: ``read()``, which sees one moment, or ``write()``. No SQL about campaigns here, and no
exception of SQLAlchemy or of a driver leaves this package.
"""

from __future__ import annotations

from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

from sqlalchemy.exc import SQLAlchemyError

from composer.errors import LedgerError
from composer.findings import Where

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from sqlalchemy import Connection, Engine


@dataclass(frozen=True, slots=True)
class Kind:
    """What differs between databases: the options of a connection that only reads, and what an error means: (message, hint).

    What ``hides`` holds is cut out of every message.
    """

    reading: Mapping[str, Any]
    meaning: Callable[[BaseException], tuple[str, str]]
    hides: tuple[str, ...] = field(default=(), repr=False)


class Ledger:
    """An open ledger; close it when done, or use it in a ``with`` statement. ``name`` is the ledger as people know it.

    ``notes`` are of the connection that ``write_again`` keeps, and gone when it is given back: then others may write on it.
    """

    def __init__(self, engine: Engine, name: str, kind: Kind) -> None:
        self._engine = engine
        self._kind = kind
        self._guards: list[Callable[[], None]] = []
        self._kept: Connection | None = None
        self.notes: dict[str, Any] = {}
        # What a driver raises past SQLAlchemy, while rows are copied in bulk.
        driver = engine.dialect.loaded_dbapi.Error
        self._errors: tuple[type[BaseException], ...] = (SQLAlchemyError, driver)
        self.name = name

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close."""
        self.close()

    @property
    def dialect(self) -> str:
        """``sqlite`` or ``postgresql``."""
        return self._engine.dialect.name

    def close(self) -> None:
        """Give back every connection. Safe to call twice."""
        self._let_go()
        self._engine.dispose()

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Open a transaction that only reads. Raises LedgerError."""
        with self._translated(), self._engine.connect() as connection:
            yield connection.execution_options(**self._kind.reading)

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """Open a transaction that commits at the end, durably, or changes nothing. Raises LedgerError."""
        for guard in self._guards:
            guard()
        with self._translated(), self._engine.begin() as connection:
            yield connection

    @contextmanager
    def write_again(self) -> Iterator[Connection]:
        """Do as ``write`` does, on a connection that is kept for the next time; for one thread at a time, and none within another.

        To take one from the pool and to give it back costs as much as two people do.
        """
        for guard in self._guards:
            guard()
        with self._translated():
            connection = self._kept = self._kept or self._engine.connect()
            try:
                with connection.begin():
                    yield connection
            except BaseException:
                self._let_go()  # it may be broken
                raise

    def _let_go(self) -> None:
        self.notes.clear()
        if self._kept is not None:
            connection, self._kept = self._kept, None
            with suppress(*self._errors):
                connection.close()

    @contextmanager
    def session(self) -> Iterator[Connection]:
        """Open a connection of its own that commits each statement, and is closed for good at the end. Raises LedgerError."""
        with self._translated():
            connection = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
            connection.detach()
            try:
                yield connection
            finally:
                # One that the server has closed already cannot take back anything, and need not.
                with suppress(*self._errors):
                    connection.close()

    @contextmanager
    def guarded(self, guard: Callable[[], None]) -> Iterator[None]:
        """While the block runs, let no write begin before ``guard`` has returned; it raises LedgerError to forbid it."""
        self._guards.append(guard)
        try:
            yield
        finally:
            self._guards.remove(guard)

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except self._errors as err:
            raise self.explained(err) from err

    def explained(self, err: BaseException) -> LedgerError:
        """Say what a database error means; no password and no person's data is in it."""
        message, hint = self._kind.meaning(getattr(err, "orig", None) or err)
        for secret in self._kind.hides:
            message = message.replace(secret, "…")
        return LedgerError(message, where=Where(self.name), hint=hint)
