"""What every transport promises, and the four things it can say of a Message."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol, runtime_checkable

from composer.errors import TransportError
from composer.message.model import Message


@dataclass(frozen=True, slots=True)
class Accepted:
    """The other side took the message; ``answer`` is what it said (a file name, a reply line).

    ``batch`` names the group of messages that can be withdrawn together, where there is one.
    """

    answer: str = ""
    batch: str = ""


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
    """Perhaps accepted: the answer was lost. Never sent again without a person's word. ``batch`` as with Accepted."""

    reason: str
    batch: str = ""


Outcome = Accepted | Deferred | Rejected | Unknown


class Unusable(TransportError):  # noqa: N818 - a state of the transport
    """The transport became unusable in the middle of a batch.

    ``outcomes`` has one entry a message, in order: its Outcome where that is known, None where it certainly was not sent.
    """

    outcomes: Sequence[Outcome | None] = ()


class Transport(Protocol):
    """A way out; what it is given was built, so that it can be written.

    ``name`` is its key in the configuration. ``real`` is False for a rehearsal that leaves nothing on the network;
    ``idempotent`` is True when sending the same delivery twice has the effect of once, so that after a crash what was
    in flight may be sent again instead of being in doubt. ``lanes`` is how many calls of ``send`` it takes at once, each from a
    thread of its own (or see ``Multiplexed``); ``batch`` how many messages a call it likes best (0: as configured). ``ahead`` is True
    when it gains by knowing what comes next; ``direct`` when it is a mail server that says what became of a message, to one recipient
    at a time.
    """

    name: str
    real: bool
    idempotent: bool
    lanes: int
    batch: int
    ahead: bool
    direct: bool

    def send(self, batch: Sequence[Message], upcoming: Message | None = None, /) -> list[Outcome]:
        """Send a batch; one Outcome per Message, in order.

        ``upcoming`` is what the caller means to send next, if all goes well: it may be prepared for, and nobody can receive it
        before it is sent. Raises TransportError only when the transport itself is unusable; then nobody of the batch was sent, but
        those whom ``Unusable.outcomes`` says it of.
        """

    def interrupt(self) -> None:
        """End every wait for a limit or a retry, from any thread; no call is begun after this, what is in flight may finish."""

    def close(self) -> None:
        """Give back what it holds. Safe to call twice."""


class Letter(NamedTuple):
    """A message to be sent now, what its sender means to send next in its place, and what it is about."""

    message: Message
    upcoming: Message | None = None
    about: object = None


@runtime_checkable
class Multiplexed(Transport, Protocol):
    """A Transport that can have ``lanes`` messages under way at once in a single thread, that of its caller; each is a batch of its own."""

    def begin(self, letters: Iterable[Letter], /) -> None:
        """Begin to send some, so many that no more than ``lanes`` are under way; ``upcoming`` is as in ``send``.

        Raises nothing: what becomes of each is said by ``ended``, beside what it is ``about``.
        """

    def wait(self, seconds: float, enough: int = 1, /) -> bool:
        """Wait until ``ended`` may have something to say, for so many seconds at most; rather for ``enough`` messages than for one.

        False when nothing happened. What happens is kept until ``ended`` is called, also when the wait is broken off.
        """

    def wake(self) -> None:
        """End a wait, from any thread."""

    def ended(self) -> Iterator[tuple[object, Outcome | Unusable]]:
        """Go on with what is under way, without waiting; yield what became of each message that is done.

        Unusable says that the transport is, and has one outcome: that of the message, None when it certainly was not sent.
        """
