"""A Message: an Edition merged for one Subscriber, MIME-ready."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from composer.edition.model import Edition
from composer.message.merge import Merged


@dataclass(frozen=True, slots=True)
class Message:
    """What one person gets.

    ``delivery_id`` is opaque and stays the same over attempts, and so does ``message_id`` (without angle brackets);
    ``date`` is aware; ``headers`` are those of the list (List-Id, List-Unsubscribe …); ``prefix`` stands before the subject;
    ``position`` is its place in the campaign, from 1, or 0 where there is none.
    """

    delivery_id: str
    merged: Merged = field(repr=False)
    email: str = field(repr=False)
    name: str = field(repr=False)
    message_id: str
    date: datetime
    headers: Mapping[str, str] = field(default_factory=dict)
    prefix: str = ""
    position: int = 0

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
