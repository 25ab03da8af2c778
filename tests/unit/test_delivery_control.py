"""The sender's word reaches a campaign: directly, or by way of the process that is sending it."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections import Counter
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from composer.delivery import control
from composer.delivery.campaign import run
from composer.delivery.control import Patience
from composer.errors import UsageError
from composer.ledger.answers import iter_lines
from composer.ledger.campaigns import ask_campaign, count_states, move_campaign, read_campaign, start_campaign
from composer.ledger.deliveries import claim, record
from composer.ledger.lock import hold_campaign
from composer.ledger.model import DeliveryState, Request, Result
from composer.ledger.schema import deliveries
from composer.testing import FakeClock, MemoryTransport, an_audience, an_edition
from composer.transport import registry

NOW = FakeClock().now
LATER = NOW + timedelta(hours=1)
S = DeliveryState
NO_WAIT = Patience(0)
# A real transport that takes its time, and writes down whom it mailed.
SENDER = """
import sys, time
from pathlib import Path
from composer.transport import registry
from composer.transport.base import Accepted

class Slow:
    name, real, idempotent, lanes, batch, ahead, direct = "slow", True, False, 2, 5, False, False
    def send(self, batch):
        time.sleep(0.05)
        with Path(sys.argv[2], "mailed").open("a") as file:
            file.write("".join(f"{message.email}\\n" for message in batch))
        return [Accepted("250 taken") for _ in batch]
    def interrupt(self): pass
    def close(self): pass

