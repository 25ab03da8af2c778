"""A ledger in PostgreSQL: how it is reached, how durably it writes, and what is said when it cannot be."""

from __future__ import annotations

import re
import socket
import sys
from pathlib import Path
from threading import Thread
from types import SimpleNamespace

import psycopg
import pytest
from sqlalchemy import make_url, text

from composer.config import Config, Database
from composer.errors import LedgerError
from composer.ledger import postgresql
from composer.ledger.bulk import insert_rows
from composer.ledger.campaigns import count_states, start_campaign
from composer.ledger.checking import check_ledger
from composer.ledger.deliveries import claim
from composer.ledger.opening import ledger_exists, ledger_path, open_ledger
from composer.ledger.schema import attachments
from composer.project import Project, with_config
from composer.testing import FakeClock, an_audience, an_edition

NOW = FakeClock().now


def _at(project, url):
    return with_config(project, database=Database(url=url))


def _said(project, url):
    """Give what is said when a ledger at ``url`` is opened."""
    with pytest.raises(LedgerError) as caught:
        open_ledger(_at(project, url), busy_seconds=0.2)
    return caught.value


def _setting(connection, name):
    return connection.execute(text("SELECT current_setting(:name)"), {"name": name}).scalar()


def _name(url):
    return make_url(url).database


@pytest.fixture
def at_postgres(project, postgres_url):
    return _at(project, postgres_url)


def test_both_spellings_and_the_driver_named(postgres_url, project):
    """Addresses are copied from where they stand: hosting services write postgres://, SQLAlchemy postgresql+psycopg://."""
    for scheme in ("postgres://", "postgresql://", "postgresql+psycopg://"):
        with open_ledger(_at(project, postgres_url.replace("postgresql://", scheme))) as ledger:
            assert ledger.dialect == "postgresql"
            assert ledger.name == f"postgresql://postgres@/{_name(postgres_url)}"


def test_it_is_no_file(at_postgres):
    """What wants a path is told that there is none, and nothing is made in the project."""
    with pytest.raises(LedgerError, match="not in a file"):
        ledger_path(at_postgres)
    open_ledger(at_postgres).close()
    assert not at_postgres.var.exists()


def test_every_connection_is_set_up(at_postgres, postgres, postgres_url):
    """A claim waits for the disk though the database says otherwise; times are UTC; nothing waits for ever."""
    postgres.run(f"ALTER DATABASE {_name(postgres_url)} SET synchronous_commit = off")
    with open_ledger(at_postgres) as ledger, ledger.read() as first, ledger.write() as second:
        for connection in (first, second):
            assert _setting(connection, "synchronous_commit") == "on"
            assert _setting(connection, "TimeZone") == "UTC"
            assert _setting(connection, "lock_timeout") == "30s"
            assert _setting(connection, "statement_timeout") == _setting(connection, "idle_in_transaction_session_timeout") == "10min"
        assert _setting(first, "transaction_isolation") == "repeatable read"
        assert _setting(second, "transaction_isolation") == "read committed"


@pytest.mark.parametrize("kept", ["remote_apply", "local"])
def test_a_server_that_waits_for_more_keeps_its_ways(at_postgres, postgres, postgres_url, kept):
    """Only a commit that waits for no disk is corrected."""
    postgres.run(f"ALTER DATABASE {_name(postgres_url)} SET synchronous_commit = {kept}")
    with open_ledger(at_postgres) as ledger, ledger.read() as connection:
        assert _setting(connection, "synchronous_commit") == kept


def test_password_by_tcp_and_wrong_password(project, postgres, postgres_url):
    """The password is used, and stands in no message, no name and no configuration that is shown."""
    name = _name(postgres_url)
    right = _at(project, postgres.url(name, host=True))
    with open_ledger(right) as ledger:
        assert ledger.name == f"postgresql://postgres@127.0.0.1:{postgres.port}/{name}"
    assert postgres.password not in repr(right.config)
    wrong = _said(project, postgres.url(name, host=True, password="hunter2"))
    assert "does not let this user in" in wrong.message
    assert "hunter2" not in f"{wrong} {wrong.hint} {wrong.where}"


