"""Recipient domains: none gets more a minute than it may, and one that defers is left alone until somebody was let through to try."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise

import pytest

from composer.delivery.domains import Domains, Held, domain_of
from composer.testing import FakeClock

BUSY = "421 4.7.0 too fast"
NOW = FakeClock().now
HERE = "mail.example"


def _after(seconds):
    return NOW + timedelta(seconds=seconds)


def _defer(domains, number, now=NOW, answer=BUSY):
    for _ in range(number):
        domains.heard(HERE, "deferred", answer, now)


def _fail_trial(domains, now, outcome="deferred", answer=BUSY):
    assert domains.admit(HERE, now) is None
    domains.heard(HERE, outcome, answer, now)


def test_the_domain_of_an_address():
    """A quoted part may hold an @, and case does not matter."""
    assert domain_of('"a@b"@Mail.Example') == HERE


def test_nobody_waits_without_a_reason():
    """With no limit and no deferral nothing is remembered, whatever the size of the list."""
    domains = Domains(0)
    for number in range(10_000):
        assert domains.admit(f"{number}.example", NOW) is None
        domains.heard(f"{number}.example", "accepted", "250 ok", NOW)
    assert len(domains) == 0
    assert domains.held(NOW) == []


@pytest.mark.parametrize("per_minute", [0, 6_000])
def test_few_deferrals_hold_nobody(per_minute):
    """One full mailbox among many accepted at a large provider is about one person."""
    domains = Domains(per_minute)
    for _ in range(20):
        _defer(domains, 2)
        domains.heard(HERE, "accepted", "250 ok", NOW)
        assert domains.admit(HERE, NOW) is None
    assert domains.held(NOW) == []


def test_three_in_a_row_hold_a_domain_and_no_other():
    """Then it is about us. Refusals between them are no acceptance."""
    domains = Domains(0)
    _defer(domains, 2)
    domains.heard(HERE, "rejected", "550 5.1.1 nobody", NOW)
    _defer(domains, 1)
    assert domains.admit(HERE, NOW) == _after(60)
    assert domains.admit("other.example", NOW) is None
    assert domains.held(NOW) == [Held(HERE, _after(60), BUSY, 3)]


@pytest.mark.parametrize(
    ("answer", "about_one"),
    [
        ("450 4.2.0 <address>: Recipient address rejected: Greylisted, see help", True),
        ("451 4.7.1 Graylisting in action, please come back later", True),
        ("452 4.2.2 mailbox full", True),
        ("450 4.1.1 not known yet", True),
        ("450 4.1.8 sender's domain not found", False),
        ("451 4.7.1 try again later", False),
        ("452 4.3.1 insufficient storage of 10.4.2.2", False),
        ("the connection was lost before the message was handed over", False),
    ],
)
def test_what_is_said_of_one_person_holds_nobody_else(answer, about_one):
    """Greylisting wants a first try of everybody, soon; RFC 3463 tells a full mailbox from a busy server."""
    domains = Domains(0)
    _defer(domains, 10, answer=answer)
    assert (domains.admit(HERE, NOW) is None) is about_one


@pytest.mark.parametrize("per_minute", [0, 6_000])
def test_the_wait_doubles_until_somebody_is_accepted(per_minute):
    """1, 2, 4 … 60 minutes, each begun by a single try that failed; the first that is taken ends it all."""
    domains, now, waits = Domains(per_minute), NOW, []
    _defer(domains, 3)
    for _ in range(9):
        (held,) = domains.held(now)
        waits.append((held.until - now).total_seconds() / 60)
        assert domains.admit(HERE, held.until - timedelta(microseconds=1)) is not None
        now = held.until
        _fail_trial(domains, now)
    assert waits == [1, 2, 4, 8, 16, 32, 60, 60, 60]
    now = domains.held(now)[0].until
    _fail_trial(domains, now, "accepted", "250 ok")
    assert domains.held(now) == []
    assert [domains.admit(HERE, now) for _ in range(100)] == [None] * 100
    _defer(domains, 2, now)
    assert domains.admit(HERE, now) is None
    _defer(domains, 1, now)
    assert domains.held(now)[0].until == now + timedelta(minutes=1)


def test_a_single_one_tries():
    """While it is not known what became of them, everybody else waits; when no answer comes in a minute, another may try."""
    domains = Domains(0)
    _defer(domains, 3)
    assert domains.admit(HERE, _after(60)) is None
    dues = [domains.admit(HERE, _after(61)) for _ in range(100)]
    assert all(due is not None and due >= _after(120) for due in dues)
    assert domains.admit(HERE, _after(120)) is None
    assert domains.admit(HERE, _after(120)) is not None


@pytest.mark.parametrize("outcome", ["deferred", "unknown", "lost"])
def test_a_try_that_fails_lengthens_the_wait(outcome):
    """One whose answer is lost, too: each would be somebody in doubt."""
    domains = Domains(0)
    _defer(domains, 3)
    _fail_trial(domains, _after(60), outcome)
    assert domains.held(_after(60)) == [Held(HERE, _after(180), BUSY, 4)]


@pytest.mark.parametrize(
    ("outcome", "answer"), [("rejected", "550 nobody"), ("not_sent", "stopped"), ("unbuilt", ""), ("deferred", "452 4.2.2 mailbox full")]
)
def test_a_try_that_tells_nothing_lets_the_next_one_try(outcome, answer):
    """An unknown address, or a message that could not be built, says nothing about the domain."""
    domains = Domains(0)
    _defer(domains, 3)
    _fail_trial(domains, _after(60), outcome, answer)
    assert domains.admit(HERE, _after(60)) is None
    assert domains.admit(HERE, _after(60)) is not None


def test_what_was_in_flight_changes_nothing():
    """Fifty that were on their way when the third was deferred do not make a minute an hour, nor does one that was taken end it."""
    domains = Domains(0)
    _defer(domains, 50)
    domains.heard(HERE, "accepted", "250 ok", _after(1))
    _defer(domains, 50, _after(61))
    domains.heard(HERE, "accepted", "250 ok", _after(61))
    assert [held.until for held in domains.held(_after(2))] == [_after(60)]
    assert domains.admit(HERE, _after(61)) is None
    assert domains.admit(HERE, _after(61)) is not None


def test_those_who_wait_are_spread_behind_the_one_who_tries():
    """The first is due as the wait ends; the rest when it is known what became of it, not all in one moment, and none hours later."""
    domains = Domains(0)
    _defer(domains, 3)
    first, *others = [domains.admit(HERE, _after(1)) for _ in range(600)]
    assert first == _after(60)
    assert min(others) >= _after(120)
    assert max(others) < _after(180)
    assert max(others.count(due) for due in others) == 10


def test_a_minute_holds_what_it_may_and_the_rest_gets_places():
    """A thousand people at one provider, asked for once: each is deferred once, to a time at which it is let through."""
    domains, people, most = Domains(60), 1_000, 60
    dues = [domains.admit(HERE, NOW) for _ in range(people)]
    begun = [NOW] * dues.count(None)
    waiting = sorted(due for due in dues if due)
    assert len(set(waiting)) == people - len(begun)
    late = [timedelta(milliseconds=(number * 137) % 900) for number in range(people)]
    assert [domains.admit(HERE, due + after) for due, after in zip(waiting, late, strict=False)] == [None] * len(waiting)
    begun += [due + after for due, after in zip(waiting, late, strict=False)]
    begun.sort()
    assert all(after - before >= timedelta(minutes=1) for before, after in zip(begun, begun[most:], strict=False))
    assert begun[-1] - NOW < timedelta(minutes=people / most * 1.1)


@pytest.mark.parametrize("most", [1, 2, 3, 7, 11, 13, 19, 20, 21, 22, 57, 100, 199])
def test_the_greediest_minute_holds_no_more(most):
    """Each begins at the first moment at which it may; a minute that is divided by 7 or 11 is no whole number of microseconds."""
    domains, begun = Domains(most), []
    for _ in range(3 * most):
        found = domains._domains.get(HERE)
        now = max(NOW, found.even - domains._early) if found else NOW
        if found and now > NOW:
            assert domains.admit(HERE, now - timedelta(microseconds=1))
        assert domains.admit(HERE, now) is None
        begun.append(now)
    assert all(after - before >= timedelta(minutes=1) for before, after in zip(begun, begun[most:], strict=False))


@pytest.mark.parametrize("most", [1, 2, 5, 19, 20, 100])
def test_a_minute_is_used(most):
    """Those who come back up to 0.2 s late find room; a limit that sends half of what it allows would be one more reason to wait."""
    domains, clock = Domains(most), FakeClock()
    waiting, begun = [NOW] * (10 * most), []
    while waiting and clock.now < NOW + timedelta(minutes=30):
        now = clock.advance(0.2)
        for due in [due for due in waiting if due <= now]:
            waiting.remove(due)
            again = domains.admit(HERE, now)
            if again:
                waiting.append(again)
            else:
                begun.append(now)
    assert len(begun) == 10 * most
    assert begun[-1] - begun[0] <= timedelta(minutes=11)


def test_a_place_that_is_free_is_taken_by_whoever_comes():
    """Those who have not been asked for yet go before those who were sent away: no capacity is lost while a list is walked through."""
    domains, clock, begun = Domains(60), FakeClock(), 0
    for _ in range(600):
        begun += [domains.admit(HERE, clock.now) for _ in range(3)].count(None)
        clock.advance(0.5)
    assert begun >= 0.9 * 300


def test_a_limit_holds_behind_a_wait_too():
    """Those who were sent away while a domain deferred come back one after the other."""
    domains = Domains(6)
    _defer(domains, 3)
    dues = [domains.admit(HERE, NOW) for _ in range(5)]
    assert dues[:2] == [_after(60), _after(120)]
    assert all(after - before >= timedelta(seconds=10) for before, after in pairwise(dues))
    assert [domains.admit(HERE, _after(60))] == [None]


def test_who_waits_is_listed_with_the_reason():
    """What the sender sees: the longest wait first, and nothing that is over."""
    domains = Domains(1)
    for name in ("a.example", "b.example"):
        for _ in range(3):
            domains.admit(name, NOW)
    for _ in range(3):
        domains.heard("b.example", "deferred", BUSY, NOW)
    first, second = domains.held(NOW)
    assert (first.domain, first.reason, first.deferrals) == ("a.example", "at most 1 a minute", 0)
    assert first.until == pytest.approx(_after(120), abs=timedelta(seconds=1))
    assert second == Held("b.example", _after(60), BUSY, 3)
    assert domains.held(_after(200)) == []


@pytest.mark.parametrize("per_minute", [0, 60])
def test_memory_is_bounded(per_minute):
    """A list may have 100,000 domains: who has nothing to wait for is forgotten, and who deferred once is after an hour."""
    domains, clock, most = Domains(per_minute), FakeClock(), 0
    for number in range(100_000):
        name = f"{number}.example"
        domains.admit(name, clock.now)
        domains.heard(name, "deferred" if number % 50 == 0 else "accepted", BUSY, clock.now)
        clock.advance(0.2)
        most = max(most, len(domains))
    assert most <= 1_200


def test_a_domain_that_was_quiet_for_an_hour_begins_anew():
    """Two deferrals in the morning and one at night are no row; nor is the wait of a domain that nobody was sent to since."""
    domains = Domains(0)
    _defer(domains, 2)
    _defer(domains, 1, _after(3_600))
    assert domains.admit(HERE, _after(3_600)) is None
    _defer(domains, 2, _after(3_600))
    assert domains.admit(HERE, _after(3_600)) is not None
    assert domains.admit(HERE, _after(3_600 + 60 + 3_600)) is None
    assert len(domains) == 0
