"""The wall around the tests holds, and the tree of tests is what it says."""

from __future__ import annotations

import os
import socket
import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest


@pytest.mark.parametrize("host", ["93.184.216.34", "example.org"])
def test_nothing_outside_can_be_reached(host):
    """A test that reaches the internet passes or fails by somebody else's doing."""
    with pytest.raises(pytest.fail.Exception, match="tried to reach"):
        socket.create_connection((host, 80), timeout=0.1)


def test_loopback_can_be_reached():
    """Real servers on loopback are better than mocks."""
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname(), timeout=5) as connection:
        assert connection.getpeername() == server.getsockname()


def test_settings_of_whoever_runs_this_do_not_leak_in():
    """A NEWSLETTER_… variable in somebody's shell must not change a result."""
    assert not [name for name in os.environ if name.startswith("NEWSLETTER_")]


def test_marker_is_that_of_the_folder(request):
    """`pytest -m unit` runs this folder."""
    assert request.node.get_closest_marker("unit")
    assert not request.node.get_closest_marker("browser")


def test_module_names_are_unique(repository):
    """A name stands for one file in every report."""
    names = Counter(path.name for path in (repository / "tests").rglob("test_*.py"))
    assert not [name for name, number in names.items() if number > 1]


@pytest.fixture
def local_page():
    """Serve nothing on loopback, politely."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Quiet) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


class Quiet(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(204)
        self.end_headers()

    def log_message(self, *args):
        pass


def test_browser_reaches_files_and_loopback_only(chromium, tmp_path, local_page):
    """A letter under test must look the same on a machine without a network."""
    (tmp_path / "page.html").write_text("<title>here</title>")
    page = chromium.new_page()
    try:
        page.goto((tmp_path / "page.html").as_uri())
        assert page.title() == "here"
        ask = "address => fetch(address, {mode: 'no-cors'}).then(() => 'reached', () => 'refused')"
        assert page.evaluate(ask, local_page) == "reached"
        assert page.evaluate(ask, "http://example.org/") == "refused"
        assert page.evaluate(ask, "http://93.184.216.34/") == "refused"
    finally:
        page.close()
