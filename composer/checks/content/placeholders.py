"""What was to be filled in, and was not: notes to oneself, sample text, merge fields of other systems. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

from composer.checks.content.passages import Passage, Words
from composer.checks.letter import Letter
from composer.checks.typed import typed
from composer.findings import Finding, Where, error, info, warning

# Nobody means these for readers.
_THING = "link|url|date|name|title|month|year|place|location|venue|time|text|image|photo|speaker|company"
_SURE = re.compile(
    r"\blorem ipsum(?:\s{1,4}dolor sit amet)?\b|\bdolor sit amet\b"
    r"|(?:^|(?<=[\n(\[]))[ ]?(?:TODO|FIXME|TK TK|TKTK)\b(?=[:\s)\]]|$)|\b(?:TODO|FIXME|TBD):(?=\s)"
    r"|\[(?:please )?(?:insert|add|enter|fill in|replace|your|put)\b[^\[\]\n]{0,80}\]"
    rf"|\[(?:{_THING})(?: (?:here|tbd|tbc|needed|to come|goes here))?\](?! ?[(\[:])"
    r"|\b(?:link|text|title|image|photo|description|copy|quote|headline) goes here\b"
    rf"|\b(?:insert|add) (?:{_THING}) here\b|\byour (?:text|title|headline) here\b",
    re.IGNORECASE,
)
# A text without any of these has nothing of both; looking for them is ten times as fast.
_WORDS = ("todo", "fixme", "tk", "tbd", "tbc", "xx", "???", "[", " here", "lorem", "dolor")
_CASED = re.compile(r"TODO|FIXME|TBD|TK", re.IGNORECASE)
_OPEN = frozenset({"TBD", "TBC"})
# Somebody may.
_PERHAPS = re.compile(
    r"\b(?:TODO|FIXME|TBD|TBC|TKTK|XXX{1,9})\b|\?{3,9}"
    r"|\b(?:xx|XX)(?=[ /.-](?:xx|XX|[A-Z][a-z]{2,8}\b)|\s?(?:%|people|members|attendees|am|pm)\b)"
)
_FOREIGN = re.compile(
    r"\*?(?-i:\|[A-Z][A-Z0-9_:]{2,40}\|)\*?|%%[A-Za-z_]{2,40}%%|%recipient\.\w{1,40}%|\[\[[A-Za-z_ ]{2,30}\]\]"
    r"|(?<![{$])\{(?:f_?name|l_?name|first[_ ]?name|last[_ ]?name|full_?name|name|email|contact\.\w{1,30}|subscriber\.\w{1,30})\}(?!\})"
    r"|\[(?:f_?name|first[_ ]?name|last[_ ]?name)\](?!\()|<%=?[^<>%\n]{1,80}%>",
    re.IGNORECASE,
)
_BRACES = re.compile(r"\{%[^%\n]{0,200}%\}|\{\{[^{}\n]{0,120}(?:\}\})?|(?<!\})\}\}")
_WHOLE_BRACES = re.compile(r"\{\{[^{}\n]{0,120}\}\}")
_ADDRESS = re.compile(
    r"(?:https?://)?(?:www\.)?(?:todo|tbd|tbc|xxx?x?|link|url|address|insert[-_ ]?link|link[-_ ]here|your[-_ ]?(?:link|url))/?"
    r"|#(?:todo|tbd|xxx?|link)?",
    re.IGNORECASE,
)


def check_placeholders(words: Words, letter: Letter) -> Iterator[Finding]:
    """Look for them in every passage, and in the addresses of links as they are typed."""
    del letter
    for passage in words.passages:
        yield from _text(passage, words)
    for line in sorted({link.line for link in words.links if 0 < link.line <= len(words.lines)}):
        for match in typed(words.lines[line - 1]):
            address = match["address"].strip("<>")
            if not match["image"] and match["text"] and _ADDRESS.fullmatch(address) and not _to_top(match["text"], address):
                where = Where(words.path, line, match.start("address") + 1)
                message = f"the address {address[:60]!r} of {match['text'][:60]!r} was to be filled in"
                if address == "#":
                    yield warning("placeholder-left", where, message, "Write where it leads.")
                else:
                    yield error("placeholder-left", where, message, "Write where it leads.")


def _to_top(text: str, address: str) -> bool:
    return address == "#" and bool(re.search(r"top|up\b|start|begin", text, re.IGNORECASE))


def _text(passage: Passage, words: Words) -> Iterator[Finding]:
    text, small = passage.text, passage.text.lower()
    if any(word in small for word in _WORDS):
        yield from _gaps(passage, words)
    if "|" in text or "%" in text or "[" in text or "{" in text:
        for match in _FOREIGN.finditer(text):
            hint = "A merge field is written {{ first_name }} here; see docs/writing.md."
            message = f"{match[0][:60]} is a merge field of another system, and will be read as it stands"
            yield error("foreign-merge-field", words.at(passage, *match.span()), message, hint)
    for match in _BRACES.finditer(text) if "{" in text or "}" in text else ():
        if not _WHOLE_BRACES.fullmatch(match[0]):  # the reader speaks of those
            message = f"{match[0][:60]} will be read as it stands"
            yield warning("braces-left", words.at(passage, *match.span()), message, "Take it out, or put it into code: `{{`.")


def _gaps(passage: Passage, words: Words) -> Iterator[Finding]:
    text, sure = passage.text, set[int]()
    for match in _SURE.finditer(text):
        if (word := _CASED.search(match[0])) and word[0] != word[0].upper():
            continue  # "todo" is a word, TODO is a note
        sure.update(range(*match.span()))
        where, found = words.at(passage, *match.span()), match[0].strip(" \n")
        yield error("placeholder-left", where, f"“{found[:60]}” was to be filled in", "Fill it in, or take it out.")
    for match in _PERHAPS.finditer(text):
        if match.start() in sure:
            continue
        where, message = words.at(passage, *match.span()), f"“{match[0][:20]}” may still have to be filled in"
        hint = "Fill it in, or write it so that readers understand."
        if match[0] in _OPEN and len(text.split()) > 1:  # "Venue: TBD" is news of a kind; the word alone is a gap
            yield info("placeholder-left", where, message, hint)
        else:
            yield warning("placeholder-left", where, message, hint)
