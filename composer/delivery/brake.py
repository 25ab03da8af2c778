"""When a run stops by itself because people are refused: too many in a row, or too large a share. Pure.

Only answers about a person count, accepted or rejected: who is deferred or in doubt was not answered. A run begins anew, so that
a resume is the sender's word that it shall go on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from composer.ledger.model import DeliveryState

if TYPE_CHECKING:
    from collections.abc import Iterable

    from composer.ledger.model import Result

# So many refused one after the other, and nobody taken between them: it is not the people.
_MOST_REFUSED = 50
# A share of fewer says little: of a fair list, in which 2 in 100 are refused, 6 of the first 50 are once in 2,000 sends (3 of the first
# 20: once in 140). And it is what a list that nobody should have been sent to costs before it is noticed.
_ENOUGH = 50


class Brake:
    """Counts the answers of one run."""

    def __init__(self, percent: int) -> None:
        """``percent`` of all answers may be rejections; 0: any share. Nobody taken in a row of 50 stops a run in any case."""
        self._percent = percent
        self._row = self._rejected = self._answered = 0
        self._last = ""

    def heard(self, results: Iterable[Result]) -> str:
        """Take what became of deliveries; return why to stop, in a line, or an empty text."""
        for result in results:
            if result.state == DeliveryState.REJECTED:
                self._row, self._rejected, self._last = self._row + 1, self._rejected + 1, result.answer
            elif result.state == DeliveryState.ACCEPTED:
                self._row = 0
            else:
                continue
            self._answered += 1
        if self._row >= _MOST_REFUSED:
            return f"{self._row} people in a row were refused; the last answer: {self._last}"
        if self._percent and self._answered >= _ENOUGH and 100 * self._rejected > self._percent * self._answered:
            share = f"{self._rejected:,} of {self._answered:,} people were refused, more than {self._percent} percent"
            return f"{share}; the last answer: {self._last}"
        return ""
