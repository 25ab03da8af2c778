"""The list of issues, as the first page shows it: the newest first, each read again only when its file changed."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from composer.errors import ComposerError
from composer.issue.files import read_issue
from composer.web.preview.merging import as_typed
from composer.web.preview.workspace import Workspace

if TYPE_CHECKING:
    from composer.project import Project


@dataclass(frozen=True, slots=True)
class Entry:
    """One issue: ``modified`` is when its file was last written (ISO 8601, UTC), ``error`` what keeps it from being read."""

    stem: str
    title: str
    month: str = ""
    draft: bool = False
    modified: str = ""
    error: str = ""
    date: datetime = field(default=datetime.min.replace(tzinfo=UTC), repr=False)


class Contents:
    """Reads issues for the list; safe to share between threads."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._kept: dict[Path, tuple[tuple[int, int], Entry]] = {}

    def entries(self) -> list[Entry]:
        """Return all issues; by the date that each names, or else by when it was written."""
        project, _ = self._workspace.look()
        found = [entry for stem, path in self._workspace.files().items() if (entry := self._entry(project, stem, path))]
        return sorted(found, key=lambda entry: (entry.date, entry.stem), reverse=True)

    def _entry(self, project: Project, stem: str, path: Path) -> Entry | None:
        try:
            stat = path.stat()
        except OSError:
            return None  # gone in this moment
        mark = (stat.st_mtime_ns, stat.st_size)
        kept = self._kept.get(path)
        if not kept or kept[0] != mark:
            kept = self._kept[path] = (mark, _read(project, stem, path, datetime.fromtimestamp(stat.st_mtime, UTC)))
        return kept[1]


def _read(project: Project, stem: str, path: Path, written: datetime) -> Entry:
    modified = written.isoformat(timespec="seconds")
    try:
        issue = read_issue(path, project)
    except ComposerError as err:
        return Entry(stem, stem, modified=modified, error=str(err), date=written)
    return Entry(stem, as_typed(issue, issue.title), issue.month, issue.draft, modified, date=issue.date or written)
