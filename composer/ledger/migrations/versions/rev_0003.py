"""Deliveries say in a column of their own whether they keep their person from getting the issue again.

Their rules are written as comparisons: in a CHECK, SQLite sorts the words of an IN anew for each row.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_MOMENT = sa.DateTime(timezone=True)
_REACHED = (
    "((state = 'sending' OR state = 'accepted' OR state = 'deferred' OR state = 'in_doubt') OR state = 'skipped' AND reason = 'resolved')"
)
_IS_HELD = f"(real AND NOT correction AND {_REACHED})"
_DELIVERY_STATES = (
    "(state = 'pending' OR state = 'sending' OR state = 'accepted' OR state = 'deferred' OR state = 'rejected' OR state = 'failed'"
    " OR state = 'in_doubt' OR state = 'skipped' OR state = 'recalled')"
)
_COLUMNS = (
    "campaign, position, id, issue, real, correction, list, address_key, email, name, fields, state, reason, attempts, first_tried_at,"
    " due_at, updated_at"
)


def upgrade() -> None:
    """Add the column and what it must say. SQLite cannot add a rule to a table with rows: there the tables are laid anew."""
    op.drop_index("uq_deliveries_once", "deliveries")
    if op.get_bind().dialect.name == "postgresql":
        op.add_column("deliveries", sa.Column("held", sa.Boolean, nullable=False, server_default=sa.false()))
        op.execute(f"UPDATE deliveries SET held = {_IS_HELD}")  # noqa: S608 - our own words
        op.drop_constraint(op.f("ck_deliveries_state"), "deliveries")
        op.create_check_constraint(op.f("ck_deliveries_state"), "deliveries", _DELIVERY_STATES)
        op.create_check_constraint(op.f("ck_deliveries_held"), "deliveries", f"held = {_IS_HELD}")
    else:
        _lay_anew()
    held = sa.text("held")
    op.create_index("uq_deliveries_once", "deliveries", ["issue", "address_key"], unique=True, sqlite_where=held, postgresql_where=held)


def _lay_anew() -> None:
    op.drop_index("ix_deliveries_campaign_state_position", "deliveries")
    op.drop_index("ix_deliveries_address_key_issue", "deliveries")
    op.rename_table("attempts", "attempts_0002")
    op.rename_table("deliveries", "deliveries_0002")
    _deliveries()
    _attempts()
    op.execute(f"INSERT INTO deliveries ({_COLUMNS}, held) SELECT {_COLUMNS}, {_IS_HELD} FROM deliveries_0002")  # noqa: S608 - our own words
    op.execute("INSERT INTO attempts SELECT * FROM attempts_0002")
    op.drop_table("attempts_0002")
    op.drop_table("deliveries_0002")
    op.create_index("ix_deliveries_campaign_state_position", "deliveries", ["campaign", "state", "position"])
    op.create_index("ix_deliveries_address_key_issue", "deliveries", ["address_key", "issue"])


def _deliveries() -> None:
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
        sa.Column("held", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.PrimaryKeyConstraint("campaign", "position", name="pk_deliveries"),
        sa.ForeignKeyConstraint(["campaign"], ["campaigns.id"], name="fk_deliveries_campaign"),
        sa.UniqueConstraint("id", name="uq_deliveries_id"),
        sa.UniqueConstraint("campaign", "address_key", name="uq_deliveries_campaign_address_key"),
        sa.CheckConstraint(_DELIVERY_STATES, name=op.f("ck_deliveries_state")),
        sa.CheckConstraint(f"held = {_IS_HELD}", name=op.f("ck_deliveries_held")),
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
