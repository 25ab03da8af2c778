"""What every transport promises, and the four things it can say of a Message."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from composer.message.model import Message


@dataclass(frozen=True, slots=True)
class Accepted:
    """The other side took the message; ``answer`` is what it said (a file name, a reply line)."""

    answer: str = ""


@dataclass(frozen=True, slots=True)
class Deferred:
    """Certainly not accepted, and worth another try later; ``after`` in seconds when the other side named a wait."""

    reason: str
    after: float | None = None


@dataclass(frozen=True, slots=True)
class Rejected:
    """Certainly not accepted, and a final no about this person."""

    reason: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """Perhaps accepted: the answer was lost. Never sent again without a person's word."""

    reason: str


Outcome = Accepted | Deferred | Rejected | Unknown


class Transport(Protocol):
    """A way out; what it is given was built, so that it can be written.

    ``name`` is its key in the configuration. ``real`` is False for a rehearsal that leaves nothing on the network;
    ``idempotent`` is True when sending the same delivery twice has the effect of once, so that after a crash what was
    in flight may be sent again instead of being in doubt.
    """

    name: str
    real: bool
    idempotent: bool

    def send(self, batch: Sequence[Message]) -> list[Outcome]:
        """Send a batch; one Outcome per Message, in order. Raises TransportError only when the transport itself is unusable."""

    def close(self) -> None:
        """Give back what it holds. Safe to call twice."""