def test_the_password_may_stand_where_libpq_looks(project, postgres, postgres_url, tmp_path, monkeypatch):
    """PGPASSWORD and .pgpass work as in every other program."""
    bare = _at(project, postgres.url(_name(postgres_url), host=True).replace(f":{postgres.password}@", "@"))
    monkeypatch.delenv("PGPASSWORD", raising=False)
    monkeypatch.setenv("PGPASSFILE", str(tmp_path / "pgpass"))
    assert "does not let this user in" in _said(project, bare.config.database.url).message
    (tmp_path / "pgpass").write_text(f"127.0.0.1:*:*:postgres:{postgres.password}\n")
    (tmp_path / "pgpass").chmod(0o600)
    open_ledger(bare).close()
    monkeypatch.setenv("PGPASSFILE", str(tmp_path / "none"))
    monkeypatch.setenv("PGPASSWORD", postgres.password)
    open_ledger(bare).close()


def test_without_psycopg(project, monkeypatch):
    """Who keeps the ledger in a file need not have it; who does not is told what to install."""
    monkeypatch.setitem(sys.modules, "psycopg", None)
    said = _said(project, "postgresql://team:hunter2@localhost/newsletter")
    assert said.hint == "pip install newsletter-composer[postgres]"
    assert "hunter2" not in f"{said} {said.hint}"
    open_ledger(project).close()


def test_nobody_listens(project):
    """The server is not running, or the port is another."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        said = _said(project, f"postgresql://127.0.0.1:{taken.getsockname()[1]}/x")
    assert said.message == "PostgreSQL does not answer"
    assert "running" in said.hint


def test_something_else_listens(project):
    """A port where something answers that is no PostgreSQL, or never answers, is not waited for for ever."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"postgresql://127.0.0.1:{server.getsockname()[1]}/x?connect_timeout=2"
        assert _said(project, url).message == "PostgreSQL does not answer"


def test_no_such_database(project, postgres):
    """A name that is misspelt, or a database that nobody made yet."""
    said = _said(project, postgres.url("nowhere"))
    assert said.message == "there is no such database"
    assert "createdb" in said.hint
    with pytest.raises(LedgerError, match="no such database"):
        ledger_exists(_at(project, postgres.url("nowhere")))


def test_a_user_without_rights(project, postgres, postgres_url, empty_postgres_url):
    """A role may come in and still not read, write or make tables; each is said."""
    postgres.run("DROP ROLE IF EXISTS reader")
    postgres.run("CREATE ROLE reader LOGIN")
    for url in (postgres_url, empty_postgres_url):
        assert "lacks rights" in _said(project, url.replace("postgres@", "reader@")).message


def test_a_database_that_cannot_hold_every_name(project, postgres):
    """Names come in all scripts; a database in Latin-1 is refused before the first of them is."""
    name = "test_latin"
    postgres.run(f"CREATE DATABASE {name} ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0")
    said = _said(project, postgres.url(name))
    postgres.drop(name)
    assert "LATIN1" in said.message
    assert "UTF8" in said.hint


def test_an_option_that_is_none(project, postgres):
    """A misspelt option in the address is said as such."""
    assert "option" in _said(project, postgres.url("postgres") + "&sslmod=require").message


def test_somebody_elses_database_is_left_alone(project, postgres, empty_postgres_url):
    """Another program's tables are not mixed with ours."""
    with psycopg.connect(empty_postgres_url) as connection:
        connection.execute("CREATE TABLE songs (name text)")
    assert "not a ledger" in _said(project, empty_postgres_url).message
    with pytest.raises(LedgerError, match="not a ledger"):
        ledger_exists(_at(project, empty_postgres_url))


