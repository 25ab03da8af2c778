"""SMTP: for every step at which a server can fail, the outcome that is true, and never a word in plaintext that was not asked for."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections import deque
from contextlib import closing, suppress
from dataclasses import replace

import pytest
import trustme

from composer.audience.model import Subscriber
from composer.config import Smtp, Transports
from composer.errors import ConfigError, TransportError
from composer.project import with_config
from composer.testing import FakeClock, a_message, an_audience, an_edition
from composer.testing.smtp import Fault, SmtpServer
from composer.transport.base import Accepted, Deferred, Letter, Rejected, Unknown, Unusable
from composer.transport.registry import Occasion, open_transport, way_out
from composer.transport.smtp import SmtpTransport, probe
from composer.transport.smtp_parcel import Parcel, pack
from composer.transport.smtp_reply import Lost, Reply, Step, judge
from composer.transport.smtp_settings import bare_host, literal, place

BUSY, NO, CLOSING = "451 4.3.0 not now", "550 5.1.1 no such person", "421 4.3.2 going down"
LOSSES = {
    "close": Fault(close=True),
    "half": Fault(half=True),
    "garbage": Fault("hello there"),
    "odd": Fault("354 what"),
}


def people(number, first=1):
    return [a_message(subscriber=person, delivery_id=f"d{at}") for at, person in enumerate(an_audience(number, first=first).subscribers)]


def to(email, **changes):
    return a_message(replace(an_edition(), **changes), subscriber=Subscriber(email, email, "Ann", {"first_name": "Ann"}))


def settings(server, **how):
    return Smtp(**({"host": "127.0.0.1", "port": server.port, "security": "none", "timeout": 10, "ehlo_name": "me.example"} | how))


@pytest.fixture(params=[True, False], ids=["pipelined", "plain"])
def server(request):
    with SmtpServer(pipelining=request.param) as running:
        yield running


@pytest.fixture
def transport(server):
    made = SmtpTransport(settings(server), waits=(0, 0))
    yield made
    made.close()


@pytest.fixture
def opened():
    made = []

    def make(*settings, **how):
        made.append(SmtpTransport(*settings, **how))
        return made[-1]

    yield make
    for transport in made:
        transport.close()


def kinds(outcomes):
    return [type(outcome) for outcome in outcomes]


def sent(messages, *settings, **how):
    """Send with a transport of its own."""
    with closing(SmtpTransport(*settings, **how)) as transport:
        return transport.send(messages)


def all_at_once(transport, messages):
    """Send on all lanes at once, each prepared for what it sends next; return each message and what became of it, as they end."""
    waiting, ended = deque(messages), []
    ready = [waiting.popleft() for _ in range(min(transport.lanes, len(waiting)))]
    while len(ended) < len(messages):
        following = [waiting.popleft() if waiting else None for _ in ready]
        transport.begin(Letter(*pair, about=pair) for pair in zip(ready, following, strict=True))
        transport.wait(1)
        news = list(transport.ended())
        ended += [(message, outcome) for (message, _), outcome in news]
        ready = [following for (_, following), _ in news if following]
    return ended


# ---- what goes well


def test_messages_arrive_as_they_were_built(server, transport):
    """Envelope and bytes are those of the message; one connection serves them all."""
    batch = people(3)
    outcomes = transport.send(batch)
    transport.send(people(1, first=4))
    assert [outcome.answer for outcome in outcomes] == [f"250 2.0.0 ok: queued as 1-{number}" for number in (1, 2, 3)]
    assert [message.data for message in server.received[:3]] == [b"".join(pack(message).pieces) for message in batch]
    assert server.addresses == [f"person{number}@example.com" for number in (1, 2, 3, 4)]
    assert {(message.sender, message.connection) for message in server.received} == {("news@letters.example", 1)}
    assert server.received[0].parameters == (f"SIZE={len(server.received[0].data)}",)


def test_bounces_go_where_they_should(server):
    """The envelope's sender is the bounce address; the reader sees From."""
    transport = SmtpTransport(settings(server, bounce_address="Bounces <back@bounce.example>"))
    transport.send(people(1))
    transport.close()
    assert server.received[0].sender == "back@bounce.example"
    assert b"From: News <news@letters.example>\r\n" in server.received[0].data


def test_a_bounce_may_name_its_delivery(server):
    """VERP: each envelope has a sender of its own, and readers see the one there is."""
    transport = SmtpTransport(settings(server, bounce_address="back@bounce.example", verp=True))
    assert kinds(transport.send(people(2))) == [Accepted] * 2
    transport.close()
    assert [message.sender for message in server.received] == ["back+d0@bounce.example", "back+d1@bounce.example"]
    assert all(b"From: News <news@letters.example>\r\n" in message.data for message in server.received)


def test_an_address_too_long_for_verp_is_refused_before_anybody_is_sent_to(server):
    """It concerns everybody, and must not fail person by person."""
    with pytest.raises(TransportError, match="too long to name a delivery"):
        SmtpTransport(settings(server, bounce_address="b" * 50 + "@bounce.example", verp=True))


def test_a_parcel_shows_nobody():
    """A traceback must not carry an address or a letter into a log."""
    shown = repr(Parcel("news@x.example", "ana@y.example", (b"To: Ana", b"Dear Ana"), "m"))
    assert "news@x.example" in shown
    assert "ana" not in shown.lower()


