"""The ledger in a process of its own: the same answers, the same errors, and no life of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from functools import partial

import pytest
from sqlalchemy import select, text

from composer.errors import LedgerError, UsageError
from composer.ledger import apart
from composer.ledger.apart import exchanging
from composer.ledger.campaigns import count_states, start_campaign
from composer.ledger.deliveries import record_and_claim, settle_orphans
from composer.ledger.lock import hold_campaign
from composer.ledger.model import Claimed, DeliveryState, Reason, Result
from composer.ledger.opening import ledger_path, open_ledger
from composer.ledger.schema import attempts, deliveries
from composer.ledger.suppressions import Suppression, suppress
from composer.testing import FakeClock, an_audience, an_edition

NOW = FakeClock().now
DIES = "import time; time.sleep(0.2); raise SystemExit(3)"
HOLD = """
import sys, time
from pathlib import Path
from composer.ledger.apart import exchanging
from composer.ledger.lock import hold_campaign
from composer.ledger.opening import ledger_path, open_ledger
from composer.project import find
project = find(Path(sys.argv[1]), exact=True)
with open_ledger(project) as ledger, hold_campaign(project, ledger, 1) as lock:
    with exchanging(ledger_path(project), ledger.name, 1, lock, 5.0) as exchange:
        from datetime import UTC, datetime
        exchange((), 2, datetime.now(UTC))
        print("held", flush=True)
        time.sleep(60)
