"""Exports of addresses that must not be mailed: rows of an export in, SuppressedRow out, or a Finding. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple

from composer.audience.address import Address
from composer.audience.comparison import Moment, measure
from composer.audience.consent import REASONS, STATE_WORDS, word
from composer.audience.exports import FILE_NAME, Export, ImportedRow
from composer.errors import UsageError
from composer.findings import Finding

SUPPRESSION_REASONS = ("unsubscribed", "hard_bounce", "complaint", "manual", "invalid")
_DAYS = ("created_at", "created", "suppressed_at", "unsubscribed_at", "unsub_time", "clean_time", "last_changed", "date", "timestamp")
# A column with one of these names may hold the reason itself, or in SendGrid's bounces what the other server said.
_REASON_COLUMNS = ("reason", "type", "status")
_OURS = {**{reason: reason for reason in SUPPRESSION_REASONS}, "invalid_email": "invalid", "invalid_emails": "invalid"}
_UNIX = re.compile(r"\d{9,10}(?:\d{3})?", re.ASCII)
_SECONDS_DIGITS = 10


class SuppressedRow(NamedTuple):
    """An address that must not be mailed; ``created_at`` as the file says (UTC), ``scope`` a list's name or empty for everywhere."""

    address: Address
    reason: str
    created_at: datetime | None
    line: int
    scope: str = ""


@dataclass(frozen=True, slots=True)
class Suppressions:
    """One file of suppressed addresses; iterate over it, as often as needed. ``reason`` holds for rows that do not say theirs.

    ``findings`` concern the whole file, as those of an Export do.
    """

    export: Export
    reason: str

    @classmethod
    def of(cls, export: Export, reason: str = "") -> Suppressions:
        """Settle the reason: the one given, else what the file's columns or name say. Raises UsageError for an unknown one."""
        if reason and reason not in SUPPRESSION_REASONS:
            raise UsageError(f"{reason!r} is no reason to suppress", hint=f"It is one of: {', '.join(SUPPRESSION_REASONS)}.")
        return cls(export, reason or _of_columns(export))

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What is to be said of the whole file."""
        return tuple(finding for finding in self.export.findings if finding.code != "import-file-state")

    def __iter__(self) -> Iterator[SuppressedRow | Finding]:
        """Read the file."""
        for row in self.export:
            if isinstance(row, Finding):
                yield row
            else:
                yield SuppressedRow(row.address, _reason(row) or self.reason, _created(row.fields), row.line, _scope(row.fields))


def _of_columns(export: Export) -> str:
    """SendGrid's exports differ in their columns, and blocks from bounces in the file's name alone.

    Bounces and blocks: email, created, reason, status; invalid addresses: email, created, reason; spam reports: email, created,
    ip; unsubscribes, global and of a group: email, created. A block is a refusal that may pass, so it is no hard bounce.
    """
    name = re.split(r"[/\\]", export.path)[-1].casefold()
    for part, reason in (
        ("block", "manual"),
        ("bounce", "hard_bounce"),
        ("spam", "complaint"),
        ("invalid", "invalid"),
        ("unsub", "unsubscribed"),
    ):
        if part in name:
            return reason
    columns = set(export.columns)
    if {"reason", "status"} <= columns:
        return "hard_bounce"
    if "ip" in columns:
        return "complaint"
    if "reason" in columns:
        return "invalid"
    return REASONS.get(export.state, "unsubscribed" if columns & set(_DAYS) else "manual")


def _reason(row: ImportedRow) -> str:
    for column in _REASON_COLUMNS:
        said = word(row.fields.get(column, ""))
        if said in _OURS:
            return _OURS[said]
        state = STATE_WORDS.get(said)
        if state in REASONS and not said.isdigit():
            return REASONS[state]
    return "" if row.why == FILE_NAME else REASONS.get(row.state, "")


def _created(fields: Mapping[str, str]) -> datetime | None:
    text = next((fields[name] for name in _DAYS if fields.get(name)), "")
    if _UNIX.fullmatch(text):
        return datetime.fromtimestamp(int(text[:_SECONDS_DIGITS]), UTC)
    found = measure(text)
    if not isinstance(found, Moment):
        return None
    return found.instant or datetime(found.day.year, found.day.month, found.day.day, tzinfo=UTC)


def _scope(fields: Mapping[str, str]) -> str:
    scope = fields.get("scope", "")
    return "" if word(scope) in {"", "everywhere", "all", "global"} else scope
