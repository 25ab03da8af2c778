"""``send --canary`` as its user meets it: what it says before, between and after, and who got what, by files and by a mail server."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from collections import Counter

import pytest
from typer.testing import CliRunner

from composer.cli.app import app
from composer.ledger.opening import open_ledger
from composer.testing.smtp import Fault, SmtpServer

NEWSLETTER = [sys.executable, "-c", "from composer.cli.app import main; main()"]
PEOPLE, FIRST = 60, 12
GONE = "the canary has gone out: 12 of 60 people ({told}); look at what came back, then `newsletter resume 1` sends to the rest"


@pytest.fixture
def project(any_project):
    """Every test runs on both databases, with a list of sixty colleagues."""
    addresses = "".join(f"p{number:02}@openletters.org,P\n" for number in range(PEOPLE))
    (any_project.recipients / "staff.csv").write_text(f"email,first_name\n{addresses}")
    return any_project


@pytest.fixture
def newsletter(project):
    def command(*arguments):
        return CliRunner().invoke(app, ["--project", str(project.root), *map(str, arguments)])

    return command


@pytest.fixture
def mail(project):
    """A mail server, and the project set to send by it."""
    with SmtpServer() as server:
        path = project.root / "newsletter.toml"
        path.write_text(
            path.read_text().replace("team@example.org", "team@openletters.org")
            + f'[delivery]\ntransport = "smtp"\nbatch = 5\n[transport.smtp]\nhost = "127.0.0.1"\nport = {server.port}\n'
            'security = "none"\nehlo_name = "me.openletters.org"\nconnections = 2\ntimeout = 10\n'
        )
        yield server


def _mailed(server):
    return Counter(address for message in server.received for address in message.recipients)


def _status(newsletter):
    return json.loads(newsletter("status", "--json").stdout)


def test_a_rehearsal_of_it(newsletter, project):
    """What it will do is said before, why it stopped after it, and what the word does; each in the figures of the folder."""
    sent = newsletter("send", "2026-01", "--to", "staff", "--canary", "20%", "--yes")
    assert sent.exit_code == 3, sent.output
    assert re.search(r"Canary +12 people first, chosen at random; the rest waits for `resume`\n", sent.stdout)
    assert "Campaign 1 is paused: 48 pending, 12 accepted.\n" in sent.stdout
    assert f"Stopped: {GONE.format(told='12 accepted')}.\n" in sent.stderr
    assert len(list(project.root.rglob("*.eml"))) == FIRST
    shown = newsletter("status").stdout
    assert re.search(r"Canary +12 people were sent to; the rest waits for `newsletter resume 1`\n", shown)
    assert re.search(r"What now +`newsletter resume 1` sends to the rest\.\n", shown)
    assert re.search(r"outbox \(rehearsal\) +paused \(canary gone\) +60 +12 ", newsletter("campaigns").stdout)
    gone_on = newsletter("resume")
    assert gone_on.exit_code == 0, gone_on.output
    assert "The canary has gone out; now the rest.\n" in gone_on.stderr
    assert len(list(project.root.rglob("*.eml"))) == PEOPLE
    assert re.search(r"Canary +12 people went first, chosen at random\n", newsletter("status").stdout)


def test_as_json(newsletter):
    """A script that waits for the word looks at these."""
    newsletter("send", "2026-01", "--to", "staff", "--canary", "20 %", "--yes")
    told = _status(newsletter)
    assert (told["canary"], told["canary_stage"], told["state"]) == (12, "gone", "paused")
    newsletter("resume")
    (listed,) = json.loads(newsletter("campaigns", "--json").stdout)
    assert (listed["canary"], listed["canary_stage"], listed["state"]) == (12, "over", "finished")
    newsletter("send", "2026-01", "--to", "staff", "--yes")
    assert (_status(newsletter)["canary"], _status(newsletter)["canary_stage"]) == (0, "")


def test_a_dry_run_says_it_too(newsletter):
    """How many that will be is what one wants to know."""
    looked = newsletter("send", "2026-01", "--to", "staff", "--canary", "1%", "--dry-run")
    assert looked.exit_code == 0
    assert re.search(r"Canary +1 person first, chosen at random; the rest waits for `resume`\n", looked.stdout)
    assert "Canary" not in newsletter("send", "2026-01", "--to", "staff", "--dry-run").stdout


@pytest.mark.parametrize("share", ["0%", "100%", "2", "many", "", "-1%"])
def test_what_is_no_share_sends_to_nobody(newsletter, project, share):
    """Exit code 2, with what to write."""
    refused = newsletter("send", "2026-01", "--to", "staff", f"--canary={share}", "--yes")
    assert refused.exit_code == 2
    assert f"a canary cannot be {share!r}" in refused.stderr
    assert "--canary 2%" in refused.stderr
    assert not (project.root / "outbox").exists()


def test_everybody_is_said_so(newsletter, project):
    """Of sixty, 99 % is all of them: nothing would wait."""
    refused = newsletter("send", "2026-01", "--to", "staff", "--canary", "99%", "--yes")
    assert refused.exit_code == 2
    assert "this canary would be everybody: all 60 people" in refused.stderr
    assert not (project.root / "outbox").exists()


def test_by_a_mail_server(newsletter, mail):
    """Two runs, on connections of their own: nobody twice, nobody forgotten, and who is deferred is tried again with the rest."""
    mail.fail("rcpt", "451 4.7.1 try again later", times=1)
    sent = newsletter("send", "2026-01", "--to", "staff", "--canary", "20%", "--yes")
    assert sent.exit_code == 3, sent.output
    assert GONE.format(told="11 accepted, 1 deferred") in sent.stderr
    assert len(_mailed(mail)) == FIRST - 1
    assert re.search(r"Deferring +openletters\.org: 1, next due \d\d:\d\d UTC: 451 4\.7\.1 try again later\n", newsletter("status").stdout)
    (domain,) = _status(newsletter)["deferring"]
    assert (domain["domain"], domain["number"], domain["reason"]) == ("openletters.org", 1, "451 4.7.1 try again later")
    assert newsletter("retry", 1, "--yes").exit_code == 3
    assert len(_mailed(mail)) == FIRST
    assert newsletter("resume", 1).exit_code == 0
    assert set(_mailed(mail).values()) == {1}
    assert len(_mailed(mail)) == PEOPLE


@pytest.mark.parametrize("word", [signal.SIGINT, signal.SIGKILL])
def test_a_death_in_the_middle_of_it(newsletter, project, mail, word):
    """Interrupted or killed: `resume` goes on with the canary and stops; who was in flight is in doubt; the rest comes after."""
    mail.fail("dot", Fault(delay=0.15))
    command = [*NEWSLETTER, "--project", str(project.root), "send", "2026-01", "--to", "staff", "--canary", "20%", "--yes"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert mail.wait_for(5, 60)
    process.send_signal(word)
    process.communicate(timeout=60)
    assert mail.count < FIRST
    mail.faults.rules.clear()
    told = _status(newsletter)
    assert told["canary_stage"] == "going"
    assert "first, chosen at random" in newsletter("status").stdout
    assert newsletter("resume").exit_code == 3
    told = _status(newsletter)
    assert (told["canary_stage"], told["counts"]["pending"]) == ("gone", PEOPLE - FIRST)
    assert "the canary has gone out: 12 of 60 people" in told["reason"]
    done = newsletter("resume")
    assert done.exit_code == (3 if told["counts"]["in_doubt"] else 0)
    assert set(_mailed(mail).values()) == {1}
    told = _status(newsletter)
    assert told["counts"]["accepted"] + told["counts"]["in_doubt"] == PEOPLE
    assert len(_mailed(mail)) >= told["counts"]["accepted"]


def test_cancelled_after_it(newsletter, mail):
    """What came back was bad: the others never get it."""
    newsletter("send", "2026-01", "--to", "staff", "--canary", "20%", "--yes")
    assert newsletter("cancel", 1, "--yes").exit_code == 0
    assert newsletter("resume", 1).exit_code == 2
    assert len(_mailed(mail)) == FIRST


def test_the_question_names_the_number(newsletter, project, monkeypatch):
    """Who says yes knows to how many."""
    asked = []
    monkeypatch.setattr("composer.cli.send.confirm", lambda question: asked.append(question) or False)
    newsletter("send", "2026-01", "--to", "staff", "--canary", "20%")
    newsletter("send", "2026-01", "--to", "staff")
    assert asked == ["Send to 12 of them first?", "Send?"]
    with open_ledger(project) as ledger, ledger.read() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM campaigns").scalar() == 0
