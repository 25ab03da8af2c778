"""What a change on the disk means, and to whom: only pages that show it hear of it, whatever way an editor saves."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from composer.web.preview.events import Hub
from composer.web.preview.live import Watcher
from composer.web.preview.rendering import Renderer
from composer.web.preview.workspace import Workspace


@pytest.fixture
def desk(project):
    """A watcher that runs, with the issue 2026-01 and another one shown."""
    other = project.root / "issues" / "other.md"
    other.write_text("---\ntitle: Other\n---\n\n# Words\n\nText.\n", encoding="utf-8")
    workspace = Workspace(project)
    renderer, hub = Renderer(workspace), Hub()
    watcher = Watcher(workspace, renderer, hub)
    for stem in ("2026-01", "other"):
        renderer.show(stem, "")
        hub.version(stem)
    hub.version("")
    watcher.start()
    time.sleep(0.3)
    yield project, hub
    watcher.stop()


def awaited(coroutine):
    """Run it in a thread: a browser of other tests has a loop of its own in this one."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, coroutine).result()


def settled(hub, stem="2026-01", at_least=2, seconds=5.0):
    """Wait until a version is reached; return it."""
    end = time.monotonic() + seconds
    while hub.version(stem) < at_least and time.monotonic() < end:
        time.sleep(0.01)
    return hub.version(stem)


def save(path, text="x"):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def test_a_save_concerns_its_own_issue(desk):
    """The page of another issue is left in peace; the list of issues learns of it."""
    project, hub = desk
    save(project.root / "issues" / "2026-01.md", "---\ntitle: New\n---\n\n# Words\n")
    assert settled(hub) >= 2
    assert settled(hub, "") >= 2
    assert hub.version("other") == 1


@pytest.mark.parametrize("way", ["replace", "rename away and write", "delete and write"])
def test_every_way_to_save_is_heard(desk, way):
    """Editors write a new file and move it over the old one, or keep the old one as a backup first."""
    project, hub = desk
    path = project.root / "issues" / "2026-01.md"
    text = path.read_text(encoding="utf-8") + "\nMore.\n"
    if way == "replace":
        save(path.with_name("4913"), text)
        path.with_name("4913").replace(path)
    elif way == "rename away and write":
        path.rename(path.with_name("2026-01.md~"))
        save(path, text)
    else:
        path.unlink()
        assert settled(hub) >= 2
        save(path, text)
    assert settled(hub) >= 2


NOBODYS = (
        "issues/.2026-01.md.swp", "issues/2026-01.md~", "issues/#2026-01.md#", "issues/.#2026-01.md", "issues/4913", "issues/2026-01.md.tmp",
        "issues/.2026-01.md.kate-swp", "templates/email/.newsletter.mjml.swp", "recipients/.~lock.staff.csv#", "recipients/staff.csv.bak",
        "templates/email/unused.mjml", "templates/email/partials/unused.mjml", "templates/email/notes.txt", "notes.txt", "README.md",
        "outbox/2026-01/0001.eml", "var/newsletter.db-wal", ".git/index", "build/2026-01/images/a.png", ".venv/lib/x.png",
)  # fmt: skip


def test_what_no_page_shows_is_not_told(desk):
    """Swap files, backups, the outbox and templates that the issue does not use reload nothing."""
    project, hub = desk
    for name in NOBODYS:
        save(project.root / name)
        time.sleep(0.03)
    time.sleep(0.4)
    assert hub.version("2026-01") == hub.version("other") == 1
    save(project.root / "newsletter.toml", (project.root / "newsletter.toml").read_text(encoding="utf-8") + "\n")
    assert settled(hub) == 2  # it does hear, once


LETTERS = {
    "templates/email/partials/footer.mjml": "template",
    "templates/email/styles/dark-rules.css.j2": "template",
    "templates/email/macros/flow.mjml": "template",
    "templates/email/newsletter.mjml": "template",
    "templates/email/theme.toml": "theme",
    "recipients/staff.csv": "list",
    "recipients/staff.toml": "list",
    "issues/images/dot.png": "image",
    "img/deep/er/photo.JPG": "image",
    "newsletter.toml": "config",
    ".env": "config",
}


def test_what_a_letter_is_made_of_is_told(desk):
    """Also a file that comes to stand before the shipped one, in a folder that was not there: by its kind."""
    project, hub = desk
    told, real = [], hub.changed
    hub.changed = lambda stem, kinds: (told.append((stem, set(kinds))), real(stem, kinds))
    for name, kind in LETTERS.items():
        told.clear()
        before = hub.version("2026-01")
        save(project.root / name)
        assert settled(hub, at_least=before + 1) > before, name
        time.sleep(0.3)
        assert ("2026-01", {kind}) in told, name
        assert {each for _, kinds in told for each in kinds} == {kind}, name


def test_a_folder_that_goes_and_comes_back_is_watched_again(desk):
    """A checkout of another branch takes folders away for a moment."""
    project, hub = desk
    away = project.root / "issues-away"
    (project.root / "issues").rename(away)
    time.sleep(0.5)
    away.rename(project.root / "issues")
    time.sleep(0.6)
    before = hub.version("2026-01")
    save(project.root / "issues" / "2026-01.md", "---\ntitle: New\n---\n\n# Words\n")
    assert settled(hub, at_least=before + 1) > before


def test_a_stream_begins_with_the_version_and_ends_with_the_hub():
    """A page that was drawn before a change learns of it when it listens; no stream outlives the server."""

    async def listened():
        hub, found = Hub(), []
        hub.changed("a", ["issue"])
        stream = hub.stream("a")
        found.append(await anext(stream))
        hub.changed("a", ["theme", "image", "theme"])
        hub.changed("b", ["issue"])
        found.append(await anext(stream))
        threading.Thread(target=hub.close).start()
        found += [each async for each in stream]
        assert [each async for each in hub.stream("a")] == []
        return found

    hello, changed = awaited(listened())
    assert json.loads(hello.split("data: ")[1]) == {"version": 2}
    assert changed == 'event: changed\ndata: {"version": 3, "kinds": ["image", "theme"]}\n\n'


def test_a_page_that_left_is_forgotten():
    """Tabs come and go all day."""

    async def visited():
        hub = Hub()
        stream = hub.stream("a")
        await anext(stream)
        await stream.aclose()
        return hub

    hub = awaited(visited())
    assert hub.watched() == frozenset()
    hub.changed("a", ["issue"])
