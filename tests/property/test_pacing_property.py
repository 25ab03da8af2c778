"""Limits hold whatever asks: any rate, any gaps, any greed, any lateness."""

from __future__ import annotations

from bisect import bisect_left
from datetime import timedelta
from itertools import accumulate

from hypothesis import given, settings
from hypothesis import strategies as st

from composer.delivery.domains import Domains
from composer.delivery.pacing import Begun, Limits, Pace
from composer.testing import FakeClock

SECOND = 10**9
HOUR = 3_600 * SECOND

rates = st.one_of(st.integers(1, 40), st.integers(1, 10_000))
# A gap is a time, or a wait until the next may begin and so many nanoseconds late.
gaps = st.one_of(st.integers(0, SECOND // 50), st.integers(0, 10 * SECOND), st.tuples(st.integers(0, SECOND // 20)))
asks = st.lists(st.tuples(gaps, st.one_of(st.integers(1, 5), st.integers(1, 20_000))), min_size=1, max_size=150)


def _begin(pace, asked, start):
    """Ask as the pattern says, and begin all that is allowed: moments and numbers."""
    now = start
    for gap, most in asked:
        now += gap if isinstance(gap, int) else round(pace.hold(now, most).seconds * SECOND) + gap[0]
        number = pace.room(now, most)
        assert 0 <= number <= most
        pace.begun(now, number)
        yield now, number


def _most(begun, span):
    """Find the most that began in any ``span``, its end not counted."""
    moments, sums = [moment for moment, _ in begun], [0, *accumulate(number for _, number in begun)]
    return max(sums[bisect_left(moments, moment + span)] - sums[place] for place, moment in enumerate(moments))


@given(rate=rates, asked=asks, start=st.integers(0, 10**18))
@settings(max_examples=400, deadline=None)
def test_no_five_seconds_hold_five_percent_more_whoever_asks(rate, asked, start):
    """What a sender's reputation hangs on."""
    assert _most(list(_begin(Pace(Limits(rate)), asked, start)), 5 * SECOND) <= 1.05 * 5 * rate


@given(rate=rates, start=st.integers(0, 10**18), late=st.lists(st.integers(0, SECOND // 100), min_size=1, max_size=20))
@settings(max_examples=100, deadline=None)
def test_a_loop_late_by_any_times_uses_the_limit(rate, start, late):
    """Up to 10 ms late, each time by another time."""
    pace, now, number, wakes = Pace(Limits(rate)), start, 0, 0
    pace.begun(now, pace.room(now, rate))
    while wakes < 300 or now < start + 5 * SECOND:
        number += (room := pace.room(now, rate))
        pace.begun(now, room)
        now += round(pace.hold(now).seconds * SECOND) + late[wakes % len(late)]
        wakes += 1
    assert number >= 0.95 * rate * (now - start) / SECOND


@given(
    most=st.integers(1, 500),
    asked=st.lists(st.tuples(st.one_of(st.integers(0, 100 * SECOND), st.integers(0, HOUR)), st.integers(1, 300)), min_size=1, max_size=100),
    before=st.lists(st.tuples(st.integers(0, HOUR), st.integers(1, 50)), max_size=10),
    start=st.integers(0, 10**18),
)
@settings(max_examples=200, deadline=None)
def test_no_hour_holds_more_whoever_asks(most, asked, before, start):
    """What began before the run is part of it."""
    seeds = sorted(Begun(start - age, number) for age, number in before)
    begun = list(_begin(Pace(Limits(per_hour=most), seeds), asked, start))
    allowed = max(most, _most([*seeds, (start, 0)], HOUR))
    assert _most([*seeds, *begun], HOUR) <= allowed


@given(
    per_minute=st.integers(1, 200),
    steps=st.lists(st.tuples(st.integers(0, 90_000), st.integers(1, 300), st.sampled_from(["accepted", "deferred", "rejected", ""]))),
)
@settings(max_examples=200, deadline=None)
def test_no_minute_holds_more_to_a_domain(per_minute, steps):
    """Whatever is answered meanwhile, and whoever comes back at the time they were told, or not."""
    domains, clock, begun = Domains(per_minute), FakeClock(), []
    for milliseconds, number, outcome in steps:
        now = clock.advance(milliseconds / 1_000)
        for _ in range(number):
            due = domains.admit("example.com", now)
            assert due is None or due > now
            if due is None:
                begun.append((now, 1))
        if outcome:
            domains.heard("example.com", outcome, "450 4.7.0 slowly", now)
    if begun:
        assert _most(begun, timedelta(minutes=1)) <= per_minute
