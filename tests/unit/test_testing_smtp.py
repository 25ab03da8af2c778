"""The recording mail server: what it says it accepted it has, and what it is told to do wrong it does."""

from __future__ import annotations

import smtplib
import socket
import ssl
import subprocess
import sys
import threading
from contextlib import contextmanager

import pytest
import trustme

from composer.testing.smtp import Fault, SmtpServer
from composer.testing.smtp_fault import STEPS, Faults, Rule, parse_rule

MAIL = b"Subject: hi\r\nMessage-ID: <m1@letters.example>\r\n\r\n..two dots\r\n.one\r\nend\r\n"


@contextmanager
def talking(server):
    """A plain socket and a file over it: what a client that pipelines has."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=5) as sock, sock.makefile("rb") as file:
        yield sock, file


def client(server, **how):
    return smtplib.SMTP("127.0.0.1", server.port, local_hostname="me.example", timeout=5, **how)


def send(server, recipient="ann@example.com", data=MAIL):
    with client(server) as smtp:
        return smtp.sendmail("news@letters.example", [recipient], data)


def test_what_is_accepted_is_written_down_unstuffed():
    """A test compares with the bytes that were given to the client."""
    with SmtpServer() as server:
        send(server)
        (one,) = server.received
    assert (one.sender, one.recipients, one.data, one.connection, one.secure) == (
        "news@letters.example",
        ("ann@example.com",),
        MAIL,
        1,
        False,
    )
    assert one.at > 0


@pytest.mark.parametrize("body", [b".\r\n", b"..\r\n", b"\r\n.\r\n\r\n", b"a\r\n..\r\n.\r\n...\r\n", b"\r\n"])
def test_any_dots_survive(body):
    """The smallest messages are the ones where stuffing goes wrong."""
    with SmtpServer() as server:
        send(server, data=body)
        assert server.received[0].data == body


def test_pipelined_commands_are_answered_in_order():
    """RFC 2920: commands may arrive in one packet, the next message's behind the final dot."""
    one = b"MAIL FROM:<a@x.example>\r\nRCPT TO:<b@x.example>\r\nDATA\r\n"
    with SmtpServer() as server, talking(server) as (sock, file):
        sock.sendall(b"EHLO me\r\n" + one)
        lines = [file.readline() for _ in range(10)]
        assert [line[:3] for line in lines] == [b"220", *[b"250"] * 6, *[b"250"] * 2, b"354"]
        sock.sendall(b"hi\r\n.\r\n" + one + b"hi again\r\n.\r\nQUIT\r\n")
        assert [file.readline()[:3] for _ in range(6)] == [b"250", b"250", b"250", b"354", b"250", b"221"]
        assert file.readline() == b""
        assert [message.data for message in server.received] == [b"hi\r\n", b"hi again\r\n"]


def test_offers_what_was_asked_for():
    """The client under test decides by these words."""
    with SmtpServer(size=5000, utf8=False, username="u", password="p") as server, client(server) as smtp:
        smtp.ehlo()
        assert smtp.esmtp_features["size"] == "5000"
        assert smtp.has_extn("pipelining")
        assert not smtp.has_extn("smtputf8")
        assert smtp.esmtp_features["auth"].split() == ["PLAIN", "LOGIN"]


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN"])
def test_login(mechanism):
    """Both ways to log in work, a wrong password does not, and without one nothing is taken."""
    with SmtpServer(username="news", password="s3cret", mechanisms=(mechanism,)) as server:
        with client(server) as smtp:
            with pytest.raises(smtplib.SMTPSenderRefused) as caught:
                smtp.sendmail("a@x.example", ["b@x.example"], MAIL)
            assert caught.value.smtp_code == 530
            with pytest.raises(smtplib.SMTPAuthenticationError):
                smtp.login("news", "wrong")
            smtp.login("news", "s3cret")
            smtp.sendmail("a@x.example", ["b@x.example"], MAIL)
        assert [message.username for message in server.received] == ["news"]


def _authority(tmp_path):
    authority = trustme.CA()
    path = tmp_path / "server.pem"
    authority.issue_cert("localhost", "127.0.0.1").private_key_and_cert_chain_pem.write_to_path(str(path))
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return path, context


def test_starttls_is_demanded_and_taken(tmp_path):
    """With a certificate nothing is accepted in plaintext."""
    path, context = _authority(tmp_path)
    with SmtpServer(certificate=path, tls="starttls") as server, client(server) as smtp:
        with pytest.raises(smtplib.SMTPSenderRefused, match="STARTTLS"):
            smtp.sendmail("a@x.example", ["b@x.example"], MAIL)
        smtp.starttls(context=context)
        smtp.sendmail("a@x.example", ["b@x.example"], MAIL)
        assert [message.secure for message in server.received] == [True]


