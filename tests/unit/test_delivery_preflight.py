"""What must be right before a send, and what a rehearsal may leave undone."""

from __future__ import annotations

import socket
import threading
from dataclasses import replace
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from composer.config import Config, Delivery, Images, Newsletter, Public, SendGrid, Transports, Unsubscribe
from composer.delivery import preflight as module
from composer.delivery.preflight import Candidate, answers_ok, preflight
from composer.findings import Where
from composer.issue.model import Asset
from composer.testing import an_edition

WHERE = Where("issues/2026-01.md")
LEAVE = Unsubscribe(address="leave@openletters.org")
GOOD = Config(newsletter=Newsletter(postal_address="1 Sample Street"), unsubscribe=LEAVE, images=Images(url="https://img.example/n/"))
PICTURES = tuple(Asset(f"mark{n}", f"p{n}.png", "image/png", b"x", sha256(b"%d" % n).hexdigest(), 1, 1) for n in (1, 2))


def _edition(**change):
    return replace(an_edition(), from_="News <news@openletters.org>", **change)


def _check(edition=None, config=GOOD, *, public=True, real=True, answers=lambda _: True, **more):
    found = preflight(Candidate(edition or _edition(), WHERE, public=public, real=real, **more), config, answers=answers)
    assert all(finding.hint for finding in found)
    return [(finding.code, str(finding.severity)) for finding in found]


def test_nothing_to_say():
    """The good case is silent."""
    assert _check(_edition(attachments=PICTURES)) == []


@pytest.mark.parametrize(
    ("public", "real", "said"),
    [(True, True, [("draft-issue", "error")]), (True, False, [("draft-issue", "warning")]), (False, True, []), (False, False, [])],
)
def test_a_draft_is_never_mailed_to_the_public(public, real, said):
    """Staff may see it, and a rehearsal may be made of it."""
    assert _check(_edition(draft=True), public=public, real=real) == said


@pytest.mark.parametrize(
    ("public", "real", "said"),
    [(True, True, [("no-postal-address", "error")]), (True, False, [("no-postal-address", "warning")]), (False, True, [])],
)
def test_the_public_gets_a_postal_address(public, real, said):
    """CAN-SPAM wants it in every mail to the public."""
    assert _check(config=Config(unsubscribe=LEAVE), public=public, real=real) == said


@pytest.mark.parametrize(
    ("transport", "leave", "group", "url"),
    [
        ("smtp", Unsubscribe(), 0, ""),
        ("smtp", Unsubscribe(via="sendgrid"), 7, ""),
        ("sendgrid", Unsubscribe(via="sendgrid"), 0, ""),
        ("smtp", Unsubscribe(via="service"), 0, ""),
        ("smtp", Unsubscribe(via="service"), 0, "http://127.0.0.1:8000"),
    ],
)
def test_the_public_can_leave(transport, leave, group, url):
    """A letter to the public without a way out that works is against the law and every provider's rules."""
    config = replace(
        GOOD,
        unsubscribe=leave,
        delivery=Delivery(transport=transport),
        transport=Transports(sendgrid=SendGrid(group_id=group)),
        public=Public(public_url=url),
    )
    assert ("unsubscribe-unusable", "error") in _check(config=config)
    assert ("unsubscribe-unusable", "error") not in _check(config=config, public=False)


def test_a_transport_without_its_secret_is_found_before_it_is_opened():
    """Nothing is begun that could not send a single message."""
    config = replace(GOOD, delivery=Delivery(transport="sendgrid"))
    assert _check(config=config, public=False) == [("no-api-key", "error")]
    assert _check(config=replace(GOOD, delivery=Delivery(transport="smtp")), public=False) == [("no-smtp-host", "error")]
    assert _check(config=config, real=False) == []


def test_what_was_not_tested_is_not_sent_to_the_public():
    """What was tested is what is sent; colleagues and the outbox may have it untested."""
    assert _check(tested=False) == [("not-tested", "error")]
    assert _check(tested=False, public=False) == []
    assert _check(tested=False, real=False) == []


@pytest.mark.parametrize(
    ("before", "now", "said"),
    [
        (100, 150, []),
        (100, 151, ["audience-changed"]),
        (100, 50, []),
        (100, 49, ["audience-changed"]),
        (None, 9, []),
        (0, 9, []),
        (9, 0, []),
    ],
)
def test_an_audience_far_from_the_last_one_is_a_question(before, now, said):
    """A list that was cut off, or doubled, looks like any other until it is sent."""
    assert [code for code, _ in _check(people=now, people_before=before)] == said
    assert _check(people=now, people_before=before, real=False) == []