registry.WAYS_OUT["slow"] = registry.WayOut(real=True, place=lambda *_: "", opener=lambda *_: Slow())
from composer.cli.app import main
main()
"""


@pytest.fixture
def project(any_project):
    """Every test runs on both databases."""
    return any_project


@pytest.fixture
def ledger(any_ledger):
    return any_ledger


@pytest.fixture(autouse=True)
def ways(monkeypatch):
    """Two transports that are real as far as anyone can tell; the slow one sends in a process of its own."""
    memory = MemoryTransport()
    for name in ("memory", "slow"):
        monkeypatch.setitem(registry.WAYS_OUT, name, registry.WayOut(real=True, place=lambda *_: "", opener=lambda *_: memory))
    return memory


def _start(ledger, people=6, *, transport="memory", real=True):
    return start_campaign(ledger, an_edition(), an_audience(people), transport=transport, real=real, setting={}, now=NOW)


def _settle(ledger, campaign, *states):
    rows = claim(ledger, campaign, len(states), NOW).rows
    due = NOW + timedelta(hours=5)
    told = [(row, state, "told", "said so", due if state is S.DEFERRED else None) for row, state in zip(rows, states, strict=True)]
    record(ledger, [Result(*each) for each in told], NOW)


def _states(ledger, campaign):
    return {line.position: str(line.state) for line in iter_lines(ledger, campaign)}


@contextmanager
def _sending(project, ledger, people=400):
    """Yield a campaign that another process is sending right now, and that process."""
    campaign = _start(ledger, people, transport="slow")
    command = [sys.executable, "-c", SENDER, "--project", str(project.root), "resume", str(campaign)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        end = time.monotonic() + 30
        while count_states(ledger, campaign).get("accepted", 0) < 10:
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < end
            time.sleep(0.02)
        yield campaign, process
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
        process.stderr.close()


def _mailed(project):
    return Counter((project.root / "mailed").read_text().split())


# ---- with a second process -------------------------------------------------------------------------------------


def test_a_campaign_is_paused_from_outside_and_goes_on(project, ledger):
    """The other process lets what is in flight end, takes nothing new, and says so; a resume mails each of the rest once."""
    asked = []
    with _sending(project, ledger) as (campaign, process):
        assert control.is_sent_now(project, ledger, campaign)
        effect = control.pause(project, ledger, campaign, datetime.now(UTC), Patience(asked=lambda: asked.append(1)))
        _, err = process.communicate(timeout=20)
    assert asked == [1]
    assert not effect.waiting
    assert (effect.campaign.state, effect.campaign.reason, effect.campaign.request) == ("paused", "paused on request", Request.NONE)
    assert process.returncode == 3
    assert f"Stopped: paused on request. `newsletter resume {campaign}` goes on." in err
    counts = count_states(ledger, campaign)
    assert set(counts) == {"accepted", "pending"}
    assert sum(_mailed(project).values()) == counts["accepted"] < 400
    assert not control.is_sent_now(project, ledger, campaign)
    assert run(project, ledger, read_campaign(ledger, campaign), clock=lambda: datetime.now(UTC)).exit_code == 0
    assert count_states(ledger, campaign) == {"accepted": 400}


def test_a_campaign_is_cancelled_from_outside(project, ledger):
    """Nobody is mailed after the word, and the rest is skipped for good."""
    with _sending(project, ledger) as (campaign, process):
        effect = control.cancel(project, ledger, campaign, datetime.now(UTC))
        mailed = _mailed(project)
        _, err = process.communicate(timeout=20)
    assert (effect.campaign.state, effect.campaign.reason, effect.waiting) == ("cancelled", "cancelled on request", False)
    assert process.returncode == 3
    assert "resume" not in err
    counts = count_states(ledger, campaign)
    assert counts == {"accepted": sum(mailed.values()), "skipped": 400 - sum(mailed.values())}
    assert _mailed(project) == mailed
    assert max(mailed.values()) == 1


def test_nobody_decides_while_another_process_sends(project, ledger):
    """Deliveries that another process holds are moved by it alone."""
    with _sending(project, ledger) as (campaign, _):
        for word in (
            lambda: control.retry(project, ledger, campaign, NOW),
            lambda: control.find_doubtful(project, ledger, campaign, NOW),
            lambda: control.resolve(project, ledger, campaign, NOW, resend=False),
        ):
            with pytest.raises(UsageError, match="another process is sending"):
                word()


def test_what_a_killed_process_left_in_flight_is_in_doubt_after_a_cancel(project, ledger):
    """Its mail may have arrived: it is not counted among those who were left out."""
    with _sending(project, ledger) as (campaign, process):
        process.send_signal(signal.SIGKILL)
        process.wait()
    flight = count_states(ledger, campaign).get("sending", 0)
    assert flight
    effect = control.cancel(project, ledger, campaign, datetime.now(UTC), Patience(sleep=lambda _: None))
    counts = count_states(ledger, campaign)
    assert effect.campaign.state == "cancelled"
    assert counts["in_doubt"] == flight
    assert set(counts) == {"accepted", "in_doubt", "skipped"}
    assert set(_mailed(project)) <= {line.email for line in iter_lines(ledger, campaign, {S.ACCEPTED, S.IN_DOUBT})}


# ---- pause and cancel ------------------------------------------------------------------------------------------


def test_without_a_process_a_word_acts_at_once(project, ledger):
    """After a crash nobody is there to be asked."""
    campaign = _start(ledger)
    assert control.pause(project, ledger, campaign, LATER).campaign.state == "paused"
    assert control.pause(project, ledger, campaign, LATER).campaign.reason == "paused on request"
    assert control.cancel(project, ledger, campaign, LATER).campaign.state == "cancelled"
    assert count_states(ledger, campaign) == {"skipped": 6}


def test_a_cancel_keeps_who_is_in_doubt(project, ledger):
    """A doubt does not end by giving up."""
    campaign = _start(ledger)
    _settle(ledger, campaign, S.ACCEPTED, S.IN_DOUBT, S.DEFERRED, S.REJECTED, S.FAILED)
    control.cancel(project, ledger, campaign, LATER)
    assert _states(ledger, campaign) == {1: "accepted", 2: "in_doubt", 3: "skipped", 4: "rejected", 5: "failed", 6: "skipped"}


def test_a_rehearsal_that_died_leaves_no_doubt(project, ledger):
    """What was in flight into the outbox reached nobody."""
    campaign = _start(ledger, real=False)
    claim(ledger, campaign, 2, NOW)
    control.cancel(project, ledger, campaign, LATER)
    assert count_states(ledger, campaign) == {"skipped": 6}


@pytest.mark.parametrize("state", ["finished", "cancelled"])
@pytest.mark.parametrize("word", [control.pause, control.cancel])
def test_what_is_over_stays_over(project, ledger, state, word):
    """A finished campaign is not opened by a slip of the finger."""
    campaign = _start(ledger)
    move_campaign(ledger, campaign, state, NOW)
    with pytest.raises(UsageError, match=f"campaign {campaign} is {state}"):
        word(project, ledger, campaign, LATER)
    assert read_campaign(ledger, campaign).updated_at == NOW


def test_no_wait_leaves_the_request_and_goes(project, ledger):
    """The request is there for the next claim of whoever is sending."""
    campaign = _start(ledger)
    with hold_campaign(project, ledger, campaign):
        effect = control.pause(project, ledger, campaign, LATER, NO_WAIT)
        assert effect.waiting
        assert read_campaign(ledger, campaign).request is Request.PAUSE
        control.cancel(project, ledger, campaign, LATER, NO_WAIT)
        assert read_campaign(ledger, campaign).request is Request.CANCEL
        control.pause(project, ledger, campaign, LATER, NO_WAIT)
        assert read_campaign(ledger, campaign).request is Request.CANCEL, "a pause took the place of a cancel"


def test_the_wait_ends(project, ledger):
    """A process that hangs does not hang whoever asked."""
    campaign, slept = _start(ledger), []
    with hold_campaign(project, ledger, campaign):
        assert control.pause(project, ledger, campaign, LATER, Patience(2, sleep=slept.append)).waiting
    assert 1.5 < sum(slept) <= 2


def test_a_process_that_ends_otherwise_meanwhile_is_not_overruled(project, ledger):
    """It was finished before it could be cancelled: that is what is told, and nothing is changed."""
    campaign = _start(ledger)
    held = hold_campaign(project, ledger, campaign)
    held.__enter__()

    def ends(_):
        move_campaign(ledger, campaign, "finished", LATER)
        held.__exit__(None, None, None)

    effect = control.cancel(project, ledger, campaign, LATER, Patience(5, sleep=ends))
    assert (effect.campaign.state, effect.waiting) == ("finished", False)
    assert count_states(ledger, campaign) == {"pending": 6}


def test_a_process_that_has_only_just_begun_is_waited_for(project, ledger):
    """Between the campaign's row and its lock there is a moment: a pause in it would be run over."""
    campaign, slept = _start(ledger), []
    held = hold_campaign(project, ledger, campaign)

    def takes_the_lock(seconds):
        slept.append(seconds)
        if len(slept) == 2:
            held.__enter__()
            move_campaign(ledger, campaign, "running", NOW)
        if len(slept) == 4:
            assert read_campaign(ledger, campaign).request is Request.PAUSE
            move_campaign(ledger, campaign, "paused", NOW, "paused on request")
            held.__exit__(None, None, None)

    effect = control.pause(project, ledger, campaign, NOW, Patience(5, sleep=takes_the_lock))
    assert (effect.campaign.state, len(slept)) == ("paused", 4)


