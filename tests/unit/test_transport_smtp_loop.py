"""One thread for many connections: nobody waits for another, nothing is heard twice, and what stands still costs nothing."""

from __future__ import annotations

import socket
import threading
import time
from dataclasses import dataclass

import pytest

from composer.transport.smtp_loop import Loop, Strand
from composer.transport.smtp_reply import Lost, Reply
from composer.transport.smtp_session import WORD, Session, Short


@dataclass(eq=False)
class Line:
    """A line to a peer that the test plays."""

    session: Session | None = None
    peer: socket.socket | None = None
    patience: float = 5.0

    def connect(self):
        mine, self.peer = socket.socketpair()
        mine.settimeout(0)
        self.session = Session(mine)
        return self

    def close(self):
        for end in (self.session.sock if self.session else None, self.peer):
            if end is not None:
                end.close()


@pytest.fixture
def lines():
    made = [Line().connect() for _ in range(3)]
    yield made
    for line in made:
        line.close()


@pytest.fixture
def loop():
    made = Loop()
    yield made
    made.close()


def finished(loop, number=1, seconds=5.0):
    """Advance until so many talks have ended."""
    ended, end = [], time.monotonic() + seconds
    while len(ended) < number and time.monotonic() < end:
        loop.wait(0.05)
        ended += loop.advance()
    return ended


def start(loop, line, talk, about=None):
    """Begin a talk; give its strand."""
    strand = Strand(line, talk, about)
    loop.start(strand)
    return strand


def told(talk):
    """Say how a talk ends, also when it is lost."""
    try:
        return (yield from talk)
    except Lost as err:
        return err


def test_each_talk_goes_on_when_its_own_line_speaks(loop, lines):
    """They end in the order in which they are answered, whatever the order in which they began."""
    for line in lines:
        start(loop, line, told(line.session.read()), line)
    for line in reversed(lines):
        line.peer.sendall(b"250 ok\r\n")
        assert [(strand.about, strand.found) for strand in finished(loop)] == [(line, Reply(250, ("ok",)))]


def test_a_talk_that_need_not_wait_has_ended_at_once(loop, lines):
    """And a wait returns at once then."""
    lines[0].session.heard = b"250 ok\r\n"
    assert start(loop, lines[0], told(lines[0].session.read())).ended
    assert loop.wait(60)
    assert [strand.found.code for strand in loop.advance()] == [250]
    assert loop.advance() == []


def test_silence_is_a_loss(loop, lines):
    """After the patience of the line, and no other line's."""
    lines[0].patience = 0.1
    start(loop, lines[0], told(lines[0].session.read()))
    start(loop, lines[1], told(lines[1].session.read()))
    (strand,) = finished(loop)
    assert (strand.line, str(strand.found)) == (lines[0], "no answer in time")
    assert not finished(loop, seconds=0.3)


def test_a_reply_must_come_in_time_to_its_end(loop, lines):
    """A byte now and then is no answer: it would keep a connection, and the campaign, for days."""
    line, stop = lines[0], threading.Event()
    line.patience = 0.4
    start(loop, line, told(line.session.read()))

    def dribble():
        for byte in b"250 " + b"x" * 100:
            line.peer.sendall(bytes((byte,)))
            if stop.wait(0.05):
                return

    thread = threading.Thread(target=dribble, daemon=True)
    thread.start()
    ended = finished(loop, seconds=3)
    stop.set()
    thread.join(5)
    assert [str(strand.found) for strand in ended] == ["no answer in time"]


def test_what_came_while_this_process_stood_still_came_in_time(loop, lines):
    """A ledger that was locked for a minute is not the server's fault."""
    lines[0].patience = 0.1
    start(loop, lines[0], told(lines[0].session.read()))
    loop.wait(0)
    loop.advance()
    lines[0].peer.sendall(b"250 ok\r\n")
    time.sleep(0.3)
    assert [strand.found.code for strand in loop.advance()] == [250]


def test_what_is_said_unasked_is_kept_and_does_not_keep_anybody_awake(loop, lines):
    """The answer to an envelope comes while its message waits for the ledger."""
    line = lines[0]
    line.session.heard = b"250 first\r\n"
    start(loop, line, told(line.session.read()))
    assert len(loop.advance()) == 1
    line.peer.sendall(b"354 go\r\n")
    assert loop.wait(1)
    assert loop.advance() == []
    assert line.session.heard == b"354 go\r\n"
    assert not loop.wait(0.05)
    start(loop, line, told(line.session.read()))
    assert [strand.found.code for strand in loop.advance()] == [354]


def test_an_end_that_nobody_waits_for_is_noted_once(loop, lines):
    """A closed socket is readable for ever."""
    line = lines[0]
    line.session.heard = b"250 first\r\n"
    start(loop, line, told(line.session.read()))
    loop.advance()
    line.peer.close()
    loop.wait(1)
    loop.advance()
    assert line.session.ended == "the server hung up"
    assert not loop.wait(0.05)
    assert str(start(loop, line, told(line.session.read())).found) == "the server hung up"


