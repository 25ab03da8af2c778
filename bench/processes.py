"""Processes that are there to be killed: senders, and doubles of the outside that write down whom they took."""

from __future__ import annotations

import json
import os
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

DEAD = -signal.SIGKILL
_PATIENCE = 60.0
_LOOK = 0.001
_PROGRAM = Path(__file__).with_name("sender.py")


@contextmanager
def waiting(what: str, seconds: float = _PATIENCE) -> Iterator[Callable[[], None]]:
    """Yield what a loop calls each time it has looked in vain. It raises TimeoutError after ``seconds``."""
    end = time.monotonic() + seconds

    def again() -> None:
        if time.monotonic() > end:
            raise TimeoutError(f"waited {seconds:.0f} seconds for {what}")
        time.sleep(_LOOK)

    yield again


class Double:
    """A SendGrid double or a recording mail server as a process of its own; ``kind`` is the transport that talks to it.

    ``log`` has a line a person, written before the answer; ``arguments`` are the program's own. Use it in a ``with`` statement.
    """

    def __init__(self, kind: str, folder: Path, *arguments: str) -> None:
        self.kind, self.log = kind, folder / f"{kind}.log"
        self.port = 0
        self._arguments = arguments
        self._read = self._counted = 0

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def start(self) -> None:
        """Start it; again after ``kill``, on the same port."""
        program = (sys.executable, "-m", f"composer.testing.{self.kind}", "--port", str(self.port), "--log", str(self.log))
        self._process = subprocess.Popen((*program, *self._arguments), stdout=subprocess.PIPE, text=True)
        assert self._process.stdout  # noqa: S101 - for the type checker
        said = re.search(r"(\d+)\s*$", self._process.stdout.readline())
        if not said:
            raise RuntimeError(f"the double for {self.kind} does not start")
        self.port = int(said[1])

    def kill(self) -> None:
        """Kill it, whatever it does; what it was reading or answering is lost."""
        self._process.kill()
        self._process.wait()
        if self._process.stdout:
            self._process.stdout.close()

    def freeze(self) -> None:
        """Let it read and answer nothing, while its connections stand; the system goes on accepting new ones."""
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on; it finds all that was sent to it meanwhile."""
        self._process.send_signal(signal.SIGCONT)

    @property
    def taken(self) -> int:
        """How many lines the log has."""
        if self.log.exists():
            with self.log.open("rb") as file:
                file.seek(self._read)
                new = file.read()
            self._read += len(new)
            self._counted += new.count(b"\n")
        return self._counted

    @property
    def addresses(self) -> list[str]:
        """Whom it took, in order, once for each time."""
        return [line.split("\t")[0] for line in self.log.read_text(encoding="utf-8").splitlines()] if self.log.exists() else []

    def wait_for(self, taken: int) -> None:
        """Wait until it took so many. Raises TimeoutError."""
        with waiting(f"{taken} messages, {self.taken} came") as again:
            while self.taken < taken:
                again()


class Sender:
    """A process with all that a life needs; one life at a time. Use it in a ``with`` statement."""

    def __init__(self) -> None:
        self.pid = 0
        # -P: the scripts beside this one are named like packages.
        self._process = subprocess.Popen([sys.executable, "-P", _PROGRAM], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.pid:
            self.kill()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe:
                pipe.close()
        self._process.wait()

    def begin(self, root: Path, campaign: int | None = None, **order: Any) -> None:
        """Begin a life that sends a campaign, the newest by default; ``order``: the keyword arguments of ``live``."""
        if self.pid:
            self.kill()
        assert self._process.stdin  # noqa: S101 - for the type checker
        self._process.stdin.write(json.dumps({"root": str(root), "campaign": campaign, **order}).encode() + b"\n")
        self.pid = int(self._line())

    @property
    def ended(self) -> bool:
        """Whether the life is over."""
        assert self._process.stdout  # noqa: S101 - for the type checker
        return not self.pid or bool(select.select([self._process.stdout], [], [], 0)[0])

    def end(self, seconds: float = _PATIENCE) -> int:
        """Wait for the end of the life and return its exit code; below zero, the signal that killed it. Raises TimeoutError."""
        with waiting("the end of a sender", seconds) as again:
            while not self.ended:
                again()
        self.pid = 0
        return int(self._line())

    def kill(self) -> int:
        """Kill the life and return how it ended."""
        if not self.ended:
            os.kill(self.pid, signal.SIGKILL)
        return self.end()

    def run(self, root: Path, campaign: int | None = None, **order: Any) -> int:
        """Live a whole life."""
        self.begin(root, campaign, **order)
        return self.end()

    def _line(self) -> bytes:
        assert self._process.stdout  # noqa: S101 - for the type checker
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError("the process that forks senders is gone")
        return line
