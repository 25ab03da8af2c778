"""``pause``, ``resume``, ``cancel``, ``retry`` and ``resolve`` as their user meets them: numbers, a question, and what became of it."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from typer.testing import CliRunner

from composer.cli.app import app
from composer.ledger.campaigns import count_states, move_campaign, read_campaign, start_campaign
from composer.ledger.deliveries import claim, record
from composer.ledger.lock import hold_campaign
from composer.ledger.model import DeliveryState, Request, Result
from composer.ledger.opening import open_ledger
from composer.testing import MemoryTransport, an_audience, an_edition
from composer.transport import registry
from composer.transport.base import Rejected

S = DeliveryState


@pytest.fixture
def newsletter(project):
    def command(*arguments):
        return CliRunner().invoke(app, ["--project", str(project.root), *map(str, arguments)])

    return command


@pytest.fixture
def ledger(project):
    with open_ledger(project) as ledger:
        yield ledger


@pytest.fixture(autouse=True)
def memory(monkeypatch):
    """Put a transport that is real as far as anyone can tell beside the outbox."""
    transport = MemoryTransport()
    monkeypatch.setitem(registry.WAYS_OUT, "memory", registry.WayOut(real=True, place=lambda *_: "", opener=lambda *_: transport))
    return transport


def _start(ledger, *states, people=6, state="paused", due=timedelta(hours=5), real=True, ago=timedelta(0)):
    """Begin a campaign, let the first people of it end in these states, and leave it."""
    now = datetime.now(UTC) - ago
    edition, audience = an_edition(), an_audience(people)
    campaign = start_campaign(ledger, edition, audience, transport="memory", real=real, setting={}, now=now)
    rows = claim(ledger, campaign, len(states), now).rows if states else ()
    told = [(row, each, "told", "said so", now + due if each is S.DEFERRED else None) for row, each in zip(rows, states, strict=True)]
    record(ledger, [Result(*each) for each in told], now)
    move_campaign(ledger, campaign, state, now)
    return campaign


def test_a_pause_without_a_process(newsletter, ledger):
    """The one that is running by its name, and sent by nobody."""
    _start(ledger, S.ACCEPTED, state="running", ago=timedelta(minutes=1))
    result = newsletter("pause")
    assert result.exit_code == 0
    assert result.stdout == "Campaign 1 is paused: 1 accepted, 5 still to be sent, 0 in doubt.\n"
    assert result.stderr == "`newsletter resume 1` goes on.\n"


def test_no_wait_asks_and_goes(newsletter, ledger, project):
    """A script has no time; the request stays."""
    campaign = _start(ledger, state="running")
    with hold_campaign(project, ledger, campaign):
        result = newsletter("pause", "--no-wait")
    assert result.exit_code == 0
    assert "Another process is sending campaign 1: it was asked to pause.\n" in result.stderr
    assert "newsletter status 1 --watch" in result.stderr
    assert read_campaign(ledger, campaign).request is Request.PAUSE


def test_a_wait_that_was_too_short_is_an_error_to_look_at(newsletter, ledger, project, monkeypatch):
    """Whoever believes it paused would be wrong."""
    monkeypatch.setattr("composer.delivery.control.WAIT_SECONDS", 0.3)
    campaign = _start(ledger, state="running")
    with hold_campaign(project, ledger, campaign):
        result = newsletter("cancel", 1, "--yes")
    assert result.exit_code == 1
    assert "waiting up to 0 seconds" in result.stderr
    assert "It has not stopped yet" in result.stderr
    assert count_states(ledger, campaign) == {"pending": 6}


@pytest.mark.parametrize("command", ["pause", "resume", "cancel"])
@pytest.mark.parametrize("state", ["finished", "cancelled"])
def test_what_is_over_is_said_so(newsletter, ledger, command, state):
    """Exit code 2, and nothing is changed."""
    _start(ledger, S.FAILED, state=state)
    result = newsletter(command, "1")
    assert result.exit_code == 2
    assert f"campaign 1 is {state}" in result.stderr
    assert read_campaign(ledger, 1).state == state


@pytest.mark.parametrize("command", [["cancel"], ["retry"], ["resolve", "--skip"], ["export"]])
def test_what_cannot_be_undone_needs_an_id(newsletter, ledger, command):
    """The newest is not always the one that is meant."""
    _start(ledger, S.IN_DOUBT, S.FAILED)
    result = newsletter(*command)
    assert result.exit_code == 2
    assert "Missing argument 'ID'" in result.stderr


def test_cancel_names_how_many_will_not_get_it(newsletter, ledger):
    """The number first, then the question; without a terminal it needs --yes."""
    campaign = _start(ledger, S.ACCEPTED, S.IN_DOUBT, S.DEFERRED)
    refused = newsletter("cancel", 1)
    assert refused.exit_code == 2
    assert "4 people will not get 2026-01; 1 accepted so far.\n1 person in doubt will stay so;" in refused.stderr
    assert "--yes" in refused.stderr
    assert read_campaign(ledger, campaign).state == "paused"
    done = newsletter("cancel", 1, "--yes")
    assert (done.exit_code, done.stdout) == (0, "Campaign 1 is cancelled: 1 accepted, 0 still to be sent, 1 in doubt.\n")


def test_cancel_counts_what_died_in_flight_as_doubt(newsletter, ledger):
    """They may have it."""
    campaign = _start(ledger)
    claim(ledger, campaign, 2, datetime.now(UTC))
    result = newsletter("cancel", 1, "--yes")
    assert "4 people will not get 2026-01; 0 accepted so far.\n2 people in doubt will stay so;" in result.stderr
    assert count_states(ledger, campaign) == {"in_doubt": 2, "skipped": 4}


def test_resume_says_when_the_deferred_are_due(newsletter, ledger, memory):
    """Nothing happens before then."""
    _start(ledger, *[S.DEFERRED] * 6)
    result = newsletter("resume")
    assert result.exit_code == 3
    due = f"{(datetime.now(UTC) + timedelta(hours=5)):%Y-%m-%d %H:}"
    assert f"Stopped: 6 deferred; the next is due at {due}" in result.stderr
    assert "waiting" not in result.stderr
    assert memory.sent == []


def test_resume_waits_for_what_is_due_soon(newsletter, ledger, memory):
    """It says what it is waiting for, and then sends."""
    _start(ledger, *[S.DEFERRED] * 6, due=timedelta(seconds=1.2))
    result = newsletter("resume")
    assert result.exit_code == 0, result.output
    assert re.match(r"6 deferred; waiting for the next, due at \d\d:\d\d:\d\d UTC \(Ctrl-C stops, at most 15 min\)\.\n", result.stderr)
    assert len(memory.sent) == 6


def test_retry_names_the_numbers_and_sends(newsletter, ledger, memory):
    """The failed and deferred are tried; the rejected are named, and left alone."""
    _start(ledger, S.FAILED, S.DEFERRED, S.REJECTED, S.ACCEPTED, S.FAILED, S.IN_DOUBT)
    refused = newsletter("retry", 1)
    assert refused.exit_code == 2
    told = "1 rejected will not be tried again: that was a final no.\n2 failed and 1 deferred will be tried again.\n"
    assert told in refused.stderr
    assert memory.sent == []
    memory.answers["person5@example.com"] = Rejected("no such user")
    done = newsletter("retry", 1, "--yes")
    assert memory.addresses == ["person1@example.com", "person2@example.com"]
    assert done.exit_code == 3
    assert "Campaign 1 is paused: 3 accepted, 2 rejected, 1 in doubt." in done.stdout
    assert "`newsletter resolve 1 --resend` sends to them again" in done.stderr


def test_retry_of_nobody(newsletter, ledger):
    """There is no question about nothing."""
    _start(ledger, *[S.ACCEPTED] * 5, S.REJECTED, state="finished")
    result = newsletter("retry", 1)
    assert result.exit_code == 2
    assert "1 rejected will not be tried again" in result.stderr
    assert "nobody of campaign 1 failed or is deferred" in result.stderr


@pytest.mark.parametrize("words", [[], ["--resend", "--skip"]])
def test_resolve_wants_one_of_two(newsletter, ledger, words):
    """Nobody else can decide."""
    _start(ledger, S.IN_DOUBT)
    result = newsletter("resolve", 1, *words, "--yes")
    assert result.exit_code == 2
    assert "Either --resend (send again) or --skip (leave out)." in result.stderr


def test_resolve_names_the_number_before_it_asks(newsletter, ledger, memory):
    """Then sends to them alone."""
    _start(ledger, *[S.IN_DOUBT] * 2, *[S.ACCEPTED] * 4)
    refused = newsletter("resolve", 1, "--resend")
    assert refused.exit_code == 2
    assert "2 people of campaign 1 in doubt" in refused.stderr
    assert memory.sent == []
    done = newsletter("resolve", 1, "--resend", "--yes")
    assert (done.exit_code, memory.addresses) == (0, ["person1@example.com", "person2@example.com"])
    assert "Campaign 1 is finished: 6 accepted." in done.stdout


def test_resolve_by_address(newsletter, ledger, memory):
    """Any spelling; the last one finishes the campaign."""
    _start(ledger, *[S.IN_DOUBT] * 2, *[S.ACCEPTED] * 4)
    first = newsletter("resolve", 1, "--skip", "Person <PERSON2@example.com>", "--yes")
    assert (first.exit_code, first.stdout) == (0, "1 person left out. Campaign 1 is paused.\n")
    assert "1 person of campaign 1 in doubt" in first.stderr
    assert "1 person still in doubt." in first.stderr
    last = newsletter("resolve", 1, "--skip", "--yes")
    assert (last.exit_code, last.stdout) == (0, "1 person left out. Campaign 1 is finished.\n")
    assert memory.sent == []


@pytest.mark.parametrize(
    ("email", "words"),
    [
        ("bo@example.org", "bo@example.org is not in campaign 1"),
        ("person3@example.com", "is not in doubt but accepted"),
        ("person 1", "not an address"),
    ],
)
def test_an_address_that_is_not_in_doubt(newsletter, ledger, email, words):
    """An error that names it, and nothing is changed for the others."""
    campaign = _start(ledger, *[S.IN_DOUBT] * 2, *[S.ACCEPTED] * 4)
    result = newsletter("resolve", 1, "--skip", "--yes", "person1@example.com", email)
    assert result.exit_code == 2
    assert words in result.stderr
    assert count_states(ledger, campaign) == {"in_doubt": 2, "accepted": 4}


def test_a_rehearsal_says_so_when_it_goes_on(newsletter, ledger):
    """Nothing left this machine, the second time neither."""
    _start(ledger, real=False)
    result = newsletter("resume")
    assert result.exit_code == 0
    assert result.stderr.startswith("Nothing leaves this machine")
