"""Blocks to Sections: the highest heading level used starts them, what precedes is the lead, and headings come in order."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import fields, replace
from typing import TypeVar, cast

from composer.findings import Finding, Where, info, warning
from composer.issue.inlines import SPACES, plain, strip
from composer.issue.model import Block, Blocks, Divider, Events, Heading, Inline, Inlines, Link, Paragraph, Section, Span, Text

LONGEST_HEADING = 100
_T = TypeVar("_T")


def read_sections(blocks: Blocks, path: str, last_line: int, mark_prefix: str) -> tuple[Blocks, tuple[Section, ...], tuple[Finding, ...]]:
    """Cut blocks into the lead and Sections; ``last_line`` is the file's."""
    findings: list[Finding] = []
    kept = [block for block in blocks if not (isinstance(block, Heading) and _is_empty(block, path, findings))]
    if not any(isinstance(block, Heading) for block in kept):
        following = (*kept[1:], None)
        kept = [_bold_heading(block, following[index], (1, 1), path, findings) or block for index, block in enumerate(kept)]
    top = min((block.level for block in kept if isinstance(block, Heading)), default=0)
    starts = [index for index, block in enumerate(kept) if isinstance(block, Heading) and block.level == top]
    lead = _settle(kept[: starts[0] if starts else len(kept)], top or 1, 2, path, findings)
    sections: list[Section] = []
    slugs: dict[str, int] = {}
    for start, end in zip(starts, [*starts[1:], len(kept)], strict=False):
        heading = cast("Heading", kept[start])
        last = max(heading.line, kept[end].line - 1 if end < len(kept) else last_line)
        name, tagline, href = _title(heading.children)
        body = _settle(kept[start + 1 : end], top, 3, path, findings)
        sections.append(Section(name, tagline, _slug(plain(name), slugs, mark_prefix), body, heading.line, last, href))
    return lead, tuple(sections), tuple(findings)


def _is_empty(heading: Heading, path: str, findings: list[Finding]) -> bool:
    empty = not plain(heading.children).strip(SPACES)
    if empty:
        findings.append(
            warning(
                "empty-heading", Where(path, heading.line or None), "this heading is empty and is left out", "Delete it, or give it words."
            )
        )
    return empty


def _title(children: Inlines) -> tuple[Inlines, Inlines, str]:
    """Title, tagline and address of a heading; boldness of the whole says nothing in a heading and goes."""
    href = ""
    while len(children) == 1 and ((isinstance(children[0], Span) and children[0].tag in {"strong", "em"}) or isinstance(children[0], Link)):
        if isinstance(children[0], Link):
            href = children[0].href
        children = strip(children[0].children)
    if len(children) > 1 and isinstance(children[0], Span) and plain(children[0].children).rstrip(SPACES).endswith(":"):
        children = (*strip(children[0].children), *children[1:])  # **Name:** tagline
    children = _joined(children)
    for index, node in enumerate(children):
        if isinstance(node, Text) and (match := re.search(r":[ \u00a0\n]+", node.text)):
            name = strip((*children[:index], Text(node.text[: match.start()])))
            tagline = strip((Text(node.text[match.end() :]), *children[index + 1 :]))
            if plain(name).strip(SPACES) and plain(tagline).strip(SPACES):
                only = name[0] if len(name) == 1 else None
                return (only.children, tagline, only.href) if isinstance(only, Link) else (name, tagline, href)
            break
    return children, (), href


def _joined(children: Inlines) -> Inlines:
    joined: list[Inline] = []
    for node in children:
        if isinstance(node, Text) and joined and isinstance(joined[-1], Text):
            joined[-1] = Text(joined[-1].text + node.text)
        else:
            joined.append(node)
    return tuple(joined)


def _slug(title: str, taken: dict[str, int], mark_prefix: str) -> str:
    text = unicodedata.normalize("NFKC", re.sub(rf"{mark_prefix}f\d+x", "", title)).casefold()
    # A vowel sign or accent that stands alone belongs to its letter, though \w does not hold it.
    kept = (char if char.isalnum() or unicodedata.category(char)[0] == "M" else "-" for char in text)
    slug = re.sub("-+", "-", "".join(kept)).strip("-")[:60].rstrip("-") or "section"
    name = slug
    while name in taken:
        taken[slug] += 1
        name = f"{slug}-{taken[slug]}"
    taken[name] = 1
    return name


def _settle(blocks: Sequence[Block], top: int, first: int, path: str, findings: list[Finding]) -> Blocks:
    """Put the headings below a Section's in order without gaps, see bold paragraphs that play one; join events, drop outer dividers."""
    start, end = 0, len(blocks)
    while start < end and isinstance(blocks[start], Divider):
        start += 1
    while start < end and isinstance(blocks[end - 1], Divider):
        end -= 1
    settled: list[Block] = []
    level = first - 1
    for index in range(start, end):
        block = blocks[index]
        if isinstance(block, Heading):
            level = min(max(first, block.level - top + first - 1), level + 1)
            settled.append(replace(block, level=level, children=_title_whole(block.children)))
        elif index + 1 < end and (heading := _bold_heading(block, blocks[index + 1], (min(level + 1, first), top + 1), path, findings)):
            level = heading.level
            settled.append(heading)
        elif settled and isinstance(block, Events) and isinstance(above := settled[-1], Events):
            settled[-1] = replace(above, rows=(*above.rows, *block.rows))
        else:
            settled.append(lowered(block, first))
    return tuple(settled)


def _title_whole(children: Inlines) -> Inlines:
    while len(children) == 1 and isinstance(children[0], Span) and children[0].tag == "strong":
        children = strip(children[0].children)
    return children


def _bold_heading(block: Block, following: Block | None, levels: tuple[int, int], path: str, findings: list[Finding]) -> Heading | None:
    """The heading that a bold paragraph plays; ``levels`` are the one it gets and the one to write it at."""
    if not isinstance(block, Paragraph) or following is None or isinstance(following, Heading) or len(block.children) != 1:
        return None
    bold = block.children[0]
    if (
        not isinstance(bold, Span)
        or bold.tag != "strong"
        or len(plain(bold.children)) > LONGEST_HEADING
        or plain(bold.children).strip().endswith(".")
    ):
        return None
    if isinstance(following, Paragraph) and len(following.children) == 1 and isinstance(following.children[0], Span):
        return None
    words = plain(bold.children).strip()
    message, hint = f"the bold line {words[:60]!r} is set as a heading", f"Write it as one: {'#' * min(6, levels[1])} {words[:40]}"
    findings.append(info("bold-heading", Where(path, block.line or None), message, hint))
    return Heading(levels[0], strip(bold.children), block.line)


def lowered(node: _T, level: int) -> _T:
    """The same block with every heading inside it at one level, below the Section's."""
    if isinstance(node, Heading):
        return cast("_T", replace(node, level=level, children=_title_whole(node.children)))
    if isinstance(node, tuple):
        return cast("_T", tuple(lowered(child, level) for child in cast("tuple[object, ...]", node)))
    if isinstance(node, Block) and not isinstance(node, Paragraph):
        nested = {item.name: getattr(node, item.name) for item in fields(node) if item.name in {"blocks", "items", "columns"}}
        return cast("_T", replace(node, **{name: lowered(value, level) for name, value in nested.items()})) if nested else node
    return node
