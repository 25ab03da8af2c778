"""What a run of the loop is given, who looks on, and how it reports. Plain data, and callables that come from outside."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from composer.delivery.model import CampaignState, DeliveryState, unsent
from composer.delivery.pacing import Limits
from composer.errors import Stopped

if TYPE_CHECKING:
    from composer.ledger.database import Ledger
    from composer.ledger.model import Batch, Campaign, Claimed
    from composer.message.model import Message
    from composer.transport.base import Transport

RESUME = "`newsletter resume {id}` goes on where this stopped."


@dataclass(frozen=True, slots=True)
class Watch:
    """Who looks on while a campaign runs.

    ``stop`` is asked all the time: after it nothing new begins, and what is in flight has some seconds to end. ``interruptible`` is
    entered around the waits for answers, the one place where an interrupt may cut in; ``progress`` is told how many more are
    settled; ``waiting`` until when nothing happens; ``resting`` until when a limit allows nothing, and which; ``probe`` each step's
    name as it begins, some of them from the lanes' threads.
    """

    stop: Callable[[], bool] = lambda: False
    interruptible: Callable[[], AbstractContextManager[None]] = nullcontext
    progress: Callable[[int], None] = lambda _: None
    waiting: Callable[[datetime], None] = lambda _: None
    resting: Callable[[datetime, str], None] = lambda *_: None
    probe: Callable[[str], None] = lambda _: None


@dataclass(frozen=True, slots=True)
class Terms:
    """What may hold a run back: ``limits`` of its pace, messages a minute to one domain (0: any number), percent of rejections (0: any)."""

    limits: Limits = field(default_factory=Limits)
    per_domain_minute: int = 0
    pause_at_rejects: int = 0


@dataclass(frozen=True, slots=True)
class Sending:
    """What one run needs: ``build`` makes the message of a claimed delivery (MergeError: that one fails, others go on).

    ``lock`` keeps other processes away while it runs (UsageError when one is there already); ``clock`` gives aware times; ``wait``
    is how long the run waits for what is deferred, ``give_up`` how old a delivery may get; ``undo``
    names the group that messages are handed over with, where there is one, and nothing is begun after ``until``.
    ``terms`` are what may hold it back. ``exchange`` records results and claims up to so many at a moment; default: the ledger here does.
    """

    ledger: Ledger
    campaign: Campaign
    transport: Transport
    build: Callable[[Claimed, datetime], Message]
    lock: Callable[[], AbstractContextManager[None]]
    clock: Callable[[], datetime]
    batch: int = 100
    watch: Watch = Watch()
    wait: timedelta = timedelta(0)
    give_up: timedelta = timedelta(hours=24)
    sleep: Callable[[float], None] = time.sleep
    undo: str = ""
    until: datetime | None = None
    terms: Terms = field(default_factory=Terms)
    exchange: Callable[..., Batch] | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """How a run ended; ``counts`` are the whole campaign's, by delivery state; ``reason`` says why it paused.

    ``due`` is set when a resume before then would find nothing to send; ``stopped`` says that the run took nothing more although
    there was something, or that it was asked to; ``held`` that the canary has gone out and the rest waits for the sender's word.
    """

    campaign: int
    state: CampaignState
    counts: Mapping[str, int]
    reason: str = ""
    due: datetime | None = None
    stopped: bool = False
    held: bool = False

    @property
    def left(self) -> int:
        """How many a resume may still send; those in doubt are none of them."""
        return unsent(self.counts)

    @property
    def exit_code(self) -> int:
        """0 when all went well, 1 when somebody was refused or failed, 3 when the campaign is not finished."""
        if self.state is not CampaignState.FINISHED:
            return Stopped.exit_code
        return int(any(self.counts.get(state) for state in (DeliveryState.REJECTED, DeliveryState.FAILED)))
