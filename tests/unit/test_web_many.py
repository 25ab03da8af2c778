"""Many at once: frames share a rendering, streams hear of a save, and the server stops at once."""

from __future__ import annotations

import socket
import threading
import time

import httpx
import preview_server as server


def test_many_frames_cost_one_composition(preview, monkeypatch):
    """Twenty tabs, a contact sheet: everybody gets the same rendering of one state of the files."""
    from composer.web.preview import rendering

    composed = []
    real = rendering.compose
    monkeypatch.setattr(rendering, "compose", lambda *args: composed.append(args) or real(*args))
    views, answers = ["mail", "light", "dark", "forced-dark", "text", "html", "no-style", "mime"], []

    def ask(number):
        with httpx.Client(base_url=preview.base, timeout=20) as client:
            answers.append(client.get(f"/issues/2026-01/frame/{views[number % len(views)]}").status_code)

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(24)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert answers == [200] * 24
    assert len(composed) == 1


def stream(preview, stem="2026-01"):
    """Open a stream of changes on a bare socket."""
    raw = socket.create_connection(("127.0.0.1", preview.port), timeout=10)
    raw.sendall(f"GET /events?stem={stem} HTTP/1.1\r\nHost: 127.0.0.1:{preview.port}\r\n\r\n".encode())
    read_until(raw, b"event: hello")
    return raw


def read_until(raw, wanted, seconds=8.0):
    """Read until some bytes came; return all that came."""
    raw.settimeout(seconds)
    found = b""
    while wanted not in found:
        data = raw.recv(65536)
        assert data, found
        found += data
    return found


def test_twenty_tabs_hear_of_a_save_and_the_server_still_stops_at_once(project):
    """Open streams neither miss a change nor keep the server from ending within a second."""
    with server.running(project) as preview:
        streams = [stream(preview) for _ in range(20)]
        path = project.root / "issues" / "2026-01.md"
        beside = path.with_name("2026-01.md~")
        beside.write_text(server.text_of(project) + "\nMore.\n", encoding="utf-8")
        beside.replace(path)
        for raw in streams:
            assert b'"kinds": ["issue"]' in read_until(raw, b"event: changed")
        before = time.monotonic()
        preview.server.should_exit = True
        for raw in streams:
            raw.settimeout(5)
            while raw.recv(65536):
                pass
            raw.close()
    assert time.monotonic() - before < 1.0
