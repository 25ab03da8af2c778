"""Why somebody is not mailed, in words that a person understands; the ledger, JSON and CSV have the codes. Pure."""

from __future__ import annotations

# Code: as a number of people or rows is told ("3 suppressed by hand"), and as one person is told ("…: somebody of the team said so").
_WORDS = {
    "duplicate": ("more than once in the lists", "they are there already"),
    "invalid": ("not mailable: a row or address that cannot be used", "the address cannot be mailed"),
    "not_in_segment": ("not in the segment", "they are not in the segment"),
    "already_mailed": ("mailed already, or being mailed, by another campaign", "another campaign has it sent to them, or may have"),
    "cancelled": ("not reached before the campaign was cancelled", "the campaign was cancelled before their turn"),
    "forgotten": ("asked to be forgotten", "they asked to be forgotten"),
    "complaint": ("marked a mail as spam", "they marked a mail as spam"),
    "hard_bounce": ("bounced: the mailbox is not there", "mail bounced: the mailbox is not there"),
    "unsubscribed": ("unsubscribed", "they unsubscribed"),
    "manual": ("suppressed by hand", "somebody of the team said so"),
}


def counted(reason: str, number: int) -> str:
    """Return how many were left out for a reason: ``3 suppressed by hand``."""
    return f"{number:,} {_WORDS[reason][0] if reason in _WORDS else _plain(reason)}"


def told(reason: str) -> str:
    """Return why one person is not mailed, as a clause: ``they marked a mail as spam``."""
    return _WORDS[reason][1] if reason in _WORDS else _plain(reason)


def _plain(reason: str) -> str:
    return reason.replace("_", " ")
