"""What is sent to SendGrid: one personalization each, tags nobody can guess, nothing switched on that was not asked for."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from composer.audience.model import Subscriber
from composer.config import Config, ListSettings, Public, Unsubscribe
from composer.edition.model import Context, Slot
from composer.findings import Where
from composer.issue.model import Asset
from composer.message.build import build_message, inline_images
from composer.message.merge import Merger
from composer.testing import FakeClock, an_edition
from composer.testing.sendgrid_received import Received
from composer.testing.sendgrid_rules import Account, check_request
from composer.transport.sendgrid.payload import LARGEST_PERSON, Builder, Schedule, Terms

TAG = "q0123456789abcdef"
SHARED = Path(__file__).resolve().parents[3] / "shared" / "sendgrid" / "tsg_mail_v3.json"
IMAGE = Asset("qimagemarkx", "Tree.png", "image/png", b"\x89PNG tree", "ab" * 32, 10, 10)


def _config(via="service", **extra):
    return replace(Config(), unsubscribe=Unsubscribe(via=via, **extra), public=Public(public_url="https://letters.example"))


def _edition(**changes):
    where = Where("issues/2026-01.md", 7)
    names = [("unsubscribe_url", Context.HREF), ("unsubscribe_url", Context.PLAIN), ("first_name", Context.HEADER)]
    more = tuple(Slot(f"qmark{number}x", name, context, "friend", name, where) for number, (name, context) in enumerate(names))
    plain = an_edition()
    return replace(
        plain,
        fields=plain.fields + more,
        subject=f"News for {more[2].mark}",
        html=plain.html.replace("</body>", f'<a href="{more[0].mark}">leave</a></body>'),
        text=f"{plain.text}\nLeave: {more[1].mark}\n",
        **changes,
    )


def _messages(*people, edition=None, config=None, urls=None, prefix=""):
    edition = edition or _edition()
    merger = Merger(edition, urls or inline_images(edition))
    made = [
        build_message(
            merger,
            person,
            delivery_id=f"d{number}",
            date=FakeClock().now,
            config=config or _config(),
            settings=ListSettings(name="readers"),
            keys=("key",),
        )
        for number, person in enumerate(people, 1)
    ]
    return [message._replace(prefix=prefix) for message in made]


def _person(number=1, **fields):
    name = fields.pop("name", f"Person {number}")
    return Subscriber(f"p{number}@example.com", f"p{number}@example.com", name, {"first_name": f"P{number}", **fields})


def _requests(messages, *, people=200, **terms):
    builder = Builder(Terms(TAG, **terms), people)
    return [(request, json.loads(request.body()), builder.refusals(request, request.body())) for request in builder.requests(messages)]


def _body(messages, **terms):
    ((_, body, refusals),) = _requests(messages, **terms)
    assert not refusals
    assert not check_request(body, Account(1_700_000_000, {"b1"}, {7}))
    return body


def test_merged_there_is_merged_here():
    """What SendGrid makes of tags and substitutions is, to the letter, the message that was built and tested."""
    messages = _messages(_person(1, first_name="Zoë & <Co>"), _person(2, first_name="O'Neil"), _person(3, first_name=""))
    body = _body(messages)
    for message, person in zip(messages, body["personalizations"], strict=True):
        received = Received(body, person, 1, 0)
        assert (received.subject, received.html, received.text) == (message.subject, message.html, message.text)
        assert received.email == message.email
        assert received.headers == message.headers


def test_nobody_sees_another():
    """Several addresses in one `to` would show everyone to everyone."""
    body = _body(_messages(*(_person(number) for number in range(1, 6))))
    assert [person["to"] for person in body["personalizations"]] == [
        [{"email": f"p{n}@example.com", "name": f"Person {n}"}] for n in range(1, 6)
    ]
    assert not any({"cc", "bcc"} & set(person) for person in body["personalizations"])


def test_the_marks_of_the_edition_are_not_sent():
    """They are derived from the issue, so that a reader could guess them; a transport's tag is random."""
    messages = _messages(_person())
    text = json.dumps(_body(messages))
    assert not any(slot.mark in text for slot in messages[0].edition.fields)


def test_a_value_that_holds_a_tag_goes_to_nobody():
    """Values may be scanned for tags again: one person's value must not pull in another."""
    messages = _messages(_person(1), _person(2, first_name=f"{TAG}n0z"), _person(3))
    ((_, _, refusals),) = _requests(messages)
    assert list(refusals) == [1]
    assert "p2" not in refusals[1]


def test_text_stands_before_html():
    """SendGrid refuses the other order, and an empty part."""
    messages = _messages(_person())
    assert [part["type"] for part in _body(messages)["content"]] == ["text/plain", "text/html"]
    assert [part["type"] for part in _body(_messages(_person(), edition=replace(_edition(), text="")))["content"]] == ["text/html"]


