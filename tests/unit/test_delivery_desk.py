"""The loop and its ledger, here or in another process: nobody waits for it who need not, and whatever happens nothing known gets lost."""

from __future__ import annotations

import threading
import time
from contextlib import nullcontext
from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest
from sqlalchemy import select

from composer.delivery import draining
from composer.delivery.desk import Desk
from composer.delivery.dispatch import dispatch
from composer.delivery.sending import Sending, Watch
from composer.errors import LedgerError, Stopped
from composer.ledger.apart import KeeperGone
from composer.ledger.campaigns import ask_campaign, count_states, read_campaign, start_campaign
from composer.ledger.deliveries import record_and_claim
from composer.ledger.model import Request
from composer.ledger.schema import attempts
from composer.testing import FakeClock, MemoryTransport, a_message, an_audience, an_edition
from composer.transport.base import Accepted, Deferred


@pytest.fixture
def ledger(any_ledger):
    """Every test runs on both databases."""
    return any_ledger


@pytest.fixture
def start(ledger):
    """Begin a campaign of so many people; return what a run of it needs, and the exchange that is asked from a thread, if it is."""

    def begin(people, *, apart=True, **change):
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
            exchange=exchange if apart else None,
        )
        return replace(sending, **change), exchange

    return begin


either = pytest.mark.parametrize("apart", [False, True], ids=["here", "apart"])


def together(lanes, answer=Accepted()):  # noqa: B008 - it is frozen
    """Return a transport whose first calls, one a lane, all end at the same moment."""
    all_of_them, transport = threading.Barrier(lanes), MemoryTransport(lanes=lanes)
    transport.script.extend([lambda batch: (all_of_them.wait(10) and None) or [answer] * len(batch)] * lanes)
    return transport


@either
def test_everybody_gets_one_and_is_accounted_for(ledger, start, apart):
    """The plain case, with as many lanes as there are."""
    sending, _ = start(25, apart=apart, transport=MemoryTransport(lanes=3))
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


def test_a_commit_whose_answer_was_lost_is_told_by_its_own_name(ledger, start):
    """It is on disk, so that what is told once more is refused: the reason is the line that broke, and nobody is lost or sent to twice."""
    sending, exchange = start(6)
    asked = []

    def breaking(results, most, now):
        batch = exchange(results, most, now)
        asked.append(most)
        if len(asked) == 2:
            raise LedgerError("the connection was lost")
        return batch

    with pytest.raises(Stopped, match="the connection was lost"):
        dispatch(replace(sending, exchange=breaking, sleep=lambda _: None))
    assert read_campaign(ledger, sending.campaign.id).reason == "the connection was lost"
    assert dispatch(sending).counts == {"accepted": 4, "in_doubt": 2}
    assert len(set(sending.transport.addresses)) == len(sending.transport.sent) == 4


@either
def test_lanes_that_end_together_are_all_recorded(start, apart):
    """More than a commit has room for, and nobody is left to claim: the run goes on until the last answer is on disk."""
    sending, _ = start(3_000, apart=apart, transport=together(3), batch=1_000)
    report = dispatch(sending)
    assert (report.state, report.counts) == ("finished", {"accepted": 3_000})


@either
def test_a_pause_while_lanes_end_together_loses_no_answer(ledger, start, apart):
    """The word comes with the last of them."""
    transport = together(3)
    first = transport.script[0]
    transport.script[0] = lambda batch: ask_campaign(ledger, 1, Request.PAUSE) or first(batch)
    sending, _ = start(60, apart=apart, transport=transport, batch=10)
    report = dispatch(sending)
    assert (report.state, report.counts) == ("paused", {"accepted": 30, "pending": 30})
    assert dispatch(sending).counts == {"accepted": 60}


@either
def test_what_is_deferred_is_recorded_before_the_wait(ledger, start, apart):
    """Else nobody would know that it falls due."""
    seen, clock = [], FakeClock()

    def sleep(_):
        seen.append(count_states(ledger, sending.campaign.id))
        clock.advance(60)

    transport = together(3, Deferred("later", 60))
    sending, _ = start(30, apart=apart, transport=transport, batch=10, wait=timedelta(hours=1), clock=clock, sleep=sleep)
    report = dispatch(sending)
    assert seen[0] == {"deferred": 30}
    assert (report.state, report.counts) == ("finished", {"accepted": 30})


@either
def test_all_lanes_begin_at_once(start, apart):
    """Eight calls that wait for one another: no lane waits for another to end before it is given something."""
    transport = together(8)
    sending, _ = start(3_200, apart=apart, transport=transport, batch=400)
    assert dispatch(sending).counts == {"accepted": 3_200}
    assert transport.batches == [400] * 8


def test_an_answer_that_comes_while_the_ledger_is_busy_counts(start, monkeypatch):
    """The stop has waited long enough for the lanes; while it still waits for the ledger, one more ends."""
    monkeypatch.setattr(draining, "DRAIN_SECONDS", 0.4)
    stop, busy, late = threading.Event(), threading.Event(), threading.Event()
    transport = MemoryTransport(lanes=2)
    transport.script.extend([lambda batch: [Accepted()] * len(batch), lambda batch: (late.wait(10) and None) or [Accepted()] * len(batch)])
    sending, exchange = start(4, transport=transport)

    def slow(results, most, now):
        if results and not busy.is_set():
            busy.set()
            stop.set()
            time.sleep(1)
            late.set()
            time.sleep(0.3)
        return exchange(results, most, now)

    report = dispatch(replace(sending, exchange=slow, watch=Watch(stop=stop.is_set)))
    assert report.counts == {"accepted": 4}


