"""Whether the text part has what the HTML has: every heading, every link, every merge field. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

from composer.checks.letter import Letter
from composer.checks.page import Node, Page
from composer.edition.model import Context
from composer.findings import Finding, Where, warning

_HEADINGS = frozenset({"h1", "h2", "h3", "h4", "h5", "h6"})
# What the text part adds of its own: numbers of links and footnotes. What is left are words.
_NUMBERS = re.compile(r"\[\^?\d{1,5}\]")
_ALIKE = re.compile(r"[\W_]+")
_FEWEST = 12  # letters from which words that are run together are still no chance hit
_ROUND = "<>()[]{},.;:!?\"'*|~`"
_HINT = "The text part is written from the issue: what a template adds belongs there too, or nowhere."


def check(letter: Letter, page: Page) -> Iterator[Finding]:
    """Yield what readers of plain text do not get, each once, at the line where the HTML has it.

    Links within the letter count for nothing, and the link to unsubscribe is looked at on its own.
    """
    text = _Text(letter.text)
    missing: set[str] = set()
    leaving = {slot.default or slot.source for slot in letter.edition.fields if slot.name == "unsubscribe_url"}
    for node in page.nodes:
        if node.tag in _HEADINGS:
            words = node.text
            if words and words not in missing and not (text.says(words) or text.says(_without_notes(node))) and not _hidden(node):
                missing.add(words)
                yield warning("parity-heading", node.where, f"the text part lacks the heading {words[:80]!r}", _HINT)
        elif node.tag == "a":
            href = node.attributes.get("href", "").strip()
            known = not href or href[0] == "#" or href in leaving or href in missing
            if not known and not text.has(href) and not _hidden(node):
                missing.add(href)
                yield warning("parity-link", node.where, f"the text part lacks the link to {href[:120]}", _HINT)
    yield from _fields(letter)


def _fields(letter: Letter) -> Iterator[Finding]:
    """Fields that stand between tags of the HTML and nowhere in the text; those in addresses are part of a link."""
    edition, issue = letter.edition, letter.issue
    told = {slot.name for slot in edition.fields if slot.mark in edition.text}
    for slot in edition.fields:
        if slot.context is not Context.TEXT or slot.name in told:
            continue
        # Title and preheader are in the HTML for the inbox; a reader of plain text has the headers.
        elsewhere = sum(f"{issue.subject} {issue.preheader}".count(each.mark) for each in issue.fields if each.name == slot.name)
        if edition.html.count(slot.mark) > elsewhere:
            told.add(slot.name)
            where = slot.where if slot.where.line else Where(issue.path)
            yield warning("parity-field", where, f"the text part lacks the merge field {slot.source}", _HINT)


class _Text:
    """The text part, ready to be looked into."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._words = set(text.split())
        bare = _NUMBERS.sub("", text).casefold()
        self._spaced = f" {_ALIKE.sub(' ', bare)} "
        self._joined = _ALIKE.sub("", bare)

    def says(self, words: str) -> bool:
        """Whether words occur, whatever marks and line ends stand between them."""
        bare = _NUMBERS.sub("", words).casefold()
        spaced = _ALIKE.sub(" ", bare).strip()
        joined = _ALIKE.sub("", bare)
        return f" {spaced} " in self._spaced or not joined or (len(joined) >= _FEWEST and joined in self._joined)

    def has(self, href: str) -> bool:
        """Whether an address is there as it is, without its trailing slash, or bare."""
        forms = (href, href.rstrip("/"), href.removeprefix("mailto:"), href.removeprefix("tel:"), " ".join(href.split()))
        return any(form in self._words or self._stands(form) for form in dict.fromkeys(forms) if form)

    def _stands(self, form: str) -> bool:
        """Whether an address stands in the text and does not go on behind itself."""
        at = self._text.find(form)
        while at >= 0:
            rest = self._text[at + len(form) : at + len(form) + 80].split(maxsplit=1)
            tail = rest[0] if rest and not self._text[at + len(form)].isspace() else ""
            if not tail.strip(_ROUND) or not tail[0].isascii():
                return True
            at = self._text.find(form, at + 1)
        return False


def _without_notes(node: Node) -> str:
    """The words of a heading without raised numbers: the text part puts those of footnotes in brackets."""
    parts: list[str] = []

    def gather(inner: Node) -> None:
        for child in inner.children:
            if isinstance(child, str):
                parts.append(child)
            elif child.tag == "br":
                parts.append(" ")
            elif child.tag != "sup":
                gather(child)

    gather(node)
    return " ".join("".join(parts).split())


def _hidden(node: Node) -> bool:
    return any(each.style.get("display") == "none" for each in (node, *node.ancestors()))
