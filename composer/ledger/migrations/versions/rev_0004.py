"""A campaign may have a canary: some of its people, chosen at random, who are sent to before all others.

Columns are added with a default, which neither database writes into the rows that are there; the index is of those few alone.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add how many go first and how far that is to campaigns, and who they are to deliveries."""
    op.add_column("campaigns", sa.Column("canary", sa.Integer, nullable=False, server_default="0"))
    op.add_column("campaigns", sa.Column("canary_stage", sa.String(16), nullable=False, server_default=""))
    op.add_column("deliveries", sa.Column("canary", sa.Boolean, nullable=False, server_default=sa.false()))
    chosen = sa.text("canary")
    op.create_index("ix_deliveries_canary", "deliveries", ["campaign", "state", "position"], sqlite_where=chosen, postgresql_where=chosen)
