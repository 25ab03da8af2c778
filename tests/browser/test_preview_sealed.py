"""A letter that wants out: in a real browser nothing of it runs, and nothing is asked of anybody, whatever the template holds."""

from __future__ import annotations

import threading
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from composer.web.preview import rendering
from composer.web.preview.serve import listen, make_server

HOSTILE = """<!DOCTYPE html><html><head><title>Letter</title>
<meta http-equiv="refresh" content="0;url={out}/refresh">
<base href="{out}/base/"><link rel="stylesheet" href="{out}/sheet.css"><link rel="prefetch" href="{out}/prefetch">
<link rel="preload" as="image" href="{out}/preload"><link rel="dns-prefetch" href="{out}"><link rel="icon" href="{out}/icon">
<style>@import url({out}/import.css);@font-face{{font-family:x;src:url({out}/font)}}body{{font-family:x;background:url({out}/background)}}</style>
<script>parent.escaped = 1; fetch("{out}/fetch")</script><script src="{out}/script.js"></script></head>
<body onload="parent.escaped = 2"><p id="seen">The letter is seen</p>
<img src="{out}/image"><img src="x" onerror="parent.escaped = 3"><img srcset="{out}/srcset 1x"><video src="{out}/video" poster="{out}/poster"></video>
<picture><source srcset="{out}/source"><img src="{out}/picture"></picture><input type="image" src="{out}/input">
<svg onload="parent.escaped = 4"><image href="{out}/svg"/><script>parent.escaped = 5</script></svg><table background="{out}/table"><tr><td>x</td></tr></table>
<iframe src="{out}/iframe"></iframe><iframe srcdoc="<script>top.escaped = 6</script>"></iframe><object data="{out}/object"></object>
<embed src="{out}/embed"><audio src="{out}/audio" autoplay></audio><a id="link" href="{out}/link" ping="{out}/ping">a link</a>
<form action="{out}/form"><button id="send">send</button></form><a id="run" href="javascript:parent.escaped = 7">run</a></body></html>"""


@pytest.fixture
def outside():
    """A server that the letter wants to reach; yields its address and the paths that were asked for."""
    asked = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        do_POST = do_GET  # noqa: N815 - the name that http.server calls

        def log_message(self, *_args):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", asked
        server.shutdown()
        thread.join(10)


@pytest.fixture
def preview(project, outside, monkeypatch):
    """A preview whose letter is the hostile one."""
    address, _ = outside
    real = rendering.compose
    monkeypatch.setattr(rendering, "compose", lambda *args: replace(real(*args), html=HOSTILE.format(out=address), origins=()))
    with listen(0, exact=True) as sock:
        server = make_server(project, sock.getsockname()[1])
        thread = threading.Thread(target=server.run, kwargs={"sockets": [sock]})
        thread.start()
        yield f"http://127.0.0.1:{sock.getsockname()[1]}"
        server.should_exit = True
        thread.join(10)


@pytest.mark.parametrize("view", ["light", "forced-dark", "no-style", "no-images"])
def test_a_hostile_letter_neither_runs_nor_calls_out(chromium, preview, outside, view):
    """Script, style, fonts, pictures, frames, forms, links and refreshes: none reaches anybody, and the page stays where it is."""
    _, asked = outside
    page = chromium.new_page(viewport={"width": 1200, "height": 800})
    page.on("dialog", lambda dialog: dialog.dismiss())
    page.goto(f"{preview}/issues/2026-01?view={view}")
    frame = page.frame_locator("#sheet iframe").first
    frame.locator("#seen").wait_for()
    page.wait_for_timeout(500)
    for name in ("#link", "#run", "#send"):
        frame.locator(name).click(force=True)
    page.wait_for_timeout(700)
    assert asked == []
    assert page.evaluate("() => window.escaped") is None
    assert page.url.startswith(preview)
    assert frame.locator("#seen").is_visible()
    page.close()


def test_pictures_from_elsewhere_come_when_they_are_asked_for(chromium, preview, outside):
    """Then pictures alone: no script, no sheet, no font."""
    _, asked = outside
    page = chromium.new_page()
    page.goto(f"{preview}/issues/2026-01/frame/light?remote=1")
    page.locator("#seen").wait_for(state="attached")
    page.wait_for_timeout(700)
    pictures = {
        "/image",
        "/srcset",
        "/source",
        "/picture",
        "/input",
        "/svg",
        "/poster",
        "/background",
        "/table",
        "/preload",
        "/prefetch",
        "/icon",
        "/base/x",
    }
    assert "/image" in asked
    assert set(asked) - {"/refresh"} <= pictures
    page.close()
