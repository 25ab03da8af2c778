"""Opening the ledger: where, how durable, and what is said when it cannot be."""

from __future__ import annotations

import os
import sqlite3
import stat
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import text

from composer.config import Database
from composer.errors import ConfigError, LedgerError
from composer.ledger import opening, sqlite
from composer.ledger.opening import ledger_exists, ledger_path, open_ledger
from composer.ledger.schema import attachments, editions
from composer.project import with_config


def _at(project, url):
    return with_config(project, database=Database(url=url))


def test_file_is_made_with_its_folder_for_its_owner_alone(project):
    """The ledger holds people's addresses: nobody else on the machine may read it."""
    os.umask(0o022)
    with open_ledger(project) as ledger, ledger.write() as connection:
        connection.execute(text("DELETE FROM campaigns"))
        files = sorted((project.root / "var").glob("newsletter.db*"))
        assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}
        assert len(files) == 3
    assert ledger_path(project) == project.root / "var" / "newsletter.db"


def test_relative_address_starts_at_the_project_not_at_the_working_directory(project, tmp_path, monkeypatch):
    """The same project has one ledger, wherever its user stands."""
    monkeypatch.chdir(tmp_path)
    assert ledger_path(_at(project, "sqlite:///data/x.db")) == project.root / "data" / "x.db"
    assert ledger_path(_at(project, f"sqlite:///{tmp_path}/y.db")) == tmp_path / "y.db"


def test_every_connection_writes_durably(project):
    """A claim must survive a power cut: WAL, synchronous FULL, foreign keys, on the second connection too."""
    with open_ledger(project) as ledger, ledger.read() as first, ledger.read() as second:
        for connection in (first, second):
            read = {name: connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in ("journal_mode", "synchronous", "foreign_keys")}
            assert read == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}
            assert connection.exec_driver_sql("PRAGMA cache_size").scalar() == -sqlite.CACHE_KIB
            assert connection.exec_driver_sql("PRAGMA busy_timeout").scalar() == opening.BUSY_SECONDS * 1000


def test_a_sqlite_that_does_not_write_durably_is_refused():
    """A build or file system that ignores the pragma must not go unnoticed."""

    class Deaf:
        isolation_level = ""

        def execute(self, statement):
            self.asked = statement
            return self

        def close(self):
            """Do nothing."""

        def fetchone(self):
            return ("delete",) if "journal" in self.asked else (1,)

    with pytest.raises(LedgerError, match="does not write durably"):
        sqlite._set_up(1024, Deaf(), None)


def test_opening_again_needs_no_alembic(project, monkeypatch):
    """Alembic costs 100 ms; a current ledger opens without it."""
    open_ledger(project).close()
    monkeypatch.setitem(sys.modules, "alembic", None)
    open_ledger(project).close()


@pytest.mark.parametrize(
    ("url", "kind", "words"),
    [
        ("mysql://host/db", LedgerError, "cannot be kept in mysql"),
        ("postgresql+psycopg2://host/db", ConfigError, "not reached through psycopg2"),
        ("postgresql://host:port/db", ConfigError, "cannot be read"),
        ("sqlite://", LedgerError, "needs a file"),
        ("sqlite:///:memory:", LedgerError, "needs a file"),
        ("no address", ConfigError, "cannot be read"),
        ("sqlite:///newsletter.toml/x.db", LedgerError, "cannot be opened"),
        ("sqlite:///.", LedgerError, "cannot be opened"),
    ],
)
def test_address_that_is_no_place_for_a_ledger(project, url, kind, words):
    """Each mistake in [database] url is one sentence with a hint."""
    with pytest.raises(kind, match=words) as caught:
        open_ledger(_at(project, url))
    assert caught.value.hint
    assert caught.value.where


@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="needs a file system that nobody may write to")
def test_read_only_folder(project):
    """A folder that may not be written is said so, before anything is tried."""
    with pytest.raises(LedgerError, match="cannot be opened") as caught:
        open_ledger(_at(project, "sqlite:////proc/newsletter.db"))
    assert "rights" in caught.value.hint


def test_file_of_something_else(project):
    """A text file at the ledger's place is left alone."""
    path = ledger_path(project)
    path.parent.mkdir()
    path.write_text("my notes, " * 200)
    with pytest.raises(LedgerError, match="not a ledger"):
        open_ledger(project)
    assert path.read_text().startswith("my notes")


def test_database_of_something_else(project):
    """Another program's database is left alone."""
    path = ledger_path(project)
    path.parent.mkdir()
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE songs (name)")
    other.close()
    with pytest.raises(LedgerError, match="not a ledger"):
        open_ledger(project)
    other = sqlite3.connect(path)
    assert other.execute("SELECT name FROM sqlite_master").fetchall() == [("songs",)]
    other.close()


def test_ledger_of_a_newer_version(any_project):
    """An old program must not write into tables it does not know."""
    with open_ledger(any_project) as ledger, ledger.write() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(LedgerError, match="newer version"):
        open_ledger(any_project)


def test_whether_there_is_a_ledger_makes_none(bare_project):
    """`status` before the first send says that nothing was sent; it leaves no file and no table behind."""
    assert not ledger_exists(bare_project)
    assert not ledger_exists(bare_project)
    open_ledger(bare_project).close()
    assert ledger_exists(bare_project)


