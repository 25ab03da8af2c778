"""Watches the project's files and tells pages what changed: which issues, and by what."""

from __future__ import annotations

import os
import unicodedata
from collections import deque
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from threading import Event, Thread

from watchfiles import Change, watch

from composer.edition.templates import templates_of
from composer.web.preview.events import Hub
from composer.web.preview.rendering import Renderer
from composer.web.preview.workspace import Workspace

# Folders that are made by tools, can be huge, and hold nothing that an issue shows.
_APART = frozenset("var outbox build dist node_modules __pycache__ venv".split())
_SETTINGS = frozenset({"newsletter.toml", ".env"})
_IMAGES = frozenset(".png .jpg .jpeg .gif .webp .svg .bmp .tif .tiff .avif .heic".split())
_LISTS = frozenset({".csv", ".toml"})
# Milliseconds: how long a burst of saves is gathered, in steps. Editors save in two or three writes.
_STEP, _LONGEST_BURST = 10, 200
_TIMEOUT = 200  # milliseconds between two looks whether to stop
_MOST_FILES = 2_000


class Watcher:
    """Two threads: one for the project's own folder, one for all below; the latter begins anew when folders come and go."""

    def __init__(self, workspace: Workspace, renderer: Renderer, hub: Hub) -> None:
        self._workspace = workspace
        self._renderer = renderer
        self._hub = hub
        self._stop = Event()
        self._again = Event()
        self._come: deque[Path] = deque()
        self._threads: list[Thread] = []

    def start(self) -> None:
        """Begin to watch."""
        self._threads = [Thread(target=work, daemon=True) for work in (self._root, self._folders)]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Stop watching."""
        self._stop.set()
        self._again.set()
        for thread in self._threads:
            thread.join(2)

    def changed(self, paths: Iterable[Path]) -> None:
        """Tell the pages of these changes."""
        news: dict[str, set[str]] = {}
        watched = self._hub.watched()
        for path in paths:
            for stem, kind in self._meaning(path, watched):
                news.setdefault(stem, set()).add(kind)
        if any("image" in kinds for kinds in news.values()):
            self._renderer.images_changed()
        for stem, kinds in news.items():
            self._hub.changed(stem, kinds)

    def _root(self) -> None:
        """Watch the project's own folder: its settings, and folders that come and go."""
        for changes in self._watch([self._workspace.root], self._stop, recursive=False):
            paths = {Path(path) for _, path in changes}
            if folders := {path for path in paths if _may_be_folder(path)}:
                self._come.extend(folders)
                self._again.set()
            self.changed(paths)

    def _folders(self) -> None:
        """Watch all folders below; those that came since are looked through once they are watched."""
        while not self._stop.is_set():
            self._again.clear()
            come = {self._come.popleft() for _ in range(len(self._come))}
            folders = list(_watchable(self._workspace.root))
            if not folders:
                self._again.wait(_TIMEOUT / 1000)
                continue
            for changes in self._watch(folders, self._again, recursive=True):
                paths = {Path(path) for _, path in changes}
                # What is written into a new folder before it is watched is told by nobody.
                inside = {file for path in paths | come if path.is_dir() for file in _files(path)}
                come = set()
                self.changed(paths | inside)

    @staticmethod
    def _watch(paths: list[Path], stop: Event, *, recursive: bool) -> Iterator[set[tuple[Change, str]]]:
        yield from watch(
            *paths, stop_event=stop, recursive=recursive, watch_filter=None, step=_STEP, debounce=_LONGEST_BURST,
            rust_timeout=_TIMEOUT, yield_on_timeout=True, raise_interrupt=False, ignore_permission_denied=True,
        )  # fmt: skip

    def _meaning(self, path: Path, watched: frozenset[str]) -> Iterator[tuple[str, str]]:
        """Yield whom a change concerns, and what kind it is."""
        try:
            parts = path.relative_to(self._workspace.root).parts
        except ValueError:
            return
        if len(parts) == 1 and parts[0] in _SETTINGS:
            yield from ((stem, "config") for stem in watched)
        elif parts[0] == "issues" and len(parts) == 2 and path.suffix == ".md":  # noqa: PLR2004 - a file right in the folder
            if not path.name.startswith("."):
                yield unicodedata.normalize("NFC", path.stem), "issue"
                yield "", "issue"
        elif parts[:2] == ("templates", "email") and len(parts) > 2:  # noqa: PLR2004 - a file below the folder
            yield from self._template("/".join(parts[2:]), watched)
        elif parts[0] == "recipients":
            if path.suffix.lower() in _LISTS and not path.name.startswith("."):
                yield from ((stem, "list") for stem in watched)
        elif path.suffix.lower() in _IMAGES:
            yield from ((stem, "image") for stem in watched)

    def _template(self, name: str, watched: frozenset[str]) -> Iterator[tuple[str, str]]:
        if name == "theme.toml":
            yield from ((stem, "theme") for stem in watched)
            return
        templates = templates_of(self._workspace.look()[0].template_folders)
        for stem in watched - {""}:
            used = [templates.dependencies(f"{each}.mjml") for each in self._renderer.templates(stem)]
            if not used or any(names is None or name in names or f"shipped/{name}" in names for names in used):
                yield stem, "template"


def _may_be_folder(path: Path) -> bool:
    """Whether a path in the project's own folder is, or was, a folder that an issue can use."""
    return _is_ours(path.name) and (path.is_dir() or (not path.exists() and not path.suffix))


def _is_ours(name: str) -> bool:
    return not name.startswith(".") and name not in _APART


def _watchable(root: Path) -> Iterator[Path]:
    """The folders that an issue, its images, templates and lists can lie in."""
    with os.scandir(root) as entries:
        yield from (Path(entry.path) for entry in sorted(entries, key=lambda entry: entry.name) if _is_ours(entry.name) and entry.is_dir())


def _files(folder: Path) -> Iterator[Path]:
    """The first files of a folder, however deep."""
    return islice((path for path in folder.rglob("*") if path.is_file()), _MOST_FILES)