"""


@pytest.fixture
def file_ledger(sqlite_project):
    """A ledger in a file: only that is kept apart."""
    with open_ledger(sqlite_project) as ledger:
        yield ledger


@pytest.fixture
def campaign(file_ledger):
    """A real campaign of five people."""
    return start_campaign(file_ledger, an_edition(), an_audience(5), transport="memory", real=True, setting={}, now=NOW)


@pytest.fixture
def exchange(sqlite_project, file_ledger, campaign):
    """The exchange with the ledger in another process."""
    with (
        hold_campaign(sqlite_project, file_ledger, campaign) as lock,
        exchanging(ledger_path(sqlite_project), file_ledger.name, campaign, lock, 5.0) as answer,
    ):
        yield answer


def test_claims_and_records_as_the_ledger_does(file_ledger, campaign, exchange):
    """Whoever sends must not see a difference: not in the rows, not in what is written."""
    first = exchange((), 2, NOW)
    assert [row.position for row in first.rows] == [1, 2]
    assert isinstance(first.rows[0], Claimed)
    assert first.rows[0].fields == {"first_name": "P1"}
    results = [Result(first.rows[0], "accepted", "accepted", "202"), Result(first.rows[1], "rejected", "rejected", "no")]
    second = exchange(results, 2, NOW)
    assert [row.position for row in second.rows] == [3, 4]
    assert count_states(file_ledger, campaign) == {"accepted": 1, "rejected": 1, "sending": 2, "pending": 1}
    with file_ledger.read() as connection:
        said = connection.execute(select(attempts.c.position, attempts.c.outcome, attempts.c.answer, attempts.c.started_at)).all()
    assert [tuple(row) for row in said] == [(1, "accepted", "202", NOW), (2, "rejected", "no", NOW)]


def test_who_was_suppressed_meanwhile_is_skipped(file_ledger, campaign, exchange):
    """The claim in the other process sees what this one wrote."""
    with file_ledger.read() as connection:
        key = connection.execute(select(deliveries.c.address_key).where(deliveries.c.position == 2)).scalar()
    suppress(file_ledger, [Suppression(key, "", Reason.COMPLAINT)], NOW)
    batch = exchange((), 5, NOW)
    assert ([row.position for row in batch.rows], batch.skipped) == ([1, 3, 4, 5], 1)


def test_errors_come_back_as_they_are(file_ledger, campaign, exchange):
    """An outcome for what nobody sends is refused whole, and the process goes on."""
    rows = exchange((), 1, NOW).rows
    settle_orphans(file_ledger, campaign, DeliveryState.IN_DOUBT, "lost", NOW)
    with pytest.raises(LedgerError, match="nobody was sending"):
        exchange([Result(rows[0], "accepted", "accepted")], 1, NOW)
    assert [row.position for row in exchange((), 1, NOW).rows] == [2]


def test_a_locked_ledger_is_told(sqlite_project, file_ledger, campaign):
    """Another writer that does not end is an error with a hint, not a traceback of another process."""
    with (
        hold_campaign(sqlite_project, file_ledger, campaign) as lock,
        exchanging(ledger_path(sqlite_project), file_ledger.name, campaign, lock, 0.2) as exchange,
        file_ledger.write() as connection,
    ):
        connection.execute(text("UPDATE campaigns SET reason = 'x'"))
        with pytest.raises(LedgerError, match="locked by another process"):
            exchange((), 1, NOW)


def test_a_process_that_dies_is_told(sqlite_project, file_ledger, campaign):
    """What was told it last may be written or not: the sender stops, and the next run finds out."""
    with (
        hold_campaign(sqlite_project, file_ledger, campaign) as lock,
        exchanging(ledger_path(sqlite_project), file_ledger.name, campaign, lock, 5.0) as exchange,
    ):
        exchange((), 1, NOW)
        (number,) = _children()
        os.kill(number, signal.SIGKILL)
        with pytest.raises(LedgerError, match="has ended"):
            exchange((), 1, NOW)


def test_until_it_is_ready_the_ledger_is_asked_here(sqlite_project, file_ledger, campaign):
    """It takes half a second to start: nobody waits for it, and whoever was claimed here is recorded there."""
    here = []

    def meanwhile(results, most, now):
        here.append(len(results))
        return record_and_claim(file_ledger, campaign, results, most, now)

    with (
        hold_campaign(sqlite_project, file_ledger, campaign) as lock,
        exchanging(ledger_path(sqlite_project), file_ledger.name, campaign, lock, 5.0, meanwhile=meanwhile) as exchange,
    ):
        rows = exchange((), 2, NOW).rows
        assert here == [0]
        results = [Result(row, "accepted", "accepted") for row in rows]
        end = time.monotonic() + 20
        while here and time.monotonic() < end:
            here.clear()
            time.sleep(0.05)
            exchange((), 0, NOW)
        assert not here
        assert len(exchange(results, 3, NOW).rows) == 3
        assert not here
    assert count_states(file_ledger, campaign) == {"accepted": 2, "sending": 3}


def test_one_that_dies_before_it_is_ready_is_told(sqlite_project, file_ledger, campaign, monkeypatch):
    """A broken installation ends the run with a sentence; the ledger here does not do the work of both for ever."""
    monkeypatch.setattr(apart, "_PROGRAM", DIES)
    here = partial(record_and_claim, file_ledger, campaign)
    with (
        hold_campaign(sqlite_project, file_ledger, campaign) as lock,
        exchanging(ledger_path(sqlite_project), file_ledger.name, campaign, lock, 5.0, meanwhile=here) as exchange,
    ):
        while _children():
            time.sleep(0.05)
        with pytest.raises(LedgerError, match="has ended"):
            exchange((), 0, NOW)


def test_it_ends_with_the_one_it_works_for(sqlite_project, file_ledger, campaign):
    """A sender that is killed leaves nobody behind who writes, and until then nobody else has the campaign."""
    with subprocess.Popen([sys.executable, "-c", HOLD, str(sqlite_project.root)], stdout=subprocess.PIPE, text=True) as sender:
        assert sender.stdout.readline() == "held\n"
        (keeper,) = _children(sender.pid)
        os.kill(keeper, signal.SIGSTOP)
        sender.kill()
    with pytest.raises(UsageError, match="another process"), hold_campaign(sqlite_project, file_ledger, campaign):
        pass
    os.kill(keeper, signal.SIGCONT)
    with hold_campaign(sqlite_project, file_ledger, campaign, tries=100):
        assert not _alive(keeper)
    assert count_states(file_ledger, campaign)["sending"] == 2


def test_an_interrupt_of_the_terminal_is_not_for_it(exchange):
    """Ctrl-C goes to all of the terminal, a service's end to all its processes; the answers that come after it have to be written."""
    assert len(exchange((), 1, NOW).rows) == 1
    (number,) = _children()
    assert os.getsid(number) != os.getsid(0)
    os.kill(number, signal.SIGTERM)
    assert len(exchange((), 1, NOW).rows) == 1


def _children(parent=0):
    listed = subprocess.run(
        ["ps", "-ww", "-o", "pid=,args=", "--ppid", str(parent or os.getpid())], capture_output=True, text=True, check=False
    )
    return [int(line.split()[0]) for line in listed.stdout.splitlines() if "composer.ledger.apart" in line or DIES in line]


def _alive(number):
    for _ in range(50):
        listed = subprocess.run(["ps", "-o", "stat=", "-p", str(number)], capture_output=True, text=True, check=False).stdout.strip()
        if not listed or listed.startswith("Z"):
            return False
        time.sleep(0.1)
    return True
