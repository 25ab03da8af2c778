"""``newsletter check``: what is wrong with issues, where, and how to mend it; in the terminal, as data, or beside a pull request."""

from __future__ import annotations

import sys
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from composer.cli.output import print_json
from composer.cli.scope import scope_of
from composer.errors import IssueError, TemplateError, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from composer.checks.fixes import Change
    from composer.cli.verdict import Verdict
    from composer.delivery.checking import Questions
    from composer.findings import Finding
    from composer.project import Project


class Format(StrEnum):
    """How findings are printed."""

    TEXT = "text"
    JSON = "json"
    GITHUB = "github"


class FailOn(StrEnum):
    """The mildest finding that makes the exit code 1."""

    ERROR = "error"
    WARNING = "warning"


def check(
    context: typer.Context,
    issues: Annotated[list[str] | None, typer.Argument(metavar="ISSUE...", help="Issues: their files, or stems such as 2026-01.")] = None,
    every: Annotated[bool, typer.Option("--all", help="Check every issue in issues/.")] = False,
    to: Annotated[str, typer.Option("--to", metavar="LIST", help="Check for this list, and what its people lack.")] = "",
    on: Annotated[str, typer.Option("--on", metavar="DATE", help="Judge dates as of this day: 2026-02-02. Default: now.")] = "",
    links: Annotated[bool, typer.Option("--links", help="Ask every link whether it is there; needs the network.")] = False,
    spam: Annotated[bool, typer.Option("--spam", help="Ask SpamAssassin, where it is installed, and try the links to leave.")] = False,
    fix: Annotated[bool, typer.Option("--fix", help="Mend what can be mended safely, in the file, then check.")] = False,
    form: Annotated[Format, typer.Option("--format", help="How to print: for people, as data, or as annotations of GitHub.")] = Format.TEXT,
    as_json: Annotated[bool, typer.Option("--json", help="The same as --format json.")] = False,
    fail_on: Annotated[FailOn, typer.Option("--fail-on", help="End with exit code 1 from this severity on.")] = FailOn.ERROR,
    silenced: Annotated[bool, typer.Option("--silenced", help="Show what is silenced too, and why.")] = False,
) -> None:
    """Say what is wrong with issues, at which line, and how to mend it.

    Ends with 0 when all is well, 1 when there is an error (or what --fail-on says), 2 when an issue cannot be read.
    """
    from composer.cli.github import as_commands  # noqa: PLC0415 - `--help` needs none of these
    from composer.cli.verdict import as_data, as_text, exit_code  # noqa: PLC0415

    project = scope_of(context).project()
    paths = _named(project, issues or [], every=every)
    questions = _questions(to, on, links=links, spam=spam)
    verdicts = [_verdict(project, path, questions, fix=fix) for path in paths]
    if as_json or form is Format.JSON:
        print_json(as_data(verdicts, questions.now))
    else:
        lines = as_commands(verdicts, project.root) if form is Format.GITHUB else as_text(verdicts, silenced=silenced)
        for line in lines:
            typer.echo(line)
    raise typer.Exit(exit_code(verdicts, warnings=fail_on is FailOn.WARNING))


def _named(project: Project, names: Sequence[str], *, every: bool) -> list[Path]:
    """Find the issues that are meant, each once. Raises UsageError when none is, ProjectError for one that is not there."""
    if every:
        if names:
            raise UsageError("--all goes with no ISSUE", hint="Name the issues, or check all of them.")
        names = [str(path) for path in project.issue_files()]
    elif not names:
        newest = max(project.issue_files(), key=lambda path: path.stat().st_mtime, default=None)
        hint = f"`newsletter check {newest.stem}` checks the one that was changed last, --all every one." if newest else ""
        raise UsageError("name an issue to check", hint=hint)
    if not names:
        raise UsageError(f"there is no issue in {project.shown(project.issues)}/", hint="`newsletter new` begins one.")
    return list(dict.fromkeys(project.issue_path(name) for name in names))


def _questions(to: str, on: str, *, links: bool, spam: bool) -> Questions:
    """Put the options into what is asked. Raises BadParameter for a day that is none."""
    from composer.delivery.checking import Questions  # noqa: PLC0415 - `--help` needs none of these
    from composer.issue.dates import read_moment  # noqa: PLC0415

    try:
        now = read_moment(on) if on else None
    except ValueError as err:
        raise typer.BadParameter(str(err), param_hint="--on") from None
    return Questions(to, now, links=links, spam=spam, done=_asked)


def _asked(number: int, total: int) -> None:
    """Show on a terminal how far the links are."""
    if sys.stderr.isatty():
        typer.echo(f"\r{number:,} of {total:,} links asked" + ("\n" if number == total else ""), nl=False, err=True)


def _verdict(project: Project, path: Path, questions: Questions, *, fix: bool) -> Verdict:
    """Check one issue; that it cannot be read is a finding too, so that it hides none of the others."""
    from composer.cli.verdict import Verdict  # noqa: PLC0415 - `--help` needs none of these
    from composer.delivery.checking import examine  # noqa: PLC0415
    from composer.delivery.fixing import mend  # noqa: PLC0415
    from composer.issue.files import read_source  # noqa: PLC0415

    shown, source = project.shown(path), ""
    fixed: tuple[Change, ...] = ()
    try:
        if fix:
            fixed = mend(project, path)
        source = read_source(path, project)
        report = examine(project, str(path), questions).report
    except (IssueError, TemplateError) as err:
        findings = (*err.findings, _unreadable(err, shown))
        return Verdict(path.stem, shown, questions.list_name, tuple(source.split("\n")), findings, fixed=fixed, readable=False)
    lines = tuple(source.split("\n"))
    return Verdict(path.stem, shown, questions.list_name, lines, report.findings, report.silenced, fixed)


def _unreadable(err: IssueError | TemplateError, shown: str) -> Finding:
    from composer.findings import Where, error  # noqa: PLC0415 - `--help` needs no findings

    if isinstance(err, TemplateError):
        return error("template-unusable", err.where or Where(shown), err.message, err.hint)
    return error("issue-unreadable", err.where or Where(shown), err.message, err.hint)
