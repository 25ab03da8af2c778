"""Who is next: those for whom a lane is prepared, though nobody has claimed them, and the messages that were built for them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from composer.delivery.results import Errand
from composer.ledger.model import Foresight

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from composer.delivery.results import Ended
    from composer.ledger.model import Claimed
    from composer.message.model import Message


class Lookahead:
    """The book of those who are next, by their position in the campaign.

    They are reserved while a lane prepares for them, ready when that lane is free, and chosen while the ledger is asked to claim them.
    """

    def __init__(self) -> None:
        """Know nobody."""
        self._reserved: set[int] = set()
        self._ready: list[Claimed] = []
        self._made: dict[int, Message] = {}
        self._chosen: dict[int, Message] = {}

    def __len__(self) -> int:
        """How many are ready."""
        return len(self._ready)

    def foresight(self, room: int) -> Foresight:
        """Return what a claim has to know when up to ``room`` can begin."""
        chosen = tuple(self._ready[:room])
        return Foresight(chosen, tuple(self._reserved.difference([row.position for row in chosen])), room)

    def asked(self, foresight: Foresight) -> None:
        """Note that the ledger was asked to claim those who are chosen: they are as good as claimed, or nobody's."""
        del self._ready[: len(foresight.chosen)]
        chosen = [row.position for row in foresight.chosen]
        self._reserved.difference_update(chosen)
        self._chosen = {position: self._made.pop(position) for position in chosen if position in self._made}

    def errands(self, rows: Sequence[Claimed], size: int, ahead: Iterator[Claimed]) -> Iterator[Errand]:
        """Yield what each lane is to do with those who were claimed, and reserve for it the next of those who come ``ahead``."""
        for start in range(0, len(rows), size):
            following = next(ahead, None)
            if following:
                self._reserved.add(following.position)
            yield Errand(rows[start : start + size], following, self._chosen.pop(rows[start].position, None))
        self._chosen.clear()

    def take(self, ended: Ended) -> None:
        """Note for whom the lane is prepared that has ended."""
        if ended.ahead:
            self._ready.append(ended.ahead)
            if ended.upcoming:
                self._made[ended.ahead.position] = ended.upcoming