def test_a_read_sees_one_moment(any_ledger):
    """Counts and rows of one answer agree with each other, whatever a sender commits meanwhile."""
    count = text("SELECT count(*) FROM attachments")
    with any_ledger.read() as connection:
        assert connection.execute(count).scalar() == 0
        with any_ledger.write() as other:
            other.execute(attachments.insert(), [{"sha256": "a" * 64, "data": b"x"}])
        assert connection.execute(count).scalar() == 0
    with any_ledger.read() as connection:
        assert connection.execute(count).scalar() == 1


def test_what_fails_changes_nothing(any_ledger):
    """A write is whole or not at all, whatever ended it."""
    row = {"sha256": "a" * 64, "data": b"x"}

    def write(then):
        with any_ledger.write() as connection:
            connection.execute(attachments.insert(), [row])
            then(connection)

    def interrupt(_):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write(interrupt)
    with pytest.raises(LedgerError, match="break its rules") as caught:
        write(lambda connection: connection.execute(attachments.insert(), [row]))
    assert "aaaa" not in str(caught.value)
    with any_ledger.read() as connection:
        assert connection.execute(text("SELECT count(*) FROM attachments")).scalar() == 0


def test_a_guard_keeps_writes_from_beginning(any_ledger):
    """Who has lost the right to write does not begin to, and may again when the guard is gone."""

    def no():
        raise LedgerError("not now")

    with any_ledger.guarded(no):
        with pytest.raises(LedgerError, match="not now"), any_ledger.write():
            pytest.fail("the write began")
        with any_ledger.read() as connection:
            assert connection.execute(text("SELECT 1")).scalar() == 1
    with any_ledger.write() as connection:
        connection.execute(attachments.insert(), [{"sha256": "a" * 64, "data": b"x"}])


def test_damaged_ledger(project):
    """Damage is named and the file kept: it knows who was mailed."""
    with open_ledger(project) as ledger, ledger.write() as connection:
        connection.execute(text("DELETE FROM campaigns"))
    path = ledger_path(project)
    data = bytearray(path.read_bytes())
    data[100:] = b"\xff" * (len(data) - 100)
    path.write_bytes(data)
    with pytest.raises(LedgerError) as caught:
        open_ledger(project)
    assert "damaged" in caught.value.message or "not a ledger" in caught.value.message


def test_locked_by_another_process(project):
    """A writer that does not end becomes one sentence, after the wait."""
    open_ledger(project).close()
    other = sqlite3.connect(ledger_path(project), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with open_ledger(project, busy_seconds=0.05) as ledger:
        with pytest.raises(LedgerError, match="locked by another process") as caught, ledger.write():
            pass
        with ledger.read() as connection:
            assert connection.execute(text("SELECT count(*) FROM campaigns")).scalar() == 0
    assert "Wait" in caught.value.hint
    other.close()


def test_full_disk_changes_nothing(project):
    """SQLite's own word for a full disk becomes ours, and the transaction is undone."""
    with open_ledger(project) as ledger:
        fill = text("INSERT INTO attachments VALUES (:sha, zeroblob(1000000))")
        with ledger.read() as connection:
            connection.exec_driver_sql("PRAGMA max_page_count = 60")
        with pytest.raises(LedgerError, match="disk is full"), ledger.write() as connection:
            connection.execute(fill, {"sha": "a" * 64})
        with ledger.read() as connection:
            assert connection.execute(text("SELECT count(*) FROM attachments")).scalar() == 0


def test_a_writer_that_read_first_is_not_turned_away(project):
    """A write takes the lock when it begins, so two writers queue instead of one failing half way."""
    with open_ledger(project) as ledger, open_ledger(project, busy_seconds=0.05) as other, ledger.write() as connection:
        connection.execute(text("SELECT 1"))
        with pytest.raises(LedgerError, match="locked"), other.write():
            pass


def test_no_database_error_leaves_untranslated(any_ledger):
    """Even a mistake in SQL is a LedgerError with the ledger's name, one line long."""
    with pytest.raises(LedgerError, match="cannot be used") as caught, any_ledger.read() as connection:
        connection.execute(text("SELECT nothing FROM nowhere"))
    assert str(caught.value.where) == any_ledger.name
    assert "\n" not in str(caught.value)


def test_times_come_back_as_they_were(any_ledger):
    """SQLite keeps no zone, PostgreSQL answers in the server's; what is read is in UTC and the same moment."""
    moment = datetime.fromisoformat("2026-01-15T10:00:00.123456+02:00")
    row = {"digest": "d", "payload": {}, "created_at": moment}
    with any_ledger.write() as connection:
        connection.execute(editions.insert(), [row])
    with any_ledger.read() as connection:
        read = connection.execute(editions.select()).one().created_at
    assert read == moment
    assert read.tzinfo is UTC


@pytest.mark.parametrize("name", ["q?a", "100% odd", "a%20b", "#1", "x&mode=ro", "a:b@c", "naïve"])
def test_the_ledger_lies_where_it_should_whatever_the_folder_is_called(project, name):
    """A folder's name is no part of an address: the file is in it, and nowhere else."""
    odd = replace(project, root=project.root / "projects" / name)
    odd.root.mkdir(parents=True)
    with open_ledger(odd) as ledger, ledger.write() as connection:
        assert ledger.name == "var/newsletter.db"
        connection.execute(text("DELETE FROM campaigns"))
    assert ledger_path(odd).stat().st_size > 0
    assert [path.name for path in odd.root.parent.iterdir()] == [name]
