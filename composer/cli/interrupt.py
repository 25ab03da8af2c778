"""Ctrl-C and SIGTERM while mail goes out: the first asks to stop after the batch in flight, a second one ends the call in flight.

Outside of the transport's call nothing is cut off: an answer that is known is always recorded.
"""

from __future__ import annotations

import os
import signal
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_STDERR = 2
_SAID = b"\nStopping after the batch in flight; once more stops now.\n"


class Interrupt:
    """What was asked for by signal."""

    def __init__(self) -> None:
        self._asked = False
        self._sending = False

    def asked(self) -> bool:
        """Say whether somebody asked to stop."""
        return self._asked

    @contextmanager
    def interruptible(self) -> Iterator[None]:
        """Let a signal raise KeyboardInterrupt in this block, if it is not the first."""
        self._sending = True
        try:
            yield
        finally:
            self._sending = False

    def receive(self, _number: int, _frame: object) -> None:
        """Handle a signal."""
        if self._asked and self._sending:
            self._sending = False
            raise KeyboardInterrupt
        if not self._asked:
            self._asked = True
            # A handler may run in the middle of a write: buffered output cannot be used again from within.
            with suppress(OSError):
                os.write(_STDERR, _SAID)


@contextmanager
def stop_on_signal() -> Iterator[Interrupt]:
    """Yield what signals ask for. The handlers before are back afterwards."""
    interrupt = Interrupt()
    before = {number: signal.signal(number, interrupt.receive) for number in _SIGNALS}
    try:
        yield interrupt
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
