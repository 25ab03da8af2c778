"""One person's message from end to end: values, links, headers, bytes."""

from dataclasses import replace
from datetime import UTC, datetime
from email import message_from_bytes, policy

import pytest

from composer.audience.model import Subscriber
from composer.config import Config, Images, ListSettings, Newsletter, Public, Unsubscribe
from composer.edition.model import Context, Edition, Slot
from composer.errors import MergeError
from composer.findings import Where
from composer.issue.model import Asset
from composer.message.build import Builder, build_message, image_urls, inline_images
from composer.message.merge import Merger
from composer.message.mime import to_bytes
from composer.message.token import read_unsubscribe

P = "q0123456789ab"
CONFIG = Config(
    newsletter=Newsletter(name="Inside News", from_="News <news@example.org>"),
    unsubscribe=Unsubscribe(via="service"),
    public=Public("https://news.example.org"),
)
NAMES = ("name", "unsubscribe_url", "preferences_url", "email")
ASSET = Asset(f"{P}i0x", "logo.png", "image/png", b"png", "ab" * 32, 10, 10)


def slots():
    """Build one hole for every field in every context that suits it."""
    return tuple(
        Slot(
            f"{P}{context.value}{number}x",
            name,
            context,
            "friend" if name == "name" else None,
            f"{{{{ {name} }}}}",
            Where("issues/a.md", 3),
        )
        for number, name in enumerate(NAMES)
        for context in Context
        if context is not Context.HREF or name in NAMES[1:3]
    )


EDITION = Edition(
    "a", "staff", "Staff", "en", "News <news@example.org>", "", f"News for {P}s0x", "",
    f'<p title="{P}a0x">Hello {P}t0x <a href="https://example.org/?n={P}u0x">x</a> <a href="{P}h1x">leave</a>'
    f'<a href="{P}h2x">change</a> {P}t3x <img src="{P}i0x"></p>',
    f"Hello {P}p0x\nleave: {P}p1x\n", slots(), (ASSET,), False, "d" * 64,
)  # fmt: skip


def built(person, config=CONFIG, edition=EDITION):
    """Build a message of one person."""
    return build_message(
        Merger(edition, inline_images(edition)),
        person,
        delivery_id="d-1",
        date=datetime(2026, 1, 31, tzinfo=UTC),
        config=config,
        settings=ListSettings("staff", "staff", "Staff & friends"),
        keys=("key",),
    )


def jane(name="Jane", **fields):
    """Build a subscriber."""
    return Subscriber("jane@example.org", "jane@example.org", name, {"name": name, **fields}, Where("recipients/staff.csv", 2, "email"))


@pytest.mark.parametrize(
    ("name", "html", "plain"),
    [
        ('<b>"O\'Neil" & Sons</b>', '&lt;b&gt;"O\'Neil" &amp; Sons&lt;/b&gt;', '<b>"O\'Neil" & Sons</b>'),
        (
            "Jane\r\nBcc: victim@example.org\r\n\r\n<script>",
            "Jane Bcc: victim@example.org &lt;script&gt;",
            "Jane Bcc: victim@example.org <script>",
        ),
        (f"{P}h1x", f"{P}h1x", f"{P}h1x"),
        ("Zoë 👩🏽‍🚀", "Zoë 👩🏽‍🚀", "Zoë 👩🏽‍🚀"),
        ("--=_boundary", "--=_boundary", "--=_boundary"),
        ("{{ email }}", "{{ email }}", "{{ email }}"),
    ],
)
def test_no_name_does_any_harm(name, html, plain):
    """The promise of the merge, seen from the mailbox: a name is a name in every part of the message."""
    data = to_bytes(built(jane(name)))
    parsed = message_from_bytes(data, policy=policy.default)
    assert parsed["Bcc"] is None
    assert parsed["Subject"] == f"News for {plain}"
    assert [(one.display_name, one.addr_spec) for one in parsed["To"].addresses] == [(plain, "jane@example.org")]
    assert f"Hello {html} <a" in parsed.get_body(("html",)).get_content()
    assert parsed.get_body(("plain",)).get_content().startswith(f"Hello {plain}\r\n")
    assert "<script" not in parsed.get_body(("html",)).get_content()
    assert [part.get_content_type() for part in parsed.walk() if not part.is_multipart()] == ["text/plain", "text/html", "image/png"]


