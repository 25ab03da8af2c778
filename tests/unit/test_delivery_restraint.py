"""A run that is held back: by its pace, by domains that defer, by its own brake. Everybody is accounted for, and nobody is lost."""

from __future__ import annotations

import time
from contextlib import nullcontext
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from composer.audience.model import Audience, Subscriber
from composer.config import ListSettings, Smtp
from composer.delivery.dispatch import dispatch
from composer.delivery.pacing import Limits
from composer.delivery.restraint import Restraint
from composer.delivery.sending import Sending, Terms, Watch
from composer.ledger.campaigns import count_states, read_campaign, start_campaign
from composer.ledger.schema import attempts, deliveries
from composer.testing import FakeClock, MemoryTransport, a_message, an_audience, an_edition
from composer.testing.smtp import Fault, SmtpServer
from composer.transport.base import Accepted, Deferred, Rejected
from composer.transport.smtp import SmtpTransport


@pytest.fixture
def ledger(any_ledger):
    """Every test runs on both databases."""
    return any_ledger


@pytest.fixture
def start(ledger):
    """Begin a campaign to addresses; return what a run of it needs."""

    def begin(emails, transport=None, *, real=True, **change):
        edition, transport = an_edition(), transport or MemoryTransport(direct=True)
        people = tuple(Subscriber(email, email, "", {}) for email in emails)
        audience = Audience((ListSettings(name="readers"),), people)
        identity = start_campaign(ledger, edition, audience, transport=transport.name, real=real, setting={}, now=FakeClock().now)

        def build(row, _now):
            return a_message(edition, row, row.id)

        sending = Sending(ledger, read_campaign(ledger, identity), transport, build, nullcontext, FakeClock(), 1)
        return replace(sending, **change)

    return begin


def at(domain, number, first=1):
    return [f"reader{place}@{domain}" for place in range(first, first + number)]


def rows(ledger, campaign):
    with ledger.read() as connection:
        columns = (deliveries.c.email, deliveries.c.state, deliveries.c.attempts, deliveries.c.reason, deliveries.c.first_tried_at)
        asked = select(*columns).where(deliveries.c.campaign == campaign).order_by(deliveries.c.position)
        return [tuple(row) for row in connection.execute(asked)]


def tries(ledger, campaign):
    with ledger.read() as connection:
        return len(connection.execute(select(attempts.c.number).where(attempts.c.campaign == campaign)).all())


# ---- domains


def test_a_domain_that_defers_is_left_alone_and_the_others_are_not(ledger, start):
    """Three deferrals in a row are about us: to go on would make it worse, and everybody else has nothing to do with it."""
    slow, well = at("slow.example", 6), at("well.example", 4)
    transport = MemoryTransport(direct=True, answers={email: Deferred("451 4.7.1 slow down") for email in slow})
    sending = start(slow[:4] + well + slow[4:], transport)
    report = dispatch(sending)
    assert (report.state, report.counts) == ("paused", {"accepted": 4, "deferred": 6})
    found = {email: (count, reason, tried) for email, _, count, reason, tried in rows(ledger, sending.campaign.id)}
    assert [found[email][:2] for email in slow[:3]] == [(1, "451 4.7.1 slow down")] * 3
    assert [found[email] for email in slow[3:]] == [(0, "held back, slow.example: 451 4.7.1 slow down", None)] * 3
    assert tries(ledger, sending.campaign.id) == 7


def test_who_was_held_back_is_tried_when_the_domain_is(ledger, start):
    """After the wait one person is tried; it is accepted, and all the others follow."""
    slow = at("slow.example", 5)
    transport = MemoryTransport(direct=True, answers={email: Deferred("451 4.7.1 slow down") for email in slow})
    clock = FakeClock()
    sending = start(slow, transport, clock=clock)
    dispatch(sending)
    transport.answers.clear()
    waits = []

    def sleep(seconds):
        waits.append(seconds)
        clock.advance(seconds)

    report = dispatch(replace(sending, sleep=sleep, wait=timedelta(minutes=10)))
    assert (report.state, report.counts) == ("finished", {"accepted": 5})
    assert sorted(transport.addresses) == sorted(slow)
    assert sum(waits) >= 60
    assert {email: count for email, _, count, _, _ in rows(ledger, sending.campaign.id)} == dict(zip(slow, (2, 2, 2, 1, 1), strict=True))


