"""What an answer means: yes, a certain no, or nobody knows."""

from __future__ import annotations

import json

import pytest

from composer.transport.base import Accepted, Deferred, Unknown
from composer.transport.sendgrid.answers import Again, All, Named, Stop, Unnamed, Wait, judge, judge_loss, wait_of
from composer.transport.sendgrid.wire import Answer, Lost

NOW = 1_800_000_000


def _judge(status, *errors, headers=None, body=None, whole=True, people=3, **options):
    data = json.dumps({"errors": [{"message": message, "field": field, "help": None} for field, message in errors]}).encode()
    return judge(Answer(status, headers or {}, data if body is None else body, whole), people, now=NOW, **options)


def test_202_takes_all():
    """Its X-Message-Id is what events will begin with."""
    assert _judge(202, headers={"x-message-id": "abc"}, batch="b1") == All(Accepted("abc", "b1"))
    assert _judge(202, body=b"") == All(Accepted("202"))


@pytest.mark.parametrize("status", [200, 201, 204, 303, 600])
def test_a_yes_of_another_kind_is_no_yes(status):
    """A sandbox or a front end answers too: these are in doubt, and the rest of the list is not tried."""
    verdict = _judge(status, batch="b")
    assert isinstance(verdict, Stop)
    assert isinstance(verdict.outcome, Unknown)
    assert verdict.outcome.batch == "b"


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_took_nobody(status):
    """The address is not the API's; it has to be mended."""
    verdict = _judge(status)
    assert isinstance(verdict, Stop)
    assert verdict.outcome is None
    assert "base_url" in verdict.hint


@pytest.mark.parametrize("status", [500, 502, 503, 504, 599])
def test_5xx_proves_nothing(status):
    """Somebody may have been taken: in doubt, unless the team chose to send again."""
    assert isinstance(_judge(status, batch="b1").outcome, Unknown)
    assert _judge(status, batch="b1").outcome.batch == "b1"
    assert isinstance(_judge(status, retry_5xx=True).outcome, Deferred)


def test_an_answer_before_the_whole_request():
    """What had not all of the body cannot have taken the mail; a yes to half a request is believed by nobody."""
    assert isinstance(_judge(503, whole=False).outcome, Deferred)
    assert isinstance(_judge(202, whole=False).outcome, Unknown)
    assert isinstance(_judge(413, whole=False), Unnamed)


@pytest.mark.parametrize(
    "field", ["personalizations.1.to", "personalizations.1.to.0.email", "personalizations[1].to[0]", "personalizations.1"]
)
def test_400_names_a_person(field):
    """That one is out, the others can go again."""
    verdict = _judge(400, (field, "Does not contain a valid address."))
    assert verdict == Named({1: "SendGrid refused: Does not contain a valid address."})


def test_400_names_several():
    """All are out at once; the first reason of each stands."""
    verdict = _judge(400, ("personalizations.0.to", "a"), ("personalizations.2.subject", "b"), ("personalizations.0.headers", "c"))
    assert verdict == Named({0: "SendGrid refused: a", 2: "SendGrid refused: b"})


@pytest.mark.parametrize("field", [None, "null", "", "personalizations", "personalizations.7.to", "personalizations.x"])
def test_400_names_nobody(field):
    """Only halves can tell who it is; somebody beyond the request is nobody."""
    verdict = _judge(400, (field, "Bad Request"))
    assert verdict == Unnamed("SendGrid refused: Bad Request")


@pytest.mark.parametrize("body", [b"", b"<html>no</html>", b"[]", b'{"errors": "x"}', b'{"errors": [1]}', b"\xff"])
def test_400_that_cannot_be_read(body):
    """A certain no all the same."""
    assert isinstance(_judge(400, body=body), Unnamed)


@pytest.mark.parametrize(
    ("field", "hint"),
    [
        ("from.email", "Verify"),
        ("asm.group_id", "group_id"),
        ("send_at", "clock"),
        ("batch_id", "account"),
        ("content.0.value", "docs/sendgrid.md"),
    ],
)
def test_400_about_the_whole_request_stops(field, hint):
    """It would be the same for everyone: no person is to blame, and somebody has to mend it."""
    verdict = _judge(400, ("personalizations.0.to", "x"), (field, "is wrong"))
    assert isinstance(verdict, Stop)
    assert field in verdict.message
    assert hint in verdict.hint


@pytest.mark.parametrize("status", [401, 403, 404])
def test_the_account_is_refused(status):
    """Key, permission or address are wrong: the campaign stops, and its rows go back."""
    verdict = _judge(status, (None, "access forbidden"))
    assert isinstance(verdict, Stop)
    assert "access forbidden" in verdict.message
    assert verdict.hint


@pytest.mark.parametrize("status", [402, 405, 408, 409, 415, 418, 451])
def test_other_4xx_is_a_no_for_now(status):
    """Certainly not taken, and nobody's own fault."""
    assert isinstance(_judge(status).outcome, Deferred)


def test_413_is_about_size():
    """Half of it may fit."""
    assert _judge(413).too_large


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"x-ratelimit-reset": str(NOW + 20)}, 20),
        ({"x-ratelimit-reset": str(NOW - 20)}, 1),
        ({"x-ratelimit-reset": str(NOW + 9_999_999)}, 3600),
        ({"retry-after": "7"}, 7),
        ({"x-ratelimit-reset": "soon"}, 10),
        ({}, 10),
        ({"x-ratelimit-reset": "1752570010", "date": "Tue, 15 Jul 2025 09:00:00 GMT"}, 10),
        ({"x-ratelimit-reset": str(NOW + 5), "date": "yesterday"}, 5),
    ],
)
def test_how_long_a_limit_lasts(headers, seconds):
    """By their clock when they tell the time; never nothing, never for ever."""
    assert wait_of(headers, NOW) == seconds
    assert _judge(429, headers=headers) == Wait(seconds)


def test_what_is_lost():
    """Unknown only where the other side may have had all of the request."""
    assert judge_loss(Lost("reset", connected=True, written=True), batch="b") == All(Unknown("the answer was lost: reset", "b"))
    assert isinstance(judge_loss(Lost("reset", connected=True)), Again)
    assert isinstance(judge_loss(Lost("refused")), Again)
    assert isinstance(judge_loss(Lost("self-signed", untrusted=True)), Stop)


def test_no_address_is_repeated():
    """Reasons are kept, shown and exported; SendGrid's words may hold an address."""
    said = "found [Ana.O'Neil+x@example.com] and <b@example.org>\n\x07 again" + "x" * 1000
    for verdict in (
        _judge(400, ("personalizations.0.to", said)),
        _judge(400, (None, said)),
        _judge(403, (None, said)),
        _judge(500, (None, said)),
    ):
        text = repr(verdict)
        assert "example" not in text
        assert "found [" in text
        assert len(text) < 700
