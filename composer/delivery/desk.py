"""The ledger as a run of the loop speaks to it: one question at a time, what became of whom and how many more, and its answer.

A ledger that is kept by another process is asked from a thread, so that the loop hears the lanes meanwhile; one of this process
at once. What was told stays here until the ledger has it on disk.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from composer.delivery.lanes import AtOnce, Lanes
from composer.errors import LedgerError
from composer.ledger.deliveries import record_and_claim

if TYPE_CHECKING:
    from threading import Event

    from composer.delivery.sending import Sending
    from composer.ledger.model import Batch, Result

    _Question = tuple[list[Result], int]
    _Clerk = Lanes[_Question, Batch] | AtOnce[_Question, Batch]

_TRIES = 5


class Desk:
    """Where results are handed in and deliveries are claimed; ``results`` wait to be recorded with the next question."""

    def __init__(self, sending: Sending, ready: Event, unit: int) -> None:
        """``ready`` is set when an answer has come in from elsewhere; at most ``unit`` are recorded, and as many claimed, at once."""
        self._sending = sending
        self._exchange = sending.exchange or partial(record_and_claim, sending.ledger, sending.campaign.id)
        self._clerk: _Clerk = Lanes(self._work, 1, ready) if sending.exchange else AtOnce(self._work)
        self._asked: _Question = ([], 0)
        self._unit = unit
        self._more, self._look = True, False
        self.results: list[Result] = []

    @property
    def busy(self) -> bool:
        """Whether a question waits for its answer."""
        return bool(self._clerk.busy)

    @property
    def more(self) -> bool:
        """Whether somebody may be due whom nobody asked for: not after an answer with fewer than were wanted."""
        return self._more

    def ask(self, most: int) -> None:
        """Have results recorded and up to ``most`` claimed, in one commit; not while an answer is due, nor with nothing to ask."""
        most = min(most, self._unit) if self._more else 0
        if self.busy or not (self.results or most or self._look):
            return
        self._asked = (self.results[: self._unit], most)
        self.results, self._look = self.results[self._unit :], False
        self._clerk.submit(self._asked)

    def answer(self) -> Batch | None:
        """Return what was claimed, when the answer is there. Raises what the ledger did; then the results are still to be recorded."""
        told, most = self._asked
        try:
            batch = next(iter(self._clerk.collect()), None)
        except BaseException:
            self.results = told + self.results
            raise
        if batch is None:
            return None
        self._asked = ([], 0)
        found = len(batch.rows) + batch.skipped
        self._more = found >= most if most else self._more
        watch = self._sending.watch
        if told:
            watch.probe("recorded")
        watch.probe("claimed")
        if told or batch.skipped:
            watch.progress(len(told) + batch.skipped)
        return batch

    def look_again(self) -> None:
        """Time has passed: somebody may have fallen due, another process may have left a word."""
        self._more = self._look = True

    def close(self) -> None:
        """Ask nothing more."""
        self._clerk.close()

    def _work(self, question: _Question) -> Batch:
        """Ask the ledger. One that fails is asked some times more when answers would be lost with it."""
        results, most = question
        for left in reversed(range(_TRIES if results else 1)):
            try:
                self._sending.watch.probe("claim")
                return self._exchange(results, most, self._sending.clock())
            except LedgerError:
                if not left:
                    raise
                self._sending.sleep(1)
        raise AssertionError  # the last try returns or raises
