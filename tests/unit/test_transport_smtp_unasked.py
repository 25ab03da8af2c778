"""A server that says more than it was asked for: nothing of that is taken for the answer to what is said next."""

from __future__ import annotations

import socketserver
from contextlib import closing, suppress
from threading import Thread

import pytest

from composer.audience.model import Subscriber
from composer.config import Smtp
from composer.testing import a_message, an_audience
from composer.transport.base import Accepted, Deferred
from composer.transport.smtp import SmtpTransport

ANSWERS = {"EHLO": "250-hello\r\n250 {offer}", "MAIL": "250 2.1.0 ok", "RCPT": "250 2.1.5 ok", "DATA": "354 go on", "RSET": "250 ok"}

HALF = "250-and so on"


class _Talker(socketserver.StreamRequestHandler):
    """Says ``unasked`` once, in one breath with its answer to the verb ``at``; refuses every message on that connection."""

    def handle(self):
        """Answer line by line."""
        self.talkative = False
        self.say("GREETING", "220 hello")
        with suppress(OSError):
            while line := self.rfile.readline():
                verb = line[:4].decode().upper().strip()
                self.say(verb, ANSWERS.get(verb, "221 bye").format(offer=self.server.offer))
                if verb == "DATA":
                    self.take()

    def say(self, verb, answer):
        surplus = ""
        if self.server.at == verb:
            self.server.at, self.talkative = "", True
            surplus = f"{self.server.unasked}\r\n"
        self.wfile.write(f"{answer}\r\n{surplus}".encode())

    def take(self):
        while self.rfile.readline() not in {b".\r\n", b""}:
            pass
        if not self.talkative:
            self.server.taken += 1
        self.say("DOT", "554 5.7.1 not wanted" if self.talkative else "250 2.0.0 taken")


@pytest.fixture
def talker():
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Talker) as server:
        server.daemon_threads, server.taken = True, 0
        Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        yield server
        server.shutdown()


@pytest.mark.parametrize("unasked", ["250 2.0.0 taken", "354 go on", "421 4.3.2 closing", HALF])
@pytest.mark.parametrize("at", ["GREETING", "EHLO", "MAIL", "RCPT", "DATA", "DOT"])
@pytest.mark.parametrize("offer", ["PIPELINING", "8BITMIME"])
def test_only_what_was_asked_for_is_an_answer(talker, offer, at, unasked):
    """Who is told to be sent to has a message that was taken; the connection is not used again, and others are sent on a new one."""
    talker.offer, talker.at, talker.unasked = offer, at, unasked
    settings = Smtp(host="127.0.0.1", port=talker.server_address[1], security="none", timeout=1, ehlo_name="me.example")
    messages = [a_message(subscriber=each, delivery_id=f"d{place}") for place, each in enumerate(an_audience(4).subscribers)]
    with closing(SmtpTransport(settings, waits=(0,))) as transport:
        outcomes = []
        for message in messages:
            with suppress(Exception):
                outcomes += transport.send([message])
    accepted = sum(isinstance(outcome, Accepted) for outcome in outcomes)
    assert (talker.at, accepted) == ("", talker.taken)
    if unasked != HALF:  # with what follows it may make one reply, as it should be: then the connection is kept
        assert accepted >= 2


@pytest.mark.parametrize("offer", ["PIPELINING", "8BITMIME"])
@pytest.mark.parametrize("email", ["o'neil@example.com", "a/b?c&d@example.com", "ann@example.com"])
def test_what_is_said_unasked_names_nobody(talker, offer, email):
    """It is kept with the attempt, and who it is about is not known: not a part of an address may stand there."""
    talker.offer, talker.at, talker.unasked = offer, "RCPT" if offer != "PIPELINING" else "DATA", f"250 2.1.5 <{email}> is fine"
    settings = Smtp(host="127.0.0.1", port=talker.server_address[1], security="none", timeout=1, ehlo_name="me.example")
    message = a_message(subscriber=Subscriber(email, email, "Ann", {"first_name": "Ann"}))
    with closing(SmtpTransport(settings, waits=(0,))) as transport:
        (outcome,) = transport.send([message])
    assert isinstance(outcome, Deferred)
    _, told, words = outcome.reason.partition("the server says more than it was asked for")
    assert told
    assert words in {"", ": 250 2.1.5"}
