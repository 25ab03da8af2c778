"""Merge fields in issue text: ``{{ name }}`` and ``{{ name | default("friend") }}`` become marks before Markdown sees them.

A mark is a word of lower-case letters and digits, so quotes, pipes and spaces of a field can upset neither Markdown
nor a URL. Marks that turn out to stand in code are put back as typed. All other braces, and those behind a backslash, are text.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import cast

from composer.findings import Finding, Where
from composer.issue.model import MergeField

# Every repetition is bounded, so no text makes the search more than linear.
_FIELD = re.compile(
    r"(?<!\\)\{\{[ \t\u00a0]{0,8}(?P<name>[A-Za-z][A-Za-z0-9_]{0,39})[ \t\u00a0]{0,8}"
    r"(?:\|[ \t\u00a0]{0,8}default[ \t\u00a0]{0,8}\([ \t]{0,8}"
    r"(?:\"(?P<double>[^\"\n{}]{0,200})\"|'(?P<single>[^'\n{}]{0,200})'"
    r"|[\u201c\u201d](?P<smart>[^\u201c\u201d\n{}]{0,200})[\u201c\u201d])[ \t]{0,8}\)[ \t\u00a0]{0,8})?\}\}"
)


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

        def marked(match: re.Match[str]) -> str:
            nonlocal line, seen
            line += text.count("\n", seen, match.start())
            seen = match.start()
            default = next((match[group] for group in ("double", "single", "smart") if match[group] is not None), None)
            mark = f"{self.prefix}f{len(self.found)}x"
            self.found.append(MergeField(mark, match["name"].lower(), default, match[0], Where(self.path, line)))
            return mark

        return _FIELD.sub(marked, text)

    def restore(self, text: str) -> str:
        """Put back as typed every field whose mark is in a text."""
        if self.prefix not in text:
            return text
        return re.sub(rf"{self.prefix}f(\d{{1,9}})x", lambda match: self.found[int(match[1])].source, text)

    def as_typed(self, finding: Finding) -> Finding:
        """Return a finding whose words show fields as their author typed them."""
        if self.prefix not in finding.message and self.prefix not in finding.hint:
            return finding
        return replace(finding, message=self.restore(finding.message), hint=self.restore(finding.hint))

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
