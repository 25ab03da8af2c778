"""The Markdown dialect, by example: each file under issue/ holds pairs of input and what is read from it.

UPDATE_GOLDEN=1 writes what is read now into the files; look at the difference before you keep it.
"""

import os
import re
from pathlib import Path

import pytest

from composer.errors import IssueError
from composer.issue.addresses import Found
from composer.issue.model import (
    Break,
    Button,
    Callout,
    Code,
    CodeBlock,
    Columns,
    Events,
    Figure,
    FootnoteRef,
    Heading,
    Image,
    Items,
    Link,
    LinkRow,
    Paragraph,
    Quote,
    Span,
    Table,
    Text,
)
from composer.issue.reader import parse_issue

FILES = sorted((Path(__file__).parent / "issue").glob("*.md"))
# A case: a title line, a line of dots, the input, a line with one dot, what is read, a line of dots.
CASE = re.compile(r"^(?P<title>[^\n]+)\n\.\.\.\n(?P<input>.*?)^\.\n(?P<expected>.*?)^\.\.\.\n", re.DOTALL | re.MULTILINE)


def words(nodes):
    """Show inlines on one line."""
    shown = []
    for node in nodes:
        match node:
            case Text():
                shown.append(node.text.replace("\n", "⏎").replace("\u00a0", "⍽").replace("\u200b", "<zwsp>"))
            case Code():
                shown.append(f"`{node.text}`")
            case Break():
                shown.append("↵")
            case Span():
                shown.append(f"<{node.tag} {words(node.children)}>")
            case Link():
                title = f" {node.title!r}" if node.title else ""
                shown.append(f"[{words(node.children)}]({node.href}{title})@{node.line}")
            case Image():
                title, width = f" {node.title!r}" if node.title else "", f" w{node.shown_width}" if node.shown_width else ""
                shown.append(f"![{node.alt}]({node.src}{title}{width})@{node.line}")
            case FootnoteRef():
                shown.append(f"[^{node.number}]")
    return "".join(shown)


def nested(block, indent):
    """Show the blocks inside a block."""
    match block:
        case Quote() | Callout():
            yield from lines(block.blocks, indent)
        case Items() | Columns():
            for part in block.items if isinstance(block, Items) else block.columns:
                yield f"{indent}{'-' if isinstance(block, Items) else '|'}"
                yield from lines(part, indent + "  ")
        case Events():
            yield from (f"{indent}{row.line} {' || '.join(words(cell) for cell in (row.when, *row.cells))}" for row in block.rows)
        case Table():
            yield from (f"{indent}{' || '.join(words(cell) for cell in row)}" for row in (block.head, *block.rows))


SHOWN = {
    Paragraph: lambda block: words(block.children),
    Heading: lambda block: f"{block.level} {words(block.children)}",
    Items: lambda block: f"{'*' if block.start is None else block.start} {'tight' if block.tight else 'loose'}",
    Quote: lambda block: words(block.cite),
    Callout: lambda block: f"{block.kind} {block.title}",
    Button: lambda block: f"{'secondary ' if block.secondary else ''}{block.label} -> {block.href}",
    LinkRow: lambda block: " | ".join(words((link,)) for link in block.links),
    Figure: lambda block: f"{words((block.image,))}{f' -> {block.href}' if block.href else ''} {words(block.caption)}",
    CodeBlock: lambda block: repr(block.text),
    Table: lambda block: ",".join(align or "-" for align in block.aligns),
}


def lines(blocks, indent=""):
    """Show blocks, one a line, each with its line number."""
    for block in blocks:
        shown = SHOWN.get(type(block), lambda block: "")(block)
        yield f"{indent}{block.line} {type(block).__name__.lower()} {shown}".rstrip()
        yield from nested(block, indent + "  ")


def dump(issue):
    """Show an issue's tree, then its merge fields, then its findings."""
    yield from lines(issue.lead)
    for section in issue.sections:
        tagline = f" :: {words(section.tagline)}" if section.tagline else ""
        yield f"{section.line}-{section.last_line} SECTION #{section.slug} {words(section.title)}{tagline} {section.href}".rstrip()
        yield from lines(section.blocks, "  ")
    for number, note in enumerate(issue.footnotes, 1):
        yield f"NOTE {number}"
        yield from lines(note, "  ")
    yield from (f"FIELD {found.where.line} {found.name} {found.default!r}" for found in issue.fields)
    yield from (f"{found.severity.upper()} {found.where.line} {found.code}: {found.message}" for found in issue.findings)


def read(body):
    """Read a body behind three lines of front matter."""
    text = f"---\ntitle: T\n---\n{body}"
    try:
        issue = parse_issue(
            text,
            path="issue.md",
            stem="2026-01",
            site_url="https://www.example.org/news",
            local=lambda src: Found(),
            embedded=lambda src: Found(problem="is broken: it cannot be decoded"),
        )
    except IssueError as err:
        return f"ISSUE ERROR {err.where.line}: {err.message}\n"
    shown = "\n".join(dump(issue))
    for found in issue.fields:
        shown = shown.replace(found.mark, f"«{found.name}»")
    return shown + "\n"


def cases():
    """Every case of every file."""
    for path in FILES:
        for match in CASE.finditer(path.read_text(encoding="utf-8")):
            yield pytest.param(path, match["title"], match["input"], match["expected"], id=f"{path.stem}: {match['title']}")


@pytest.mark.parametrize(("path", "title", "source", "expected"), list(cases()))
def test_the_dialect_is_read_as_its_examples_say(path, title, source, expected):
    """These files are the specification; the body's first line is line 4 of the issue."""
    found = read(source)
    if os.environ.get("UPDATE_GOLDEN"):
        text = path.read_text(encoding="utf-8")
        head = f"{title}\n...\n{source}.\n"
        path.write_text(text.replace(f"{head}{expected}...\n", f"{head}{found}...\n"), encoding="utf-8")
        return
    assert found == expected


def test_every_example_is_found():
    """A slip in a file's dots must not hide its cases."""
    for path in FILES:
        text = path.read_text(encoding="utf-8")
        assert len(CASE.findall(text)) == text.count("\n...\n") / 2
    assert len(FILES) > 5
