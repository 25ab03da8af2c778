"""Tables that a phone cannot show. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from composer.checks.content.passages import Words
from composer.checks.letter import Letter
from composer.findings import Finding, Where, warning

# On a phone a column takes 54 pixels at least, 10 of them its sides (styles/phone.css.j2); one of 375 pixels has room for 335.
MOST_COLUMNS = 6


def check_tables(words: Words, letter: Letter) -> Iterator[Finding]:
    """Report each table with more columns than a phone has room for."""
    del letter
    for line, columns in words.tables:
        if columns > MOST_COLUMNS:
            message = f"this table has {columns} columns; a phone has room for {MOST_COLUMNS}, so the letter gets wider than its screen"
            yield warning("table-wide", Where(words.path, line), message, "Cut it into several tables, or write it as a list.")
