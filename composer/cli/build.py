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

    from composer.config import ListSettings
    from composer.edition.model import Edition
    from composer.findings import Finding
    from composer.issue.model import Issue
    from composer.project import Project

# Gmail shows this many bytes of HTML and hides the rest, the unsubscribe link with it.
GMAIL_CLIP = 102_400
NEAR = 0.9


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
    source, settings, edition = composed(project, issue, to)
    findings = tuple(dict.fromkeys((*source.findings, *edition.findings)))
    if stdout:
        typer.echo(printed(edition, stdout, project), nl=False)
    else:
        folder = (out or project.root / "build" / source.stem).resolve()
        files = files_of(source, edition, settings, project)
        save(folder, files)
        findings += near_clip(source, len(files["email.html"]))
        typer.echo(summary(folder, files, edition, findings, as_json=as_json))
    print_findings(findings)
    raise typer.Exit(int(any(finding.severity == "error" for finding in findings)))


def composed(project: Project, name: str, list_name: str) -> tuple[Issue, ListSettings, Edition]:
    """Read an issue, and what the list it is set for says, and compose. Raises IssueError, AudienceError and TemplateError."""
    from composer.audience.files import read_list  # noqa: PLC0415 - `--help` needs none of these
    from composer.config import ListSettings  # noqa: PLC0415
    from composer.edition.compose import compose  # noqa: PLC0415 - heavy: premailer alone takes 0.2 s to import
    from composer.issue.files import read_issue  # noqa: PLC0415

    settings = read_list(project, list_name).settings if list_name else ListSettings()
    issue = read_issue(project.issue_path(name), project)
    return issue, settings, compose(issue, settings, project)


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


def near_clip(issue: Issue, size: int) -> tuple[Finding, ...]:
    """Warn when the HTML comes near the size that Gmail cuts off."""
    from composer.findings import Where, warning  # noqa: PLC0415 - `--help` needs it not

    if size < NEAR * GMAIL_CLIP:
        return ()
    message = f"the HTML is {size:,} bytes; Gmail cuts off what exceeds {GMAIL_CLIP:,}, and the unsubscribe link with it"
    return (warning("gmail-clip", Where(issue.path), message, "Shorten the issue, or move a long part to the site and link to it."),)


def summary(folder: Path, files: Mapping[str, bytes], edition: Edition, findings: Sequence[Finding], *, as_json: bool) -> str:
    """Return what a build has to say on stdout; paths as one would type them here."""
    size = len(files["email.html"])
    if as_json:
        report = {
            "issue": edition.stem,
            "list": edition.list_name,
            "folder": str(folder),
            "files": sorted(files),
            "digest": edition.digest,
            "html_bytes": size,
            "gmail_clip_bytes": GMAIL_CLIP,
            "findings": [
                {"code": each.code, "severity": each.severity, "where": str(each.where), "message": each.message, "hint": each.hint}
                for each in findings
            ],
        }
        return json.dumps(report, ensure_ascii=False, indent=2)
    return f"{typed(folder / 'email.html')}\n{size:,} bytes of HTML, {size / GMAIL_CLIP:.0%} of what Gmail shows before it cuts off"
