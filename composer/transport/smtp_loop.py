"""Many connections served by one thread: it waits for all of them at once, and resumes the talk of each that has something to hear.

Threads, one a connection, would spend as much on waiting for each other as on the mail. Of SMTP this knows no more than that there are
sessions, which are filled; their sockets must not block.
"""

from __future__ import annotations

import selectors
import socket
import time
from contextlib import suppress
from dataclasses import dataclass
from selectors import EVENT_READ, EVENT_WRITE
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from composer.transport.smtp_reply import Lost
from composer.transport.smtp_session import MORE, WORD

if TYPE_CHECKING:
    from composer.transport.smtp_session import Session, Talk

Found = TypeVar("Found")
Over = TypeVar("Over", bound="Line")
# How late it may be noticed that nobody answers.
_LOOK_SECONDS = 0.2
# To wake for each of some thousand answers a second costs as much as to read it.
_NAP_SECONDS = 0.004


class Line(Protocol):
    """What a talk goes over: a connection, when there is one, whose other end may be silent for so many seconds."""

    session: Session | None
    patience: float


@dataclass(slots=True, eq=False)
class Strand(Generic[Over, Found]):
    """A talk under way, what it is ``about``, what it waits for, and until when (monotonic); ``found`` once it has ``ended``."""

    line: Over
    talk: Talk[Found]
    about: object = None
    wants: int = WORD
    deadline: float = 0.0
    ended: bool = False
    found: Found | None = None


@dataclass(slots=True, eq=False)
class _Watched(Generic[Over]):
    line: Over
    session: Session
    events: int


class Loop(Generic[Over, Found]):
    """The talks of some lines, one a line at a time. All but ``wake`` is for one thread."""

    def __init__(self) -> None:
        """Open nothing before it is needed."""
        self._selector: selectors.BaseSelector | None = None
        self._bell: tuple[socket.socket, socket.socket] | None = None
        self._strands: dict[Over, Strand[Over, Found]] = {}
        self._watched: dict[Over, _Watched[Over]] = {}
        self._events: list[tuple[selectors.SelectorKey, int]] = []
        self._ended: list[Strand[Over, Found]] = []
        self._look_at = 0.0

    def start(self, strand: Strand[Over, Found]) -> None:
        """Begin a talk that was not begun yet, up to where it has to wait."""
        self._opened()  # or a word would ring no bell
        self._strands[strand.line] = strand
        self._resume(strand)

    def wait(self, seconds: float, enough: int = 1) -> bool:
        """Wait until something happened that ``advance`` should see to, for some seconds at most; rather for ``enough`` events than one."""
        if self._ended:
            return True
        selector = self._opened()
        self._events = selector.select(seconds)
        if 0 < len(self._events) < enough:
            time.sleep(min(_NAP_SECONDS, seconds))
            self._events = selector.select(0)
        return bool(self._events)

    def advance(self) -> list[Strand[Over, Found]]:
        """Resume the talks that something happened to, or that have waited for too long; return those that have ended.

        Call it often: nothing else notices that nobody answers.
        """
        self._see_to_events()
        now = time.monotonic()
        if now >= self._look_at:
            self._look_at = now + _LOOK_SECONDS
            self._events = self._opened().select(0)  # this process may have stood still: what came meanwhile came in time
            self._see_to_events()
            for strand in list(self._strands.values()):
                if strand.wants != WORD and strand.deadline < now:
                    self._resume(strand, Lost("no answer in time"))
        ended, self._ended = self._ended, []
        return ended

    def drop(self, strand: Strand[Over, Found]) -> None:
        """End a talk where it stands; nobody is told."""
        strand.talk.close()  # it hears GeneratorExit where it waits
        strand.ended = True
        self._strands.pop(strand.line, None)
        if strand in self._ended:
            self._ended.remove(strand)
        if watched := self._watched.get(strand.line):
            self._unwatch(watched)

    def wake(self) -> None:
        """End a wait, and resume the talks that wait for a WORD; from any thread."""
        with suppress(OSError):
            if bell := self._bell:  # looked at once: another thread may close it meanwhile
                _, sock = bell
                sock.send(b"!")

    def close(self) -> None:
        """End all talks and watch nothing any more; it can be used again."""
        for strand in list(self._strands.values()):
            self.drop(strand)
        for watched in list(self._watched.values()):
            self._unwatch(watched)
        if self._selector and self._bell:
            self._selector.close()
            for end in self._bell:
                end.close()
        self._selector = self._bell = None
        self._events, self._ended = [], []

    def _opened(self) -> selectors.BaseSelector:
        if self._selector is None:
            self._selector, self._bell = selectors.DefaultSelector(), socket.socketpair()
            for end in self._bell:
                end.settimeout(0)
            self._selector.register(self._bell[0], EVENT_READ)
        return self._selector

    def _see_to_events(self) -> None:
        events, self._events = self._events, []
        for key, happened in events:
            if key.data is None:
                self._hear_the_bell()
            else:
                self._happen(key.data, happened)

    def _happen(self, watched: _Watched[Over], happened: int) -> None:
        line = watched.line
        if self._watched.get(line) is not watched:
            return  # what happened before on the same occasion has closed it
        if happened & EVENT_READ:
            watched.session.fill()
        strand = self._strands.get(line)
        if strand is not None and strand.wants & happened:
            self._resume(strand)
        else:
            self._watch(line, strand.wants if strand else WORD)

    def _hear_the_bell(self) -> None:
        if self._bell:
            with suppress(BlockingIOError):
                self._bell[0].recv(1 << 12)
        for strand in list(self._strands.values()):
            if strand.wants == WORD:
                self._resume(strand)

    def _resume(self, strand: Strand[Over, Found], instead: Lost | None = None) -> None:
        line = strand.line
        try:
            strand.wants = strand.talk.throw(instead) if instead else next(strand.talk)
        except StopIteration as end:
            strand.ended, strand.found, strand.wants = True, end.value, WORD
            del self._strands[line]
            self._ended.append(strand)
        else:
            if strand.wants != MORE:
                strand.deadline = time.monotonic() + line.patience
        self._watch(line, strand.wants)

    def _watch(self, line: Over, wants: int) -> None:
        """Watch the session that a line has now. What comes unasked is read too: else it would be told of again and again."""
        session, watched = line.session, self._watched.get(line)
        events = 0 if session is None else wants & EVENT_WRITE | (0 if session.ended else EVENT_READ)
        if watched:
            if watched.session is session and watched.events == events:
                return
            self._unwatch(watched)
        if session is not None and events:
            watched = self._watched[line] = _Watched(line, session, events)
            self._opened().register(session.sock, events, watched)

    def _unwatch(self, watched: _Watched[Over]) -> None:
        del self._watched[watched.line]
        if self._selector:
            self._selector.unregister(watched.session.sock)  # by identity, if it is closed
