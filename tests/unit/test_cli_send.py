"""``send``, ``resume`` and ``status`` as their user meets them."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import subprocess
import sys
import time

import pytest
from typer.testing import CliRunner

from composer.cli.app import app
from composer.delivery import campaign
from composer.delivery.model import DeliveryState
from composer.errors import ConfigError, TransportError
from composer.testing import MemoryTransport
from composer.transport import registry
from composer.transport.base import Deferred, Rejected, Unknown

REHEARSAL = "the outbox writes one file per person. A rehearsal counts as mailed for nobody, and may be repeated."
NEWSLETTER = [sys.executable, "-c", "from composer.cli.app import main; main()"]


@pytest.fixture
def newsletter(project):
    def command(*arguments):
        return CliRunner().invoke(app, ["--project", str(project.root), *arguments])

    return command


@pytest.fixture
def memory(monkeypatch):
    """Put a transport that can refuse in the place of the outbox."""
    transport = MemoryTransport()
    monkeypatch.setitem(registry.WAYS_OUT, "outbox", registry.WayOut(real=True, place=lambda *_: "", opener=lambda *_: transport))
    return transport


def _real_sender(project):
    path = project.root / "newsletter.toml"
    path.write_text(path.read_text().replace("team@example.org", "team@openletters.org"))


def test_send_shows_delivers_and_says_twice_that_nothing_left(newsletter, project):
    """The whole of a rehearsal: what, to whom, where the files are, and that nobody was mailed, first and last."""
    result = newsletter("send", "2026-01", "--to", "staff", "--yes")
    assert result.exit_code == 0, result.output
    for words in (
        "News of January",
        "What happened while it snowed.",
        "Example Team <team@example.org>",
        "staff (staff)",
        "outbox",
        "3 people",
    ):
        assert words in result.stdout
    assert "Campaign 1 is finished: 3 accepted." in result.stdout
    folder = next(line for line in result.stdout.splitlines() if line.startswith("Files: ")).removeprefix("Files: ")
    assert len(list((project.root / folder).glob("*.eml"))) == 3
    said = result.stderr.splitlines()
    assert (said[0], said[-1]) == (
        f"Nothing leaves this machine: {REHEARSAL}",
        f"Nothing left this machine: {REHEARSAL}",
    )


@pytest.mark.parametrize("option", ["--where", "--segment"])
def test_an_empty_segment_is_not_everybody(newsletter, option):
    """A variable that is not set must not turn a letter to a few into one to all."""
    result = newsletter("send", "2026-01", "--to", "staff", option, " ", "--yes")
    assert result.exit_code == 2
    assert "leave the option out" in result.stderr
    assert "Campaign" not in result.stdout


def test_send_may_be_rehearsed_again(newsletter, project):
    """Each rehearsal has its own folder."""
    assert [newsletter("send", "2026-01", "--to", "staff", "--yes").exit_code for _ in range(2)] == [0, 0]
    assert len(list(project.root.glob("outbox/2026-01/*"))) == 2


def test_dry_run_writes_nothing(newsletter, project):
    """Not even a ledger."""
    before = sorted(project.root.rglob("*"))
    result = newsletter("send", "2026-01", "--to", "staff", "--dry-run")
    assert result.exit_code == 0
    assert "3 people" in result.stdout
    assert "nothing was sent" in result.stdout
    assert sorted(project.root.rglob("*")) == before


def test_without_a_terminal_it_needs_yes(newsletter, project):
    """A script that forgot --yes is told so and sends nothing."""
    result = newsletter("send", "2026-01", "--to", "staff")
    assert result.exit_code == 2
    assert "--yes" in result.stderr
    assert not project.var.exists()


def test_what_forbids_the_send_is_shown_and_nothing_written(newsletter, project):
    """Exit code 2, each person named, before anything goes out."""
    (project.recipients / "readers.csv").write_text("email,first_name\na@example.org,Ann\nb@example.org,\n")
    path = project.issues / "2026-01.md"
    path.write_text(path.read_text(encoding="utf-8").replace(' | default("friend")', ""), encoding="utf-8")
    result = newsletter("send", "2026-01", "--to", "readers", "--yes")
    assert result.exit_code == 2
    assert "recipients/readers.csv:3:first_name" in result.stderr
    assert "nothing was sent: 1 error stops the send: field-missing" in result.stderr
    assert not project.var.exists()


def test_what_forbids_is_told_from_what_is_only_wrong(newsletter, project):
    """Two errors are shown and one stops: which one is said."""
    (project.recipients / "readers.csv").write_text("email,first_name\nbroken,Ann\nb@example.org,\nc@example.org,\n")
    path = project.issues / "2026-01.md"
    path.write_text(path.read_text(encoding="utf-8").replace(' | default("friend")', ""), encoding="utf-8")
    result = newsletter("send", "2026-01", "--to", "readers", "--yes")
    assert "3 errors" in result.stderr
    assert "nothing was sent: 2 errors stop the send: field-missing\n" in result.stderr


def test_what_is_due_later_is_said_so(newsletter, project, memory):
    """To resume at once would be for nothing."""
    _real_sender(project)
    memory.answers["ada@example.org"] = Deferred("busy", 3600)
    result = newsletter("send", "2026-01", "--to", "staff", "--yes")
    assert result.exit_code == 3
    assert re.search(
        r"Stopped: 1 deferred; the next is due at \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC\. `newsletter resume 1` goes on then\.", result.stderr
    )


def test_a_campaign_that_was_begun_is_named_before_the_question(newsletter, project, memory):
    """Whoever types the same command again after a stop most often means: go on."""
    _real_sender(project)
    assert "Unfinished" not in newsletter("send", "2026-01", "--to", "staff", "--dry-run").stdout
    memory.answers["ada@example.org"] = Deferred("busy", 3600)
    newsletter("send", "2026-01", "--to", "staff", "--yes")
    shown = newsletter("send", "2026-01", "--to", "staff", "--dry-run").stdout
    assert "Unfinished  campaign 1 of this issue, to staff, is paused, and 1 person of it still waits: `newsletter resume 1` goes" in shown
    newsletter("cancel", "1", "--yes")
    assert "Unfinished" not in newsletter("send", "2026-01", "--to", "staff", "--dry-run").stdout


def test_a_send_stops_when_the_forgotten_cannot_be_recognised(newsletter, project):
    """A new secret key would let those be mailed who asked never to be again."""
    newsletter("subscriber", "forget", "ada@example.org", "--yes")
    key = project.var / "secret.key"
    kept = key.read_text(encoding="ascii")
    key.unlink()
    result = newsletter("send", "2026-01", "--to", "staff", "--yes")
    assert result.exit_code == 2
    assert "error: 1 person who was forgotten cannot be recognised: the secret key of that time is not here" in result.stderr
    assert "hint: Put the key back: into var/secret.key" in result.stderr
    key.write_text(f"a-newer-key {kept}", encoding="ascii")
    sent = newsletter("send", "2026-01", "--to", "staff", "--yes")
    assert sent.exit_code == 0, sent.stderr
    assert not list(project.root.glob("outbox/*/*/*ada*"))


def test_a_configuration_that_breaks_on_the_way_is_a_stop(newsletter, project, memory, monkeypatch):
    """Exit code 2 would say that nothing was sent."""
    _real_sender(project)
    with (project.root / "newsletter.toml").open("a") as file:
        file.write("\n[delivery]\nbatch = 1\n")
    seen = []

    class Breaks(campaign.Builder):
        def build(self, recipient, delivery_id, *arguments):
            seen.append(delivery_id)
            if len(seen) > 1:
                raise ConfigError("no address is known", hint="Set one.")
            return super().build(recipient, delivery_id, *arguments)

    monkeypatch.setattr(campaign, "Builder", Breaks)
    result = newsletter("send", "2026-01", "--to", "staff", "--yes")
    assert result.exit_code == 3
    assert "newsletter resume 1" in result.stderr
    assert len(memory.sent) == 1
    assert "Campaign   1, paused (no address is known. Set one.)" in newsletter("status").stdout


def test_a_row_that_was_left_out_makes_exit_program1(newsletter, project):
    """Done, with errors to look at."""
    (project.recipients / "readers.csv").write_text("email\na@example.org\nbroken\n")
    result = newsletter("send", "2026-01", "--to", "readers", "--yes")
    assert result.exit_code == 1
    assert "1 not mailable: a row or address that cannot be used" in result.stdout
    assert "1 accepted" in result.stdout


@pytest.mark.parametrize(
    ("answers", "code", "words"),
    [
        ({"ada@example.org": Rejected("no such user")}, 1, "1 rejected"),
        ({"ada@example.org": Unknown("timeout")}, 3, "1 in doubt"),
        ({"ada@example.org": TransportError("login refused", hint="Check the key.")}, 3, "Check the key. `newsletter resume 1` goes on."),
    ],
)
def test_exit_codes_of_a_real_send(newsletter, project, memory, answers, code, words):
    """0 done, 1 done with refusals, 3 not all sent; and nothing is said about this machine."""
    _real_sender(project)
    memory.answers.update(answers)
    result = newsletter("send", "2026-01", "--to", "staff", "--yes")
    assert result.exit_code == code, result.output
    assert words in result.output
    assert "this machine" not in result.output
    memory.answers.clear()
    again = newsletter("resume")
    assert again.exit_code == {1: 2, 3: 3 if "doubt" in words else 0}[code], again.output
    assert ("resume 1" in again.output) is False


def test_status_of_nothing(newsletter, project):
    """No ledger is made by looking."""
    for command in ("status", "resume"):
        result = newsletter(command)
        assert result.exit_code == 2
        assert "nothing has been sent yet" in result.stderr
    assert not project.var.exists()


def test_status_as_json_has_every_state(newsletter):
    """Scripts count on the key being there when the count is nought."""
    newsletter("send", "2026-01", "--to", "staff", "--yes")
    data = json.loads(newsletter("status", "--json").stdout)
    assert data["counts"] == {**{str(state): 0 for state in DeliveryState}, "accepted": 3}
    assert (data["campaign"], data["issue"], data["state"], data["lists"], data["real"]) == (1, "2026-01", "finished", ["staff"], False)


def test_status_for_people(newsletter):
    """The newest campaign, or the one asked for."""
    for _ in range(2):
        newsletter("send", "2026-01", "--to", "staff", "--yes")
    assert newsletter("status").stdout.startswith("Campaign   2, finished\n")
    shown = newsletter("status", "1")
    assert shown.exit_code == 0
    for words in ("Campaign   1, finished", "nothing left this machine", "3 accepted", "outbox/2026-01/"):
        assert words in shown.stdout


@pytest.mark.parametrize("number", ["9", "0", "-1", "99999999999999999999", "x"])
def test_a_campaign_that_is_not(newsletter, number):
    """Whatever the number, one sentence and exit code 2."""
    newsletter("send", "2026-01", "--to", "staff", "--yes")
    for command in ("status", "resume"):
        result = newsletter(command, "--", number)
        assert result.exit_code == 2
        assert "Traceback" not in result.output


def test_a_finished_campaign_is_not_resumed(newsletter):
    """It says so."""
    newsletter("send", "2026-01", "--to", "staff", "--yes")
    result = newsletter("resume", "1")
    assert result.exit_code == 2
    assert "campaign 1 is finished" in result.stderr


@pytest.mark.parametrize(
    ("typed", "code", "words"), [(b"n\r", 2, "Nothing was sent."), (b"\x03", 2, "Nothing was sent."), (b"y\r", 0, "3 accepted")]
)
def test_the_question_on_a_terminal(project, typed, code, words):
    """Only a yes sends; Ctrl-C at the question is a quiet no."""
    main, side = pty.openpty()
    # Ctrl-C reaches a process from the terminal that controls it.
    program = "import fcntl, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); from composer.cli.app import main; main()"
    command = [sys.executable, "-c", program, "--project", str(project.root), "send", "2026-01", "--to", "staff"]
    process = subprocess.Popen(command, stdin=side, stdout=side, stderr=side, start_new_session=True)
    os.close(side)
    shown = b""
    while b"[y/N]" not in shown:
        shown += os.read(main, 4096)
    os.write(main, typed)
    try:
        while piece := os.read(main, 4096):
            shown += piece
    except OSError:
        pass  # Linux says EIO when the other side of a terminal is gone.
    assert process.wait() == code, shown.decode()
    os.close(main)
    assert words in shown.decode()
    assert b"Traceback" not in shown
    assert project.var.exists() is (code == 0)


def test_sigterm_pauses_and_resume_goes_on(newsletter, project):
    """The machine is shut down in the middle: the batch in flight is finished, the rest waits, nobody is left out."""
    people = 1_500
    rows = "".join(f"p{number}@example.org\n" for number in range(people))
    (project.recipients / "readers.csv").write_text(f"email\n{rows}")
    with (project.root / "newsletter.toml").open("a") as file:
        file.write("\n[delivery]\nbatch = 10\n")
    command = [*NEWSLETTER, "--project", str(project.root), "send", "2026-01", "--to", "readers", "--yes"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    while process.poll() is None and not any(project.root.glob("outbox/2026-01/*/*.eml")):
        time.sleep(0.005)
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate()
    assert process.returncode == 3, out + err
    assert "Stopped: stopped on request. `newsletter resume 1` goes on." in err
    counts = json.loads(newsletter("status", "--json").stdout)["counts"]
    assert counts["sending"] == 0
    assert counts["accepted"] % 10 == 0
    assert 0 < counts["accepted"] < people
    assert newsletter("resume").exit_code == 0
    files = [path.name for path in project.root.glob("outbox/2026-01/*/*")]
    addresses = sorted(f"p{number}-example.org.eml" for number in range(people))
    assert sorted(file.partition("-")[2] for file in files) == addresses
    assert len({file.partition("-")[0] for file in files}) == people
