"""What the options before the command's name say, for every command."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import typer

    from composer.project import Project


@dataclass(frozen=True, slots=True)
class Scope:
    """``folder`` is what ``--project`` named (None: look upward from the working directory)."""

    folder: Path | None = None

    def project(self) -> Project:
        """Find and read the project. Raises ProjectError or ConfigError."""
        from composer.project import find  # noqa: PLC0415 - `--help` needs no configuration

        return find(self.folder, exact=self.folder is not None)


def scope_of(context: typer.Context) -> Scope:
    """Return the scope of a command's context."""
    return context.find_object(Scope) or Scope()
