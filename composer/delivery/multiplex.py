"""What ``Lanes`` is to threads, for a transport that serves all its lanes in one: the loop's own."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from composer.transport.base import Multiplexed, Outcome, Unusable

Work = TypeVar("Work")
Done = TypeVar("Done")


class Multiplex(Generic[Work, Done]):
    """As many batches at once as the transport has lanes; while nobody waits for them they stand still.

    ``begin`` begins some, and returns what became of those of whom it is known at once; ``settle`` says what the transport's word about one
    means.
    """

    def __init__(
        self, transport: Multiplexed, begin: Callable[[list[Work]], list[Done]], settle: Callable[[object, Outcome | Unusable], Done]
    ) -> None:
        self._transport, self._begin, self._settle = transport, begin, settle
        self._done: deque[Done] = deque()
        self.busy = 0
        self.quorum = 1
        self.count = max(1, transport.lanes)

    @property
    def idle(self) -> int:
        """How many more batches could begin at once."""
        return self.count - self.busy

    def submit(self, batches: Iterable[Work]) -> None:
        """Begin with some batches."""
        begun = list(batches)
        self.busy += len(begun)
        self._done.extend(self._begin(begun))

    def wait(self, seconds: float) -> bool:
        """Wait for some seconds at most until something has happened; False when nothing did."""
        return bool(self._done) or self._transport.wait(seconds, self.quorum)

    def wake(self) -> None:
        """End a wait, from any thread."""
        self._transport.wake()

    def collect(self) -> Iterator[Done]:
        """Go on with what is under way, and yield what became of each batch that has ended."""
        while self._done:
            self.busy -= 1
            yield self._done.popleft()
        for about, outcome in self._transport.ended():
            self.busy -= 1
            yield self._settle(about, outcome)

    def close(self) -> None:
        """Do nothing: the transport is its owner's."""
