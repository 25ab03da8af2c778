"""Which addresses of a letter are worth asking, and where each stands. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from urllib.parse import urldefrag, urlsplit

from composer.checks.page import Page
from composer.findings import Where

# A merge field with no default stands in the letter as it was written.
_OPEN = re.compile(r"\{\{|%7b%7b", re.IGNORECASE)
# Anchors that a page's script makes, or a browser: a route, a text to mark, a page of a PDF, a line of source.
_MADE = re.compile(r"top|[!/?~:].*|.*[=:].*|L\d{1,7}(-L\d{1,7})?", re.IGNORECASE | re.DOTALL)
_ATTRIBUTES = {"a": "href", "area": "href", "img": "src"}


@dataclass(frozen=True, slots=True)
class Target:
    """An address in a letter: ``url`` without its ``anchor``, which is empty when none is to be looked for."""

    url: str
    anchor: str
    where: Where


def targets(page: Page) -> tuple[Target, ...]:
    """Return every http and https address of links and images, once for each line; none with a merge field that is open."""
    return tuple(dict.fromkeys(_targets(_addresses(page))))


def _addresses(page: Page) -> Iterator[tuple[str, Where]]:
    for node in page.nodes:
        address = node.attributes.get(_ATTRIBUTES.get(node.tag, ""), "") or ""
        address = address.strip()
        if address.lower().startswith(("http://", "https://")) and not _OPEN.search(address):
            yield address, node.where


def _targets(found: Iterable[tuple[str, Where]]) -> Iterator[Target]:
    for address, where in found:
        try:
            url, anchor = urldefrag(address)
            urlsplit(url).port  # noqa: B018 - raises for what is no number
        except ValueError:
            url, anchor = address, ""
        yield Target(url, "" if _MADE.fullmatch(anchor) else anchor, where)
