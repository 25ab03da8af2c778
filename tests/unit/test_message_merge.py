"""Values merged into an edition, escaped for where they stand."""

import re

import pytest

from composer.edition.model import Context, Edition, Slot
from composer.errors import MergeError
from composer.findings import Where
from composer.issue.model import Asset
from composer.message.merge import Merger

PREFIX = "q0123456789ab"
PLACE = Where("issues/2026-01.md", 7)
HOSTILE = '<b>"O\'Neil" & Sons</b>'


def slot(context, number=0, name="name", default=None):
    """Build a hole as the edition layer does."""
    return Slot(f"{PREFIX}{context.value}{number}x", name, context, default, f"{{{{ {name} }}}}", PLACE)


def edition(*slots, subject="News", html="", text="", attachments=()):
    """Build an edition of a few words."""
    return Edition("s", "staff", "Staff", "en", "News <news@example.org>", "", subject, "", html, text, slots, attachments, False, "d" * 64)


def merged(context, value, html="<i>{}</i>", default=None):
    """Merge one value into the part that its context belongs to."""
    hole = slot(context, default=default)
    parts = {Context.PLAIN: "text", Context.HEADER: "subject"}
    part = parts.get(context, "html")
    found = Merger(edition(hole, **{part: html.format(hole.mark)}), {}).merge({"name": value} if value is not None else {})
    return getattr(found, part)


@pytest.mark.parametrize(
    ("context", "value", "expected"),
    [
        (Context.TEXT, HOSTILE, '&lt;b&gt;"O\'Neil" &amp; Sons&lt;/b&gt;'),
        (Context.ATTRIBUTE, HOSTILE, "&lt;b&gt;&quot;O&#x27;Neil&quot; &amp; Sons&lt;/b&gt;"),
        (Context.URL, HOSTILE, "%3Cb%3E%22O%27Neil%22%20%26%20Sons%3C%2Fb%3E"),
        (Context.PLAIN, HOSTILE, HOSTILE),
        (Context.HEADER, HOSTILE, HOSTILE),
        (Context.TEXT, "a\r\n\tb\x00\x85\u2028\u2029c", "a b c"),
        (Context.ATTRIBUTE, "a\r\nb", "a b"),
        (Context.URL, "a\r\nb/é", "a%20b%2F%C3%A9"),
        (Context.PLAIN, "a\u2028b\nc", "a b c"),
        (Context.HEADER, "a\r\nBcc: b@example.org", "a Bcc: b@example.org"),
        (Context.HEADER, "\u202eabc\u2066d\u2069", "abcd"),
        (Context.TEXT, "\u202eabc\u2067d\u200f", "abcd\u200f"),
        (Context.PLAIN, "👩🏽‍🚀 क्ष אב", "👩🏽‍🚀 क्ष אב"),
        (Context.TEXT, "<%asm_group_unsubscribe_raw_url%>", "&lt;%asm_group_unsubscribe_raw_url%&gt;"),
        (Context.HREF, "https://example.org/a b?x=1&y=<é>\"'", "https://example.org/a%20b?x=1&amp;y=%3C%C3%A9%3E%22&#x27;"),
        (Context.HREF, "HTTP://example.org/%20", "HTTP://example.org/%20"),
        (Context.HREF, "mailto:a@example.org?subject=x%20y", "mailto:a@example.org?subject=x%20y"),
    ],
)
def test_values_are_escaped_for_where_they_stand(context, value, expected):
    """A person's name is data, whatever is in it."""
    assert merged(context, value, "{}") == expected


@pytest.mark.parametrize(
    "value",
    ["javascript:alert(1)", "java\nscript:alert(1)", " data:text/html,x", "//example.org", "/path", "example.org", "https:example.org",
     "https://", "https://@x", "http:///x", "mailto:", "mailto:?bcc=x", "vbscript:x", "\x01javascript:x", "file:///etc/passwd"],
)  # fmt: skip
def test_an_address_of_another_kind_is_refused(value):
    """A list must not be able to put a script or a relative address behind a link."""
    with pytest.raises(MergeError) as caught:
        merged(Context.HREF, value)
    assert caught.value.where == PLACE
    assert "{{ name }}" in caught.value.message
    assert "https://" in caught.value.hint
    assert value not in str(caught.value)


