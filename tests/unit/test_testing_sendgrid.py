"""The SendGrid double: it refuses what SendGrid documents to refuse, and keeps what it takes. Else tests against it would prove nothing."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from base64 import b64encode
from copy import deepcopy

import pytest

from composer.testing.sendgrid import KEY, Fault, Point, SendGridDouble, Storm
from composer.testing.sendgrid_rules import Account, check_request
from composer.transport.sendgrid.client import Client
from composer.transport.sendgrid.wire import Lost

NOW = 1_800_000_000


def _good():
    return {
        "personalizations": [
            {"to": [{"email": "a@example.com", "name": "A"}], "substitutions": {"-name-": "Ana"}, "custom_args": {"delivery": "d1"}},
            {"to": [{"email": "b@example.com"}], "headers": {"List-Unsubscribe": "<https://x.example>"}, "subject": "Own"},
        ],
        "from": {"email": "news@letters.example"},
        "subject": "Hello -name-",
        "content": [{"type": "text/plain", "value": "Hi -name-"}, {"type": "text/html", "value": "<p>Hi -name-</p>"}],
    }


@pytest.fixture
def double():
    with SendGridDouble(clock=lambda: NOW) as double:
        double.groups = {7: "Monthly"}
        yield double


def _post(double, body, key=KEY):
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Client(double.url, key, timeout=5).call("post", "mail/send", body=data)


def _errors(answer):
    return [(error["field"], error["message"]) for error in json.loads(answer.body)["errors"]]


def _changed(path, value):
    body = deepcopy(_good())
    *steps, last = path
    place = body
    for step in steps:
        place = place[step]
    if value is KeyError:
        del place[last]
    else:
        place[last] = value
    return body


def _people(count):
    return [{"to": [{"email": f"p{number}@example.com"}]} for number in range(count)]


P0 = ("personalizations", 0)
VIOLATIONS = {
    "nobody": (("personalizations",), [], "personalizations"),
    "1,001 people": (("personalizations",), _people(1001), "personalizations"),
    "1,001 recipients": ((*P0, "bcc"), [{"email": f"p{n}@example.com"} for n in range(1000)], "personalizations"),
    "no to": ((*P0, "to"), KeyError, "personalizations.0.to"),
    "no address": ((*P0, "to"), [{"email": "nobody"}], "personalizations.0.to.0.email"),
    "address beyond ASCII": ((*P0, "to"), [{"email": "zoé@example.com"}], "personalizations.0.to.0.email"),
    "address twice": ((*P0, "to"), [{"email": "B@example.com"}], "personalizations.1.to"),
    "address in cc too": ((*P0, "cc"), [{"email": "a@example.com"}], "personalizations.0.cc"),
    "comma in a name": ((*P0, "to", 0, "name"), "Doe, Ana", "personalizations.0.to.0.name"),
    "semicolon in a name": ((*P0, "to", 0, "name"), "Doe; Ana", "personalizations.0.to.0.name"),
    "substitutions too long": ((*P0, "substitutions"), {"-name-": "x" * 10_000}, "personalizations.0.substitutions"),
    "substitutions too long in bytes": ((*P0, "substitutions"), {"-name-": "新" * 3400}, "personalizations.0.substitutions"),
    "substitution that is no text": ((*P0, "substitutions"), {"-name-": 1}, "personalizations.0.substitutions"),
    "custom_args too long": ((*P0, "custom_args"), {"delivery": "x" * 10_000}, "personalizations.0.custom_args"),
    "address in custom_args": ((*P0, "custom_args"), {"who": "a@example.com"}, "personalizations.0.custom_args"),
    "custom_args of all too long": (("custom_args",), {"delivery": "x" * 10_000}, "custom_args"),
    "empty subject of a person": ((*P0, "subject"), "", "personalizations.0.subject"),
    "unknown key of a person": ((*P0, "name"), "Ana", "personalizations.0.name"),
    "unknown key": (("html",), "x", "html"),
    "no from": (("from",), KeyError, "from.email"),
    "answers to nobody": (("reply_to",), {"email": "x"}, "reply_to.email"),
    "no subject": (("subject",), "", "subject"),
    "no content": (("content",), [], "content"),
    "empty content": (("content",), [{"type": "text/html", "value": ""}], "content.0.value"),
    "html first": (("content",), [{"type": "text/html", "value": "x"}, {"type": "text/plain", "value": "x"}], "content"),
    "attachment that is no base64": (("attachments",), [{"content": "!", "filename": "x"}], "attachments.0.content"),
    "attachment with no name": (("attachments",), [{"content": b64encode(b"x").decode()}], "attachments.0.filename"),
    "attachment placed oddly": (("attachments",), [{"content": "eA==", "filename": "x", "disposition": "x"}], "attachments.0.disposition"),
    "11 categories": (("categories",), [str(n) for n in range(11)], "categories"),
    "category twice": (("categories",), ["a", "a"], "categories"),
    "long category": (("categories",), ["x" * 256], "categories.0"),
    "address as category": (("categories",), ["a@example.com"], "categories.0"),
    "send_at in the past": (("send_at",), 1, "send_at"),
    "send_at too far": (("send_at",), NOW + 72 * 3600 + 1, "send_at"),
    "send_at that is no number": (("send_at",), "tomorrow", "send_at"),
    "send_at of a person too far": ((*P0, "send_at"), NOW + 72 * 3600 + 1, "personalizations.0.send_at"),
    "unknown batch": (("batch_id",), "nobody-made-this", "batch_id"),
    "unknown group": (("asm",), {"group_id": 8}, "asm.group_id"),
    "unknown group to display": (("asm",), {"group_id": 7, "groups_to_display": [8]}, "asm.groups_to_display"),
    "setting that is no yes or no": (("tracking_settings",), {"open_tracking": {"enable": "no"}}, "tracking_settings.open_tracking.enable"),
}


def test_a_good_request_is_taken(double):
    """All violations below differ from it in one place."""
    answer = _post(double, _good())
    assert (answer.status, answer.body) == (202, b"")
    assert answer.headers["x-message-id"]
    assert double.emails == ["a@example.com", "b@example.com"]
    one, two = double.received
    assert (one.subject, one.text, one.html, one.delivery) == ("Hello Ana", "Hi Ana", "<p>Hi Ana</p>", "d1")
    assert (two.subject, two.html, two.delivery) == ("Own", "<p>Hi -name-</p>", "")
    assert two.headers == {"List-Unsubscribe": "<https://x.example>"}


@pytest.mark.parametrize("name", VIOLATIONS)
def test_a_rule_that_is_broken_is_told(double, name):
    """Each documented rule refuses the whole request, names the field, and nobody is mailed."""
    path, value, field = VIOLATIONS[name]
    answer = _post(double, _changed(path, value))
    assert answer.status == 400
    assert field in [where for where, _ in _errors(answer)]
    assert set(json.loads(answer.body)["errors"][0]) == {"message", "field", "help"}
    assert not double.received


@pytest.mark.parametrize(
    "name", "To From Subject Reply-To CC BCC Received DKIM-Signature Content-Type Content-Transfer-Encoding x-sg-id x-sg-eid".split()
)
def test_reserved_headers(double, name):
    """They are SendGrid's own, in any spelling, for one or for all."""
    for path, field in ((("headers",), f"headers.{name}"), ((*P0, "headers"), f"personalizations.0.headers.{name}")):
        for spelling in (name, name.upper()):
            answer = _post(double, _changed(path, {spelling: "x"}))
            assert answer.status == 400
            assert _errors(answer)[0][0].lower() == field.lower()