def test_who_is_held_back_or_deferred_is_not_settled(ledger, start):
    """The bar is at its end when all have an answer, not when all have been claimed and given back once."""
    answers = {email: Deferred("451 slow down") for email in at("big.example", 3)}
    transport, seen, clock = MemoryTransport(direct=True, answers=answers), [], FakeClock()
    watch = Watch(progress=seen.append)
    sending = start([*at("big.example", 40), *at("small.example", 2)], transport, watch=watch, clock=clock)
    assert dispatch(sending).counts == {"deferred": 40, "accepted": 2}
    assert sum(seen) == 2
    transport.answers.clear()
    report = dispatch(replace(sending, sleep=clock.advance, wait=timedelta(hours=2)))
    assert (report.counts, sum(seen)) == ({"accepted": 42}, 42)


def test_so_many_a_minute_to_one_domain(start):
    """Whoever must wait gets a moment of their own; over any minute no more begin."""
    clock, moments = FakeClock(), []
    transport = MemoryTransport(direct=True)
    transport.script.extend([lambda batch: moments.append(clock.now) or [Accepted()] * len(batch)] * 20)
    sending = start(
        at("big.example", 12), transport, clock=clock, sleep=clock.advance, wait=timedelta(minutes=10), terms=Terms(per_domain_minute=5)
    )
    report = dispatch(sending)
    assert report.counts == {"accepted": 12}
    assert len(moments) == 12
    assert all(later - moment >= timedelta(minutes=1) for moment, later in zip(moments, moments[5:], strict=False))
    assert moments[-1] - moments[0] < timedelta(minutes=4)


def test_what_is_said_of_the_account_holds_no_domain_back(start):
    """SendGrid defers everybody when we are too fast: that is not the domain's word."""
    transport = MemoryTransport(direct=False, answers={email: Deferred("429 too fast") for email in at("a.example", 5)})
    sending = start(at("a.example", 5), transport)
    dispatch(sending)
    assert {count for _, _, count, _, _ in rows(sending.ledger, sending.campaign.id)} == {1}


def test_nobody_is_in_flight_who_is_held_back(ledger, start):
    """A crash must not bring those into doubt who only wait: never are more claimed than lanes could send to."""
    most = []
    slow = at("slow.example", 30)
    transport = MemoryTransport(direct=True, lanes=3, answers={email: Deferred("451 4.7.1 slow down") for email in slow})

    def probe(step):
        if step in {"claimed", "recorded"}:
            most.append(count_states(ledger, sending.campaign.id).get("sending", 0))

    sending = start(slow, transport, watch=Watch(probe=probe))
    report = dispatch(sending)
    assert report.counts == {"deferred": 30}
    assert max(most) == 3


# ---- limits


def test_a_limit_an_hour_holds_over_runs(ledger, start):
    """A resume gives no new allowance: what was attempted within the hour counts."""
    told = []
    terms, clock = Terms(Limits(per_hour=3)), lambda: datetime.now(UTC)
    watch = Watch(resting=lambda until, limit: told.append((until - clock(), limit)), stop=lambda: bool(told))
    sending = start(at("a.example", 5), clock=clock, terms=terms, watch=watch)
    report = dispatch(sending)
    assert (report.state, report.counts) == ("paused", {"accepted": 3, "pending": 2})
    waits = told.copy()
    told.clear()
    again = dispatch(sending)
    assert again.counts == {"accepted": 3, "pending": 2}
    assert [limit for _, limit in waits + told] == ["per_hour"] * 2
    assert all(timedelta(minutes=59) < wait <= timedelta(minutes=61) for wait, _ in waits + told)