@pytest.mark.parametrize("sender", ["News <news@example.org>", "a@b.example", "newsletter@example.invalid", "x@localhost"])
def test_no_real_mail_from_a_placeholder(sender):
    """Reserved domains receive no answers and no bounces; staff lists are no exception."""
    for public in (True, False):
        assert _check(replace(_edition(), from_=sender), public=public) == [("placeholder-sender", "error")]
    assert _check(replace(_edition(), from_=sender), real=False) == []


@pytest.mark.parametrize("mailbox", ["Only a name", "a@openletters.org, b@openletters.org", "Team <a@b@openletters.org>", "@", "a b@c.org"])
def test_a_mailbox_that_is_none_stops_any_send(mailbox):
    """It would be a final no about every person, in a rehearsal too."""
    for real in (True, False):
        assert _check(_edition(reply_to=mailbox), real=real) == [("no-mailbox", "error")]
        assert _check(replace(_edition(), from_=mailbox), real=real) == [("no-mailbox", "error")]
    (finding,) = preflight(Candidate(_edition(reply_to=mailbox), WHERE, public=False, real=False), GOOD)
    assert "`reply_to`" in finding.message
    assert "`reply_to`" in finding.hint


def test_no_sender_is_no_mailbox():
    """An answer address may be lacking, a sender may not."""
    assert _check(replace(_edition(), from_="")) == [("no-mailbox", "error")]
    assert _check(_edition(reply_to="")) == []


@pytest.mark.parametrize("sender", ["n@openletters.org", "N <n@myexample.org>", "N <n@news.invalid.co>"])
def test_real_domains_are_no_placeholders(sender):
    """Only whole labels count."""
    assert _check(replace(_edition(), from_=sender)) == []


def test_images_need_a_public_address():
    """Mail to the public holds no image of this machine."""
    edition, config = _edition(attachments=PICTURES), replace(GOOD, images=Images())
    assert _check(edition, config) == [("no-image-url", "error")]
    assert _check(edition, config, real=False) == []
    assert _check(edition, config, public=False) == []
    assert _check(_edition(), config) == []


def test_each_image_that_is_not_there_is_named():
    """The address asked for is that of the build: its hashed name below [images] url."""
    asked = []

    def answers(url):
        asked.append(url)
        return "p1-" in url

    found = preflight(Candidate(_edition(attachments=PICTURES), WHERE, public=True, real=True), GOOD, answers=answers)
    assert [finding.code for finding in found] == ["image-not-hosted"]
    assert found[0].message == f"p2.png is not at https://img.example/n/{PICTURES[1].hosted_name}"
    assert sorted(asked) == [f"https://img.example/n/{picture.hosted_name}" for picture in PICTURES]


ANSWERS = {
    "/there": (200, 200),
    "/no-head": (405, 200),
    "/gone": (404, 404),
    "/broken": (500, 500),
    "/empty": (204, 204),
    "/moved": (302, 302),
}


class _Host(BaseHTTPRequestHandler):
    def _answer(self, place):
        self.server.asked.append((self.command, self.path))
        status = ANSWERS[self.path][place]
        self.send_response(status)
        if status == 302:
            self.send_header("Location", "/there")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_HEAD(self):
        self._answer(0)

    def do_GET(self):
        self._answer(1)

    def log_message(self, *_):
        """Say nothing."""


@pytest.fixture(scope="module")
def host():
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Host)
    server.asked = []
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize(
    ("path", "there"), [("/there", True), ("/no-head", True), ("/moved", True), ("/gone", False), ("/broken", False), ("/empty", False)]
)
def test_a_host_is_asked(host, path, there):
    """Only 200 is there; hosts that refuse HEAD are asked with GET."""
    assert answers_ok(f"http://127.0.0.1:{host.server_port}{path}") is there


def test_head_is_enough_where_it_is_answered(host):
    """An image of 1 MB is not fetched to know that it is there."""
    host.asked.clear()
    answers_ok(f"http://127.0.0.1:{host.server_port}/there")
    assert host.asked == [("HEAD", "/there")]


def test_a_host_that_does_not_answer_is_no_host(monkeypatch):
    """Refused, silent and nonsense are all a no, in bounded time."""
    monkeypatch.setattr(module, "_TIMEOUT", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        assert not answers_ok(f"http://127.0.0.1:{silent.getsockname()[1]}/x")
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    assert not answers_ok(f"http://127.0.0.1:{port}/x")
    assert not answers_ok("http://127.0.0.1:99999999/x")


def test_only_http_is_asked(tmp_path):
    """A file on this machine is not hosted."""
    (tmp_path / "x.png").write_bytes(b"x")
    assert not answers_ok((tmp_path / "x.png").as_uri())
    assert not answers_ok("/images/x.png")
