"""Links and images as they are typed in Markdown, on one line. Candidates only: the issue's tree says which are any."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

BLANK = " \t\u00a0"
# Every repetition is bounded, so no text makes the search more than linear.
LINK = re.compile(
    r"(?<!\\)(?P<image>!?)\[(?P<text>[^\[\]\n\r]{0,600})\]"
    r"\((?P<before>[ \t\u00a0]{0,9})(?P<address><[^<>\n\r]{0,2000}>|(?:\{\{[^{}\n\r]{0,200}\}\}|[^()\s<>]|\([^()\s]{0,200}\)){0,2000})"
    r"(?P<title>[ \t\u00a0]{1,9}(?:\"[^\"\n\r]{0,300}\"|'[^'\n\r]{0,300}'))?[ \t\u00a0]{0,9}\)"
    r"(?P<attributes>\{[^{}\n\r]{0,120}\})?"
)
_CODE = re.compile(r"(?<!`)(?P<fence>`{1,9})(?!`)[^\n]{1,2000}?(?<!`)(?P=fence)(?!`)")
_MAIL_DOT = re.compile(r"^mailto:[^?\s]{0,300}?(\.{1,9})(?:\?|$)", re.IGNORECASE)
_BEHIND_A_WORD = tuple(",.;:!?)")
_WORD_BEFORE = re.compile(r"\w[*_~(]{0,3}$")
_WORD_BEHIND = re.compile(r"(?P<marks>[*_~]{0,3})[\w\[]")
# A no-break space is right before these and behind the first, as French and others write; and between a number and what it counts.
_CLOSING = frozenset("»:;!?%…–—")  # noqa: RUF001 - dashes as editors type them
_OPENING = frozenset("«–—0123456789")  # noqa: RUF001 - the same


def stray_before(text: str, start: int) -> int:
    """How many of the blanks that end at ``start``, where a link begins, are a run with a no-break space that should be a space; else 0."""
    first = start
    while first > 0 and text[first - 1] in BLANK:
        first -= 1
    run = text[first:start]
    return len(run) if "\u00a0" in run and (first == 0 or text[first - 1] not in _OPENING) else 0


def stray_behind(text: str, end: int) -> int:
    """The same for the blanks that begin at ``end``, where a link ends."""
    last = end
    while last < len(text) and text[last] in BLANK:
        last += 1
    run = text[end:last]
    return len(run) if "\u00a0" in run and (last == len(text) or text[last] not in _CLOSING) else 0


@dataclass(frozen=True, slots=True)
class Slip:
    """A piece of a line that should be another: ``kind`` is empty, mail-dot, no-break-space or edge-space; offsets within the line.

    ``text`` is what the link says, ``address`` where it leads.
    """

    kind: str
    start: int
    end: int
    instead: str
    text: str = ""
    address: str = ""


def typed(line: str) -> Iterator[re.Match[str]]:
    """Yield the links and images of a line as matches of ``LINK``, but for those in inline code."""
    return LINK.finditer(_CODE.sub(lambda span: "\ue000" * len(span[0]), line) if "`" in line else line)


def slips(line: str) -> Iterator[Slip]:
    """Yield what can be mended in a line without its end, as if it held no code block; pieces in ``code`` are left alone."""
    if "](" not in line:
        return
    seen = -1
    for match in typed(line):
        address, text = match["address"].strip("<>"), match["text"]
        if not text.strip(BLANK):
            if address and match["image"]:
                continue  # it shows something
            yield _gone(line, match, address)
            continue
        if match["image"]:
            continue
        if dot := _MAIL_DOT.search(address):
            start = match.start("address") + match["address"].index(address) + dot.start(1)
            yield Slip("mail-dot", start, start + len(dot[1]), "", text.strip(BLANK), address)
        if text != text.strip(BLANK) and (slip := _edge(line, match)):
            yield slip
        for first, last in ((match.start() - stray_before(line, match.start()), match.start()), _behind(line, match.end())):
            if seen <= first < last:
                yield Slip("no-break-space", first, last, _spaces(line, first, last), text.strip(BLANK), address)
                seen = last


def _behind(line: str, end: int) -> tuple[int, int]:
    return end, end + stray_behind(line, end)


def _spaces(line: str, first: int, last: int) -> str:
    """What stands instead of blanks with a no-break space: one space; at the ends of a line what was there beside it."""
    run = line[first:last]
    if first == 0:
        return run.replace("\u00a0", "")
    if last < len(line):
        return " "
    rest = run.rpartition("\u00a0")[2]
    return rest if len(rest) > 1 else ""  # two spaces at the end are a line break


def _gone(line: str, match: re.Match[str], address: str) -> Slip:
    """Take out an empty link or image, and one of the two spaces that would be left; what stands alone takes its line along."""
    start, end = match.span()
    if line[:start].strip(BLANK) and line[start - 1] in BLANK:
        if line[end : end + 1] == " ":
            end += 1
        elif line[end : end + 1] in _BEHIND_A_WORD:
            start -= 1
    return Slip("empty", start, end, "", "", address)


def _edge(line: str, match: re.Match[str]) -> Slip | None:
    """Put blanks inside the brackets outside; none when something there does not tell whether a space is wanted."""
    text = match["text"]
    before = _WORD_BEFORE.search(line, max(0, match.start() - 4), match.start())
    if text[0] in BLANK and before and before[0][-1] in "*_~(":
        return None
    behind = _WORD_BEHIND.match(line, match.end()) if text[-1] in BLANK else None
    if behind and behind["marks"]:
        return None
    lead = " " if text[0] in BLANK and before else ""
    whole = f"{lead}[{text.strip(BLANK)}]{line[match.end('text') + 1 : match.end()]}"
    if behind:
        whole += " "
    return Slip("edge-space", match.start(), match.end(), whole, text.strip(BLANK), match["address"])
