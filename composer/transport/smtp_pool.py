"""The connections of a pool and who has them. Knows nothing of SMTP."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from composer.transport.smtp_lane import Lane


class Pool:
    """Lanes that messages share. One that has prepared for a message is kept for it as long as there are others."""

    def __init__(self, lanes: Sequence[Lane]) -> None:
        self._idle = list(lanes)
        self._kept: dict[str, Lane] = {}

    def take(self, message_id: str) -> Lane:
        """Return the lane that is kept for a message, else one that is idle, else the one that was kept longest.

        Raises KeyError when all are taken: whoever takes them counts.
        """
        if lane := self._kept.pop(message_id, None):
            return lane
        return self._idle.pop() if self._idle else self._kept.pop(next(iter(self._kept), ""))

    def give(self, lane: Lane) -> None:
        """Give a lane back."""
        if not lane.next:
            self._idle.append(lane)
            return
        if other := self._kept.pop(lane.next.message_id, None):
            other.foresee(None, None)
            self._idle.append(other)
        self._kept[lane.next.message_id] = lane

    def take_all(self) -> list[Lane]:
        """Take every lane that nobody has."""
        lanes = [*self._idle, *self._kept.values()]
        self._idle.clear()
        self._kept.clear()
        return lanes
