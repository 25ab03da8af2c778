"""``newsletter preview`` as a person runs it: the address it prints, the port it takes, how it ends, and what it refuses."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager
from pathlib import Path

import pytest
from typer.testing import CliRunner

from composer.cli.app import app
from composer.errors import UsageError
from composer.web.preview.serve import address, listen

NEWSLETTER = Path(sys.executable).parent / "newsletter"
NO_BROWSER = {**os.environ, "BROWSER": "true"}


@contextmanager
def begun(project, *options, environ=NO_BROWSER):
    """Run the command until the block ends; yield the process and the address that it printed."""
    command = [NEWSLETTER, "--project", project.root, "preview", *options]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environ, cwd=project.root)
    try:
        yield process, process.stdout.readline().strip()
    finally:
        process.kill()
        process.communicate()


def fetched(url):
    with urllib.request.urlopen(url, timeout=10) as answer:  # noqa: S310 - its own address
        return answer.status, answer.read().decode()


def once_up(url):
    """Ask until the server answers."""
    for _ in range(200):
        try:
            return fetched(url)
        except OSError:
            time.sleep(0.05)
    raise AssertionError(url)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_prints_an_address_that_works_and_ends_quietly(project, number):
    """Ctrl-C is how a preview ends: exit code 0, no traceback, within a moment, the port free again."""
    with begun(project, "2026-01", "--to", "staff", "--port", "0", "--no-open") as (process, url):
        assert url.startswith("http://127.0.0.1:")
        assert url.endswith("/issues/2026-01?to=staff")
        status, page = once_up(url)
        assert status == 200
        assert "The Example Letter" in page
        before = time.monotonic()
        process.send_signal(number)
        _, said = process.communicate(timeout=10)
        assert process.returncode == 0
        assert time.monotonic() - before < 3
        assert said == "Ctrl-C ends the preview.\n"
        port = int(url.split(":")[2].split("/")[0])
        with listen(port, exact=True):
            pass


def test_it_opens_the_browser_once_it_answers(project, tmp_path):
    """With the address that it printed; whoever wants none says so."""
    seen, script = tmp_path / "seen", tmp_path / "browser"
    script.write_text(f'#!/bin/sh\necho "$1" >> {seen}\n', encoding="utf-8")
    script.chmod(0o755)
    with begun(project, "--port", "0", environ={**os.environ, "BROWSER": str(script)}) as (_, url):
        assert url.endswith("/")
        for _ in range(100):
            if seen.exists() and seen.read_text(encoding="utf-8"):
                break
            time.sleep(0.05)
        assert seen.read_text(encoding="utf-8").strip() == url
    seen.unlink()
    with begun(project, "--port", "0", "--no-open", environ={**os.environ, "BROWSER": str(script)}) as (_, url):
        once_up(url)
        assert not seen.exists()


def test_it_listens_on_this_machine_alone():
    """Nobody in the same network sees a letter that is not out yet."""
    with listen(0, exact=True) as sock:
        assert sock.getsockname()[0] == "127.0.0.1"
        assert address(sock, "a b/ö?", "x&y").endswith("/issues/a%20b%2F%C3%B6%3F?to=x%26y")


def test_a_port_in_use_is_left_alone():
    """A second preview takes another port; a port that was asked for by name is not replaced in silence."""
    with listen(0, exact=True) as first:
        port = first.getsockname()[1]
        with listen(port, exact=False) as second:
            assert second.getsockname()[1] not in {0, port}
        with pytest.raises(UsageError, match=f"port {port} cannot be used") as caught:
            listen(port, exact=True)
        assert "--port" in caught.value.hint


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nothing"], "there is no issue nothing"),
        (["--to", "nothing"], "there is no list 'nothing'"),
        (["--to", "recipients/staff.csv"], "there is no list"),
        (["outside.md"], "is not among the project's issues"),
        (["--port", "70000"], "--port"),
    ],
)
def test_what_cannot_be_is_said_before_anything_starts(project, words, said):
    """A slip of the finger is exit code 2 and a sentence, not an empty page."""
    (project.root / "outside.md").write_text("---\ntitle: X\n---\n\n# X\n\nText.\n", encoding="utf-8")
    result = CliRunner().invoke(app, ["--project", str(project.root), "preview", "--no-open", *words])
    assert result.exit_code == 2
    assert said in result.stderr


def test_the_port_of_the_settings_is_taken(project):
    """A team may agree on one; on a machine where it is taken the preview still starts."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with (project.root / "newsletter.toml").open("a", encoding="utf-8") as file:
            file.write(f"\n[preview]\nport = {port}\n")
        with begun(project, "--no-open") as (_, url):
            assert f":{port}/" not in url
    with begun(project, "--no-open") as (_, url):
        assert f":{port}/" in url
