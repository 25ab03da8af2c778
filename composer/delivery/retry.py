"""When a deferred delivery is tried again. Pure: an attempt's number and what the other side asked for in, a wait out."""

from __future__ import annotations

from datetime import timedelta

# Greylisting lets a second try pass after some minutes (RFC 6647, 2.1 speaks of one to fifteen); later tries are for
# servers that are down, and RFC 5321, 4.5.4.1 asks for half an hour then.
_MINUTES = (1, 3, 8, 15, 30, 60)
_LEAST, _MOST = timedelta(seconds=1), timedelta(hours=6)


def wait_before(attempt: int, asked: float | None = None) -> timedelta:
    """Return the wait after attempt number ``attempt`` (from 1); ``asked`` is the other side's wish in seconds, kept within 1 s to 6 h."""
    if asked is not None:
        return min(max(timedelta(seconds=min(asked, _MOST.total_seconds())), _LEAST), _MOST)
    return timedelta(minutes=_MINUTES[min(max(attempt, 1), len(_MINUTES)) - 1])
