"""Pipelined SMTP: what is on the wire when, what becomes of an envelope that nothing follows, and that no failure lies about anybody."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest
import trustme

from composer.config import Smtp
from composer.testing import a_message, an_audience
from composer.testing.smtp import Fault, SmtpServer
from composer.transport import smtp_transaction
from composer.transport.base import Accepted, Deferred, Letter, Rejected, Unknown, Unusable
from composer.transport.smtp import SmtpTransport

FAULTS = {
    "4xx": Fault("451 4.3.0 not now"),
    "5xx": Fault("550 5.1.1 no"),
    "421": Fault("421 4.3.2 going down"),
    "nothing": Fault(silent=True),
    "half a line": Fault(half=True),
    "closes": Fault(close=True),
    "taken, then closes": Fault(close=True, keep=True),
    "taken, half a line": Fault(half=True, keep=True),
    "no reply at all": Fault("hello there"),
    "another kind": Fault("354 what"),
}
SECURITY = {"none": "", "starttls": "starttls", "tls": "implicit"}


def people(number, first=1):
    return [
        a_message(subscriber=person, delivery_id=f"d{first + at}") for at, person in enumerate(an_audience(number, first=first).subscribers)
    ]


def settings(port, **how):
    return Smtp(**({"host": "127.0.0.1", "port": port, "security": "none", "timeout": 5, "ehlo_name": "me.example"} | how))


def kinds(outcomes):
    return [type(outcome) for outcome in outcomes]


@pytest.fixture
def server():
    with SmtpServer() as running:
        yield running


@pytest.fixture
def transport(server):
    made = SmtpTransport(settings(server.port), waits=(0, 0))
    yield made
    made.close()


@contextmanager
def scripted(*answers):
    """Run a server that reads nothing it does not have to: for each text of ``answers`` it waits for a piece of input, then says it.

    ``heard`` has what came before each answer. An answer of None ends the connection.
    """
    heard, done = [], threading.Event()
    listener = socket.create_server(("127.0.0.1", 0))

    def talk():
        with suppress(OSError):
            sock, _ = listener.accept()
            with sock:
                sock.settimeout(5)
                sock.sendall(b"220 hello\r\n")
                for wanted, answer in answers:
                    data = b""
                    while not data.endswith(wanted):
                        piece = sock.recv(1 << 16)
                        if not piece:
                            break
                        data += piece
                    heard.append(data)
                    if answer is None:
                        return
                    sock.sendall(answer.encode())
                heard.append(sock.recv(1 << 16))  # what comes after the last answer, or the end
        done.set()

    thread = threading.Thread(target=talk, daemon=True)
    thread.start()
    try:
        yield SimpleNamespace(port=listener.getsockname()[1], heard=heard)
    finally:
        thread.join(10)
        listener.close()


EHLO = (b"ehlo me.example\r\n", "250-hi\r\n250-PIPELINING\r\n250 SIZE 0\r\n")


# ---- what is on the wire


def test_the_next_envelope_is_behind_the_final_dot():
    """One round trip a message: MAIL, RCPT and DATA of the next are there before the answer to this one (RFC 2920, 3.1)."""
    first, second = people(2)
    script = (
        EHLO,
        (b"DATA\r\n", "250 a\r\n250 b\r\n354 go\r\n"),
        (b"DATA\r\n", "250 one\r\n250 a\r\n250 b\r\n354 go\r\n"),
        (b"\r\n.\r\n", "250 two\r\n"),
        (b"QUIT\r\n", "221 bye\r\n"),
    )
    with scripted(*script) as server:
        transport = SmtpTransport(settings(server.port))
        assert transport.send([first], second) == [Accepted("250 one")]
        assert len(server.heard) == 3
        assert transport.send([second]) == [Accepted("250 two")]
        transport.close()
    assert server.heard[1].count(b"\r\n") == 3
    body, _, behind = server.heard[2].partition(b"\r\n.\r\n")
    assert body.endswith(b"--")
    commands = behind.split(b"\r\n")
    assert [command.split(b":")[0] for command in commands] == [b"MAIL FROM", b"RCPT TO", b"DATA", b""]
    assert b"<person2@example.com>" in commands[1]
    assert b"person1@example.com" in server.heard[2]
    assert b"person2@example.com" not in body
    assert server.heard[3].startswith(b"From: ")


def test_nothing_is_pipelined_that_was_not_offered():
    """A server that wants to be asked one thing at a time is; it refuses who does not wait."""
    with SmtpServer(pipelining=False) as server:
        transport = SmtpTransport(settings(server.port))
        first, second = people(2)
        assert kinds(transport.send([first], second)) == [Accepted]
        assert kinds(transport.send([second])) == [Accepted]
        transport.close()
        assert (server.count, server.connections) == (2, 1)


def test_answers_may_come_in_any_pieces():
    """The network cuts where it likes."""
    first, second = people(2)

    def dribble(sock, text):
        for byte in text.encode():
            sock.sendall(bytes((byte,)))
            time.sleep(0.001)

    with socket.create_server(("127.0.0.1", 0)) as listener:

        def talk():
            sock, _ = listener.accept()
            with sock, sock.makefile("rb") as file:
                dribble(sock, "220 hello\r\n")
                for expected, answer in (
                    (b"ehlo", "250-x\r\n250 PIPELINING\r\n"),
                    (b"DATA", "250-a\r\n250 b\r\n250 c\r\n354 d\r\n"),
                    (b"DATA", "250-one\r\n250 more\r\n250 a\r\n250 b\r\n354-so\r\n354 go\r\n"),
                    (b".\r\n", "250 two\r\n"),
                    (b"quit", "221 bye\r\n"),
                ):
                    while not file.readline().startswith(expected):
                        pass
                    dribble(sock, answer)

        thread = threading.Thread(target=talk, daemon=True)
        thread.start()
        transport = SmtpTransport(settings(listener.getsockname()[1]))
        assert transport.send([first], second) == [Accepted("250 one more")]
        assert transport.send([second]) == [Accepted("250 two")]
        transport.close()
        thread.join(10)


# ---- an envelope that nothing follows


def test_another_message_than_the_one_that_was_foreseen(server, transport):
    """Who was foreseen may be suppressed meanwhile. DATA cannot be taken back: the connection ends, and nobody gets anything."""
    first, second, third = people(3)
    assert kinds(transport.send([first], second)) == [Accepted]
    assert kinds(transport.send([third])) == [Accepted]
    assert server.addresses == [first.email, third.email]
    assert server.connections == 2


def test_closing_with_an_envelope_out(server, transport):
    """A goodbye would be taken for the message."""
    first, second = people(2)
    transport.send([first], second)
    transport.close()
    transport.close()
    assert server.addresses == [first.email]
    assert all(b"quit" not in message.data.lower() for message in server.received)


def test_each_lane_keeps_its_own(server):
    """Lanes are prepared for different people, who come back in another order: each finds the connection that waits for it."""
    transport = SmtpTransport(settings(server.port, connections=3))
    now, later = people(3), people(3, first=4)
    barrier = threading.Barrier(3)

    def send(message, upcoming):
        barrier.wait(5)
        transport.send([message], upcoming)

    threads = [threading.Thread(target=send, args=pair) for pair in zip(now, later, strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for message in reversed(later):
        assert kinds(transport.send([message])) == [Accepted]
    transport.close()
    assert sorted(server.addresses) == sorted(message.email for message in now + later)
    assert server.connections == 3


def test_an_envelope_that_was_out_for_long_is_offered_again(server, transport, monkeypatch):
    """The server may have hung up meanwhile: a message sent after that would be in doubt for nothing."""
    first, second = people(2)
    transport.send([first], second)
    monkeypatch.setattr(smtp_transaction, "STALE_SECONDS", 0.0)
    assert kinds(transport.send([second])) == [Accepted]
    assert (server.addresses, server.connections) == ([first.email, second.email], 2)


def test_two_lanes_prepared_for_one_person(server):
    """It is the loop's right to change its mind: no connection is lost by it."""
    transport = SmtpTransport(settings(server.port, connections=2))
    first, second, third = people(3)
    transport.send([first], third)
    transport.send([second], third)
    lanes = transport._pool.take_all()
    assert len(lanes) == 2
    for lane in lanes:
        transport._pool.give(lane)
    transport.close()


