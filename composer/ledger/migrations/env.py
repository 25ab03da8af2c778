"""Alembic's way in: runs the migrations on the connection that ``migrations.upgrade`` hands over."""

from __future__ import annotations

from alembic import context

from composer.ledger.schema import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
with context.begin_transaction():
    context.run_migrations()
