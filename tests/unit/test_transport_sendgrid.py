"""The SendGrid transport against a server that fails at every point: who was taken, who was not, and who is in doubt."""

from __future__ import annotations

import json
import logging
import ssl
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime

import pytest
import trustme

from composer.audience.model import Subscriber
from composer.config import Config, ListSettings, SendGrid, Transports, Unsubscribe
from composer.errors import ConfigError, TransportError
from composer.issue.model import Asset
from composer.message.build import build_message, inline_images
from composer.message.merge import Merger
from composer.project import with_config
from composer.testing import FakeClock, an_audience, an_edition
from composer.testing.sendgrid import KEY, Fault, Point, SendGridDouble, Storm
from composer.transport.base import Accepted, Deferred, Rejected, Unknown, Unusable
from composer.transport.registry import Occasion, open_transport, way_out
from composer.transport.sendgrid import Schedule, SendGridTransport, account, open_sendgrid
from composer.transport.sendgrid import payload as payload_module
from composer.transport.sendgrid import transport as transport_module
from composer.transport.sendgrid.client import Client, open_client
from composer.transport.sendgrid.wire import Lost


@pytest.fixture
def double():
    with SendGridDouble() as double:
        yield double


def _config(double, *, via="mailto", key=KEY, **settings):
    sendgrid = SendGrid(base_url=double if isinstance(double, str) else double.url, **{"timeout": 5, **settings})
    return replace(Config(), transport=Transports(sendgrid=sendgrid), unsubscribe=Unsubscribe(via=via), sendgrid_api_key=key)


def _transport(double, *, schedule=None, pauses=(0.01, 0.01), **settings):
    config = _config(double, **settings)
    return SendGridTransport(config.transport.sendgrid, open_client(config), schedule=schedule, pauses=pauses)


def _batch(people, *, emails=None, edition=None, config=None):
    edition = edition or an_edition()
    merger = Merger(edition, inline_images(edition))
    everyone = an_audience(people) if emails is None else None
    persons = list(everyone.subscribers) if everyone else [Subscriber(email, email, "", {}) for email in emails]
    return [
        build_message(
            merger,
            person,
            delivery_id=f"d{n}",
            date=FakeClock().now,
            config=config or Config(),
            settings=ListSettings(name="r"),
            keys=("k",),
        )
        for n, person in enumerate(persons, 1)
    ]


def _kinds(outcomes):
    return [type(outcome).__name__ for outcome in outcomes]


def _posts(double):
    return [status for _, path, status in double.calls if path.endswith("mail/send")]


def test_everyone_gets_their_own(double):
    """One request for all, one mail for each, merged to the letter as it was built."""
    batch = _batch(7)
    outcomes = _transport(double).send(batch)
    assert _kinds(outcomes) == ["Accepted"] * 7
    assert _posts(double) == [202]
    assert [(each.email, each.delivery, each.html) for each in double.received] == [(m.email, m.delivery_id, m.html) for m in batch]


def test_a_named_person_is_rejected_and_the_rest_goes(double):
    """One bad address must not hold back a batch."""
    emails = ["a@example.com", "no-domain@localhost", "b@example.com", "zoé@example.com", "c@example.com"]
    outcomes = _transport(double).send(_batch(0, emails=emails))
    assert _kinds(outcomes) == ["Accepted", "Rejected", "Accepted", "Rejected", "Accepted"]
    assert double.emails == ["a@example.com", "b@example.com", "c@example.com"]
    assert "@" not in outcomes[1].reason
    assert len(_posts(double)) == 2


def test_everyone_named(double):
    """A request that nobody is left in is not posted."""
    outcomes = _transport(double).send(_batch(0, emails=["x@localhost", "y@localhost"]))
    assert _kinds(outcomes) == ["Rejected", "Rejected"]
    assert _posts(double) == [400]


class Picky:
    """A client whose SendGrid refuses requests with certain people, and does not say why."""

    def __init__(self, *bad, status=400, message="Bad Request"):
        self.bad, self.status, self.message, self.posts, self.taken = set(bad), status, message, 0, []

    def call(self, method, path, *, body=None):
        from composer.transport.sendgrid.wire import Answer

        self.posts += 1
        people = [person["to"][0]["email"] for person in json.loads(body)["personalizations"]]
        if self.bad & set(people) or "all" in self.bad:
            return Answer(self.status, {}, json.dumps({"errors": [{"message": self.message, "field": None}]}).encode())
        self.taken += people
        return Answer(202, {}, b"")