def test_a_header_is_ascii(double):
    """What is not must be encoded by who sends it."""
    assert _post(double, _changed((*P0, "headers"), {"List-Id": "Zoë <a.b>"})).status == 400


@pytest.mark.parametrize(("value", "status"), [(9_990, 202), (9_995, 400)])
def test_the_limit_of_substitutions_counts_tags_too(double, value, status):
    """Keys and values come to 10,000 bytes at most."""
    assert _post(double, _changed((*P0, "substitutions"), {"-name-": "x" * value})).status == status


@pytest.mark.parametrize("body", [b"{", b"[]", b"\xff\xfe", b'"text"'])
def test_what_is_no_request(double, body):
    """Not JSON, or not an object."""
    answer = _post(double, body)
    assert answer.status == 400
    assert _errors(answer)[0][0] is None


def test_who_may(double):
    """Key and permission are looked at before anything else."""
    assert _post(double, _good(), key="SG.another").status == 401
    double.scopes = ["stats.read"]
    assert _post(double, _good()).status == 403
    assert not double.received


def test_another_content_type(double):
    """Only JSON is read."""
    headers = {"Authorization": f"Bearer {KEY}", "Content-Type": "text/plain"}
    request = urllib.request.Request(f"{double.url}/v3/mail/send", json.dumps(_good()).encode(), headers)  # noqa: S310
    with pytest.raises(urllib.error.HTTPError, match="415") as caught:
        urllib.request.urlopen(request, timeout=5)  # noqa: S310
    caught.value.close()


