"""People, suppressions, test sends, undo batches; deliveries and attempts found by their place in the campaign."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_MOMENT = sa.DateTime(timezone=True)
_REACHED = "(state IN ('sending', 'accepted', 'deferred', 'in_doubt') OR state = 'skipped' AND reason = 'resolved')"
_HELD = sa.text(f"real AND NOT correction AND {_REACHED}")
_DELIVERY_STATES = "state IN ('pending', 'sending', 'accepted', 'deferred', 'rejected', 'failed', 'in_doubt', 'skipped', 'recalled')"


def upgrade() -> None:
    """Make the new tables, and lay deliveries and attempts anew with what is in them."""
    _campaigns()
    op.rename_table("attempts", "attempts_0001")
    op.rename_table("deliveries", "deliveries_0001")
    _deliveries()
    _attempts()
    _carry_over()
    op.drop_table("attempts_0001")
    op.drop_table("deliveries_0001")
    op.create_index("ix_deliveries_campaign_state_position", "deliveries", ["campaign", "state", "position"])
    op.create_index("ix_deliveries_address_key_issue", "deliveries", ["address_key", "issue"])
    op.create_index("uq_deliveries_once", "deliveries", ["issue", "address_key"], unique=True, sqlite_where=_HELD, postgresql_where=_HELD)
    _undo_batches()
    _test_sends()
    _people()
    _suppressions()


def _campaigns() -> None:
    op.add_column("campaigns", sa.Column("correction", sa.Boolean, nullable=False, server_default=sa.false()))
    op.add_column("campaigns", sa.Column("untested", sa.Boolean, nullable=False, server_default=sa.false()))
    op.add_column("campaigns", sa.Column("people", sa.Integer, nullable=False, server_default="0"))
    op.add_column("campaigns", sa.Column("request", sa.String(16), nullable=False, server_default=""))
    op.execute("UPDATE campaigns SET people = (SELECT count(*) FROM deliveries WHERE deliveries.campaign = campaigns.id)")


def _deliveries() -> None:
    # On PostgreSQL the constraints of the renamed tables keep their names, which must be free.
    if op.get_bind().dialect.name == "postgresql":
        op.execute("ALTER TABLE attempts_0001 DROP CONSTRAINT fk_attempts_delivery")
        for table, name in (
            ("deliveries_0001", "pk_deliveries"),
            ("deliveries_0001", "uq_deliveries_campaign_address_key"),
            ("deliveries_0001", "fk_deliveries_campaign"),
            ("attempts_0001", "pk_attempts"),
        ):
            op.execute(f"ALTER TABLE {table} DROP CONSTRAINT {name}")
    op.drop_index("ix_deliveries_campaign_state_position", "deliveries_0001")
    op.drop_index("uq_deliveries_once", "deliveries_0001")
    op.create_table(
        "deliveries",
        sa.Column("campaign", sa.Integer, nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("issue", sa.String(255), nullable=False),
        sa.Column("real", sa.Boolean, nullable=False),
        sa.Column("correction", sa.Boolean, nullable=False),
        sa.Column("list", sa.String(100), nullable=False),
        sa.Column("address_key", sa.String(320), nullable=False),
        sa.Column("email", sa.String(320), nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("fields", sa.JSON, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("first_tried_at", _MOMENT),
        sa.Column("due_at", _MOMENT),
        sa.Column("updated_at", _MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("campaign", "position", name="pk_deliveries"),
        sa.ForeignKeyConstraint(["campaign"], ["campaigns.id"], name="fk_deliveries_campaign"),
        sa.UniqueConstraint("id", name="uq_deliveries_id"),
        sa.UniqueConstraint("campaign", "address_key", name="uq_deliveries_campaign_address_key"),
        sa.CheckConstraint(_DELIVERY_STATES, name=op.f("ck_deliveries_state")),
    )


def _attempts() -> None:
    op.create_table(
        "attempts",
        sa.Column("campaign", sa.Integer, nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("started_at", _MOMENT, nullable=False),
        sa.Column("ended_at", _MOMENT, nullable=False),
        sa.Column("outcome", sa.String(16), nullable=False),
        sa.Column("answer", sa.Text, nullable=False),
        sa.Column("batch", sa.String(100), nullable=False),
        sa.PrimaryKeyConstraint("campaign", "position", "number", name="pk_attempts"),
        sa.ForeignKeyConstraint(
            ["campaign", "position"], ["deliveries.campaign", "deliveries.position"], name="fk_attempts_campaign_position"
        ),
        sqlite_with_rowid=False,
    )


def _carry_over() -> None:
    op.execute(
        "INSERT INTO deliveries (campaign, position, id, issue, real, correction, list, address_key, email, name, fields, state, reason,"
        " attempts, first_tried_at, due_at, updated_at)"
        " SELECT d.campaign, d.position, d.id, d.issue, d.real, c.correction, '', d.address_key, d.email, d.name, d.fields, d.state,"
        " d.reason, d.attempts, (SELECT min(a.started_at) FROM attempts_0001 a WHERE a.delivery = d.id), d.due_at, d.updated_at"
        " FROM deliveries_0001 d JOIN campaigns c ON c.id = d.campaign"
    )
    # An attempt that is open belongs to a delivery that is being sent; it is written when that has ended.
    op.execute(
        "INSERT INTO attempts (campaign, position, number, started_at, ended_at, outcome, answer, batch)"
        " SELECT d.campaign, d.position, a.number, a.started_at, a.ended_at, a.outcome, a.answer, ''"
        " FROM attempts_0001 a JOIN deliveries_0001 d ON d.id = a.delivery WHERE a.ended_at IS NOT NULL"
    )


def _undo_batches() -> None:
    op.create_table(
        "undo_batches",
        sa.Column("id", sa.String(100), nullable=False),
        sa.Column("campaign", sa.Integer, nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("send_at", _MOMENT, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_undo_batches"),
        sa.ForeignKeyConstraint(["campaign"], ["campaigns.id"], name="fk_undo_batches_campaign"),
        sa.UniqueConstraint("campaign", "number", name="uq_undo_batches_campaign_number"),
        sa.CheckConstraint("state IN ('open', 'replacing', 'recalling', 'cancelled')", name=op.f("ck_undo_batches_state")),
    )


def _test_sends() -> None:
    op.create_table(
        "test_sends",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("issue", sa.String(255), nullable=False),
        sa.Column("edition", sa.String(64), nullable=False),
        sa.Column("list", sa.String(100), nullable=False),
        sa.Column("transport", sa.String(32), nullable=False),
        sa.Column("real", sa.Boolean, nullable=False),
        sa.Column("sender", sa.String(100), nullable=False),
        sa.Column("address_key", sa.String(320), nullable=False),
        sa.Column("email", sa.String(320), nullable=False),
        sa.Column("variant", sa.String(100), nullable=False),
        sa.Column("started_at", _MOMENT, nullable=False),
        sa.Column("ended_at", _MOMENT),
        sa.Column("outcome", sa.String(16), nullable=False),
        sa.Column("answer", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_test_sends"),
    )
    op.create_index("ix_test_sends_edition", "test_sends", ["edition"])
    op.create_index("ix_test_sends_address_key", "test_sends", ["address_key"])


def _people() -> None:
    op.create_table(
        "subscribers",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("address_key", sa.String(320), nullable=False),
        sa.Column("email", sa.String(320), nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("fields", sa.JSON, nullable=False),
        sa.Column("created_at", _MOMENT, nullable=False),
        sa.Column("updated_at", _MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_subscribers"),
        sa.UniqueConstraint("address_key", name="uq_subscribers_address_key"),
    )
    op.create_table(
        "subscriptions",
        sa.Column("list", sa.String(100), nullable=False),
        sa.Column("subscriber", sa.Integer, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("created_at", _MOMENT, nullable=False),
        sa.Column("updated_at", _MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("list", "subscriber", name="pk_subscriptions"),
        sa.ForeignKeyConstraint(["subscriber"], ["subscribers.id"], name="fk_subscriptions_subscriber"),
        sa.CheckConstraint("state IN ('unconfirmed', 'confirmed', 'unsubscribed')", name=op.f("ck_subscriptions_state")),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_subscriptions_subscriber", "subscriptions", ["subscriber"])


def _suppressions() -> None:
    op.create_table(
        "suppressions",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("address_key", sa.String(320), nullable=False),
        sa.Column("scope", sa.String(100), nullable=False),
        sa.Column("reason", sa.String(16), nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("created_at", _MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_suppressions"),
        sa.UniqueConstraint("address_key", "scope", "reason", name="uq_suppressions_address_key_scope_reason"),
        sa.CheckConstraint(
            "reason IN ('unsubscribed', 'hard_bounce', 'complaint', 'manual', 'invalid')", name=op.f("ck_suppressions_reason")
        ),
    )
    op.create_table(
        "forgotten",
        sa.Column("hash", sa.String(64), nullable=False),
        sa.Column("created_at", _MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("hash", name="pk_forgotten"),
    )