def test_a_server_put_to_rest_can_be_read(at_postgres, postgres, postgres_url):
    """Hosting services let a full database only be read, and standbys always: status works, what writes says why it cannot."""
    with open_ledger(at_postgres) as ledger:
        postgres.run(f"ALTER DATABASE {_name(postgres_url)} SET default_transaction_read_only = on")
        ledger.close()
        with ledger.read() as connection:
            connection.execute(text("SELECT 1"))
        with pytest.raises(LedgerError, match="only be read"), ledger.write() as connection:
            connection.execute(text("DELETE FROM campaigns"))


def test_locked_by_another_process(at_postgres):
    """A writer that does not end becomes one sentence, after the wait."""
    with open_ledger(at_postgres, busy_seconds=0.1) as ledger, open_ledger(at_postgres) as other, other.write() as holding:
        holding.execute(text("LOCK TABLE campaigns"))
        with pytest.raises(LedgerError, match="locked by another process"), ledger.write() as connection:
            connection.execute(text("DELETE FROM campaigns"))


def test_deadlock(at_postgres):
    """Two that wait for each other: one of them is told, the other goes on."""
    said = []

    def cross(ledger, mine, theirs):
        try:
            with ledger.write() as connection:
                connection.execute(text("SELECT pg_advisory_xact_lock(:n)"), {"n": mine})
                connection.execute(text("SELECT pg_sleep(0.2)"))
                connection.execute(text("SELECT pg_advisory_xact_lock(:n)"), {"n": theirs})
        except LedgerError as err:
            said.append(err.message)

    with open_ledger(at_postgres) as ledger:
        threads = [Thread(target=cross, args=(ledger, *pair)) for pair in ((1, 2), (2, 1))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
    assert said == ["two processes got into each other's way"]


def test_the_server_goes_away_in_the_middle(at_postgres, postgres, postgres_url):
    """A connection that is cut is said so; the next transaction has a new one, and nothing half was written."""

    def write(ledger):
        with ledger.write() as connection:
            connection.execute(attachments.insert(), [{"sha256": "a" * 64, "data": b"x"}])
            _cut(postgres, postgres_url)
            connection.execute(text("SELECT 1"))

    with open_ledger(at_postgres) as ledger:
        with pytest.raises(LedgerError) as caught:
            write(ledger)
        assert "resume" in caught.value.hint
        with ledger.read() as connection:
            assert connection.execute(text("SELECT count(*) FROM attachments")).scalar() == 0


def test_the_server_goes_away_while_nobody_looks(at_postgres, postgres, postgres_url):
    """A server that was restarted while a send waited for what is deferred is simply connected to again."""
    with open_ledger(at_postgres) as ledger:
        _cut(postgres, postgres_url)
        with ledger.write() as connection:
            connection.execute(text("DELETE FROM campaigns"))


def test_the_server_goes_away_while_rows_are_copied(at_postgres, postgres, postgres_url):
    """What goes past SQLAlchemy is translated too."""

    def rows():
        for number in range(20_000):
            if number == 10_000:
                _cut(postgres, postgres_url)
            yield f"{number:064}", b"x"

    with open_ledger(at_postgres) as ledger:
        with pytest.raises(LedgerError), ledger.write() as connection:
            insert_rows(connection, attachments, ("sha256", "data"), rows())
        with ledger.read() as connection:
            assert connection.execute(text("SELECT count(*) FROM attachments")).scalar() == 0


def _cut(postgres, url):
    postgres.run(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{_name(url)}'")  # noqa: S608 - our own name


def test_no_detail_of_a_person_is_in_a_message(at_postgres):
    """PostgreSQL's own words quote the row that was refused."""
    with open_ledger(at_postgres) as ledger:
        for value in ("x" * 65, "nul\0"):
            with pytest.raises(LedgerError) as caught, ledger.write() as connection:
                connection.execute(attachments.insert(), [{"sha256": value, "data": b""}])
            assert caught.value.message == "the ledger refused a value"


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("28P01", "let this user in"),
        ("28000", "let this user in"),
        ("3D000", "no such database"),
        ("42501", "lacks rights"),
        ("40001", "each other's way"),
        ("40P01", "each other's way"),
        ("55P03", "locked"),
        ("57014", "too long"),
        ("57P01", "going down"),
        ("57P03", "starting up"),
        ("08006", "was lost"),
        ("25P03", "was lost"),
        ("53100", "disk is full"),
        ("53200", "memory or disk"),
        ("53300", "no free connection"),
        ("58030", "disk of the ledger failed"),
        ("XX001", "damaged"),
        ("23505", "break its rules"),
        ("22001", "refused a value"),
    ],
)
def test_what_cannot_be_staged_has_words_too(code, words):
    """A full disk or a broken page cannot be had on order: the codes are those of PostgreSQL's manual."""
    message, hint = postgresql.meaning(SimpleNamespace(sqlstate=code))
    assert words in message
    assert hint


