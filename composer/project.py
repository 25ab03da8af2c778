"""Where things are: the project's root, the folders of issues, templates and recipients, and the keys that sign links and mail."""

from __future__ import annotations

import os
import secrets
import tempfile
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from composer import config as configuration
from composer.config import Config
from composer.errors import ConfigError, ProjectError
from composer.findings import Where

LONGEST_STEM = 100
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

    def issue_files(self) -> list[Path]:
        """Return the files of all issues, sorted; folders, broken links and the hidden files that editors keep beside them are none."""
        return sorted(path for path in self.issues.glob("*.md") if not path.name.startswith(".") and _is_file(path))

    def issue_path(self, name: str) -> Path:
        """Find an issue by path (from the working directory or the root) or by stem. Raises ProjectError."""
        stem = self.issues / f"{name}.md"
        candidates = (stem, Path(name), self.root / name, self.issues / name)
        for path in candidates:
            if _is_file(path):
                return _as_on_disk(path)
        from difflib import get_close_matches  # noqa: PLC0415 - only a slip needs it

        stems = [path.stem for path in self.issue_files()]
        near = get_close_matches(name, stems, n=5) or stems[-5:]
        more = f" and {len(stems) - len(near)} more" if len(stems) > len(near) else ""
        raise ProjectError(
            f"there is no issue {name}", hint=f"Issues in {self.shown(self.issues)}/: {', '.join(near) or 'none yet'}{more}."
        )

    def signing_keys(self) -> tuple[str, ...]:
        """Keys that sign readers' links, newest first: from the environment, else ``var/secret.key`` (made at need, mode 0600)."""
        if known := self.known_keys():
            return known
        path = self.var / "secret.key"
        with self._keeping(path):
            _make_key(path)
            return tuple(path.read_text(encoding="ascii").split())

    def known_keys(self) -> tuple[str, ...]:
        """Return the keys that are there, newest first; none is made."""
        if self.config.secret_keys:
            return self.config.secret_keys
        path = self.var / "secret.key"
        with self._keeping(path):
            return tuple(path.read_text(encoding="ascii").split()) if path.is_file() else ()

    def dkim_key(self) -> tuple[str, Where]:
        """Return the private key that signs mail, in PEM, and where it is: in the environment, else in ``var/dkim.pem``.

        Raises ConfigError when there is none. None is ever made: its other half has to be published first.
        """
        if self.config.dkim_private_key:
            return self.config.dkim_private_key, Where("DKIM_PRIVATE_KEY")
        where = Where(self.shown(self.dkim_file))
        hint = "Put the key there (mode 0600) or into DKIM_PRIVATE_KEY; or empty [transport.smtp] `dkim_selector`. See docs/smtp.md."
        try:
            return self.dkim_file.read_text(encoding="ascii"), where
        except FileNotFoundError as err:
            raise ConfigError("there is no key to sign mail with", where=where, hint=hint) from err
        except (OSError, ValueError) as err:
            said = err.strerror if isinstance(err, OSError) else "it is not text"
            raise ConfigError(f"the DKIM key cannot be read: {said}", where=where, hint=hint) from err

    @property
    def dkim_file(self) -> Path:
        """Where the key that signs mail is kept, unless it is in the environment."""
        return self.var / "dkim.pem"

    @contextmanager
    def _keeping(self, path: Path) -> Iterator[None]:
        try:
            yield
        except OSError as err:
            hint = "Check your rights there, or set NEWSLETTER_SECRET_KEYS."
            raise ProjectError(f"the signing key cannot be kept: {err.strerror}", where=Where(self.shown(path)), hint=hint) from err


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # a name that is too long, or holds a NUL
        return False


def _as_on_disk(path: Path) -> Path:
    """Return the path with its file's name as the folder spells it, and refuse a stem that cannot be an identity.

    Where the file system ignores case or Unicode form, two spellings must not become two issues.
    """
    path = path.resolve()
    names = [entry.name for entry in os.scandir(path.parent)]
    if path.name not in names:
        folded = _folded(path.name)
        path = path.with_name(next((name for name in names if _folded(name) == folded and path.samefile(path.parent / name)), path.name))
    if path.stem.startswith(".") or not path.stem.isprintable() or len(path.stem) > LONGEST_STEM:
        hint = f"Name the file with letters, digits and dashes, at most {LONGEST_STEM}; its name is the issue's identity."
        raise ProjectError(f"{path.name[:80]!r} cannot be the name of an issue", hint=hint)
    return path


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()


def _make_key(path: Path) -> None:
    """Write a fresh key whole or not at all; of two processes that do so at once, the first one's counts for both."""
    path.parent.mkdir(parents=True, exist_ok=True)
    number, temporary = tempfile.mkstemp(prefix=".secret.", dir=path.parent)
    with os.fdopen(number, "w", encoding="ascii") as file:
        file.write(secrets.token_urlsafe(32) + "\n")
    try:
        if path.is_file() and not path.stat().st_size:
            path.unlink()
        with suppress(FileExistsError):
            path.hardlink_to(temporary)
    finally:
        Path(temporary).unlink()


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
