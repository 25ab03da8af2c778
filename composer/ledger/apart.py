"""A campaign's exchange with a SQLite ledger in a process of its own, which lives no longer than the one that sends.

Python runs one thread at a time: in one process, what is written and what is sent take turns. The other process inherits the lock of
the campaign, so that nobody else has it while a last commit may still come. Both ends are ours: what goes between them is pickled.
"""

from __future__ import annotations

import os
import pickle
import signal
import socket
import subprocess
import sys
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from composer.errors import LedgerError
from composer.findings import Where
from composer.ledger.deliveries import Found, batch_of, exchange, told
from composer.ledger.model import UNFORESEEN, Foresight

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import datetime

    from composer.ledger.database import Ledger
    from composer.ledger.model import Batch, Result

    # Results to record, how many to claim, the moment of both, and perhaps a Foresight.
    Exchange = Callable[..., Batch]

_LONGEST_END = 30.0
_PROGRAM = f"import sys; from {__name__} import main; main(sys.argv[1:])"


class KeeperGone(LedgerError):  # noqa: N818 - what has become of it
    """The process that keeps the ledger has ended: no use to ask it again."""


class _Refused(NamedTuple):
    """A LedgerError on its way."""

    message: str
    hint: str


@contextmanager
def exchanging(
    path: Path, name: str, campaign: int, lock: int, busy_seconds: float, *, meanwhile: Exchange | None = None
) -> Iterator[Exchange]:
    """Start the process for the ledger at ``path``, known as ``name``; yield what does ``record_and_claim`` for a campaign there.

    ``lock`` is the descriptor that ``hold_campaign`` gives; ``meanwhile`` does the same in this process until the other one is
    ready, which takes half a second. The exchange raises LedgerError as ``record_and_claim`` does, and when the process has ended:
    what was told it last may then be written or not. One question at a time.
    """
    ours, theirs = socket.socketpair()
    command = [sys.executable, "-P", "-c", _PROGRAM, str(theirs.fileno()), str(path), name, str(busy_seconds)]
    # A session of its own: an interrupt from the terminal is for the process that sends, which still has answers to write.
    handed = (theirs.fileno(), lock)
    with ours, theirs, Connection(os.dup(ours.fileno())) as connection:
        try:
            process = subprocess.Popen(command, pass_fds=handed, start_new_session=True, stdin=subprocess.DEVNULL)  # noqa: S603 - ourselves
        except OSError as err:
            raise LedgerError(f"no process for the ledger: {err.strerror}", hint="Is memory short? Then try again later.") from err
        theirs.close()
        try:
            yield partial(_by_either, _Other(connection, name, campaign), meanwhile)
        finally:
            # Not a close alone: a thread that still waits for an answer would keep the line open.
            with suppress(OSError):
                ours.shutdown(socket.SHUT_RDWR)
            _see_it_end(process)


def _see_it_end(process: subprocess.Popen[bytes]) -> None:
    """Wait for the last commit. One that hangs is killed: what was not committed by then never will be."""
    try:
        process.wait(_LONGEST_END)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@dataclass(slots=True)
class _Other:
    """The process at the other end, and whether it has said that it is ready."""

    connection: Connection
    name: str
    campaign: int
    ready: bool = False

    def is_ready(self) -> bool:
        """Say whether it has told that it is ready, or has ended."""
        try:
            return self.ready or self.connection.poll()
        except OSError:
            return True  # asking it will say what happened

    def exchange(self, results: Sequence[Result], most: int, now: datetime, foresight: Foresight = UNFORESEEN) -> Batch:
        """Do what ``record_and_claim`` does, there."""
        found = self._ask((self.campaign, told(results), most, now, foresight))
        if isinstance(found, _Refused):
            raise LedgerError(found.message, where=Where(self.name), hint=found.hint)
        return batch_of(found, now, foresight)

    def _ask(self, question: tuple[Any, ...]) -> Found | _Refused:
        try:
            if not self.ready:
                self.ready = self.connection.recv()
            self.connection.send_bytes(pickle.dumps(question))
            answer: Found | _Refused = self.connection.recv()
        except (OSError, EOFError) as err:
            hint = "Was it killed, or is memory short? `newsletter resume` finds out what became of those in flight."
            raise KeeperGone("the process that keeps the ledger has ended", where=Where(self.name), hint=hint) from err
        except BaseException:
            self.connection.close()  # an answer that nobody has read would be taken for that of the next question
            raise
        return answer


def _by_either(other: _Other, meanwhile: Exchange | None, *question: Any) -> Batch:
    if meanwhile and not other.is_ready():
        return meanwhile(*question)
    return other.exchange(*question)


def answer(ledger: Ledger, connection: Connection) -> None:
    """Say that all is ready, then do what is asked for on ``connection`` until the other end closes it."""
    with suppress(OSError):
        connection.send_bytes(pickle.dumps(obj=True))
    while True:
        try:
            question = connection.recv()
        except (OSError, EOFError):
            return
        reply: Found | _Refused
        try:
            reply = exchange(ledger, *question)
        except LedgerError as err:
            reply = _Refused(err.message, err.hint)
        except Exception as err:  # noqa: BLE001 - whatever it was, nothing was committed, and the one who asks can say so
            reply = _Refused(f"the ledger cannot be used: {type(err).__name__}: {err}", "")
        with suppress(OSError):
            connection.send_bytes(pickle.dumps(reply))


def main(arguments: Sequence[str]) -> None:
    """Keep the ledger for the process at the other end of a descriptor: its number, the ledger's path and name, seconds to be patient."""
    from composer.ledger import sqlite  # noqa: PLC0415 - the process that asks needs none of its own

    descriptor, path, name, busy_seconds = arguments
    # Whoever stops a service stops all its processes at once: this one ends when there is nothing more to write.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    os.set_inheritable(int(descriptor), False)  # noqa: FBT003 - its only form
    with Connection(int(descriptor)) as connection, sqlite.connect(Path(path), name, float(busy_seconds), sqlite.SMALL_CACHE_KIB) as ledger:
        answer(ledger, connection)
