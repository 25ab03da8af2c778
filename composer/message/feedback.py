"""The Feedback-ID header, by which Gmail's Feedback Loop tells a sender what was complained about. Pure; it names no reader."""

from __future__ import annotations

import re
import unicodedata

from composer.config import Config

HEADER = "Feedback-ID"
# SendGrid writes one of its own; what goes into the outbox shows what a mail server would get.
_BY = ("smtp", "outbox")
_LONGEST = 40


def feedback_id(config: Config, issue: str, list_name: str) -> dict[str, str]:
    """Return the header for the messages of an issue (its stem) to a list; empty when there is none to write.

    Gmail: ``a:b:c:SenderId``, three fields of the sender's choice and an id of 5 to 15 characters that is the same in all its mail.
    Here they are issue, list and newsletter, in letters, digits, ``-``, ``_`` and ``.``.
    """
    sender = config.transport.smtp.feedback_id
    if not sender or config.delivery.transport not in _BY:
        return {}
    fields = (_field(issue, "issue"), _field(list_name, "list"), _field(config.newsletter.name.lower(), "newsletter"))
    return {HEADER: ":".join((*fields, sender))}


def _field(text: str, otherwise: str) -> str:
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return re.sub(r"[^A-Za-z0-9_.-]+", "-", plain).strip("-.")[:_LONGEST].strip("-.") or otherwise