def test_one_that_died_as_it_began_is_not_waited_for_long(project, ledger):
    """After some seconds nobody will come any more; and who cannot wait does not."""
    slept = []
    assert control.pause(project, ledger, _start(ledger), NOW, Patience(20, sleep=slept.append)).campaign.state == "paused"
    assert sum(slept) == 5
    assert control.cancel(project, ledger, _start(ledger), NOW, NO_WAIT).campaign.state == "cancelled"


def test_a_request_that_came_too_late_is_not_left_behind(project, ledger):
    """It would pause the next run out of nowhere, or be shown for ever."""
    campaign = _start(ledger)
    move_campaign(ledger, campaign, "paused", NOW, "stopped on request")
    ask_campaign(ledger, campaign, Request.PAUSE)
    effect = control.pause(project, ledger, campaign, LATER)
    assert (effect.campaign.request, effect.campaign.reason) == (Request.NONE, "stopped on request")


# ---- retry -----------------------------------------------------------------------------------------------------


def test_a_retry_takes_the_failed_and_deferred_alone(project, ledger, ways):
    """Whoever was rejected, accepted or is in doubt stays as they are, and is not mailed."""
    campaign = _start(ledger)
    _settle(ledger, campaign, S.ACCEPTED, S.IN_DOUBT, S.DEFERRED, S.REJECTED, S.FAILED, S.ACCEPTED)
    assert control.retry(project, ledger, campaign, LATER) == 2
    assert _states(ledger, campaign) == {1: "accepted", 2: "in_doubt", 3: "pending", 4: "rejected", 5: "pending", 6: "accepted"}
    run(project, ledger, read_campaign(ledger, campaign), clock=FakeClock(LATER))
    assert ways.addresses == ["person3@example.com", "person5@example.com"]


def test_a_finished_campaign_is_opened_by_a_retry(project, ledger):
    """Those who failed are tried again although all was done."""
    campaign = _start(ledger, 2)
    _settle(ledger, campaign, S.ACCEPTED, S.FAILED)
    move_campaign(ledger, campaign, "finished", NOW)
    control.retry(project, ledger, campaign, LATER)
    assert run(project, ledger, read_campaign(ledger, campaign), clock=FakeClock(LATER)).counts == {"accepted": 2}
    assert read_campaign(ledger, campaign).state == "finished"


def test_there_may_be_nobody_to_retry(project, ledger):
    """A no is a no."""
    campaign = _start(ledger, 2)
    _settle(ledger, campaign, S.ACCEPTED, S.REJECTED)
    with pytest.raises(UsageError, match="nobody of campaign 1 failed or is deferred"):
        control.retry(project, ledger, campaign, LATER)


