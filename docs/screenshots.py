"""Takes the pictures of README and docs: of a build, of every view of the preview, and of a check in a terminal.

``python docs/screenshots.py build/2026-01 docs/images``; uses the system's chromium, reaches nothing outside this machine. The preview and
the check are those of a copy of this project in which the issue has a few mistakes.
"""

from __future__ import annotations

import io
import os
import pty
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from PIL import Image
from playwright.sync_api import expect, sync_playwright
from rich.console import Console
from rich.terminal_theme import TerminalTheme
from rich.text import Text

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

CHROMIUM = next(
    (path for path in (os.environ.get("CHROMIUM", ""), "/usr/bin/chromium", "/usr/bin/chromium-browser") if path and Path(path).is_file()),
    "",
)
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--proxy-server=http://127.0.0.1:9"]
ROOT = Path(__file__).resolve().parent.parent
NEWSLETTER = [sys.executable, "-c", "from composer.cli.app import main; main()"]
STEM, LIST, DAY = "2026-01", "sample", "2026-02-02"
# What is wrong in the pictures: (as it is written, as it is written there).
MISTAKES = (
    ("also to Hystax,", "also to [Hystax](hhttps://hystax.com/),"),
    ("Would your organisation like", "Would {{ company }} like"),
    ("[announcement](https://lists.opendev.org/", "[here](https://t.e2ma.net/click/x7k2q/"),
    ("# Kata Containers: The speed", "![](https://www.example.org/kata.jpg)\n\n# Kata Containers: The speed"),
)
GROUND = "#D9DDE2"
GAP = 40
BUILD_HEIGHT, WIDE, NARROW = 1120, 760, 375
DESKTOP, PHONE = (1200, 760), (375, 760)
COLUMNS = 118
TERMINAL = """<!doctype html><meta charset="utf-8"><style>
body{{margin:0;padding:36px 40px;display:inline-block;background:#1b1a18;color:#eae7e0;font:15px/1.5 "DejaVu Sans Mono",monospace}}
pre{{margin:0;font:inherit}}.prompt{{color:#8fd3a3}}</style>
<pre><span class="prompt">$</span> {command}\n{printed}</pre>"""
# Ground, ink, and the eight colours of a terminal, twice: plain and bright.
COLOURS = TerminalTheme(
    (27, 26, 24),
    (234, 231, 224),
    [(27, 26, 24), (255, 154, 143), (143, 211, 163), (238, 189, 103), (141, 184, 242), (214, 160, 220), (140, 206, 210), (234, 231, 224)],
    [
        (138, 133, 122),
        (255, 154, 143),
        (143, 211, 163),
        (238, 189, 103),
        (141, 184, 242),
        (214, 160, 220),
        (140, 206, 210),
        (255, 255, 255),
    ],
)


@dataclass(frozen=True, slots=True)
class View:
    """One picture of the preview: its file's name, the page's query, the size and scheme it is seen in, and what is done there first."""

    name: str
    query: str = ""
    size: tuple[int, int] = DESKTOP
    dark: bool = False
    act: Callable[[Page, Path], None] = lambda _page, _root: None
    path: str = f"/issues/{STEM}"


def on(selector: str, number: int = 0) -> Callable[[Page, Path], None]:
    """Return what clicks on something."""
    return lambda page, _root: page.locator(selector).nth(number).click()


def half_written(page: Page, root: Path) -> None:
    """Save the issue in the middle of a title."""
    issue = root / "issues" / f"{STEM}.md"
    text = issue.read_text(encoding="utf-8")
    issue.write_text(text.replace('January 2026"', "January 2026", 1), encoding="utf-8")
    expect(page.locator("#broken")).to_be_visible(timeout=20_000)


def sent(page: Page, _root: Path) -> None:
    """Send a test to everybody on the staff."""
    page.locator("#open-test").click()
    testers = page.locator("#test-dialog [name=tester]")
    expect(testers.first).to_be_visible()
    for tester in testers.all():
        tester.check()
    page.get_by_role("button", name="Send the test").click()
    expect(page.locator(".outcome tbody tr").first).to_be_visible(timeout=20_000)


VIEWS = (
    View("index", path="/"),
    View("light", "view=light&width=600", act=on(".finding", 1)),
    View("dark", "view=dark&width=600", dark=True),
    View("phone", "view=light&width=375", act=on("#tab-reader")),
    View("forced-dark", "view=forced-dark&width=600"),
    View("no-images", "view=no-images&width=600"),
    View("no-style", "view=no-style&width=600"),
    View("web", "view=web&width=800"),
    View("inbox", "view=inbox"),
    View("text", "view=text"),
    View("html", "view=html"),
    View("mjml", "view=mjml"),
    View("mime", "view=mime", act=on("#tab-size")),
    View("all", "view=all", size=(1200, 980)),
    View("reader", "view=light&width=600&as=ada.okafor@example.com", act=on("#tab-reader")),
    View("size", "view=light&width=600", dark=True, act=on("#tab-size")),
    View("help", "view=light&width=600", act=on("#open-help")),
    View("test", "view=light&width=600", act=sent),
    View("hand-mail", "view=light", size=PHONE),
    View("hand-findings", "view=light", size=PHONE, act=on("#tab-findings")),
    View("hand-inbox", "view=inbox", size=PHONE, dark=True),
    View("broken", "view=light&width=600", act=half_written),  # the last: it leaves the issue broken
)
IN_HAND = ("hand-mail", "hand-findings", "hand-inbox")


