"""Put together what one person gets: values, links and headers around the merged Edition. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache

from composer.config import Config, ListSettings
from composer.edition.model import Edition
from composer.message.headers import split_mailbox
from composer.message.links import list_id_header, unsubscribe
from composer.message.merge import Merger
from composer.message.mime import check_head
from composer.message.model import Message, Recipient


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
    """Return the Message of one delivery; the same arguments give the same Message.

    ``delivery_id`` is opaque, of letters, digits, ``.``, ``_`` and ``-``; ``date`` is aware; ``keys`` sign the unsubscribe link,
    newest first. Raises MergeError for a value that is lacking or unfit, or a header that cannot be written; ConfigError for a way
    to unsubscribe that is not set up.
    """
    edition = merger.edition
    domain = _domain(edition.from_)
    leave = unsubscribe(config, settings, delivery_id, keys, sender=edition.reply_to or edition.from_)
    values = dict(recipient.fields)
    if recipient.name and not values.get("name"):
        values["name"] = recipient.name
    values.update(email=recipient.email, unsubscribe_url=leave.url, preferences_url=leave.preferences_url)
    message = Message(
        delivery_id=delivery_id,
        merged=merger.merge(values),
        email=recipient.email,
        name=recipient.name,
        message_id=f"{delivery_id}@{domain}",
        date=date,
        position=position,
        headers={"List-Id": list_id_header(config.newsletter.name, settings, domain), **leave.headers},
    )
    check_head(message)  # refused now, while it is certain that nobody got it
    return message


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
