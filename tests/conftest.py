"""What all tests share: a project to play with, the real issues, a browser, and a wall around the machine."""

from __future__ import annotations

import ipaddress
import os
import socket
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent
CI = os.environ.get("CI", "").lower() in {"1", "true", "yes"}
KINDS = ("unit", "golden", "contract", "property", "crash", "browser", "docs")

NEWSLETTER_TOML = """\
[newsletter]
name = "The Example Letter"
from = "Example Team <team@example.org>"
postal_address = "Example Team, 1 Sample Street, 12345 Springfield"
site_url = "https://www.example.org/news"
"""

ISSUE = """\
---
title: "The Example Letter: January 2026"
date: 2026-02-02T10:00:00.000Z
subject: News of January
preheader: What happened while it snowed.
---

Hello {{ first_name | default("friend") }}, here is the month.

# Garden: what grows

* The first [snowdrops](https://www.example.org/snowdrops) are out.

# Upcoming events

* 23-26 March | [Spring fair](https://www.example.org/fair) | Springfield
"""

STAFF_CSV = """\
email,first_name,last_name
ada@example.org,Ada,Lovelace
grace@example.org,Grace,Hopper
sean@example.org,Seán,O'Neil
"""


def pytest_collection_modifyitems(items):
    for item in items:
        kind = item.path.relative_to(REPOSITORY / "tests").parts[0]
        if kind in KINDS:
            item.add_marker(getattr(pytest.mark, kind))


def _outside(host):
    if host in {None, "", "localhost", b"localhost"}:
        return False
    try:
        return not ipaddress.ip_address(host.decode() if isinstance(host, bytes) else host).is_loopback
    except ValueError:
        return True


@pytest.fixture(autouse=True)
def no_network(monkeypatch):
    """Refuse every connection and every name look-up beyond this machine."""
    connect, connect_ex, getaddrinfo = socket.socket.connect, socket.socket.connect_ex, socket.getaddrinfo

    def check(host):
        if _outside(host):
            pytest.fail(f"a test tried to reach {host!r}: tests use nothing outside this machine", pytrace=True)

    def guarded(real):
        def call(self, address):
            if self.family in {socket.AF_INET, socket.AF_INET6}:
                check(address[0])
            return real(self, address)

        return call

    def look_up(host, *args, **kwargs):
        check(host)
        return getaddrinfo(host, *args, **kwargs)

    monkeypatch.setattr(socket.socket, "connect", guarded(connect))
    monkeypatch.setattr(socket.socket, "connect_ex", guarded(connect_ex))
    monkeypatch.setattr(socket, "getaddrinfo", look_up)


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch):
    """No setting of the person who runs the tests reaches them."""
    for name in list(os.environ):
        if name.startswith("NEWSLETTER_"):
            monkeypatch.delenv(name)


@pytest.fixture
def project(tmp_path):
    """Make a small project: configuration, one issue ``2026-01``, one list ``staff`` of three, shipped templates."""
    from composer.project import find

    root = tmp_path / "project"
    for folder in ("issues", "recipients"):
        (root / folder).mkdir(parents=True)
    (root / "newsletter.toml").write_text(NEWSLETTER_TOML, encoding="utf-8")
    (root / "issues" / "2026-01.md").write_text(ISSUE, encoding="utf-8")
    (root / "recipients" / "staff.csv").write_text(STAFF_CSV, encoding="utf-8")
    return find(root, exact=True)


@pytest.fixture(scope="session")
def repository():
    """Name the root of this repository."""
    return REPOSITORY


@pytest.fixture(scope="session")
def shared_issues():
    """Find the real issues that lie beside the repository, in name order."""
    folder = REPOSITORY.parent / "shared" / "issues"
    found = tuple(sorted(folder.glob("*.md")))
    if not found:
        pytest.skip("the real issues (../shared/issues/*.md) are not on this machine")
    return found


def _no_browser(reason):
    if CI:
        pytest.fail(f"{reason}; in CI browser tests must run", pytrace=False)
    pytest.skip(reason)


def _executable():
    named = os.environ.get("CHROMIUM", "")
    candidates = (named,) if named else ("/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome")
    return next((path for path in candidates if Path(path).is_file()), "")


@pytest.fixture(scope="session")
def chromium():
    """Start the system's chromium; a Playwright ``Browser`` whose contexts reach only files and loopback.

    Make pages with ``chromium.new_page(...)`` or ``chromium.new_context(...)`` and close them.
    """
    path = _executable()
    if not path:
        _no_browser("no chromium here (CHROMIUM may name one)")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        _no_browser("playwright is not installed")
    arguments = [
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--disable-background-networking",
        # Everything but loopback and files goes to a proxy that is not there.
        "--proxy-server=http://127.0.0.1:9",
    ]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=arguments)
        yield browser
        browser.close()
