"""SpamAssassin's answer in plain words, from a real daemon where there is one, and what broken ones make of it."""

from __future__ import annotations

import re
import shutil
import socket
import threading
import time
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
import spam_daemon
from machine import free_port, without
from patience import ends_within

from composer.checks.letter import Letter
from composer.checks.spam import ask as asking
from composer.checks.spam import check
from composer.checks.spam.answer import Answer, Hit, Silent, read_answer, read_hits
from composer.checks.spam.check import findings, message_of
from composer.checks.spam.rules import RULES, explain
from composer.config import Checks, Config, ListSettings
from composer.errors import ConfigError
from composer.findings import Severity, Where
from composer.issue.model import Issue
from composer.testing.samples import an_edition

GTUBE = "XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X"
WHERE = Where("issues/2026-01.md")
REPORT = """\
Spam detection software, running on the system "mail", has found this.

Content analysis details:   (2.4 points, 5.0 required)

 pts rule name              description
---- ---------------------- --------------------------------------------------
-0.0 NO_RELAYS              Informational: message was not relayed via SMTP
 0.5 SUBJ_ALL_CAPS          Subject is all capitals
 1.9 HTML_IMAGE_ONLY_20     BODY: HTML: images with 1600-2000 bytes of
                            words
 0.0 HTML_MESSAGE           BODY: HTML included in message

"""


def a_letter(config=None, *, stem="2026-01"):
    edition = an_edition(stem)
    issue = Issue(stem, f"issues/{stem}.md", "T", "S", "P", "q", (), ())
    return Letter(
        issue,
        "",
        edition,
        edition.html,
        edition.text,
        config or Config(),
        ListSettings(name="readers"),
        (),
        (),
        datetime(2026, 2, 2, tzinfo=UTC),
    )


def asked_at(place):
    return Config(checks=replace(Checks(), spamd=place))


def answered(body=REPORT, head="SPAMD/1.1 0 EX_OK\r\nContent-length: {size}\r\nSpam: False ; 2.4 / 5.0\r\n\r\n"):
    return (head.format(size=len(body.encode())) + body).encode()


@contextmanager
def daemon(answer, *, hang=False):
    """Be a spamd on loopback that gives one answer to everybody; yields its place and what it was sent."""
    received, done = [], threading.Event()
    server = socket.create_server(("127.0.0.1", 0))
    server.settimeout(20)

    def serve():
        connection, _ = server.accept()
        with connection:
            if hang:
                done.wait(20)
                return
            data = b""
            while part := connection.recv(65536):
                data += part
            received.append(data)
            connection.sendall(answer)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield f"127.0.0.1:{server.getsockname()[1]}", received
    finally:
        done.set()
        thread.join(20)
        server.close()


@pytest.fixture
def no_command(monkeypatch):
    """Leave the command `spamassassin` out, wherever it is installed."""
    monkeypatch.setattr(asking.shutil, "which", lambda *args, **kwargs: None)


def test_daemon_is_asked_by_its_protocol(no_command):
    """SPAMC/1.5 wants the length of the message before the message, and nothing else of ours."""
    with daemon(answered()) as (place, received):
        found = check(a_letter(asked_at(place)))
    head, _, message = received[0].partition(b"\r\n\r\n")
    assert head.split(b"\r\n") == [b"REPORT SPAMC/1.5", b"Content-length: %d" % len(message)]
    assert message == message_of(a_letter(asked_at(place)))
    assert [finding.code for finding in found] == ["spam-rule", "spam-rule", "spam-score"]


def test_every_rule_that_costs_is_told_with_its_meaning():
    """A name in capitals helps nobody: each rule comes with words, its points and a way to mend it, the dearest first."""
    answer = read_answer("Spam: False ; 2.4 / 5.0", REPORT)
    told = list(findings(answer, WHERE))
    assert [finding.message for finding in told[:2]] == [
        "1.9 points of spam: it is images with hardly any text (HTML_IMAGE_ONLY_20)",
        "0.5 points of spam: the subject is all in capitals (SUBJ_ALL_CAPS)",
    ]
    assert all(finding.severity is Severity.INFO and finding.hint and finding.where == WHERE for finding in told[:2])
    assert "2.4 points" in told[2].message


