"""Text in, Issue out: front matter, merge fields, Markdown, sanitised tree, blocks, Sections. Pure given a look-up for images."""

from __future__ import annotations

import re
from dataclasses import replace

from composer.errors import IssueError
from composer.findings import Finding, Where, info
from composer.issue import frontmatter
from composer.issue.addresses import Finder, Reading
from composer.issue.anchors import missing_anchors
from composer.issue.blocks import read_blocks
from composer.issue.dates import month_of
from composer.issue.html import tree
from composer.issue.inlines import plain
from composer.issue.mergefields import MergeFields, mark_prefix
from composer.issue.metadata import read_metadata
from composer.issue.model import Block, Blocks, Callout, Columns, Inlines, Issue, Items, Paragraph, Quote, Section
from composer.issue.rawhtml import RawHtml
from composer.issue.sections import lowered, read_sections

LARGEST = 5_000_000
LONGEST_BODY = 300_000  # more than ten times a monthly letter; the strangest text of this length takes some ten seconds
LONGEST_PREHEADER = 200
_ABBREVIATION = re.compile(r"(?:^|[\s(])(?:Dr|Mr|Mrs|Ms|Prof|St|No|vs|approx|e\.g|i\.e|[A-Z])\.$")
# U+202D and U+202E make letters run backwards, whatever script they are of: no language needs them, a disguised address does.
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\x80-\x84\x86-\x9f\u202d\u202e\ud800-\udfff\ufffe\uffff]")
_SENTENCE_END = re.compile(r"(?<=[.!?])[\"')\]\u201d\u2019]{0,2}\s|(?<=[\u3002\uff01\uff1f])")


def parse_issue(text: str, *, path: str, stem: str, site_url: str, local: Finder, embedded: Finder) -> Issue:
    """Read an issue's text.

    ``path`` is shown in findings, ``stem`` is the issue's identity, ``site_url`` the folder of canonical addresses
    (may be empty). Raises IssueError with the line when there is no way to make an Edition of it.
    """
    findings: list[Finding] = []
    text = _clean(text, path, findings)
    front = frontmatter.split(text, path)
    metadata = read_metadata(front, path)
    fields = MergeFields(mark_prefix(text, stem), path, [])
    title, subject, preheader = (
        fields.mark(value, front.lines.get(key, 1))
        for key, value in (("title", metadata.title), ("subject", metadata.subject), ("preheader", metadata.preheader))
    )
    url = metadata.url or (f"{site_url.rstrip('/')}/{metadata.slug or stem}" if site_url else "")
    reading = Reading(path, fields, url, local, embedded)
    raw_html = RawHtml(path, fields.prefix)
    lead, sections, footnotes = _body(front.body, front.body_line, text.count("\n") + 1, reading, raw_html, findings)
    first = next(iter(_paragraphs((*lead, *(block for section in sections for block in section.blocks)))), ())
    preheader = preheader or _first_sentence(plain(first), fields.prefix)
    issue = Issue(
        stem=stem,
        path=path,
        title=title,
        subject=subject,
        preheader=preheader,
        mark_prefix=fields.prefix,
        lead=lead,
        sections=sections,
        footnotes=footnotes,
        month=month_of(metadata.title, stem, metadata.date),
        url=url,
        fields=fields.used(title, subject, preheader, lead, sections, footnotes),
        assets=tuple(reading.assets.values()),
        findings=tuple(fields.as_typed(finding) for finding in (*metadata.findings, *findings, *reading.findings)),
        silences=tuple(replace(each, reason=fields.restore(each.reason)) for each in (*metadata.silences, *raw_html.silences)),
        language=metadata.language,
        template=metadata.template,
        author=metadata.author,
        date=metadata.date,
        categories=metadata.categories,
        draft=metadata.draft,
        extra=metadata.extra,
    )
    return issue if lead or sections else _empty(issue, front.body_line)


def _clean(text: str, path: str, findings: list[Finding]) -> str:
    if len(text) > LARGEST:
        raise IssueError(
            f"the file has more than {LARGEST:,} characters",
            where=Where(path, text.count("\n", 0, LARGEST) + 1),
            hint="Save pasted pictures as files beside the issue.",
        )
    text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    if match := _CONTROL.search(text):
        where = Where(path, text.count("\n", 0, match.start()) + 1)
        findings.append(
            info(
                "control-characters",
                where,
                "invisible control characters are left out",
                "They come with text pasted from other programs; delete them.",
            )
        )
        text = _CONTROL.sub("", text)
    return text


def _body(
    body: str, first_line: int, last_line: int, reading: Reading, raw_html: RawHtml, findings: list[Finding]
) -> tuple[Blocks, tuple[Section, ...], tuple[Blocks, ...]]:
    from composer.issue.markdown import measured, render  # noqa: PLC0415 - costs 50 ms that commands without an issue need not pay

    if measured(body) > LONGEST_BODY:
        message = f"the text has more than {LONGEST_BODY:,} characters, pasted pictures not counted"
        raise IssueError(
            message, where=Where(reading.path, first_line), hint="Nobody reads that much in one letter; cut it into several issues."
        )
    rendered = render(reading.fields.mark(body, first_line), reading.path, first_line, raw_html)
    findings += raw_html.findings
    findings += rendered.findings
    blocks = read_blocks(tree(rendered.html, reading.path, first_line).children, reading, first_line)
    lead, sections, more = read_sections(blocks, reading.path, last_line, reading.fields.prefix)
    findings += more
    notes = (read_blocks(tree(note, reading.path, first_line).children, reading, first_line) for note in rendered.footnotes)
    footnotes = tuple(lowered(note, 3) for note in notes)
    findings += missing_anchors(lead, sections, footnotes, reading)
    return lead, sections, footnotes


def _paragraphs(blocks: Blocks) -> list[Inlines]:
    found: list[Inlines] = []
    todo: list[Block] = list(reversed(blocks))
    while todo and not found:
        block = todo.pop()
        if isinstance(block, Paragraph) and plain(block.children).strip():
            found.append(block.children)
        elif isinstance(block, Items):
            todo.extend(inner for item in reversed(block.items) for inner in reversed(item))
        elif isinstance(block, Quote | Callout):
            todo.extend(reversed(block.blocks))
        elif isinstance(block, Columns):
            todo.extend(inner for column in reversed(block.columns) for inner in reversed(column))
    return found


def _first_sentence(text: str, mark_prefix: str) -> str:
    text = " ".join(text[:2000].split())
    ends = (
        match.end() for match in _SENTENCE_END.finditer(text) if not _ABBREVIATION.search(text, max(0, match.start() - 12), match.start())
    )
    sentence = text[: next(ends, len(text))].strip()
    if len(sentence) <= LONGEST_PREHEADER:
        return sentence
    marks = re.finditer(rf"{mark_prefix}f\d+x", sentence)
    end = next((mark.start() for mark in marks if mark.start() < LONGEST_PREHEADER < mark.end()), LONGEST_PREHEADER)
    return sentence[:end].rsplit(" ", 1)[0].rstrip(",;:-") + "…"


def _empty(issue: Issue, line: int) -> Issue:
    raise IssueError(
        "the issue has a front matter but no text",
        where=Where(issue.path, line),
        hint="Write the first section: # What happened, and a paragraph.",
        findings=issue.findings,
    )
