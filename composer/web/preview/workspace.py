"""The project as it is at this moment: its configuration read again when it changes, its issues by stem, its lists by name.

Reads only, and nothing outside of the project's folders.
"""

from __future__ import annotations

import hashlib
import unicodedata
from pathlib import Path
from threading import Lock

from composer.audience.files import list_names
from composer.errors import ComposerError
from composer.project import LONGEST_STEM, Project, find

_SETTINGS = ("newsletter.toml", ".env")


def stamp(path: Path) -> tuple[int, int, int] | None:
    """Return what changes when a file is written anew or replaced; None when it is not there."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


class Workspace:
    """One project, looked at for as long as the preview runs; safe to share between threads."""

    def __init__(self, project: Project) -> None:
        self.root = project.root
        self._project = project
        self._error: ComposerError | None = None
        self._mark = self._settings_mark()
        self._lock = Lock()

    def look(self) -> tuple[Project, ComposerError | None]:
        """Return the project with its configuration as it was last right, and what is wrong with it now."""
        with self._lock:
            mark = self._settings_mark()
            if mark != self._mark:
                self._mark = mark
                try:
                    self._project, self._error = find(self.root, exact=True), None
                except ComposerError as err:
                    self._error = err
            return self._project, self._error

    def files(self) -> dict[str, Path]:
        """Return the issues that are there, by stem: those that ``newsletter build STEM`` would find, none from outside."""
        folder = self.root / "issues"
        inside = (folder.resolve(), self.root)
        return {unicodedata.normalize("NFC", path.stem): path for path in sorted(folder.glob("*.md")) if _is_issue(path, inside)}

    def issue_file(self, stem: str) -> Path | None:
        """Return the file of an issue; only one that lies in the project's folder of issues."""
        return self.files().get(unicodedata.normalize("NFC", stem))

    def has_list(self, name: str) -> bool:
        """Say whether there is a list of this name in the project; a path is none."""
        return name in list_names(self._project)

    def _settings_mark(self) -> bytes:
        digest = hashlib.sha256()
        for name in _SETTINGS:
            try:
                digest.update((self.root / name).read_bytes())
            except OSError:
                digest.update(b"\0none")
            digest.update(b"\0")
        return digest.digest()


def _is_issue(path: Path, inside: tuple[Path, ...]) -> bool:
    named = path.stem.isprintable() and not path.stem.startswith(".") and len(path.stem) <= LONGEST_STEM
    try:
        return named and path.is_file() and any(path.resolve().is_relative_to(folder) for folder in inside)
    except (OSError, RuntimeError):  # links in a circle
        return False