def test_rule_that_nobody_explained_keeps_its_own_words():
    """There are thousands of rules; what the table lacks SpamAssassin describes itself, whole over two lines."""
    hits = read_hits(" 0.7 RULE_OF_TOMORROW       BODY: Something that is\n                            new\n")
    assert hits == (Hit(0.7, "RULE_OF_TOMORROW", "BODY: Something that is new"),)
    (finding, _) = findings(Answer(0.7, 5.0, hits), WHERE)
    assert "BODY: Something that is new (RULE_OF_TOMORROW)" in finding.message


@pytest.mark.parametrize(
    ("points", "severity"),
    [
        (0.0, Severity.INFO),
        (-0.0, Severity.INFO),
        (1.9, Severity.INFO),
        (2.0, Severity.WARNING),
        (4.9, Severity.WARNING),
        (5.0, Severity.ERROR),
        (1000.0, Severity.ERROR),
    ],
)
def test_total_weighs_by_its_points(points, severity):
    """From the limit on mail goes to the spam folder; from 2 on stricter filters than this may think so."""
    (finding,) = findings(Answer(points, 5.0, ()), WHERE)
    assert (finding.code, finding.severity) == ("spam-score", severity)
    assert f"{abs(points):.1f} points" in finding.message
    assert "-0.0" not in finding.message


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (b"", "no spamd"),
        (b"220 mail.example ESMTP\r\n", "no spamd"),
        (b"SPAMD/1.0 75 EX_TEMPFAIL\r\n\r\n", "EX_TEMPFAIL"),
        (b"SPAMD/1.0 76 Bad header line: (EOF)\r\n", "it answers"),
        (answered()[:-40], "cut off"),
        (b"SPAMD/1.1 0 EX_OK\r\nSpam: False ; 2.4 / 5.0\r\n", "cut off"),
        (answered(head="SPAMD/1.1 0 EX_OK\r\nContent-length: {size}\r\n\r\n"), "no points"),
        (b"\xff\xfe\x00" * 1000, "no spamd"),
        (b"SPAMD/1.1 0 EX_OK\r\n" + b"x" * 2_100_000, "does not end"),
    ],
)
def test_broken_answer_is_one_info(no_command, answer, why):
    """A daemon that is ill must neither pass for a clean bill nor stop the check."""
    with daemon(answer) as (place, _):
        found = check(a_letter(asked_at(place)))
    assert [(finding.code, finding.severity) for finding in found] == [("spam-not-checked", Severity.INFO)]
    assert why in found[0].message


def test_daemon_that_hangs_is_left(no_command):
    """Somebody waits at the terminal: there is an end, whatever the daemon does."""
    begun = time.monotonic()
    with daemon(b"", hang=True) as (place, _), pytest.raises(Silent, match="no answer within"):
        asking.ask_daemon(b"x", place, timeout=0.2)
    assert time.monotonic() - begun < 10


def test_neither_daemon_nor_command(no_command):
    """Most machines have no SpamAssassin: that is one remark with the way to get it, and no fault of the issue."""
    (finding,) = check(a_letter(asked_at(f"127.0.0.1:{free_port()}")))
    assert (finding.code, finding.severity) == ("spam-not-checked", Severity.INFO)
    assert "refused" in finding.message
    assert "not installed" in finding.message
    assert "apt install" in finding.hint


def test_socket_in_a_file(no_command, tmp_path):
    """Debian's spamd may listen on a socket that is a file."""
    (finding,) = check(a_letter(asked_at(str(tmp_path / "spamd.sock"))))
    assert "No such file" in finding.message


@pytest.mark.parametrize(
    "place", ["mail.example.org:783", "192.0.2.1:783", "783", "127.0.0.1", "relative/path", "[::ffff]:1", "127.0.0.1:99999999"]
)
def test_no_other_machine_is_asked(place):
    """An issue before its day is nobody else's to read, nor do names go to DNS."""
    with pytest.raises(ConfigError, match="spamd cannot be"):
        check(a_letter(asked_at(place)))


def test_message_that_cannot_be_built_is_said():
    """What hinders the message is told by other checks in full; here it is only why spam was not looked at."""
    letter = a_letter(asked_at("127.0.0.1:9"))
    letter = replace(letter, edition=replace(letter.edition, from_="no address"))
    (finding,) = check(letter)
    assert finding.code == "spam-not-checked"
    assert "sender" in finding.message


