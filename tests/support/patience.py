"""Bounds on work that ends: whatever the machine does beside it, and never a measure of speed (``bench`` has those).

What they are to catch grows with the square of the text and is over its bound by far, each time. A neighbour that takes
the processor away is over it now and then: so work has several tries, each with empty caches, and the collection of other
tests' garbage is nobody's fault.
"""

from __future__ import annotations

import gc
import sys
import time
from collections.abc import Callable

TRIES = 6


def forget() -> None:
    """Empty the project's caches, so that no try lives on what the one before it found."""
    for name, module in list(sys.modules.items()):
        if name.startswith("composer"):
            for value in list(vars(module).values()):
                if hasattr(value, "cache_clear"):
                    value.cache_clear()


def cpu(work: Callable[[], object]) -> float:
    """Give the seconds of processor time that the work takes in this thread."""
    forget()
    gc.collect()
    gc.disable()
    try:
        begun = time.thread_time()
        work()
        return time.thread_time() - begun
    finally:
        gc.enable()


def ends_within(seconds: float, work: Callable[[], object]) -> bool:
    """Tell whether the work took at most that many seconds of processor time, in the best of its tries."""
    return any(cpu(work) <= seconds for _ in range(TRIES))


def grows_at_most(times: float, small: Callable[[], object], large: Callable[[], object], spare: float = 0.0) -> bool:
    """Tell whether the large work takes at most so many times the small one, and ``spare`` seconds; both have several tries, in turn."""
    least = least_small = float("inf")
    for _ in range(TRIES):
        least_small, least = min(least_small, cpu(small)), min(least, cpu(large))
        if least <= times * least_small + spare:
            return True
    return False
