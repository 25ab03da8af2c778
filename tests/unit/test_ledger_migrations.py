"""The migrations make what the schema says, carry over what is there, and HEAD is the newest of them; on both databases."""

from __future__ import annotations

import re
import subprocess
import sys
from datetime import timedelta

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import MetaData, create_engine, func, select, text

from composer.errors import LedgerError
from composer.ledger import migrations
from composer.ledger.campaigns import count_states, read_campaign
from composer.ledger.checking import check_ledger
from composer.ledger.deliveries import claim, record, settle_orphans
from composer.ledger.migrations import bring_up_to_date, revision_of, upgrade
from composer.ledger.model import BatchState, CampaignState, DeliveryState, Reason, Result, SubscriptionState
from composer.ledger.opening import open_ledger, reach_ledger
from composer.ledger.schema import attempts, deliveries, metadata
from composer.testing import FakeClock

NOW = FakeClock().now
STATES = tuple(DeliveryState)
_SQL = text("SELECT type, name, sql FROM sqlite_master WHERE tbl_name != 'alembic_version' AND sql IS NOT NULL ORDER BY type, name")
_CATALOGUE = (
    (
        "SELECT table_name, column_name, data_type, character_maximum_length, is_nullable, column_default FROM information_schema.columns"
        " WHERE table_schema = 'public' AND table_name != 'alembic_version' ORDER BY 1, 2"
    ),
    (
        "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint"
        " WHERE connamespace = 'public'::regnamespace AND conrelid::regclass::text != 'alembic_version' ORDER BY 1, 2"
    ),
    "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public' AND tablename != 'alembic_version' ORDER BY 1",
)


def _columns_aside(definition):
    """Sort what stands in a definition: a column added by ALTER stands last, wherever the schema names it."""
    return sorted(re.findall(r"[^\s,()]+", definition or ""))


def _made(connection):
    if connection.dialect.name == "sqlite":
        return [(row.type, row.name, _columns_aside(row.sql)) for row in connection.execute(_SQL)]
    return [tuple(row) for query in _CATALOGUE for row in connection.execute(text(query))]


def _words(connection, table):
    if connection.dialect.name == "sqlite":
        said = connection.execute(text("SELECT sql FROM sqlite_master WHERE name = :table"), {"table": table}).scalar()
        said = re.search(rf"CONSTRAINT ck_{table}_(?:state|reason) CHECK (.*)", said)[1]
    else:
        defined = "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE contype = 'c' AND conname NOT LIKE '%held' AND conrelid = CAST(:table AS regclass)"
        said = connection.execute(text(defined), {"table": table}).scalar_one()
    return set(re.findall(r"'(\w+)'", said))


def _rows(connection, table):
    return connection.execute(select(table).order_by(*table.primary_key.columns)).all()


def _of_0001(project):
    """Make a ledger as the first version left it: a real campaign with everybody in another state, and a rehearsal."""
    with reach_ledger(project) as ledger, ledger.write() as connection:
        upgrade(connection, "0001")
        old = MetaData()
        old.reflect(connection)
        times = {"created_at": NOW, "updated_at": NOW}
        connection.execute(old.tables["editions"].insert(), [{"digest": "d" * 64, "payload": {"subject": "Größe"}, "created_at": NOW}])
        shared = {"edition": "d" * 64, "lists": [{"name": "readers"}], "left_out": [], "transport": "smtp", "setting": {"a": {"b": 1}}}
        for number, real in ((1, True), (2, False)):
            row = {"id": number, "issue": "2026-01", "real": real, "state": "paused", "reason": "x", **shared, **times}
            connection.execute(old.tables["campaigns"].insert(), [row])
            _fill_0001(connection, old, number, real=real)


