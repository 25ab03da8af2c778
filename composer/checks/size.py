"""How many bytes of HTML the reader with the longest values gets, against what Gmail shows. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from composer.audience.model import Subscriber
from composer.config import Config, ListSettings
from composer.edition.model import Context, Edition, Slot
from composer.findings import Finding, Where, warning
from composer.message.escape import ESCAPES
from composer.message.links import unsubscribe

# Gmail shows this many bytes of HTML and hides the rest, the unsubscribe link with it.
GMAIL_CLIP = 102_400
NEAR = 0.9
_ID_LENGTH = 26
_ADDRESS_LENGTH = 90


def html_size(edition: Edition, people: Iterable[Subscriber], config: Config, settings: ListSettings) -> int:
    """Return the bytes of the merged HTML for the longest values that any of these people has.

    An upper bound: each field counts with its own longest value, each local image with a long address.
    """
    longest = _longest(edition, people)
    leave = unsubscribe(config, settings, "x" * _ID_LENGTH, ("key",), sender=edition.reply_to or edition.from_)
    longest |= {"unsubscribe_url": {leave.url}, "preferences_url": {leave.preferences_url}}
    size = len(edition.html.encode())
    for slot in edition.fields:
        if slot.context not in {Context.PLAIN, Context.HEADER}:
            size += edition.html.count(slot.mark) * (_escaped_size(slot, longest[slot.name]) - len(slot.mark))
    return size + sum(edition.html.count(asset.mark) * _ADDRESS_LENGTH for asset in edition.attachments)


def gmail_clip(size: int, where: Where) -> tuple[Finding, ...]:
    """Warn when the HTML comes near the size that Gmail cuts off."""
    if size < NEAR * GMAIL_CLIP:
        return ()
    message = f"the HTML is up to {size:,} bytes; Gmail cuts off what exceeds {GMAIL_CLIP:,}, and the unsubscribe link with it"
    return (warning("gmail-clip", where, message, "Shorten the issue, or move a long part to the site and link to it."),)


def _longest(edition: Edition, people: Iterable[Subscriber]) -> dict[str, set[str]]:
    """The longest value of each field, and an empty one where somebody has none and gets the default."""
    names = {slot.name for slot in edition.fields}
    longest = dict.fromkeys(names, "")
    lacking: set[str] = set()
    everyone = tuple(people)
    for person in everyone:
        for name in names:
            value = person.email if name == "email" else person.fields.get(name, "").strip()
            if not value:
                lacking.add(name)
            elif len(value) > len(longest[name]):
                longest[name] = value
    return {name: {value, ""} if name in lacking or not everyone else {value} for name, value in longest.items()}


def _escaped_size(slot: Slot, values: Iterable[str]) -> int:
    return max(len(_escaped(slot, value or slot.default or "").encode()) for value in values)


def _escaped(slot: Slot, value: str) -> str:
    try:
        return ESCAPES[slot.context](value)
    except ValueError:  # no address; the merge refuses it
        return value