def test_a_pause_is_heard_while_a_limit_holds(ledger, start):
    """A run that rests for an hour must not be deaf."""
    from composer.ledger.campaigns import ask_campaign
    from composer.ledger.model import Request

    def resting(_until, _limit):
        ask_campaign(ledger, sending.campaign.id, Request.PAUSE)

    terms = Terms(Limits(per_day=2))
    sending = start(at("a.example", 3), clock=lambda: datetime.now(UTC), terms=terms, watch=Watch(resting=resting))
    report = dispatch(sending)
    assert (report.state, report.reason) == ("paused", "paused on request")


def test_a_rehearsal_has_no_limits(start):
    """Nobody is bothered by files."""
    transport = MemoryTransport(real=False, idempotent=True)
    sending = start(at("a.example", 9), transport, real=False, terms=Terms(Limits(per_hour=1, per_day=1)))
    assert dispatch(sending).counts == {"accepted": 9}


@pytest.mark.parametrize(("per_second", "batch", "size"), [(0, 100, 100), (200, 100, 40), (200, 10, 10), (3, 100, 1), (100_000, 500, 500)])
def test_a_limit_makes_batches_small(start, per_second, batch, size):
    """What is handed over at once begins at once: at most a fifth of a second's worth."""
    sending = start(at("a.example", 1), terms=Terms(Limits(per_second=per_second)))
    assert Restraint(sending, batch).size == size


def test_no_envelope_is_out_for_long(start):
    """At a slow pace a server would wait for the message behind it, and hang up."""
    for per_second, foresees in ((0, True), (1, False), (4, False), (5, True)):
        transport = MemoryTransport(lanes=10, ahead=True)
        sending = start(at("a.example", 1), transport, terms=Terms(Limits(per_second=per_second)))
        assert Restraint(sending, 1).foresees is foresees


@pytest.mark.parametrize("any_project", ["sqlite"], indirect=True)
def test_two_hundred_a_second_on_the_wire(start):
    """Seen from the server: never five percent more in any five seconds. How much of it is used, a busy machine decides: see bench/pace.py."""
    rate, people = 200, 2_000
    with SmtpServer() as server:
        transport = SmtpTransport(Smtp(host="127.0.0.1", port=server.port, security="none", connections=8, ehlo_name="me.example"))
        sending = start(at("a.example", people), transport, clock=lambda: datetime.now(UTC), terms=Terms(Limits(per_second=rate)))
        assert dispatch(sending).counts == {"accepted": people}
        transport.close()
        moments = sorted(message.at for message in server.received)
    over = int(5 * rate * 1.05)
    assert all(later - moment > 5 for moment, later in zip(moments, moments[over:], strict=False))
    assert people / (moments[-1] - moments[0]) > 0.3 * rate


@pytest.mark.parametrize("any_project", ["sqlite"], indirect=True)
def test_a_server_that_hangs_up_while_a_run_rests_keeps_nobody_awake(start):
    """The end of a connection can be heard again and again; a run that waits for its pace does nothing meanwhile."""
    with SmtpServer() as server:
        server.fail("dot", Fault("250 2.0.0 ok", close=True))
        transport = SmtpTransport(Smtp(host="127.0.0.1", port=server.port, security="none", ehlo_name="me.example"))
        sending = start(at("a.example", 3), transport, clock=lambda: datetime.now(UTC), terms=Terms(Limits(per_second=1)))
        spent = time.thread_time()
        dispatch(sending)
        assert time.thread_time() - spent < 0.5
        transport.close()


# ---- the brake


def test_a_share_of_rejections_pauses(start):
    """A tenth of a list refused is no list that should be mailed; it is said with the last answer."""
    emails = at("a.example", 200)
    transport = MemoryTransport(answers={email: Rejected("550 5.1.1 no such user") for email in emails[::5]})
    sending = start(emails, transport, terms=Terms(pause_at_rejects=10))
    report = dispatch(sending)
    assert report.state == "paused"
    assert report.reason == "10 of 50 people were refused, more than 10 percent; the last answer: 550 5.1.1 no such user"
    assert report.counts == {"accepted": 40, "rejected": 10, "pending": 150}