def test_one_builder_makes_what_single_calls_make():
    """What people share is worked out once: a link of their own never is, with the first reader's everybody would leave for them."""
    builder = Builder(
        Merger(EDITION, inline_images(EDITION)), config=CONFIG, settings=ListSettings("staff", "staff", "Staff & friends"), keys=("key",)
    )
    date = datetime(2026, 1, 31, tzinfo=UTC)
    one, other = (builder.build(jane(), identity, date) for identity in ("d-1", "d-2"))
    assert to_bytes(one) == to_bytes(built(jane()))
    tokens = [message.headers["List-Unsubscribe"].strip("<>").rpartition("/")[2] for message in (one, other)]
    assert [read_unsubscribe(token, ("key",)) for token in tokens] == ["d-1", "d-2"]
    assert tokens[0] not in other.html + other.text


def test_the_message_has_its_identity_and_its_ways_out():
    """Message-ID and links depend on the delivery alone, so that a second attempt is the same mail."""
    message = built(jane())
    url = message.headers["List-Unsubscribe"].strip("<>")
    assert message.message_id == "d-1@example.org"
    assert read_unsubscribe(url.rpartition("/")[2], ("key",)) == "d-1"
    assert f'<a href="{url}">leave</a><a href="{url}">change</a>' in message.html
    assert f"leave: {url}\n" in message.text
    assert message.headers["List-Id"] == "Staff & friends <staff.example.org>"
    assert message.headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert "jane@example.org" in message.html
    assert message == built(jane())
    assert set(message.substitutions) == {slot.mark for slot in EDITION.fields}


def test_a_list_cannot_set_what_the_system_sets():
    """A column named like a system field must not replace the way out."""
    message = built(jane(unsubscribe_url="https://evil.example", email="other@example.org"))
    assert "evil.example" not in message.html + message.text
    assert "other@example.org" not in message.html


def test_the_name_of_the_address_serves_as_the_field():
    """Whoever is only known as `"Jane" <address>` is greeted by name; whoever has none, by the default."""
    assert "Hello Jane <a" in built(replace(jane(), fields={})).html
    assert "Hello friend <a" in built(jane("")).html


def test_a_value_that_is_missing_stops_this_message():
    """The last line of defence behind the check of the whole list."""
    needy = replace(
        EDITION, text=f"{P}p9x", fields=(*slots(), Slot(f"{P}p9x", "city", Context.PLAIN, None, "{{ city }}", Where("issues/a.md", 9)))
    )
    with pytest.raises(MergeError) as caught:
        built(jane(), edition=needy)
    assert str(caught.value.where) == "issues/a.md:9"
    assert built(jane(city="Rome"), edition=needy).text == "Rome"


@pytest.mark.parametrize("via", ["mailto", "sendgrid"])
def test_the_other_ways_out_are_built_as_well(via):
    """With no configuration beyond the sender, a reader can leave by mail."""
    message = built(jane(), replace(CONFIG, unsubscribe=Unsubscribe(via=via)))
    expected = {"mailto": "mailto:news@example.org?subject=unsubscribe%20staff", "sendgrid": "<%asm_group_unsubscribe_raw_url%>"}[via]
    assert f'<a href="{expected}">leave</a>' in message.html
    assert ("List-Unsubscribe" in message.headers) == (via == "mailto")
    assert "List-Unsubscribe-Post" not in message.headers


def test_images_are_named_by_content():
    """The same picture has the same Content-ID in every message."""
    assert inline_images(EDITION) == {ASSET.mark: f"cid:{'ab' * 16}@example.org"}


@pytest.mark.parametrize("email", ["not an address", "a@b@example.org", "a@example.org\r\nBcc: b@example.org"])
def test_what_no_header_can_hold_is_not_built(email):
    """A transport never meets a message that it cannot write, and nobody is taken to have refused it."""
    with pytest.raises(MergeError, match="cannot stand in a header"):
        built(Subscriber(email, "k", "Ann"))


def test_images_are_hosted_or_travel_inside():
    """Hosted below the address of the configuration, with or without a slash at its end; else a part of the message."""
    for url in ("https://img.example.org/n", "https://img.example.org/n/"):
        config = replace(CONFIG, images=Images(url=url))
        assert image_urls(EDITION, config, hosted=True) == {ASSET.mark: f"https://img.example.org/n/{ASSET.hosted_name}"}
        assert image_urls(EDITION, config, hosted=False) == inline_images(EDITION)