def test_implicit_tls(tmp_path):
    """Port 465's way."""
    path, context = _authority(tmp_path)
    with SmtpServer(certificate=path, tls="implicit") as server:
        with smtplib.SMTP_SSL("localhost", server.port, local_hostname="me", timeout=5, context=context) as smtp:
            smtp.sendmail("a@x.example", ["b@x.example"], MAIL)
        assert [message.secure for message in server.received] == [True]


@pytest.mark.parametrize(
    ("commands", "code"),
    [
        (["MAIL FROM:<a@x.example>"], b"503"),
        (["EHLO me", "RCPT TO:<b@x.example>"], b"503"),
        (["EHLO me", "MAIL FROM:<a@x.example>", "DATA"], b"503"),
        (["EHLO me", "MAIL FROM:a@x.example"], b"501"),
        (["EHLO me", "MAIL FROM:<a@x.example>", "RCPT TO:<>"], b"501"),
        (["EHLO me", "MAIL FROM:<a@x.example> SIZE=5001"], b"552"),
        (["EHLO me", "MAIL FROM:<a@x.example>", "RCPT TO:<é@x.example>"], b"553"),
        (["EHLO me", "MAIL FROM:<é@x.example>"], b"553"),
        (["EHLO me", "MAIL FROM:<é@x.example> SMTPUTF8", "RCPT TO:<é@x.example>"], b"250"),
        (["EHLO me", "STARTTLS"], b"502"),
        (["EHLO me", "AUTH PLAIN AAAA"], b"504"),
        (["HELLO me"], b"500"),
        (["NOOP"], b"250"),
        (["EHLO me", "MAIL FROM:<a@x.example>", "RSET", "RCPT TO:<b@x.example>"], b"503"),
    ],
)
def test_keeps_to_the_protocol(commands, code):
    """A client that makes a mistake must not get away with it."""
    with SmtpServer(size=5000) as server, talking(server) as (sock, file):
        file.readline()
        for command in commands:
            sock.sendall(command.encode() + b"\r\n")
            while (line := file.readline())[3:4] == b"-":
                pass
        assert line[:3] == code


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"a\nb\r\n", 554),
        (b"a\rb\r\n", 554),
        (b"x" * 999 + b"\r\n", 554),
        (b"x" * 998 + b"\r\n", 250),
        ("é\r\n".encode(), 554),
        (b"x\r\n" * 2000, 552),
    ],
)
def test_malformed_or_too_big_messages_are_refused(data, code):
    """Mail that only a lenient server takes is a defect of the client."""
    with SmtpServer(size=5000) as server:
        with client(server) as smtp:
            smtp.ehlo()
            smtp.mail("a@x.example")
            smtp.rcpt("b@x.example")
            assert smtp.data(data)[0] == code
        assert len(server.received) == (code == 250)


@pytest.mark.parametrize("step", ["ehlo", "mail", "rcpt", "data", "dot", "rset", "noop", "quit", "connect"])
def test_each_step_fails_as_told(step):
    """A step that quietly ignored its fault would make every test of it worthless."""
    commands = {
        "connect": "",
        "ehlo": "EHLO me",
        "mail": "MAIL FROM:<a@x.example>",
        "rcpt": "RCPT TO:<b@x.example>",
        "data": "DATA",
        "dot": "hi\r\n.",
        "rset": "RSET",
        "noop": "NOOP",
        "quit": "QUIT",
    }
    with SmtpServer() as server, talking_with_fault(server, step) as (sock, file):
        for name, command in commands.items():
            if command:
                sock.sendall(command.encode() + b"\r\n")
            while (line := file.readline())[3:4] == b"-":
                pass
            if name == step:
                break
        assert line == b"451 4.3.0 not now\r\n"
        assert len(server.received) == (step in {"rset", "noop", "quit"})


@contextmanager
def talking_with_fault(server, step):
    server.fail(step, "451 4.3.0 not now")
    with talking(server) as pair:
        yield pair


def _dot(server, recipient="b@x.example", timeout=0.3):
    """Everything that comes after the final dot."""
    with talking(server) as (sock, file):
        sock.sendall(b"EHLO me\r\nMAIL FROM:<a@x.example>\r\nRCPT TO:<" + recipient.encode() + b">\r\nDATA\r\n")
        while file.readline()[:3] != b"354":
            pass
        sock.sendall(b"hi\r\n.\r\n")
        sock.settimeout(timeout)
        try:
            return file.readline() + file.read()
        except TimeoutError:
            return None


@pytest.mark.parametrize(
    ("fault", "said", "accepted"),
    [
        (Fault("421 4.3.2 going down"), b"421 4.3.2 going down\r\n", 0),
        (Fault("554 5.7.1 no"), None, 0),
        (Fault("250-one\r\n250 two", close=True), b"250-one\r\n250 two\r\n", 1),
        (Fault(close=True), b"", 0),
        (Fault(close=True, keep=True), b"", 1),
        (Fault(half=True), b"250 2.0.0 ok:", 0),
        (Fault(silent=True), None, 0),
        (Fault(silent=True, keep=True), None, 1),
        (Fault(delay=1), None, 1),
    ],
)
def test_every_way_to_misbehave(fault, said, accepted):
    """Whether the message counts as accepted is what a test of a lost answer stands on."""
    with SmtpServer() as server:
        server.fail("dot", fault)
        heard = _dot(server)
        assert heard[: len(said)] == said if said else heard == said
        assert server.count == len(server.received) == accepted