@pytest.mark.parametrize("bad", [{1}, {8}, {3, 4}, {1, 2, 3, 4, 5}, set(range(1, 8))])
def test_a_refusal_that_names_nobody_is_halved(bad):
    """Down to those who are left alone with it; nobody is lost, nobody twice, and the posts are bounded."""
    client = Picky(*(f"person{number}@example.com" for number in bad))
    outcomes = SendGridTransport(SendGrid(), client).send(_batch(8))
    assert [number for number, outcome in enumerate(outcomes, 1) if isinstance(outcome, Rejected)] == sorted(bad)
    assert sorted(client.taken) == sorted(f"person{number}@example.com" for number in range(1, 9) if number not in bad)
    assert client.posts <= 16


def test_named_one_after_the_other():
    """Places are counted in the request that was refused, not in the first one."""
    bad = {"person2@example.com", "person3@example.com", "person7@example.com"}

    class OneAtATime(Picky):
        def call(self, method, path, *, body=None):
            from composer.transport.sendgrid.wire import Answer

            people = [person["to"][0]["email"] for person in json.loads(body)["personalizations"]]
            for index, email in enumerate(people):
                if email in bad:
                    row = {"message": "Does not contain a valid address.", "field": f"personalizations.{index}.to.0.email"}
                    return Answer(400, {}, json.dumps({"errors": [row]}).encode())
            return super().call(method, path, body=body)

    client = OneAtATime()
    outcomes = SendGridTransport(SendGrid(), client).send(_batch(8))
    assert [number for number, outcome in enumerate(outcomes, 1) if isinstance(outcome, Rejected)] == [2, 3, 7]
    assert len(client.taken) == 5


def test_one_alone_with_a_refusal_is_rejected():
    """There is nothing to halve."""
    outcomes = SendGridTransport(SendGrid(), Picky("all")).send(_batch(1))
    assert outcomes == [Rejected("SendGrid refused: Bad Request")]


def test_a_refusal_of_everyone_is_nobodys_fault():
    """If SendGrid takes none at all, a list must not be rejected person by person: the campaign stops, everyone stays pending."""
    client = Picky("all")
    with pytest.raises(Unusable, match="takes none") as caught:
        SendGridTransport(SendGrid(), client).send(_batch(100))
    assert list(caught.value.outcomes) == [None] * 100
    assert client.posts < 40


def test_too_large_is_halved():
    """413 says that half may fit."""
    client = Picky(*(), status=413)
    client.call = _limited(client.call, 3)
    assert _kinds(SendGridTransport(SendGrid(), client).send(_batch(10))) == ["Accepted"] * 10


def _limited(call, most):
    from composer.transport.sendgrid.wire import Answer

    def limited(method, path, *, body=None):
        if len(json.loads(body)["personalizations"]) > most:
            return Answer(413, {}, b"")
        return call(method, path, body=body)

    return limited


def test_too_large_for_one_is_the_issue():
    """No person can help it: the images are too many."""
    with pytest.raises(Unusable, match="too large") as caught:
        SendGridTransport(SendGrid(), Picky("all", status=413)).send(_batch(2))
    assert "images" in caught.value.hint


def test_a_request_is_measured_before_it_is_posted(double, monkeypatch):
    """What is over SendGrid's limit is cut, not tried."""
    size = len(_request_of(_batch(10)))
    monkeypatch.setattr(transport_module, "LARGEST_REQUEST", size - 10)
    assert _kinds(_transport(double).send(_batch(10))) == ["Accepted"] * 10
    assert _posts(double) == [202, 202]
    assert double.largest < size - 10


def _request_of(batch):
    builder = payload_module.Builder(payload_module.Terms("q0123456789abcdef"), 200)
    (request,) = builder.requests(batch)
    return request.body()


def test_too_much_for_one_person_holds_back_nobody_else(double):
    """10,000 bytes are SendGrid's limit on what is merged for a person."""
    people = [Subscriber(f"{n}@example.com", f"{n}@example.com", "", {"first_name": "x" * n}) for n in (1, 9000, 2)]
    edition = an_edition()
    merger = Merger(edition, inline_images(edition))
    batch = [
        build_message(
            merger, each, delivery_id=f"d{n}", date=FakeClock().now, config=Config(), settings=ListSettings(name="r"), keys=("k",)
        )
        for n, each in enumerate(people)
    ]
    outcomes = _transport(double).send(batch)
    assert _kinds(outcomes) == ["Accepted", "Rejected", "Accepted"]
    assert "10000" in outcomes[1].reason
    assert _posts(double) == [202]


