"""Transports that break their word: an answer that fits nobody, an error where none is allowed. Nobody is lost, and what is known counts."""

from __future__ import annotations

import time
from contextlib import nullcontext
from dataclasses import replace

import pytest

from composer.delivery import draining
from composer.delivery.dispatch import dispatch
from composer.delivery.sending import Sending
from composer.ledger.campaigns import count_states, read_campaign, start_campaign
from composer.testing import FakeClock, MemoryTransport, a_message, an_audience, an_edition
from composer.transport.base import Accepted, Unusable


@pytest.fixture
def ledger(any_ledger):
    """Every test runs on both databases."""
    return any_ledger


@pytest.fixture
def start(ledger):
    """Begin a campaign of so many people; return what a run of it needs."""

    def begin(people, transport):
        edition = an_edition()
        identity = start_campaign(ledger, edition, an_audience(people), transport="memory", real=True, setting={}, now=FakeClock().now)
        campaign = read_campaign(ledger, identity)
        return Sending(ledger, campaign, transport, lambda row, _now: a_message(edition, row, row.id), nullcontext, FakeClock(), 2)

    return begin


class InOneThread(MemoryTransport):
    """A Multiplexed transport: what is begun has ended when it is asked for. ``faults`` are called with the name of each call, and may raise."""

    def __init__(self, lanes=4, say=None, faults=lambda _: None):
        super().__init__(lanes=lanes, batch=1)
        self.under, self.say, self.faults = [], say or {}, faults

    def begin(self, letters):
        self.faults("begin")
        self.under += letters

    def wait(self, _seconds, _enough=1):
        time.sleep(0 if self.under else 0.01)
        self.faults("wait")
        return bool(self.under)

    def wake(self):
        pass

    def ended(self):
        while self.under:
            letter = self.under.pop(0)
            self.sent.append(letter.message)
            yield letter.about, self.say.get(len(self.sent), Accepted())
            self.faults("ended")


def unusable(outcomes):
    error = Unusable("gone")
    error.outcomes = outcomes
    return error


@pytest.mark.parametrize("said", ["taken", None, unusable([None, None]), unusable(["taken"])], ids=repr)
def test_of_many_answers_only_the_one_that_does_not_fit_is_lost(ledger, start, said):
    """Who is accepted beside it is accepted."""
    sending = start(9, InOneThread(say={2: said}))
    report = dispatch(sending)
    assert report.reason.startswith("the answer of memory was lost: ")
    assert report.counts == {"accepted": 3, "in_doubt": 1, "pending": 5}
    assert dispatch(sending).counts == {"accepted": 8, "in_doubt": 1}


@pytest.mark.parametrize("outcomes", [[None], [Accepted()] * 3, [Accepted(), "taken"]], ids=len)
def test_a_transport_that_gives_up_with_answers_that_do_not_fit(ledger, start, outcomes):
    """Whom each belongs to is unknown: nobody of the batch is sent to again by itself, and nobody is left in flight."""

    def give_up(_batch):
        raise unusable(outcomes)

    sending = start(5, MemoryTransport())
    sending.transport.script.append(give_up)
    report = dispatch(sending)
    assert report.reason == "the answer of memory was lost: gone"
    assert (report.state, report.counts) == ("paused", {"in_doubt": 2, "pending": 3})


@pytest.mark.parametrize("step", ["begin", "wait", "ended"])
@pytest.mark.parametrize("times", [1, 1_000], ids=["once", "for ever"])
def test_a_transport_that_raises_where_it_must_not(ledger, start, monkeypatch, step, times):
    """Nobody is left in flight, what it said before counts, and what is told is what went wrong."""
    monkeypatch.setattr(draining, "DRAIN_SECONDS", 0.1)
    left = [times]

    def fail(name):
        if name == step and left[0] and len(transport.sent) >= (3 if step == "ended" else 4):
            left[0] -= 1
            raise OSError("broken")

    transport = InOneThread(faults=fail)
    sending = start(9, transport)
    with pytest.raises(OSError, match="broken"):
        dispatch(sending)
    counts = count_states(ledger, sending.campaign.id)
    assert "sending" not in counts
    assert counts["accepted"] >= 3
    assert sum(counts.values()) == 9
    found = read_campaign(ledger, sending.campaign.id)
    assert (found.state, found.reason) == ("paused", "OSError: broken")
    report = dispatch(replace(sending, transport=(again := InOneThread())))
    assert report.counts.get("accepted", 0) + report.counts.get("in_doubt", 0) == 9
    assert len({*transport.addresses, *again.addresses}) == len(transport.sent) + len(again.sent)


def test_a_transport_that_never_gets_anywhere(ledger, start, monkeypatch):
    """Nobody is under way when it fails: who was claimed for it may have been sent to all the same."""
    monkeypatch.setattr(draining, "DRAIN_SECONDS", 0.1)

    def fail(name):
        if name == "begin":
            raise OSError("broken")

    sending = start(9, InOneThread(faults=fail))
    with pytest.raises(OSError, match="broken"):
        dispatch(sending)
    assert count_states(ledger, sending.campaign.id) == {"in_doubt": 4, "pending": 5}


def test_what_is_under_way_in_one_thread_is_a_batch_of_its_own(ledger, start):
    """Whatever is configured, and whatever the transport likes: what it says, it says of one message."""
    transport = InOneThread()
    transport.batch = 0
    assert dispatch(start(9, transport)).counts == {"accepted": 9}
