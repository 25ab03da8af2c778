"""Transports that break their word: an answer that fits nobody, an error where none is allowed. Nobody is lost, and what is known counts."""

from __future__ import annotations

import time
from contextlib import nullcontext

import pytest

from composer.delivery.dispatch import dispatch
from composer.delivery.sending import Sending
from composer.ledger.campaigns import read_campaign, start_campaign
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
        self.under += letters
        self.faults("begin")

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
