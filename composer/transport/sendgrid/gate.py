"""A gate before every call: a limit or an outage shuts it for all threads at once; an interrupt ends every wait."""

from __future__ import annotations

from threading import Event, Lock
from time import monotonic


class Gate:
    """Open until it is shut for some seconds."""

    def __init__(self) -> None:
        self._opens = 0.0
        self._lock = Lock()
        self._interrupted = Event()

    @property
    def interrupted(self) -> bool:
        """Whether no call is to be begun any more."""
        return self._interrupted.is_set()

    def shut(self, seconds: float) -> None:
        """Shut it for so long from now; a longer wait that others asked for stands."""
        with self._lock:
            self._opens = max(self._opens, monotonic() + seconds)

    def wait(self, patience: float) -> float:
        """Wait until it is open, at most ``patience`` seconds; return how many seconds it stays shut after that, 0 when it is open."""
        end = monotonic() + patience
        while (left := self._opens - monotonic()) > 0:
            room = end - monotonic()
            if left > room or self._interrupted.wait(min(left, room)):
                return left
        return 0.0

    def interrupt(self) -> None:
        """End every wait, now and from now on."""
        self._interrupted.set()
