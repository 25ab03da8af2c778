"""An edition's texts as one reader gets them, what is missing marked so that the editor sees it. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import partial
from html import escape
from urllib.parse import quote

from composer.edition.fields import fill
from composer.edition.model import Context, Edition, Slot
from composer.issue.model import LINK_FIELDS, Issue
from composer.message.escape import ESCAPES

# Between tags, but where no element can stand.
_NO_ELEMENTS = re.compile(r"(<title\b[^>]*>[^<]*</title>|<!--.*?-->)", re.IGNORECASE | re.DOTALL)
_MARK = '<mark class="missing-field" style="background:#ffe08a;color:#5b1a00;outline:1px dashed #b3401a" title="{title}">{text}</mark>'


def value_of(slot: Slot, values: Mapping[str, str]) -> str | None:
    """Return what stands in a slot, not yet escaped; None when nothing does."""
    return values.get(slot.name, "") or slot.default


def missing(edition: Edition, values: Mapping[str, str]) -> frozenset[str]:
    """Name the fields that have neither a value nor a default, or one that cannot stand where it should."""
    return frozenset(slot.name for slot in edition.fields if slot.name not in LINK_FIELDS and _escaped(slot, values) is None)


def merged_html(edition: Edition, html: str, values: Mapping[str, str]) -> str:
    """Return HTML of an edition (its own, or changed) with a reader's values; what is missing is marked."""
    parts = _NO_ELEMENTS.split(html)
    return "".join(fill(edition, part, partial(_html, values=values, bare=bool(index % 2))) for index, part in enumerate(parts))


def merged_text(edition: Edition, text: str, values: Mapping[str, str]) -> str:
    """Return a text of an edition, its text part or subject, with a reader's values; what is missing stands as written."""
    return fill(edition, text, lambda slot: _text(slot, values))


def as_typed(issue: Issue, text: str) -> str:
    """Return a text of an issue with its fields as they were written."""
    for field in issue.fields:
        text = text.replace(field.mark, field.source)
    return text


def marked_text(edition: Edition, text: str, values: Mapping[str, str]) -> str:
    """Return a text of an edition as HTML, what is missing marked."""
    slots = {slot.mark: slot for slot in edition.fields}
    if not slots:
        return escape(text, quote=False)
    parts = re.split(f"({'|'.join(map(re.escape, slots))})", text)
    return "".join(_in_text(slots[part], values) if index % 2 else escape(part, quote=False) for index, part in enumerate(parts))


def _escaped(slot: Slot, values: Mapping[str, str]) -> str | None:
    value = value_of(slot, values)
    try:
        return None if value is None else ESCAPES[slot.context](value)
    except ValueError:
        return None


def _html(slot: Slot, values: Mapping[str, str], *, bare: bool) -> str:
    if slot.name in LINK_FIELDS and slot.name not in values:
        return "#"  # a reader's own link; nobody here has one
    escaped = _escaped(slot, values)
    if escaped is not None:
        return escaped
    if slot.context is Context.HREF:
        return "#"
    if slot.context is Context.URL:
        return quote(slot.source, safe="")
    return escape(slot.source) if bare or slot.context is not Context.TEXT else _marked(slot)


def _text(slot: Slot, values: Mapping[str, str]) -> str:
    escaped = _escaped(slot, values)
    return slot.source if escaped is None else escaped


def _in_text(slot: Slot, values: Mapping[str, str]) -> str:
    escaped = _escaped(slot, values)
    shown = slot.name in LINK_FIELDS or escaped is not None
    return escape(slot.source if escaped is None else escaped, quote=False) if shown else _marked(slot)


def _marked(slot: Slot) -> str:
    title = f"No value for {slot.name}: a send stops for readers who have none"
    return _MARK.format(title=escape(title), text=escape(slot.source, quote=False))
