"""The sender dies at every step of a campaign and is resumed: nobody is lost, nobody is mailed twice.

This file is also the program that dies: it waits for orders on stdin, forks for each, and the child is killed with
SIGKILL when it comes to the step it was told. What was "really" mailed is a journal, flushed to disk a line a message.
"""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import traceback
from collections import Counter
from email import message_from_bytes, policy
from pathlib import Path

import pytest

PEOPLE, BATCH = 30, 10
LOOP = ("claim", "claimed", "built", "sent", "recorded")
BATCHES = PEOPLE // BATCH
# A step is a name and which time it comes by; a run with nobody left claims once more and finds nothing.
STEPS = [("recover", 1), ("run", 1), ("finish", 1), *((step, number) for step in LOOP for number in range(1, BATCHES + 1))]
STEPS += [("claim", BATCHES + 1), ("claimed", BATCHES + 1)]
# Inside a transaction, everything written and nothing committed: settling, running, each record with the next claim, giving up, the end.
STEPS += [("commit", number) for number in range(1, 2 + BATCHES + 1 + 2 + 1)]
MAILED = [("mailed", number) for number in (1, 5, BATCH, BATCH + 1, 2 * BATCH + 3)]
# Flushing a file (it is there under its other name) and, once a batch, the folder.
WRITTEN = [("flush", number) for number in (1, 5, BATCH, BATCH + 1, BATCH + 2, PEOPLE + BATCHES)]
# An answer is recorded with the next claim, in one commit: before it that batch is in flight, after it the next one is.
IN_FLIGHT = {"claim", "claimed", "built", "sent", "mailed", "commit", "recorded"}
DEAD = -signal.SIGKILL


# ---- the program that dies -------------------------------------------------------------------------------------


class Death:
    """Kills this process when a step comes by for the given time."""

    def __init__(self, step, number):
        self.step, self.left = step, number

    def __call__(self, step):
        self.left -= step == self.step
        if step == self.step and self.left == 0:
            os.kill(os.getpid(), signal.SIGKILL)


class Journal:
    """A real transport: a message counts as mailed when its line is on disk."""

    name, real, idempotent, lanes, batch, ahead, direct = "journal", True, False, 1, 0, False, False

    def __init__(self, path, death):
        self.path, self.death = path, death

    def send(self, batch):
        from composer.transport.base import Accepted

        with self.path.open("a") as file:
            for message in batch:
                file.write(f"{message.email} {message.delivery_id}\n")
                file.flush()
                os.fsync(file.fileno())
                self.death("mailed")
        return [Accepted() for _ in batch]

    def interrupt(self):
        """It never waits."""

    def close(self):
        """Nothing is held."""


def sender(root, action, transport, step, number):
    """Begin or run the campaign of a project until it is done, or dead."""
    from datetime import UTC, datetime

    from sqlalchemy import event

    from composer.config import Delivery
    from composer.delivery.campaign import run
    from composer.delivery.sending import Watch
    from composer.ledger.campaigns import read_campaign, start_campaign
    from composer.ledger.opening import open_ledger
    from composer.project import find, with_config
    from composer.testing import an_audience, an_edition
    from composer.transport import outbox, registry

    death = Death(step, number)
    project = with_config(find(Path(root), exact=True), delivery=Delivery(batch=BATCH))
    journal = Journal(project.root / "journal", death)
    registry.WAYS_OUT["journal"] = registry.WayOut(real=True, place=lambda *_: "", opener=lambda *_: journal)
    fsync = os.fsync
    outbox.os.fsync = lambda descriptor: (death("flush"), fsync(descriptor))
    with open_ledger(project) as ledger:
        event.listen(ledger._engine, "commit", lambda _: death("commit"))
        if action == "begin":
            real = registry.way_out(transport).real
            start_campaign(ledger, an_edition(), an_audience(PEOPLE), transport=transport, real=real, setting={}, now=datetime.now(UTC))
        else:
            run(project, ledger, read_campaign(ledger), clock=lambda: datetime.now(UTC), watch=Watch(probe=death))


def serve():
    """Fork for every order, a JSON list a line; answer with how the child ended."""
    # Loaded once, before any fork.
    import alembic.command  # noqa: F401
    import sqlalchemy.dialects.sqlite  # noqa: F401

    import composer.delivery.campaign
    import composer.ledger.migrations
    import composer.testing  # noqa: F401

    for line in sys.stdin:
        child = os.fork()
        if not child:
            try:
                sender(*json.loads(line))
                os._exit(0)
            finally:
                traceback.print_exc()
                os._exit(9)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])}\n")
        sys.stdout.flush()


