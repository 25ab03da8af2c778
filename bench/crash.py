"""Kills the sender again and again while it sends, resumes it each time, and counts who was lost or mailed twice: nobody may be.

`tests/crash` runs one round of it for each transport; this runs as many as there is time for. Exit code 1 when a promise is broken.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from accounts import Account, account, begin_campaign, make_project
from processes import DEAD, Double, Sender, waiting

from composer.project import Project

# A kill comes at a random moment up to so many seconds after the message that it waited for.
_AFTER = 0.005


@dataclass(frozen=True, slots=True)
class Round:
    """One campaign that was killed ``kills`` times; ``endings`` are the exit codes of the last two runs."""

    account: Account
    kills: int
    in_flight: int
    endings: tuple[int, int]
    seconds: float

    @property
    def faults(self) -> list[str]:
        """What of the promise is broken, in lines."""
        found = self.account.faults(self.kills * self.in_flight)
        expected = (3, 3) if self.account.who("in_doubt") else (0, 2)
        return found + ([] if self.endings == expected else [f"the last runs ended with {self.endings}, not {expected}"])


def moments(people: int, kills: int, in_flight: int, chance: random.Random) -> list[int]:
    """Choose before which of the messages to kill: all over the campaign, but before those whom every kill may bring into doubt."""
    sure = people - (kills + 2) * in_flight
    if sure < kills:
        raise ValueError(f"{people} people are too few for {kills} kills with {in_flight} in flight")
    return sorted(chance.sample(range(1, sure + 1), kills))


def ordeal(project: Project, double: Double, sender: Sender, *, people: int, kills: int, seed: int) -> Round:
    """Send to so many people, killed so many times. Raises RuntimeError when a sender ends before it is killed."""
    chance = random.Random(seed)  # noqa: S311 - the same moments for the same seed
    started, before = time.monotonic(), double.taken
    in_flight = flight(project)
    campaign = begin_campaign(project, people)
    for moment in moments(people, kills, in_flight, chance):
        sender.begin(project.root, campaign)
        goal = max(before + moment, double.taken + 1)
        with waiting(f"message {goal}") as again:
            while double.taken < goal and not sender.ended:
                again()
        time.sleep(chance.random() * _AFTER)
        if (code := sender.kill()) != DEAD:
            raise RuntimeError(f"the sender ended with {code} before it was killed, at message {double.taken}")
    endings = sender.run(project.root, campaign), sender.run(project.root, campaign)
    return Round(account(project, double, campaign), kills, in_flight, endings, time.monotonic() - started)


def flight(project: Project) -> int:
    """Return how many messages may be in flight at one moment."""
    if project.config.delivery.transport == "smtp":
        return project.config.transport.smtp.connections
    return project.config.transport.sendgrid.threads * project.config.transport.sendgrid.people_per_request


def show(kind: str, seed: int, done: Round) -> bool:
    """Print a round in a line, and what was wrong; True when nothing was."""
    counts = f"{len(done.account.who('accepted')):,} accepted, {len(done.account.who('in_doubt')):,} in doubt"
    print(f"{kind:8}  seed {seed}: {done.kills} kills, {counts}  ({done.seconds:.1f} s)  {'FAILED' if done.faults else 'ok'}", flush=True)
    for fault in done.faults:
        print(f"          {fault}", flush=True)
    return not done.faults


def main(arguments: Sequence[str] | None = None) -> int:
    """Run rounds until the time is over, at least one for each transport."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=20_000)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1, help="of the first round; each later one has the next")
    parser.add_argument("--transport", action="append", choices=("sendgrid", "smtp"), help="may be repeated; default: both")
    parser.add_argument("--seconds", type=float, default=0.0, help="begin no round after so many; 0: one each")
    given = parser.parse_args(arguments)
    end, seed, well = time.monotonic() + given.seconds, given.seed, True
    with Sender() as sender:
        while True:
            for kind in given.transport or ("sendgrid", "smtp"):
                with tempfile.TemporaryDirectory() as name, Double(kind, Path(name)) as double:
                    project = make_project(Path(name) / "project", double)
                    done = ordeal(project, double, sender, people=given.people, kills=given.kills, seed=seed)
                well = show(kind, seed, done) and well
            seed += 1
            if time.monotonic() >= end:
                return int(not well)


if __name__ == "__main__":
    sys.exit(main())
