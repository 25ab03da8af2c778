"""The migrations make what the schema says, and HEAD is the newest of them."""

from __future__ import annotations

import re

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, text

from composer.ledger import migrations
from composer.ledger.model import CampaignState, DeliveryState
from composer.ledger.opening import open_ledger
from composer.ledger.schema import metadata

_SQL = text("SELECT type, name, sql FROM sqlite_master WHERE tbl_name != 'alembic_version' AND sql IS NOT NULL ORDER BY type, name")


def _words(connection, table):
    sql = connection.execute(text("SELECT sql FROM sqlite_master WHERE name = :table"), {"table": table}).scalar()
    return set(re.findall(r"'(\w+)'", re.search(r"CHECK \(state IN \((.*?)\)\)", sql)[1]))


def _made(connection):
    return [(row.type, row.name, sorted(re.findall(r"[^\s,()]+", row.sql))) for row in connection.execute(_SQL)]


def test_head_is_the_newest_revision():
    """A ledger is current when it is at HEAD; a migration that HEAD does not name would never run."""
    assert ScriptDirectory(str(migrations.FOLDER)).get_heads() == [migrations.HEAD]


def test_migrations_and_schema_agree(project, tmp_path):
    """A column added to one and not to the other breaks somebody's ledger; the partial index counts too."""
    plain = create_engine(f"sqlite:///{tmp_path}/plain.db")
    metadata.create_all(plain)
    with open_ledger(project) as ledger, ledger.read() as migrated, plain.connect() as created:
        assert _made(migrated) == _made(created)
        assert len(_made(migrated)) > 6
        assert compare_metadata(MigrationContext.configure(migrated), metadata) == []
    plain.dispose()


def test_the_words_of_the_database_are_those_of_the_code(project):
    """The migration spells the states out; one that is missing there could never be recorded."""
    with open_ledger(project) as ledger, ledger.read() as connection:
        assert _words(connection, "deliveries") == set(DeliveryState)
        assert _words(connection, "campaigns") == set(CampaignState)


def test_half_a_migration_leaves_nothing(project, monkeypatch):
    """A process killed while it makes the tables leaves a file that the next one can use."""

    def die(connection):
        connection.execute(text("CREATE TABLE campaigns (id)"))
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(migrations, "upgrade", die)
        with pytest.raises(KeyboardInterrupt):
            open_ledger(project)
    with open_ledger(project) as ledger, ledger.read() as connection:
        assert connection.execute(text("SELECT version_num FROM alembic_version")).scalar() == migrations.HEAD
