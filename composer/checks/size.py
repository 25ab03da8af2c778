"""How many bytes of HTML the reader with the longest values gets, against what Gmail shows. Pure."""

from __future__ import annotations

from collections.abc import Collection

from composer.audience.model import Subscriber
from composer.config import Config, ListSettings
from composer.edition.model import Context, Edition, Slot
from composer.findings import Finding, Where, warning
from composer.message.build import image_urls
from composer.message.escape import ESCAPES, attribute
from composer.message.links import unsubscribe

# Gmail shows this many bytes of HTML and hides the rest, the unsubscribe link with it.
GMAIL_CLIP = 102_400
NEAR = 0.9
_ID_LENGTH = 24


def html_size(edition: Edition, people: Collection[Subscriber], config: Config, settings: ListSettings) -> int:
    """Return the bytes of the merged HTML for the longest values, as they are escaped, that any of these people has.

    An upper bound: each field counts with its own longest value, each local image with its longer address.
    """
    leave = unsubscribe(config, settings, "x" * _ID_LENGTH, ("key",), sender=edition.reply_to or edition.from_)
    links = {"unsubscribe_url": leave.url, "preferences_url": leave.preferences_url}
    slots = [slot for slot in edition.fields if slot.context not in {Context.PLAIN, Context.HEADER}]
    own = [slot for slot in slots if slot.name not in links]
    longest = {slot.mark: _length(slot, links[slot.name]) if slot.name in links else 0 for slot in slots}
    for person in (people or (Subscriber("", ""),)) if own else ():
        for slot in own:
            longest[slot.mark] = max(longest[slot.mark], _length(slot, _value(person, slot)))
    size = len(edition.html.encode())
    for slot in slots:
        size += edition.html.count(slot.mark) * (longest[slot.mark] - len(slot.mark))
    addresses = [image_urls(edition, config, hosted=hosted) for hosted in (True, False)]
    for asset in edition.attachments:
        length = max(len(attribute(urls[asset.mark]).encode()) for urls in addresses)
        size += edition.html.count(asset.mark) * (length - len(asset.mark))
    return size


def gmail_clip(size: int, where: Where) -> tuple[Finding, ...]:
    """Warn when the HTML comes near the size that Gmail cuts off."""
    if size < NEAR * GMAIL_CLIP:
        return ()
    message = f"the HTML is up to {size:,} bytes; Gmail cuts off what exceeds {GMAIL_CLIP:,}, and the unsubscribe link with it"
    return (warning("gmail-clip", where, message, "Shorten the issue, or move a long part to the site and link to it."),)


def _value(person: Subscriber, slot: Slot) -> str:
    value = person.email if slot.name == "email" else person.fields.get(slot.name, "").strip()
    return value or slot.default or ""


def _length(slot: Slot, value: str) -> int:
    """Return the bytes that a value takes where it stands."""
    try:
        return len(ESCAPES[slot.context](value).encode())
    except ValueError:  # no address; the merge refuses it
        return len(value.encode())
