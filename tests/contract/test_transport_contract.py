"""What every transport must hold, whatever is behind it. A new one is added to WAYS and to nothing else."""

from __future__ import annotations

from email import message_from_bytes, policy
from pathlib import Path

import pytest
import trustme

from composer.config import SendGrid, Smtp
from composer.testing import MemoryTransport, a_message, an_audience
from composer.testing import sendgrid as sendgrid_double
from composer.testing.sendgrid import Point, SendGridDouble
from composer.testing.smtp import Fault as SmtpFault
from composer.testing.smtp import SmtpServer
from composer.transport.base import Accepted, Deferred, Rejected, Unknown, Unusable
from composer.transport.outbox import OutboxTransport
from composer.transport.registry import WAYS_OUT
from composer.transport.sendgrid import SendGridTransport
from composer.transport.sendgrid.client import Client
from composer.transport.smtp import SmtpTransport


class Outbox:
    """The outbox, and what arrived in it."""

    def __init__(self, folder: Path):
        self.transport = OutboxTransport(folder)

    def arrived(self):
        files = sorted(self.transport.folder.glob("*.eml")) if self.transport.folder.is_dir() else []
        return sorted(message_from_bytes(path.read_bytes(), policy=policy.default)["To"].addresses[0].addr_spec for path in files)


class Memory:
    """The double that stands for a real transport."""

    def __init__(self, _folder: Path):
        self.transport = MemoryTransport()

    def arrived(self):
        return sorted(self.transport.addresses)

    def refuse(self, email, _place):
        self.transport.answers[email] = Rejected("no such person")

    def defer(self, email, _place):
        self.transport.answers[email] = Deferred("later")

    def lose(self, email, _place):
        self.transport.answers[email] = Unknown("no answer")


class Mail:
    """SMTP, pipelined, to a server that writes down what it accepts."""

    def __init__(self, _folder: Path):
        self.server = SmtpServer().start()
        self.transport = SmtpTransport(Smtp(host="127.0.0.1", port=self.server.port, security="none", timeout=10))

    def arrived(self):
        return sorted(self.server.addresses)

    def refuse(self, email, _place):
        self.server.fail("rcpt", "550 5.1.1 no such person", marker=email)

    def defer(self, email, _place):
        self.server.fail("rcpt", "451 4.3.2 busy", marker=email, times=1)

    def lose(self, email, _place):
        self.server.fail("dot", SmtpFault(close=True, keep=True), marker=email, times=1)

    def stop(self):
        self.server.stop()


class OneByOne(Mail):
    """SMTP, to a server that wants to be asked one thing at a time."""

    def __init__(self, _folder: Path):
        self.server = SmtpServer(pipelining=False).start()
        self.transport = SmtpTransport(Smtp(host="127.0.0.1", port=self.server.port, security="none", timeout=10))


class Encrypted(Mail):
    """SMTP, pipelined, through TLS."""

    def __init__(self, folder: Path):
        authority, certificate = trustme.CA(), folder.parent / "server.pem"
        folder.parent.mkdir(parents=True)
        authority.cert_pem.write_to_path(str(folder.parent / "authority.pem"))
        authority.issue_cert("localhost").private_key_and_cert_chain_pem.write_to_path(str(certificate))
        self.server = SmtpServer(certificate=certificate, tls="starttls").start()
        self.transport = SmtpTransport(Smtp(host="localhost", port=self.server.port, security="starttls", timeout=10))


class Api:
    """SendGrid, as its double has it."""

    def __init__(self, _folder: Path):
        self.double = SendGridDouble()
        self.double.up()
        client = Client(self.double.url, sendgrid_double.KEY, timeout=10)
        self.transport = SendGridTransport(SendGrid(), client, pauses=(0.01, 0.01))

    def arrived(self):
        return sorted(self.double.emails)

    def refuse(self, _email, place):
        row = {"message": "Does not contain a valid address.", "field": f"personalizations.{place}.to"}
        self.double.script.append(sendgrid_double.Fault(Point.STATUS, status=400, errors=(row,)))

    def defer(self, _email, _place):
        self.double.script.append(sendgrid_double.Fault(Point.STATUS, status=408))

    def lose(self, _email, _place):
        self.double.script.append(sendgrid_double.Fault(Point.CLOSE_AFTER, accept=True))

    def stop(self):
        self.double.down()


WAYS = {"outbox": Outbox, "memory": Memory, "smtp": Mail, "smtp plain": OneByOne, "smtp over tls": Encrypted, "sendgrid": Api}
REAL = sorted(set(WAYS) - {"outbox"})


