"""``who`` as its user meets it: did Ana get it?"""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from sqlalchemy import insert
from typer.testing import CliRunner

from composer.audience.model import Audience, Subscriber
from composer.cli.app import app
from composer.config import ListSettings
from composer.ledger.campaigns import move_campaign, start_campaign
from composer.ledger.deliveries import claim, record
from composer.ledger.forgotten import forget
from composer.ledger.model import DeliveryState, Reason, Result
from composer.ledger.opening import open_ledger
from composer.ledger.schema import test_sends
from composer.ledger.suppressions import Suppression, suppress
from composer.testing import FakeClock, an_edition

NOW = FakeClock().now
LATER = NOW + timedelta(minutes=5)
S = DeliveryState
ANA = "ana@bücher.example"
KEY = "ana@xn--bcher-kva.example"


@pytest.fixture
def newsletter(project):
    def command(*arguments):
        return CliRunner().invoke(app, ["--project", str(project.root), *map(str, arguments)])

    return command


@pytest.fixture
def ledger(project):
    with open_ledger(project) as ledger:
        yield ledger


def _start(ledger, stem="2026-01", **more):
    audience = Audience((ListSettings(name="readers"),), (Subscriber(KEY, KEY, "Ana", {}, list="readers"),))
    settings = {"transport": "outbox", "real": True, "setting": {}, "now": NOW, **more}
    return start_campaign(ledger, an_edition(stem), audience, **settings)


def _settle(ledger, campaign, state, answer="250 taken", **more):
    for row in claim(ledger, campaign, 1, NOW, NOW + timedelta(days=2)).rows:
        record(ledger, [Result(row, state, str(state), answer, **more)], LATER)


def _answer(newsletter, *arguments):
    result = newsletter("who", ANA, *arguments)
    assert result.exit_code == 0, result.output
    return next(line.removeprefix("Answer").strip() for line in result.stdout.splitlines() if line.startswith("Answer"))


@pytest.mark.parametrize("typed", [ANA, "ANA@Bücher.Example", "Ana Silva <ana@xn--bcher-kva.example>", "  ana@bücher.example\u00a0"])
def test_a_person_is_found_by_any_spelling(newsletter, ledger, typed):
    """Whoever asks pastes what they have."""
    _settle(ledger, _start(ledger), S.ACCEPTED)
    result = newsletter("who", typed)
    assert "Yes: 2026-01 was accepted by outbox on 2026-01-15 09:05 UTC." in result.stdout
    assert result.stdout.lower().startswith(f"address  {KEY}\n")


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (S.ACCEPTED, "Yes: 2026-01 was accepted by outbox on 2026-01-15 09:05 UTC."),
        (S.IN_DOUBT, "Perhaps: 2026-01 was sent on 2026-01-15 09:00 UTC, and the answer was lost; `newsletter resolve 1` decides."),
        (S.REJECTED, "No: 2026-01 was refused for good on 2026-01-15 09:05 UTC: 250 taken."),
        (S.FAILED, "No: 2026-01 was given up on 2026-01-15 09:05 UTC: 250 taken."),
    ],
)
def test_the_answer_comes_first(newsletter, ledger, state, words):
    """Yes, no or perhaps, in one sentence."""
    _settle(ledger, _start(ledger), state)
    assert _answer(newsletter) == words


def test_who_waits_is_told_what_for(newsletter, ledger):
    """Not yet is neither yes nor no."""
    campaign = _start(ledger)
    assert _answer(newsletter) == "Not yet: 2026-01 waits for its turn; campaign 1 is running."
    _settle(ledger, campaign, S.DEFERRED, "mailbox busy.", due_at=NOW + timedelta(hours=1))
    assert _answer(newsletter) == (
        "Not yet: 2026-01 was put off on 2026-01-15 09:05 UTC, and is tried again at 2026-01-15 10:00 UTC: mailbox busy."
    )
    claim(ledger, campaign, 1, LATER, LATER + timedelta(days=1))
    assert _answer(newsletter) == "Perhaps: 2026-01 was handed over on 2026-01-15 09:05 UTC, and there is no answer yet."


def test_who_was_skipped_is_told_why(newsletter, ledger):
    """Left out at the last moment, or by somebody's word."""
    suppress(ledger, [Suppression(KEY, "", Reason.COMPLAINT)], NOW)
    _settle(ledger, _start(ledger), S.ACCEPTED)
    assert _answer(newsletter) == "No: 2026-01 was not sent: they marked a mail as spam, on 2026-01-15 09:00 UTC."
    newsletter("cancel", _start(ledger, "2026-02"), "--yes")
    assert _answer(newsletter, 2).startswith("No: 2026-02 was not sent: the campaign was cancelled before their turn, on ")


def test_a_rehearsal_reached_nobody(newsletter, ledger):
    """A file in the outbox is no mail."""
    _settle(ledger, _start(ledger, real=False), S.ACCEPTED)
    assert _answer(newsletter) == "No: campaign 1 was a rehearsal, and nothing left this machine."


