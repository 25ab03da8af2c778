"""Where things are: the project's root and the folders of issues, templates and recipients."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace
from pathlib import Path

from composer import config as configuration
from composer.config import Config
from composer.errors import ProjectError

_PACKAGE = Path(__file__).resolve().parent
SHIPPED_TEMPLATES = next(
    (folder for folder in (_PACKAGE / "_shipped" / "email", _PACKAGE.parent / "templates" / "email") if folder.is_dir()),
    _PACKAGE / "_shipped" / "email",
)


@dataclass(frozen=True, slots=True)
class Project:
    """A folder with a ``newsletter.toml``; all paths are absolute."""

    root: Path
    config: Config

    @property
    def issues(self) -> Path:
        """Folder of the issues."""
        return self.root / "issues"

    @property
    def recipients(self) -> Path:
        """Folder of the lists."""
        return self.root / "recipients"

    @property
    def template_folders(self) -> tuple[Path, ...]:
        """Template folders in order of search: the project's own, then the shipped ones."""
        return tuple(dict.fromkeys((self.root / "templates" / "email", SHIPPED_TEMPLATES)))

    @property
    def var(self) -> Path:
        """Folder of what the tool keeps: ledger, locks, key."""
        return self.root / "var"

    def shown(self, path: Path) -> str:
        """Name a path as people know it: relative to the project where it lies inside."""
        try:
            return path.resolve().relative_to(self.root).as_posix()
        except ValueError:
            return path.as_posix()

    def issue_path(self, name: str) -> Path:
        """Find an issue by path (from the working directory or the root) or by stem. Raises ProjectError."""
        stem = self.issues / f"{name}.md"
        candidates = (stem, Path(name), self.root / name, self.issues / name)
        for path in candidates:
            if path.is_file():
                return path.resolve()
        near = ", ".join(sorted(path.stem for path in self.issues.glob("*.md"))[-5:]) or "none yet"
        raise ProjectError(f"there is no issue {name}", hint=f"Issues in {self.shown(self.issues)}/: {near}.")

    def signing_keys(self) -> tuple[str, ...]:
        """Keys that sign readers' links, newest first: from the environment, else ``var/secret.key`` (made at need, mode 0600)."""
        if self.config.secret_keys:
            return self.config.secret_keys
        path = self.var / "secret.key"
        if not path.is_file():
            self.var.mkdir(parents=True, exist_ok=True)
            path.touch(mode=0o600, exist_ok=True)
            path.write_text(secrets.token_urlsafe(32) + "\n", encoding="ascii")
        return tuple(path.read_text(encoding="ascii").split())


def find(start: Path | None = None, *, exact: bool = False) -> Project:
    """Find the project of a folder, upward from ``start`` (default: the working directory); ``exact`` looks only there.

    Raises ProjectError when there is none and ConfigError when its configuration is wrong.
    """
    begin = (start or Path.cwd()).resolve()
    for folder in (begin,) if exact else (begin, *begin.parents):
        if (folder / configuration.FILE_NAME).is_file():
            return Project(folder, configuration.load(folder))
    raise ProjectError(
        f"no {configuration.FILE_NAME} in {begin}" + ("" if exact else " or above it"),
        hint="Start one with `newsletter init DIR`, or name its folder with --project.",
    )


def with_config(project: Project, **tables: object) -> Project:
    """Return the project with some configuration tables replaced (for tests and command-line overrides)."""
    return replace(project, config=replace(project.config, **tables))  # type: ignore[arg-type]  # names are checked by replace
