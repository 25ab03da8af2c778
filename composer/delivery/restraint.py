"""What holds one run back: its pace, the recipient domains that must wait, and the brake. Here the pure rules meet the clocks.

A person whose domain must wait has been claimed, and is given back as deferred: no attempt was made.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple

from composer.delivery.brake import Brake
from composer.delivery.domains import Domains, domain_of
from composer.delivery.model import DeliveryEvent, DeliveryState, follow
from composer.delivery.pacing import Hold, Limits, Pace, earlier, most_per_call
from composer.ledger.model import HELD, Result
from composer.ledger.tallies import tally_attempts

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from composer.delivery.sending import Sending
    from composer.ledger.model import Claimed

# A loop that woke for every message of a fast pace would do little else.
_WAKES = 50
# An envelope that is out waits for its message: at this many seconds between two messages of a lane it should not be.
_SOON = 2
_ACCEPTED = "accepted"


class Admitted(NamedTuple):
    """Who may be sent to now, and who was given back because their domain must wait."""

    rows: Sequence[Claimed]
    held: list[Result]


class Restraint:
    """The restraint of one run; ``size`` is how many a batch may hold, ``foresees`` whether lanes shall prepare for who comes next."""

    def __init__(self, sending: Sending, most: int) -> None:
        """Look up what was attempted lately; ``most`` is how many a batch may hold when nothing limits it."""
        terms, transport = sending.terms, sending.transport
        limits = terms.limits if sending.campaign.real else Limits()  # a rehearsal bothers nobody
        now, back = sending.clock(), limits.looks_back
        before = earlier(tally_attempts(sending.ledger, sending.campaign.transport, now - back), time.monotonic_ns(), now) if back else ()
        self._sending = sending
        self._pace = Pace(limits, before)
        self._brake = Brake(terms.pause_at_rejects)
        self._domains = Domains(terms.per_domain_minute) if transport.direct else None
        self.size = most_per_call(limits.per_second, most)
        worth = max(self.size, limits.per_second // _WAKES) if limits.per_second else 1
        self._unit = min((worth, *filter(None, (limits.per_hour, limits.per_day))))
        self.foresees = transport.ahead and not (limits.per_second and transport.lanes > _SOON * limits.per_second)

    def room(self, most: int) -> int:
        """Return how many of ``most`` may begin now: all, or as many as are worth a commit."""
        room = self._pace.room(time.monotonic_ns(), most)
        return room if room == most else room // self._unit * self._unit

    def begun(self, number: int) -> None:
        """Note that so many begin."""
        self._pace.begun(time.monotonic_ns(), number)

    def hold(self) -> Hold:
        """Say how long nothing may begin, and which limit says so."""
        return self._pace.hold(time.monotonic_ns(), self._unit)

    def admit(self, rows: Sequence[Claimed]) -> Admitted:
        """Part those whose domain must wait from those who may be sent to, who count as begun with it."""
        domains, now = self._domains, self._sending.clock()
        if domains is None or domains.calm:
            return Admitted(rows, [])
        admitted: list[Claimed] = []
        held: list[Result] = []
        for row in rows:
            domain = domain_of(row.email)
            due = domains.admit(domain, now)
            if due is None:
                admitted.append(row)
            else:
                state = follow(DeliveryState.SENDING, DeliveryEvent.HELD_BACK)
                held.append(Result(row, state, HELD, f"held back, {domain}: {domains.reason(domain)}", due))
        return Admitted(admitted, held)

    def foreseeable(self, rows: Iterable[Claimed]) -> Iterator[Claimed]:
        """Return those for whom a lane may be prepared: nobody whose domain has to wait."""
        now, domains = self._sending.clock(), self._domains
        if domains is None or domains.calm:
            return iter(rows)
        return (row for row in rows if not domains.must_wait(domain_of(row.email), now))

    def heard(self, results: Sequence[Result]) -> str:
        """Take what became of deliveries; return why the run should stop, or an empty text."""
        if self._domains is not None:
            now = self._sending.clock()
            for result in results:
                if self._domains.calm and result.outcome == _ACCEPTED:
                    continue  # of which there is nothing to remember, and they are nearly all
                self._domains.heard(domain_of(result.delivery.email), result.outcome, result.answer, now)
        return self._brake.heard(results)
