"""What the inbox shows before a letter is opened: subject and preheader. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape

from composer.checks.content.passages import Words
from composer.checks.letter import Letter
from composer.findings import Finding, Where, error, info, warning

# Measured in the inbox: 48 letters of a subject in Apple's Mail on an iPhone 14, 33 to 41 in the Gmail app, 60 to 70 on a desktop; of a
# preheader 99 on the iPhone, 37 to 90 in phone apps, some 100 in Gmail on the web.
# https://www.emailtooltester.com/en/blog/email-subject-lines-character-limit/ and
# https://themarketer.com/resources/knowledge-base/how-long-should-your-preview-texts-be, both read 2026-01.
LONGEST_SUBJECT, SHORTEST_SUBJECT = 60, 10
LONGEST_PREHEADER, SHORTEST_PREHEADER = 140, 40
SHOWN_PREHEADER = 90
_REPLY = re.compile(r"\s*(?:re|fwd?|aw|wg|tr|rv|sv|antw)\s?:", re.IGNORECASE)
_LOUD = re.compile(r"[!?]{2}|\${2}|€€|££")
_EMOJI = re.compile(r"[\u2600-\u27bf\u2b00-\u2bff\U0001f1e6-\U0001faff]")
_MOST_EMOJI = 2
_BLANKS = re.compile(r"[\s\u00a0\u00ad\u034f\u061c\u115f\u180e\u2000-\u200f\u2028-\u202f\u205f-\u2064\u3000\ufeff]+")
_NO_WIDTH = re.compile(r"[\u00ad\u034f\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u2064\ufeff]")
_TAGS = re.compile(r"<[^<>]{0,4000}>")
_KEY = re.compile(r"\s{0,20}[\"']?(?P<key>subject|title|preheader|description)[\"']?[ \t]{0,9}[:=]")
_LOOKED_AT = 6000


def check_inbox(words: Words, letter: Letter) -> Iterator[Finding]:
    """Judge subject and preheader, and compare them with those of the earlier issues."""
    keys = _keys(words)
    subject, preheader = _shown(letter.issue.subject, letter), _shown(letter.issue.preheader, letter)
    at_subject = Where(words.path, keys.get("subject", keys.get("title", 1)))
    yield from _subject(subject, at_subject)
    for before in reversed(letter.earlier):
        if _same(_of(before.subject, before.mark_prefix), subject):
            message = f"the subject is that of {before.path}"
            yield warning("subject-repeated", at_subject, message, "Say what is new this time; the month at least.")
            break
    key = next((key for key in ("preheader", "description") if key in keys), "")
    at_preheader = Where(words.path, keys.get(key, keys.get("title", 1)))
    if not key and letter.issue.preheader:
        message = f"there is no preheader; the inbox shows the first sentence: “{preheader[:60]}”"
        yield info("preheader-missing", at_preheader, message, "Write preheader: and what the subject has no room for.")
    yield from _preheader(preheader, subject, letter, at_preheader, own=bool(key))
    for before in reversed(letter.earlier) if key else ():
        if preheader and _same(_of(before.preheader, before.mark_prefix), preheader):
            message = f"the preheader is that of {before.path}"
            yield warning("preheader-repeated", at_preheader, message, "Say what is in this issue.")
            break


def _keys(words: Words) -> dict[str, int]:
    """The lines of the keys in the front matter; the first of each counts."""
    keys: dict[str, int] = {}
    fence = ""
    for number, line in enumerate(words.lines, 1):
        if line.rstrip() in {"---", "+++"}:
            if fence:
                break
            fence = line.rstrip()
        elif fence and (match := _KEY.match(line)):
            keys.setdefault(match["key"], number)
    return keys


def _shown(text: str, letter: Letter) -> str:
    """A text with its merge fields as their defaults, or as words of some length."""
    for field in letter.issue.fields if letter.issue.mark_prefix in text else ():
        text = text.replace(field.mark, field.default if field.default is not None else field.name)
    return text


def _of(text: str, mark_prefix: str) -> str:
    return re.sub(rf"{mark_prefix}f\d+x", "", text) if mark_prefix else text


def _same(one: str, other: str) -> bool:
    return _letters(one) == _letters(other)


def _letters(text: str) -> str:
    return re.sub(r"[\W_]+", " ", text).strip().casefold()


def _capitals(text: str) -> bool:
    words = [word for word in re.findall(r"[^\W\d_]{2,}", text) if word.upper() != word.lower()]
    return len(words) > 1 and sum(map(len, words)) > 11 and all(word.isupper() for word in words)  # noqa: PLR2004 - more than a name in capitals


def _subject(subject: str, where: Where) -> Iterator[Finding]:
    if match := _REPLY.match(subject):
        message = f"the subject begins with {match[0].strip()!r}, as if it answered somebody"
        yield error("subject-reply", where, message, "Take it out; the law (CAN-SPAM) calls such a subject deceptive.")
    if len(subject) > LONGEST_SUBJECT:
        message = f"the subject has {len(subject)} characters; phones cut it at 33 to 48, most inboxes at {LONGEST_SUBJECT}"
        yield warning(
            "subject-long", where, message, f"Put what matters first, and stay below {LONGEST_SUBJECT}: “{subject[:40]}” is sure."
        )
    elif len(subject) < SHORTEST_SUBJECT:
        yield info("subject-short", where, f"the subject has {len(subject)} characters", "Say what is in this issue.")
    if _capitals(subject):
        yield warning("subject-loud", where, "the subject is all in capitals, as spam often is", "Write it as a sentence.")
    elif (marks := bool(_LOUD.search(subject)) or subject.count("!") > 1) or len(_EMOJI.findall(subject)) > _MOST_EMOJI:
        what = "several exclamation marks or signs of money" if marks else "more than two emoji"
        yield warning("subject-loud", where, f"the subject has {what}, as spam often has", "Keep one, or none.")


def _preheader(preheader: str, subject: str, letter: Letter, where: Where, *, own: bool) -> Iterator[Finding]:
    if not preheader:
        hint = "Write preheader: and what the subject has no room for."
        yield info("preheader-missing", where, "there is no preheader, and no sentence to take one from", hint)
        return
    if _same(preheader, subject) or _same(preheader, _shown(letter.issue.title, letter)):
        which = "subject" if _same(preheader, subject) else "title"
        yield warning("preheader-repeats", where, f"the preheader says what the {which} says", "Say what the subject has no room for.")
    elif _leaks(preheader, letter):
        message = f"behind the {len(preheader)} characters of the preheader, the inbox shows what the letter begins with"
        yield warning(
            "preheader-leaks", where, message, f"Write {SHORTEST_PREHEADER} to {SHOWN_PREHEADER} characters, or blanks behind it."
        )
    elif own and len(preheader) < SHORTEST_PREHEADER:
        message = f"the preheader has {len(preheader)} characters; the inbox has room for some {SHOWN_PREHEADER}"
        yield info("preheader-short", where, message, "Name a second thing that is in this issue.")
    if own and len(preheader) > LONGEST_PREHEADER:
        message = f"the preheader has {len(preheader)} characters; no inbox shows more than {LONGEST_PREHEADER}"
        yield info("preheader-long", where, message, f"Say it in {SHOWN_PREHEADER}.")


def _leaks(preheader: str, letter: Letter) -> bool:
    """Tell whether the inbox shows text of the letter behind the preheader: no blanks are between, or too few."""
    start = letter.html.find("<body")
    shown = unescape(_TAGS.sub(" ", letter.html[start : start + _LOOKED_AT])) if start >= 0 else ""
    at = shown.find(preheader)
    if at < 0:
        return False
    rest = shown[at + len(preheader) :]
    blanks = _BLANKS.match(rest)
    gap = blanks[0] if blanks else ""
    filled = len(re.sub(r"[ \t\n]+", "", _NO_WIDTH.sub("", gap)))
    return len(preheader) + filled < SHOWN_PREHEADER and len(rest) > len(gap)
