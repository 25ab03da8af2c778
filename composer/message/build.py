"""Put together what one person gets: values, links and headers around the merged Edition. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from types import MappingProxyType

from composer.config import Config, ListSettings
from composer.edition.model import Edition
from composer.message.feedback import feedback_id
from composer.message.headers import split_mailbox
from composer.message.links import Unsubscribe, list_id_header, unsubscribe
from composer.message.merge import Merger
from composer.message.mime import check_fields, check_own
from composer.message.model import Message, Recipient


class Builder:
    """Builds the Messages of one Edition for a list; what they have in common is worked out once. Safe to share between threads.

    ``keys`` sign the unsubscribe link, newest first.
    """

    def __init__(self, merger: Merger, *, config: Config, settings: ListSettings, keys: Sequence[str]) -> None:
        edition = merger.edition
        self._merger, self._config, self._settings, self._keys = merger, config, settings, keys
        self._domain = _domain(edition.from_)
        self._sender = edition.reply_to or edition.from_
        self._list = {"List-Id": list_id_header(config.newsletter.name, settings, self._domain)}
        self._list |= feedback_id(config, edition.stem, settings.name)
        self._shared: tuple[Unsubscribe, Mapping[str, str]] | None = None

    def build(self, recipient: Recipient, delivery_id: str, date: datetime, position: int = 0) -> Message:
        """Return the Message of one delivery; the same arguments give the same Message.

        ``delivery_id`` is opaque, of letters, digits, ``.``, ``_`` and ``-``; ``date`` is aware. Raises MergeError for a value that
        is lacking or unfit, or a header that cannot be written; ConfigError for a way to unsubscribe that is not set up.
        """
        leave, headers = self._shared or self._ways_out(delivery_id)
        values = dict(recipient.fields)
        if recipient.name and not values.get("name"):
            values["name"] = recipient.name
        values["email"] = recipient.email
        values["unsubscribe_url"] = leave.url
        values["preferences_url"] = leave.preferences_url
        merged = self._merger.merge(values)
        message_id = f"{delivery_id}@{self._domain}"
        message = Message(delivery_id, merged, recipient.email, recipient.name, message_id, date, headers, "", position)
        check_own(message)  # refused now, while it is certain that nobody got it
        return message

    def _ways_out(self, delivery_id: str) -> tuple[Unsubscribe, Mapping[str, str]]:
        leave = unsubscribe(self._config, self._settings, delivery_id, self._keys, sender=self._sender)
        found = leave, MappingProxyType({**self._list, **leave.headers})
        check_fields(found[1])
        if leave.shared:
            self._shared = found
        return found


def build_message(  # noqa: PLR0913 - a person and all around
    merger: Merger,
    recipient: Recipient,
    *,
    delivery_id: str,
    date: datetime,
    config: Config,
    settings: ListSettings,
    keys: Sequence[str],
    position: int = 0,
) -> Message:
    """Build one Message, as ``Builder`` does many."""
    return Builder(merger, config=config, settings=settings, keys=keys).build(recipient, delivery_id, date, position)


def inline_images(edition: Edition) -> dict[str, str]:
    """Return a ``cid:`` address for the mark of every local image; it depends on the image's content alone (RFC 2392)."""
    domain = _domain(edition.from_)
    return {asset.mark: f"cid:{asset.sha256[:32]}@{domain}" for asset in edition.attachments}


def image_urls(edition: Edition, config: Config, *, hosted: bool) -> dict[str, str]:
    """Return the address of every local image, by mark: below ``[images] url`` when ``hosted``, else inside the message."""
    if not hosted:
        return inline_images(edition)
    return {asset.mark: f"{config.images.url.rstrip('/')}/{asset.hosted_name}" for asset in edition.attachments}


@lru_cache(maxsize=8)
def _domain(sender: str) -> str:
    return split_mailbox(sender)[1].rpartition("@")[2].lower()