def test_a_server_that_takes_its_time_over_a_message(server, transport, monkeypatch):
    """It begins to wait for the next one only when it has answered: a slow scanner must not cost a connection a message."""
    monkeypatch.setattr(smtp_transaction, "STALE_SECONDS", 0.2)
    server.fail("dot", Fault(delay=0.3))
    batch = people(3)
    assert kinds(transport.send(batch)) == [Accepted] * 3
    assert server.connections == 1


@pytest.mark.parametrize("goodbye", ["", "421 4.4.2 timeout\r\n"])
def test_a_server_that_hangs_up_while_an_envelope_is_out(goodbye):
    """Whoever is sent to after that would be in doubt, or deferred, for nothing: it is found out, and the server called again."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def talk():
            sock, _ = listener.accept()
            with sock, sock.makefile("rb") as file:
                sock.sendall(b"220 hello\r\n")
                for expected, answer in (
                    (b"ehlo", b"250-x\r\n250 PIPELINING\r\n"),
                    (b"DATA", b"250 a\r\n250 b\r\n354 c\r\n"),
                    (b"DATA", b"250 one\r\n250 a\r\n250 b\r\n354 go\r\n"),
                ):
                    while not file.readline().startswith(expected):
                        pass
                    sock.sendall(answer)
                time.sleep(0.1)
                sock.sendall(goodbye.encode())

        thread = threading.Thread(target=talk, daemon=True)
        thread.start()
        port = listener.getsockname()[1]
        transport = SmtpTransport(settings(port), waits=(0.2, 0.2, 0.2))
        first, second = people(2)
        assert transport.send([first], second) == [Accepted("250 one")]
        thread.join(10)  # it hangs up a tenth of a second later
    with SmtpServer(port=port) as server:
        assert kinds(transport.send([second])) == [Accepted]
        assert server.addresses == [second.email]
    transport.close()


def test_a_server_that_grants_and_hangs_up(server, transport):
    """It was heard to hang up before the message was begun: nobody is in doubt for that, however soon the message follows."""
    first, second = people(2)
    server.fail("data", Fault("354 go ahead", close=True), times=1, skip=1)

    def send(message, upcoming=None):
        transport.begin([Letter(message, upcoming)])
        ended = []
        while not ended:
            transport.wait(1)
            ended += transport.ended()
        return [outcome for _, outcome in ended]

    assert kinds(send(first, second)) == [Accepted]
    (session,) = (lane.session for lane in transport._lanes if lane.session)
    while not session.ended:
        assert transport.wait(5)
        assert list(transport.ended()) == []
    assert kinds(send(second)) == [Accepted]
    assert (server.addresses, server.connections) == ([first.email, second.email], 2)


def test_so_many_messages_a_connection(server):
    """Some servers close after so many: we say goodbye before, and have no envelope out then."""
    transport = SmtpTransport(settings(server.port, messages_per_connection=2))
    batch = people(5)
    assert kinds(transport.send(batch)) == [Accepted] * 5
    transport.close()
    assert [message.connection for message in server.received] == [1, 1, 2, 2, 3]


# ---- refusals


@pytest.mark.parametrize("answer", ["554 5.5.1 no valid recipients", "250 ok, to nobody", "451 later"])
def test_a_lone_dot_ends_what_nobody_receives(answer):
    """RFC 2920, 3.1: a server may wait for a message though it refused the only recipient."""
    first, second = people(2)
    script = (
        EHLO,
        (b"DATA\r\n", "250 a\r\n550 5.1.1 nobody here\r\n354 go\r\n"),
        (b".\r\n", f"{answer}\r\n"),
        (b"DATA\r\n", "250 reset\r\n250 a\r\n250 b\r\n354 go\r\n"),
        (b"\r\n.\r\n", "250 two\r\n"),
        (b"QUIT\r\n", "221 bye\r\n"),
    )
    with scripted(*script) as server:
        transport = SmtpTransport(settings(server.port))
        assert transport.send([first], second) == [Rejected("550 5.1.1 nobody here")]
        assert transport.send([second]) == [Accepted("250 two")]
        transport.close()
    assert server.heard[2] == b".\r\n"
    assert server.heard[3].startswith(b"RSET\r\nMAIL FROM:")


def test_no_lone_dot_where_somebody_would_receive_it():
    """An empty letter is worse than a connection that ends."""
    script = (EHLO, (b"DATA\r\n", "451 4.3.0 not now\r\n250 b\r\n354 go\r\n"), (b"never", None))
    with scripted(*script) as server:
        transport = SmtpTransport(settings(server.port))
        assert transport.send(people(1)) == [Deferred("451 4.3.0 not now")]
        transport.close()
    assert server.heard[2] == b""


def test_the_refusal_of_one_does_not_touch_the_next(server, transport):
    """RSET goes before the next envelope, in the same packet."""
    server.fail("rcpt", "550 5.1.1 no", marker="person2@")
    server.fail("dot", "554 5.7.1 spam", marker="person4@")
    server.fail("data", "451 4.3.0 not now", marker="person6@")
    batch = people(8)
    outcomes = transport.send(batch)
    assert kinds(outcomes) == [Accepted, Rejected, Accepted, Rejected, Accepted, Deferred, Accepted, Accepted]
    assert server.connections == 1


# ---- every fault at every step, with and without TLS


@pytest.fixture
def authority(monkeypatch, tmp_path):
    made = trustme.CA()
    made.cert_pem.write_to_path(str(tmp_path / "authority.pem"))
    made.issue_cert("localhost").private_key_and_cert_chain_pem.write_to_path(str(tmp_path / "server.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))
    return tmp_path / "server.pem"


@pytest.mark.parametrize("security", SECURITY)
@pytest.mark.parametrize("pipelining", [True, False], ids=["pipelined", "plain"])
@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("step", ["mail", "rcpt", "data", "dot", "rset"])
def test_no_outcome_lies(authority, step, fault, pipelining, security):
    """Of five people the third meets the fault: what is certain is so, at most that one is in doubt, and the others have their mail."""
    with SmtpServer(pipelining=pipelining, certificate=authority, tls=SECURITY[security]) as server:
        if step == "rset":
            server.fail("rcpt", "450 4.2.0 later", marker="person3@", times=1)  # RSET comes after a refusal
        marker = {"mail": "", "rset": ""}.get(step, "person3@")
        server.fail(step, FAULTS[fault], times=1, marker=marker, skip=2 if step == "mail" else 0)
        chosen = settings(server.port, host="localhost", security=security, timeout=1)
        transport = SmtpTransport(chosen, waits=(0, 0))
        batch = people(5)
        known, left = {}, batch
        while left:  # a refusal of the sender concerns everybody: the sender of the campaign would resume
            try:
                outcomes = transport.send(left)
            except Unusable as err:
                outcomes = err.outcomes
            known |= {message.email: outcome for message, outcome in zip(left, outcomes, strict=True) if outcome is not None}
            left = [message for message, outcome in zip(left, outcomes, strict=True) if outcome is None]
        transport.close()
        arrived = server.addresses
    assert len(arrived) == len(set(arrived))
    assert {email for email, outcome in known.items() if isinstance(outcome, Accepted)} <= set(arrived)
    assert not {email for email, outcome in known.items() if isinstance(outcome, Deferred | Rejected)} & set(arrived)
    assert [email for email, outcome in known.items() if isinstance(outcome, Unknown)] in ([], ["person3@example.com"])
    assert sum(isinstance(outcome, Accepted) for outcome in known.values()) >= 4
    lost = fault in {"nothing", "half a line", "closes", "taken, then closes", "taken, half a line", "no reply at all", "another kind"}
    assert any(isinstance(outcome, Unknown) for outcome in known.values()) == (step == "dot" and lost)


@pytest.mark.parametrize("step", ["connect", "ehlo", "starttls", "auth"])
@pytest.mark.parametrize("fault", ["4xx", "421", "nothing", "half a line", "closes", "no reply at all", "another kind"])
def test_nobody_is_in_doubt_before_the_first_envelope(authority, step, fault):
    """A server that fails at the door has nobody's mail: everybody comes back as not sent, and it is tried again."""
    with SmtpServer(certificate=authority, tls="starttls", username="news", password="right") as server:
        server.fail(step, FAULTS[fault], times=1)
        transport = SmtpTransport(
            settings(server.port, host="localhost", security="starttls", username="news", timeout=1), "right", waits=()
        )
        with pytest.raises(Unusable) as caught:
            transport.send(people(3))
        assert list(caught.value.outcomes) == [None] * 3
        assert kinds(transport.send(people(3))) == [Accepted] * 3
        transport.close()


# ---- the loop


def test_a_campaign_uses_its_connections_and_no_more(ledger_of, server):
    """Every lane keeps its connection over the whole campaign: no envelope is lost on the way from one person to the next."""
    from contextlib import nullcontext

    from composer.delivery.dispatch import dispatch
    from composer.delivery.sending import Sending
    from composer.ledger.campaigns import read_campaign, start_campaign
    from composer.testing import an_edition

    edition = an_edition()
    transport = SmtpTransport(settings(server.port, connections=5))
    identity = start_campaign(ledger_of, edition, an_audience(200), transport="smtp", real=True, setting={}, now=datetime.now(UTC))

    def build(row, now):
        return a_message(edition, row, row.id)

    report = dispatch(Sending(ledger_of, read_campaign(ledger_of, identity), transport, build, nullcontext, lambda: datetime.now(UTC)))
    transport.close()
    assert report.counts == {"accepted": 200}
    assert sorted(server.addresses) == sorted(person.email for person in an_audience(200).subscribers)
    assert server.connections == 5


@pytest.fixture
def ledger_of(any_ledger):
    """Both databases."""
    return any_ledger
