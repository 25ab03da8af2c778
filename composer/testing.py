"""Public doubles for tests of what sends: a transport that remembers, a clock that obeys, and something to send."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import TYPE_CHECKING

from composer.audience.model import Audience, Subscriber
from composer.config import Config, ListSettings
from composer.edition.model import Context, Edition, Slot
from composer.findings import Where
from composer.message.build import build_message, inline_images
from composer.message.merge import Merger
from composer.transport.base import Accepted, Outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from composer.issue.model import Asset
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
    answers: dict[str, Answer] = field(default_factory=dict)
    script: deque[Callable[[Sequence[Message]], list[Outcome]]] = field(default_factory=deque)
    sent: list[Message] = field(default_factory=list)
    batches: list[int] = field(default_factory=list)
    closed: bool = False

    def send(self, batch: Sequence[Message]) -> list[Outcome]:
        """Take a batch and answer as told; Accepted by default."""
        self.batches.append(len(batch))
        if self.script:
            return self.script.popleft()(batch)
        outcomes: list[Outcome] = []
        for message in batch:
            answer = self.answers.get(message.email, Accepted("taken"))
            if isinstance(answer, BaseException):
                raise answer
            if isinstance(answer, Accepted):
                self.sent.append(message)
            outcomes.append(answer)
        return outcomes

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


def an_edition(stem: str = "2026-01", *, attachments: tuple[Asset, ...] = (), draft: bool = False) -> Edition:
    """Make a small edition with one merge field, ``first_name``, that defaults to "friend"."""
    where = Where(f"issues/{stem}.md", 7)
    text, html = "q0f1e2d3c4b5ap0x", "q0f1e2d3c4b5at0x"
    slots = tuple(
        Slot(mark, "first_name", context, "friend", '{{ first_name | default("friend") }}', where)
        for mark, context in ((text, Context.PLAIN), (html, Context.TEXT))
    )
    images = "".join(f'<img src="{asset.mark}" alt="">' for asset in attachments)
    return Edition(
        stem=stem,
        list_name="readers",
        list_title="Readers",
        language="en",
        from_="News <news@letters.example>",
        reply_to="",
        subject=f"News of {stem}",
        preheader="What happened.",
        html=f"<!DOCTYPE html><html><body><p>Hello {html}</p>{images}</body></html>",
        text=f"Hello {text}\n",
        fields=slots,
        attachments=attachments,
        draft=draft,
        digest=sha256(f"{stem} {draft} {[asset.sha256 for asset in attachments]}".encode()).hexdigest(),
    )


def an_audience(people: int = 3, *, lists: tuple[str, ...] = ("readers",), first: int = 1) -> Audience:
    """Make an audience of made-up people, ``person1@example.com`` and so on from number ``first``."""
    addresses = [(number, f"person{number}@example.com") for number in range(first, first + people)]
    everyone = tuple(Subscriber(email, email, f"Person {number}", {"first_name": f"P{number}"}) for number, email in addresses)
    return Audience(tuple(ListSettings(name=name) for name in lists), everyone)


def a_message(edition: Edition | None = None, subscriber: Subscriber | None = None, delivery_id: str = "d1", position: int = 0) -> Message:
    """Make the message of one delivery."""
    edition = edition or an_edition()
    message = build_message(
        Merger(edition, inline_images(edition)),
        subscriber or an_audience(1).subscribers[0],
        delivery_id=delivery_id,
        date=FakeClock().now,
        config=Config(),
        settings=ListSettings(name="readers"),
        keys=("key",),
    )
    return replace(message, position=position)