@pytest.mark.parametrize(
    ("configured", "own", "heard"),
    [("bücher.example", "", b"xn--bcher-kva.example"), ("", "mine.example", b"mine.example"), ("", "", b"[127.0.0.1]")],
)
def test_says_its_name_or_its_address(monkeypatch, configured, own, heard):
    """Servers refuse a greeting that is no name."""
    monkeypatch.setattr("composer.transport.smtp_connect.own_name", lambda: own)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        lines = []

        def listen():
            sock, _ = listener.accept()
            with sock, sock.makefile("rb") as file:
                sock.sendall(b"220 hello\r\n")
                lines.append(file.readline())

        thread = threading.Thread(target=listen)
        thread.start()
        chosen = Smtp(host="127.0.0.1", port=listener.getsockname()[1], security="none", timeout=5, ehlo_name=configured)
        with closing(SmtpTransport(chosen)) as transport, pytest.raises(Unusable):
            transport.send(people(1))
        thread.join()
    assert lines == [b"ehlo " + heard + b"\r\n"]


def test_address_literals():
    """RFC 5321, 4.1.3."""
    assert (literal("127.0.0.1"), literal("::1"), literal("fe80::1%eth0")) == ("[127.0.0.1]", "[IPv6:::1]", "[IPv6:fe80::1]")


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN"])
def test_logs_in(mechanism):
    """With any letters in name and password, by either of the two ways."""
    with SmtpServer(username="nëws", password="s3crét", mechanisms=(mechanism,)) as server:
        transport = SmtpTransport(settings(server, username="nëws"), "s3crét")
        assert kinds(transport.send(people(1))) == [Accepted]
        transport.close()
        assert server.received[0].username == "nëws"


def test_lanes_are_connections(server):
    """As many messages at once as configured, each on a connection of its own, which stays."""
    transport = SmtpTransport(settings(server, connections=3))
    assert (transport.lanes, transport.batch, transport.real, transport.idempotent) == (3, 1, True, False)
    server.fail("rcpt", Fault(delay=0.2), times=3)
    for first in (1, 11):
        assert kinds(outcome for _, outcome in all_at_once(transport, people(6, first=first))) == [Accepted] * 6
    transport.close()
    assert (server.count, server.connections) == (12, 3)


