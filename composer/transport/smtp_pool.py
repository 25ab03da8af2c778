"""The connections of a pool and who has them: a call takes one and gives it back. Knows nothing of SMTP."""

from __future__ import annotations

from threading import Condition
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from composer.transport.smtp_lane import Lane


class Pool:
    """Lanes that calls share. One that has prepared for a message is kept for it as long as there are others."""

    def __init__(self, lanes: Sequence[Lane]) -> None:
        self._idle = list(lanes)
        self._kept: dict[str, Lane] = {}
        self._changed = Condition()

    def take(self, message_id: str) -> Lane:
        """Return the lane that is kept for a message, else one that is idle, else the one that was kept longest; wait for one."""
        with self._changed:
            while True:
                if lane := self._kept.pop(message_id, None):
                    return lane
                if self._idle:
                    return self._idle.pop()
                if self._kept:
                    return self._kept.pop(next(iter(self._kept)))
                self._changed.wait()

    def give(self, lane: Lane) -> None:
        """Give a lane back."""
        with self._changed:
            if lane.next:
                if other := self._kept.pop(lane.next.message_id, None):
                    other.foresee(None, None)
                    self._idle.append(other)
                self._kept[lane.next.message_id] = lane
            else:
                self._idle.append(lane)
            self._changed.notify()

    def take_all(self) -> list[Lane]:
        """Take every lane that no call has."""
        with self._changed:
            lanes = [*self._idle, *self._kept.values()]
            self._idle.clear()
            self._kept.clear()
            return lanes