def test_a_reader_who_takes_its_time_gets_all(loop, lines):
    """A message bigger than all buffers goes out as there is room, while others go on."""
    line, other = lines[:2]
    message, got = bytes(range(256)) * 40_000, bytearray()
    start(loop, line, told(line.session.hand_over((message[:5_000_000], message[5_000_000:]), len(message), b"MAIL\r\n")), "big")
    start(loop, other, told(other.session.read()), "other")

    def read():
        while not got.endswith(b"MAIL\r\n"):
            got.extend(line.peer.recv(100_000))

    other.peer.sendall(b"250 ok\r\n")
    assert [strand.about for strand in finished(loop)] == ["other"]
    thread = threading.Thread(target=read, daemon=True)
    thread.start()
    assert [(strand.about, strand.found) for strand in finished(loop)] == [("big", None)]
    thread.join(5)
    assert bytes(got) == message + b".\r\nMAIL\r\n"


@pytest.mark.parametrize("how", ["closes", "says no and closes", "is silent"])
def test_who_does_not_take_a_message_has_not_got_its_dot(loop, lines, how):
    """It is certain that it was not handed over."""
    line = lines[0]
    line.patience = 0.2
    start(loop, line, told(line.session.hand_over((bytes(20_000_000),), 20_000_000, b"")))
    if how.startswith("says"):
        line.peer.sendall(b"552 5.3.4 too big\r\n")
    if how.endswith("closes"):
        line.peer.close()
    (strand,) = finished(loop)
    assert isinstance(strand.found, Short)


def test_a_flood_ends_the_line(loop, lines):
    """What no mail server says takes no memory without end."""
    line = lines[0]
    start(loop, line, told(line.session.read()))
    stop = threading.Event()

    def flood():
        line.peer.settimeout(0.1)
        while not stop.is_set():
            try:
                line.peer.send(b"x" * 65_536)
            except OSError:
                return

    thread = threading.Thread(target=flood, daemon=True)
    thread.start()
    (strand,) = finished(loop)
    assert str(strand.found) == "the answer cannot be understood"
    line.session.hang_up()
    stop.set()
    thread.join(5)


def test_whoever_waits_for_a_word_hears_the_bell(loop, lines):
    """From any thread, and before anybody waits for it."""

    def waits():
        yield WORD
        return "woken"

    start(loop, lines[0], waits())
    start(loop, lines[1], told(lines[1].session.read()))
    loop.wake()
    assert [strand.found for strand in finished(loop)] == ["woken"]
    threading.Timer(0.1, loop.wake).start()
    begun = time.monotonic()
    assert loop.wait(5)
    assert time.monotonic() - begun < 3
    assert loop.advance() == []


def test_a_new_connection_with_the_number_of_a_closed_one(loop, lines):
    """Systems give the number of a closed socket to the next that is opened."""
    line, other = lines[:2]

    def lost():
        yield from told(line.session.read())
        line.session.hang_up()
        line.session = None

    start(loop, line, lost())
    start(loop, other, told(other.session.read()))
    number = line.session.sock.fileno()
    line.peer.close()
    assert len(finished(loop)) == 1
    fresh = Line().connect()
    try:
        assert number in {fresh.session.sock.fileno(), fresh.peer.fileno()}
        start(loop, fresh, told(fresh.session.read()))
        fresh.peer.sendall(b"220 hello\r\n")
        assert [strand.found.code for strand in finished(loop)] == [220]
    finally:
        fresh.close()


def test_dropped_talks_are_over(loop, lines):
    """Nobody hears of them, and their line can be used again."""
    line = lines[0]
    strand = start(loop, line, told(line.session.read()))
    loop.drop(strand)
    line.peer.sendall(b"250 ok\r\n")
    assert not loop.wait(0.05)
    start(loop, line, told(line.session.read()))
    assert [strand.found.code for strand in finished(loop)] == [250]


def test_rather_enough_than_one(loop, lines):
    """Answers that come within a moment are heard together."""
    for line in lines:
        start(loop, line, told(line.session.read()))

    def answer():
        for line in lines:
            line.peer.sendall(b"250 ok\r\n")

    threading.Timer(0.05, answer).start()
    assert loop.wait(5, 3)
    assert len(loop.advance()) == 3


@pytest.mark.parametrize("said", ["250 2.0.0 taken\r\n", "451 4.3.0 busy\r\n", "552 5.3.4 too big\r\n", "25", None])
def test_what_is_said_before_the_dot_is_no_answer_to_it(loop, lines, said):
    """Taken for one, it would lie: the server has yet to say what becomes of the message. Here the dot is kept back."""
    line, got = lines[0], bytearray()
    start(loop, line, told(line.session.hand_over((bytes(20_000_000),), 20_000_000, b"MAIL\r\n")))
    if said is None:
        line.peer.shutdown(socket.SHUT_WR)
    else:
        line.peer.sendall(said.encode())

    def read():
        while piece := line.peer.recv(1_000_000):
            got.extend(piece)

    assert loop.wait(1)
    assert loop.advance() == []
    thread = threading.Thread(target=read, daemon=True)
    thread.start()
    (strand,) = finished(loop)
    line.session.hang_up()
    thread.join(5)
    assert isinstance(strand.found, Short)
    assert b"." not in got


def test_more_pieces_than_the_system_takes_at_once(loop, lines):
    """A letter may have any number of fields; a call of the system takes 1,024 pieces."""
    line, pieces = lines[0], (b"a line\r\n",) * 2_000
    start(loop, line, told(line.session.hand_over(pieces, 16_000, b"MAIL\r\n")))
    assert [strand.found for strand in finished(loop)] == [None]
    assert line.peer.recv(20_000, socket.MSG_WAITALL | socket.MSG_DONTWAIT) == b"a line\r\n" * 2_000 + b".\r\nMAIL\r\n"