def test_thirty_megabytes(double):
    """The whole request counts, attachments in base64 and all."""
    assert _post(double, b" " * 30_000_000).status == 413
    assert _post(double, json.dumps(_good()).encode().ljust(20_000_000)).status == 202


def test_unknown_addresses(double):
    """A misspelt path is not found."""
    assert Client(double.url, KEY).call("get", "mail/nothing").status == 404


def _scheduled(double, minutes, number=1):
    client = Client(double.url, KEY)
    batch = json.loads(client.call("post", "mail/batch").body)["batch_id"]
    people = [{"to": [{"email": f"b{number}@example.com"}]}]
    assert _post(double, {**_good(), "personalizations": people, "batch_id": batch, "send_at": NOW + minutes * 60}).status == 202
    return batch


def _hold(double, batch, status="cancel"):
    body = json.dumps({"batch_id": batch, "status": status}).encode()
    return Client(double.url, KEY).call("post", "user/scheduled_sends", body=body)


@pytest.mark.parametrize("status", ["cancel", "pause"])
def test_a_batch_that_is_held_back_reaches_nobody(double, status):
    """Neither at its time nor later, until it is released."""
    batch = _scheduled(double, 20)
    assert not double.delivered()
    assert len(double.delivered(NOW + 1200)) == 1
    assert _hold(double, batch, status).status == 201
    assert not double.delivered(NOW + 99_999)
    assert Client(double.url, KEY).call("delete", f"user/scheduled_sends/{batch}").status == 204
    assert len(double.delivered(NOW + 1200)) == 1


def test_ten_minutes_before_it_is_too_late(double):
    """Documented as the last moment at which a cancellation is sure."""
    assert _hold(double, _scheduled(double, 11)).status == 201
    late = _scheduled(double, 9, 2)
    assert _hold(double, late).status == 400
    assert [each.batch for each in double.delivered(NOW + 9999)] == [late]


def test_ten_at_a_time(double):
    """An account has ten slots; one is free again when its batch would have been sent."""
    batches = [_scheduled(double, 20 + number, number) for number in range(11)]
    assert [_hold(double, batch).status for batch in batches] == [201] * 10 + [400]
    double.clock = lambda: NOW + 20 * 60
    fresh = json.loads(Client(double.url, KEY).call("post", "mail/batch").body)["batch_id"]
    assert _hold(double, fresh).status == 201


def test_odd_calls_about_batches(double):
    """What was not made cannot be held; what is held cannot be held again; what is not held cannot be changed."""
    client, batch = Client(double.url, KEY), _scheduled(double, 20)
    assert _hold(double, "nobody-made-this").status == 400
    assert _hold(double, batch, "stop").status == 400
    assert client.call("patch", f"user/scheduled_sends/{batch}", body=b'{"status": "pause"}').status == 404
    assert client.call("delete", f"user/scheduled_sends/{batch}").status == 404
    assert _hold(double, batch).status == 201
    assert _hold(double, batch, "pause").status == 400
    assert client.call("patch", f"user/scheduled_sends/{batch}", body=b'{"status": "stop"}').status == 400
    assert client.call("patch", f"user/scheduled_sends/{batch}", body=b'{"status": "pause"}').status == 204
    assert double.batches.held == {batch: "pause"}
    assert client.call("get", "mail/batch/nothing").status == 400


