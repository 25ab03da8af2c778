"""Nothing in an issue or a template runs a script in the preview or calls out of it, until the editor lets images in."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from playwright.sync_api import expect

VIEWS = ("light", "dark", "forced-dark", "no-images", "no-style", "web", "text", "html", "mjml", "mime")
ISSUE = """\
---
title: "The Example Letter: January 2026"
date: 2026-02-02T10:00:00.000Z
subject: News <script>document.title='stolen'</script> of January
preheader: What happened <img src=x onerror="document.title='stolen'"> while it snowed.
---

Hello there.

# Garden <script>document.title='stolen'</script>

![a picture from elsewhere](CANARY/picture.png)

<script src="CANARY/script.js"></script>
<script>fetch("CANARY/fetched"); document.title = "stolen"</script>
<img src="CANARY/raw.png" onerror="document.title='stolen'" alt="raw" onload="fetch('CANARY/loaded')">
<iframe src="CANARY/frame.html"></iframe>
<link rel="stylesheet" href="CANARY/sheet.css">
<style>@import "CANARY/import.css"; body { background: url(CANARY/ground.png) }</style>
<meta http-equiv="refresh" content="0;url=CANARY/refresh">
<form action="CANARY/form"><input name="q"><button>Send</button></form>
<a href="javascript:document.title='stolen'">press</a>
<object data="CANARY/object"></object><video src="CANARY/video.mp4" autoplay></video>
<p style="background-image:url(CANARY/styled.png)">A paragraph of its own.</p>

[press me](CANARY/link)
"""
# A template may hold what an issue may not: whoever shares one with a colleague must not reach into the preview.
HOSTILE = """\
<mj-section><mj-column><mj-raw>
<script>parent.document.title = "stolen"; fetch("CANARY/template"); navigator.sendBeacon("CANARY/beacon")</script>
<script src="CANARY/template.js"></script>
<img src="nothing.png" alt="" onerror="parent.document.title='stolen'" />
<iframe src="CANARY/template.html"></iframe>
<p style="background:url(CANARY/template.png)">From the template.</p>
</mj-raw></mj-column></mj-section>
"""


class Canary(ThreadingHTTPServer):
    """Writes down every request that reaches it."""

    daemon_threads = True

    def __init__(self):
        self.heard = []
        canary = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                canary.heard.append(self.path)
                self.send_response(404)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def do_POST(self):
                self.do_GET()

            def log_message(self, *_):
                pass

        super().__init__(("127.0.0.1", 0), Handler)

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}"


@pytest.fixture(scope="module")
def canary():
    server = Canary()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="module")
def preview(previewing, canary, repository):
    def hostile(root):
        shipped = (repository / "templates" / "email" / "partials" / "footer.mjml").read_text(encoding="utf-8")
        own = root / "templates" / "email" / "partials" / "footer.mjml"
        own.parent.mkdir(parents=True)
        own.write_text(HOSTILE.replace("CANARY", canary.url) + shipped, encoding="utf-8")

    return previewing(ISSUE.replace("CANARY", canary.url), hostile)


@pytest.fixture
def page(chromium, canary):
    canary.heard.clear()
    page = chromium.new_page(viewport={"width": 1280, "height": 800})
    page.set_default_timeout(15_000)
    page.on("dialog", lambda dialog: pytest.fail(f"a dialog opened: {dialog.message}"))
    yield page
    page.close()


def opened(page, preview, query=""):
    page.goto(f"{preview.url}/issues/2026-01{query}")
    expect(page.locator("#live")).to_have_attribute("data-state", "live")
    expect(page.locator("#sheet iframe.coming")).to_have_count(0)


def test_the_traps_would_spring_elsewhere(page, preview, canary):
    """A canary that hears nothing anyway proves nothing: the same HTML outside of the preview runs its script and calls out."""
    html = page.request.get(f"{preview.url}/issues/2026-01/frame/light").text()
    assert "From the template." in html
    page.set_content(html, wait_until="load")
    page.wait_for_function("document.title === 'stolen'")
    assert "/template.js" in canary.heard
    assert "/picture.png" in canary.heard


@pytest.mark.parametrize("view", VIEWS)
def test_no_view_runs_script_or_calls_out(page, preview, canary, view):
    """Every view shows the issue; none does what it says."""
    opened(page, preview, f"?view={view}")
    frame = page.frame_locator("#sheet iframe")
    expect(frame.locator("body")).to_contain_text("multipart" if view == "mime" else "Garden")
    page.wait_for_timeout(150)
    assert "stolen" not in page.title()
    assert canary.heard == []


def test_the_pages_around_the_mail_take_text_for_text(page, preview, canary):
    """Subject, findings, source and inbox hold the same hostile words; there too they are words."""
    opened(page, preview, "?view=inbox")
    expect(page.locator("#subject")).to_contain_text("<script>")
    expect(page.locator("#inbox")).to_contain_text("<img src=x")
    page.goto(preview.url)
    page.wait_for_timeout(150)
    assert "stolen" not in page.title()
    assert canary.heard == []


def test_the_frame_opened_alone_is_as_harmless(page, preview, canary):
    """A frame's address can be opened without the page around it."""
    page.goto(f"{preview.url}/issues/2026-01/frame/light")
    page.wait_for_timeout(150)
    assert page.title() != "stolen"
    assert canary.heard == []


def test_images_from_elsewhere_wait_until_they_are_wanted(page, preview, canary):
    """Whoever hosts an image learns who looked and when: that is the editor's to decide, and it is images alone."""
    opened(page, preview)
    expect(page.locator("#remote")).to_contain_text("from elsewhere not loaded")
    assert canary.heard == []
    page.get_by_role("button", name="Load", exact=True).click()
    expect(page.locator("#remote")).to_be_hidden()
    page.wait_for_timeout(300)
    assert "/picture.png" in canary.heard
    assert not [path for path in canary.heard if not path.endswith(".png")]
    assert "stolen" not in page.title()


def test_no_click_in_the_mail_leaves_the_preview(page, preview, canary):
    """Links, also pressed with the middle button or the keyboard, lead nowhere."""
    opened(page, preview)
    link = page.frame_locator("#sheet iframe").get_by_role("link", name="press me")
    link.click()
    link.click(button="middle")
    link.focus()
    page.keyboard.press("Enter")
    page.wait_for_timeout(200)
    assert len(page.context.pages) == 1
    assert canary.heard == []
    expect(page.frame_locator("#sheet iframe").locator("body")).to_contain_text("Garden")