@pytest.mark.parametrize("accept", [False, True])
@pytest.mark.parametrize("point", [Point.CLOSE_AFTER, Point.GARBAGE, Point.SLOW])
def test_a_lost_answer_is_in_doubt(double, point, accept):
    """The mail may be out: never sent again without a person's word."""
    double.script.append(Fault(point, accept=accept, seconds=3))
    transport = _transport(double, timeout=1 if point is Point.SLOW else 5)
    outcomes = transport.send(_batch(2))
    assert _kinds(outcomes) == ["Unknown", "Unknown"]
    assert len(double.received) == (2 if accept else 0)
    assert len(double.calls) == 1
    assert "@" not in outcomes[0].reason


@pytest.mark.parametrize("retry", [False, True])
def test_5xx(double, retry):
    """In doubt by default; deferred for those who said so."""
    double.script.append(Fault(Point.STATUS, status=502, accept=True))
    outcomes = _transport(double, retry_5xx=retry).send(_batch(2))
    assert _kinds(outcomes) == (["Deferred"] if retry else ["Unknown"]) * 2
    assert len(_posts(double)) == 1


def _large():
    """An edition far beyond what the sockets' buffers hold."""
    image = Asset("qimagemarkx", "big.png", "image/png", bytes(range(256)) * 40_000, "cd" * 32, 10, 10)
    return an_edition(attachments=(image,))


@pytest.mark.parametrize("point", [Point.CLOSE_BEFORE, Point.CLOSE_MIDDLE])
def test_half_a_request_is_a_certain_no(double, point):
    """The connection broke while the body was being written: it goes again, nobody twice."""
    double.script += [None, Fault(point)]
    transport = _transport(double, timeout=20)
    transport.send(_batch(1))
    outcomes = transport.send(_batch(2, edition=_large()))
    assert _kinds(outcomes) == ["Accepted", "Accepted"]
    assert len(double.received) == 3


def test_half_a_request_again_and_again(double):
    """Tries are bounded; then these people are due later."""
    double.script += [None, *[Fault(Point.CLOSE_MIDDLE)] * 3]
    transport = _transport(double, timeout=20)
    transport.send(_batch(1))
    outcomes = transport.send(_batch(2, edition=_large()))
    assert _kinds(outcomes) == ["Deferred", "Deferred"]
    assert len(double.received) == 1


def test_a_server_that_hangs_up_with_a_reason_is_heard():
    """An answer may come while the body is still being written, as a front end does with what is too large for it."""
    import socket

    def refuse(server):
        with server.accept()[0] as connection:
            connection.recv(65_536)
            connection.sendall(b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n")

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=refuse, args=(server,))
        thread.start()
        with pytest.raises(Unusable, match="too large"):
            _transport(f"http://127.0.0.1:{server.getsockname()[1]}").send(_batch(1, edition=_large()))
        thread.join()


def test_no_such_host_is_a_certain_no(monkeypatch):
    """A name that is not known was told nothing."""
    import socket

    def unknown(*_, **__):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(Unusable, match="Name or service not known") as caught:
        _transport("https://api.sendgrid.example").send(_batch(2))
    assert list(caught.value.outcomes) == [None, None]


def test_a_redirect_is_not_followed(double):
    """A POST that is sent on as a GET would be a mail that nobody knows of; the address is to be mended, everyone stays pending."""
    location = (("Location", f"{double.url}/v3/scopes"),)
    double.script.append(Fault(Point.STATUS, status=302, headers=location))
    with pytest.raises(Unusable, match="302") as caught:
        _transport(double).send(_batch(1))
    assert list(caught.value.outcomes) == [None]
    assert len(double.calls) == 1


def test_another_yes_stops_with_that_request_in_doubt(double):
    """What was before it is accepted, what would have come after it is pending."""
    double.script += [None, Fault(Point.STATUS, status=200)]
    with pytest.raises(Unusable, match="200") as caught:
        _transport(double, people_per_request=1).send(_batch(3))
    assert _kinds(caught.value.outcomes) == ["Accepted", "Unknown", "NoneType"]


