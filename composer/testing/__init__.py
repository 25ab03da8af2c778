"""Public doubles for tests of what sends: a transport that remembers, a clock that obeys, servers that record, and something to send."""

from __future__ import annotations

from composer.testing.memory import FakeClock, MemoryTransport
from composer.testing.samples import a_message, an_audience, an_edition

__all__ = ["FakeClock", "MemoryTransport", "a_message", "an_audience", "an_edition"]
