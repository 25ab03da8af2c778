"""What the ledger hands out: campaigns, claimed deliveries, what became of an attempt, and the words for their states.

Plain data without SQLAlchemy. Which state follows which is decided above, in ``composer.delivery.model``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from composer.audience.model import LeftOut, Subscriber
from composer.config import ListSettings


class DeliveryState(StrEnum):
    """Where one person's delivery stands."""

    PENDING = "pending"
    SENDING = "sending"
    ACCEPTED = "accepted"
    DEFERRED = "deferred"
    REJECTED = "rejected"
    FAILED = "failed"
    IN_DOUBT = "in_doubt"
    SKIPPED = "skipped"
    RECALLED = "recalled"


class CampaignState(StrEnum):
    """Where a whole campaign stands."""

    DRAFT = "draft"
    SCHEDULED = "scheduled"
    RUNNING = "running"
    PAUSED = "paused"
    FINISHED = "finished"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Campaign:
    """The sending of one Edition to one Audience; ``issue`` is the stem, ``edition`` a digest, times are aware UTC.

    ``setting`` is what of the configuration its messages depend on, as it was when the campaign began.
    """

    id: int
    issue: str
    edition: str
    lists: tuple[ListSettings, ...]
    left_out: tuple[LeftOut, ...]
    transport: str
    real: bool
    setting: Mapping[str, Any]
    state: CampaignState
    reason: str
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Claimed:
    """A delivery that this process alone may send now; ``attempt`` and ``position`` count from 1."""

    id: str
    position: int
    attempt: int
    email: str = field(repr=False)
    key: str = field(repr=False)
    name: str = field(repr=False)
    fields: Mapping[str, str] = field(repr=False)

    @property
    def subscriber(self) -> Subscriber:
        """The person as frozen when the campaign started."""
        return Subscriber(self.email, self.key, self.name, self.fields)


@dataclass(frozen=True, slots=True)
class Batch:
    """One claim: what to send, and how many were skipped because another campaign has them already."""

    rows: tuple[Claimed, ...]
    skipped: int = 0

    def __bool__(self) -> bool:
        """Whether the claim found anything at all."""
        return bool(self.rows or self.skipped)


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a claimed delivery: its next ``state``, how the attempt ended, and the words that came with it.

    ``due_at`` is set when the state is one that is tried again later.
    """

    delivery: str
    state: DeliveryState
    outcome: str
    answer: str = ""
    due_at: datetime | None = None