def test_an_outage_does_not_bring_the_whole_list_into_doubt(double):
    """After five requests in a row that nobody knows of, the campaign stops; one that is answered in between starts the count anew."""
    failed = Fault(Point.STATUS, status=503)
    double.script += [failed] * 4 + [None] + [failed] * 20
    transport = _transport(double, people_per_request=1)
    with pytest.raises(Unusable, match="5 requests in a row") as caught:
        transport.send(_batch(15))
    assert _kinds(caught.value.outcomes) == ["Unknown"] * 4 + ["Accepted"] + ["Unknown"] * 5 + ["NoneType"] * 5
    assert "outage" in caught.value.hint


def test_a_refused_connection_is_a_certain_no(double):
    """SendGrid was there before: these people are due later, the campaign goes on."""
    transport = _transport(double)
    transport.send(_batch(1))
    double.down()
    assert _kinds(transport.send(_batch(3))) == ["Deferred"] * 3
    double.up()
    assert _kinds(transport.send(_batch(3))) == ["Accepted"] * 3


def test_a_server_that_comes_back_in_time(double):
    """A short outage costs nobody an attempt."""
    transport = _transport(double, pauses=(0.3, 0.3))
    double.down()
    timer = threading.Timer(0.15, double.up)
    timer.start()
    assert _kinds(transport.send(_batch(2))) == ["Accepted"] * 2
    timer.join()


def test_never_reached_is_unusable(double):
    """A wrong address or no network at all is for the operator to mend, before a thousand people are deferred."""
    double.down()
    with pytest.raises(Unusable, match="cannot be reached") as caught:
        _transport(double).send(_batch(2))
    assert list(caught.value.outcomes) == [None, None]
    assert "base_url" in caught.value.hint


def test_a_silent_server_is_never_waited_for_for_ever():
    """A half-open connection ends with the timeout; the whole request may have been read."""
    import socket

    with socket.create_server(("127.0.0.1", 0)) as server:
        transport = _transport(f"http://127.0.0.1:{server.getsockname()[1]}", timeout=1)
        begun = time.monotonic()
        assert _kinds(transport.send(_batch(1))) == ["Unknown"]
        assert time.monotonic() - begun < 4


@pytest.mark.parametrize(("status", "word"), [(401, "SENDGRID_API_KEY"), (403, "Mail Send")])
def test_a_refused_account_stops_all(double, status, word):
    """Nobody of the batch was sent, those before it were; nothing secret is said."""
    double.script += [None, Fault(Point.STATUS, status=status)]
    transport = _transport(double, people_per_request=2)
    with pytest.raises(Unusable) as caught:
        transport.send(_batch(5))
    assert _kinds(caught.value.outcomes) == ["Accepted", "Accepted", "NoneType", "NoneType", "NoneType"]
    assert word in caught.value.hint
    assert KEY not in f"{caught.value} {caught.value.hint}"


def test_a_wrong_key_is_said(double):
    """The real refusal, not a scripted one."""
    with pytest.raises(Unusable, match="401") as caught:
        _transport(double, key="SG.wrong").send(_batch(1))
    assert "SG.wrong" not in str(caught.value)


def test_a_group_that_is_not_there_stops_all(double):
    """It would be refused for everyone."""
    config = _config(double, via="sendgrid", group_id=99)
    with pytest.raises(Unusable, match=r"asm\.group_id") as caught:
        open_sendgrid(config).send(_batch(2))
    assert list(caught.value.outcomes) == [None, None]


def _limit(seconds):
    return Fault(Point.STATUS, status=429, headers=(("X-RateLimit-Remaining", "0"), ("X-RateLimit-Reset", str(int(time.time() + seconds)))))


def test_a_limit_is_waited_for(double):
    """429 is a certain no: the same request goes again when the limit is lifted."""
    double.script.append(_limit(1))
    assert _kinds(_transport(double).send(_batch(2))) == ["Accepted"] * 2
    assert _posts(double) == [202, 202]
    assert len(double.received) == 2


def test_a_long_limit_defers(double, monkeypatch):
    """Nobody waits for an hour in a call; the people are due when the limit is lifted."""
    monkeypatch.setattr(transport_module, "PATIENCE", 0.2)
    double.script.append(_limit(900))
    (outcome,) = _transport(double).send(_batch(1))
    assert isinstance(outcome, Deferred)
    assert 890 < outcome.after <= 900
    assert len(_posts(double)) == 1


