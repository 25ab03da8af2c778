"""A Message: an Edition merged for one Subscriber, MIME-ready."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import NamedTuple, Protocol

from composer.edition.model import Edition
from composer.message.merge import Merged


class Recipient(Protocol):
    """Who a Message is for: a Subscriber, or what the ledger keeps of one; ``fields`` are merge values by name."""

    @property
    def email(self) -> str:
        """The address."""

    @property
    def name(self) -> str:
        """The name, perhaps empty."""

    @property
    def fields(self) -> Mapping[str, str]:
        """What else is known."""


class Message(NamedTuple):
    """What one person gets.

    ``delivery_id`` is opaque and stays the same over attempts, and so does ``message_id`` (without angle brackets);
    ``date`` is aware; ``headers`` are those of the list (List-Id, List-Unsubscribe …); ``prefix`` stands before the subject;
    ``position`` is its place in the campaign, from 1, or 0 where there is none.
    """

    delivery_id: str
    merged: Merged
    email: str
    name: str
    message_id: str
    date: datetime
    headers: Mapping[str, str] = MappingProxyType({})
    prefix: str = ""
    position: int = 0

    def __repr__(self) -> str:
        """Name the delivery and nothing of the person."""
        return f"Message({self.delivery_id!r}, position={self.position})"

    @property
    def edition(self) -> Edition:
        """What was merged."""
        return self.merged.merger.edition

    @property
    def subject(self) -> str:
        """The subject, one line, ``prefix`` included."""
        return self.prefix + self.merged.subject

    @property
    def html(self) -> str:
        """The HTML part; joined anew each time."""
        return self.merged.html

    @property
    def text(self) -> str:
        """The text part; joined anew each time."""
        return self.merged.text

    @property
    def substitutions(self) -> Mapping[str, str]:
        """The escaped value for the mark of every slot of the edition."""
        return self.merged.substitutions

    @property
    def image_urls(self) -> Mapping[str, str]:
        """An address for the mark of every attachment, ``cid:…`` or https."""
        return self.merged.merger.image_urls
