"""Can everybody read it: contrast in light and dark, structure, names, sizes. Pure; computed from the letter, never guessed."""

from __future__ import annotations

from collections.abc import Iterator

from composer.checks.accessibility.cascade import Cascade
from composer.checks.accessibility.contrast import check_contrast
from composer.checks.accessibility.names import check_names
from composer.checks.accessibility.sizes import check_sizes
from composer.checks.accessibility.structure import check_structure
from composer.checks.letter import Letter
from composer.checks.page import Page
from composer.findings import Finding

__all__ = ["check"]


def check(letter: Letter, page: Page) -> Iterator[Finding]:
    """Yield what WCAG 2.2 asks of a letter and does not find; EN 301 549 asks the same of documents."""
    cascade = Cascade(page)
    yield from check_structure(letter, page)
    yield from check_names(letter, page, cascade)
    yield from check_contrast(letter, page, cascade)
    yield from check_sizes(letter, page, cascade)
