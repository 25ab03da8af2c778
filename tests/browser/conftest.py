"""What tests in a browser share: composed letters, pages to show them, axe-core, and a preview that runs as it does for people."""

from __future__ import annotations

import base64
import os
import select
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from playwright.sync_api import expect

from composer.config import ListSettings
from composer.edition.compose import compose
from composer.edition.fields import fill_for_display
from composer.issue.files import read_issue
from composer.project import find

# A machine that does much else at the same time is slow, not broken.
expect.set_options(timeout=20_000)
IMPACTS = ("minor", "moderate", "serious", "critical")


def _told(violation):
    nodes = violation["nodes"]
    first = nodes[0]
    place = " ".join(str(step) for step in first["target"])
    return f"{violation['impact']} {violation['id']}: {violation['help']} ({len(nodes)}x, first {place}: {' '.join(first['failureSummary'].split())})"


@pytest.fixture(scope="session")
def axe():
    """Run axe-core (tests/browser/axe/) over a page or frame of chromium, also where its CSP forbids scripts.

    ``axe(page)`` lists the serious and critical violations, a sentence each; ``least`` names a lower impact to begin from,
    ``without`` rules by id that are not asked. Frames within are not entered: call it with ``page.frames[n]``.
    """
    source = (Path(__file__).parent / "axe" / "axe.min.js").read_text(encoding="utf-8")

    def run(page, *, least="serious", without=()):
        if not page.evaluate("() => 'axe' in window"):
            page.evaluate(source)
        options = {"iframes": False, "resultTypes": ["violations"], "rules": {rule: {"enabled": False} for rule in without}}
        result = page.evaluate("options => axe.run(document, options)", options)
        if not result["passes"]:
            pytest.fail("axe-core looked at nothing", pytrace=False)
        counted = IMPACTS[IMPACTS.index(least) :]
        return [_told(violation) for violation in result["violations"] if violation["impact"] in counted]

    return run


@pytest.fixture(scope="session")
def letters(repository):
    """Compose an issue of the project, or a real one, once; ``letters(stem)`` is HTML with its images in place."""
    project, made = find(repository, exact=True), {}

    def letter(stem):
        if stem not in made:
            folders = (project.issues, repository.parent / "shared" / "issues")
            path = next((folder / f"{stem}.md" for folder in folders if (folder / f"{stem}.md").is_file()), None)
            if path is None:
                pytest.skip("the real issues (../shared/issues/*.md) are not on this machine")
            edition = compose(read_issue(path, project), ListSettings(name="staff", kind="staff"), project)
            html = fill_for_display(edition, edition.html)
            for asset in edition.attachments:
                html = html.replace(asset.mark, f"data:{asset.media_type};base64,{base64.b64encode(asset.data).decode()}")
            made[stem] = html
        return made[stem]

    return letter


@pytest.fixture(scope="module")
def pages(chromium):
    """Open one page a colour scheme, by its name; nothing beyond data is loaded."""
    contexts = {scheme: chromium.new_context(color_scheme=scheme) for scheme in ("light", "dark")}
    for context in contexts.values():
        context.route("**/*", lambda route: route.abort())
    yield {scheme: context.new_page() for scheme, context in contexts.items()}
    for context in contexts.values():
        context.close()


NEWSLETTER_TOML = """\
[newsletter]
name = "The Example Letter"
from = "Example Team <team@example.org>"
postal_address = "Example Team, 1 Sample Street, 12345 Springfield"
site_url = "https://www.example.org/news"
"""
STAFF_CSV = "email,first_name\nada@example.org,Ada\ngrace@example.org,Grace\n"
READERS_CSV = "email,first_name,city\nrosa@example.net,Rosa,Lima\nsean@example.net,Seán,Cork\nnobody@example.net,,\n"
START_SECONDS = 30


class Previewed:
    """A project of its own and `newsletter preview` over it: ``root``, ``url``, ``start(port)``, ``stop()``, ``write(text)``."""

    def __init__(self, root, text):
        self.root, self.url, self._process = root, "", None
        for folder in ("issues", "recipients"):
            (root / folder).mkdir(parents=True)
        (root / "newsletter.toml").write_text(NEWSLETTER_TOML, encoding="utf-8")
        (root / "recipients" / "staff.csv").write_text(STAFF_CSV, encoding="utf-8")
        (root / "recipients" / "readers.csv").write_text(READERS_CSV, encoding="utf-8")
        self.text = text
        self.write(text)

    @property
    def port(self):
        return int(self.url.rsplit(":", 1)[1])

    def write(self, text):
        """Save the issue as an editor does: in one piece."""
        draft = self.root / "issues" / ".2026-01.md.part"
        draft.write_text(text, encoding="utf-8")
        draft.replace(self.root / "issues" / "2026-01.md")

    def start(self, port=0):
        environment = {name: value for name, value in os.environ.items() if not name.startswith("NEWSLETTER_")}
        command = [sys.executable, "-c", "from composer.cli.app import main; main()", "--project", str(self.root)]
        self._process = subprocess.Popen(
            [*command, "preview", "--no-open", "--port", str(port)],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=environment,
        )
        ready, _, _ = select.select([self._process.stdout], [], [], START_SECONDS)
        self.url = self._process.stdout.readline().strip().rstrip("/") if ready else ""
        if not self.url.startswith("http://127.0.0.1:"):
            pytest.fail(f"the preview does not start: {self.url} {self._process.stdout.read() if ready else ''}", pytrace=False)
        return self

    def stop(self):
        if self._process:
            self._process.terminate()
            self._process.wait(10)
            self._process.stdout.close()
            self._process = None


@pytest.fixture(scope="module")
def previewing(tmp_path_factory):
    """Start previews: ``previewing(text)`` gives a running ``Previewed`` whose issue 2026-01 has this text; they end with the module."""
    running = []

    def start(text, prepare=lambda root: None):
        running.append(Previewed(tmp_path_factory.mktemp("preview") / "project", text))
        prepare(running[-1].root)
        return running[-1].start()

    yield start
    for each in running:
        each.stop()
        shutil.rmtree(each.root, ignore_errors=True)
