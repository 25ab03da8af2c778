"""What an issue says, read as a careful colleague would: links, images, headings, wording, and what the inbox shows. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from composer.checks.content.headings import check_headings
from composer.checks.content.images import check_images
from composer.checks.content.inbox import check_inbox
from composer.checks.content.links import check_links
from composer.checks.content.linktext import check_link_texts
from composer.checks.content.passages import OTHER
from composer.checks.content.placeholders import check_placeholders
from composer.checks.content.reading import words
from composer.checks.content.tables import check_tables
from composer.checks.content.wording import check_wording
from composer.checks.letter import Letter
from composer.checks.page import Page
from composer.findings import Finding

_RULES = (check_inbox, check_links, check_link_texts, check_headings, check_wording, check_placeholders, check_images, check_tables)


def check(letter: Letter, page: Page) -> Iterator[Finding]:
    """Judge an issue's words and addresses, each finding at the line, and the column where it can be told."""
    del page
    read = words(letter.issue, letter.source)
    for rule in _RULES:
        for finding in rule(read, letter):
            yield finding if OTHER not in finding.message + finding.hint else _readable(finding)


def _readable(finding: Finding) -> Finding:
    return replace(finding, message=finding.message.replace(OTHER, "…"), hint=finding.hint.replace(OTHER, "…"))
