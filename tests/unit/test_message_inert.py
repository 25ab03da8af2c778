"""The links of a test: of the same shape as a reader's, and taking nobody off a list."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

import pytest

from composer.config import Config, ListSettings, Newsletter, Public, Unsubscribe
from composer.edition.model import Context, Slot
from composer.errors import ConfigError
from composer.findings import Where
from composer.message.build import build_message
from composer.message.inert import make_inert
from composer.message.links import IGNORE, inert_unsubscribe, unsubscribe
from composer.message.merge import Merger
from composer.message.mime import to_bytes
from composer.message.token import read_test, read_unsubscribe, sign_test, sign_unsubscribe
from composer.testing import FakeClock, an_audience, an_edition

KEYS = ("key",)
READERS = ListSettings("readers")


def _config(via, url="https://news.example.org", **keys):
    return Config(newsletter=Newsletter(from_="News <news@letters.example>"), unsubscribe=Unsubscribe(via=via, **keys), public=Public(url))


def test_a_token_of_a_test_unsubscribes_nobody():
    """The two purposes do not mix, whatever identity is signed."""
    assert read_unsubscribe(sign_test("d1", KEYS), KEYS) is None
    assert read_test(sign_unsubscribe("d1", KEYS), KEYS) is None
    assert read_test(sign_test("test-1", KEYS), ("newer", *KEYS)) == "test-1"


def test_the_service_gets_a_token_of_a_test():
    """Header and link keep their shape, so that a received test says whether one-click would work."""
    config = _config("service", address="leave@letters.example")
    real, inert = (way(config, READERS, "test-1", KEYS) for way in (unsubscribe, inert_unsubscribe))
    token = inert.url.removeprefix("https://news.example.org/u/")
    assert (read_unsubscribe(token, KEYS), read_test(token, KEYS)) == (None, "test-1")
    assert inert.preferences_url == inert.url
    assert list(inert.headers) == list(real.headers)
    assert inert.headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert inert.headers["List-Unsubscribe"] == f"<{inert.url}>, <mailto:leave@letters.example?subject=TEST%2C%20please%20ignore>"
    assert len(inert.url) < len(real.url) + 10


@pytest.mark.parametrize("via", ["mailto", "sendgrid"])
def test_a_message_asks_to_be_ignored(via):
    """Nobody who reads the mailbox takes a click on a test for a wish; SendGrid finds no tag to put a living link in."""
    inert = inert_unsubscribe(_config(via), READERS, "test-1", ())
    parts = urlsplit(inert.url)
    assert (parts.scheme, parts.path) == ("mailto", "news@letters.example")
    assert parse_qs(parts.query) == {"subject": [IGNORE]}
    assert "unsubscribe" not in inert.url
    assert "<%" not in f"{inert}"
    assert inert.preferences_url == inert.url
    assert inert.headers == {"List-Unsubscribe": f"<{inert.url}>"}


@pytest.mark.parametrize("via", ["mailto", "sendgrid", "service"])
def test_a_page_for_preferences_stays(via):
    """It knows nobody, and a colleague should see where it leads."""
    config = _config(via, preferences_url="https://letters.example/preferences")
    assert inert_unsubscribe(config, READERS, "test-1", KEYS).preferences_url == "https://letters.example/preferences"


def test_what_is_not_set_up_is_told():
    """A test cannot show a link that nobody could make."""
    with pytest.raises(ConfigError, match="https address"):
        inert_unsubscribe(_config("service", url=""), READERS, "test-1", KEYS)


def _edition():
    kinds = {
        "unsubscribe_url": (Context.HREF, Context.PLAIN, Context.ATTRIBUTE, Context.URL),
        "preferences_url": (Context.HREF,),
        "first_name": (Context.TEXT,),
    }
    slots = tuple(
        Slot(f"q0f1e2d3c4b5{context.value}{at}{number}x", name, context, "friend", name, Where("x"))
        for at, (name, contexts) in enumerate(kinds.items())
        for number, context in enumerate(contexts)
    )
    html = "".join(f'<a href="{slot.mark}">x</a>' for slot in slots if slot.context is not Context.PLAIN)
    text = "".join(slot.mark for slot in slots if slot.context is Context.PLAIN)
    return replace(an_edition(), fields=slots, html=f"<!DOCTYPE html><html><body>{html}</body></html>", text=f"{text}\n")


@pytest.mark.parametrize("via", ["mailto", "sendgrid", "service"])
def test_only_the_ways_out_change(via):
    """Everywhere in the letter, in every context; name, subject, other values and the digest stay the reader's."""
    config, (person,) = _config(via), an_audience(1).subscribers
    edition = _edition()
    how = {"delivery_id": "test-1", "date": FakeClock().now, "config": config, "settings": READERS, "keys": KEYS}
    message = build_message(Merger(edition, {}), person, **how)
    inert = make_inert(message, inert_unsubscribe(config, READERS, "test-1", KEYS))
    leave, dead = unsubscribe(config, READERS, "test-1", KEYS), inert_unsubscribe(config, READERS, "test-1", KEYS)
    assert leave.url in message.text
    assert inert.text == f"{dead.url}\n"
    for living in (leave.url, leave.preferences_url):
        assert living.split("/u/")[-1] not in to_bytes(inert).decode() + inert.html + inert.text
    changed = {slot.name for slot in edition.fields if message.substitutions[slot.mark] != inert.substitutions[slot.mark]}
    assert changed == {"unsubscribe_url", "preferences_url"}
    assert inert.headers == {"List-Id": message.headers["List-Id"], **dead.headers}
    assert inert.edition.digest == edition.digest
    assert inert._replace(merged=message.merged, headers=message.headers) == message
