"""Links within the issue, ``[…](#anchor)``: those that no Section or footnote answers are reported."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import cast
from urllib.parse import unquote

from composer.findings import Finding, warning
from composer.issue.addresses import Reading
from composer.issue.model import Blocks, Section
from composer.issue.slips import MOST_GUESSES, nearest

MOST_NAMES = 200
_ALWAYS = {"", "top"}  # HTML's own names for the start of a page


def missing_anchors(lead: Blocks, sections: tuple[Section, ...], footnotes: tuple[Blocks, ...], reading: Reading) -> Iterator[Finding]:
    """Yield a warning for each link to an anchor that there is not; templates call footnotes ``notes`` and ``notes-1``."""
    slugs = [section.slug for section in sections]
    notes = [f"notes-{number}" for number in range(1, len(footnotes) + 1)]
    known = {*slugs, *notes, *(["notes"] if notes else []), *_ALWAYS}
    guesses: dict[str, str] = {}
    for href, line in _hrefs((lead, sections, footnotes)):
        anchor = unquote(href[1:])
        if anchor in known or reading.fields.prefix in anchor:
            continue
        if anchor not in guesses:
            guesses[anchor] = nearest(anchor, slugs[:MOST_NAMES], 0.5) if len(guesses) < MOST_GUESSES else ""
        hint = "The address of a section is its title in small letters, with dashes between the words."
        if guesses[anchor]:
            hint = f"Did you mean #{guesses[anchor]}?"
        elif slugs:
            hint += f" The first is #{slugs[0]}."
        yield warning("anchor-missing", reading.where(line), f"no section answers to #{anchor[:60]}; the link leads nowhere", hint)


def _hrefs(tree: object) -> Iterator[tuple[str, int]]:
    """Every address that begins with # in a tree of dataclasses and tuples, with its line."""
    todo = [tree]
    while todo:
        node = todo.pop()
        if isinstance(node, tuple):
            todo.extend(reversed(cast("tuple[object, ...]", node)))
        elif is_dataclass(node) and not isinstance(node, type):
            href = getattr(node, "href", "")
            if href.startswith("#"):
                yield href, getattr(node, "line", 0)
            todo.extend(getattr(node, item.name) for item in reversed(fields(node)))
