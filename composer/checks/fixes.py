"""Mends what is safe in an issue's text, and nothing else: the mended text reads as the same letter. Pure.

Every mend is tried on the reader; one that would change more than blanks beside links, or the dot of an address, is not made.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields, is_dataclass

from composer.checks.typed import BLANK, Slip, slips
from composer.errors import IssueError
from composer.issue.addresses import Found
from composer.issue.model import Button, Inline, Issue, Link, Text
from composer.issue.reader import parse_issue

_LINE = re.compile(r"([^\r\n]*)(\r\n|\r|\n|\Z)")
_LEFT = re.compile(r"[ \t\u00a0>]{0,40}(?:[-*+]|\d{1,9}[.)])?[ \t\u00a0]{0,40}")
_MAIL_DOT = re.compile(r"^([^?]{0,2000}?)\.{1,9}(?=\?|$)")
_FENCE = re.compile(r"[ \t>]{0,40}(?:[-*+][ \t]{1,4})?(`{3,}|~{3,})")
# The strangest 30 KB take the reader a third of a second; the longer a text is, the fewer ways to mend it are tried, all rounds together.
_MOST_READINGS, _MOST_CHARACTERS = 60, 300_000
_ROUNDS = 3
_WHAT = {
    "empty": "an empty link or image is deleted",
    "mail-dot": "the dot behind an address for mail is deleted",
    "no-break-space": "a no-break space beside a link is an ordinary one",
    "edge-space": "a space inside the brackets of a link stands outside",
}


@dataclass(frozen=True, slots=True, order=True)
class Change:
    """One thing that was mended: the line, as it was counted before, and what was done there."""

    line: int
    what: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.what}"


@dataclass(frozen=True, slots=True)
class Fixed:
    """A mended text and what was done to it; the text as it was when that is nothing."""

    source: str
    changes: tuple[Change, ...] = ()


@dataclass(frozen=True, slots=True)
class _Line:
    number: int
    text: str
    end: str


_Mend = tuple[int, Slip]
_Typed = Callable[[str], str]


def fix(source: str, issue: Issue) -> Fixed:
    """Mend an issue's file.

    ``source`` is its text as it is on disk, with whatever line ends and BOM it has; ``issue`` what was read of it.
    """
    lines = [_Line(number, match[1], match[2]) for number, match in enumerate(_LINE.finditer(source), 1)]
    same = _shape(source, issue)
    changes: list[Change] = []
    readings = max(2, min(_MOST_READINGS, _MOST_CHARACTERS // (1 + len(source))))
    for _ in range(_ROUNDS if same is not None else 0):
        made, readings = _safe(lines, list(_candidates(lines)), issue, same, readings)
        if not made:
            break
        changes += [Change(number, _WHAT[slip.kind]) for number, slip in made]
        lines = _mended(lines, made)
    return Fixed(_joined(lines), tuple(dict.fromkeys(sorted(changes)))) if changes else Fixed(source)


def _joined(lines: Sequence[_Line]) -> str:
    return "".join(line.text + line.end for line in lines)


def _candidates(lines: Sequence[_Line]) -> Iterator[_Mend]:
    """What could be mended in the body: lines of fenced code and of comments are passed over; the rest is for the reader to tell."""
    fence, comment = "", False
    for line in lines[_body(lines) :]:
        if comment or "<!--" in line.text:
            comment = line.text.rfind("-->") < line.text.rfind("<!--") if "<!--" in line.text else "-->" not in line.text
        elif match := _FENCE.match(line.text):
            if not fence:
                fence = match[1]
            elif match[1].startswith(fence):
                fence = ""
        elif not fence:
            yield from ((line.number, slip) for slip in slips(line.text))


def _body(lines: Sequence[_Line]) -> int:
    """The index of the first line behind the front matter."""
    texts = [line.text.strip("\ufeff \t") for line in lines]
    start = next((index for index, text in enumerate(texts) if text), 0)
    ends = {"+++"} if texts[start] == "+++" else {"---", "..."}
    return next((index + 1 for index in range(start + 1, len(texts)) if texts[index] in ends), len(texts))


def _mended(lines: Sequence[_Line], mends: Sequence[_Mend]) -> list[_Line]:
    by_line: dict[int, list[Slip]] = {}
    for number, slip in mends:
        by_line.setdefault(number, []).append(slip)
    mended: list[_Line] = []
    for line in lines:
        text, taken = line.text, by_line.get(line.number, [])
        for slip in sorted(taken, key=lambda slip: slip.start, reverse=True):
            text = text[: slip.start] + slip.instead + text[slip.end :]
        if any(slip.kind == "empty" for slip in taken) and _LEFT.fullmatch(text):
            continue
        mended.append(_Line(line.number, text.rstrip(BLANK) if _loosened(line.text, text) else text, line.end))
    return mended


def _loosened(before: str, after: str) -> bool:
    """Tell whether a line ends in blanks only because what stood behind them is gone."""
    return after != before and after[-1:] in BLANK and before[-1:] not in BLANK and bool(after)


def _safe(lines: Sequence[_Line], mends: list[_Mend], issue: Issue, same: object, readings: int) -> tuple[list[_Mend], int]:
    """Those mends that leave the letter as it reads: all at once if they do, else the halves that do; and how many readings are left."""
    made: list[_Mend] = []
    todo = [mends] if mends else []
    while todo and readings:
        group = todo.pop()
        readings -= 1
        if _shape(_joined(_mended(lines, _apart([*made, *group]))), issue) == same:
            made = _apart([*made, *group])
        elif len(group) > 1:
            todo += [group[len(group) // 2 :], group[: len(group) // 2]]
    return made, readings


def _apart(mends: Sequence[_Mend]) -> list[_Mend]:
    """Of mends that overlap, the first."""
    kept: list[_Mend] = []
    for number, slip in sorted(mends, key=lambda mend: (mend[0], mend[1].start, -mend[1].end)):
        if not kept or kept[-1][0] != number or kept[-1][1].end <= slip.start:
            kept.append((number, slip))
    return kept


def _shape(source: str, issue: Issue) -> object | None:
    """What a text reads as, but for lines, blanks within running text, and the dot behind an address for mail; None when it does not."""
    try:
        read = parse_issue(source, path=issue.path, stem=issue.stem, site_url="", local=_nothing, embedded=_nothing)
    except IssueError:
        return None
    marks = {field.mark: field.source for field in read.fields}
    prefix = re.compile(rf"{read.mark_prefix}f\d+x")

    def typed(text: str) -> str:
        return prefix.sub(lambda mark: marks.get(mark[0], ""), text) if marks else text

    head = tuple("".join(typed(text).split()) for text in (read.title, read.subject, read.preheader))
    silent = tuple((silence.codes, silence.reason) for silence in read.silences)
    return (head, silent, _bare((read.lead, read.sections, read.footnotes), typed))


def _nothing(src: str) -> Found:
    del src
    return Found(problem="is not looked at")


def _bare(node: object, typed: _Typed) -> object:
    if isinstance(node, str):
        return typed(node)
    if isinstance(node, tuple):
        return _texts(node, typed) if any(isinstance(child, Inline) for child in node) else tuple(_bare(child, typed) for child in node)
    if is_dataclass(node) and not isinstance(node, type):
        kept = ((item.name, getattr(node, item.name)) for item in fields(node) if item.name not in {"line", "last_line"})
        found = {name: _bare(value, typed) for name, value in kept}
        if isinstance(node, Link | Button) and node.href[:7].lower() == "mailto:":
            found["href"] = _MAIL_DOT.sub(r"\1", typed(node.href))
        return (type(node).__name__, *found.items())
    return node


def _texts(nodes: tuple[object, ...], typed: _Typed) -> tuple[object, ...]:
    """Inlines with each run of text as its letters alone."""
    found: list[object] = []
    letters = ""
    for node in nodes:
        if isinstance(node, Text):
            letters += "".join(typed(node.text).split())
            continue
        found += [letters, _bare(node, typed)]
        letters = ""
    return (*found, letters)
