"""An issue composed for a list, once for each state of its files, and the last good one while something is broken.

One composition at a time; everybody who asks for the same gets the same.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from threading import RLock

from composer.audience.files import declare
from composer.config import ListSettings
from composer.edition.compose import compose, compose_web
from composer.edition.model import Edition
from composer.edition.origins import with_lines
from composer.errors import ComposerError, IssueError
from composer.findings import Where
from composer.issue.files import read_issue, read_source
from composer.issue.model import Asset, Issue
from composer.project import Project
from composer.web.preview.workspace import Workspace, stamp

_MOST_KEPT = 24


@dataclass(frozen=True, slots=True)
class Rendering:
    """An issue and its edition for a list, of one moment.

    ``source`` is the issue's file as text; ``lined`` gives the edition's HTML with the line of the issue on each element, ``web`` the
    page version; ``mark`` tells states apart.
    """

    mark: str
    project: Project
    issue: Issue
    source: str = field(repr=False)
    settings: ListSettings
    edition: Edition
    lined: Callable[[], str] = field(repr=False, compare=False)
    web: Callable[[], str] = field(repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class Shown:
    """What there is to show: ``good`` is the last rendering that went well, ``error`` what is wrong since, ``mark`` tells states apart."""

    mark: str
    good: Rendering | None
    error: ComposerError | None = None


class Renderer:
    """Composes for the preview; safe to share between threads."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._lock = RLock()  # premailer and mjml never run twice at once
        self._kept: OrderedDict[tuple[str, str], Shown] = OrderedDict()
        self._templates: dict[str, set[str]] = {}
        self._images = 0

    def show(self, stem: str, list_name: str) -> Shown:
        """Return an issue as it is now for a list (empty: none)."""
        with self._lock:
            project, broken = self._workspace.look()
            path = self._workspace.issue_file(stem)
            mark = _mark(project, path, list_name, f"{broken} {self._images}")
            kept = self._kept.get((stem, list_name))
            if kept is None or kept.mark != mark:
                kept = self._render(project, stem, list_name, path, mark)
                kept = kept if kept.error or not broken else Shown(mark, kept.good, broken)
                self._keep((stem, list_name), kept)
            return kept

    def knows(self, stem: str) -> bool:
        """Say whether an issue was shown before."""
        with self._lock:
            return any(kept == stem and shown.good for (kept, _), shown in self._kept.items())

    def asset(self, stem: str, sha256: str) -> Asset | None:
        """Return a local image of an issue by its digest, as it stands in what is shown."""
        with self._lock:
            shown = [each.good for (kept, _), each in self._kept.items() if kept == stem and each.good]
        return next((asset for good in shown for asset in good.edition.attachments if asset.sha256 == sha256), None)

    def images_changed(self) -> None:
        """Compose everything anew: which files an issue's images lie in is known only while it is read."""
        self._images += 1

    def templates(self, stem: str) -> frozenset[str]:
        """Name the templates that an issue was set in so far; empty when that is not known."""
        with self._lock:
            return frozenset(self._templates.get(stem, ()))

    def _render(self, project: Project, stem: str, list_name: str, path: Path | None, mark: str) -> Shown:
        before = self._last_good(stem, list_name)
        try:
            if path is None:
                where = Where(f"issues/{stem}.md")
                raise IssueError("the issue's file is not there", where=where, hint="It is shown again as soon as the file is back.")
            settings = declare(project, list_name).settings if list_name else ListSettings()
            source = read_source(path, project)
            issue = read_issue(path, project)
            self._templates.setdefault(stem, set()).add(issue.template or settings.template or "newsletter")
            edition = compose(issue, settings, project)
        except ComposerError as err:
            return Shown(mark, before, err)
        lined = self._once(lambda: with_lines(edition.html, edition.origins))
        web = self._once(lambda: compose_web(issue, settings, project))
        return Shown(mark, Rendering(mark, project, issue, source, settings, edition, lined, web))

    def _once(self, make: Callable[[], str]) -> Callable[[], str]:
        """Make something when it is first asked for, never two things at once."""
        made: list[str] = []

        def give() -> str:
            with self._lock:
                if not made:
                    made.append(make())
                return made[0]

        return give

    def _last_good(self, stem: str, list_name: str) -> Rendering | None:
        """The last rendering for this list, or else for any."""
        exact = self._kept.get((stem, list_name))
        if exact and exact.good:
            return exact.good
        return next((shown.good for (kept, _), shown in reversed(self._kept.items()) if kept == stem and shown.good), None)

    def _keep(self, key: tuple[str, str], shown: Shown) -> None:
        self._kept[key] = shown
        self._kept.move_to_end(key)
        while len(self._kept) > _MOST_KEPT:
            self._kept.popitem(last=False)


def _mark(project: Project, path: Path | None, list_name: str, more: str) -> str:
    """A digest of everything that a rendering depends on: texts by content, the rest by what the disk says of it."""
    digest = hashlib.sha256(path.read_bytes() if path else b"")
    digest.update(repr((str(path), list_name, project.config, more)).encode())
    folders = [folder for folder in project.template_folders[:1] if folder.is_dir()]
    files = sorted(file for folder in folders for file in folder.rglob("*"))
    if list_name:
        files += [project.recipients / f"{list_name}.toml", project.recipients / f"{list_name}.csv"]
    for file in files:
        digest.update(repr((str(file), stamp(file))).encode())
    return digest.hexdigest()
