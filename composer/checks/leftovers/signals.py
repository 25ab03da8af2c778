"""Words that tell whether a sentence speaks of what is ahead or reports what is over. Pure."""

from __future__ import annotations

import re
from enum import Enum
from typing import NamedTuple


class Kind(Enum):
    """What a word says of a date in its sentence.

    AHEAD: still to come. ASKED: people are asked to do something, perhaps by that date. DUE: only a "by" or "until" says so.
    JOINED: as AHEAD, right before the date alone. PAST: it is over.
    """

    AHEAD = "ahead"
    ASKED = "asked"
    DUE = "due"
    JOINED = "joined"
    PAST = "past"


class Signal(NamedTuple):
    """One such word and its place."""

    start: int
    end: int
    kind: Kind


_AHEAD = (
    r"deadlines?|due(?: date)?(?! to\b)|rsvp|save the dates?|mark your (?:calendars?|diar(?:y|ies))|don['\u2019]t miss|"
    r"last (?:chance|call for|day (?:to|for))|open (?:un)?til+|closes?|closing (?:date|on|soon)|expires?|upcoming|coming (?:up|soon)|"
    r"will|won['\u2019]t|shall|\w{1,9}['\u2019]ll|(?:(?:is|are)|['\u2019](?:re|m|s)) going to|takes? place|taking place|"
    r"(?:is|are) (?:\w{2,12}ly )?(?:happening|scheduled|planned|expected|slated)|"
    r"prices? (?:double|increase|rise|go(?:es)? up)|early[ -]bird"
)
_JOINED = (
    r"opens?|ends?|(?:is|are) (?:on|back|moving|starting)|"
    r"(?:(?:has|have|was|is) (?:been )?)?(?:extended|postponed|moved) (?:to|until|till|through|by)"
)
_ASKED = (
    r"register|sign[ -]?up|apply|submit|nominate|propose|book (?:your|a|now|early|tickets?)|join|meet us|come (?:to|along|and)|attend|"
    r"reserve|enrol+|send (?:us|in|your)|respond|reply|fill (?:in|out)|take part|volunteer"
)
_DUE = r"registrations?|applications?|submissions?|nominations?|proposals?|vot(?:e|ing)|must|ha(?:ve|s) to|needs? to|should|can still"
_PAST = (
    r"was|were|wasn['\u2019]t|weren['\u2019]t|had|did|took|held|went|came|gave|ran|began|got|made|saw|won|spoke|left|sent|brought|built|"
    r"wrote|met|grew|became|sold|lost|paid|fell|rose|drew|set up|put out|found|told|recaps?|recordings?|ago|yesterday|"
    r"last (?:week|month|year)|(?:has|have) (?:\w{2,14} )?(?:been|begun|gone|come|become|met|won|made|taken|left|\w{2,14}ed)|\w{3,14}ed"
)
_SIGNAL = re.compile(
    rf"(?<!\w)(?:(?P<AHEAD>{_AHEAD})|(?P<JOINED>{_JOINED})|(?P<ASKED>{_ASKED})|(?P<DUE>{_DUE})|(?P<PAST>{_PAST}))(?!\w)", re.IGNORECASE
)
_NOT_PAST = re.compile(
    r"\w{0,14}eed|\w{0,9}bed|interested|limited|unlimited|detailed|advanced|related|based|dedicated|experienced|united|distributed|"
    r"requested|hundred|shared",
    re.IGNORECASE,
)
_PASSIVE = re.compile(r"(?:\b(?:is|are|be|being|get|gets)|['\u2019](?:s|re))[ ](?:\w{2,14}[ ])?$", re.IGNORECASE)
_WAS = re.compile(
    r"\b(?:was|were|had|has been|have been|missed|past|after|since|could|couldn['\u2019]t|didn['\u2019]t|did|unable|able)[ ]"
    r"(?:\w{2,14}[ ]){0,2}$",
    re.IGNORECASE,
)
_REPORT = re.compile(
    r"\b(?:recordings?|replays?|recap|slides|photos|pictures|minutes|notes|summary|watch (?:it|the|again)|rewatch|thank(?:s| you)|"
    r"cancel+ed|was|were|took place|happened)\b",
    re.IGNORECASE,
)


def signals(text: str) -> tuple[Signal, ...]:
    """Return the signals of a text in their order."""
    found: list[Signal] = []
    for match in _SIGNAL.finditer(text):
        kind = Kind[match.lastgroup or ""]
        start = match.start()
        if kind is Kind.PAST:
            if _NOT_PAST.fullmatch(match[0]) or _PASSIVE.search(text[max(0, start - 24) : start]):
                continue
        elif kind is not Kind.JOINED and _WAS.search(text[max(0, start - 40) : start]):
            kind = Kind.PAST
        found.append(Signal(start, match.end(), kind))
    return tuple(found)


def is_report(text: str) -> bool:
    """Tell whether an event's line offers what is left of it (a recording, slides, photos), or says that it was."""
    return bool(_REPORT.search(text))
