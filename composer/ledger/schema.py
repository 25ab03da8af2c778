"""The ledger's tables, in SQLAlchemy Core with types that SQLite and PostgreSQL both know.

A migration in ``migrations/versions`` makes what stands here; a test compares the two. The unique partial index on
``deliveries`` is the promise that an address gets an issue at most once over all real campaigns.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sqlalchemy import (
    JSON,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
    text,
)

from composer.ledger.model import CampaignState, DeliveryState

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy import Dialect


class Moment(TypeDecorator[datetime]):
    """An aware datetime; SQLite keeps no zone, so it is stored and read as UTC."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002 - SQLAlchemy's signature
        """Turn into UTC."""
        return value.astimezone(UTC) if value else None

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002 - SQLAlchemy's signature
        """Read as UTC."""
        return value.replace(tzinfo=value.tzinfo or UTC) if value else None


def _state_in(states: Iterable[str]) -> str:
    words = ", ".join(f"'{state}'" for state in states)
    return f"state IN ({words})"


# A delivery in one of these states has, or may have, reached its person.
_REACHED = (DeliveryState.SENDING, DeliveryState.ACCEPTED, DeliveryState.DEFERRED, DeliveryState.IN_DOUBT)
HELD = text(f"real AND {_state_in(_REACHED)}")

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

attachments = Table(
    "attachments",
    metadata,
    Column("sha256", String(64), primary_key=True),
    Column("data", LargeBinary, nullable=False),
)

editions = Table(
    "editions",
    metadata,
    Column("digest", String(64), primary_key=True),
    Column("payload", JSON, nullable=False),
    Column("created_at", Moment, nullable=False),
)

campaigns = Table(
    "campaigns",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("issue", String(255), nullable=False),
    Column("edition", String(64), ForeignKey("editions.digest"), nullable=False),
    Column("lists", JSON, nullable=False),
    Column("left_out", JSON, nullable=False),
    Column("transport", String(32), nullable=False),
    Column("real", Boolean, nullable=False),
    Column("setting", JSON, nullable=False),
    Column("state", String(16), nullable=False),
    Column("reason", Text, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("updated_at", Moment, nullable=False),
    CheckConstraint(_state_in(CampaignState), name="state"),
    sqlite_autoincrement=True,
)

deliveries = Table(
    "deliveries",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("campaign", Integer, ForeignKey("campaigns.id"), nullable=False),
    Column("position", Integer, nullable=False),
    Column("issue", String(255), nullable=False),
    Column("real", Boolean, nullable=False),
    Column("address_key", String(320), nullable=False),
    Column("email", String(320), nullable=False),
    Column("name", Text, nullable=False),
    Column("fields", JSON, nullable=False),
    Column("state", String(16), nullable=False),
    Column("reason", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("due_at", Moment),
    Column("updated_at", Moment, nullable=False),
    UniqueConstraint("campaign", "address_key"),
    CheckConstraint(_state_in(DeliveryState), name="state"),
    Index("ix_deliveries_campaign_state_position", "campaign", "state", "position"),
    Index("uq_deliveries_once", "issue", "address_key", unique=True, sqlite_where=HELD, postgresql_where=HELD),
)

attempts = Table(
    "attempts",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("delivery", String(32), ForeignKey("deliveries.id"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("started_at", Moment, nullable=False),
    Column("ended_at", Moment),
    Column("outcome", String(16), nullable=False),
    Column("answer", Text, nullable=False),
    UniqueConstraint("delivery", "number"),
)
