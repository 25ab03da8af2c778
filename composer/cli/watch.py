"""Looking at a campaign until it is not running: in place on a terminal, a line a change elsewhere.

Speed and time left are reckoned from the ledger alone, so that it may run on another machine than the one that sends.
"""

from __future__ import annotations

import json
import sys
import time
from collections import deque
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import typer

from composer.cli.output import pair_lines
from composer.cli.standing import as_data, as_pairs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from composer.cli.standing import Standing

_EVERY, _EVERY_LINE = 1.0, 5.0
_WINDOW = 30.0
# Counting a million deliveries takes time that the sender needs, too.
_SHARE = 10
_MINUTE, _HOUR = 60, 3600
# So many seconds in which nothing moved are a wait.
_A_WAIT = 10.0
_TWO = 2


class Look(NamedTuple):
    """At ``seconds`` of any steady clock, so many were ``settled`` for good, and so many were ``waiting`` for their first try."""

    seconds: float
    settled: int
    waiting: int


@dataclass(slots=True)
class Pace:
    """How fast a campaign goes: within the last half minute, as far as it was looked at, and since the first look."""

    looks: deque[Look] = field(default_factory=deque)
    first: Look | None = None

    def add(self, seconds: float, standing: Standing) -> None:
        """Take in a look at ``seconds`` of any steady clock."""
        look = Look(seconds, sum(standing.counts.values()) - standing.unsent, standing.waiting)
        self.first = self.first or look
        self.looks.append(look)
        # Two at least: counting a large campaign may take longer than the window.
        while len(self.looks) > _TWO and seconds - self.looks[0].seconds > _WINDOW:
            self.looks.popleft()

    @property
    def rate(self) -> float:
        """Deliveries a second, those that were deferred too; 0 when nothing is known yet."""
        begun, ended = self.looks[0], self.looks[-1]
        settled = (ended.settled - begun.settled) / (ended.seconds - begun.seconds) if ended.seconds > begun.seconds else 0.0
        return max(0.0, settled, _shrinking(begun, ended))

    @property
    def left(self) -> str:
        """How long it will take for those who wait, in words; empty when it cannot be said."""
        return _time_for(self.looks[-1].waiting, _shrinking(self.looks[0], self.looks[-1]))

    @property
    def left_on_average(self) -> str:
        """The same by the speed since the first look, when the last half minute saw a wait; else empty."""
        return _time_for(self.looks[-1].waiting, _shrinking(self.first or self.looks[0], self.looks[-1])) if self._stood else ""

    @property
    def _stood(self) -> bool:
        since = self.looks[0].seconds
        for before, after in pairwise(self.looks):
            if after[1:] != before[1:]:
                since = after.seconds
            elif after.seconds - since >= _A_WAIT:
                return True
        return False

    def __str__(self) -> str:
        if not self.rate:
            return ""
        return f"{self.rate:,.0f} a second" if self.rate >= 1 else f"{self.rate * _MINUTE:,.1f} a minute"


def _shrinking(begun: Look, ended: Look) -> float:
    """How many a second are tried for the first time. Whoever is deferred waits no longer, and is not settled."""
    return max(0.0, (begun.waiting - ended.waiting) / (ended.seconds - begun.seconds)) if ended.seconds > begun.seconds else 0.0


def _time_for(people: int, rate: float) -> str:
    return _duration(round(people / rate)) if people and rate else ""


def watch(look: Callable[[], Standing], *, as_json: bool = False, every: float | None = None) -> None:
    """Show what ``look`` finds, again and again, until nobody is sending. Ctrl-C ends it quietly."""
    in_place = sys.stdout.isatty() and not as_json
    wait = every if every is not None else (_EVERY if in_place else _EVERY_LINE)
    pace = Pace()
    try:
        with _in_place() if in_place else _by_line(as_json=as_json) as show:
            while True:
                begun = time.monotonic()
                standing = look()
                pace.add(begun, standing)
                show(standing, pace)
                if not standing.sending:
                    return
                time.sleep(max(wait, _SHARE * (time.monotonic() - begun)))
    except KeyboardInterrupt:
        return


@contextmanager
def _in_place() -> Iterator[Callable[[Standing, Pace], None]]:
    from rich.console import Console  # noqa: PLC0415 - 90 ms that only a terminal need pay
    from rich.live import Live  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    with Live(console=Console(), auto_refresh=False) as live:
        yield lambda standing, pace: live.update(Text("\n".join(pair_lines(_with_pace(standing, pace)))), refresh=True)


def _with_pace(standing: Standing, pace: Pace) -> Iterator[tuple[str, str]]:
    yield from as_pairs(standing)
    if standing.sending:
        yield "Speed", str(pace) or "not known yet"
        yield "Time left", _time_left(standing, pace)


def _time_left(standing: Standing, pace: Pace) -> str:
    if not standing.waiting and standing.number("deferred"):
        return "nobody waits but those who are deferred" + (f"; the next is due at {standing.due:%H:%M} UTC" if standing.due else "")
    average = f"about {pace.left_on_average} at the speed since the watch began" if pace.left_on_average else ""
    return "; ".join(filter(None, (f"about {pace.left}" if pace.left else "", average))) or "not known yet"


@contextmanager
def _by_line(*, as_json: bool) -> Iterator[Callable[[Standing, Pace], None]]:
    before = ""

    def show(standing: Standing, pace: Pace) -> None:
        nonlocal before
        line = json.dumps(as_data(standing), ensure_ascii=False) if as_json else _line(standing, pace)
        if line != before:
            typer.echo(line)
            sys.stdout.flush()
        before = line

    yield show


def _line(standing: Standing, pace: Pace) -> str:
    campaign, people = standing.campaign, sum(standing.counts.values())
    words = [f"campaign {campaign.id} {campaign.state}", f"{people - standing.unsent:,} of {people:,} done"]
    words += [
        f"{number:,} {state.replace('_', ' ')}"
        for state in ("deferred", "in_doubt", "rejected", "failed")
        if (number := standing.number(state))
    ]
    if standing.domains:
        words.append(f"most of the deferred at {standing.domains[0].domain}")
    if standing.sending:
        average = f"about {pace.left_on_average} left at the speed since the watch began" if pace.left_on_average else ""
        words += [word for word in (str(pace), f"about {pace.left} left" if pace.left else "", average) if word]
    elif campaign.state == "running":
        words.append("no process is sending it any more")
    elif campaign.reason:
        words.append(campaign.reason)
    return ", ".join(words)


def _duration(seconds: int) -> str:
    if seconds < _MINUTE:
        return f"{seconds} s"
    if seconds < _HOUR:
        return f"{seconds // _MINUTE} min {seconds % _MINUTE} s"
    return f"{seconds // _HOUR} h {seconds % _HOUR // _MINUTE} min"