def test_a_line_that_broke_while_many_rows_were_sent_was_lost():
    """Seen once in some hundred connections that the server ended: the driver then says what it could not do, and not why."""
    message, hint = postgresql.meaning(psycopg.OperationalError("sending query failed: cannot exit pipeline mode while busy"))
    assert message == "the connection to PostgreSQL was lost"
    assert "resume" in hint


def test_a_message_never_shows_the_password():
    """Should a library ever quote the whole address, the password is not in what is printed."""
    ledger = postgresql.connect(make_url("postgresql://team:hunter2@host/x"), 1)
    assert "hunter2" not in str(ledger.explained(ValueError("cannot use postgresql://team:hunter2@host/x")))
    ledger.close()


def test_the_engine_hides_what_statements_hold(at_postgres):
    """A traceback of --debug may be sent to us: people's addresses are not in it."""
    with open_ledger(at_postgres) as ledger:
        with pytest.raises(LedgerError) as caught, ledger.write() as connection:
            connection.execute(text("SELECT nothing FROM nowhere WHERE email = :email"), {"email": "ana@example.org"})
        assert "ana@example.org" not in str(caught.value.__cause__)


def test_a_project_without_a_folder_can_have_a_ledger(postgres_url):
    """Nothing of the ledger lies in the project."""
    open_ledger(Project(Path("/nowhere"), Config(database=Database(url=postgres_url)))).close()


def test_the_roles_of_the_documentation_can_do_what_it_says(repository, project, postgres):
    """The page's own SQL makes an owner who upgrades, a sender who sends, and a reader who only reads."""
    page = (repository / "docs" / "postgresql.md").read_text(encoding="utf-8")
    make, *grants = re.findall(r"```sql\n(.*?)```", page, re.DOTALL)
    for statement in filter(str.strip, make.split(";")):
        postgres.run(statement)
    address = postgres.url("newsletter").replace("postgres@", "{}@")
    open_ledger(_at(project, address.format("newsletter"))).close()
    with psycopg.connect(address.format("newsletter"), user="postgres", autocommit=True) as connection:
        for statement in grants:
            connection.execute(statement)
    try:
        with open_ledger(_at(project, address.format("newsletter_sender"))) as ledger:
            campaign = start_campaign(ledger, an_edition(), an_audience(3), transport="memory", real=True, setting={}, now=NOW)
            assert len(claim(ledger, campaign, 2, NOW).rows) == 2
        reading = _at(project, address.format("newsletter_reader"))
        with open_ledger(reading) as ledger:
            assert count_states(ledger, campaign) == {"sending": 2, "pending": 1}
            assert "left-in-flight" in [finding.code for finding in check_ledger(reading, ledger)]
            with pytest.raises(LedgerError, match="lacks rights"):
                claim(ledger, campaign, 1, NOW)
    finally:
        postgres.drop("newsletter")
        for role in ("newsletter_sender", "newsletter_reader", "newsletter"):
            postgres.run(f"DROP ROLE {role}")