def _fill_0001(connection, old, campaign, *, real):
    tried = {"pending": 0, "skipped": 0, "deferred": 2}
    for position, state in enumerate(STATES, 1):
        delivery = {
            "id": f"id{campaign}x{position}",
            "campaign": campaign,
            "position": position,
            "issue": "2026-01",
            "real": real,
            "address_key": f"p{position}@example.com",
            "email": f"P{position}@example.com",
            "name": f"Person {position}",
            "fields": {"first_name": "Zoë"},
            "state": state.value,
            "reason": "" if state == "accepted" else "why",
            "attempts": tried.get(state, 1),
            "due_at": NOW + timedelta(minutes=5) if state == "deferred" else None,
            "updated_at": NOW,
        }
        connection.execute(old.tables["deliveries"].insert(), [delivery])
        for number in range(1, delivery["attempts"] + 1):
            begun = NOW + timedelta(seconds=number)
            ended = None if state == "sending" else begun + timedelta(seconds=1)
            attempt = {"delivery": delivery["id"], "number": number, "started_at": begun, "ended_at": ended}
            connection.execute(old.tables["attempts"].insert(), [{**attempt, "outcome": "" if ended is None else "word", "answer": "250"}])


def test_head_is_the_newest_revision():
    """A ledger is current when it is at HEAD; a migration that HEAD does not name would never run."""
    assert ScriptDirectory(str(migrations.FOLDER)).get_heads() == [migrations.HEAD]


def test_migrations_and_schema_agree_on_sqlite(project, tmp_path):
    """A column added to one and not to the other breaks somebody's ledger; the partial index counts too."""
    plain = create_engine(f"sqlite:///{tmp_path}/plain.db")
    metadata.create_all(plain)
    with open_ledger(project) as ledger, ledger.read() as migrated, plain.connect() as created:
        assert _made(migrated) == _made(created)
        assert len(_made(migrated)) > 6
        assert compare_metadata(MigrationContext.configure(migrated), metadata) == []
    plain.dispose()


def test_migrations_and_schema_agree_on_postgresql(postgres, postgres_url, empty_postgres_url):
    """The same, by PostgreSQL's own catalogue: columns, constraints and indexes with their conditions."""
    migrated, created = (create_engine(url.replace("postgresql:", "postgresql+psycopg:")) for url in (postgres_url, empty_postgres_url))
    metadata.create_all(created)
    with migrated.connect() as one, created.connect() as other:
        assert _made(one) == _made(other)
        assert len(_made(one)) > 100
        assert compare_metadata(MigrationContext.configure(one), metadata) == []
    for engine in (migrated, created):
        engine.dispose()


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ("deliveries", DeliveryState),
        ("campaigns", CampaignState),
        ("subscriptions", SubscriptionState),
        ("suppressions", Reason),
        ("undo_batches", BatchState),
    ],
)
def test_the_words_of_the_database_are_those_of_the_code(any_ledger, table, words):
    """The migration spells the states out; one that is missing there could never be recorded."""
    with any_ledger.read() as connection:
        assert _words(connection, table) == set(words)


def test_half_a_migration_leaves_nothing(bare_project, monkeypatch):
    """A process killed while it makes the tables leaves a database that the next one can use."""

    def die(connection):
        connection.execute(text("CREATE TABLE campaigns (id integer)"))
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(migrations, "upgrade", die)
        with pytest.raises(KeyboardInterrupt):
            open_ledger(bare_project)
    with open_ledger(bare_project) as ledger:
        assert revision_of(ledger) == migrations.HEAD


def test_everything_is_carried_over(bare_project):
    """Whoever was mailed by the first version is known to the second: states, times, fields, attempts that have ended."""
    _of_0001(bare_project)
    with reach_ledger(bare_project) as ledger:
        assert bring_up_to_date(ledger) == "0001"
        assert bring_up_to_date(ledger) == revision_of(ledger) == migrations.HEAD
        with ledger.read() as connection:
            rows, tried = _rows(connection, deliveries), _rows(connection, attempts)
    assert [(row.campaign, row.position, row.id, row.state) for row in rows] == [
        (campaign, position, f"id{campaign}x{position}", state) for campaign in (1, 2) for position, state in enumerate(STATES, 1)
    ]
    by_state = {row.state: row for row in rows if row.real}
    deferred = by_state["deferred"]
    assert (deferred.email, deferred.address_key, deferred.fields) == ("P4@example.com", "p4@example.com", {"first_name": "Zoë"})
    assert (deferred.attempts, deferred.reason, deferred.list, deferred.correction) == (2, "why", "", False)
    assert (deferred.first_tried_at, deferred.due_at) == (NOW + timedelta(seconds=1), NOW + timedelta(minutes=5))
    assert by_state["pending"].first_tried_at is None
    assert [(row.position, row.number, row.outcome, row.answer) for row in tried if row.campaign == 1] == [
        (position, number, "word", "250")
        for position, state in enumerate(STATES, 1)
        for number in range(1, {"pending": 0, "skipped": 0, "sending": 0, "deferred": 2}.get(state, 1) + 1)
    ]


