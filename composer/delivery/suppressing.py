"""Suppressions on their way into the ledger, from the command line or a file; of people who were forgotten no address comes back."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from composer.audience.files import read_suppressions
from composer.findings import Finding, Where, warning
from composer.ledger.forgotten import is_forgotten
from composer.ledger.model import Reason
from composer.ledger.suppressions import Suppression, suppress

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator
    from datetime import datetime
    from pathlib import Path

    from composer.ledger.database import Ledger
    from composer.project import Project

_CHUNK = 1_000
_NEUTRALISED = ("'=", "'+", "'-")


class Remembered:
    """Entries without those of people who were forgotten, to be iterated once; counts of both grow on the way."""

    def __init__(self, project: Project, ledger: Ledger, entries: Iterable[Suppression]) -> None:
        self.read = self.forgotten = self.new = 0
        self._project, self._ledger, self._entries = project, ledger, entries

    def __iter__(self) -> Iterator[Suppression]:
        """Read the entries, a thousand at a time."""
        stream, keys = iter(self._entries), self._project.signing_keys()
        while chunk := list(islice(stream, _CHUNK)):
            gone = is_forgotten(self._ledger, (entry.key for entry in chunk), keys)
            kept = [entry for entry in chunk if entry.key not in gone]
            self.read += len(chunk)
            self.forgotten += len(chunk) - len(kept)
            yield from kept


def suppress_all(project: Project, ledger: Ledger, entries: Iterable[Suppression], now: datetime, *, dry_run: bool = False) -> Remembered:
    """Suppress everybody but those who were forgotten, in one transaction; return how many were read, new and forgotten.

    With ``dry_run`` nothing is written, and the numbers are what they would be.
    """
    kept = Remembered(project, ledger, entries)
    kept.new = suppress(ledger, kept, now, dry_run=dry_run)
    return kept


class SuppressionFile:
    """An export of suppressed addresses as entries, to be iterated once; findings gather on the way.

    ``reason`` and ``scope`` hold for rows that do not say theirs; a row of a list that is not among ``lists`` is taken, with a
    warning. Raises AudienceError for a file that is no table.
    """

    def __init__(self, path: Path, shown: str, *, reason: str, scope: str, lists: Collection[str]) -> None:
        self._rows = read_suppressions(path, shown, reason=reason)
        self._shown, self._source, self._scope = shown, f"import {path.name}", scope
        self._told = {"", *lists}
        self.findings = list(self._rows.findings)

    def __iter__(self) -> Iterator[Suppression]:
        """Read the file."""
        for row in self._rows:
            if isinstance(row, Finding):
                self.findings.append(row)
                continue
            if row.scope not in self._told:
                self._told.add(row.scope)
                message = f"there is no list {row.scope!r}: this suppresses nobody until there is one of that name"
                self.findings.append(warning("suppression-list-unknown", Where(self._shown, row.line), message, "Correct the name."))
            yield Suppression(_plain(row.address.key), row.scope or self._scope, Reason(row.reason), self._source, row.created_at)


def _plain(key: str) -> str:
    """Take off the apostrophe that our own exports put before what a spreadsheet would run."""
    return key[1:] if key.startswith(_NEUTRALISED) else key
