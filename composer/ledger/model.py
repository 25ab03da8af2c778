"""What the ledger hands out: campaigns, claimed deliveries, what became of an attempt, and the words for their states.

Plain data without SQLAlchemy. Which state follows which is decided above, in ``composer.delivery.model``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple

from composer.audience.model import LeftOut
from composer.config import ListSettings

_decode = json.JSONDecoder().raw_decode  # a third of the time of `loads`


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


class SubscriptionState(StrEnum):
    """What a person said about a list."""

    UNCONFIRMED = "unconfirmed"
    CONFIRMED = "confirmed"
    UNSUBSCRIBED = "unsubscribed"


class Reason(StrEnum):
    """Why an address must not be mailed."""

    UNSUBSCRIBED = "unsubscribed"
    HARD_BOUNCE = "hard_bounce"
    COMPLAINT = "complaint"
    MANUAL = "manual"
    INVALID = "invalid"


class BatchState(StrEnum):
    """Where a group of messages that can be withdrawn together stands.

    REPLACING and RECALLING are written before the provider is asked to cancel it: whether it did is to be found out.
    """

    OPEN = "open"
    REPLACING = "replacing"
    RECALLING = "recalling"
    CANCELLED = "cancelled"


class Request(StrEnum):
    """What another process asks of the one that sends."""

    NONE = ""
    PAUSE = "pause"
    CANCEL = "cancel"


class CanaryStage(StrEnum):
    """How far a campaign's canary is: some people, chosen at random, who are sent to before all others.

    GOING: they are sent to, and nobody else; GONE: that is done, and the rest waits for the sender's word; OVER: it was given.
    """

    NONE = ""
    GOING = "going"
    GONE = "gone"
    OVER = "over"

    @property
    def holds(self) -> bool:
        """Whether nobody but the canary is sent to."""
        return self in {CanaryStage.GOING, CanaryStage.GONE}


@dataclass(frozen=True, slots=True)
class Campaign:
    """The sending of one Edition to one Audience; ``issue`` is the stem, ``edition`` a digest, times are aware UTC.

    ``setting`` is what of the configuration its messages depend on, as it was when the campaign began; ``people`` how many the
    audience had; ``untested`` that it began although its edition was not test-sent; ``request`` what other processes ask for;
    ``canary`` how many people go first, 0 when all do.
    """

    id: int
    issue: str
    edition: str
    lists: tuple[ListSettings, ...]
    left_out: tuple[LeftOut, ...]
    transport: str
    real: bool
    correction: bool
    untested: bool
    people: int
    request: Request
    setting: Mapping[str, Any]
    state: CampaignState
    reason: str
    created_at: datetime
    updated_at: datetime
    canary: int
    canary_stage: CanaryStage


# Named tuples: a frozen dataclass takes six times as long to make, and one of each is made for every person.
class Claimed(NamedTuple):
    """A delivery that this process alone may send now; ``attempt`` and ``position`` count from 1, ``as_json`` holds the fields."""

    id: str
    campaign: int
    position: int
    attempt: int
    email: str
    key: str
    name: str
    as_json: str
    list: str
    started_at: datetime

    def __repr__(self) -> str:
        """Name the delivery and nothing of the person."""
        return f"Claimed(id={self.id!r}, campaign={self.campaign}, position={self.position}, attempt={self.attempt})"

    @property
    def fields(self) -> Mapping[str, str]:
        """The person's merge values as frozen when the campaign started; read anew each time."""
        fields: Mapping[str, str] = _decode(self.as_json)[0]
        return fields


class Foresight(NamedTuple):
    """What a claim is to know of those who come next.

    ``chosen``, as they were shown before, are claimed before others, ``reserved`` positions not at all; of those who would be next,
    so many are ``shown`` and not claimed.
    """

    chosen: tuple[Claimed, ...] = ()
    reserved: tuple[int, ...] = ()
    shown: int = 0


UNFORESEEN = Foresight()


@dataclass(frozen=True, slots=True)
class Batch:
    """One claim: what to send, how many were skipped (mailed by another campaign, or suppressed since), what others ask for.

    ``ahead`` are those who would be next: nobody has claimed them.
    """

    rows: tuple[Claimed, ...]
    skipped: int = 0
    request: Request = Request.NONE
    ahead: tuple[Claimed, ...] = ()

    def __bool__(self) -> bool:
        """Whether the claim found anything at all."""
        return bool(self.rows or self.skipped)


# How a claim ends that is no attempt: the delivery was given back for later.
HELD = "held"


class Result(NamedTuple):
    """What became of a claimed delivery: its next ``state``, how the attempt ended (HELD: there was none), and the words with it.

    ``due_at`` is set when the state is one that is tried again later; ``batch`` names what it can be withdrawn with.
    """

    delivery: Claimed
    state: DeliveryState
    outcome: str
    answer: str = ""
    due_at: datetime | None = None
    batch: str = ""
