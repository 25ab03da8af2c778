"""What a check has to say, as data: the CLI, the preview and CI print the same findings."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """How much a finding matters: an error stops a public send, a warning is shown, an info is a remark."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


@dataclass(frozen=True, slots=True, order=True)
class Where:
    """A place in a file: ``issues/2026-01.md:42`` or ``recipients/staff.csv:7:email``.

    ``path`` is as shown to people (relative to the project where possible), ``line`` counts from 1,
    ``column`` is a number counted from 1 or the name of a CSV column.
    """

    path: str
    line: int | None = None
    column: int | str | None = None

    def __str__(self) -> str:
        return ":".join(str(part) for part in (self.path, self.line, self.column) if part is not None)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing a check has to say.

    ``code`` is stable and documented in ``docs/findings.md``; ``hint`` says how to mend it.
    """

    code: str
    severity: Severity
    where: Where
    message: str
    hint: str = ""


def as_data(finding: Finding) -> dict[str, str | int | None]:
    """Return a finding as JSON shows it everywhere: ``where`` is path, line and column in one."""
    where = finding.where
    return {
        "code": finding.code,
        "severity": str(finding.severity),
        "path": where.path,
        "line": where.line,
        "column": where.column,
        "where": str(where),
        "message": finding.message,
        "hint": finding.hint,
    }


def error(code: str, where: Where, message: str, hint: str = "") -> Finding:
    """Build a finding of severity error."""
    return Finding(code, Severity.ERROR, where, message, hint)


def warning(code: str, where: Where, message: str, hint: str = "") -> Finding:
    """Build a finding of severity warning."""
    return Finding(code, Severity.WARNING, where, message, hint)


def info(code: str, where: Where, message: str, hint: str = "") -> Finding:
    """Build a finding of severity info."""
    return Finding(code, Severity.INFO, where, message, hint)