def test_rules_by_number_address_and_order():
    """A script is a list of rules that are used up one after another."""
    faults = Faults()
    for rule in (
        Rule("rcpt", Fault("451 a"), times=1, skip=1),
        Rule("rcpt", Fault("452 b"), times=1),
        Rule("rcpt", Fault("550 c"), marker="bad"),
    ):
        faults.add(rule)
    said = [(fault.reply if (fault := faults.at("rcpt", address)) else "") for address in ("x", "x", "x", "bad", "x")]
    assert said == ["452 b", "451 a", "", "550 c", ""]
    assert faults.at("mail", "bad") is None
    faults.clear()
    assert faults.at("rcpt", "bad") is None


def test_chance_is_the_same_each_time():
    """A storm that cannot be repeated cannot be mended."""

    def storm(seed):
        faults = Faults(seed)
        faults.add(Rule("dot", Fault(close=True), chance=0.3))
        return [faults.at("dot", "x") is not None for _ in range(200)]

    assert storm(1) == storm(1) != storm(2)
    assert 30 < sum(storm(1)) < 90


def test_unknown_step():
    """A typo in a test would make it pass."""
    with pytest.raises(ValueError, match="no step dott"):
        SmtpServer().fail("dott", "550 no")


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("dot=close", Rule("dot", Fault(close=True))),
        ("dot=lost@0.5", Rule("dot", Fault(close=True, keep=True), chance=0.5)),
        ("dot=late 2", Rule("dot", Fault(delay=2.0))),
        ("rcpt=451 4.7.1 later@0.01", Rule("rcpt", Fault("451 4.7.1 later"), chance=0.01)),
        ("connect=silent", Rule("connect", Fault(silent=True))),
        ("mail=half", Rule("mail", Fault(half=True))),
    ],
)
def test_rules_as_typed(text, rule):
    """The command line says the same as the method."""
    assert rule.step in STEPS
    assert parse_rule(text) == rule


@pytest.mark.parametrize("text", ["dot", "dot=never", "dot=45 x", "dot=close@often"])
def test_rules_that_cannot_be_read(text):
    """A storm that was not understood is not a calm sea."""
    with pytest.raises(ValueError, match=r".+"):
        parse_rule(text)


def test_so_many_messages_a_connection():
    """Servers do that; clients must live with it."""
    with SmtpServer(per_connection=2) as server:
        with client(server) as smtp:
            for _ in range(2):
                smtp.sendmail("a@x.example", ["b@x.example"], MAIL)
            smtp.ehlo()
            assert smtp.mail("a@x.example")[0] == 421
        send(server)
        assert [message.connection for message in server.received] == [1, 1, 2]


def test_stops_and_starts_again_on_its_port():
    """A server that dies and comes back, as seen from outside."""
    with SmtpServer() as server:
        with talking(server) as (_, file):
            file.readline()
            before = threading.active_count()
            server.stop()
            assert file.readline() == b""
        assert threading.active_count() < before
        with pytest.raises(OSError, match="refused"), talking(server):
            pass
        server.start()
        send(server)
        assert server.wait_for(1)
        assert not server.wait_for(2, timeout=0.01)


def test_many_clients_at_once():
    """Threads do not lose count."""
    with SmtpServer(keep=False) as server:
        threads = [threading.Thread(target=send, args=(server,)) for _ in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert (server.count, server.connections, server.received) == (20, 20, [])


def test_log_holds_a_line_before_the_answer(tmp_path):
    """After a crash of the client this file is the truth."""
    log = tmp_path / "log"
    with SmtpServer(log=log) as server:
        server.fail("dot", Fault(close=True, keep=True))
        assert _dot(server) == b""
        server.faults.clear()
        send(server)
    assert log.read_bytes() == b"b@x.example\t\nann@example.com\tm1@letters.example\n"
    assert log.stat().st_mode & 0o777 == 0o600


def test_runs_as_a_process_of_its_own(tmp_path):
    """The sender is killed, the server must not be."""
    log = tmp_path / "log"
    command = [
        sys.executable,
        "-W",
        "error",
        "-m",
        "composer.testing.smtp",
        "--port",
        "0",
        "--log",
        str(log),
        "--fail",
        "rcpt=550 5.1.1 no@0",
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            port = int(process.stdout.readline())
            with smtplib.SMTP("127.0.0.1", port, local_hostname="me", timeout=5) as smtp:
                smtp.sendmail("a@x.example", ["ann@example.com"], MAIL)
            assert log.read_text() == "ann@example.com\tm1@letters.example\n"
        finally:
            process.terminate()
        assert process.wait(5) == 0
