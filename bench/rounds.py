"""Times calls side by side, for the programs of this folder."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable


def medians(rounds: int, *calls: Callable[[], object]) -> list[float]:
    """Time calls in turn, so that a busy moment of the machine meets all of them; the first round warms up."""
    times: list[list[float]] = [[] for _ in calls]
    for number in range(rounds + 1):
        for call, taken in zip(calls, times, strict=True):
            start = time.perf_counter()
            call()
            if number:
                taken.append(time.perf_counter() - start)
    return [statistics.median(taken) for taken in times]
