"""``newsletter build``: an issue set for a list, as files to look at."""

from __future__ import annotations

import json
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from composer.cli.artifacts import files_of, shown, write
from composer.cli.output import print_findings, typed
from composer.cli.scope import scope_of
from composer.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from composer.audience.model import List
    from composer.edition.model import Edition
    from composer.findings import Finding
    from composer.issue.model import Issue
    from composer.project import Project


class Format(StrEnum):
    """What ``--stdout`` can print."""

    HTML = "html"
    TEXT = "text"
    MJML = "mjml"


def build(
    context: typer.Context,
    issue: Annotated[str, typer.Argument(metavar="ISSUE", help="The issue: its file, or its stem such as 2026-01.")],
    to: Annotated[str, typer.Option("--to", metavar="LIST", help="Set it for this list: recipients/LIST.csv, or a CSV file.")] = "",
    out: Annotated[Path | None, typer.Option("--out", metavar="DIR", help="Folder for the files. Default: build/STEM.")] = None,
    stdout: Annotated[Format | None, typer.Option("--stdout", help="Print this one format and write no files.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Set an issue as files to look at.

    Writes email.html, email.txt, email.mjml, email.eml, web.html, edition.json and images/, and tells the size of the HTML.
    """
    if stdout and (out or as_json):
        raise UsageError("--stdout goes with neither --out nor --json", hint="--stdout prints one text and writes nothing.")
    project = scope_of(context).project()
    chosen, source, edition = composed(project, issue, to)
    settings = chosen.settings
    size, findings = checked(project, chosen, source, edition)
    if stdout:
        typer.echo(printed(edition, stdout, project), nl=False)
    else:
        folder = (out or project.root / "build" / source.stem).resolve()
        files = files_of(source, edition, settings, project)
        save(folder, files)
        typer.echo(summary(folder, files, edition, findings, size=size, as_json=as_json))
    print_findings(findings)
    raise typer.Exit(int(any(finding.severity == "error" for finding in findings)))


def composed(project: Project, name: str, list_name: str) -> tuple[List, Issue, Edition]:
    """Read a list and an issue, and compose. Raises IssueError, AudienceError and TemplateError."""
    from composer.edition.compose import compose  # noqa: PLC0415 - heavy: premailer alone takes 0.2 s to import
    from composer.issue.files import read_issue  # noqa: PLC0415

    chosen = _chosen(project, list_name)
    issue = read_issue(project.issue_path(name), project)
    return chosen, issue, compose(issue, chosen.settings, project)


def _chosen(project: Project, name: str) -> List:
    """Read a list, or return the nameless one of nobody: an issue can be looked at before there is any."""
    from composer.audience.model import List  # noqa: PLC0415 - `--help` needs none of these
    from composer.config import ListSettings  # noqa: PLC0415

    if not name:
        return List(ListSettings(), ())
    from composer.audience.files import read_list  # noqa: PLC0415 - all that reads lists costs 50 ms

    return read_list(project, name)


def checked(project: Project, chosen: List, issue: Issue, edition: Edition) -> tuple[int, tuple[Finding, ...]]:
    """Return the largest size of the HTML in bytes, and all findings; with a list, also what its people lack."""
    from composer.audience.fit import fit  # noqa: PLC0415 - `--help` needs none of these
    from composer.checks.size import gmail_clip, html_size  # noqa: PLC0415
    from composer.checks.values import unfit_values  # noqa: PLC0415
    from composer.findings import Where  # noqa: PLC0415

    size = html_size(edition, chosen.subscribers, project.config, chosen.settings)
    said = (*issue.findings, *edition.findings, *gmail_clip(size, Where(issue.path)))
    if chosen.settings.name:
        said = (*said, *chosen.findings, *fit([chosen], edition.fields), *unfit_values(edition, chosen.subscribers))
    return size, tuple(dict.fromkeys(said))


def printed(edition: Edition, form: Format, project: Project) -> str:
    """Return what ``--stdout`` prints, ending in a line end."""
    text = shown(edition, {Format.HTML: edition.html, Format.TEXT: edition.text, Format.MJML: edition.mjml}[form], project)
    return text if text.endswith("\n") else f"{text}\n"


def save(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write the files of a build. Raises UsageError when the folder cannot be written."""
    try:
        write(folder, files)
    except OSError as err:
        raise UsageError(f"cannot write {err.filename or folder}: {err.strerror}", hint="Name another folder with --out.") from err


def summary(folder: Path, files: Mapping[str, bytes], edition: Edition, findings: Sequence[Finding], *, size: int, as_json: bool) -> str:
    """Return what a build has to say on stdout; paths as one would type them here."""
    from composer.checks.size import GMAIL_CLIP  # noqa: PLC0415 - `--help` needs no check
    from composer.findings import as_data  # noqa: PLC0415

    if as_json:
        report = {
            "issue": edition.stem,
            "list": edition.list_name,
            "folder": str(folder),
            "files": sorted(files),
            "digest": edition.digest,
            "html_bytes": size,
            "gmail_clip_bytes": GMAIL_CLIP,
            "findings": [as_data(each) for each in findings],
        }
        return json.dumps(report, ensure_ascii=False, indent=2)
    return f"{typed(folder / 'email.html')}\n{size:,} bytes of HTML at most, {size / GMAIL_CLIP:.0%} of what Gmail shows before it cuts off"
