"""A Message as a test: the same in all but its ways out, which lead nowhere. Pure."""

from __future__ import annotations

from composer.message.escape import ESCAPES
from composer.message.links import Unsubscribe
from composer.message.merge import Merged
from composer.message.mime import check_head
from composer.message.model import Message


def make_inert(message: Message, leave: Unsubscribe) -> Message:
    """Return the message with ``leave`` in the place of its links and headers for leaving; all else stays, the digest too.

    ``leave`` comes from ``links.inert_unsubscribe``. Raises MergeError for a header that cannot be written.
    """
    links = {"unsubscribe_url": leave.url, "preferences_url": leave.preferences_url}
    places = {slot.mark: slot for slot in message.edition.fields if slot.name in links}
    inert = {mark: ESCAPES[slot.context](links[slot.name]) for mark, slot in places.items()}
    merged = Merged(message.merged.merger, {**message.substitutions, **inert})
    others = {name: value for name, value in message.headers.items() if not name.startswith("List-Unsubscribe")}
    made = message._replace(merged=merged, headers={**others, **leave.headers})
    check_head(made)
    return made
