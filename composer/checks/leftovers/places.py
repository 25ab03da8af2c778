"""Where in the issue's file something stands: its line, and its column where the line has it once. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field

from composer.findings import Where

_LONGEST_LINE = 5_000


@dataclass(frozen=True, slots=True)
class Places:
    """The issue's file, under the name that people know."""

    path: str
    lines: tuple[str, ...] = field(repr=False)

    def of(self, line: int, words: str) -> Where:
        """Return the place of some words on a line."""
        text = self.lines[line - 1] if 0 < line <= len(self.lines) else ""
        if len(text) > _LONGEST_LINE or text.count(words) != 1:
            return Where(self.path, line)
        return Where(self.path, line, text.index(words) + 1)
