"""Findings as GitHub's workflow commands: an annotation at each line, in the log and beside a pull request.

Form and limits: docs.github.com, "Workflow commands for GitHub Actions"; what is escaped: actions/toolkit, core/src/command.ts (2026-11).
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from composer.cli.output import plain
from composer.cli.verdict import told_once
from composer.findings import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from composer.cli.verdict import Verdict
    from composer.findings import Finding

_COMMANDS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "notice"}


def as_commands(verdicts: Sequence[Verdict], root: Path) -> Iterator[str]:
    """Yield one command a finding, paths as the repository around the project names them.

    The worst come first: GitHub shows ten errors, ten warnings and ten notices of a step and keeps the rest in the log.
    """
    above = _above(root)
    findings = [finding for each in told_once(verdicts) for finding in each.findings]
    for finding in sorted(findings, key=lambda each: list(_COMMANDS).index(each.severity)):
        yield _command(finding, above)


def _above(root: Path) -> str:
    """Return what leads from the repository to the project, ``letters/`` or empty."""
    for folder in (root, *root.parents):
        if (folder / ".git").exists():
            inside = root.relative_to(folder).as_posix()
            return "" if inside == "." else f"{inside}/"
    return ""


def _command(finding: Finding, above: str) -> str:
    where = finding.where
    properties = {"file": where.path if Path(where.path).is_absolute() else f"{above}{where.path}"}
    if where.line:
        properties["line"] = str(where.line)
        if isinstance(where.column, int):
            properties["col"] = str(where.column)
    properties["title"] = finding.code
    shown = ",".join(f"{name}={_property(plain(value))}" for name, value in properties.items())
    words = plain(finding.message) + (f"\n{plain(finding.hint)}" if finding.hint else "")
    return f"::{_COMMANDS[finding.severity]} {shown}::{_data(words)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
