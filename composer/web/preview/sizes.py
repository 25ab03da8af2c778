"""How heavy a letter is for the reader with the longest values, and which Section weighs how much. Pure."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

from composer.audience.model import Subscriber
from composer.checks.size import GMAIL_CLIP, NEAR, html_size
from composer.config import Config, ListSettings
from composer.edition.model import Edition
from composer.issue.inlines import plain
from composer.issue.model import SYSTEM_FIELDS, Issue
from composer.web.preview.belonging import pieces
from composer.web.preview.merging import as_typed


@dataclass(frozen=True, slots=True)
class Share:
    """What one Section weighs: its title, its line in the issue, bytes of merged HTML."""

    title: str
    line: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Weight:
    """Bytes of merged HTML in all, for each Section in order (the rest is the template's), and against what Gmail shows."""

    bytes: int
    sections: tuple[Share, ...]
    limit: int = GMAIL_CLIP
    near: float = NEAR


def weigh(issue: Issue, edition: Edition, people: Collection[Subscriber], config: Config, settings: ListSettings) -> Weight:
    """Weigh an edition for these people. Raises ConfigError when the links to leave cannot be made."""
    total = html_size(edition, people, config, settings)
    longest = (_longest(edition, people),)
    parts = [""] * len(issue.sections)
    for section, start, end in pieces(issue, edition):
        parts[section] += edition.html[start:end]
    shares = (
        Share(as_typed(issue, plain(section.title)), section.line, html_size(replace(edition, html=part), longest, config, settings))
        for section, part in zip(issue.sections, parts, strict=True)
    )
    return Weight(total, tuple(shares))


def _longest(edition: Edition, people: Collection[Subscriber]) -> Subscriber:
    """Make up somebody who has the longest value of each field."""
    names = {slot.name for slot in edition.fields} - SYSTEM_FIELDS
    fields = dict.fromkeys(names, "")
    email = ""
    for person in people if names else ():
        fields = {name: max(value, person.fields.get(name, ""), key=_bytes) for name, value in fields.items()}
        email = max(email, person.email, key=_bytes)
    return Subscriber(email, email, fields=fields)


def _bytes(value: str) -> int:
    return len(value.encode("utf-8", "replace"))
