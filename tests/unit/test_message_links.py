"""The ways out of a list, by configuration."""

from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from composer.config import Config, ListSettings, Newsletter, Public, Unsubscribe
from composer.errors import ConfigError
from composer.message.links import list_id_header, unsubscribe
from composer.message.token import read_unsubscribe

KEYS = ("key",)
STAFF = ListSettings("staff", "staff")


def config(via, url="", reply_to="", from_="", **unsubscribe_keys):
    """Build a configuration with a way out."""
    return Config(
        newsletter=Newsletter(from_=from_, reply_to=reply_to), unsubscribe=Unsubscribe(via=via, **unsubscribe_keys), public=Public(url)
    )


@pytest.mark.parametrize(
    ("made", "settings", "sender", "address"),
    [
        (config("mailto", address="leave@x.org", reply_to="r@x.org"), STAFF, "", "leave@x.org"),
        (config("mailto", reply_to="Team <r@x.org>", from_="f@x.org"), STAFF, "", "r@x.org"),
        (config("mailto", reply_to="r@x.org"), ListSettings("staff", reply_to="list@x.org"), "", "list@x.org"),
        (config("mailto", from_='"News, Inc" <f@x.org>'), STAFF, "", "f@x.org"),
        (config("mailto"), STAFF, "News <s@x.org>", "s@x.org"),
        (config("mailto", address="a+b&c?%d@x.org"), STAFF, "", "a+b&c?%d@x.org"),
    ],
)
def test_mailto_goes_where_answers_go(made, settings, sender, address):
    """With no server, leaving is a message that a person reads; it names the list."""
    found = unsubscribe(made, settings, "d1", (), sender=sender)
    parts = urlsplit(found.url)
    assert (parts.scheme, unquote(parts.path)) == ("mailto", address)
    assert parse_qs(parts.query) == {"subject": ["unsubscribe staff"]}
    assert found.headers == {"List-Unsubscribe": f"<{found.url}>"}
    assert found.preferences_url == found.url.replace("unsubscribe", "preferences", 1)
    assert not set(' <>"&\r\n') & set(found.url)


def test_mailto_needs_an_address():
    """A footer without a way out is against the law in most places; so it is no default."""
    with pytest.raises(ConfigError) as caught:
        unsubscribe(config("mailto"), STAFF, "d1", ())
    assert "[unsubscribe]" in caught.value.hint


@pytest.mark.parametrize(
    ("url", "start"),
    [
        ("https://news.example.org", "https://news.example.org/u/"),
        ("https://example.org/news/", "https://example.org/news/u/"),
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000/u/"),
        ("http://[::1]:8000/", "http://[::1]:8000/u/"),
    ],
)
def test_the_service_is_one_click(url, start):
    """RFC 8058: one HTTPS address with an unforgeable token, and the Post header beside it."""
    found = unsubscribe(config("service", url, reply_to="r@x.org"), STAFF, "d1", KEYS)
    assert found.url.startswith(start)
    assert read_unsubscribe(found.url.removeprefix(start), KEYS) == "d1"
    assert found.headers == {"List-Unsubscribe": f"<{found.url}>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}


def test_the_service_may_have_an_address_beside_it():
    """Some mail programs only know mailto; it counts only when the team set one up for it."""
    found = unsubscribe(config("service", "https://x.org", address="leave@x.org"), STAFF, "d1", KEYS)
    assert found.headers["List-Unsubscribe"] == f"<{found.url}>, <mailto:leave@x.org?subject=unsubscribe%20staff>"


@pytest.mark.parametrize(
    "url",
    ["", "http://news.example.org", "news.example.org", "ftp://x.org", "https://", "https://x.org/?a=1", "https://x.org/#a", "https://x.org/a b",
     "https://x.org/\r\nX: y", "https://x.org/<a>", "https://[bad", "http://127.0.0.1.example.org", "https://x.org:port"],
)  # fmt: skip
def test_the_service_needs_https(url):
    """Mail programs ignore one-click addresses that are not https."""
    with pytest.raises(ConfigError) as caught:
        unsubscribe(config("service", url), STAFF, "d1", KEYS)
    assert "public_url" in caught.value.hint


def test_sendgrid_fills_in_its_own_links():
    """SendGrid replaces its tags and adds the list headers itself; ours beside them would be two."""
    found = unsubscribe(config("sendgrid"), STAFF, "d1", ())
    assert (found.url, found.preferences_url) == ("<%asm_group_unsubscribe_raw_url%>", "<%asm_preferences_raw_url%>")
    assert found.headers == {}


@pytest.mark.parametrize("via", ["mailto", "service", "sendgrid"])
def test_a_preferences_page_of_the_team_is_used(via):
    """Whoever has such a page wants it in the footer, whichever way out there is."""
    made = config(via, "https://x.org", address="leave@x.org", preferences_url="https://x.org/me")
    assert unsubscribe(made, STAFF, "d1", KEYS).preferences_url == "https://x.org/me"


@pytest.mark.parametrize(
    ("newsletter", "settings", "value"),
    [
        ("Inside News", ListSettings("staff"), "Inside News <staff.example.org>"),
        ("Inside News", ListSettings("", title=""), "Inside News <inside-news.example.org>"),
        ("News, Inc.", ListSettings("Press & Media"), '"News, Inc." <press-media.example.org>'),
        ("x", ListSettings("日本", title="日本"), "=?utf-8?b?5pel5pys?= <x.example.org>"),
        ("日本", ListSettings("日本", title="a\r\nBcc: b"), '"a Bcc: b" <list.example.org>'),
        ("", ListSettings("a"), "<a.example.org>"),
    ],
)
def test_list_id_is_stable_and_ascii(newsletter, settings, value):
    """Readers filter by List-Id, so it depends on the list's name and the sender's domain alone (RFC 2919)."""
    assert list_id_header(newsletter, settings, "Example.org") == value
