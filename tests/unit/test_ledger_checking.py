"""What `newsletter db check` finds: each thing that can be wrong with a ledger, on both databases."""

from __future__ import annotations

import sqlite3
from datetime import timedelta

import pytest
from sqlalchemy import create_engine, text

from composer.findings import Where
from composer.ledger.campaigns import start_campaign
from composer.ledger.checking import _durable, check_ledger
from composer.ledger.deliveries import claim, record
from composer.ledger.forgotten import forget
from composer.ledger.lock import hold_campaign
from composer.ledger.migrations import upgrade
from composer.ledger.model import Result
from composer.ledger.opening import ledger_path, open_ledger, reach_ledger
from composer.testing import FakeClock, an_audience, an_edition

NOW = FakeClock().now


def _start(ledger, *, real=True):
    return start_campaign(ledger, an_edition(), an_audience(3), transport="memory", real=real, setting={}, now=NOW)


def _do(ledger, *statements):
    with ledger.write() as connection:
        for statement in statements:
            connection.execute(text(statement))


def _found(project, ledger):
    """Give what is found by code and message; the tests' PostgreSQL never waits for the disk, which is found too."""
    return [(each.code, each.message) for each in check_ledger(project, ledger) if each.code != "ledger-not-durable"]


@pytest.fixture
def sent(any_ledger):
    """A real campaign of three: accepted, deferred, and one that is being sent; and a rehearsal."""
    campaign = _start(any_ledger)
    rows = claim(any_ledger, campaign, 2, NOW).rows
    later = NOW + timedelta(minutes=1)
    record(any_ledger, [Result(rows[0], "accepted", "accepted"), Result(rows[1], "deferred", "deferred", due_at=later)], NOW)
    claim(any_ledger, campaign, 1, NOW)
    _start(any_ledger, real=False)
    return campaign


def test_nothing_is_wrong_while_somebody_sends(any_project, any_ledger, sent):
    """A check in the middle of a send, by another process, cries no wolf."""
    with open_ledger(any_project) as other, hold_campaign(any_project, other, sent):
        assert _found(any_project, any_ledger) == []


def test_a_lost_key_of_the_forgotten(any_project, any_ledger):
    """Before anybody is mailed who asked not to be; the check itself makes no key."""
    forget(any_ledger, "ana@example.org", ("key-of-before",), NOW)
    [(code, message)] = _found(any_project, any_ledger)
    assert code == "forgotten-key-lost"
    assert "1 of the forgotten" in message
    assert not (any_project.var / "secret.key").exists()
    any_project.var.mkdir(exist_ok=True)
    (any_project.var / "secret.key").write_text("key-of-now\nkey-of-before\n", encoding="ascii")
    assert _found(any_project, any_ledger) == []


def test_left_in_flight(any_project, any_ledger, sent):
    """Rows that are `sending` while nobody sends are those of a dead process."""
    assert _found(any_project, any_ledger) == [("left-in-flight", f"campaign {sent}: 1 deliveries were in flight when their process ended")]
    with hold_campaign(any_project, any_ledger, sent):
        pass


def test_attempts_that_do_not_add_up(any_project, any_ledger, sent):
    """Each attempt is a row: one too few hides a mail, one too many made one up."""
    with open_ledger(any_project) as other, hold_campaign(any_project, other, sent):
        _do(any_ledger, "DELETE FROM attempts WHERE position = 2")
        message = f"campaign {sent}: 1 deliveries count other attempts than were written; the first is position 2"
        assert _found(any_project, any_ledger) == [("attempts-miscounted", message)]


def test_people_that_are_missing(any_project, any_ledger, sent):
    """A campaign has a row for everyone it began with."""
    with open_ledger(any_project) as other, hold_campaign(any_project, other, sent):
        _do(any_ledger, "DELETE FROM deliveries WHERE NOT real AND position > 1")
        message = f"campaign {sent + 1} began with 3 people and has rows for 1"
        assert _found(any_project, any_ledger) == [("campaign-miscounted", message)]


def test_an_index_that_is_missing_and_what_it_would_have_kept(any_project, any_ledger, sent):
    """Without the index two campaigns can reach one person: the check names the index first, then the issue."""
    with open_ledger(any_project) as other, hold_campaign(any_project, other, sent):
        _do(
            any_ledger,
            "DROP INDEX uq_deliveries_once",
            "UPDATE deliveries SET real = true, state = 'accepted', held = true WHERE position = 1",
        )
        ((code, message),) = _found(any_project, any_ledger)
        assert code == "ledger-tables-differ"
        assert "uq_deliveries_once" in message
        _do(any_ledger, "CREATE UNIQUE INDEX uq_deliveries_once ON deliveries (campaign, position) WHERE real")
        assert [code for code, _ in _found(any_project, any_ledger)] == ["ledger-tables-differ"] * 2