def test_a_limit_holds_all_threads_and_an_interrupt_frees_them(double):
    """They share the account; Ctrl-C must not wait for a reset."""
    double.script.append(_limit(100))
    transport = _transport(double)
    with ThreadPoolExecutor(3) as pool:
        begun = time.monotonic()
        first = pool.submit(transport.send, _batch(1))
        while not double.calls:
            time.sleep(0.01)
        time.sleep(0.1)
        others = [pool.submit(transport.send, _batch(2)) for _ in range(2)]
        time.sleep(0.2)
        assert len(double.calls) == 1
        transport.interrupt()
        for waiting in (first, *others):
            with pytest.raises(Unusable, match="on request") as caught:
                waiting.result(timeout=5)
            assert set(caught.value.outcomes) == {None}
        assert time.monotonic() - begun < 5
    assert len(double.received) == 0


def test_nothing_begins_after_an_interrupt(double):
    """What is in flight may finish, nothing new is posted."""
    transport = _transport(double)
    transport.interrupt()
    with pytest.raises(Unusable):
        transport.send(_batch(1))
    assert not double.calls


def test_many_threads_at_once(double):
    """Eight lanes share one transport; everyone gets one mail, and their own outcome."""
    transport = _transport(double, people_per_request=5)
    batch = _batch(400)
    parts = [batch[start : start + 20] for start in range(0, 400, 20)]
    with ThreadPoolExecutor(8) as pool:
        outcomes = [outcome for part in pool.map(transport.send, parts) for outcome in part]
    assert _kinds(outcomes) == ["Accepted"] * 400
    assert sorted(double.emails) == sorted(message.email for message in batch)


def test_a_sender_that_cannot_be_written_stops_all(double):
    """It concerns the whole campaign, and is certain before anything is posted."""
    batch = _batch(
        2, edition=replace(an_edition(), reply_to="nobody at all"), config=replace(Config(), unsubscribe=Unsubscribe(address="a@b.example"))
    )
    with pytest.raises(Unusable, match="no address") as caught:
        _transport(double).send(batch)
    assert list(caught.value.outcomes) == [None, None]
    assert not double.calls


def test_a_storm_loses_and_doubles_nobody(double):
    """Whatever fails: accepted is taken once, a no is not taken, and only what is unknown is either."""
    faults = [Fault(point, accept=accept, status=503, seconds=0.0) for point in Point for accept in (False, True)]
    with SendGridDouble(storm=Storm(dict.fromkeys(faults, 0.04), seed=7)) as stormy:
        left, by_email = _batch(400), {}
        while left:
            try:
                outcomes = _transport(stormy, people_per_request=4).send(left)
            except Unusable as err:  # an outage, it seems; another run goes on with those who are pending
                outcomes = err.outcomes
            by_email |= {message.email: outcome for message, outcome in zip(left, outcomes, strict=True) if outcome}
            left = [message for message in left if message.email not in by_email]
        taken = stormy.emails
    assert len(taken) == len(set(taken))
    assert {email for email, outcome in by_email.items() if isinstance(outcome, Accepted)} <= set(taken)
    assert not {email for email, outcome in by_email.items() if isinstance(outcome, Deferred | Rejected)} & set(taken)
    assert {type(outcome) for outcome in by_email.values()} >= {Accepted, Unknown}


def test_a_schedule_can_be_called_back(double):
    """Everything goes out under the batch id, and outcomes carry it; a cancelled batch reaches nobody."""
    client = open_client(_config(double))
    batch_id = account.create_batch(client)
    due = int(time.time()) + 1800
    double.script += [None, Fault(Point.CLOSE_AFTER, accept=True)]
    transport = _transport(double, schedule=Schedule(batch_id, due), people_per_request=2)
    outcomes = transport.send(_batch(4))
    assert _kinds(outcomes) == ["Accepted", "Accepted", "Unknown", "Unknown"]
    assert {outcome.batch for outcome in outcomes} == {batch_id}
    assert not double.delivered()
    assert len(double.delivered(due)) == 4
    account.cancel_batch(client, batch_id)
    assert not double.delivered(due)