def test_foreseen_people_are_not_lost_when_the_pace_holds(start):
    """Lanes are prepared for people whom the pace does not let begin: they come when it does."""
    with SmtpServer() as server:
        transport = SmtpTransport(Smtp(host="127.0.0.1", port=server.port, security="none", connections=4, ehlo_name="me.example"))
        audience = [person.email for person in an_audience(60).subscribers]
        sending = start(audience, transport, clock=lambda: datetime.now(UTC), terms=Terms(Limits(per_second=40)))
        assert dispatch(sending).counts == {"accepted": 60}
        transport.close()
        assert sorted(server.addresses) == sorted(audience)


# ---- what was found in a review


@pytest.mark.parametrize(
    ("limits", "batch"), [(Limits(per_day=3), 10), (Limits(per_hour=3), 10), (Limits(per_hour=3, per_second=1_000), 1)]
)
def test_a_limit_smaller_than_a_batch_is_used_up_and_then_waited_for(ledger, start, limits, batch):
    """The last places of an hour count too, and where there is none left nobody spins."""
    turns, told = [], []
    watch = Watch(resting=lambda *what: told.append(what), stop=lambda: turns.append(1) or bool(told))
    sending = start(at("a.example", 8), clock=lambda: datetime.now(UTC), batch=batch, terms=Terms(limits), watch=watch)
    assert dispatch(sending).counts == {"accepted": 3, "pending": 5}
    assert len(turns) < 50


def test_a_look_that_claims_nobody_costs_no_allowance():
    """An hour is an hour, however often somebody looked meanwhile."""
    from composer.delivery.pacing import Pace

    second = 10**9
    pace = Pace(Limits(per_hour=2))
    pace.begun(second, 2)
    for moment in range(2, 100):
        pace.begun(moment * second, 0)
    assert pace.hold(100 * second).seconds == 3_501


def test_nobody_is_foreseen_whose_domain_must_wait(start):
    """An envelope that is out for somebody who is then held back costs its connection: the limit must not burn them one by one."""
    with SmtpServer() as server:
        transport = SmtpTransport(Smtp(host="127.0.0.1", port=server.port, security="none", connections=4, ehlo_name="me.example"))
        emails = [email for number in range(1, 41) for email in (*at("big.example", 1, number), *at(f"well{number}.example", 1))]
        sending = start(emails, transport, clock=lambda: datetime.now(UTC), terms=Terms(per_domain_minute=10))
        report = dispatch(sending)
        transport.close()
        assert 40 < report.counts["accepted"] < 60
        assert report.counts["deferred"] == 80 - report.counts["accepted"]
        assert server.connections <= 12


def test_who_is_suppressed_is_not_named_to_the_server(ledger, start):
    """Not even in an envelope that nothing follows."""
    from composer.ledger.model import Reason
    from composer.ledger.suppressions import Suppression, suppress

    with SmtpServer() as server:
        transport = SmtpTransport(Smtp(host="127.0.0.1", port=server.port, security="none", ehlo_name="me.example"))
        emails = at("a.example", 12)
        sending = start(emails, transport, clock=lambda: datetime.now(UTC))
        suppress(ledger, [Suppression(email, "", Reason.COMPLAINT) for email in emails[1::2]], FakeClock().now)
        assert dispatch(sending).counts == {"accepted": 6, "skipped": 6}
        transport.close()
        assert server.connections == 1


def test_a_message_built_ahead_is_not_sent_with_an_old_date(start):
    """Who has to wait after all gets the date of the day on which it is sent."""
    clock, dates = FakeClock(), []
    transport = MemoryTransport(ahead=True)

    def take(batch):
        dates.append(batch[0].date - clock.now)
        clock.advance(60)
        return [Accepted()]

    transport.script.extend([take] * 3)
    sending = start(at("a.example", 3), transport, clock=clock)
    sending = replace(sending, build=lambda row, now: a_message(an_edition(), row, row.id)._replace(date=now))
    assert dispatch(sending).counts == {"accepted": 3}
    assert dates == [timedelta(0)] * 3