@pytest.mark.parametrize(
    "states",
    [
        "state = 'accepted'",
        "state IN ('sending', 'accepted', 'deferred', 'in_doubt')",
        "state IN ('sending', 'accepted', 'deferred', 'in_doubt', 'skipped')",
    ],
)
def test_an_index_with_another_condition(any_project, any_ledger, states):
    """The name and the columns are right, but it looks away, or looks, where it should not."""
    create = f"CREATE UNIQUE INDEX uq_deliveries_once ON deliveries (issue, address_key) WHERE real AND NOT correction AND {states}"
    _do(any_ledger, "DROP INDEX uq_deliveries_once", create)
    assert [code for code, _ in _found(any_project, any_ledger)] == ["ledger-tables-differ"]


def test_mailed_twice(any_project, any_ledger, sent, monkeypatch):
    """Should a database lose its index and get it back wrong in a way unseen, the rows themselves are counted."""
    monkeypatch.setattr("composer.ledger.checking._tables", lambda *_: [])
    with open_ledger(any_project) as other, hold_campaign(any_project, other, sent):
        _do(
            any_ledger,
            "DROP INDEX uq_deliveries_once",
            "UPDATE deliveries SET real = true, state = 'accepted', held = true, attempts = 0 WHERE position = 1",
        )
        assert ("mailed-twice", "1 people got, or may have got, the issue 2026-01 more than once") in _found(any_project, any_ledger)


@pytest.mark.parametrize(
    ("statement", "named"),
    [
        ("DROP TABLE test_sends", "test_sends"),
        ("CREATE TABLE songs (name text)", "songs"),
        ("ALTER TABLE campaigns ADD COLUMN mood text", "mood"),
        ("DROP INDEX ix_deliveries_address_key_issue", "ix_deliveries_address_key_issue"),
    ],
)
def test_tables_that_differ(any_project, any_ledger, statement, named):
    """What is missing or too much is named."""
    _do(any_ledger, statement)
    found = _found(any_project, any_ledger)
    assert {code for code, _ in found} == {"ledger-tables-differ"}
    assert all(named in message for _, message in found)


def test_a_rule_that_is_missing(postgres_project, postgres_ledger):
    """The words of a state are the database's own rule; SQLite has no way to drop it."""
    _do(postgres_ledger, "ALTER TABLE deliveries DROP CONSTRAINT ck_deliveries_state")
    ((_, message),) = _found(postgres_project, postgres_ledger)
    assert "ck_deliveries_state" in message


def test_an_old_ledger(bare_project):
    """Its tables are not looked at: they are brought up to date first, and not by a check."""
    with reach_ledger(bare_project) as ledger:
        with ledger.write() as connection:
            upgrade(connection, "0001")
        ((code, message),) = _found(bare_project, ledger)
        assert (code, "revision 0001" in message) == ("ledger-outdated", True)
        assert [code for code, _ in _found(bare_project, ledger)] == ["ledger-outdated"]


def test_a_server_that_does_not_wait_for_the_disk(postgres_project, postgres_ledger):
    """PostgreSQL can be set up to lose what it has said to be written; the tests' own is."""
    found = [(each.code, each.message) for each in check_ledger(postgres_project, postgres_ledger)]
    assert found == [
        ("ledger-not-durable", f"a power cut may lose who was mailed: {name} is off") for name in ("fsync", "full_page_writes")
    ]


def test_a_file_in_effect_less_durable():
    """What is in effect counts: a connection that nobody set up is found out."""
    engine = create_engine("sqlite://")
    with engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA synchronous = OFF")
        messages = [each.message for each in _durable(connection, Where("x"))]
    engine.dispose()
    assert [message.partition(": ")[2] for message in messages] == ["journal_mode is memory", "synchronous is off", "foreign_keys is off"]


def test_rows_without_their_parent(project):
    """A file put together from parts of two others."""
    with open_ledger(project) as ledger:
        _start(ledger)
    with sqlite3.connect(ledger_path(project)) as other:
        other.execute("DELETE FROM campaigns")
    other.close()
    with open_ledger(project) as ledger:
        assert ("ledger-damaged", "rows of deliveries belong to rows of campaigns that are not there") in _found(project, ledger)


def test_a_damaged_file(project):
    """A page overwritten in an index is found by SQLite's own check before a query falls over it."""
    with open_ledger(project) as ledger:
        start_campaign(ledger, an_edition(), an_audience(500), transport="memory", real=True, setting={}, now=NOW)
    path = ledger_path(project)
    other = sqlite3.connect(path)
    place = "SELECT rootpage, page_size FROM sqlite_master, pragma_page_size WHERE name = 'ix_deliveries_address_key_issue'"
    page, size = other.execute(place).fetchone()
    other.close()
    data = bytearray(path.read_bytes())
    data[(page - 1) * size + 200 : page * size] = b"\x07" * (size - 200)
    path.write_bytes(data)
    with open_ledger(project) as ledger:
        assert "ledger-damaged" in [code for code, _ in _found(project, ledger)]
