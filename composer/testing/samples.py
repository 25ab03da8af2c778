"""Something to send: a small edition, an audience of made-up people, a message."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

from composer.audience.model import Audience, Subscriber
from composer.config import Config, ListSettings
from composer.edition.model import Context, Edition, Slot
from composer.findings import Where
from composer.message.build import build_message, inline_images
from composer.message.merge import Merger
from composer.testing.memory import FakeClock

if TYPE_CHECKING:
    from composer.issue.model import Asset
    from composer.message.model import Message


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
        subscriber or next(iter(an_audience(1).subscribers)),
        delivery_id=delivery_id,
        date=FakeClock().now,
        config=Config(),
        settings=ListSettings(name="readers"),
        keys=("key",),
    )
    return message._replace(position=position)
