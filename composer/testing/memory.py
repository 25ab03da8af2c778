"""A transport that remembers, and a clock that obeys."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from threading import Event, Lock
from typing import TYPE_CHECKING

from composer.transport.base import Accepted, Outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from composer.message.model import Message

Answer = Outcome | BaseException


@dataclass(slots=True)
class MemoryTransport:
    """A real transport as far as anyone can tell; ``sent`` holds every message that it took, in order.

    ``answers`` gives the outcome for an address, or an exception to raise for the whole batch when it holds that address
    (messages before it are taken); ``script`` is asked first with each whole batch and may return anything or raise.
    """

    name: str = "memory"
    real: bool = True
    idempotent: bool = False
    lanes: int = 1
    batch: int = 0
    ahead: bool = False
    direct: bool = False
    answers: dict[str, Answer] = field(default_factory=dict)
    script: deque[Callable[[Sequence[Message]], list[Outcome]]] = field(default_factory=deque)
    sent: list[Message] = field(default_factory=list)
    batches: list[int] = field(default_factory=list)
    closed: bool = False
    interrupted: Event = field(default_factory=Event)
    _lock: Lock = field(default_factory=Lock)

    def send(self, batch: Sequence[Message], _upcoming: Message | None = None, /) -> list[Outcome]:
        """Take a batch and answer as told; Accepted by default."""
        with self._lock:
            self.batches.append(len(batch))
            script = self.script.popleft() if self.script else None
        if script:
            return script(batch)
        outcomes: list[Outcome] = []
        for message in batch:
            answer = self.answers.get(message.email, Accepted("taken"))
            if isinstance(answer, BaseException):
                raise answer
            if isinstance(answer, Accepted):
                self.sent.append(message)
            outcomes.append(answer)
        return outcomes

    def interrupt(self) -> None:
        """Remember that it was asked to stop waiting."""
        self.interrupted.set()

    def close(self) -> None:
        """Remember that it was closed."""
        self.closed = True

    @property
    def addresses(self) -> list[str]:
        """The addresses that were mailed, in order, once for each time."""
        return [message.email for message in self.sent]


@dataclass(slots=True)
class FakeClock:
    """A clock that stands still until ``advance``; call it for the time."""

    now: datetime = datetime(2026, 1, 15, 9, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        """Return the time."""
        return self.now

    def advance(self, seconds: float) -> datetime:
        """Let time pass and return the new time."""
        self.now += timedelta(seconds=seconds)
        return self.now