# ---- the tests -------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def program():
    """Start the program once; importing what it needs takes longer than most of its lives."""
    process = subprocess.Popen([sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    yield process
    process.stdin.close()
    process.wait()
    process.stdout.close()


@pytest.fixture
def live(program, project):
    """Return a function that lives one life of the program in this test's project and says how it ended."""

    def live(action, transport="journal", step="", number=0):
        program.stdin.write(json.dumps([str(project.root), action, transport, step, number]) + "\n")
        program.stdin.flush()
        return int(program.stdout.readline())

    return live


def _states(project):
    ledger = sqlite3.connect(project.var / "newsletter.db")
    states = dict(ledger.execute("SELECT email, state FROM deliveries"))
    campaign = ledger.execute("SELECT state FROM campaigns").fetchall()
    untold = ledger.execute(
        "SELECT count(*) FROM deliveries d WHERE attempts != (SELECT count(*) FROM attempts a WHERE a.campaign = d.campaign AND a.position = d.position)"
    ).fetchone()[0]
    ledger.close()
    return states, campaign, untold


def _everybody():
    return {f"person{number}@example.com" for number in range(1, PEOPLE + 1)}


def _mailed(project):
    path = project.root / "journal"
    return [line.split()[0] for line in path.read_text().splitlines()] if path.exists() else []


@pytest.mark.parametrize(("step", "number"), [*STEPS, *MAILED])
def test_real_mail_is_never_lost_and_never_doubled(project, live, step, number):
    """After a resume each person was mailed once, or is in doubt; in doubt is at most the batch that was in flight."""
    assert live("begin") == 0
    assert live("run", step=step, number=number) == DEAD
    assert live("run") == 0
    states, campaign, untold = _states(project)
    mailed = Counter(_mailed(project))
    doubt = {email for email, state in states.items() if state == "in_doubt"}
    assert set(states) == _everybody()
    assert set(states.values()) <= {"accepted", "in_doubt"}
    assert set(mailed.values()) <= {1}
    assert {email for email, state in states.items() if state == "accepted"} <= set(mailed)
    assert set(mailed) | doubt == _everybody()
    assert len(doubt) in ({0, BATCH} if step in IN_FLIGHT else {0})
    assert campaign == [("paused",)] if doubt else [("finished",)]
    assert untold == 0


@pytest.mark.parametrize(("step", "number"), [("claimed", 2), ("sent", 1), ("mailed", 5)])
def test_death_in_flight_is_doubt(project, live, step, number):
    """The claim was on disk and the answer was not: exactly that batch is in doubt, and stays so."""
    live("begin")
    live("run", step=step, number=number)
    for _ in range(2):
        assert live("run") == 0
        assert Counter(_states(project)[0].values()) == {"accepted": PEOPLE - BATCH, "in_doubt": BATCH}


@pytest.mark.parametrize(("step", "number"), [*STEPS, *WRITTEN])
def test_the_outbox_has_one_whole_file_for_everybody(project, live, step, number):
    """A rehearsal has no doubt: what was in flight is written again over itself."""
    assert live("begin", "outbox") == 0
    assert live("run", "outbox", step, number) == DEAD
    # A file that has its name is whole, at every moment.
    for path in project.root.glob("outbox/**/*.eml"):
        assert path.read_bytes().endswith(b"--\r\n")
    assert live("run", "outbox") == 0
    states, campaign, untold = _states(project)
    assert states == dict.fromkeys(_everybody(), "accepted")
    assert campaign == [("finished",)]
    assert untold == 0
    (folder,) = project.root.glob("outbox/2026-01/*")
    files = sorted(folder.iterdir())
    addressed = [message_from_bytes(path.read_bytes(), policy=policy.default)["To"].addresses[0].addr_spec for path in files]
    assert addressed == [f"person{number}@example.com" for number in range(1, PEOPLE + 1)]


def test_death_while_the_campaign_is_written_leaves_none(project, live):
    """Either every row is there before the first is sent, or there is no campaign."""
    assert live("begin", step="commit", number=1) == DEAD
    ledger = sqlite3.connect(project.var / "newsletter.db")
    assert [
        ledger.execute(f"SELECT count(*) FROM {table}").fetchone()  # noqa: S608 - our own names
        for table in ("editions", "campaigns", "deliveries")
    ] == [(0,)] * 3
    ledger.close()
    assert live("begin") == 0
    assert live("run") == 0
    assert Counter(_mailed(project)) == dict.fromkeys(_everybody(), 1)


def test_many_deaths_in_one_campaign(project, live):
    """Each life may end anywhere; in the end the sums are right."""
    assert live("begin") == 0
    lives = [("mailed", 3), ("sent", 1), ("recorded", 1)]
    assert [live("run", step=step, number=number) for step, number in lives] == [DEAD] * 3
    assert live("run") == 0
    states = _states(project)[0]
    assert Counter(states.values()) == {"in_doubt": 2 * BATCH, "accepted": BATCH}
    assert max(Counter(_mailed(project)).values()) == 1


def test_a_step_that_never_comes_kills_nobody(project, live):
    """The tests above mean something only if a life without a death ends by itself."""
    live("begin")
    assert live("run", step="sent", number=BATCHES + 1) == 0
    assert Counter(_states(project)[0].values()) == {"accepted": PEOPLE}


if __name__ == "__main__":
    serve()
