"""Threads that work side by side: batches in, what became of them out, in the order in which they end.

Knows nothing of deliveries. The threads are daemons: a call that hangs cannot keep the process from ending.
"""

from __future__ import annotations

from queue import Empty, SimpleQueue
from threading import Event, Thread
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

Work = TypeVar("Work")
Done = TypeVar("Done")


class Lanes(Generic[Work, Done]):
    """``count`` threads that run ``work`` on one batch each at a time; what it raises comes out of ``collect``.

    ``quorum`` is how many batches have to have ended before anybody is woken.
    """

    def __init__(self, work: Callable[[Work], Done], count: int, tell: Callable[[], None] = lambda: None) -> None:
        """``tell`` is called in a thread of theirs whenever enough batches have ended, for who waits for something besides."""
        self._work, self._tell = work, tell
        self._todo: SimpleQueue[Work | None] = SimpleQueue()
        self._done: SimpleQueue[tuple[Done | None, BaseException | None]] = SimpleQueue()
        self._ready = Event()
        self.busy = 0
        self.quorum = 1
        self.count = count
        for number in range(count):
            Thread(target=self._run, name=f"lane-{number + 1}", daemon=True).start()

    @property
    def idle(self) -> int:
        """How many more batches could begin at once."""
        return self.count - self.busy

    def submit(self, batches: Iterable[Work]) -> None:
        """Give each batch to the next free thread."""
        for batch in batches:
            self.busy += 1
            self._todo.put(batch)

    def wait(self, seconds: float) -> bool:
        """Wait for some seconds at most until enough batches have ended; False when nothing happened."""
        happened = self._ready.wait(seconds)
        self._ready.clear()
        return happened

    def wake(self) -> None:
        """End a wait, from any thread."""
        # To wake a thread for each of some thousand batches a second costs as much as sending them.
        if not self._ready.is_set():
            self._ready.set()

    def collect(self) -> Iterator[Done]:
        """Yield what became of each batch that has ended. Raises what ``work`` raised."""
        while True:
            try:
                done, error = self._done.get_nowait()
            except Empty:
                return
            self.busy -= 1
            if error:
                self.wake()
                raise error
            yield done  # type: ignore[misc]  # there is one where there is no error

    def close(self) -> None:
        """Let every thread end after what it is doing."""
        for _ in range(self.count):
            self._todo.put(None)

    def _run(self) -> None:
        while (batch := self._todo.get()) is not None:
            try:
                self._done.put((self._work(batch), None))
            except BaseException as err:  # noqa: BLE001 - it is raised where it can be heard
                self._done.put((None, err))
            if self._done.qsize() >= self.quorum:
                self.wake()
                self._tell()


class AtOnce(Generic[Work, Done]):
    """The same for one batch at a time, in the thread that submits it: when ``submit`` returns, it has ended."""

    def __init__(self, work: Callable[[Work], Done]) -> None:
        self._work = work
        self._done: tuple[Done | None, BaseException | None] | None = None

    @property
    def busy(self) -> int:
        """How many were not collected yet."""
        return int(self._done is not None)

    def submit(self, batches: Iterable[Work]) -> None:
        """Do it."""
        (batch,) = batches
        try:
            self._done = (self._work(batch), None)
        except BaseException as err:  # noqa: BLE001 - raised when it is collected, as that of another thread is
            self._done = (None, err)

    def collect(self) -> Iterator[Done]:
        """Yield what became of it. Raises what ``work`` raised."""
        if self._done is None:
            return
        (done, error), self._done = self._done, None
        if error:
            raise error
        yield done  # type: ignore[misc]  # there is one where there is no error

    def close(self) -> None:
        """Do nothing."""
