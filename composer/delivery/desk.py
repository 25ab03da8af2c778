"""The ledger as a run of the loop speaks to it: one question at a time, what became of whom and how many more, and its answer.

A ledger that is kept by another process is asked from a thread, so that the loop hears the lanes meanwhile; one of this process
at once. What was told stays here until the ledger has it on disk.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from composer.delivery.lanes import AtOnce, Lanes
from composer.delivery.model import UNSENT
from composer.errors import LedgerError
from composer.ledger.apart import KeeperGone
from composer.ledger.deliveries import record_and_claim
from composer.ledger.model import UNFORESEEN, Foresight

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from composer.delivery.sending import Sending
    from composer.ledger.model import Batch, Result

    _Question = tuple[list[Result], int, Foresight]
    _Clerk = Lanes[_Question, Batch] | AtOnce[_Question, Batch]

_TRIES = 5
_NOTHING: _Question = ([], 0, UNFORESEEN)


class Desk:
    """Where results are handed in and deliveries are claimed."""

    def __init__(self, sending: Sending, tell: Callable[[], None]) -> None:
        """``tell`` is called when an answer has come in from another process."""
        self._sending = sending
        self._exchange = sending.exchange or partial(record_and_claim, sending.ledger, sending.campaign.id)
        self._clerk: _Clerk = Lanes(self._work, 1, tell) if sending.exchange else AtOnce(self._work)
        self._asked: _Question = _NOTHING
        self._results: list[Result] = []
        self._more, self._look = True, False

    @property
    def busy(self) -> bool:
        """Whether a question waits for its answer."""
        return bool(self._clerk.busy)

    @property
    def done(self) -> bool:
        """Whether the ledger has all that was handed in."""
        return not (self.busy or self._results)

    @property
    def more(self) -> bool:
        """Whether somebody may be due: not after a claim that found nobody."""
        return self._more

    def hand_in(self, results: Iterable[Result]) -> None:
        """Take what became of deliveries; it is recorded with the next question."""
        self._results += results

    def ask(self, most: int, foresight: Foresight = UNFORESEEN) -> bool:
        """Have results recorded and up to ``most`` claimed, besides those who are chosen, in one commit.

        False, and nothing is done, while an answer is due, or with nothing to ask.
        """
        most = most if self._more or self._look else 0
        if self.busy or not (self._results or most or foresight.chosen or self._look):
            return False
        self._asked = (self._results, most, foresight)
        self._results, self._look = [], False
        self._clerk.submit((self._asked,))
        return True

    def answer(self) -> Batch | None:
        """Return what was claimed, when the answer is there. Raises what the ledger did; then the results are still to be recorded."""
        told, most, _ = self._asked
        try:
            batch = next(iter(self._clerk.collect()), None)
        except BaseException:
            self._results = told + self._results
            raise
        if batch is None:
            return None
        self._asked = _NOTHING
        if most:
            self._more = bool(batch)
        watch = self._sending.watch
        if told:
            watch.probe("recorded")
        watch.probe("claimed")
        settled = sum(result.state not in UNSENT for result in told) + batch.skipped
        if settled:
            watch.progress(settled)
        return batch

    def look_again(self) -> None:
        """Time has passed: somebody may have fallen due, another process may have left a word."""
        self._more = self._look = True

    def close(self) -> None:
        """Ask nothing more."""
        self._clerk.close()

    def _work(self, question: _Question) -> Batch:
        """Ask the ledger. One that fails is asked some times more when answers would be lost with it; what it said first is raised.

        A commit whose answer was lost may be on disk: then what is told once more is refused, and that is not what went wrong.
        """
        results, most, foresight = question
        first: LedgerError | None = None
        foreseen = () if foresight is UNFORESEEN else (foresight,)
        for left in reversed(range(_TRIES if results else 1)):
            try:
                self._sending.watch.probe("claim")
                return self._exchange(results, most, self._sending.clock(), *foreseen)
            except KeeperGone:
                raise
            except LedgerError as err:
                first = first or err
                if not left:
                    raise first from first.__cause__
                self._sending.sleep(1)
        raise AssertionError  # the last try returns or raises