def test_nothing_of_a_cancelled_campaign_is_sent_again(project, ledger, ways):
    """Cancelled is for good."""
    campaign = _start(ledger)
    _settle(ledger, campaign, S.FAILED, S.IN_DOUBT)
    control.cancel(project, ledger, campaign, LATER)
    for word in (
        lambda: control.retry(project, ledger, campaign, LATER),
        lambda: control.find_doubtful(project, ledger, campaign, LATER, resend=True),
        lambda: control.resolve(project, ledger, campaign, LATER, resend=True),
    ):
        with pytest.raises(UsageError, match="is cancelled"):
            word()
    assert count_states(ledger, campaign) == {"failed": 1, "in_doubt": 1, "skipped": 4}
    assert control.resolve(project, ledger, campaign, LATER, resend=False) == 1
    assert read_campaign(ledger, campaign).state == "cancelled"


# ---- resolve ---------------------------------------------------------------------------------------------------


def test_those_in_doubt_are_sent_to_again(project, ledger, ways):
    """Only they, and only by a word."""
    campaign = _start(ledger, 3)
    _settle(ledger, campaign, S.ACCEPTED, S.IN_DOUBT, S.IN_DOUBT)
    run(project, ledger, read_campaign(ledger, campaign), clock=FakeClock(LATER))
    assert ways.sent == []
    assert control.find_doubtful(project, ledger, campaign, LATER, resend=True) == 2
    assert control.resolve(project, ledger, campaign, LATER, resend=True) == 2
    with ledger.read() as connection:
        begun = select(deliveries.c.first_tried_at).where(deliveries.c.state == S.PENDING)
        assert connection.execute(begun).scalars().all() == [None, None]  # their day begins anew
    run(project, ledger, read_campaign(ledger, campaign), clock=FakeClock(LATER))
    assert ways.addresses == ["person2@example.com", "person3@example.com"]
    assert read_campaign(ledger, campaign).state == "finished"


def test_skipping_the_last_one_finishes_the_campaign(project, ledger):
    """A campaign with nothing open any more is over."""
    campaign = _start(ledger, 3)
    _settle(ledger, campaign, S.ACCEPTED, S.IN_DOUBT, S.IN_DOUBT)
    move_campaign(ledger, campaign, "paused", NOW, "2 in doubt")
    people = {"person2@example.com": "Person2@Example.com"}
    assert control.resolve(project, ledger, campaign, LATER, resend=False, people=people) == 1
    assert _states(ledger, campaign) == {1: "accepted", 2: "skipped", 3: "in_doubt"}
    assert read_campaign(ledger, campaign).state == "paused"
    assert control.resolve(project, ledger, campaign, LATER, resend=False) == 1
    assert (read_campaign(ledger, campaign).state, read_campaign(ledger, campaign).reason) == ("finished", "")
    assert [line.reason for line in iter_lines(ledger, campaign)] == ["", "resolved", "resolved"]


def test_a_campaign_with_others_waiting_is_not_finished_by_a_skip(project, ledger):
    """They still get it."""
    campaign = _start(ledger, 3)
    _settle(ledger, campaign, S.ACCEPTED, S.IN_DOUBT)
    move_campaign(ledger, campaign, "paused", NOW)
    control.resolve(project, ledger, campaign, LATER, resend=False)
    assert read_campaign(ledger, campaign).state == "paused"


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("nobody@example.com", "nobody@example.com is not in campaign 1"),
        ("Person1@example.com", "Person1@example.com is not in doubt but accepted"),
    ],
)
def test_one_who_is_not_in_doubt_is_an_error_and_nothing_is_changed(project, ledger, typed, words):
    """A slip in one address must not resolve the others."""
    campaign = _start(ledger, 3)
    _settle(ledger, campaign, S.ACCEPTED, S.IN_DOUBT)
    people = {"person2@example.com": "person2@example.com", typed.lower(): typed}
    with pytest.raises(UsageError, match=words):
        control.resolve(project, ledger, campaign, LATER, resend=False, people=people)
    assert _states(ledger, campaign)[2] == "in_doubt"


def test_nobody_in_doubt_is_said(project, ledger):
    """There is nothing to decide."""
    campaign = _start(ledger)
    with pytest.raises(UsageError, match="nobody of campaign 1 is in doubt"):
        control.find_doubtful(project, ledger, campaign, LATER)


def test_what_a_dead_process_left_in_flight_can_be_resolved_at_once(project, ledger):
    """Nobody has to resume first, which would send to all the others."""
    campaign = _start(ledger)
    claim(ledger, campaign, 2, NOW)
    assert control.find_doubtful(project, ledger, campaign, LATER) == 2
    assert count_states(ledger, campaign) == {"in_doubt": 2, "pending": 4}