@either
def test_the_seconds_of_a_stop_are_seconds(start, apart):
    """However many lanes end within them, each with a word of its own."""
    stop, begun = threading.Event(), threading.Semaphore(0)

    def one(batch):
        begun.release()
        stop.wait(10)
        time.sleep(0.05 * int(batch[0].email.removeprefix("person").split("@")[0]) / 2)
        return [Accepted()] * len(batch)

    transport = MemoryTransport(lanes=40)
    transport.script.extend([one] * 40)
    sending, _ = start(40, apart=apart, transport=transport, batch=1)

    def stopping():
        if begun._value == 40:
            stop.set()
        return stop.is_set()

    assert dispatch(replace(sending, watch=Watch(stop=stopping))).counts == {"accepted": 40}


def test_nobody_is_begun_with_when_it_is_too_late_to_recall(start):
    """The ledger was locked for minutes, by which time SendGrid would not take the recall any more."""
    clock = FakeClock()
    sending, exchange = start(4, clock=clock)

    def slow(results, most, now):
        batch = exchange(results, most, now)
        if results:
            clock.advance(120)
        return batch

    report = dispatch(replace(sending, exchange=slow, until=clock.now + timedelta(seconds=60)))
    assert report.counts == {"accepted": 2, "pending": 2}
    assert report.reason.startswith("the time in which this can be recalled is over")


def test_being_given_back_is_no_try(start):
    """A campaign that is paused for two days: the first time a server says "later" after that is not the end of its patience."""
    clock, stop = FakeClock(), threading.Event()
    sending, exchange = start(4, clock=clock)

    def late(results, most, now):
        if results:
            stop.set()
            time.sleep(0.3)
        return exchange(results, most, now)

    assert dispatch(replace(sending, exchange=late, watch=Watch(stop=stop.is_set))).counts == {"accepted": 2, "pending": 2}
    clock.advance(48 * 3600)
    sending.transport.script.append(lambda batch: [Deferred("451 greylisted", 60)] * len(batch))
    report = dispatch(replace(sending, sleep=lambda _: clock.advance(61), wait=timedelta(hours=1)))
    assert report.counts == {"accepted": 4}


def test_a_ledger_that_hangs_can_be_left(start, monkeypatch):
    """A stuck disk: after some seconds an interrupt ends the wait, and the next run finds out what was written."""
    monkeypatch.setattr(draining, "PATIENT_SECONDS", 0.3)
    sending, exchange = start(4)
    stop, over = threading.Event(), threading.Event()

    def hang(results, most, now):
        if results:
            stop.set()
            over.wait(30)
            raise LedgerError("too late")
        return exchange(results, most, now)

    class Impatient:
        def __enter__(self):
            """As of now a signal would be heard."""

        def __exit__(self, *_):
            if stop.is_set():
                raise KeyboardInterrupt

    begun = time.monotonic()
    with pytest.raises(Stopped, match="interrupted"):
        dispatch(replace(sending, exchange=hang, watch=Watch(stop=stop.is_set, interruptible=Impatient)))
    assert time.monotonic() - begun < 10
    over.set()
    assert dispatch(sending).counts == {"in_doubt": 2, "accepted": 2}


def test_a_keeper_that_is_gone_is_not_asked_again(start):
    """It will not come back: the run ends at once."""
    sending, exchange = start(6)
    tries = []

    def gone(results, most, now):
        if results:
            tries.append(len(results))
            raise KeeperGone("the process that keeps the ledger has ended")
        return exchange(results, most, now)

    with pytest.raises(Stopped, match="has ended"):
        dispatch(replace(sending, exchange=gone, sleep=lambda _: pytest.fail("it waited")))
    assert tries == [2, 2]  # once in its turn, once when the run ended
    assert dispatch(sending).counts == {"in_doubt": 2, "accepted": 4}


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
    go, asked, ready = threading.Event(), [], threading.Event()

    def waiting(results, most, now):
        asked.append(most)
        go.wait(5)
        return exchange(results, most, now)

    def answer():
        while (batch := desk.answer()) is None:
            ready.wait(5)
            ready.clear()
        return batch

    desk = Desk(replace(sending, exchange=waiting), ready.set)
    desk.ask(0)
    assert desk.done
    desk.ask(2)
    desk.ask(2)
    assert desk.busy
    assert desk.answer() is None
    go.set()
    assert len(answer().rows) == 2
    desk.ask(2)
    assert len(answer().rows) == 1
    assert desk.more
    desk.ask(2)
    assert not answer()
    assert not desk.more
    desk.ask(2)
    assert desk.done
    desk.look_again()
    desk.ask(2)
    assert desk.busy
    answer()
    assert asked == [2, 2, 2, 2]
    desk.close()
