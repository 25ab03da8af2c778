"""The ledger's tables, in SQLAlchemy Core with types that SQLite and PostgreSQL both know.

Migrations in ``migrations/versions`` make what stands here; a test compares the two. The unique partial index on
``deliveries`` is the promise that an address gets an issue at most once over all real campaigns but corrections.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    JSON,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
    false,
    text,
)

from composer.ledger.model import BatchState, CampaignState, DeliveryState, Reason, SubscriptionState

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


def _in(column: str, words: Iterable[str]) -> str:
    listed = ", ".join(f"'{word}'" for word in words)
    return f"{column} IN ({listed})"


def _either(column: str, words: Iterable[str]) -> str:
    """Say the same word by word: in a CHECK, SQLite sorts the words of an IN anew for each row, which costs more than writing the row."""
    return "(" + " OR ".join(f"{column} = '{word}'" for word in words) + ")"


# Why a delivery was skipped: it was in doubt, and somebody decided not to send it again.
RESOLVED = "resolved"
# A delivery in one of these states has, or may have, reached its person; one that was in doubt until somebody skipped it too.
REACHED_STATES = (DeliveryState.SENDING, DeliveryState.ACCEPTED, DeliveryState.DEFERRED, DeliveryState.IN_DOUBT)
_MAY_HAVE = f"({_either('state', REACHED_STATES)} OR state = '{DeliveryState.SKIPPED}' AND reason = '{RESOLVED}')"
REACHED = text(f"real AND {_MAY_HAVE}")
# What an index asks of a row is asked anew at each change of what it asks for: a column of its own is not, while it stays the same.
HELD = text("held")
# Who goes first, where a campaign has a canary. An index of few, by these very words: SQLite uses it only where a statement has them, too.
CANARY = text("canary")
_IS_HELD = f"held = (real AND NOT correction AND {_MAY_HAVE})"


def moved_to(state: DeliveryState, reason: str = "") -> dict[str, Any]:
    """Return the values of a delivery that moves to ``state`` from one in which it has, or may have, reached its person, or from waiting.

    Whoever may have it stays held: the index that nobody gets an issue twice by is then not written anew.
    """
    stays = state in REACHED_STATES or (state == DeliveryState.SKIPPED and reason == RESOLVED)
    return {"state": state, "reason": reason} | ({} if stays else {"held": False})


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
    Column("correction", Boolean, nullable=False, server_default=false()),
    Column("untested", Boolean, nullable=False, server_default=false()),
    Column("people", Integer, nullable=False, server_default="0"),
    Column("request", String(16), nullable=False, server_default=""),
    Column("setting", JSON, nullable=False),
    Column("state", String(16), nullable=False),
    Column("reason", Text, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("updated_at", Moment, nullable=False),
    Column("canary", Integer, nullable=False, server_default="0"),
    Column("canary_stage", String(16), nullable=False, server_default=""),
    CheckConstraint(_in("state", CampaignState), name="state"),
    sqlite_autoincrement=True,
)

deliveries = Table(
    "deliveries",
    metadata,
    Column("campaign", Integer, ForeignKey("campaigns.id"), nullable=False),
    Column("position", Integer, nullable=False),
    Column("id", String(32), nullable=False),
    Column("issue", String(255), nullable=False),
    Column("real", Boolean, nullable=False),
    Column("correction", Boolean, nullable=False),
    Column("list", String(100), nullable=False),
    Column("address_key", String(320), nullable=False),
    Column("email", String(320), nullable=False),
    Column("name", Text, nullable=False),
    Column("fields", JSON, nullable=False),
    Column("state", String(16), nullable=False),
    Column("reason", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("first_tried_at", Moment),
    Column("due_at", Moment),
    Column("updated_at", Moment, nullable=False),
    Column("held", Boolean, nullable=False, server_default=false()),
    Column("canary", Boolean, nullable=False, server_default=false()),
    # What moves between states is found by place: neighbours in a batch are neighbours on disk.
    PrimaryKeyConstraint("campaign", "position"),
    UniqueConstraint("id"),
    UniqueConstraint("campaign", "address_key"),
    CheckConstraint(_either("state", DeliveryState), name="state"),
    CheckConstraint(_IS_HELD, name="held"),
    Index("ix_deliveries_campaign_state_position", "campaign", "state", "position"),
    Index("ix_deliveries_address_key_issue", "address_key", "issue"),
    Index("ix_deliveries_canary", "campaign", "state", "position", sqlite_where=CANARY, postgresql_where=CANARY),
    Index("uq_deliveries_once", "issue", "address_key", unique=True, sqlite_where=HELD, postgresql_where=HELD),
)

# An attempt is written when it has ended; one that has not is its delivery being `sending`.
attempts = Table(
    "attempts",
    metadata,
    Column("campaign", Integer, nullable=False),
    Column("position", Integer, nullable=False),
    Column("number", Integer, nullable=False),
    Column("started_at", Moment, nullable=False),
    Column("ended_at", Moment, nullable=False),
    Column("outcome", String(16), nullable=False),
    Column("answer", Text, nullable=False),
    Column("batch", String(100), nullable=False),
    PrimaryKeyConstraint("campaign", "position", "number"),
    ForeignKeyConstraint(["campaign", "position"], ["deliveries.campaign", "deliveries.position"]),
    sqlite_with_rowid=False,
)

undo_batches = Table(
    "undo_batches",
    metadata,
    Column("id", String(100), primary_key=True),
    Column("campaign", Integer, ForeignKey("campaigns.id"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("send_at", Moment, nullable=False),
    Column("state", String(16), nullable=False),
    UniqueConstraint("campaign", "number"),
    CheckConstraint(_in("state", BatchState), name="state"),
)

test_sends = Table(
    "test_sends",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("issue", String(255), nullable=False),
    Column("edition", String(64), nullable=False, index=True),
    Column("list", String(100), nullable=False),
    Column("transport", String(32), nullable=False),
    Column("real", Boolean, nullable=False),
    Column("sender", String(100), nullable=False),
    Column("address_key", String(320), nullable=False, index=True),
    Column("email", String(320), nullable=False),
    Column("variant", String(100), nullable=False),
    Column("started_at", Moment, nullable=False),
    Column("ended_at", Moment),
    Column("outcome", String(16), nullable=False),
    Column("answer", Text, nullable=False),
)

subscribers = Table(
    "subscribers",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("address_key", String(320), nullable=False),
    Column("email", String(320), nullable=False),
    Column("name", Text, nullable=False),
    Column("fields", JSON, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("updated_at", Moment, nullable=False),
    UniqueConstraint("address_key"),
)

subscriptions = Table(
    "subscriptions",
    metadata,
    Column("list", String(100), nullable=False),
    Column("subscriber", Integer, ForeignKey("subscribers.id"), nullable=False),
    Column("state", String(16), nullable=False),
    Column("source", Text, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("updated_at", Moment, nullable=False),
    PrimaryKeyConstraint("list", "subscriber"),
    CheckConstraint(_in("state", SubscriptionState), name="state"),
    Index("ix_subscriptions_subscriber", "subscriber"),
    sqlite_with_rowid=False,
)

# Who must not be mailed, on one list or (scope "") everywhere.
suppressions = Table(
    "suppressions",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("address_key", String(320), nullable=False),
    Column("scope", String(100), nullable=False),
    Column("reason", String(16), nullable=False),
    Column("source", Text, nullable=False),
    Column("created_at", Moment, nullable=False),
    UniqueConstraint("address_key", "scope", "reason"),
    CheckConstraint(_in("reason", Reason), name="reason"),
)

# Of a person who was forgotten only this is kept: the name of a secret key, and what it makes of the address (composer.ledger.keyed).
forgotten = Table(
    "forgotten",
    metadata,
    Column("hash", String(64), primary_key=True),
    Column("created_at", Moment, nullable=False),
)
