"""``newsletter test`` as its user meets it."""

from __future__ import annotations

import getpass
import json
import sqlite3
from contextlib import closing

import pytest
from typer.testing import CliRunner

from composer.cli.app import app
from composer.errors import TransportError
from composer.testing import MemoryTransport
from composer.transport import registry
from composer.transport.base import Rejected, Unknown

READERS = "email,first_name\nana@example.org,Ana\n"


@pytest.fixture
def newsletter(project):
    (project.recipients / "readers.csv").write_text(READERS, encoding="utf-8")

    def command(*arguments):
        return CliRunner().invoke(app, ["--project", str(project.root), *arguments])

    return command


@pytest.fixture
def memory(monkeypatch, project):
    """Put a transport that can refuse in the place of the outbox, with a sender that may leave."""
    path = project.root / "newsletter.toml"
    path.write_text(path.read_text(encoding="utf-8").replace("team@example.org", "team@openletters.org"), encoding="utf-8")
    transport = MemoryTransport()
    monkeypatch.setitem(registry.WAYS_OUT, "outbox", registry.WayOut(real=True, place=lambda *_: "a host", opener=lambda *_: transport))
    return transport


def _rows(project):
    with closing(sqlite3.connect(project.root / "var" / "newsletter.db")) as ledger:
        return ledger.execute("SELECT sender, email, variant, outcome FROM test_sends ORDER BY id").fetchall()


def test_a_test_shows_sends_and_says_that_nothing_left(newsletter, project):
    """What, for whom, to whom, and where the files are; in the outbox it is a rehearsal, said first and last."""
    result = newsletter("test", "2026-01", "--yes")
    assert result.exit_code == 0, result.output
    for words in (
        "[TEST] News of January",
        "readers",
        "outbox",
        "ada@example.org, grace@example.org, sean@example.org",
        "not tested before",
    ):
        assert words in result.stdout
    assert "Tested 2026-01: 3 accepted." in result.stdout
    folder = next(line for line in result.stdout.splitlines() if line.startswith("Files: ")).removeprefix("Files: ")
    assert len(list((project.root / folder).glob("*.eml"))) == 3
    said = result.stderr.splitlines()
    assert said[0].startswith("Nothing leaves this machine")
    assert said[-1].startswith("Nothing left this machine")
    assert {row[0] for row in _rows(project)} == {getpass.getuser()}


def test_what_was_tested_before_is_shown(newsletter, memory):
    """Including what is in doubt: somebody should look into that mailbox."""
    memory.answers["ada@example.org"] = KeyboardInterrupt()
    assert newsletter("test", "2026-01", "--yes").exit_code == 3
    memory.answers = {"ada@example.org": Unknown("silence")}
    result = newsletter("test", "2026-01", "--yes")
    assert "tested before: 1 in doubt; last by" in result.stdout
    assert "ada@example.org: in doubt: silence" in result.stderr
    result = newsletter("test", "2026-01", "--yes")
    assert "tested before: 2 accepted, 2 in doubt; last by" in result.stdout


def test_json_is_all_that_stdout_has(newsletter):
    """A script reads it; what people read stays on stderr."""
    result = newsletter("test", "2026-01", "--to", "ada@example.org", "--edge-cases", "--as", "ana@example.org", "--yes", "--json")
    assert result.exit_code == 0, result.output
    data = json.loads(result.stdout)
    assert (data["issue"], data["lists"], data["transport"], data["real"], data["stopped"], data["not_tried"]) == (
        "2026-01", ["readers"], "outbox", False, "", 0,
    )  # fmt: skip
    assert len(data["digest"]) == 64
    assert len(data["messages"]) == 9
    assert data["messages"][0] == {
        "email": "ada@example.org",
        "variant": "as subscriber",
        "prefix": "[TEST 1/9 as subscriber] ",
        "outcome": "accepted",
        "answer": "000001-ada-example.org.eml",
    }


@pytest.mark.parametrize(
    ("answer", "code", "words"),
    [
        (Rejected("no such person"), 1, "grace@example.org: rejected: no such person"),
        (Unknown("silence"), 1, "grace@example.org: in doubt: silence"),
        (TransportError("the key is refused", hint="Look at the key."), 3, "Stopped: the key is refused. Look at the key. 1 not tried."),
    ],
)
def test_exit_codes(newsletter, memory, answer, code, words):
    """0 all accepted, 1 one was not, 3 nobody can be reached at all; each with its reason."""
    assert newsletter("test", "2026-01", "--yes").exit_code == 0
    memory.answers["grace@example.org"] = answer
    result = newsletter("test", "2026-01", "--yes")
    assert result.exit_code == code
    assert words in result.stderr


def test_errors_are_shown_and_the_test_goes_on(newsletter, project, memory):
    """The writer sees what would stop the send, and the letter all the same."""
    path = project.root / "newsletter.toml"
    path.write_text("\n".join(line for line in path.read_text(encoding="utf-8").splitlines() if "postal" not in line), encoding="utf-8")
    result = newsletter("test", "2026-01", "--yes")
    assert result.exit_code == 0
    assert "error: there is no postal address [no-postal-address]" in result.stderr
    assert "Errors stop a send to the public; the test goes on." in result.stderr
    assert len(memory.sent) == 3


def test_a_placeholder_sender_sends_not_even_a_test(newsletter, project, memory):
    """Mail from example.org is nobody's."""
    path = project.root / "newsletter.toml"
    path.write_text(path.read_text(encoding="utf-8").replace("team@openletters.org", "team@example.org"), encoding="utf-8")
    result = newsletter("test", "2026-01", "--yes")
    assert result.exit_code == 2
    assert "error: nothing was sent: not even a test can go out with placeholder-sender" in result.stderr
    assert memory.sent == []


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--to", "readers"), "readers is a public list"),
        (("--to", "ada@"), "not an address"),
        (("--for", "nobody"), "there is no list 'nobody'"),
        (("--as", "eve@example.org"), "eve@example.org is not on readers"),
        ((), "nobody is here to answer"),
    ],
)
def test_bad_usage(newsletter, project, arguments, words):
    """Nothing is written before the question is answered; without a terminal there is none."""
    result = newsletter("test", "2026-01", *arguments)
    assert (result.exit_code, words in result.stderr) == (2, True), result.stderr
    assert not (project.root / "var").exists()


def test_a_preflight_that_wants_a_test_takes_this_one(newsletter, memory):
    """The two commands agree on what an edition is, and on what was accepted."""
    refused = newsletter("send", "2026-01", "--to", "readers", "--yes")
    assert (refused.exit_code, "[not-tested]" in refused.stderr) == (2, True)
    assert newsletter("test", "2026-01", "--to", "ada@example.org", "--yes").exit_code == 0
    sent = newsletter("send", "2026-01", "--to", "readers", "--yes")
    assert sent.exit_code == 0, sent.output
    assert memory.addresses == ["ada@example.org", "ana@example.org"]


def test_a_user_without_a_name(monkeypatch, newsletter, project):
    """A container may run as a number that the system has no name for."""

    def nameless():
        raise OSError("No username set in the environment")

    monkeypatch.setattr(getpass, "getuser", nameless)
    assert newsletter("test", "2026-01", "--yes").exit_code == 0
    assert {row[0] for row in _rows(project)} == {"unknown"}