def test_readers_are_not_watched_and_mail_is_not_rewritten():
    """Settings of the account would add pixels, links and footers unless a request says no."""
    body = _body(_messages(_person()))
    assert body["tracking_settings"] == {
        "click_tracking": {"enable": False, "enable_text": False},
        "open_tracking": {"enable": False},
        "subscription_tracking": {"enable": False},
        "ganalytics": {"enable": False},
    }
    assert body["mail_settings"] == {name: {"enable": False} for name in ("bypass_list_management", "footer", "sandbox_mode")}
    assert "categories" not in body


def test_tracking_is_on_when_the_team_says_so():
    """A configured choice arrives."""
    tracking = _body(_messages(_person()), open_tracking=True, click_tracking=True)["tracking_settings"]
    assert tracking["open_tracking"]["enable"]
    assert tracking["click_tracking"] == {"enable": True, "enable_text": True}
    assert not tracking["subscription_tracking"]["enable"]


def test_only_the_opaque_id_goes_along():
    """Custom arguments come back with every event, and must hold nothing personal."""
    body = _body(_messages(_person()))
    assert body["personalizations"][0]["custom_args"] == {"delivery": "d1"}
    assert "custom_args" not in body


def test_headers_of_one_and_of_all():
    """List-Unsubscribe is each person's own; List-Id stands in both places, for which of them wins is not documented."""
    messages = _messages(_person(1), _person(2))
    body = _body(messages)
    assert list(body["headers"]) == ["List-Id"]
    ways = [person["headers"]["List-Unsubscribe"] for person in body["personalizations"]]
    assert len(set(ways)) == 2
    assert all(person["headers"]["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click" for person in body["personalizations"])


def test_sendgrids_own_link_stands_in_the_content():
    """Its tag must reach it in the text itself, and the group that it is of must be named."""
    messages = _messages(_person(1), _person(2), config=_config("sendgrid"))
    body = _body(messages, group_id=7)
    assert body["asm"] == {"group_id": 7, "groups_to_display": [7]}
    assert '<a href="<%asm_group_unsubscribe_raw_url%>">' in body["content"][1]["value"]
    assert "asm" not in json.dumps([person["substitutions"] for person in body["personalizations"]])
    assert all("headers" not in person for person in body["personalizations"])
    assert body["headers"]["List-Id"]


def test_no_group_without_one():
    """A group that is not configured would be refused by SendGrid."""
    assert "asm" not in _body(_messages(_person()))


def test_a_test_sends_no_living_header():
    """A test's links are inert; SendGrid's own header for the group would take the colleague off the list all the same."""
    marked = _messages(_person(), prefix="[TEST] ")
    body = _body(marked, group_id=7)
    assert "asm" not in body
    assert Received(body, body["personalizations"][0], 1, 0).subject == "[TEST] News for P1"


def test_a_test_and_a_real_one_do_not_share_a_request():
    """What is shared is shared by all of a request."""
    messages = _messages(_person(1)) + _messages(_person(2), prefix="[TEST] ")
    assert [len(request.people) for request, _, _ in _requests(messages, group_id=7)] == [1, 1]


def test_prefixes_may_differ():
    """Edge cases are numbered in their subjects."""
    messages = [message._replace(prefix=f"[TEST {number}] ") for number, message in enumerate(_messages(_person(1), _person(2)), 1)]
    body = _body(messages)
    assert [Received(body, person, 1, 0).subject for person in body["personalizations"]] == ["[TEST 1] News for P1", "[TEST 2] News for P2"]


def test_sender_and_answers():
    """Mailboxes are cut into name and address; SendGrid encodes them."""
    body = _body(
        _messages(_person(), edition=replace(_edition(), from_='"Zoë, editor" <zoe@letters.example>', reply_to="ask@letters.example"))
    )
    assert body["from"] == {"email": "zoe@letters.example", "name": "Zoë, editor"}
    assert body["reply_to"] == {"email": "ask@letters.example"}
    assert "reply_to" not in _body(_messages(_person()))


@pytest.mark.parametrize(
    ("name", "shown"),
    [("van Dijk, Noor", "van Dijk Noor"), ("a;b", "a b"), ("Zoë 🎈", "Zoë 🎈"), ("A\r\nBcc: x", "A Bcc: x"), ("", None), (" ,; ", None)],
)
def test_names_that_sendgrid_takes(name, shown):
    """It refuses a whole request for a comma or semicolon in one name."""
    to = _body(_messages(_person(name=name)))["personalizations"][0]["to"][0]
    assert to.get("name") == shown


def test_local_images_travel_inside_and_hosted_ones_do_not():
    """A cid address finds its attachment; an https address needs none."""
    edition = replace(_edition(), attachments=(IMAGE,), html=f'<p>x</p><img src="{IMAGE.mark}">')
    inside = _body(_messages(_person(), edition=edition))
    (image,) = inside["attachments"]
    assert f"cid:{image['content_id']}" in inside["content"][1]["value"]
    assert image | {"content": "", "content_id": ""} == {
        "content": "", "content_id": "", "type": "image/png", "filename": "Tree.png", "disposition": "inline",
    }  # fmt: skip
    hosted = _body(_messages(_person(), edition=edition, urls={IMAGE.mark: "https://img.example/t.png"}))
    assert "attachments" not in hosted
    assert "https://img.example/t.png" in hosted["content"][1]["value"]


def test_a_schedule_goes_along():
    """Without its batch id a request cannot be called back."""
    body = _body(_messages(_person()), schedule=Schedule("b1", 1_700_001_500))
    assert (body["batch_id"], body["send_at"]) == ("b1", 1_700_001_500)


def test_requests_are_cut_by_people():
    """No request has more people than configured, nor than SendGrid takes; order stays."""
    messages = _messages(*(_person(number) for number in range(1, 8)))
    assert [request.places for request, _, _ in _requests(messages, people=3)] == [(0, 1, 2), (3, 4, 5), (6,)]
    crowd = _messages(*(_person(number) for number in range(1001)))
    assert [len(request.people) for request, _, _ in _requests(crowd, people=5000)] == [1000, 1]


def test_an_address_stands_once_in_a_request():
    """SendGrid refuses the whole request otherwise, capitals or not."""
    same = replace(_person(1), email="P1@Example.com")
    requests = [request for request, _, _ in _requests(_messages(_person(1), _person(2), same))]
    assert [request.places for request in requests] == [(0, 1), (2,)]


def test_two_editions_do_not_share_a_request():
    """The content is the request's, not the person's."""
    other = replace(_edition(), subject="Other", digest="other")
    assert len(_requests(_messages(_person(1)) + _messages(_person(2), edition=other))) == 2


@pytest.mark.parametrize(("length", "refused"), [(100, False), (4000, False), (9500, False), (9999, True), (30_000, True)])
def test_ten_thousand_bytes_a_person(length, refused):
    """SendGrid's limit on what is merged, measured with the tags that it is keyed by; the others of the request go."""
    edition = replace(an_edition(), fields=an_edition().fields[1:], text="No name.")
    messages = _messages(_person(1), _person(2, first_name="x" * length), edition=edition)
    ((_, body, refusals),) = _requests(messages)
    assert (1 in refusals) == refused
    assert 0 not in refusals
    if not refused:
        assert not check_request(body, Account(0))
    else:
        assert str(LARGEST_PERSON) in refusals[1]


def test_bytes_are_not_characters():
    """4,000 characters of a script that takes three bytes each are over the limit."""
    edition = replace(an_edition(), fields=an_edition().fields[1:], text="No name.")
    ((_, _, refusals),) = _requests(_messages(_person(1, first_name="新" * 4000), edition=edition))
    assert list(refusals) == [0]


def test_text_beyond_ascii_is_utf8():
    """Escaped as \\u it would take twice the room."""
    ((request, _, _),) = _requests(_messages(_person(1, first_name="新聞")))
    assert "新聞".encode() in request.body()


def test_halves_are_the_whole():
    """Nobody is lost or doubled when a request is cut."""
    ((request, _, _),) = _requests(_messages(*(_person(number) for number in range(1, 6))))
    one, two = request.halves()
    assert one.places + two.places == request.places
    assert json.loads(one.body())["content"] == json.loads(two.body())["content"]


@pytest.fixture(scope="module")
def description():
    """Read SendGrid's own description of the request."""
    if not SHARED.is_file():
        pytest.skip("SendGrid's API description (../shared/sendgrid) is not on this machine")
    from jsonschema import Draft202012Validator

    data = json.loads(SHARED.read_text(encoding="utf-8"))
    schema = data["components"]["requestBodies"]["PostMailSend"]["content"]["application/json"]["schema"]
    return Draft202012Validator({**schema, "components": data["components"]})


@pytest.mark.parametrize("via", ["service", "mailto", "sendgrid"])
def test_requests_are_what_sendgrid_describes(description, via):
    """Its own description of a request takes every request that is made here."""
    edition = replace(_edition(), attachments=(IMAGE,), html=f'<p>x</p><img src="{IMAGE.mark}">', reply_to="Ask <ask@letters.example>")
    messages = _messages(_person(1), _person(2, name=""), edition=edition, config=_config(via, address="ask@letters.example"))
    description.validate(_body(messages, group_id=7, schedule=Schedule("b1", 1_700_001_500)))
    description.validate(_body(_messages(_person(1), prefix="[TEST] ")))
    assert not description.is_valid({"personalizations": [{}], "from": {"email": "a@b.example"}})
