"""``newsletter preview``: the issue in the browser, kept true while it is written."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING, Annotated

import typer

from composer.cli.scope import scope_of
from composer.errors import UsageError

if TYPE_CHECKING:
    from composer.project import Project


def preview(
    context: typer.Context,
    issue: Annotated[
        str, typer.Argument(metavar="ISSUE", help="The issue: its file, or its stem such as 2026-01. Default: a list of all issues.")
    ] = "",
    to: Annotated[str, typer.Option("--to", metavar="LIST", help="Show it as set for this list.")] = "",
    port: Annotated[
        int | None, typer.Option("--port", min=0, max=65535, help="Port to listen on; 0 takes any free one. Default: [preview] port.")
    ] = None,
    no_open: Annotated[bool, typer.Option("--no-open", help="Do not open the browser.")] = False,
) -> None:
    """Show an issue in the browser, and keep it true while it is written. Ctrl-C ends it."""
    from composer.web.preview.serve import address, listen, serve  # noqa: PLC0415 - heavy

    project = scope_of(context).project()
    stem = stem_of(project, issue)
    check_list(project, to)
    with listen(project.config.preview.port if port is None else port, exact=port is not None) as sock:
        url = address(sock, stem, to)
        typer.echo(url)
        typer.echo("Ctrl-C ends the preview.", err=True)
        serve(project, sock, list_name=to, started=None if no_open else lambda: open_browser(url))


def stem_of(project: Project, issue: str) -> str:
    """Return the stem of an issue named as for ``build``, empty for none. Raises ProjectError, UsageError for a file elsewhere."""
    if not issue:
        return ""
    path = project.issue_path(issue)
    if path.parent != project.issues.resolve():
        hint = f"Put the file into {project.shown(project.issues)}/."
        raise UsageError(f"{project.shown(path)} is not among the project's issues: the preview shows those alone", hint=hint)
    return unicodedata.normalize("NFC", path.stem)


def check_list(project: Project, name: str) -> None:
    """Raise UsageError when there is no such list in the project."""
    from composer.audience.files import list_names  # noqa: PLC0415 - `--help` needs no lists

    known = list_names(project)
    if name and name not in known:
        raise UsageError(
            f"there is no list {name!r}", hint=f"Lists in {project.shown(project.recipients)}/: {', '.join(known) or 'none yet'}."
        )


def open_browser(url: str) -> None:
    """Open the page in the browser of whoever runs this; where there is none, the printed address does."""
    import webbrowser  # noqa: PLC0415 - only to open a page

    webbrowser.open(url)
