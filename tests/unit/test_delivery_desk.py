"""The ledger that is asked from a thread: the loop goes on meanwhile, and whatever happens nothing that is known gets lost."""

from __future__ import annotations

import threading
import time
from contextlib import nullcontext
from dataclasses import replace
from functools import partial

import pytest
from sqlalchemy import select

from composer.delivery import dispatch as loop
from composer.delivery.desk import Desk
from composer.delivery.dispatch import dispatch
from composer.delivery.sending import Sending, Watch
from composer.errors import LedgerError, Stopped
from composer.ledger.campaigns import ask_campaign, count_states, read_campaign, start_campaign
from composer.ledger.deliveries import record_and_claim
from composer.ledger.model import Request
from composer.ledger.schema import attempts
from composer.testing import FakeClock, MemoryTransport, a_message, an_audience, an_edition
from composer.transport.base import Accepted


@pytest.fixture
def ledger(any_ledger):
    """Every test runs on both databases."""
    return any_ledger


@pytest.fixture
def start(ledger):
    """Begin a campaign of so many people and return what a run of it needs, and the exchange with its ledger."""

    def begin(people, **change):
        transport = change.pop("transport", None) or MemoryTransport()
        edition = an_edition()
        identity = start_campaign(ledger, edition, an_audience(people), transport="memory", real=True, setting={}, now=FakeClock().now)
        exchange = partial(record_and_claim, ledger, identity)
        sending = Sending(
            ledger,
            read_campaign(ledger, identity),
            transport,
            lambda row, _now: a_message(edition, row, row.id),
            nullcontext,
            FakeClock(),
            2,
            exchange=exchange,
        )
        return replace(sending, **change), exchange

    return begin


def test_everybody_gets_one_and_is_accounted_for(ledger, start):
    """The plain case, with as many lanes as there are."""
    sending, _ = start(25, transport=MemoryTransport(lanes=3))
    report = dispatch(sending)
    assert (report.state, report.counts) == ("finished", {"accepted": 25})
    assert len(set(sending.transport.addresses)) == len(sending.transport.sent) == 25


def test_lanes_go_on_while_the_ledger_is_asked(start):
    """What one lane has to record is no reason for the others to wait: the second ends while the ledger is busy with the first."""
    both, second = threading.Barrier(2), threading.Event()
    transport = MemoryTransport(lanes=2)

    def first(batch):
        both.wait(5)
        return [Accepted()] * len(batch)

    def other(batch):
        both.wait(5)
        asked.wait(5)
        second.set()
        return [Accepted()] * len(batch)

    transport.script.extend([first, other])
    sending, exchange = start(4, transport=transport)
    asked, waited = threading.Event(), []

    def slow(results, most, now):
        if results and not waited:
            asked.set()
            waited.append(second.wait(5))
        return exchange(results, most, now)

    assert dispatch(replace(sending, exchange=slow)).counts == {"accepted": 4}
    assert waited == [True]


def test_whoever_is_claimed_after_a_stop_is_given_back(ledger, start):
    """The answer came when nothing new was to begin: nobody of it is sent to, and nobody is in doubt."""
    sending, exchange = start(6)
    stop = threading.Event()

    def late(results, most, now):
        if results:
            stop.set()
            time.sleep(0.3)
        return exchange(results, most, now)

    report = dispatch(replace(sending, exchange=late, watch=Watch(stop=stop.is_set)))
    assert (report.state, report.reason, report.counts) == ("paused", "stopped on request", {"accepted": 2, "pending": 4})
    with ledger.read() as connection:
        said = connection.execute(select(attempts.c.position, attempts.c.outcome).order_by(attempts.c.position)).all()
    assert [tuple(row) for row in said] == [(1, "accepted"), (2, "accepted"), (3, "not_sent"), (4, "not_sent")]
    assert dispatch(sending).counts == {"accepted": 6}
    assert len(sending.transport.sent) == 6


def test_what_was_told_to_a_ledger_that_failed_is_told_once_more(ledger, start):
    """The disk is full for a while: the answers are recorded as soon as there is room, before the run ends."""
    sending, exchange = start(6)
    tries = []

    def failing(results, most, now):
        if results and len(tries) < 5:
            tries.append(len(results))
            raise LedgerError("the disk is full", hint="Make room.")
        return exchange(results, most, now)

    with pytest.raises(Stopped, match="disk is full"):
        dispatch(replace(sending, exchange=failing, sleep=lambda _: None))
    assert tries == [2] * 5
    assert count_states(ledger, sending.campaign.id) == {"accepted": 2, "pending": 4}


def test_answers_that_no_ledger_takes_are_in_doubt_after_the_next_run(ledger, start):
    """The ledger stays away until the run has ended: who was sent to is never sent to again."""
    sending, exchange = start(6)

    def broken(results, most, now):
        if results:
            raise LedgerError("the process that keeps the ledger has ended")
        return exchange(results, most, now)

    with pytest.raises(Stopped, match="has ended"):
        dispatch(replace(sending, exchange=broken, sleep=lambda _: None))
    assert dispatch(sending).counts == {"in_doubt": 2, "accepted": 4}
    assert len(set(sending.transport.addresses)) == len(sending.transport.sent) == 6


def test_no_more_than_a_unit_is_asked_at_once(start, monkeypatch):
    """With more in one commit every lane would wait for the last of them."""
    monkeypatch.setattr(loop, "_UNIT", 3)
    sending, exchange = start(20, transport=MemoryTransport(lanes=8), batch=1)
    asked = []

    def noting(results, most, now):
        asked.append((len(results), most))
        return exchange(results, most, now)

    assert dispatch(replace(sending, exchange=noting)).counts == {"accepted": 20}
    assert max(max(pair) for pair in asked) == 3


def test_a_pause_is_heard_while_all_lanes_are_busy(ledger, start):
    """A call that takes long is no reason to be deaf, and nobody is claimed for a run that is asked to end."""
    transport = MemoryTransport()
    sending, _ = start(6, transport=transport)

    def pausing(batch):
        ask_campaign(ledger, sending.campaign.id, Request.PAUSE)
        transport.interrupted.wait(5)
        return [Accepted()] * len(batch)

    transport.script.append(pausing)
    report = dispatch(sending)
    assert transport.interrupted.is_set()
    assert (report.state, report.reason, report.counts) == ("paused", "paused on request", {"accepted": 2, "pending": 4})
    with ledger.read() as connection:
        assert connection.execute(select(attempts.c.outcome)).scalars().all() == ["accepted"] * 2


def test_a_question_at_a_time(start):
    """While an answer is due nothing is asked; with nothing to say or to want, neither."""
    sending, exchange = start(3)
    go, asked = threading.Event(), []

    def waiting(results, most, now):
        asked.append(most)
        go.wait(5)
        return exchange(results, most, now)

    ready = threading.Event()
    desk = Desk(replace(sending, exchange=waiting), ready, 100)
    desk.ask(0)
    assert not desk.busy
    desk.ask(2)
    desk.ask(2)
    assert desk.busy
    assert desk.answer() is None
    go.set()
    assert ready.wait(5)
    assert len(desk.answer().rows) == 2
    assert desk.more
    desk.ask(2)
    assert ready.wait(5)
    while (last := desk.answer()) is None:
        time.sleep(0.01)
    assert (len(last.rows), desk.more, asked) == (1, False, [2, 2])
    desk.ask(2)
    assert not desk.busy
    desk.close()