def test_every_attempt_is_shown(newsletter, ledger):
    """When it was tried, how that ended, and what the other side said."""
    campaign = _start(ledger)
    _settle(ledger, campaign, S.DEFERRED, "busy", due_at=LATER)
    _settle(ledger, campaign, S.ACCEPTED, "250 ok")
    lines = newsletter("who", ANA).stdout.splitlines()
    at = next(number for number, line in enumerate(lines) if line.startswith("Attempts"))
    assert [line.removeprefix("Attempts").strip() for line in lines[at : at + 2]] == [
        "1: 2026-01-15 09:00 UTC, deferred, busy",
        "2: 2026-01-15 09:00 UTC, accepted, 250 ok",
    ]


def test_somebody_who_was_left_out_is_told_why(newsletter, ledger):
    """The newest real campaign is answered for, also to somebody who was not in it."""
    _start(ledger)
    _start(ledger, "rehearsed", real=False)
    suppress(ledger, [Suppression("bo@example.org", "readers", Reason.UNSUBSCRIBED, "", NOW)], NOW)
    result = newsletter("who", "bo@example.org")
    assert result.exit_code == 0
    assert "No: not in campaign 1 (2026-01): suppressed on readers since 2026-01-15: they unsubscribed." in result.stdout
    assert "rehearsed" not in result.stdout


def test_each_campaign_is_answered_for_the_newest_first(newsletter, ledger):
    """All they were in, or the one asked for."""
    first = _start(ledger)
    _settle(ledger, first, S.ACCEPTED)
    _settle(ledger, _start(ledger, "2026-02"), S.FAILED)
    answers = [line for line in newsletter("who", ANA).stdout.splitlines() if line.startswith("Answer")]
    assert [line.split()[1] for line in answers] == ["No:", "Yes:"]
    only = newsletter("who", ANA, first).stdout
    assert "2026-02" not in only
    assert "Yes: 2026-01" in only


def test_test_sends_stand_apart(newsletter, ledger):
    """A test is no campaign: it answers nothing."""
    _start(ledger)
    with ledger.write() as connection:
        row = {"issue": "2026-01", "edition": "e" * 64, "list": "readers", "transport": "smtp", "real": True, "sender": "bo"}
        person = {"address_key": KEY, "email": KEY, "variant": "no name", "outcome": "accepted", "answer": "250 ok"}
        connection.execute(insert(test_sends).values(**row, **person, started_at=NOW, ended_at=LATER))
    shown = newsletter("who", ANA).stdout
    assert shown.rstrip().endswith("Tests  2026-01 (no name) by smtp: accepted, 2026-01-15 09:00 UTC, 250 ok")
    assert "Not yet" in shown
    assert json.loads(newsletter("who", ANA, "--json").stdout)["test_sends"][0]["variant"] == "no name"


def test_somebody_who_was_forgotten_is_known_again(newsletter, ledger, project):
    """Of them the numbers are kept: who asks with the address is answered."""
    campaign = _start(ledger)
    _settle(ledger, campaign, S.ACCEPTED)
    forget(ledger, KEY, project.signing_keys(), LATER)
    assert _answer(newsletter).startswith("Yes: 2026-01 was accepted")


def test_who_as_json(newsletter, ledger):
    """The same for a script, with names that stay."""
    campaign = _start(ledger)
    _settle(ledger, campaign, S.REJECTED, "550 no such user")
    move_campaign(ledger, campaign, "finished", LATER)
    told = json.loads(newsletter("who", ANA, "--json").stdout)
    assert told["email"] == KEY
    (answer,) = told["campaigns"]
    assert (answer["campaign"], answer["issue"], answer["got"], answer["absence"]) == (1, "2026-01", "no", "")
    assert answer["answer"] == "No: 2026-01 was refused for good on 2026-01-15 09:05 UTC: 550 no such user."
    assert (answer["delivery"]["state"], answer["delivery"]["updated_at"]) == ("rejected", LATER.isoformat())
    (attempt,) = answer["delivery"]["attempts"]
    assert (attempt["number"], attempt["outcome"], attempt["answer"]) == (1, "rejected", "550 no such user")
    absent = json.loads(newsletter("who", "bo@example.org", "--json").stdout)["campaigns"][0]
    assert (absent["got"], absent["delivery"]) == ("no", None)
    assert absent["absence"] == "the list readers is not declared any more"


@pytest.mark.parametrize(("arguments", "words"), [(["not an address"], "not an address"), ([ANA, "9"], "there is no campaign 9")])
def test_what_cannot_be_answered(newsletter, ledger, arguments, words):
    """One sentence and exit code 2."""
    _start(ledger)
    result = newsletter("who", *arguments)
    assert result.exit_code == 2
    assert words in result.stderr