def test_more_calls_than_connections_wait(server):
    """The server's limit holds whoever calls."""
    transport = SmtpTransport(settings(server, connections=1))
    threads = [threading.Thread(target=transport.send, args=(people(3),)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    transport.close()
    assert (server.count, server.connections) == (12, 1)


# ---- every step, every failure


@pytest.mark.parametrize(
    ("step", "reply", "outcome"),
    [
        ("rcpt", BUSY, Deferred),
        ("rcpt", NO, Rejected),
        ("rcpt", CLOSING, Deferred),
        ("data", BUSY, Deferred),
        ("data", NO, Rejected),
        ("data", CLOSING, Deferred),
        ("data", "250 2.0.0 ok", Deferred),
        ("dot", BUSY, Deferred),
        ("dot", NO, Rejected),
        ("dot", CLOSING, Deferred),
        ("dot", "552 5.3.4 too big", Rejected),
        *[("rcpt", fault, Deferred) for fault in LOSSES.values()],
        *[("data", fault, Deferred) for name, fault in LOSSES.items() if name != "odd"],
        *[("dot", fault, Unknown) for fault in LOSSES.values()],
    ],
)
def test_one_person_fails_and_the_others_do_not(server, transport, step, reply, outcome):
    """The outcome is this person's alone, and says what the server really did."""
    server.fail(step, reply, marker="person2@", times=1)
    outcomes = transport.send(people(4))
    assert kinds(outcomes) == [Accepted, outcome, Accepted, Accepted]
    assert server.addresses == ["person1@example.com", "person3@example.com", "person4@example.com"]
    if isinstance(reply, str) and outcome is not Deferred:
        assert outcomes[1].reason == reply


@pytest.mark.parametrize("step", ["mail", "rcpt", "data", "dot"])
@pytest.mark.parametrize("fault", LOSSES)
def test_the_first_message_of_a_connection(server, transport, step, fault):
    """Here nothing can be blamed on a connection that was kept too long."""
    if (step, fault) == ("data", "odd"):
        return
    server.fail(step, LOSSES[fault], times=1)
    assert kinds(transport.send(people(2))) == [Unknown if step == "dot" else Deferred, Accepted]
    assert server.addresses == ["person2@example.com"]
    assert server.connections == 2


@pytest.mark.parametrize("reply", [BUSY, CLOSING])
def test_sender_not_now(server, transport, reply):
    """4yz to MAIL on a fresh connection: later."""
    server.fail("mail", reply, times=1)
    outcomes = transport.send(people(2))
    assert kinds(outcomes) == [Deferred, Accepted]
    assert outcomes[0].reason == reply


@pytest.mark.parametrize("fault", [CLOSING, *LOSSES.values()])
@pytest.mark.parametrize("step", ["mail", "rset"])
def test_a_kept_connection_that_was_closed_costs_nobody_anything(server, transport, step, fault):
    """Servers close after a while, or after so many messages; nothing was begun, so it is begun again at once."""
    assert kinds(transport.send(people(1))) == [Accepted]
    if step == "rset":
        server.fail("rcpt", NO, times=1)  # RSET comes after a refusal
        assert kinds(transport.send(people(1, first=9))) == [Rejected]
    server.fail(step, fault, times=1)
    if step == "mail" and fault is LOSSES["odd"]:
        assert kinds(transport.send(people(2))) == [Deferred, Accepted]  # it answers: that is not a connection that was closed
        return
    assert kinds(transport.send(people(2))) == [Accepted] * 2
    assert server.connections == 2
    assert server.count == 3


def test_closed_while_idle(server, transport):
    """Between two batches a server may be restarted."""
    transport.send(people(1))
    server.stop()
    server.start()
    assert kinds(transport.send(people(2))) == [Accepted] * 2


def test_so_many_messages_a_connection():
    """421 after every second message: all arrive, nobody waits a minute."""
    with SmtpServer(per_connection=2) as server:
        transport = SmtpTransport(settings(server))
        assert kinds(transport.send(people(7))) == [Accepted] * 7
        transport.close()
        assert [message.connection for message in server.received] == [1, 1, 2, 2, 3, 3, 4]


def test_refused_transactions_are_reset(server, transport):
    """After a refusal the same connection goes on, with nothing left over of the last person."""
    server.fail("rcpt", NO, marker="person2@")
    server.fail("data", BUSY, marker="person3@")
    assert kinds(transport.send(people(4))) == [Accepted, Rejected, Deferred, Accepted]
    assert server.connections == 1
    assert [message.recipients for message in server.received] == [("person1@example.com",), ("person4@example.com",)]


@pytest.mark.parametrize("fault", [Fault(close=True, keep=True), Fault(half=True, keep=True), Fault("hello there", keep=True)])
def test_accepted_but_the_answer_is_lost(server, transport, fault):
    """Perhaps is perhaps: the message is there, and nobody here can know."""
    server.fail("dot", fault, times=1)
    assert kinds(transport.send(people(2))) == [Unknown, Accepted]
    assert server.addresses == ["person1@example.com", "person2@example.com"]


@pytest.mark.parametrize(
    ("step", "fault", "outcome"),
    [
        ("mail", Fault(silent=True), Deferred),
        ("rcpt", Fault(silent=True), Deferred),
        ("data", Fault(silent=True), Deferred),
        ("dot", Fault(silent=True), Unknown),
        ("dot", Fault(silent=True, keep=True), Unknown),
        ("dot", Fault(delay=30), Unknown),
    ],
)
def test_silence(server, step, fault, outcome):
    """A half-open connection is given up after the timeout, and an answer that comes later is not taken for another's."""
    transport = SmtpTransport(settings(server, timeout=0.5))
    server.fail(step, fault, times=1)
    outcomes = transport.send(people(2))
    transport.close()
    assert kinds(outcomes) == [outcome, Accepted]
    assert "no answer in time" in outcomes[0].reason
    assert server.connections == 2
    assert server.count == (2 if fault.accepts and step == "dot" else 1)


@pytest.mark.parametrize("step", ["connect", "ehlo", "auth"])
def test_silence_at_the_start(step):
    """The same before anything can be sent."""
    with SmtpServer(username="news", password="right") as server:
        server.fail(step, Fault(silent=True))
        with pytest.raises(Unusable, match="no answer in time") as caught:
            sent(people(1), settings(server, username="news", timeout=0.5), "right")
        assert caught.value.outcomes == [None]


def test_a_greeting_that_comes_a_letter_at_a_time():
    """As long as each letter was in time it would be waited for; nothing can be sent meanwhile."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        stop = threading.Event()

        def greet():
            sock, _ = listener.accept()
            with sock, suppress(OSError):
                for byte in b"220 " + b"x" * 100:
                    sock.sendall(bytes((byte,)))
                    if stop.wait(0.1):
                        return

        thread = threading.Thread(target=greet, daemon=True)
        thread.start()
        chosen = Smtp(host="127.0.0.1", port=listener.getsockname()[1], security="none", timeout=0.5, ehlo_name="me.example")
        begun = time.monotonic()
        with pytest.raises(Unusable, match="no answer in time") as caught:
            sent(people(1), chosen)
        assert time.monotonic() - begun < 4
        stop.set()
        thread.join(5)
    assert caught.value.outcomes == [None]


def test_hung_up_in_the_middle_of_a_message(server, transport):
    """A message that was not handed over to its end cannot have been accepted, however big it is."""
    server.fail("data", Fault("354 go ahead", close=True), times=1)
    line = b"x" * 76 + b"\r\n"
    message = people(1)[0]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("composer.transport.smtp_parcel.pieces", lambda _: (line, line * 150_000))
        assert kinds(transport.send([message])) == [Deferred]
    assert not server.received


# ---- what concerns everybody


@pytest.mark.parametrize(
    "reply", ["550 5.7.1 not your address", "553 5.1.8 bad sender", "530 5.7.0 log in", "501 5.5.4 what?", "535 5.7.8 who?"]
)
def test_sender_refused(server, transport, reply):
    """The same for everybody: the campaign stops, and nobody else is refused for it."""
    server.fail("mail", reply, skip=1)
    with pytest.raises(Unusable) as caught:
        transport.send(people(3))
    assert kinds(caught.value.outcomes) == [Accepted, type(None), type(None)]
    assert reply in caught.value.message
    assert caught.value.hint
    assert server.count == 1


@pytest.mark.parametrize("reply", ["552 5.3.4 too big", "552 too big", "552 5.2.3 too long"])
def test_too_big_at_mail(server, transport, reply):
    """About this message, not about the sender."""
    server.fail("mail", reply, times=1)
    assert kinds(transport.send(people(2))) == [Rejected, Accepted]


@pytest.mark.parametrize("step", ["rcpt", "data", "dot"])
@pytest.mark.parametrize("reply", ["530 5.7.0 log in first", "535 5.7.8 password expired", "538 5.7.11 TLS first", "534 5.7.9 too weak"])
def test_account_refused_midway(server, transport, step, reply):
    """A login that ends in the middle of a campaign is nobody's fault; the one in flight was refused for certain."""
    server.fail(step, reply, marker="person2@")
    with pytest.raises(Unusable, match="account") as caught:
        transport.send(people(3))
    assert kinds(caught.value.outcomes) == [Accepted, type(None), type(None)]
    assert server.count == 1


@pytest.mark.parametrize(
    "reply", ["554 5.7.1 <person1@example.com>: Relay access denied", "550 relay not permitted", "550 5.7.1 Unable to relay"]
)
def test_a_server_that_relays_for_nobody(server, transport, reply):
    """Without this, a login that was forgotten would refuse every subscriber for good."""
    server.fail("rcpt", reply)
    with pytest.raises(Unusable, match="passes nothing on") as caught:
        transport.send(people(2))
    assert caught.value.outcomes == [None, None]
    assert "username" in caught.value.hint
    assert "person1" not in caught.value.message


def test_relaying_refused_to_one(server, transport):
    """A server that has taken mail relays; then it is about this person."""
    server.fail("rcpt", "554 5.7.1 Relay access denied", marker="person2@")
    assert kinds(transport.send(people(3))) == [Accepted, Rejected, Accepted]


def test_three_losses_in_a_row_stop_the_campaign(server, transport):
    """A server that hangs up on everybody must not put a whole list in doubt."""
    server.fail("dot", Fault(close=True, keep=True), skip=1)
    with pytest.raises(Unusable, match="3 times in a row") as caught:
        transport.send(people(9))
    assert kinds(caught.value.outcomes) == [Accepted, Unknown, Unknown, Unknown, *[type(None)] * 5]
    server.faults.clear()
    assert kinds(transport.send(people(2))) == [Accepted] * 2


@pytest.mark.parametrize("fault", [CLOSING, Fault(close=True)])
def test_losses_before_the_dot_stop_it_too(server, transport, fault):
    """The same when it is certain: later, and not connection after connection."""
    server.fail("rcpt", fault)
    with pytest.raises(Unusable, match="3 times in a row") as caught:
        transport.send(people(9))
    assert kinds(caught.value.outcomes) == [Deferred] * 3 + [type(None)] * 6
    assert server.connections == 3


def test_losses_apart_do_not(server, transport):
    """In a row means in a row."""
    for number in range(0, 12, 2):
        server.fail("rcpt", Fault(close=True), times=1, marker=f"person{number}@")
    assert kinds(transport.send(people(12))).count(Deferred) == 5


@pytest.mark.parametrize("step", ["connect", "ehlo"])
@pytest.mark.parametrize("fault", [CLOSING, "554 5.7.1 go away", "450 later", *LOSSES.values()])
def test_no_connection_at_the_start(server, transport, step, fault):
    """What cannot begin is said at once, and nobody was sent."""
    server.fail(step, fault)
    with pytest.raises(Unusable) as caught:
        transport.send(people(2))
    assert caught.value.outcomes == [None, None]
    assert caught.value.hint
    assert str(server.port) in caught.value.message
    assert server.connections == 1


def test_nobody_listens(server):
    """The most frequent mistake of all."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with pytest.raises(Unusable, match="does not answer: Connection refused") as caught:
        sent(people(1), settings(server, port=port))
    assert "port" in caught.value.hint


def test_host_that_is_not_found(monkeypatch):
    """A misspelt host is called that."""

    def unknown(*_, **__):
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(Unusable, match=r"mail server smpt\.example is not found"):
        sent(people(1), Smtp(host="smpt.example", security="tls"))


@pytest.mark.parametrize("reply", ["", "454 4.7.0 later", "535 5.7.8 no"])
def test_login_refused(reply):
    """At once, once, and without the password in a message."""
    with SmtpServer(username="news", password="right") as server:
        if reply:
            server.fail("auth", reply)
        with pytest.raises(Unusable, match="refuses the login") as caught:
            sent(people(1), settings(server, username="news"), "s3cret" if not reply else "right")
        assert "SMTP_PASSWORD" in caught.value.hint
        assert "s3cret" not in repr(caught.value)
        assert server.connections == 1


@pytest.mark.parametrize("fault", ["close", "half", "garbage"])
def test_connection_lost_in_the_login(fault):
    """It is the connection then, not the password."""
    with SmtpServer(username="news", password="right") as server:
        server.fail("auth", LOSSES[fault])
        with pytest.raises(Unusable, match="does not answer") as caught:
            sent(people(1), settings(server, username="news"), "right")
        assert caught.value.outcomes == [None]


@pytest.mark.parametrize("mechanisms", [("CRAM-MD5",), ("XOAUTH2", "GSSAPI")])
def test_no_login_in_common(mechanisms):
    """Then the password is not sent in some other way."""
    with SmtpServer(username="news", password="right", mechanisms=mechanisms) as server, pytest.raises(Unusable, match="offers no login"):
        sent(people(1), settings(server, username="news"), "right")


def test_server_that_dies_and_does_not_come_back(server, transport):
    """What was accepted stays accepted; the rest goes back."""
    killer = server.stop
    server.fail("dot", Fault(close=True), skip=2, times=1)
    outcomes = []

    def watch():
        server.wait_for(2)
        killer()

    thread = threading.Thread(target=watch)
    thread.start()
    with pytest.raises(Unusable) as caught:
        transport.send(people(2000))
    thread.join()
    outcomes = caught.value.outcomes
    sent = [outcome for outcome in outcomes if outcome is not None]
    assert kinds(sent).count(Accepted) <= server.count <= len(sent)
    assert len(outcomes) == 2000
    assert outcomes[-1] is None


def test_server_that_comes_back(server):
    """A restart of a few seconds is waited for, once the server has worked."""
    transport = SmtpTransport(settings(server, timeout=1), waits=(0.05, 0.1, 0.2, 0.4, 2.0))
    transport.send(people(1))
    server.stop()
    threading.Timer(0.2, server.start).start()
    assert kinds(transport.send(people(2))) == [Accepted] * 2
    transport.close()


# ---- TLS


@pytest.fixture(scope="module")
def authority():
    return trustme.CA()


@pytest.fixture
def certificate(authority, tmp_path, monkeypatch):
    """Make a certificate for localhost, and its authority one that this machine trusts."""

    def issue(*names):
        path = tmp_path / "server.pem"
        authority.issue_cert(*names).private_key_and_cert_chain_pem.write_to_path(str(path))
        return path

    authority.cert_pem.write_to_path(str(tmp_path / "authority.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))
    return issue


WAYS = {"starttls": "starttls", "implicit": "tls"}


@pytest.mark.parametrize("way", WAYS)
def test_tls(certificate, way):
    """Everything, login included, goes through a verified connection."""
    with SmtpServer(certificate=certificate("localhost"), tls=way, username="news", password="right") as server:
        chosen = settings(server, host="localhost", security=WAYS[way], username="news")
        transport = SmtpTransport(chosen, "right")
        assert kinds(transport.send(people(2))) == [Accepted] * 2
        transport.close()
        assert [message.secure for message in server.received] == [True] * 2
        assert probe(chosen, "right") == f"localhost:{server.port} answers over TLSv1.3, login accepted"
        assert server.count == 2


@pytest.mark.parametrize("way", WAYS)
def test_certificate_of_another_name(certificate, way):
    """Somebody else's certificate is nobody's."""
    with SmtpServer(certificate=certificate("mail.example.net"), tls=way) as server:
        with pytest.raises(Unusable, match=r"cannot be trusted: Hostname mismatch") as caught:
            sent(people(1), settings(server, host="localhost", security=WAYS[way]))
        assert "SSL_CERT_FILE" in caught.value.hint
        assert not server.received


@pytest.mark.parametrize("way", WAYS)
def test_certificate_of_an_unknown_authority(certificate, monkeypatch, tmp_path, way):
    """Anybody can sign for localhost."""
    stranger = tmp_path / "stranger.pem"
    trustme.CA().cert_pem.write_to_path(str(stranger))
    monkeypatch.setenv("SSL_CERT_FILE", str(stranger))
    with SmtpServer(certificate=certificate("localhost"), tls=way) as server:
        with pytest.raises(Unusable, match="cannot be trusted"):
            sent(people(1), settings(server, host="localhost", security=WAYS[way]))
        assert not server.received


def test_no_fall_back_to_plaintext(server):
    """A server without STARTTLS, or one in between that hides it, gets no address and no password."""
    with pytest.raises(Unusable, match="offers no STARTTLS") as caught:
        sent(people(1), settings(server, security="starttls", username="news"), "right")
    assert 'security = "tls"' in caught.value.hint
    assert not server.received


@pytest.mark.parametrize("fault", ["454 4.7.0 not now", "501 5.5.4 no", Fault(close=True), Fault("220 go\r\n250 injected", close=True)])
def test_starttls_refused_or_broken(certificate, fault):
    """No TLS, no mail; and what was smuggled in behind the answer is not heard."""
    with SmtpServer(certificate=certificate("localhost"), tls="starttls") as server:
        server.fail("starttls", fault)
        with (
            closing(SmtpTransport(settings(server, host="localhost", security="starttls", timeout=1))) as transport,
            pytest.raises(Unusable),
        ):
            transport.send(people(1))
        assert not server.received


@pytest.mark.parametrize(("security", "tls"), [("tls", ""), ("tls", "starttls"), ("starttls", "implicit")])
def test_the_wrong_kind_of_port(certificate, security, tls):
    """465 and 587 are often taken for one another."""
    with SmtpServer(certificate=certificate("localhost"), tls=tls) as server:
        chosen = settings(server, host="localhost", security=security, timeout=0.3)
        with closing(SmtpTransport(chosen)) as transport, pytest.raises(Unusable) as caught:
            transport.send(people(1))
        assert "security" in caught.value.hint


def test_old_tls_is_refused(certificate, monkeypatch):
    """TLS 1.1 is no protection."""
    with SmtpServer(certificate=certificate("localhost"), tls="implicit") as server:
        with pytest.warns(DeprecationWarning, match="TLSv1_1"):
            server._house.context.maximum_version = ssl.TLSVersion.TLSv1_1
        with pytest.raises(Unusable, match="no TLS with"):
            sent(people(1), settings(server, host="localhost", security="tls"))


# ---- addresses and sizes


@pytest.mark.parametrize(
    "bad",
    [
        "a\r\nRCPT TO:<x@y.example>@example.com",
        "a\nb@example.com",
        "a\0b@example.com",
        "a>b@example.com",
        "a b@example.com",
        "a@b\r.example",
    ],
)
def test_no_address_can_carry_a_command(server, transport, bad):
    """Refused before a word is said; the others go out."""
    evil = people(1)[0]._replace(email=bad)
    outcomes = transport.send([evil, *people(1, first=2)])
    assert kinds(outcomes) == [Rejected, Accepted]
    assert server.addresses == ["person2@example.com"]


@pytest.mark.parametrize("bad", ["x\r\n@y.example", "x\0@y.example", "a> <b@y.example"])
def test_no_bounce_address_can(server, bad):
    """It concerns everybody, so it is said when the transport is opened."""
    with pytest.raises(ConfigError, match="bounce address"):
        SmtpTransport(settings(server, bounce_address=bad))


def test_letters_outside_ascii_before_the_at_sign(server, transport):
    """RFC 6531, where the server knows it; only for who needs it."""
    assert kinds(transport.send([to("jürgen@example.com"), *people(1)])) == [Accepted] * 2
    assert server.received[0].parameters[1:] == ("SMTPUTF8", "BODY=8BITMIME")
    assert server.received[0].recipients == ("jürgen@example.com",)
    assert "SMTPUTF8" not in server.received[1].parameters


def test_without_smtputf8_only_this_person_is_refused():
    """A limit of the server is no reason to stop."""
    with SmtpServer(utf8=False) as server:
        transport = SmtpTransport(settings(server))
        outcomes = transport.send([to("jürgen@example.com"), *people(1)])
        assert kinds(outcomes) == [Rejected, Accepted]
        assert "jürgen" not in outcomes[0].reason
        with pytest.raises(Unusable, match="no sender with letters"):
            transport.send([to("ann@example.com", from_="Grüße <grüße@letters.example>")])
        transport.close()
        assert server.count == 1


def test_a_message_bigger_than_the_server_takes():
    """It is not tried: the server said so."""
    small, big = people(2)
    with SmtpServer(size=pack(small).size + 100) as server:
        big = big._replace(headers={"List-Id": "x" * 500})
        transport = SmtpTransport(settings(server))
        outcomes = transport.send([big, small])
        transport.close()
        assert kinds(outcomes) == [Rejected, Accepted]
        assert str(pack(big).size) in outcomes[0].reason


@pytest.mark.parametrize("size", ["9" * 5_000, "²", "many"])
def test_a_size_that_is_none(size):
    """Then none is known, and mail goes out as to any server that names none."""
    with SmtpServer() as server:
        server.fail("ehlo", f"250-localhost\r\n250 SIZE {size}")
        assert kinds(sent(people(1), settings(server))) == [Accepted]


# ---- words


def test_answers_do_not_name_the_person(server, transport):
    """Answers are kept and shown; an address in them would be a copy nobody thinks of."""
    server.fail(
        "rcpt",
        "550-5.1.1 <Person1@Example.COM>: no such\r\n550-5.1.1 user person1@example.com here,\r\n550 5.1.1 see https://h.example/?a=person1%40example.com&x=1",
        times=1,
    )
    (outcome,) = transport.send(people(1))
    assert outcome == Rejected("550 5.1.1 <address>: no such user <address> here, see https://h.example/?a=<address>&x=1")


@pytest.mark.parametrize(
    "email", ["o'neil@example.com", "a/b?c&d@example.com", "x+news=y@example.com", "jürgen@example.com", "{odd}|~^@example.com"]
)
def test_no_address_is_named_whatever_its_letters(email):
    """What may stand before the @ is more than most patterns know."""
    said = Reply(550, (f"5.1.1 <{email.upper()}>: {email} is not {email.replace('@', '%40')}, but other@example.com is",))
    assert said.words(recipient=email) == "550 5.1.1 <address>: <address> is not <address>, but <address> is"


def test_a_long_reply_takes_no_long_time():
    """A reply is the other side's; it must not keep this side busy."""
    before = time.monotonic()
    Reply(550, ("x" * 1_000_000, "@" * 1_000_000, "a@" * 500_000)).words(recipient="a@b.example")
    assert time.monotonic() - before < 2


def test_words_of_a_reply():
    """One line, of a length that can be kept, and what is not personal stays."""
    assert Reply(250, ("2.6.0 <d1@x.example> [Id=1] queued",)).words(("d1@x.example",)) == "250 2.6.0 <d1@x.example> [Id=1] queued"
    assert Reply(451, ("4.7.1 mailto:help@x.example \x1b[31m\u202e",)).words() == "451 4.7.1 mailto:<address> [31m"
    assert len(Reply(250, ("x" * 9000,)).words()) == 500
    assert Reply(250, ("2.0.0",)).enhanced == "2.0.0"
    assert Reply(250, ("2.0.0x", "2.1.1 y")).enhanced == ""
    assert Reply(250).words() == "250"


@pytest.mark.parametrize("step", Step)
@pytest.mark.parametrize("code", range(200, 600, 10))
def test_every_code_at_every_step_means_something(step, code):
    """No reply is ever taken for acceptance but 2yz to the final dot."""
    try:
        outcome = judge(step, Reply(code))
    except (Lost, TransportError):
        outcome = "everybody"
    assert isinstance(outcome, Accepted) == (step is Step.DOT and code < 300)
    assert isinstance(outcome, Deferred) == (400 <= code < 500)
    assert (outcome is None) == ((step is Step.DATA and 300 <= code < 400) or (step in {Step.MAIL, Step.RCPT} and code < 300))


def test_utf8_refused_at_mail_is_about_this_person():
    """RFC 6531, 3.5: 5.6.7 says that the address is the trouble."""
    assert judge(Step.MAIL, Reply(553, ("5.6.7 ASCII only",)), utf8=True) == Rejected("553 5.6.7 ASCII only")
    with pytest.raises(TransportError):
        judge(Step.MAIL, Reply(553, ("5.6.7 ASCII only",)))


# ---- stopping


def test_interrupt_ends_a_batch_between_two_messages(server, transport):
    """What was not begun goes back; what was begun has its true outcome."""
    server.fail("rcpt", Fault(delay=0.2), marker="person2@")
    threading.Timer(0.05, transport.interrupt).start()
    with pytest.raises(Unusable, match="stopped on request") as caught:
        transport.send(people(5))
    assert kinds(caught.value.outcomes) == [Accepted, Accepted, *[type(None)] * 3]
    assert server.count == 2
    with pytest.raises(Unusable, match="stopped on request"):
        transport.send(people(1))


def test_interrupt_ends_the_wait_for_a_server(server, opened):
    """A drain takes no minute."""
    transport = opened(settings(server), waits=(60,))
    transport.send(people(1))
    server.stop()
    threading.Timer(0.1, transport.interrupt).start()
    before = time.monotonic()
    with pytest.raises(Unusable, match="stopped on request"):
        transport.send(people(1))
    assert time.monotonic() - before < 10


@pytest.mark.parametrize(("step", "outcome"), [("rcpt", Deferred), ("dot", Unknown)])
def test_interrupt_does_not_wait_for_a_silent_server(server, opened, step, outcome):
    """Stopping takes seconds, and only the one message that was handed over without an answer is in doubt."""
    transport = opened(settings(server, timeout=60), grace=0.2)
    server.fail(step, Fault(silent=True), marker="person2@")
    before = time.monotonic()
    threading.Timer(0.1, transport.interrupt).start()
    with pytest.raises(Unusable, match="stopped on request") as caught:
        transport.send(people(4))
    assert kinds(caught.value.outcomes) == [Accepted, outcome, type(None), type(None)]
    assert time.monotonic() - before < 10


def test_interrupt_does_not_wait_for_a_greeting(server, opened):
    """A server that is not there any more is the likeliest moment for Ctrl-C; nothing was sent, so nothing is in doubt."""
    transport = opened(settings(server, timeout=60))
    server.fail("connect", Fault(silent=True))
    before = time.monotonic()
    threading.Timer(0.1, transport.interrupt).start()
    with pytest.raises(Unusable, match="stopped on request") as caught:
        transport.send(people(2))
    assert caught.value.outcomes == [None, None]
    assert time.monotonic() - before < 10


@pytest.mark.parametrize(
    ("step", "after", "outcome"), [("granted", False, type(None)), ("hand_over", False, Unknown), ("hand_over", True, Unknown)]
)
def test_broken_off_in_the_middle(monkeypatch, step, after, outcome):
    """Ctrl-C in the second of three messages: from the final dot on it is in doubt, before not, and nobody else is."""
    from composer.transport.smtp_session import Session

    usual = getattr(Session, step)
    calls = []

    def interrupted(self, *args):
        calls.append(1)
        done = usual(self, *args) if after or len(calls) != 2 else None
        if len(calls) == 2:
            raise KeyboardInterrupt
        return done

    monkeypatch.setattr(Session, step, interrupted)
    with SmtpServer() as server:
        transport = SmtpTransport(settings(server))
        with pytest.raises(Unusable, match="interrupted") as caught:
            transport.send(people(3))
        assert kinds(caught.value.outcomes) == [Accepted, outcome, type(None)]
        assert kinds(transport.send(people(1))) == [Accepted]
        assert server.connections == 2
        transport.close()


@pytest.mark.parametrize(("reply", "outcome"), [(9, type(None)), (10, Unknown)])
def test_broken_off_where_nothing_is_pipelined(monkeypatch, reply, outcome):
    """The same, with a server that wants to be asked one thing at a time: the tenth reply is that to the second final dot."""
    from composer.transport.smtp_session import Session

    read = Session.read
    calls = []

    def interrupted(self):
        calls.append(1)
        if len(calls) == reply:
            raise KeyboardInterrupt
        return read(self)

    monkeypatch.setattr(Session, "read", interrupted)
    with SmtpServer(pipelining=False) as server:
        transport = SmtpTransport(settings(server))
        with pytest.raises(Unusable, match="interrupted") as caught:
            transport.send(people(3))
        assert kinds(caught.value.outcomes) == [Accepted, outcome, type(None)]
        transport.close()


def test_a_goodbye_that_was_broken_off(monkeypatch, opened):
    """It has a patience of its own, and that of an answer is as long as ever afterwards: who is sent to next is not in doubt sooner."""
    monkeypatch.setattr("composer.transport.smtp_lane._GOODBYE_SECONDS", 0.5)
    with SmtpServer() as server:
        transport = opened(settings(server, messages_per_connection=1))
        transport.send(people(1))
        server.fail("quit", Fault(silent=True), times=1)

        def interrupted(*_):
            raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            patch.setattr(transport._loop, "wait", interrupted)
            with pytest.raises(Unusable, match="interrupted") as caught:
                transport.send(people(1, first=2))
        assert caught.value.outcomes == [None]
        server.fail("dot", Fault(delay=1.5), times=1)
        assert kinds(transport.send(people(1, first=3))) == [Accepted]


def test_close_says_goodbye(server, transport):
    """Twice is no harm, and afterwards it can be used again."""
    transport.send(people(1))
    server.fail("quit", Fault(close=True))
    transport.close()
    transport.close()
    assert kinds(transport.send(people(1))) == [Accepted]
    assert server.connections == 2


def test_closed_with_messages_under_way(server, opened):
    """Whoever gave up waiting for them may close, and begin anew: nothing of before comes out."""
    transport = opened(settings(server, connections=2, timeout=60))
    server.fail("dot", Fault(silent=True), times=1)
    server.fail("connect", Fault(silent=True), times=1, skip=1)
    transport.begin([Letter(message, None, "before") for message in people(2)])
    for _ in range(20):
        time.sleep(0.02)
        transport.wait(0)
        assert list(transport.ended()) == []
    transport.close()
    found = {about.email: type(outcome) for about, outcome in all_at_once(transport, people(4, first=3))}
    assert found == {f"person{number}@example.com": Accepted for number in range(3, 7)}


# ---- a storm


@pytest.mark.parametrize("seed", range(3))
def test_no_outcome_lies_in_a_storm(seed):
    """Accepted is there once, what is certain is not there, and only what is in doubt may be either."""
    with SmtpServer(seed=seed, per_connection=11) as server:
        for step in ("connect", "mail", "rcpt", "data", "dot", "rset"):
            server.fail(step, "421 4.3.2 closing", chance=0.02)
            server.fail(step, Fault(close=True), chance=0.02)
            server.fail(step, "450 4.2.0 later", chance=0.02)
            server.fail(step, Fault(half=True), chance=0.02)
        server.fail("dot", Fault(close=True, keep=True), chance=0.03)
        transport = SmtpTransport(settings(server, connections=4), waits=(0,) * 20)
        known, left = {}, people(400)
        while left:
            ended = all_at_once(transport, left)
            found = [(about, outcome.outcomes[0] if isinstance(outcome, Unusable) else outcome) for about, outcome in ended]
            known |= {message.email: outcome for message, outcome in found if outcome}
            left = [message for message, outcome in found if outcome is None]
        transport.close()
        arrived = server.addresses
    assert len(known) == 400
    assert len(arrived) == len(set(arrived))
    assert {email for email, outcome in known.items() if isinstance(outcome, Accepted)} <= set(arrived)
    assert not {email for email, outcome in known.items() if isinstance(outcome, Deferred | Rejected)} & set(arrived)
    assert set(kinds(known.values())) >= {Accepted, Deferred, Unknown}


# ---- settings


@pytest.mark.parametrize(
    ("chosen", "message"),
    [
        (Smtp(), "no mail server"),
        (Smtp(host="mail.example.org", security="none"), "this machine only"),
        (Smtp(host="10.0.0.1", security="none"), "this machine only"),
        (Smtp(host="mail.example.org", username="news"), "password is not set"),
        (Smtp(host="x" * 64 + ".example.org"), "name"),
        (Smtp(host="a..b"), "name"),
    ],
)
def test_settings_that_cannot_work(chosen, message):
    """Said when the transport is opened, before a campaign has begun."""
    with pytest.raises(ConfigError, match=message) as caught:
        SmtpTransport(chosen)
    assert caught.value.hint


def test_password_missing_is_named():
    """The variable is what people look for."""
    with pytest.raises(ConfigError, match=r"^SMTP_PASSWORD: "):
        SmtpTransport(Smtp(host="mail.example.org", username="news"))


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "::1", "127.9.9.9"])
def test_plaintext_to_this_machine(host):
    """A server here needs no TLS."""
    SmtpTransport(Smtp(host=host, security="none"))