def test_blank_values_take_the_default_and_the_default_is_escaped():
    """An empty cell is no name; the default is written by the editor, and still only text."""
    for value in (None, "", "  \u00a0"):
        assert merged(Context.TEXT, value, default="R&D") == "<i>R&amp;D</i>"
        assert merged(Context.TEXT, value, default="") == "<i></i>"
        with pytest.raises(MergeError) as caught:
            merged(Context.TEXT, value)
        assert caught.value.where == PLACE


def test_marks_inside_values_are_not_filled_again():
    """A value that spells a mark must come out as it is, or one field could pull in another."""
    name, other = slot(Context.TEXT), slot(Context.TEXT, 1, "secret")
    found = Merger(edition(name, other, html=f"{name.mark}|{other.mark}"), {}).merge({"name": f"{other.mark}{name.mark}", "secret": "s"})
    assert found.html == f"{other.mark}{name.mark}|s"


def test_every_mark_is_filled_in_every_part():
    """Marks that begin alike, repeat, touch each other, or open and close a part are all found."""
    holes = [slot(Context.TEXT, number, f"f{number}") for number in (1, 10, 100)]
    plain, head = slot(Context.PLAIN, 1, "f1"), slot(Context.HEADER, 1, "f1")
    html = "".join(hole.mark for hole in holes) + "-" + holes[0].mark
    found = Merger(edition(*holes, plain, head, subject=f"{head.mark}!", html=html, text=plain.mark * 2), {}).merge(
        {"f1": "A", "f10": "B", "f100": "C"}
    )
    assert (found.subject, found.html, found.text) == ("A!", "ABC-A", "AA")
    assert set(found.substitutions) == {each.mark for each in (*holes, plain, head)}
    assert found.substitutions[holes[1].mark] == "B"
    assert PREFIX not in found.html + found.text + found.subject


def test_an_edition_without_fields_is_merged_as_it_is():
    """Most issues have no fields of their own."""
    found = Merger(edition(html="<p>x</p>", text="x"), {}).merge({})
    assert (found.html, found.text, found.substitutions) == ("<p>x</p>", "x", {})


def test_tags_of_sendgrid_pass_only_as_links_of_the_system():
    """SendGrid fills in its unsubscribe tag while it sends; escaped, the link would be dead. No other field may hold one raw."""
    tag = "<%asm_group_unsubscribe_raw_url%>"
    link, text, user = slot(Context.HREF, 0, "unsubscribe_url"), slot(Context.PLAIN, 1, "unsubscribe_url"), slot(Context.HREF, 2, "site")
    merger = Merger(edition(link, text, html=f'<a href="{link.mark}">', text=text.mark), {})
    found = merger.merge({"unsubscribe_url": tag})
    assert (found.html, found.text) == (f'<a href="{tag}">', tag)
    with pytest.raises(MergeError):
        merger.merge({"unsubscribe_url": tag + '"><script>'})
    with pytest.raises(MergeError):
        Merger(edition(user, html=user.mark), {}).merge({"site": tag})


def test_the_subject_can_never_break_a_header():
    """Line breaks may come from a value or from the edition itself."""
    hole = slot(Context.HEADER)
    found = Merger(edition(hole, subject=f"A\r\nB {hole.mark}"), {}).merge({"name": "x\r\n\x00y\u2028z\x85"})
    assert found.subject == "A B x y z"
    assert not re.search(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]", found.subject)


def test_images_get_their_address_once():
    """An image's address is the same for everyone and stands in an attribute."""
    asset = Asset(f"{PREFIX}i0x", "a.png", "image/png", b"x", "ab", 1, 1)
    ready = edition(html=f'<img src="{asset.mark}">', text=asset.mark, attachments=(asset,))
    found = Merger(ready, {asset.mark: "https://example.org/?a=1&b=2"}).merge({})
    assert found.html == '<img src="https://example.org/?a=1&amp;b=2">'
    assert found.text == "https://example.org/?a=1&b=2"
    with pytest.raises(MergeError):
        Merger(ready, {})


@pytest.mark.parametrize("context", [Context.PLAIN, Context.HEADER])
def test_a_field_for_plain_text_in_html_is_refused(context):
    """A template that puts a subject's field into HTML would let a name in unescaped."""
    hole = slot(context)
    with pytest.raises(MergeError) as caught:
        Merger(edition(hole, html=f"<title>{hole.mark}</title>"), {})
    assert caught.value.where == PLACE
