"""The batch ids of the SendGrid double, and which of them are cancelled or paused."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from composer.testing.sendgrid_http import Reply, refusal

_MOST_HELD = 10
_LAST_CALL = 600
_STATUS = ("cancel", "pause")


class Batches:
    """``ids`` were made here; ``held`` is cancel or pause by id, ``held_at`` since when; ``due`` gives the last send_at of a batch."""

    def __init__(self, due: Callable[[str], int | None]) -> None:
        self.ids: list[str] = []
        self.held: dict[str, str] = {}
        self.held_at: dict[str, float] = {}
        self._due = due

    def create(self, random_part: int) -> str:
        """Make an id."""
        self.ids.append(f"batch{len(self.ids) + 1:04d}x{random_part:016x}")
        return self.ids[-1]

    def answer(self, method: str, batch: str, data: Mapping[str, Any] | None, now: float) -> Reply:
        """Answer a call of ``/v3/user/scheduled_sends``; an empty ``batch`` stands for all."""
        rows = [{"batch_id": each, "status": status} for each, status in self.held.items() if batch in {"", each}]
        asked = str((data or {}).get("status", ""))
        if method == "GET":
            return Reply(200, rows) if rows or not batch else refusal(404, "no status found for batch id")
        if method != "DELETE" and asked not in _STATUS:
            return refusal(400, "status must be either cancel or pause", "status")
        if method == "POST":
            return self._hold(str((data or {}).get("batch_id", "")), asked, now)
        if not batch or not rows:
            return refusal(404, "no status found for batch id")
        if method == "DELETE":
            del self.held[batch]
        else:
            self.held[batch] = asked
        return Reply(204)

    def _hold(self, batch: str, status: str, now: float) -> Reply:
        # A cancelled batch holds its slot until it would have been sent.
        slots = [name for name in self.held if (due := self._due(name)) is None or due > now]
        if batch not in self.ids:
            return refusal(400, "invalid batch id", "batch_id")
        if batch in self.held:
            return refusal(400, "a status already exists for this batch id, try PATCH to update", "batch_id")
        if len(slots) >= _MOST_HELD:
            return refusal(400, "you have reached the maximum number of cancelled or paused scheduled sends")
        if (due := self._due(batch)) is not None and due - now < _LAST_CALL:
            return refusal(400, "a scheduled send can be cancelled or paused until 10 minutes before its time")
        self.held[batch] = status
        self.held_at[batch] = now
        return Reply(201, {"batch_id": batch, "status": status})