def test_a_report_in_the_message_does_not_pass_for_the_answer(tmp_path, monkeypatch):
    """The command writes its report behind the message; an issue that quotes one cannot acquit itself."""
    program = tmp_path / "spamassassin"
    program.write_text("#!/bin/sh\ncat\nprintf 'Spam: Yes ; 9.0 / 5.0\\n 9.0 URG_BIZ                Contains urgent matter\\n'\n")
    program.chmod(0o755)
    monkeypatch.setattr(asking.shutil, "which", lambda *args, **kwargs: str(program))
    answer = asking.ask_command(b"Subject: x\r\n\r\nSpam: No ; 0.0 / 5.0\r\n")
    assert (answer.points, [hit.rule for hit in answer.hits]) == (9.0, ["URG_BIZ"])


@pytest.mark.parametrize("script", ["exit 3", "cat", "echo; exit 0", "sleep 20"])
def test_command_that_fails_is_silent(tmp_path, monkeypatch, script):
    """Half an installation must not pass for a clean bill either."""
    program = tmp_path / "spamassassin"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setattr(asking.shutil, "which", lambda *args, **kwargs: str(program))
    with pytest.raises(Silent):
        asking.ask_command(b"Subject: x\r\n\r\nx\r\n", timeout=0.5 if "sleep" in script else 10)


@pytest.mark.parametrize(
    "text", ["Spam: " * 50_000, " 1.0 AB" * 40_000, "0" * 300_000, " " * 300_000, (" " * 25 + "x\n") * 10_000, " 0.5 " + "A" * 300_000]
)
def test_hostile_report_is_read_in_linear_time(text):
    """The report repeats words of the message, so it is nobody's friend."""

    def read_both():
        read_hits(text)
        with pytest.raises(Silent):
            read_answer(text, "")

    assert ends_within(2, read_both)


def test_families_of_rules_are_known_by_their_beginning():
    """Rules come in steps (…_04, …_08): the longest beginning that the table has explains them all."""
    assert explain("HTML_IMAGE_ONLY_04") is RULES["HTML_IMAGE_ONLY_"]
    assert explain("HTML_MESSAGE") is None
    assert all(words.meaning and words.hint for words in RULES.values())


# ---- the real one ----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def spamd(tmp_path_factory):
    """Start a real spamd on a free loopback port; yields its place."""
    with spam_daemon.running(tmp_path_factory.mktemp("spamd")) as place:
        yield place


def test_real_daemon_takes_a_letter(spamd, no_command):
    """The protocol as we speak it is understood, and a plain letter is no spam."""
    found = check(a_letter(asked_at(spamd)))
    assert found[-1].code == "spam-score"
    assert found[-1].severity is Severity.INFO


def test_real_daemon_knows_what_is_spam(spamd, no_command):
    """Rules and points come through: GTUBE is the mail that every SpamAssassin must call spam."""
    letter = a_letter(asked_at(spamd))
    letter = replace(letter, edition=replace(letter.edition, subject="ACT NOW FRIENDS", text=f"{letter.edition.text}\n{GTUBE}\n"))
    found = check(letter)
    assert (found[-1].code, found[-1].severity) == ("spam-score", Severity.ERROR)
    messages = [finding.message for finding in found]
    assert any("(GTUBE)" in message for message in messages)
    assert any("all in capitals (SUBJ_ALL_CAPS)" in message for message in messages)


def test_real_command_answers_like_the_daemon(spamd):
    """Where only the command is installed the same rules are told."""
    if shutil.which("spamassassin") is None:
        without("no SpamAssassin here (spamassassin)")
    letter = a_letter()
    message = message_of(replace(letter, edition=replace(letter.edition, subject="ACT NOW FRIENDS")))
    by_command, by_daemon = asking.ask_command(message), asking.ask_daemon(message, spamd)
    assert (by_command.points, by_command.limit) == (by_daemon.points, by_daemon.limit)
    assert set(by_command.hits) == set(by_daemon.hits)  # in no order
    assert any(hit.rule == "SUBJ_ALL_CAPS" for hit in by_command.hits)


def test_real_rules_have_these_names():
    """A rule that was renamed would never be explained: every name of the table is one of the installed rules'."""
    folder = Path("/usr/share/spamassassin")
    if not folder.is_dir():
        without("no SpamAssassin here (/usr/share/spamassassin)")
    text = "\n".join(path.read_text(errors="replace") for path in folder.glob("*.cf"))
    known = set(re.findall(r"^\s*(?:describe|score|meta|body|rawbody|header|uri|full)\s+([A-Z_0-9]+)", text, re.MULTILINE))
    missing = [name for name in RULES if name not in known and not (name.endswith("_") and any(rule.startswith(name) for rule in known))]
    assert not missing
