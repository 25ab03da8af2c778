"""Slips in running text: doubled words, capitals and exclamation marks that shout, words too long for a phone. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

from composer.checks.content.passages import Passage, Words
from composer.checks.letter import Letter
from composer.findings import Finding, info, warning

# At 16 px some 30 letters fit into the 272 px that a phone of 320 px leaves; with 45 even a wide one is full.
LONGEST_WORD = 45
_DOUBLED = re.compile(r"(?<![\w'\u2019-])([^\W\d_]{1,40})[ \t\n\u00a0]{1,4}(\1)(?![\w'\u2019-])", re.IGNORECASE)
# Twice in a row on purpose, or a matter of grammar, in one language or another.
_TWICE_RIGHT = frozenset(
    """
    had that very so no bye ha ho blah knock now well again more long never really far yeah hear hip tut chop night who did do
    nous vous sie die der das den denen ihnen ihr es wir uns se si dat zijn dat je als wie toen lui li le la les
    """.split()
)
# Of shorter words, only these are surely a slip; longer ones are when both are in small letters.
_SMALL = frozenset(
    "a an the and or of to in on for with by at from as it is be are was were has have not this we our you your will can".split()
)
_LONGEST_UNSURE = 3
_BEFORE_IS = re.compile(r"\b(?:it|that|what|there|he|she|thing)\s+$", re.IGNORECASE)  # what it is is clear
_LONG = re.compile(r"[^\s\u200b\u00ad\u2010\u2013\u2014-]{%d,}" % (LONGEST_WORD + 1))  # noqa: UP031 - braces of the pattern
# Scripts written without spaces, whose lines break anywhere.
_UNSPACED = re.compile(
    r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\ufe30-\uffef\U00020000-\U0003ffff]"
)
_EMOJI = re.compile(r"[\u2600-\u27bf\U0001f000-\U0001faff]")
_LOUD = re.compile(r"(?<!\w)[^\W\d_a-z]{2,30}+(?:[ \t\n\u00a0]{1,3}+[^\W\d_a-z]{2,30}+){4,80}+")
_LOUD_LETTERS = 25
_MARKS = re.compile(r"[!\uff01][!?\uff01]{1,9}")
_MANY_MARKS = 4


def check_wording(words: Words, letter: Letter) -> Iterator[Finding]:
    """Judge every passage of running text."""
    del letter
    for passage in words.passages:
        yield from _doubled(passage, words)
        yield from _unbroken(passage, words)
        yield from _loud(passage, words)


def _doubled(passage: Passage, words: Words) -> Iterator[Finding]:
    for match in _DOUBLED.finditer(passage.text):
        first, second = match[1], match[2]
        word = second.lower()
        small = word in _SMALL and not (first.isupper() and len(first) > 1)
        if not second.islower() or word in _TWICE_RIGHT or not (small or (first.islower() and len(word) > _LONGEST_UNSURE)):
            continue
        if word == "is" and _BEFORE_IS.search(passage.text, max(0, match.start() - 12), match.start()):
            continue
        # The place is that of the second: it is the one to take out.
        at = words.at(passage, match.start(), match.end())
        if passage.line(match.start()) != passage.line(match.start(2)):
            at = words.where(passage.line(match.start(2)), second)
        yield warning("word-doubled", at, f"“{' '.join(match[0].split())}”: a word stands twice", "Take one out.")


def _unbroken(passage: Passage, words: Words) -> Iterator[Finding]:
    if len(passage.text) <= LONGEST_WORD:
        return
    for match in _LONG.finditer(passage.text):
        if len(match[0]) > LONGEST_WORD and not _UNSPACED.search(match[0]) and not _EMOJI.search(match[0]):
            where = words.at(passage, match.start(), min(match.end(), match.start() + 60))
            if re.match(r"(?:https?://|www\.)", match[0]):
                message = f"an address of {len(match[0])} characters is shown in the text"
                yield info("word-too-long", where, message, "Say in words where it leads, and link them.")
            else:
                message = f"“{match[0][:30]}…” has {len(match[0])} characters and no place to break: too wide for a phone"
                yield info("word-too-long", where, message, "Put a space, a hyphen or a line break into it, or set it as code in a block.")


def _loud(passage: Passage, words: Words) -> Iterator[Finding]:
    marks = 0
    for match in _MARKS.finditer(passage.text):
        marks += 1
        if marks == 1:
            where = words.at(passage, match.start(), match.end())
            yield info(
                "exclamation-marks", where, f"“{match[0][:9]}”: one mark is as loud, and spam filters count them", "Keep one, or none."
            )
    if not marks and passage.text.count("!") >= _MANY_MARKS:
        first = passage.text.index("!")
        where = words.at(passage, first, first + 1)
        yield info("exclamation-marks", where, f"{passage.text.count('!')} exclamation marks stand in one paragraph", "Keep one, or none.")
    if passage.kind == "button":
        return
    for match in _LOUD.finditer(passage.text):
        linked = any(link.start <= match.start() and match.end() <= link.end and link.alone for link in passage.links)
        if sum(map(str.isalpha, match[0])) >= _LOUD_LETTERS and match[0].isupper() and not linked:
            where = words.at(passage, match.start(), match.end())
            message = f"“{' '.join(match[0].split())[:60]}” is all in capitals, which reads slowly and as shouting"
            yield info("all-capitals", where, message, "Write it in small letters; **bold** is louder than the rest, too.")
