"""Merge fields in issue text: ``{{ name }}`` and ``{{ name | default("friend") }}`` become marks before Markdown sees them.

A mark is a word of lower-case letters and digits, so quotes, pipes and spaces of a field can upset neither Markdown
nor a URL. Marks that turn out to stand in code are put back as typed. All other braces are text.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, fields, is_dataclass
from typing import cast

from composer.findings import Finding, Where, warning
from composer.issue.model import MergeField

# Every repetition is bounded, so no text makes the search more than linear.
_FIELD = re.compile(
    r"\{\{[ \t\u00a0]{0,8}(?P<name>[A-Za-z][A-Za-z0-9_]{0,39})[ \t\u00a0]{0,8}"
    r"(?:\|[ \t\u00a0]{0,8}default[ \t\u00a0]{0,8}\([ \t]{0,8}"
    r"(?:\"(?P<double>[^\"\n{}]{0,200})\"|'(?P<single>[^'\n{}]{0,200})'"
    r"|[\u201c\u201d](?P<smart>[^\u201c\u201d\n{}]{0,200})[\u201c\u201d])[ \t]{0,8}\)[ \t\u00a0]{0,8})?\}\}"
)
_ALMOST = re.compile(r"\{\{[^{}\n]{0,120}\}\}")


def mark_prefix(source: str, salt: str = "") -> str:
    """Return the word that starts every mark of an issue: ``q`` and 12 hex digits that do not occur in its source."""
    for attempt in range(1000):
        digest = hashlib.sha256(f"{salt}\0{attempt}\0{source}".encode("utf-8", "surrogatepass")).hexdigest()
        prefix = f"q{digest[:12]}"
        if prefix not in source:
            return prefix
    raise AssertionError("a text cannot hold a thousand of its own digests")


@dataclass(slots=True)
class MergeFields:
    """The merge fields met while one issue is read, in order; ``path`` is the issue's as shown."""

    prefix: str
    path: str
    found: list[MergeField]

    def mark(self, text: str, first_line: int) -> str:
        """Replace every merge field of a text by its mark; the text starts at that line of the file."""
        if "{{" not in text:
            return text
        line, seen = first_line, 0

        def replace(match: re.Match[str]) -> str:
            nonlocal line, seen
            line += text.count("\n", seen, match.start())
            seen = match.start()
            default = next((match[group] for group in ("double", "single", "smart") if match[group] is not None), None)
            mark = f"{self.prefix}f{len(self.found)}x"
            self.found.append(MergeField(mark, match["name"].lower(), default, match[0], Where(self.path, line)))
            return mark

        return _FIELD.sub(replace, text)

    def restore(self, text: str) -> str:
        """Put back as typed every field whose mark is in a text."""
        if self.prefix not in text:
            return text
        return re.sub(rf"{self.prefix}f(\d{{1,9}})x", lambda match: self.found[int(match[1])].source, text)

    def used(self, *trees: object) -> tuple[MergeField, ...]:
        """Return the fields whose mark stands somewhere in these trees of dataclasses, tuples and strings."""
        marks = re.compile(rf"{self.prefix}f(\d{{1,9}})x")
        numbers = {int(number) for tree in trees for text in strings(tree) for number in marks.findall(text)}
        return tuple(field for number, field in enumerate(self.found) if number in numbers)


def strings(tree: object) -> Iterator[str]:
    """Yield every string of a tree of dataclasses and tuples."""
    todo = [tree]
    while todo:
        node = todo.pop()
        if isinstance(node, str):
            yield node
        elif isinstance(node, tuple):
            todo.extend(reversed(cast("tuple[object, ...]", node)))
        elif is_dataclass(node) and not isinstance(node, type):
            todo.extend(getattr(node, item.name) for item in reversed(fields(node)))


def braces_left(text: str, path: str, line: int) -> list[Finding]:
    """Report braces in running text that look like a merge field and are none."""
    return [
        warning(
            "braces-as-text",
            Where(path, line + text.count("\n", 0, match.start())),
            f"{match[0]} is not a merge field and will be read as text",
            'A merge field is one word: {{ first_name }} or {{ first_name | default("friend") }}.',
        )
        for match in _ALMOST.finditer(text)
    ]
