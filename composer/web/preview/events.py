"""Tells every open page that something changed: server-sent events, from any thread, until the server stops."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterable
from contextlib import suppress
from dataclasses import dataclass
from threading import Lock

# A proxy or a browser takes a silent line for a dead one after a minute or so.
HEARTBEAT = 15.0
_FIRST = 1
_AGAIN = 500  # milliseconds until a browser tries again after a lost line


@dataclass(frozen=True, slots=True)
class Changed:
    """A change that an issue's page shows; no stem: one that the list of issues shows."""

    stem: str
    version: int
    kinds: tuple[str, ...]

    def line(self) -> str:
        """Return it as it goes over the line."""
        return f"event: changed\ndata: {json.dumps({'version': self.version, 'kinds': list(self.kinds)})}\n\n"


class Hub:
    """Counts the versions of each issue and tells who listens."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._versions: dict[str, int] = {}
        self._listening: dict[asyncio.Queue[Changed | None], tuple[str, asyncio.AbstractEventLoop]] = {}
        self._closed = False

    def version(self, stem: str) -> int:
        """Return how often an issue changed, from 1; from now on everything that concerns it counts."""
        with self._lock:
            return self._versions.setdefault(stem, _FIRST)

    def watched(self) -> frozenset[str]:
        """Name the issues that somebody looks at, or did; empty text is the list of issues."""
        with self._lock:
            return frozenset(stem for stem, _ in self._listening.values()) | frozenset(self._versions)

    def changed(self, stem: str, kinds: Iterable[str]) -> None:
        """Tell all pages of an issue; to be called from any thread."""
        with self._lock:
            self._versions[stem] = self._versions.get(stem, _FIRST) + 1
            news = Changed(stem, self._versions[stem], tuple(sorted(set(kinds))))
            for queue, (wanted, loop) in self._listening.items():
                if wanted == stem:
                    _put(loop, queue, news)

    def close(self) -> None:
        """End every stream, also those to come."""
        with self._lock:
            self._closed = True
            for queue, (_, loop) in self._listening.items():
                _put(loop, queue, None)

    async def stream(self, stem: str) -> AsyncIterator[str]:
        """Yield what goes over one page's line, until the hub is closed or the page is gone."""
        queue: asyncio.Queue[Changed | None] = asyncio.Queue()
        with self._lock:
            if self._closed:
                return
            self._listening[queue] = (stem, asyncio.get_running_loop())
            version = self._versions.get(stem, _FIRST)
        try:
            # A page that was drawn before a change and listens only now learns of it from the version.
            yield f"retry: {_AGAIN}\nevent: hello\ndata: {json.dumps({'version': version})}\n\n"
            while True:
                try:
                    news = await asyncio.wait_for(queue.get(), HEARTBEAT)
                except TimeoutError:
                    yield ": still here\n\n"
                    continue
                if news is None:
                    return
                yield news.line()
        finally:
            with self._lock:
                self._listening.pop(queue, None)


def _put(loop: asyncio.AbstractEventLoop, queue: asyncio.Queue[Changed | None], news: Changed | None) -> None:
    with suppress(RuntimeError):  # the loop is closed: nobody listens there any more
        loop.call_soon_threadsafe(queue.put_nowait, news)
