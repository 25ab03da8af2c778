"""Which recipient domains must be left alone, and until when: so many messages a minute, and none while a domain defers. Pure.

Whoever is sent to is first asked for with ``admit``, and what became of it is told with ``heard``. Deliveries to one domain are
taken for alike: who comes first gets a place that is free, and nobody needs to keep one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

# A deferral is about one person as long as others are accepted: a full mailbox, a hiccup. Three in a row are about us.
_IN_A_ROW = 3
# RFC 5321, 4.5.4.1: a destination that failed is left alone for half an hour, or for less where the reason is known. Providers that
# limit a sender take it back within minutes when it slows down, and lengthen their limit when it does not: so the wait doubles.
_FIRST, _LONGEST = timedelta(minutes=1), timedelta(minutes=60)
# So long others wait for what becomes of the one who tries: a dialogue takes seconds, and a minute is the usual timeout.
_TRIAL = timedelta(minutes=1)
# A domain that has been quiet for so long begins anew.
_MEMORY = timedelta(hours=1)
# A loop that comes late to one place must not lose the next.
_LATE = timedelta(milliseconds=250)
_TICK = timedelta(microseconds=1)
_SWEEP = 1_024
_LONG_AGO = datetime.min.replace(tzinfo=UTC)
# Not about us: greylisting defers every pair of sender and recipient once (RFC 6647, 2), so that all should have their first try soon,
# and each waits for itself; RFC 3463, 3.2 and 3.3: the address (but X.1.7 and X.1.8, the sender's) and the mailbox.
_ONE_PERSON = re.compile(r"\bgr[ae]y-?list|\A4\d\d[ -]4\.(?:1\.(?![78]\b)|2\.)\d", re.IGNORECASE)


class Held(NamedTuple):
    """A domain that must wait until then, and why: its last words, or the limit. ``deferrals`` in a row, none accepted between."""

    domain: str
    until: datetime
    reason: str
    deferrals: int


@dataclass(slots=True)
class _Domain:
    """What is remembered of one domain until ``keep``.

    ``even`` is when the next message would begin if all began evenly, ``place`` the last that was given away; ``until`` ends a back-off
    of ``length`` (zero: none), ``trying`` says that somebody is out to see whether it is over, ``behind`` how many were sent away.
    """

    even: datetime = _LONG_AGO
    place: datetime = _LONG_AGO
    until: datetime = _LONG_AGO
    length: timedelta = timedelta(0)
    trying: bool = False
    behind: int = 0
    row: int = 0
    reason: str = ""
    keep: datetime = _LONG_AGO


def domain_of(address: str) -> str:
    """Return the domain of an address."""
    return address.rpartition("@")[2].lower()


class Domains:
    """All domains of one run. Only those that there is something to remember of take memory."""

    def __init__(self, per_minute: int) -> None:
        """``per_minute`` is how many may begin in any minute to one domain; 0: any number."""
        self._per_minute = per_minute
        burst = 1 + per_minute // 20
        # In any minute fewer than burst + minute / interval begin; rounded up, so that no minute holds one more.
        self._interval = timedelta(minutes=1) / max(1, per_minute + 1 - burst) + _TICK
        self._early = (burst - 1) * self._interval
        self._apart = self._interval if burst > 1 else self._interval + _LATE
        self._domains: dict[str, _Domain] = {}
        self._sweep_at = _SWEEP

    def __len__(self) -> int:
        """How many domains are remembered."""
        return len(self._domains)

    @property
    def calm(self) -> bool:
        """Whether everybody may begin, whatever their domain: nothing is limited, and no domain has deferred lately."""
        return not (self._per_minute or self._domains)

    def admit(self, domain: str, now: datetime) -> datetime | None:
        """Let a message to ``domain`` begin now (None), or say when to ask again: each who asks gets a moment of their own.

        Who is let through counts as begun. While a domain is backed off, the first to ask afterwards tries for all.
        """
        found = self._find(domain, now)
        if found is None:
            if not self._per_minute:
                return None
            found = self._remember(domain, now)
        if found.length and now < found.until:
            return self._behind(found, now)
        if self._per_minute:
            if found.even > now + self._early:
                return self._next_place(found, now)
            found.even = max(found.even, now) + self._interval
            found.keep = max(found.keep, found.even)
        if found.length:
            self._wait(found, now + _TRIAL, trying=True)
        return None

    def must_wait(self, domain: str, now: datetime) -> bool:
        """Tell whether a domain would have to wait at this moment; nothing is counted."""
        found = self._domains.get(domain)
        if found is None or found.keep <= now:
            return False
        return bool(found.length) or (self._per_minute > 0 and found.even > now + self._early)

    def heard(self, domain: str, outcome: str, answer: str, now: datetime) -> None:
        """Take what became of a message, in the words of an attempt: accepted, deferred, rejected, unknown, lost, not_sent, unbuilt.

        What ends while nobody tries began before the back-off did, and says nothing new.
        """
        found = self._find(domain, now)
        if found and found.length and not found.trying:
            return
        deferred = outcome == "deferred" and not _ONE_PERSON.search(answer)
        if found and found.trying:
            # A try whose answer is lost leaves its person in doubt: one is enough for now.
            self._end_trial(found, now, outcome, answer, failed=deferred or outcome in {"unknown", "lost"})
        elif outcome == "accepted":
            if found:
                found.row, found.keep = 0, max(found.even, found.place)
        elif deferred:
            found = found or self._remember(domain, now)
            found.row, found.reason, found.keep = found.row + 1, answer, max(found.keep, now + _MEMORY)
            if found.row >= _IN_A_ROW:
                self._back_off(found, now)

    def reason(self, domain: str) -> str:
        """Say why a domain must wait: its last words, or the limit."""
        found = self._domains.get(domain)
        return found.reason if found and found.length else f"at most {self._per_minute:,} a minute"

    def held(self, now: datetime) -> list[Held]:
        """Return the domains that must wait at this moment, the longest wait first."""
        found = []
        for domain, each in self._domains.items():
            if each.length:
                found.append(Held(domain, each.until, self.reason(domain), each.row))
            elif each.place > now:
                found.append(Held(domain, each.place, self.reason(domain), each.row))
        return sorted((each for each in found if each.until > now), key=lambda each: (each.until, each.domain), reverse=True)

    def _end_trial(self, found: _Domain, now: datetime, outcome: str, answer: str, *, failed: bool) -> None:
        found.trying = False
        if failed:
            found.row, found.reason = found.row + 1, answer
            self._back_off(found, now)
        elif outcome == "accepted":
            found.row, found.length, found.keep = 0, timedelta(0), max(found.even, found.place)
        else:
            found.until = now  # it told nothing about the domain: the next may try

    def _back_off(self, found: _Domain, now: datetime) -> None:
        found.length = min(found.length * 2, _LONGEST) if found.length else _FIRST
        self._wait(found, now + found.length, trying=False)

    def _wait(self, found: _Domain, until: datetime, *, trying: bool) -> None:
        found.until, found.trying, found.behind = until, trying, 0
        found.keep = max(found.keep, until + _MEMORY)

    def _behind(self, found: _Domain, now: datetime) -> datetime:
        """Give the first who asks the end of the wait, to try; the others come behind, one a second, over as long as the wait was."""
        found.behind += 1
        if found.behind == 1:
            return found.until
        after = found.until if found.trying else found.until + _TRIAL
        if self._per_minute:
            return self._next_place(found, now, after)
        return after + timedelta(seconds=found.behind % found.length.total_seconds())

    def _next_place(self, found: _Domain, now: datetime, after: datetime = _LONG_AGO) -> datetime:
        found.place = max(found.place + self._apart, found.even, now, after)
        found.keep = max(found.keep, found.place)
        return found.place

    def _find(self, domain: str, now: datetime) -> _Domain | None:
        found = self._domains.get(domain)
        if found and found.keep <= now:
            del self._domains[domain]
            return None
        return found

    def _remember(self, domain: str, now: datetime) -> _Domain:
        """Make room for a domain; whenever they have doubled, those that there is nothing to remember of are forgotten."""
        if len(self._domains) >= self._sweep_at:
            self._domains = {name: each for name, each in self._domains.items() if each.keep > now}
            self._sweep_at = max(_SWEEP, 2 * len(self._domains))
        found = self._domains[domain] = _Domain()
        return found