@pytest.mark.parametrize("discarded", [True, False])
def test_what_comes_after_the_cancel(double, discarded):
    """Whether it is discarded is not documented: a test can have it either way."""
    double.late_is_discarded = discarded
    batch = _scheduled(double, 30)
    _hold(double, batch)
    double.clock = lambda: NOW + 1
    _post(double, {**_good(), "personalizations": [{"to": [{"email": "late@example.com"}]}], "batch_id": batch, "send_at": NOW + 1800})
    assert [each.email for each in double.delivered(NOW + 1800)] == ([] if discarded else ["late@example.com"])


@pytest.mark.parametrize("accept", [True, False])
@pytest.mark.parametrize("point", [Point.CLOSE_AFTER, Point.GARBAGE, Point.STATUS, Point.SLOW])
def test_it_fails_as_told_and_takes_as_told(double, point, accept):
    """A fault says whether the mail was taken all the same; the next request is fine."""
    double.script.append(Fault(point, accept=accept, status=503, headers=(("X-RateLimit-Reset", "1"),)))
    if point in {Point.CLOSE_AFTER, Point.GARBAGE}:
        with pytest.raises(Lost) as caught:
            _post(double, _good())
        assert caught.value.written
    else:
        answer = _post(double, _good())
        assert answer.status == (202 if point is Point.SLOW and accept else 503)
        assert (answer.headers.get("x-ratelimit-reset") == "1") == (answer.status == 503)
    assert bool(double.received) == accept
    assert _post(double, _good()).status == 202


def test_it_can_be_away(double):
    """Connections are refused, then taken again at the same address."""
    url = double.url
    double.down()
    with pytest.raises(Lost) as caught:
        _post(double, _good())
    assert not caught.value.connected
    double.up()
    assert double.url == url
    assert _post(double, _good()).status == 202


def test_a_storm_is_the_same_for_the_same_seed():
    """A failure that chance found can be looked at again."""
    runs = []
    for seed in (1, 1, 2):
        with SendGridDouble(storm=Storm({Fault(Point.STATUS, status=503): 0.5}, seed)) as double:
            runs.append([_post(double, _good()).status for _ in range(12)])
    assert runs[0] == runs[1] != runs[2]
    assert set(runs[0]) == {202, 503}


def test_counting_is_all_it_does():
    """For benchmarks: nothing is kept, nothing is checked."""
    with SendGridDouble(counting=True) as double:
        body = json.dumps({"personalizations": _people(30)}, separators=(",", ":")).encode()
        assert Client(double.url, KEY).call("post", "mail/send", body=body).status == 202
        assert double.taken == 30
        assert not double.received


def test_a_process_of_its_own(tmp_path):
    """For crash runs: one line a person on disk before the answer, whatever becomes of who sent it."""
    log = tmp_path / "taken.log"
    command = [sys.executable, "-m", "composer.testing.sendgrid", "--port", "0", "--log", str(log)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            url = process.stdout.readline().strip()
            assert Client(url, KEY).call("post", "mail/send", body=json.dumps(_good()).encode()).status == 202
            assert log.read_text().splitlines() == ["a@example.com\td1\t", "b@example.com\t\t"]
        finally:
            process.kill()


def test_rules_hold_for_what_is_odd():
    """The check itself never fails on what people may send."""
    account = Account(NOW)
    for body in (
        None,
        [],
        {},
        {"personalizations": [1]},
        {"personalizations": "x"},
        {"personalizations": [{}], "from": "x", "content": "x"},
    ):
        assert check_request(body, account)