@pytest.fixture(params=WAYS)
def way(request, tmp_path, monkeypatch):
    if request.param == "smtp over tls":
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "out" / "authority.pem"))
    made = WAYS[request.param](tmp_path / "out" / "box")
    yield made
    made.transport.close()
    if hasattr(made, "stop"):
        made.stop()


def _batch(people):
    return [a_message(subscriber=person, delivery_id=f"d{number}") for number, person in enumerate(an_audience(people).subscribers)]


def test_every_shipped_transport_is_held_to_this():
    """A way out that is registered but not in this suite has promised nothing."""
    assert set(WAYS_OUT) <= set(WAYS)


def test_says_what_it_is(way):
    """The ledger and the loop decide by these three alone."""
    assert way.transport.name
    assert isinstance(way.transport.real, bool)
    assert isinstance(way.transport.idempotent, bool)


@pytest.mark.parametrize("people", [0, 1, 7])
def test_one_outcome_a_message_in_order(way, people):
    """The loop matches outcomes to deliveries by place."""
    outcomes = way.transport.send(_batch(people))
    assert isinstance(outcomes, list)
    assert len(outcomes) == people
    assert all(isinstance(outcome, Accepted | Deferred | Rejected | Unknown) for outcome in outcomes)


def test_what_is_accepted_arrives_and_nothing_else(way):
    """Accepted is a promise about the other side."""
    batch = _batch(5)
    outcomes = way.transport.send(batch)
    accepted = sorted(message.email for message, outcome in zip(batch, outcomes, strict=True) if isinstance(outcome, Accepted))
    assert way.arrived() == accepted == sorted(message.email for message in batch)


def test_batches_add_up(way):
    """One transport takes many batches."""
    batch = _batch(4)
    way.transport.send(batch[:2])
    way.transport.send(batch[2:])
    assert len(way.arrived()) == 4


def test_idempotent_means_that_twice_is_once(way):
    """After a crash the loop sends again what was in flight, if and only if this holds."""
    batch = _batch(3)
    way.transport.send(batch)
    way.transport.send(batch)
    assert len(way.arrived()) == (3 if way.transport.idempotent else 6)


def test_close_is_safe_twice(way):
    """Cleaning up never fails."""
    way.transport.close()
    way.transport.close()


@pytest.mark.parametrize("way", REAL, indirect=True)
@pytest.mark.parametrize("place", [0, 2, 4])
def test_one_person_refused_holds_back_nobody(way, place):
    """A final no is about one person; the others have their mail."""
    batch = _batch(5)
    way.refuse(batch[place].email, place)
    outcomes = way.transport.send(batch)
    assert [index for index, outcome in enumerate(outcomes) if isinstance(outcome, Rejected)] == [place]
    assert sum(isinstance(outcome, Accepted) for outcome in outcomes) == 4
    assert way.arrived() == sorted(message.email for message in batch if message is not batch[place])


@pytest.mark.parametrize("way", REAL, indirect=True)
def test_deferred_was_not_taken_and_may_go_again(way):
    """Another try later is safe, because this one reached nobody."""
    batch = _batch(3)
    way.defer(batch[1].email, 1)
    outcomes = way.transport.send(batch)
    assert isinstance(outcomes[1], Deferred)
    taken = sorted(message.email for message, outcome in zip(batch, outcomes, strict=True) if isinstance(outcome, Accepted))
    assert way.arrived() == taken
    if not isinstance(way, Memory):
        later = [message for message in batch if message.email not in taken]
        assert all(isinstance(outcome, Accepted) for outcome in way.transport.send(later))
        assert way.arrived() == sorted(message.email for message in batch)


@pytest.mark.parametrize("way", REAL, indirect=True)
def test_a_lost_answer_is_unknown(way):
    """Not a yes and not a no: the other side may have taken it, and here it has."""
    batch = _batch(3)
    way.lose(batch[2].email, 2)
    outcomes = way.transport.send(batch)
    assert isinstance(outcomes[2], Unknown)
    arrived = way.arrived()
    assert len(arrived) == len(set(arrived))
    for message, outcome in zip(batch, outcomes, strict=True):
        assert not isinstance(outcome, Deferred | Rejected)
        assert message.email in arrived or isinstance(outcome, Unknown)


@pytest.mark.parametrize("way", ["smtp", "smtp plain", "smtp over tls", "sendgrid"], indirect=True)
def test_no_call_begins_after_an_interrupt(way):
    """Ctrl-C is for what has not begun; those people stay pending."""
    way.transport.interrupt()
    with pytest.raises(Unusable) as caught:
        way.transport.send(_batch(2))
    assert set(caught.value.outcomes) <= {None}
    assert way.arrived() == []
