"""A preview that runs while a test asks it: a real server on a free port, in a thread."""

from __future__ import annotations

import threading
from contextlib import contextmanager

import httpx

from composer.project import find
from composer.web.preview.serve import listen, make_server

ISSUE = """---
title: "The Example Letter: January 2026"
subject: News of January
preheader: What happened while it snowed.
---

Hello {{ first_name | default("friend") }}, here is the month.

# Garden: what grows

* The first [snowdrops](https://www.example.org/snowdrops) are out.

# Upcoming events

* 23-26 March | [Spring fair](https://www.example.org/fair) | Springfield
"""
STAFF = "email,first_name,last_name\nada@example.org,Ada,Lovelace\ngrace@example.org,Grace,Hopper\nsean@example.org,Seán,O'Neil\n"


class Running:
    """A preview that answers, and what asks it."""

    def __init__(self, project, server, sock):
        self.project, self.server = project, server
        self.port = sock.getsockname()[1]
        self.base = f"http://127.0.0.1:{self.port}"
        self.client = httpx.Client(base_url=self.base, timeout=20)

    def get(self, path, **query):
        return self.client.get(path, params=query)

    def state(self, stem="2026-01", **query):
        return self.get(f"/issues/{stem}/state.json", **query).json()

    def frame(self, view, stem="2026-01", **query):
        answer = self.get(f"/issues/{stem}/frame/{view}", **query)
        assert answer.status_code == 200, answer.text
        return answer.text

    def send(self, order, stem="2026-01"):
        headers = {"Origin": self.base, "X-Preview-Token": self.server.token}
        return self.client.post(f"/issues/{stem}/test", json=order, headers=headers)


@contextmanager
def running(project, list_name=""):
    with listen(0, exact=True) as sock:
        server = make_server(project, sock.getsockname()[1], list_name=list_name)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [sock]})
        thread.start()
        try:
            preview = Running(project, server, sock)
            with preview.client:
                yield preview
        finally:
            server.should_exit = True
            thread.join(10)
            assert not thread.is_alive()


def standing_project(root):
    """Make a project for tests that only look: beside it a file that is none of its own, in it a public list and a hidden issue."""
    for folder in ("issues", "recipients"):
        (root / folder).mkdir(parents=True)
    (root / "newsletter.toml").write_text(
        '[newsletter]\nname = "The Example Letter"\nfrom = "Example Team <team@example.org>"\npostal_address = "1 Sample Street"\n',
        encoding="utf-8",
    )
    (root / "issues" / "2026-01.md").write_text(ISSUE, encoding="utf-8")
    (root / "issues" / ".hidden.md").write_text(ISSUE, encoding="utf-8")
    (root / "recipients" / "staff.csv").write_text(STAFF, encoding="utf-8")
    (root / "recipients" / "readers.csv").write_text("email\nreader@example.org\n", encoding="utf-8")
    outside = root.parent / "secret.md"
    outside.write_text("---\ntitle: Secret\n---\n\n# Secret words\n\nText.\n", encoding="utf-8")
    (root / "issues" / "secret.md").symlink_to(outside)
    return find(root, exact=True)


def write(project, text, name="2026-01"):
    (project.root / "issues" / f"{name}.md").write_text(text, encoding="utf-8")


def text_of(project):
    return (project.root / "issues" / "2026-01.md").read_text(encoding="utf-8")