def test_batches_of_the_account(double):
    """Every call that undoing needs, against the rules that SendGrid documents."""
    client = open_client(_config(double))
    one, two = account.create_batch(client), account.create_batch(client)
    assert account.batch_status(client, one) == ""
    account.cancel_batch(client, one)
    assert account.batch_status(client, one) == "cancel"
    assert account.batch_status(client, two) == ""
    with pytest.raises(TransportError, match="already exists"):
        account.cancel_batch(client, one)
    assert double.batches.held == {one: "cancel"}


def test_whom_the_account_holds_back(double):
    """All lists, page after page, with our reasons."""
    double.groups = {7: "Monthly"}
    double.lists = {
        "asm/suppressions": [
            {"email": f"g{n}@example.com", "group_id": 7, "group_name": "Monthly", "created_at": 1_700_000_000} for n in range(1203)
        ],
        "suppression/unsubscribes": [{"email": "u@example.com", "created": 1_700_000_001}],
        "suppression/bounces": [{"email": "b@example.com", "created": 1_700_000_002, "reason": "550", "status": "5.1.1"}],
        "suppression/blocks": [{"email": "k@example.com", "created": 1_700_000_003, "reason": "", "status": "4.0.0"}],
        "suppression/spam_reports": [{"email": "s@example.com", "created": 1_700_000_004, "ip": "192.0.2.1"}],
        "suppression/invalid_emails": [{"email": "i@example.com", "created": 1_700_000_005, "reason": "unknown"}],
    }
    client = open_client(_config(double))
    assert account.groups(client) == {7: "Monthly"}
    found = list(account.suppressions(client))
    assert [each.email for each in found[:1203]] == [f"g{n}@example.com" for n in range(1203)]
    assert {(each.email, each.reason, each.scope_group) for each in found[1202:]} == {
        ("g1202@example.com", "unsubscribed", 7),
        ("u@example.com", "unsubscribed", None),
        ("b@example.com", "hard_bounce", None),
        ("k@example.com", "blocked", None),
        ("s@example.com", "complaint", None),
        ("i@example.com", "invalid", None),
    }
    assert found[1203].created == datetime.fromtimestamp(1_700_000_001, UTC)
    assert "example.com" not in repr(found[0])


def test_a_list_that_knows_no_pages_ends():
    """Paging of group suppressions is not documented: the same page again is the end."""

    class Whole:
        def call(self, method, path, *, query=None, body=None):
            from composer.transport.sendgrid.wire import Answer

            rows = [{"email": f"{n}@example.com", "group_id": 1, "created": 0, "created_at": 0} for n in range(500)]
            return Answer(200, {}, json.dumps(rows).encode())

    assert len(list(account.suppressions(Whole()))) == 6 * 500


def test_the_key_is_tried_without_sending(double, project):
    """`newsletter doctor` says whether it works, and mails nobody."""
    configured = with_config(project, transport=_config(double).transport, sendgrid_api_key=KEY)
    assert "may send mail" in way_out("sendgrid").probe(configured)
    double.scopes = ["alerts.read"]
    with pytest.raises(TransportError, match="may not send") as caught:
        way_out("sendgrid").probe(configured)
    assert "Mail Send" in caught.value.hint
    double.key = "another"
    with pytest.raises(TransportError, match="401"):
        way_out("sendgrid").probe(configured)
    assert {path for _, path, _ in double.calls} == {"/v3/scopes"}


def test_rights_that_a_key_lacks(double, project):
    """By the names under which SendGrid offers them; the wide right or each narrow one is enough."""

    def lacks(*scopes, undo=0):
        double.scopes = ["mail.send", *scopes]
        transport = replace(_config(double).transport, sendgrid=replace(_config(double).transport.sendgrid, undo_minutes=undo))
        return way_out("sendgrid").lacks(with_config(project, transport=transport, sendgrid_api_key=KEY))

    kinds = ("blocks", "bounces", "invalid_emails", "spam_reports", "unsubscribes")
    assert lacks("suppression.read", "asm.groups.read") == ()
    assert lacks(*(f"suppression.{kind}.read" for kind in kinds), "asm.groups.suppressions.read") == ()
    assert lacks(*(f"suppression.{kind}.read" for kind in kinds[1:])) == ("Suppressions", "Unsubscribe Groups")
    assert lacks("suppression.read", "asm.groups.read", "mail.batch.create", undo=30) == ("Scheduled Sends",)
    assert lacks("suppression.read", "asm.groups.read", "mail.batch.create", "user.scheduled_sends.create", undo=30) == ()


