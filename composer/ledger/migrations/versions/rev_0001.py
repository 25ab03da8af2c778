"""Editions, campaigns, deliveries and their attempts."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_MOMENT = sa.DateTime(timezone=True)
_HELD = sa.text("real AND state IN ('sending', 'accepted', 'deferred', 'in_doubt')")
_CAMPAIGN_STATES = "state IN ('draft', 'scheduled', 'running', 'paused', 'finished', 'cancelled')"
_DELIVERY_STATES = "state IN ('pending', 'sending', 'accepted', 'deferred', 'rejected', 'failed', 'in_doubt', 'skipped', 'recalled')"


def upgrade() -> None:
    """Make the first tables."""
    op.create_table(
        "attachments",
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("data", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("sha256", name="pk_attachments"),
    )
    op.create_table(
        "editions",
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("payload", sa.JSON, nullable=False),
        sa.Column("created_at", _MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("digest", name="pk_editions"),
    )
    _campaigns()
    _deliveries()
    _attempts()


def _campaigns() -> None:
    op.create_table(
        "campaigns",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("issue", sa.String(255), nullable=False),
        sa.Column("edition", sa.String(64), nullable=False),
        sa.Column("lists", sa.JSON, nullable=False),
        sa.Column("left_out", sa.JSON, nullable=False),
        sa.Column("transport", sa.String(32), nullable=False),
        sa.Column("real", sa.Boolean, nullable=False),
        sa.Column("setting", sa.JSON, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("created_at", _MOMENT, nullable=False),
        sa.Column("updated_at", _MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_campaigns"),
        sa.ForeignKeyConstraint(["edition"], ["editions.digest"], name="fk_campaigns_edition"),
        sa.CheckConstraint(_CAMPAIGN_STATES, name=op.f("ck_campaigns_state")),
        sqlite_autoincrement=True,
    )


def _deliveries() -> None:
    op.create_table(
        "deliveries",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("campaign", sa.Integer, nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("issue", sa.String(255), nullable=False),
        sa.Column("real", sa.Boolean, nullable=False),
        sa.Column("address_key", sa.String(320), nullable=False),
        sa.Column("email", sa.String(320), nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("fields", sa.JSON, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("due_at", _MOMENT),
        sa.Column("updated_at", _MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_deliveries"),
        sa.ForeignKeyConstraint(["campaign"], ["campaigns.id"], name="fk_deliveries_campaign"),
        sa.UniqueConstraint("campaign", "address_key", name="uq_deliveries_campaign_address_key"),
        sa.CheckConstraint(_DELIVERY_STATES, name=op.f("ck_deliveries_state")),
    )
    op.create_index("ix_deliveries_campaign_state_position", "deliveries", ["campaign", "state", "position"])
    op.create_index("uq_deliveries_once", "deliveries", ["issue", "address_key"], unique=True, sqlite_where=_HELD, postgresql_where=_HELD)


def _attempts() -> None:
    op.create_table(
        "attempts",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("delivery", sa.String(32), nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("started_at", _MOMENT, nullable=False),
        sa.Column("ended_at", _MOMENT),
        sa.Column("outcome", sa.String(16), nullable=False),
        sa.Column("answer", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_attempts"),
        sa.ForeignKeyConstraint(["delivery"], ["deliveries.id"], name="fk_attempts_delivery"),
        sa.UniqueConstraint("delivery", "number", name="uq_attempts_delivery_number"),
    )