def test_a_migrated_campaign_goes_on(bare_project):
    """Orphans settle, claims and records work, whoever has the issue is skipped, and the check finds nothing but the orphans."""
    _of_0001(bare_project)
    with open_ledger(bare_project) as ledger:
        campaign = read_campaign(ledger, 1)
        assert (campaign.people, campaign.correction, campaign.untested, campaign.setting) == (9, False, False, {"a": {"b": 1}})
        assert (campaign.canary, campaign.canary_stage) == (0, "")
        found = [finding.code for finding in check_ledger(bare_project, ledger) if finding.code != "ledger-not-durable"]
        assert found == ["left-in-flight", "left-in-flight"]
        assert settle_orphans(ledger, 1, DeliveryState.IN_DOUBT, "died", NOW) == 1
        batch = claim(ledger, 1, 10, NOW + timedelta(hours=1))
        assert [row.position for row in batch.rows] == [1, 4]
        assert [row.attempt for row in batch.rows] == [1, 3]
        record(ledger, [Result(row, DeliveryState.ACCEPTED, "accepted", "ok") for row in batch.rows], NOW)
        assert count_states(ledger, 1) == {"accepted": 3, "rejected": 1, "failed": 1, "in_doubt": 2, "skipped": 1, "recalled": 1}
        settle_orphans(ledger, 2, DeliveryState.PENDING, "died", NOW)
        assert [finding.code for finding in check_ledger(bare_project, ledger) if finding.code != "ledger-not-durable"] == []


def test_a_failed_migration_leaves_the_old_ledger(bare_project, monkeypatch):
    """The whole step is one transaction on both databases: what cannot be carried over stays where it was."""
    _of_0001(bare_project)
    with reach_ledger(bare_project) as ledger:
        whole = upgrade

        def halfway(connection):
            whole(connection)
            connection.execute(text("SELECT nothing FROM nowhere"))

        with monkeypatch.context() as patch:
            patch.setattr(migrations, "upgrade", halfway)
            with pytest.raises(LedgerError):
                bring_up_to_date(ledger)
        with ledger.read() as connection:
            assert connection.execute(text("SELECT count(*) FROM attempts WHERE delivery IS NOT NULL")).scalar() == 16
        assert revision_of(ledger) == "0001"
        bring_up_to_date(ledger)
        with ledger.read() as connection:
            assert connection.execute(select(func.count()).select_from(attempts)).scalar() == 14


@pytest.mark.parametrize("old", [False, True], ids=["empty", "old"])
def test_two_processes_open_at_once(bare_project, old):
    """A cron job and a person, or two machines, may be first together: one makes the tables, all of them can go on."""
    if old:
        _of_0001(bare_project)
    program = (
        "import sys; from pathlib import Path; from composer.project import find; from composer.ledger.opening import open_ledger;"
        "project = find(Path(sys.argv[1]), exact=True); print('ready', flush=True); sys.stdin.readline();"
        "open_ledger(project).close(); print('open')"
    )
    command = [sys.executable, "-c", program, str(bare_project.root)]
    started = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(3)
    ]
    for each in started:
        assert each.stdout.readline() == "ready\n"
    for each in started:
        each.stdin.write("go\n")
        each.stdin.flush()
    assert [each.communicate(timeout=60) for each in started] == [("open\n", "")] * 3
    with reach_ledger(bare_project) as ledger:
        assert revision_of(ledger) == migrations.HEAD
