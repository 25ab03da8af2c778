"""What a screen reader goes by: language, direction, title, headings, tables. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

from composer.checks.letter import Letter
from composer.checks.page import Node, Page
from composer.findings import Finding, Where, info, warning

_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{1,8}){0,4}")
_RIGHT_TO_LEFT = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]")
_LETTERS = re.compile(r"[^\W\d_]")
_LAYOUT = frozenset({"presentation", "none"})
_SCOPES = frozenset({"col", "row", "colgroup", "rowgroup"})


def check_structure(letter: Letter, page: Page) -> Iterator[Finding]:
    """Yield what is wrong with the letter's frame, its headings and its tables."""
    yield from _document(letter, page)
    yield from _headings(letter, page)
    for node in page.nodes:
        if node.tag == "table":
            yield from _table(letter, node)


def _document(letter: Letter, page: Page) -> Iterator[Finding]:
    html = next((node for node in page.nodes if node.tag == "html"), None)
    where = html.where if html else Where(letter.issue.path)
    attributes = html.attributes if html else {}
    language = attributes.get("lang", "")
    if not _LANGUAGE.fullmatch(language):
        said = f"names its language as {language[:30]!r}" if language else "does not name its language"
        hint = 'Write <mjml lang="{{ lang }}"> (WCAG 2.2, 3.1.1).'
        yield warning("a11y-language", where, f"the letter {said}, so that it is read aloud in a wrong one", hint)
    title = next((node for node in page.nodes if node.tag == "title"), None)
    if title is None or not "".join(str(child) for child in title.children).strip():
        hint = "Write <mj-title>{{ subject }}</mj-title> (WCAG 2.2, 2.4.2)."
        yield warning("a11y-title", title.where if title else where, "the letter has no title", hint)
    direction = attributes.get("dir", "").lower()
    backwards = len(_RIGHT_TO_LEFT.findall(letter.text))
    if direction not in {"ltr", "rtl", "auto"}:
        hint = 'Write <mjml dir="{{ dir }}"> (WCAG 2.2, 1.3.2).'
        yield warning("a11y-direction", where, "the letter does not say in which direction it is read", hint)
    elif direction == "ltr" and backwards and 2 * backwards > len(_LETTERS.findall(letter.text)):
        hint = "Set `language` in the front matter, or in newsletter.toml (WCAG 2.2, 1.3.2)."
        yield warning(
            "a11y-direction",
            Where(letter.issue.path),
            "most of the letter is read from right to left, and it is set from left to right",
            hint,
        )


def _headings(letter: Letter, page: Page) -> Iterator[Finding]:
    headings = [(int(node.tag[1]), node) for node in page.nodes if node.tag in {"h1", "h2", "h3", "h4", "h5", "h6"} and node.text]
    first = [node for level, node in headings if level == 1]
    if not first:
        hint = "Set the title as <h1>, as partials/header.mjml does (WCAG 2.2, 1.3.1)."
        body = next((node.where for node in page.nodes if node.tag == "body"), Where(letter.issue.path))
        yield warning("a11y-h1", body, "the letter has no heading of the first level", hint)
    for node in first[1:]:
        hint = "One <h1> is the letter's title; give this one a lower level (WCAG 2.2, 1.3.1)."
        yield warning("a11y-h1", node.where, f"a second heading of the first level: {node.text[:60]!r}", hint)
    before = 1
    for level, node in headings:
        # Headings of the issue are judged where it is read.
        if level > before + 1 and node.where.path != letter.issue.path:
            message = f"the heading {node.text[:60]!r} is of level {level} after one of level {before}"
            yield warning("a11y-heading-order", node.where, message, f"Make it <h{before + 1}> (WCAG 2.2, 1.3.1).")
        before = level


def _table(letter: Letter, table: Node) -> Iterator[Finding]:
    role = table.attributes.get("role", "").lower()
    heads = [cell for cell in _cells(table) if cell.tag == "th"]
    if heads:
        if role in _LAYOUT:
            hint = "Take role out: its heads say nothing to a screen reader now (WCAG 2.2, 1.3.1)."
            yield warning("a11y-table-role", table.where, "a table of data says that it is there for layout", hint)
        for cell in heads:
            if cell.attributes.get("scope", "").lower() not in _SCOPES:
                message = f"the table head {cell.text[:40]!r} does not say whether it is of a column or a row"
                yield warning("a11y-table-scope", cell.where, message, 'Write <th scope="col"> or <th scope="row"> (WCAG 2.2, 1.3.1).')
                return
    elif role not in _LAYOUT:
        if table.where.path == letter.issue.path and table.where.line:
            hint = "Name each column in the first row (WCAG 2.2, 1.3.1)."
            yield info("a11y-table-head", table.where, "a table without a head: read aloud, its cells have no names", hint)
        else:
            hint = 'Write role="presentation" (WCAG 2.2, 1.3.1).'
            yield warning("a11y-table-role", table.where, "a table for layout is read aloud as one of data", hint)


def _cells(table: Node) -> Iterator[Node]:
    """The cells of a table, without those of tables inside."""
    waiting = [child for child in table.children if isinstance(child, Node)]
    while waiting:
        node = waiting.pop(0)
        if node.tag in {"td", "th"}:
            yield node
        elif node.tag != "table":
            waiting = [child for child in node.children if isinstance(child, Node)] + waiting
