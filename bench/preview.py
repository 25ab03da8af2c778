"""Measures what we promise of the preview: from a save to the new text on screen, against a bare page that reloads ready HTML.

One run in one chromium, rounds in turn, medians, the ratio beside its bound; exit code 1 when it is missed. Both sides watch a file in
the same way; the bare page's server composes nothing and its page is the letter alone.
"""

from __future__ import annotations

import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, sync_playwright

from composer.config import ListSettings
from composer.edition.compose import compose
from composer.edition.fields import fill_for_display
from composer.issue.files import read_issue
from composer.project import find

ROOT = Path(__file__).resolve().parent.parent
ISSUE = "2026-01"
CHROMIUM = "/usr/bin/chromium"
ROUNDS, WARM = 15, 3
BOUND = 3.0
PLACE = "Hello {{ first_name"
# A server for ready HTML: the mark in it is read off the issue, a change of the issue reloads the page.
BARE = """
import asyncio, re, sys
from pathlib import Path
import uvicorn, watchfiles
from starlette.applications import Starlette
from starlette.responses import HTMLResponse, StreamingResponse
from starlette.routing import Route
issue, ready, port = Path(sys.argv[1]), Path(sys.argv[2]).read_text(encoding="utf-8"), int(sys.argv[3])
RELOAD = "<script>new EventSource('/events').addEventListener('changed', () => location.reload())</script>"
def page(request):
    found = re.search(r"mark\\d+", issue.read_text(encoding="utf-8"))
    return HTMLResponse(ready.replace("mark0", found[0] if found else "mark0") + RELOAD, headers={"Cache-Control": "no-store"})
async def events(request):
    async def stream():
        yield ": hello\\n\\n"
        async for _ in watchfiles.awatch(issue.parent, watch_filter=None, step=10, debounce=200, rust_timeout=200):
            yield "event: changed\\ndata: 1\\n\\n"
    return StreamingResponse(stream(), media_type="text/event-stream")
uvicorn.run(Starlette(routes=[Route("/", page), Route("/events", events)]), port=port, log_level="critical", timeout_graceful_shutdown=1)
"""
# Runs in each page: looks before every drawn picture which mark stands on screen, and says so with the time.
LOOK = """() => {
  if (window !== top) return;
  let last = "";
  const marked = document => /mark\\d+/.exec(document?.body?.textContent ?? "")?.[0] ?? "";
  const visible = frame => {
    const style = getComputedStyle(frame), box = frame.getBoundingClientRect();
    return style.visibility === "visible" && style.opacity === "1" && box.height > 100 && box.width > 100;
  };
  const look = () => {
    const frames = [...document.querySelectorAll("iframe")].filter(visible);
    const now = location.pathname === "/" ? marked(document) : frames.map(frame => marked(frame.contentDocument)).find(Boolean) ?? "";
    if (now && now !== last) seen(last = now, performance.timeOrigin + performance.now());
    requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
}"""


@dataclass(slots=True)
class Side:
    """A page that shows an issue, and the issue's file."""

    page: Page
    issue: Path
    text: str
    seen: dict[str, float] = field(default_factory=dict)
    times: list[float] = field(default_factory=list)

    def open(self, address: str) -> None:
        """Open the page, and wait until it shows the issue and hears of changes."""
        self.page.expose_function("seen", lambda mark, moment: self.seen.setdefault(mark, moment))  # noqa: PLW0108 - playwright marks what it is given
        self.page.add_init_script(f"({LOOK})()")
        self.page.goto(address)
        self.wait("mark0")
        self.page.wait_for_timeout(1000)

    def save(self, mark: str) -> None:
        """Save the issue with a new mark as an editor does, wait until it is seen, and note how many milliseconds that took."""
        beside = self.issue.with_name(f".{self.issue.name}.swp")
        beside.write_text(self.text.replace("mark0", mark), encoding="utf-8")
        start = time.time() * 1000
        beside.replace(self.issue)
        self.wait(mark)
        self.times.append(self.seen[mark] - start)

    def wait(self, mark: str) -> None:
        """Wait until a mark was seen."""
        for _ in range(1000):
            if mark in self.seen:
                return
            self.page.wait_for_timeout(20)
        raise TimeoutError(mark)


def copy_of(folder: Path) -> tuple[Path, str]:
    """Copy what an issue needs, with a mark in its text; return the issue's file and its text."""
    for name in ("issues", "recipients", "templates"):
        shutil.copytree(ROOT / name, folder / name)
    shutil.copy(ROOT / "newsletter.toml", folder)
    issue = folder / "issues" / f"{ISSUE}.md"
    text = issue.read_text(encoding="utf-8").replace(PLACE, f"mark0 {PLACE}", 1)
    issue.write_text(text, encoding="utf-8")
    return issue, text


def ready_html(folder: Path) -> str:
    """Compose the issue once and for all."""
    project = find(folder, exact=True)
    edition = compose(read_issue(project.issue_path(ISSUE), project), ListSettings(), project)
    return fill_for_display(edition, edition.html)


def free_port() -> int:
    """Return a port of this machine that nobody uses."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port


@contextmanager
def running(*command: str | Path, port: int) -> Iterator[str]:
    """Run a server until the block ends; yield its address once it answers."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("NEWSLETTER_")}
    process = subprocess.Popen([str(word) for word in command], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(200):
            with socket.socket() as sock:
                sock.settimeout(1)
                if sock.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.05)
        else:
            raise TimeoutError(" ".join(map(str, command)))
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(10)


def measure(ours: Side, bare: Side) -> None:
    """Save in turn, so that a busy moment of the machine meets both sides."""
    for number in range(1, WARM + ROUNDS + 1):
        for side in (ours, bare):
            side.save(f"mark{number}")
            time.sleep(0.3)
    for side in (ours, bare):
        del side.times[:WARM]


def opened(browser: Any, address: str, issue: Path, text: str) -> Side:
    """Open a page that shows an issue."""
    side = Side(browser.new_page(viewport={"width": 1280, "height": 900}), issue, text)
    side.open(address)
    return side


def main() -> int:
    """Measure, print the ratio, and return the exit code."""
    newsletter = Path(sys.executable).parent / "newsletter"
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name).resolve()
        (issue, text), (other, _) = copy_of(folder / "ours"), copy_of(folder / "bare")
        ready, script = folder / "ready.html", folder / "bare.py"
        ready.write_text(ready_html(folder / "bare"), encoding="utf-8")
        script.write_text(BARE, encoding="utf-8")
        ports = free_port(), free_port()
        preview = (newsletter, "--project", folder / "ours", "preview", ISSUE, "--no-open", "--port", str(ports[0]))
        server = (sys.executable, script, other, ready, str(ports[1]))
        with running(*preview, port=ports[0]) as first, running(*server, port=ports[1]) as second, sync_playwright() as tool:
            browser = tool.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
            ours, bare = opened(browser, f"{first}/issues/{ISSUE}", issue, text), opened(browser, second, other, text)
            measure(ours, bare)
            browser.close()
    return show(statistics.median(ours.times), statistics.median(bare.times))


def show(ours: float, bare: float) -> int:
    """Print the ratio and return the exit code."""
    verdict = "ok" if ours / bare <= BOUND else "MISSED"
    print(f"{ours / bare:6.2f} of {BOUND:4.1f}  {verdict:6}  save to screen, preview : bare page  ({ours:.0f} ms : {bare:.0f} ms)")
    return int(verdict != "ok")


if __name__ == "__main__":
    sys.exit(main())
