"""Which findings an issue's silences reach, and what is wrong with the silences themselves. Pure."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches

from composer.checks.codes import CODES, NEVER_SILENT
from composer.findings import Finding, Where, info, warning
from composer.issue.model import Issue
from composer.issue.silences import Silence

_MOST_GUESSES = 20
_HINT = "Say why behind a colon: <!-- check off: CODE: reason -->, or in the front matter, checks_off: {CODE: reason}."


@dataclass(frozen=True, slots=True)
class Silenced:
    """A finding that is not told; ``reason`` is the writer's, ``by`` the place where it stands."""

    finding: Finding
    reason: str
    by: Where


@dataclass(frozen=True, slots=True)
class Reach:
    """A silence and the lines of the issue that it holds for: its own, and ``block``, first to last, when it stands alone above one."""

    silence: Silence
    block: tuple[int, int] | None = None

    @property
    def own(self) -> range:
        """The lines of the comment itself."""
        return range(self.silence.where.line or 0, self.silence.last + 1)


def silences(source: str, issue: Issue) -> tuple[Reach, ...]:
    """Return an issue's silences with their reach; ``source`` is its file's text with LF line ends."""
    if not issue.silences:
        return ()
    lines = source.split("\n")
    ends = _ends(lines)
    return tuple(Reach(each, None if each.whole else _below(each, lines, ends)) for each in issue.silences)


def apply(
    findings: Iterable[Finding], reaches: Sequence[Reach], unchecked: Collection[str] = ()
) -> tuple[tuple[Finding, ...], tuple[Silenced, ...]]:
    """Divide findings into those that are told and those that are silenced; what is wrong with a silence is among the first.

    ``unchecked`` names codes that nobody looked for this time: a silence of one is not called unused.
    """
    if not reaches:
        return tuple(findings), ()
    book = _Book(reaches)
    kept: list[Finding] = []
    silenced: list[Silenced] = []
    for finding in findings:
        reach = book.find(finding)
        if reach is None:
            kept.append(finding)
        else:
            silenced.append(Silenced(finding, reach.silence.reason, reach.silence.where))
    return (*kept, *book.complaints(unchecked)), tuple(silenced)


def _below(silence: Silence, lines: Sequence[str], ends: Sequence[int]) -> tuple[int, int] | None:
    """The block that begins below a comment that stands alone; lines count from 1."""
    first, last = silence.where.line or 0, silence.last
    if not 0 < first <= last <= len(lines):
        return None
    alone = lines[first - 1].lstrip("> \t*+-").startswith("<!--") and lines[last - 1].rstrip().endswith("-->")
    if not alone:
        return None
    start = next((number for number in range(last, len(lines)) if lines[number].strip("> \t")), None)
    return None if start is None else (start + 1, ends[start] + 1)


def _ends(lines: Sequence[str]) -> list[int]:
    """The last line of the block that begins at each line: a heading, a fenced or directive block, or down to an empty line."""
    ends = list(range(len(lines)))
    for number in range(len(lines) - 2, -1, -1):
        if lines[number].strip() and lines[number + 1].strip() and not lines[number].lstrip().startswith("#"):
            ends[number] = ends[number + 1]
    opened: list[int] = []
    fence, began = "", 0
    for number, line in enumerate(lines):
        text = line.strip()
        if fence:
            if text.startswith(fence) and not text.strip(fence[0]):
                ends[began], fence = number, ""
        elif text.startswith(("```", "~~~")):
            fence, began = text[: len(text) - len(text.lstrip(text[0]))], number
        elif text.startswith(":::"):
            if text.strip(": \t"):
                opened.append(number)
            elif opened:
                ends[opened.pop()] = number
    return ends


@dataclass(slots=True)
class _Book:
    """The silences by code and line, and which of them were of use."""

    reaches: Sequence[Reach]
    paths: set[str] = field(default_factory=set)
    whole: dict[str, Reach] = field(default_factory=dict)
    lines: dict[str, dict[int, Reach]] = field(default_factory=lambda: defaultdict(dict))
    blocks: dict[str, list[tuple[int, int, Reach]]] = field(default_factory=lambda: defaultdict(list))
    used: set[tuple[int, str]] = field(default_factory=set)

    def __post_init__(self) -> None:
        for reach in self.reaches:
            silence = reach.silence
            self.paths.add(silence.where.path)
            for code in silence.codes if silence.reason else ():
                if code in NEVER_SILENT:
                    continue
                if silence.whole:
                    self.whole.setdefault(code, reach)
                    continue
                for line in reach.own:
                    self.lines[code].setdefault(line, reach)
                if reach.block:
                    self.blocks[code].append((*reach.block, reach))
        for blocks in self.blocks.values():
            blocks.sort(key=lambda block: block[0])

    def find(self, finding: Finding) -> Reach | None:
        reach = self._on_line(finding.code, finding.where) or self.whole.get(finding.code)
        if reach is not None:
            self.used.add((id(reach), finding.code))
        return reach

    def _on_line(self, code: str, where: Where) -> Reach | None:
        if where.line is None or where.path not in self.paths:
            return None
        if (reach := self.lines.get(code, {}).get(where.line)) is not None:
            return reach
        blocks = self.blocks.get(code, [])
        at = bisect_right(blocks, where.line, key=lambda block: block[0]) - 1
        return blocks[at][2] if at >= 0 and blocks[at][1] >= where.line else None

    def complaints(self, unchecked: Collection[str]) -> Iterator[Finding]:
        guesses = _MOST_GUESSES
        for reach in self.reaches:
            silence = reach.silence
            if not silence.codes:
                hint = "Name what is to be silent; each finding shows its code."
                yield warning("silence-unknown-code", silence.where, "this silence names no code", hint)
            for code in silence.codes:
                if code in NEVER_SILENT:
                    hint = "Mend what it says; it would stop the send all the same."
                    yield warning("silence-not-allowed", silence.where, f"{code} cannot be silenced", hint)
                elif (id(reach), code) in self.used:
                    continue
                elif code not in CODES:
                    near = get_close_matches(code, CODES, 1) if guesses > 0 else []
                    guesses -= 1
                    hint = f"Did you mean {near[0]}?" if near else "The codes are listed in docs/findings.md."
                    yield warning("silence-unknown-code", silence.where, f"there is no finding {code!r} to silence", hint)
                elif silence.reason and code not in unchecked:
                    yield info("silence-unused", silence.where, f"there is no {code} here to silence", "Take the silence out.")
            if silence.codes and not silence.reason:
                message = f"this silence of {', '.join(silence.codes)[:120]} gives no reason, and silences nothing"
                yield warning("silence-without-reason", silence.where, message, _HINT)
