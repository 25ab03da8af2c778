"""How fast messages may begin: exactly what a limit means, seen from a loop that is late, greedy or just resumed."""

from __future__ import annotations

from datetime import timedelta

import pytest

from composer.delivery.pacing import Begun, Hold, Limits, Pace, earlier, most_per_call
from composer.ledger.tallies import Tally
from composer.testing import FakeClock

SECOND = 10**9
HOUR, DAY = 3_600 * SECOND, 86_400 * SECOND
START = 7_777 * SECOND


def _loop(rate, seconds, late, size=1_000):
    """Begin as many as may, as often as may, waking ``late`` nanoseconds after each wait; count what began but for the first burst."""
    pace, now, begun = Pace(Limits(rate)), START, 0
    pace.begun(now, pace.room(now, rate))
    while now < START + seconds * SECOND:
        number = pace.room(now, most_per_call(rate, size))
        pace.begun(now, number)
        begun += number
        if (hold := pace.hold(now)).seconds:
            now += round(hold.seconds * SECOND) + late
    return begun


def _reserve(pace, now, step):
    """Begin whatever may, each ``step`` nanoseconds, and tell when and how many."""
    while True:
        if number := pace.room(now, 10**9):
            pace.begun(now, number)
            yield now, number
        now += step


@pytest.mark.parametrize("rate", [1, 2, 3, 4, 5, 7, 20, 200, 999, 5_000])
@pytest.mark.parametrize("late", [0, SECOND // 1_000, SECOND // 100])
def test_a_loop_that_wakes_late_uses_a_limit(rate, late):
    """A limit that slows a send down more than it says is a defect, too; 10 ms late is what a busy machine is."""
    seconds = 60 if rate < 999 else 10
    assert 0.95 * rate * seconds <= _loop(rate, seconds, late) <= rate * seconds


@pytest.mark.parametrize("rate", [20, 200, 5_000])
def test_a_loop_that_waits_for_whole_calls_uses_a_limit(rate):
    """A provider that is asked for few at a time is slow: batches may be waited for, and still 50 ms are lost for nothing."""
    pace, now, begun, size = Pace(Limits(rate)), START, 0, most_per_call(rate, 1_000)
    pace.begun(now, pace.room(now, rate))
    while now < START + 60 * SECOND:
        now += round(pace.hold(now, size).seconds * SECOND) + SECOND // 20
        assert pace.room(now, size) == size
        pace.begun(now, size)
        begun += size
    assert begun >= 0.95 * rate * 60


@pytest.mark.parametrize("rate", [*range(1, 30), 200, 333, 5_000])
def test_no_five_seconds_hold_five_percent_more(rate):
    """The worst there is: rested for long, then taken whatever may begin at every moment. Wherever the 5 s begin, this is the most."""
    pace, end, number = Pace(Limits(rate)), START + 5 * SECOND, 0
    now = START
    while now < end:
        room = pace.room(now, 10**9)
        number += room
        pace.begun(now, room)
        now += max(1, round(pace.hold(now).seconds * SECOND))
    assert number <= 1.05 * 5 * rate
    # On the way to the server some are 50 ms late, others not: then these 5 s hold what began in 5.05 s.
    assert number + pace.room(end + SECOND // 20 - 1, 10**9) <= 1.05 * 5 * rate
    assert number >= 4.9 * rate


def test_a_call_takes_a_fifth_of_a_second():
    """A limit caps batch sizes, never to nothing; without a limit it does not."""
    assert [most_per_call(rate, 1_000) for rate in (0, 1, 9, 10, 200, 100_000)] == [1_000, 1, 1, 2, 40, 1_000]


def test_there_is_no_limit_unless_one_is_set():
    """Nobody who set nothing is slowed down."""
    pace = Pace(Limits())
    pace.begun(START, 10**9)
    assert (pace.room(START, 1_000), pace.hold(START, 1_000)) == (1_000, Hold(0.0, ""))


def test_when_the_next_may_begin():
    """A loop that wakes at that moment finds room, and none a nanosecond before."""
    for rate in (1, 3, 7, 200, 5_000):
        pace = Pace(Limits(rate))
        pace.begun(START, pace.room(START, 10**9))
        assert pace.hold(START).limit == "per_second"
        opens = START + round(pace.hold(START).seconds * SECOND)
        assert (pace.room(opens - 1, 1), pace.room(opens, 1)) == (0, 1)
        assert pace.hold(opens) == Hold(0.0, "")


def test_more_than_there_was_room_for_is_paid_back():
    """A loop that was wrong once is not wrong for the whole minute."""
    pace = Pace(Limits(per_second=10))
    pace.begun(START, 100)
    assert pace.hold(START).seconds == pytest.approx(9.9, abs=0.2)
    assert pace.room(START + 9 * SECOND, 1) == 0


@pytest.mark.parametrize(("name", "span", "step"), [("per_hour", HOUR, 7 * SECOND), ("per_day", DAY, 97 * SECOND)])
def test_no_hour_and_no_day_holds_more(name, span, step):
    """Over three spans of a loop that begins all it may: not one sliding window with more, and hardly one that is not used."""
    most, times = 1_000, []
    for now, number in _reserve(Pace(Limits(**{name: most})), START, step):
        if now > START + 3 * span:
            break
        times += [now] * number
    assert all(after - before >= span for before, after in zip(times, times[most:], strict=False))
    assert len(times) >= 3 * most


def test_an_hour_that_is_used_evenly_stays_used():
    """The parts that a window is kept in cost next to nothing."""
    pace, begun = Pace(Limits(per_hour=3_600)), 0
    for second in range(10 * 3_600):
        begun += (number := pace.room(START + second * SECOND, 1))
        pace.begun(START + second * SECOND, number)
    assert begun >= 0.99 * 36_000


def test_a_window_says_when_it_opens():
    """The wait is shown to the sender, with the limit's name; the longest counts."""
    pace = Pace(Limits(per_second=10, per_hour=20, per_day=30))
    for after in (0, 60, 3_600, 3_660):
        now = START + after * SECOND
        pace.begun(now, 10 if after < 3_600 else 5)
    assert pace.hold(now) == Hold(86_400 - 3_600, "per_day")  # the first two, a minute apart, are one part of a day
    assert pace.room(START + DAY + 60 * SECOND - 1, 100) == 0
    assert pace.room(START + DAY + 60 * SECOND, 100) == 3
    assert pace.hold(START + DAY + 60 * SECOND, 4) == Hold(0.0, "")  # so many a second never begin at once
    assert pace.hold(START + DAY + 60 * SECOND, 30).limit == "per_day"
    early = Pace(Limits(per_second=10, per_hour=20))
    early.begun(START, 3)
    early.begun(START + 60 * SECOND, 17)
    assert early.hold(START + 70 * SECOND) == Hold(3_530, "per_hour")
    assert early.hold(START + 70 * SECOND, 4) == Hold(3_590, "per_hour")


def test_what_began_before_counts():
    """A resume, or the next campaign, gives no new allowance: until an hour after, not a moment longer."""
    pace = Pace(Limits(per_hour=100, per_day=120), [Begun(START - 2 * HOUR, 10), Begun(START - HOUR // 2, 90)])
    assert pace.room(START, 1_000) == 10
    pace.begun(START, 10)
    assert pace.hold(START) == Hold(1_800, "per_hour")
    assert pace.room(START + HOUR // 2, 1_000) == 10
    assert Pace(Limits(per_second=10), [Begun(START, 90)]).room(START, 1) == 1


def test_an_allowance_that_was_lowered_is_no_debt_for_ever():
    """More was begun than may be now: it opens when enough of it is old."""
    pace = Pace(Limits(per_hour=10), [Begun(START - HOUR + SECOND, 50), Begun(START - HOUR + 60 * SECOND, 5)])
    assert (pace.room(START, 100), pace.hold(START)) == (0, Hold(1, "per_hour"))
    assert pace.room(START + SECOND, 100) == 5


def test_what_the_ledger_knows_is_put_on_the_runs_clock():
    """Its times are those of a wall clock, perhaps another machine's, which may be ahead."""
    now = FakeClock().now
    tallies = [Tally(now - timedelta(minutes=30), 7), Tally(now - timedelta(seconds=1.5), 8), Tally(now + timedelta(minutes=5), 9)]
    assert earlier(tallies, START, now) == [(START - HOUR // 2, 7), (START - 1_500_000_000, 8), (START, 9)]
    assert [Limits(*each).looks_back for each in [(5,), (5, 5), (5, 5, 5), (0, 0, 5)]] == [
        timedelta(0),
        timedelta(hours=1),
        timedelta(days=1),
        timedelta(days=1),
    ]


def test_windows_take_little_memory():
    """A day of a million messages is some hundred numbers."""
    pace, now = Pace(Limits(per_hour=10**6, per_day=10**7)), START
    for _ in range(100_000):
        pace.begun(now, 10)
        pace.room(now, 1)
        now += SECOND
    assert max(len(window._parts) for window in pace._limits.values()) <= 122
