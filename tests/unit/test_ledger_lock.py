"""One process a campaign, on either database and however that process ends."""

from __future__ import annotations

import errno
import subprocess
import sys
import time
from contextlib import ExitStack
from types import SimpleNamespace

import pytest
from sqlalchemy import text

from composer.config import Database
from composer.errors import LedgerError, UsageError
from composer.ledger import lock
from composer.ledger.lock import hold, hold_campaign, lock_path
from composer.ledger.opening import open_ledger
from composer.project import with_config

_HOLDER = (
    "import sys, time; from pathlib import Path; from composer.project import find; from composer.ledger.opening import open_ledger;"
    "from composer.ledger.lock import hold_campaign; project = find(Path(sys.argv[1]), exact=True);\n"
    "with open_ledger(project) as ledger, hold_campaign(project, ledger, 1):\n  print('held', flush=True); time.sleep(60)"
)


def _cut_lock(ledger):
    """Cut the connection that holds a lock, and that one alone."""
    holder = "SELECT pg_terminate_backend(pid) FROM pg_locks JOIN pg_database d ON d.oid = database"
    with ledger.session() as connection:
        connection.execute(text(f"{holder} WHERE locktype = 'advisory' AND d.datname = current_database()"))


def test_another_process_is_refused_and_its_death_frees(any_project, any_ledger):
    """A killed sender blocks nobody: the lock goes with its holder however that ends."""
    other = subprocess.Popen([sys.executable, "-c", _HOLDER, str(any_project.root)], stdout=subprocess.PIPE)
    assert other.stdout.readline() == b"held\n"
    with pytest.raises(UsageError, match="another process is sending this campaign") as caught, hold_campaign(any_project, any_ledger, 1):
        pytest.fail("two have it")
    assert "status" in caught.value.hint
    with hold_campaign(any_project, any_ledger, 2):
        pass
    other.kill()
    other.wait()
    other.stdout.close()
    for _ in range(100):
        try:
            with hold_campaign(any_project, any_ledger, 1):
                return
        except UsageError:
            time.sleep(0.02)
    pytest.fail("the lock of a dead process is still held")


def test_it_is_free_after_the_block_and_after_an_error(any_project, any_ledger):
    """Whoever holds it can give it back, and take it again in the same process, but not twice at once."""
    with pytest.raises(KeyboardInterrupt), hold_campaign(any_project, any_ledger, 1):
        raise KeyboardInterrupt
    for _ in range(2):
        with open_ledger(any_project) as other, hold_campaign(any_project, any_ledger, 1):
            with pytest.raises(UsageError), hold_campaign(any_project, other, 1):
                pytest.fail("two have it")
            with any_ledger.write() as connection:
                connection.execute(text("DELETE FROM campaigns"))


def test_a_short_look_of_another_refuses_nobody(any_project, any_ledger, monkeypatch):
    """`newsletter status` takes the lock for a moment to see whether a campaign is being sent: a send beside it goes on."""
    waits = []

    def wait(seconds):
        waits.append(seconds)
        if len(waits) == 2:
            look.close()

    monkeypatch.setattr(lock, "time", SimpleNamespace(sleep=wait))
    with open_ledger(any_project) as other, ExitStack() as look:
        look.enter_context(hold_campaign(any_project, other, 1))
        with hold_campaign(any_project, any_ledger, 1):
            assert waits == [0.05, 0.05]
        look.enter_context(hold_campaign(any_project, other, 1))
        with pytest.raises(UsageError), hold_campaign(any_project, any_ledger, 1):
            pytest.fail("two have it")
        assert len(waits) == 4


def test_a_lost_lock_stops_the_writing(postgres_project, postgres_ledger):
    """When the connection with the lock is cut, another process may hold the campaign: this one must not claim any more."""

    def write():
        with postgres_ledger.write() as connection:
            connection.execute(text("DELETE FROM campaigns"))

    def hold():
        with hold_campaign(postgres_project, postgres_ledger, 1):
            write()
            held.append("and could write")
            _cut_lock(postgres_ledger)
            for _ in range(100):
                write()
                time.sleep(0.02)

    held = []
    with pytest.raises(LedgerError, match="kept other processes away") as caught:
        hold()
    assert held
    assert "resume" in caught.value.hint
    write()


def test_holding_leaves_no_connection_behind(postgres_project, postgres_ledger):
    """The lock's connection is closed with its block: a pool that kept it would keep the lock."""
    asked = text("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()")
    for number in range(20):
        with hold_campaign(postgres_project, postgres_ledger, number):
            pass
    time.sleep(0.1)
    with postgres_ledger.read() as connection:
        assert connection.execute(asked).scalar() <= 3


def test_ledgers_of_two_schemas_do_not_share_locks(postgres_project, postgres_ledger):
    """Two newsletters may keep their ledgers in one database, each in a schema of its own."""
    with postgres_ledger.write() as connection:
        connection.execute(text("CREATE SCHEMA other"))
    url = f"{postgres_project.config.database.url}&options=-csearch_path%3Dother"
    other = with_config(postgres_project, database=Database(url=url))
    with open_ledger(other) as second, hold_campaign(postgres_project, postgres_ledger, 1), hold_campaign(other, second, 1):
        counts = text("SELECT count(*) FROM other.campaigns")
        with second.read() as connection:
            assert connection.execute(counts).scalar() == 0


def test_the_lock_file_lies_beside_the_ledger(project):
    """Projects that share a ledger share its locks."""
    assert lock_path(project, 7) == project.var / "newsletter.db-campaign-7.lock"


def test_a_file_system_without_locks_is_no_other_process(project, monkeypatch):
    """Waiting for a process that is not there would be for ever."""

    def no_locks(*_):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(lock.fcntl, "flock", no_locks)
    with pytest.raises(LedgerError, match="No locks available") as caught, hold(lock_path(project, 1)):
        pass
    assert "[database] url" in caught.value.hint


def test_lock_that_cannot_be_made(project):
    """A file where the folder should be is said so."""
    project.var.write_text("in the way")
    with pytest.raises(LedgerError, match="cannot lock"), hold(lock_path(project, 1)):
        pass
