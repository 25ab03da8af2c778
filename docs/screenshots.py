"""Takes the README's picture of a build: as on a screen in light, and as on a phone in dark, side by side.

``python docs/screenshots.py build/2026-01 docs/images``; uses the system's chromium, reaches nothing outside this machine.
"""

from __future__ import annotations

import io
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image
from playwright.sync_api import sync_playwright

if TYPE_CHECKING:
    from playwright.sync_api import Browser

CHROMIUM = next(
    (path for path in (os.environ.get("CHROMIUM", ""), "/usr/bin/chromium", "/usr/bin/chromium-browser") if path and Path(path).is_file()),
    "",
)
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--proxy-server=http://127.0.0.1:9"]
HEIGHT = 1120
WIDE, NARROW, GAP = 760, 375, 40
GROUND = "#D9DDE2"


def picture(browser: Browser, page: Path, width: int, scheme: str) -> Image.Image:
    """Return the top of a page as seen at that width."""
    view = browser.new_page(viewport={"width": width, "height": HEIGHT}, color_scheme="dark" if scheme == "dark" else "light")
    view.goto(page.resolve().as_uri())
    data = view.screenshot()
    view.close()
    return Image.open(io.BytesIO(data)).convert("RGB")


def main(build: Path, out: Path) -> None:
    """Write ``sample.png`` into a folder."""
    if not CHROMIUM:
        sys.exit("no chromium here; CHROMIUM may name one")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        wide = picture(browser, build / "email.html", WIDE, "light")
        narrow = picture(browser, build / "email.html", NARROW, "dark")
        browser.close()
    whole = Image.new("RGB", (WIDE + NARROW + 3 * GAP, HEIGHT + 2 * GAP), GROUND)
    whole.paste(wide, (GAP, GAP))
    whole.paste(narrow, (WIDE + 2 * GAP, GAP))
    out.mkdir(parents=True, exist_ok=True)
    whole.quantize(128, dither=Image.Dither.NONE).save(out / "sample.png", optimize=True)
    print(out / "sample.png")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
