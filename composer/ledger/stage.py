"""An audience while a send is prepared: on disk, in a private SQLite file that is gone with its process.

So a million people take no memory, a list that is edited meanwhile changes nothing, and a send that is only looked at writes
nothing to the ledger.
"""

from __future__ import annotations

import json
import sqlite3
import weakref
from collections import Counter
from collections.abc import Collection
from itertools import islice
from typing import TYPE_CHECKING

from composer.audience.model import Audience, LeftOut, Subscriber
from composer.findings import Where

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from composer.audience.model import List
    from composer.config import ListSettings

    Chosen = Callable[[Sequence[Subscriber], ListSettings], Mapping[str, str]]

_CHUNK = 1_000
_TABLE = """
CREATE TABLE chosen (
    key TEXT PRIMARY KEY, email TEXT NOT NULL, name TEXT NOT NULL, fields TEXT NOT NULL,
    path TEXT NOT NULL, line INTEGER, cell TEXT, list TEXT NOT NULL
) WITHOUT ROWID
"""
_COLUMNS = "key, email, name, fields, path, line, cell, list"


class Staged(Collection[Subscriber]):
    """The people of an audience, each once, in the order of their keys.

    So neighbours in a batch are neighbours in the ledger's indexes, and a commit of 200 people writes some pages instead of hundreds.
    """

    def __init__(self) -> None:
        # An empty name is a temporary file of SQLite's own, deleted when the connection is closed (sqlite.org/inmemorydb.html).
        # Used by one thread; but the last reference to it may go in another one, which then closes it.
        self._file = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        self._file.execute("PRAGMA synchronous = OFF")
        self._file.execute(_TABLE)
        self._count = 0
        weakref.finalize(self, self._file.close)

    def __len__(self) -> int:
        return self._count

    def __contains__(self, person: object) -> bool:
        return isinstance(person, Subscriber) and self._find(person.key) == person

    def __iter__(self) -> Iterator[Subscriber]:
        for row in self._file.execute(f"SELECT {_COLUMNS} FROM chosen ORDER BY key"):  # noqa: S608 - our own names
            yield _person(row)

    def add(self, people: Sequence[Subscriber]) -> int:
        """Add people; of a person who is there already only what was empty is filled. Return how many were new."""
        before = self._count
        self._file.execute("BEGIN")
        for person in people:
            cursor = self._file.execute(
                f"INSERT INTO chosen ({_COLUMNS}) VALUES (?,?,?,?,?,?,?,?) ON CONFLICT DO NOTHING",  # noqa: S608 - our own names
                _row(person),
            )
            if cursor.rowcount:
                self._count += 1
            else:
                self._complete(person)
        self._file.execute("COMMIT")
        return self._count - before

    def _complete(self, later: Subscriber) -> None:
        first = self._find(later.key)
        if first is None:
            return
        new = {name: value for name, value in later.fields.items() if value and not first.fields.get(name)}
        if new or (later.name and not first.name):
            fields = json.dumps({**first.fields, **new})
            self._file.execute("UPDATE chosen SET name = ?, fields = ? WHERE key = ?", (first.name or later.name, fields, later.key))

    def _find(self, key: str) -> Subscriber | None:
        row = self._file.execute(f"SELECT {_COLUMNS} FROM chosen WHERE key = ?", (key,)).fetchone()  # noqa: S608 - our own names
        return _person(row) if row else None


def stage(lists: Iterable[List], unwanted: Chosen) -> Audience:
    """Put lists together on disk: everyone once, in the order of their keys, with the list they are mailed by.

    ``unwanted`` is asked for each thousand people of a list and says whom to leave out and why, by key. The first row of a
    person who is not left out wins, its empty fields are filled from later ones. A reason with no one is not named.
    """
    staged, left_out, settings = Staged(), Counter[str](), []
    for each in lists:
        settings.append(each.settings)
        left_out.update(invalid=each.invalid, duplicate=each.duplicates)
        people = iter(each.subscribers)
        while chunk := list(islice(people, _CHUNK)):
            reasons = unwanted(chunk, each.settings)
            left_out.update(reasons.values())
            wanted = [_by(person, each.settings.name) for person in chunk if person.key not in reasons]
            left_out["duplicate"] += len(wanted) - staged.add(wanted)
    return Audience(tuple(settings), staged, tuple(LeftOut(reason, count) for reason, count in left_out.items() if count))


def _by(person: Subscriber, name: str) -> Subscriber:
    return Subscriber(person.email, person.key, person.name, person.fields, person.where, name)


def _row(person: Subscriber) -> tuple[str | int | None, ...]:
    where = person.where
    cell = None if where.column is None else str(where.column)
    fields = json.dumps(dict(person.fields))
    return (person.key, person.email, person.name, fields, where.path, where.line, cell, person.list)


def _person(row: tuple[str, str, str, str, str, int | None, str | None, str]) -> Subscriber:
    key, email, name, fields, path, line, cell, by = row
    return Subscriber(email, key, name, json.loads(fields), Where(path, line, cell), by)