def seen(
    browser: Browser, address: str, size: tuple[int, int], *, dark: bool = False, act: Callable[[Page], None] | None = None
) -> Image.Image:
    """Return a page as seen in a window of that size."""
    scheme: Literal["dark", "light"] = "dark" if dark else "light"
    page = browser.new_page(viewport={"width": size[0], "height": size[1]}, color_scheme=scheme, reduced_motion="reduce")
    page.goto(address)
    if act:
        expect(page.locator("#live, .issues").first).to_be_visible()
        page.wait_for_timeout(800)
        act(page)
        page.wait_for_timeout(500)
    data = page.screenshot()
    page.close()
    return Image.open(io.BytesIO(data)).convert("RGB")


def beside(images: list[Image.Image]) -> Image.Image:
    """Return pictures side by side on a quiet ground."""
    height = max(image.height for image in images)
    whole = Image.new("RGB", (sum(image.width for image in images) + GAP * (len(images) + 1), height + 2 * GAP), GROUND)
    at = GAP
    for image in images:
        whole.paste(image, (at, GAP))
        at += image.width + GAP
    return whole


def keep(image: Image.Image, path: Path) -> None:
    """Write a picture, small: its common colours, and the far ones that make a small sign what it is."""
    common = image.quantize(176, dither=Image.Dither.NONE).getpalette() or []
    far = image.quantize(80, method=Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE).getpalette() or []
    palette = Image.new("P", (1, 1))
    palette.putpalette([*common[: 3 * 176], *far[: 3 * 80]])
    image.quantize(palette=palette, dither=Image.Dither.NONE).save(path, optimize=True)
    print(f"{path} {path.stat().st_size:,} bytes")


@contextmanager
def marred() -> Iterator[Path]:
    """Give a copy of this project whose issue has mistakes."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "letter"
        for name in ("issues", "recipients"):
            shutil.copytree(ROOT / name, root / name)
        shutil.copy(ROOT / "newsletter.toml", root)
        issue = root / "issues" / f"{STEM}.md"
        text = issue.read_text(encoding="utf-8")
        for right, wrong in MISTAKES:
            if right not in text:
                sys.exit(f"the issue no longer says {right!r}: choose another mistake")
            text = text.replace(right, wrong, 1)
        issue.write_text(text, encoding="utf-8")
        yield root


@contextmanager
def previewing(root: Path) -> Iterator[str]:
    """Run the preview of a project; give its address."""
    command = [*NEWSLETTER, "--project", str(root), "preview", "--no-open", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        if process.stdout is None:
            sys.exit("the preview says nothing")
        try:
            yield process.stdout.readline().strip().rstrip("/")
        finally:
            process.terminate()


def acting(view: View, root: Path) -> Callable[[Page], None]:
    """Return what is done before a picture is taken."""
    return lambda page: view.act(page, root)


def preview_pictures(browser: Browser, root: Path, out: Path) -> None:
    """Write a picture of every view of the preview."""
    hand: list[Image.Image] = []
    with previewing(root) as address:
        for view in VIEWS:
            query = f"?to={LIST}&on={DAY}&{view.query}" if view.query else ""
            image = seen(browser, f"{address}{view.path}{query}", view.size, dark=view.dark, act=acting(view, root))
            if view.name in IN_HAND:
                hand.append(image)
            else:
                keep(image, out / f"preview-{view.name}.png")
    keep(beside(hand), out / "preview-in-hand.png")


def check_picture(browser: Browser, root: Path, out: Path) -> None:
    """Write a picture of a check, as a terminal shows it."""
    words = ["check", STEM, "--to", LIST, "--on", DAY]
    console = Console(record=True, file=io.StringIO(), width=COLUMNS)
    console.print(Text.from_ansi(on_terminal([*NEWSLETTER, "--project", str(root), *words])))
    printed = console.export_html(theme=COLOURS, inline_styles=True, code_format="{code}")
    page = browser.new_page(viewport={"width": 1280, "height": 400})
    page.set_content(TERMINAL.format(command=escape(" ".join(["newsletter", *words])), printed=printed))
    data = page.locator("body").screenshot()
    page.close()
    keep(Image.open(io.BytesIO(data)).convert("RGB"), out / "check.png")


def on_terminal(command: list[str]) -> str:
    """Run a command as in a terminal; return what it printed, colours and all."""
    ours, theirs = pty.openpty()
    with subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env={**os.environ, "COLUMNS": str(COLUMNS)}):
        os.close(theirs)
        printed = b""
        while True:
            try:
                piece = os.read(ours, 65536)
            except OSError:  # how Linux tells that the other end is closed
                break
            if not piece:
                break
            printed += piece
    os.close(ours)
    return printed.decode("utf-8", "replace").replace("\r\n", "\n").rstrip()


def main(build: Path, out: Path) -> None:
    """Write all pictures into a folder."""
    if not CHROMIUM:
        sys.exit("no chromium here; CHROMIUM may name one")
    out.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright, marred() as root:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        letter = (build / "email.html").resolve().as_uri()
        parts = [seen(browser, letter, (WIDE, BUILD_HEIGHT)), seen(browser, letter, (NARROW, BUILD_HEIGHT), dark=True)]
        keep(beside(parts), out / "sample.png")
        check_picture(browser, root, out)
        preview_pictures(browser, root, out)
        browser.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
