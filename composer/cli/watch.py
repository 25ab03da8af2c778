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
from typing import TYPE_CHECKING

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


@dataclass(slots=True)
class Pace:
    """How fast a campaign goes: what was settled within the last half minute, as far as it was looked at."""

    looks: deque[tuple[float, int]] = field(default_factory=deque)
    waiting: int = 0

    def add(self, seconds: float, standing: Standing) -> None:
        """Take in a look at ``seconds`` of any steady clock."""
        self.waiting = standing.number("pending", "sending")
        self.looks.append((seconds, sum(standing.counts.values()) - standing.unsent))
        while seconds - self.looks[0][0] > _WINDOW:
            self.looks.popleft()

    @property
    def rate(self) -> float:
        """Deliveries a second; 0 when nothing is known yet."""
        (begun, before), (ended, after) = self.looks[0], self.looks[-1]
        return max(0.0, (after - before) / (ended - begun)) if ended > begun else 0.0

    @property
    def left(self) -> str:
        """How long it will take for those who wait, in words; empty when it cannot be said."""
        return _duration(round(self.waiting / self.rate)) if self.rate and self.waiting else ""

    def __str__(self) -> str:
        if not self.rate:
            return ""
        return f"{self.rate:,.0f} a second" if self.rate >= 1 else f"{self.rate * _MINUTE:,.1f} a minute"


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
        yield "Time left", f"about {pace.left}" if pace.left else "not known yet"


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
    if standing.sending:
        words += [word for word in (str(pace), f"about {pace.left} left" if pace.left else "") if word]
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
