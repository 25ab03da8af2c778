"""A Message: an Edition merged for one Subscriber, MIME-ready."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from composer.edition.model import Edition


@dataclass(frozen=True, slots=True)
class Message:
    """What one person gets.

    ``delivery_id`` is opaque and stays the same over attempts, and so does ``message_id`` (without angle brackets);
    ``substitutions`` give the escaped value for the mark of every slot of the edition; ``image_urls`` an address for
    the mark of every attachment (``cid:…`` or https); ``date`` is aware; ``headers`` are those of the list
    (List-Id, List-Unsubscribe …); ``position`` is its place in the campaign, from 1, or 0 where there is none.
    """

    delivery_id: str
    edition: Edition = field(repr=False)
    email: str
    name: str
    message_id: str
    date: datetime
    subject: str
    html: str = field(repr=False)
    text: str = field(repr=False)
    substitutions: Mapping[str, str] = field(repr=False)
    image_urls: Mapping[str, str] = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict)
    position: int = 0
