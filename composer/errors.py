"""Every error this package raises on purpose.

ComposerError                 exit code 2
├── UsageError                the command line asks for something that cannot be
├── ProjectError              no project here, or its files are not readable
├── ConfigError               newsletter.toml or the environment is wrong
├── IssueError                the issue cannot be parsed
├── TemplateError             a template or the theme is wrong
├── AudienceError             a list cannot be read, or lacks what the issue needs
├── MergeError                a value cannot stand where its merge field stands
├── LedgerError               the database cannot be used
├── TransportError            a way out is unusable as a whole        exit code 3
└── Stopped                   stopped before all was sent             exit code 3
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from composer.findings import Finding, Where


class ComposerError(Exception):
    """The newsletter composer could not go on.

    ``where`` names the place, ``hint`` says what to do, ``findings`` carries details (one per row or line);
    the class's docstring is the default message.
    """

    exit_code: ClassVar[int] = 2

    def __init__(
        self,
        message: str = "",
        *,
        where: Where | None = None,
        hint: str = "",
        findings: tuple[Finding, ...] = (),
    ) -> None:
        self.message = message or (self.__doc__ or "").splitlines()[0].rstrip(".")
        self.where = where
        self.hint = hint
        self.findings = findings
        super().__init__(self.message)

    def __str__(self) -> str:
        return f"{self.where}: {self.message}" if self.where else self.message


class UsageError(ComposerError):
    """The command line asks for something that cannot be."""


class ProjectError(ComposerError):
    """There is no newsletter project here."""


class ConfigError(ComposerError):
    """The configuration is wrong."""


class IssueError(ComposerError):
    """The issue cannot be read."""


class TemplateError(ComposerError):
    """A template is wrong."""


class AudienceError(ComposerError):
    """A list cannot be used as it is."""


class MergeError(ComposerError):
    """A value cannot stand where its merge field stands."""


class LedgerError(ComposerError):
    """The ledger cannot be used."""


class TransportError(ComposerError):
    """The transport is unusable."""

    exit_code: ClassVar[int] = 3


class Stopped(ComposerError):  # noqa: N818 - not every stop is an error
    """Stopped before all was sent."""

    exit_code: ClassVar[int] = 3
