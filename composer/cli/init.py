"""``newsletter init`` and ``newsletter new``: files to begin with, from those that the package carries. Overwrites nothing."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from composer.cli.scope import scope_of
from composer.errors import ProjectError, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

# Stored under a name without the dot: packaging tools obey a .gitignore wherever it lies.
RENAMED = {"gitignore": ".gitignore"}
ISSUE_SKELETON = "new-issue.md"
STEM = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,79}")


def init(directory: Annotated[Path, typer.Argument(metavar="DIR", help="Folder to begin in; made when it is not there.")]) -> None:
    """Start a newsletter project.

    Writes settings, a theme and a template to edit, two sample lists and a first issue. Overwrites nothing.
    """
    written = write_new(directory, project_files())
    for path in written:
        typer.echo(path)
    typer.echo(
        f"\nNext: fill in {directory / 'newsletter.toml'}, then look at the first issue:\n"
        f"  newsletter --project {directory} preview first-issue --to sample",
        err=True,
    )


def new(
    context: typer.Context,
    stem: Annotated[str, typer.Argument(metavar="STEM", help="Name of the issue's file without .md, such as 2026-02.")],
) -> None:
    """Start an issue.

    Writes issues/STEM.md with front matter and the usual sections. Overwrites nothing.
    """
    project = scope_of(context).project()
    text = issue_skeleton(stem, project.config.newsletter.name)
    for path in write_new(project.issues, {f"{stem}.md": text.encode()}):
        typer.echo(project.shown(path))


def project_files() -> dict[str, bytes]:
    """Return what a new project holds: path below its root → bytes."""
    from composer.project import SHIPPED_TEMPLATES  # noqa: PLC0415 - `--help` needs no configuration

    source = _scaffold()
    files = {
        "/".join(RENAMED.get(part, part) for part in path.relative_to(source).parts): path.read_bytes()
        for path in sorted(source.rglob("*"))
        if path.is_file() and path.name != ISSUE_SKELETON and "__pycache__" not in path.parts
    }
    return {**files, "templates/email/theme.toml": (SHIPPED_TEMPLATES / "theme.toml").read_bytes()}


def issue_skeleton(stem: str, newsletter: str) -> str:
    """Return the text of a new issue. Raises UsageError for a stem that is not a plain file name."""
    if not STEM.fullmatch(stem):
        raise UsageError(f"{stem!r} cannot name an issue", hint="Use letters, digits, - and _ only, such as 2026-02; the .md is added.")
    from composer.issue.dates import MONTHS  # noqa: PLC0415 - `--help` needs no issue

    month = re.fullmatch(r"(\d{4})-(\d{2})", stem)
    name = newsletter
    if month and 1 <= int(month[2]) <= len(MONTHS):
        name = f"{newsletter}: {MONTHS[int(month[2]) - 1]} {month[1]}"
    title = name.replace("\\", "\\\\").replace('"', '\\"')
    return (_scaffold() / ISSUE_SKELETON).read_text(encoding="utf-8").replace("@TITLE@", title)


def write_new(folder: Path, files: Mapping[str, bytes]) -> list[Path]:
    """Write files below a folder, all or none. Raises ProjectError that lists what is in the way."""
    targets = {folder / name: data for name, data in files.items()}
    taken = [path for path in targets if path.exists() or path.is_symlink()]
    blocked = [parent for path in targets for parent in path.parents if parent.exists() and not parent.is_dir()]
    if taken or blocked:
        names = ", ".join(str(path) for path in dict.fromkeys((*taken, *blocked)))
        raise ProjectError(f"these are there already: {names}", hint="Nothing was written. Move them away, or choose another name.")
    written: list[Path] = []
    try:
        for path, data in targets.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("xb") as file:
                written.append(path)
                file.write(data)
    except OSError as err:
        for path in written:
            path.unlink(missing_ok=True)
        hint = "Nothing was written. Make room, or choose a folder that you may write to."
        raise ProjectError(f"cannot write {err.filename or folder}: {err.strerror}", hint=hint) from err
    return written


def _scaffold() -> Path:
    return Path(__file__).resolve().parent.parent / "scaffold"
