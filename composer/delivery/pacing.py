"""How many messages may begin: per second, hour and day. Pure: moments come in, numbers go out.

Moments are whole nanoseconds, from 0, of a clock that never goes back (``time.monotonic_ns``): their sums are exact. A run asks for
``room``, begins at most so many, and says so with ``begun``. What was begun counts, whatever becomes of it.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from composer.ledger.tallies import Tally

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
_SECOND = 10**9
_MICROSECOND = timedelta(microseconds=1)
# A second is taken for 1.01 s: what begins evenly reaches a server unevenly, and so it may be up to 50 ms late.
_LONG_SECOND = _SECOND // 100 * 101
# A quarter of a second's worth may be caught up with at once, and one begins in any case. So of n a second the first that would be more
# than 5 n and a quarter of n, the limit and 5 %, begins 5 n messages after the last that waited for its time: 5.05 s later.
_CATCH_UP = 4
# A call takes at most a fifth. What is left of that quarter is for a loop that waits for a whole call and wakes late: 50 ms cost nothing.
_CALL = 5
# A window is kept in so many parts: it is used to 119/120 and takes the memory of some hundred numbers.
_PARTS = 120


@dataclass(frozen=True, slots=True)
class Limits:
    """How many may begin, at most, in any second, hour and day; 0: any number."""

    per_second: int = 0
    per_hour: int = 0
    per_day: int = 0

    @property
    def looks_back(self) -> timedelta:
        """How far back attempts of earlier runs count; zero when none do."""
        return DAY if self.per_day else HOUR if self.per_hour else timedelta(0)


class Hold(NamedTuple):
    """How long nothing may begin, and the limit that says so, by its key in the configuration; (0.0, "") when something may."""

    seconds: float
    limit: str


class Begun(NamedTuple):
    """So many began, the last of them at ``moment``, which may lie before 0: an earlier run's."""

    moment: int
    number: int


def most_per_call(per_second: int, size: int) -> int:
    """Return how large a batch may be that is ``size`` without a limit: a fifth of a second's worth, at least 1."""
    return min(size, max(1, per_second // _CALL)) if per_second else size


def earlier(tallies: Iterable[Tally], moment: int, now: datetime) -> list[Begun]:
    """Put what the ledger knows on a run's own clock, whose ``moment`` is ``now``; what another machine dates later counts as now."""
    return [Begun(moment - max(0, (now - tally.last) // _MICROSECOND * 1_000), tally.number) for tally in tallies]


class Pace:
    """The limits of one run, all kept at once."""

    def __init__(self, limits: Limits, before: Iterable[Begun] = ()) -> None:
        """``before`` is what began in the last hour and day, the oldest first: a resume gives no new allowance."""
        self._limits: dict[str, _Steady | _Window] = {}
        if limits.per_second:
            self._limits["per_second"] = _Steady(limits.per_second)
        windows = {"per_hour": (limits.per_hour, HOUR), "per_day": (limits.per_day, DAY)}
        begun = tuple(before)
        for name, (most, span) in windows.items():
            if most:
                self._limits[name] = window = _Window(most, int(span.total_seconds()) * _SECOND)
                for moment, number in begun:
                    window.begun(moment, number)

    def room(self, now: int, most: int) -> int:
        """Return how many of ``most`` may begin now."""
        return max(0, min((most, *(limit.room(now) for limit in self._limits.values()))))

    def begun(self, now: int, number: int) -> None:
        """Note that so many begin now; more than there was room for are paid back by a longer wait."""
        for limit in self._limits.values() if number else ():
            limit.begun(now, number)

    def hold(self, now: int, number: int = 1) -> Hold:
        """Say how long to wait until ``number`` may begin at once, or as many as ever may."""
        opens, name = max(((limit.opens(now, number), name) for name, limit in self._limits.items()), default=(now, ""))
        return Hold((opens - now) / _SECOND, name) if opens > now else Hold(0.0, "")


class _Steady:
    """So many a second, evenly, with a little to catch up: the generic cell rate algorithm (ITU-T I.371), in whole numbers.

    Time is counted in nanoseconds times the rate, so that a message takes ``_LONG_SECOND`` whatever the rate.
    """

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._burst = 1 + rate // _CATCH_UP
        self._early = (self._burst - 1) * _LONG_SECOND
        self._due = 0  # when the next would begin if all began evenly

    def room(self, now: int) -> int:
        time = now * self._rate
        return (time + self._early - max(self._due, time)) // _LONG_SECOND + 1

    def begun(self, now: int, number: int) -> None:
        self._due = max(self._due, now * self._rate) + number * _LONG_SECOND

    def opens(self, now: int, number: int) -> int:
        time = self._due - self._early + (min(number, self._burst) - 1) * _LONG_SECOND
        return max(now, -(-time // self._rate))


@dataclass(slots=True)
class _Part:
    first: int
    last: int
    number: int


class _Window:
    """At most so many in any ``span`` nanoseconds. A part counts until its last message is a span old: rather too long than too short."""

    def __init__(self, most: int, span: int) -> None:
        self._most, self._span = most, span
        self._parts: deque[_Part] = deque()
        self._number = 0

    def room(self, now: int) -> int:
        while self._parts and self._parts[0].last + self._span <= now:
            self._number -= self._parts.popleft().number
        return self._most - self._number

    def begun(self, now: int, number: int) -> None:
        self._number += number
        if self._parts and now < self._parts[-1].first + self._span // _PARTS:
            part = self._parts[-1]
            part.last, part.number = max(part.last, now), part.number + number
        else:
            self._parts.append(_Part(now, now, number))

    def opens(self, now: int, number: int) -> int:
        missing = number - self.room(now)
        opens = now
        for part in self._parts:
            if missing <= 0:
                break
            missing -= part.number
            opens = part.last + self._span
        return opens