def test_account_calls_wait_for_limits_and_outages(monkeypatch):
    """A read is tried again; a write whose answer was lost is not, since it may have counted."""
    from composer.transport.sendgrid.wire import Answer

    slept = []
    monkeypatch.setattr(account.time, "sleep", slept.append)

    class Moody:
        def __init__(self, *answers):
            self.answers = list(answers)

        def call(self, *_, **__):
            answer = self.answers.pop(0)
            if isinstance(answer, Lost):
                raise answer
            return answer

    fine = Answer(200, {}, b'{"scopes": ["mail.send"], "batch_id": "b"}')
    assert account.login(Moody(Answer(429, {"retry-after": "7"}, b""), Lost("gone", written=True), fine))
    assert slept == [7, 2]
    with pytest.raises(TransportError, match="cannot be reached"):
        account.create_batch(Moody(Lost("gone", written=True), fine))
    with pytest.raises(TransportError, match="cannot be read"):
        account.login(Moody(Answer(200, {}, b"<html>")))


def test_registry_opens_it(double, project):
    """`[delivery] transport = "sendgrid"` is all it takes; a host is shown, no key."""
    configured = with_config(project, transport=_config(double, threads=6, people_per_request=50).transport, sendgrid_api_key=KEY)
    occasion = Occasion("2026-01", 7, FakeClock().now)
    assert way_out("sendgrid").place(configured, occasion) == "127.0.0.1"
    transport = open_transport(configured, "sendgrid", occasion)
    assert (transport.name, transport.real, transport.idempotent) == ("sendgrid", True, False)
    assert (transport.lanes, transport.batch) == (6, 50)


@pytest.mark.parametrize(
    ("url", "key", "match"),
    [
        ("https://api.sendgrid.com", "", "no API key"),
        ("http://api.sendgrid.com", KEY, "https only"),
        ("https://api.sendgrid.com", "SG.two\nlines", "one word"),
    ],
)
def test_what_cannot_be_opened(url, key, match):
    """A missing key is said before anything is sent; a key never travels unencrypted."""
    with pytest.raises(ConfigError, match=match) as caught:
        open_sendgrid(_config(url, key=key))
    assert key == "" or key not in f"{caught.value}{caught.value.hint}"


@pytest.fixture
def authority():
    return trustme.CA()


@pytest.fixture
def secure(authority):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    with SendGridDouble(tls=context) as double:
        yield double


def test_tls(secure, authority):
    """Certificates are verified, and losses judged alike over TLS."""
    context = ssl.create_default_context()
    authority.configure_trust(context)
    transport = SendGridTransport(SendGrid(), Client(secure.url, KEY, timeout=20, context=context), pauses=(0.01, 0.01))
    secure.script += [None, Fault(Point.CLOSE_AFTER, accept=True), Fault(Point.CLOSE_MIDDLE), None]
    assert _kinds(transport.send(_batch(2))) == ["Accepted"] * 2
    assert _kinds(transport.send(_batch(2))) == ["Unknown"] * 2
    assert _kinds(transport.send(_batch(2, edition=_large()))) == ["Accepted"] * 2


def test_an_unknown_certificate_is_refused(secure):
    """Nothing is sent to somebody who only says to be SendGrid."""
    with pytest.raises(Unusable, match="not trusted"):
        _transport(secure).send(_batch(1))
    assert not secure.calls


def test_a_group_that_the_account_has_not_is_told_at_login(double):
    """Every request of a send would be refused for it, and no test send names the group."""
    double.groups = {7: "News"}
    client = open_client(_config(double))
    assert account.login(client, 7)
    with pytest.raises(TransportError, match="no unsubscribe group 8") as caught:
        account.login(client, 8)
    assert "7 (News)" in caught.value.hint


def test_no_key_and_no_address_in_any_log(double, caplog):
    """The package's own client writes both to its debug log."""
    with caplog.at_level(logging.DEBUG):
        _transport(double).send(_batch(2))
        account.login(open_client(_config(double)))
    assert KEY not in caplog.text
    assert "person1@example.com" not in caplog.text
    assert "request of 2 people" in caplog.text


def test_importing_it_does_not_import_the_package():
    """85 ms that `newsletter --help` would wait for."""
    code = "import sys, composer.transport.registry, composer.transport.sendgrid; print('sendgrid' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
