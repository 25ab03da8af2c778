"""Do the words around a date speak of it as still ahead? A sentence that reports what happened does not. Pure."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from functools import cached_property

from composer.checks.leftovers.dates import Written
from composer.checks.leftovers.signals import Kind, Signal, signals

# A sentence ends here, or at a line break; never behind the short forms below.
_END = re.compile(r"[.!?\u2026]['\")\]\u201d\u2019]{0,2}[ ]{1,3}(?=[\w'\"(\[\u201c\u2018@#])|\n|;[ ]")
_SHORT = re.compile(
    r"(?:^|[\s(])(?:[ap]\.?m|e\.g|i\.e|vs|no|st|dr|mr|mrs|ms|prof|approx|jan|feb|mar|apr|jun|jul|aug|sept?|oct|nov|dec|"
    r"mon|tues?|wed|thu|thurs?|fri|sat|sun)$",
    re.IGNORECASE,
)
_UNTIL = r"by|until|till?|before|no later than|not later than|up to|through"
_WEAK = re.compile(rf"\b(?:{_UNTIL})[ ](?:the[ ])?$", re.IGNORECASE)
_COMING = re.compile(r"\b(?:next|this|coming)[ ]$", re.IGNORECASE)
_TIED = re.compile(rf"(?:\b(?:{_UNTIL}|on|for|at|is|are|from|between|this|next|than)|[:,|-])[ ]{{0,2}}(?:the[ ])?$", re.IGNORECASE)
_OPENING = re.compile(rf"\W{{0,4}}(?:(?:on|from|between|and|so|the|but|only|{_UNTIL}|\W)[ ]{{0,2}}){{0,4}}", re.IGNORECASE)
_JOINING = re.compile(r"[ ]{0,2}(?:on[ ])?(?:the[ ])?", re.IGNORECASE)
# What begins on a past day or is named after one is nothing that was missed.
_NAMED = re.compile(
    r"\b(?:since|as of|effective|starting|beginning|after|following|dated|of|week of|week starting|released|published|updated|posted|"
    r"(?P<from>from))[ ](?:on[ ])?(?:the[ ])?$",
    re.IGNORECASE,
)
_IS_THEN = re.compile(
    r"[ ]{0,2}(?:\([^()]{0,40}\)[ ])?(?:(?:is|are)[ ](?:the|our|your)[ ](?:last|final|\w{0,12}[ ]?deadline)|[^.,]{0,25}\bwill[ ])",
    re.IGNORECASE,
)
_NEAR, _FAR, _MOST_SKIPPED = 40, 300, 6


class Sentences:
    """One text, cut into sentences once; of each date in it may then be asked whether it is ahead."""

    def __init__(self, text: str) -> None:
        self.text = text
        matches = [match for match in _END.finditer(text) if not _SHORT.search(text[max(0, match.start() - 8) : match.start()])]
        self.ends = [match.start() for match in matches]
        self.starts = [match.end() for match in matches]

    @cached_property
    def signals(self) -> tuple[Signal, ...]:
        """What tells of past and future; looked for when a date is asked for, since most dates are ahead anyway."""
        return signals(self.text)

    @cached_property
    def places(self) -> list[int]:
        """Where the signals start."""
        return [signal.start for signal in self.signals]

    def bounds(self, start: int, end: int) -> tuple[int, int]:
        """Return the sentence around a place, as far as it matters."""
        first, last = bisect_right(self.starts, start), bisect_left(self.ends, end)
        begin = self.starts[first - 1] if first else 0
        close = self.ends[last] + 1 if last < len(self.ends) else len(self.text)
        return max(begin, start - _FAR), min(close, end + _FAR)

    def is_ahead(self, date: Written) -> bool:
        """Tell whether a date of this text is spoken of as still to come."""
        begin, close = self.bounds(date.start, date.end)
        lead = self.text[max(begin, date.start - _NEAR) : date.start]
        named = _NAMED.search(lead)
        if named and not (named["from"] and date.first != date.last):
            return False
        if date.weekday is not None and _COMING.search(lead):
            return True
        weak = bool(_WEAK.search(lead)) or date.months
        if signal := self._last_before(begin, date.start):
            match signal.kind:
                case Kind.AHEAD | Kind.JOINED:
                    return True
                case Kind.ASKED:
                    return bool(_TIED.search(lead))
                case Kind.DUE:
                    return weak or lead.rstrip().endswith((":", "|", "-"))
                case _:
                    return False
        after = [each.kind for each in self._after(date.end, close) if each.kind is not Kind.JOINED]
        if date.start - begin < _NEAR and _OPENING.fullmatch(lead):
            return after[0] is Kind.AHEAD or Kind.PAST not in after if after else weak
        return Kind.PAST not in after[:1] if weak else bool(_IS_THEN.match(self.text[date.end : min(close, date.end + 2 * _NEAR)]))

    def _last_before(self, begin: int, place: int) -> Signal | None:
        """Return the signal that decides: the last one, where one that must stand right before the date does so."""
        last = bisect_left(self.places, place)
        for signal in self.signals[max(0, last - _MOST_SKIPPED) : last][::-1]:
            if signal.start < begin:
                break
            if signal.kind is not Kind.JOINED or _JOINING.fullmatch(self.text, signal.end, place):
                return signal
            if self.text[signal.start : signal.end].lower().startswith(("was", "has", "have", "ext", "pos", "mov")):
                return signal._replace(kind=Kind.PAST)
        return None

    def _after(self, place: int, close: int) -> tuple[Signal, ...]:
        first = bisect_left(self.places, place)
        return tuple(signal for signal in self.signals[first : first + _MOST_SKIPPED] if signal.start < close)