@pytest.mark.parametrize(("security", "port", "expected"), [("tls", 0, 465), ("starttls", 0, 587), ("none", 0, 25), ("tls", 2465, 2465)])
def test_usual_ports(security, port, expected):
    """Nobody should have to know them."""
    assert place(Smtp(host="localhost", security=security, port=port)) == f"localhost:{expected}"


def test_names_of_hosts():
    """What people type, as the network wants it."""
    assert bare_host(Smtp(host="[::1]")) == "::1"
    assert bare_host(Smtp(host="bücher.example")) == "xn--bcher-kva.example"


def test_registered(project, server):
    """The configuration leads here."""
    ours = with_config(project, transport=Transports(smtp=settings(server, connections=2)))
    occasion = Occasion("2026-01", 1, FakeClock().now)
    way = way_out("smtp")
    assert way.real
    assert way.place(ours, occasion) == f"127.0.0.1:{server.port}"
    transport = open_transport(ours, "smtp", occasion)
    assert (transport.name, transport.lanes) == ("smtp", 2)
    assert way.probe(ours) == f"127.0.0.1:{server.port} answers without TLS, no login asked for"
    assert server.connections == 1


@pytest.mark.parametrize("fault", [Fault(close=True), "421 4.3.2 bye", "500 5.5.1 what"])
def test_probe_tells_what_is_wrong(server, fault):
    """`doctor` asks without sending."""
    server.fail("noop", fault)
    with pytest.raises(TransportError) as caught:
        probe(settings(server), "")
    assert caught.value.hint
