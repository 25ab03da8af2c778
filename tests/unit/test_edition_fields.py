"""Holes of an Edition: each mark is that of the place it stands in."""

import re

import pytest

from composer.edition.fields import Slots, fill, fill_for_display, latin_as_references
from composer.edition.model import Context, Edition
from composer.findings import Where
from composer.issue.model import Issue, MergeField

P = "q0123456789ab"


def issue(*fields):
    """Make an issue with the merge fields (name, default), their marks numbered in order."""
    found = tuple(
        MergeField(f"{P}f{n}x", name, default, f"{{{{ {name} }}}}", Where("issues/x.md", n + 1)) for n, (name, default) in enumerate(fields)
    )
    return Issue("x", "issues/x.md", "T", "S", "P", P, (), (), fields=found)


def edition(slots, html):
    """Wrap a text and its slots as an Edition."""
    return Edition("x", "l", "L", "en", "a@example.org", "", "s", "p", html, "", slots.all, (), False)


@pytest.mark.parametrize(
    ("html", "context"),
    [
        ("<p>Hello {}</p>", Context.TEXT),
        ("{}", Context.TEXT),
        ("a < b {} > c", Context.TEXT),
        ('<p>"{}"</p>', Context.TEXT),
        ('<p>href="{}"</p>', Context.TEXT),
        ('<img alt="Hello {}" src="x">', Context.ATTRIBUTE),
        ('<td title="{}">', Context.ATTRIBUTE),
        ('<a href="{}">', Context.HREF),
        ('<img src="{}" />', Context.HREF),
        ('<table background="{}">', Context.HREF),
        ('<blockquote cite="{}">', Context.HREF),
        ('<A\n  class="a"\n  HREF="{}">', Context.HREF),
        ('<a href="https://www.example.org/?name={}">', Context.URL),
        ('<a href="mailto:{}">', Context.URL),
        ('<a href="{}/profile">', Context.URL),
        ('<a title="a > b" href="{}">', Context.HREF),
        ('<a title="it\'s" href="{}">', Context.HREF),
    ],
)
def test_a_mark_gets_the_context_it_stands_in(html, context):
    """The merge escapes by context, so a wrong one is a broken link or worse."""
    slots = Slots(issue(("first_name", None)))
    placed = slots.placed_html(html.format(f"{P}f0x"))
    (slot,) = slots.all
    assert slot.context is context
    assert placed == html.format(slot.mark)
    assert slot.mark == f"{P}{context.value}0x"
    assert (slot.name, slot.default, slot.source, slot.where) == ("first_name", None, "{{ first_name }}", Where("issues/x.md", 1))


def test_subject_and_plain_text_have_contexts_of_their_own():
    """A line end in a name must not become a header, and an ampersand stays itself in plain text."""
    slots = Slots(issue(("first_name", None)))
    assert slots.placed(f"Hi {P}f0x", Context.HEADER) == f"Hi {P}s0x"
    assert slots.placed(f"Hi {P}f0x", Context.PLAIN) == f"Hi {P}p1x"
    assert slots.placed_address(f"{P}f0x") == f"{P}h2x"
    assert slots.placed_address(f"https://example.org/{P}f0x") == f"https://example.org/{P}u3x"


def test_one_field_in_one_context_has_one_mark():
    """SendGrid substitutes by mark: as few as there are values."""
    slots = Slots(issue(("first_name", None), ("first_name", None), ("first_name", "friend"), ("city", None)))
    html = slots.placed_html(f"<p>{P}f0x {P}f1x {P}f2x {P}f3x {P}f0x</p>")
    marks = re.findall(rf"{P}\w\d+x", html)
    assert marks[0] == marks[1] == marks[4]
    assert len(set(marks)) == 3  # another default is another value
    assert [(slot.name, slot.default) for slot in slots.all] == [("first_name", None), ("first_name", "friend"), ("city", None)]


def test_marks_next_to_each_other_are_told_apart():
    """Two fields without a space between them are two fields; eleven are not one and a letter."""
    slots = Slots(issue(*((f"n{n}", None) for n in range(12))))
    html = slots.placed_html("".join(f"{P}f{n}x" for n in range(12)))
    assert html == "".join(f"{P}t{n}x" for n in range(12))


def test_an_address_mark_of_an_image_is_left_alone():
    """Local images have marks of their own kind, which the message layer replaces."""
    slots = Slots(issue(("a", None)))
    html = f'<img src="{P}i0x"> {P}f7x'
    assert slots.placed_html(html) == html
    assert slots.all == ()


def test_a_field_that_a_template_asks_for():
    """The footer's links are fields too; asked twice they are one."""
    slots = Slots(issue(("a", None)))
    first, again, other = slots.field("unsubscribe_url"), slots.field("unsubscribe_url"), slots.field("city", "here")
    assert first == again != other
    html = slots.placed_html(f'<a href="{first}">{other}</a> {P}f0x')
    assert [(slot.name, slot.default, slot.context, slot.source) for slot in slots.all] == [
        ("unsubscribe_url", None, Context.HREF, "{{ unsubscribe_url }}"),
        ("city", "here", Context.TEXT, '{{ city | default("here") }}'),
        ("a", None, Context.TEXT, "{{ a }}"),
    ]
    assert "f100" not in html


def test_filling_replaces_every_mark_once():
    """A value that looks like a mark is a value."""
    slots = Slots(issue(("a", None), ("b", None)))
    html = slots.placed_html(f"{P}f0x {P}f1x {P}f0x")
    assert fill(edition(slots, html), html, lambda slot: f"{P}t1x" if slot.name == "a" else "B") == f"{P}t1x B {P}t1x"
    assert fill(edition(Slots(issue()), html), "no holes", lambda slot: "") == "no holes"


def test_display_shows_defaults_or_what_was_written():
    """A preview shows the hole as its default, escaped for where it stands."""
    slots = Slots(issue(("a", '<b>"&'), ("b", None)))
    html = slots.placed_html(f'<p title="{P}f0x">{P}f0x {P}f1x</p>')
    subject = slots.placed(f"{P}f0x", Context.HEADER)
    shown = edition(slots, html)
    assert fill_for_display(shown, html) == '<p title="&lt;b&gt;&#34;&amp;">&lt;b&gt;&#34;&amp; {{ b }}</p>'
    assert fill_for_display(shown, subject) == '<b>"&'


def test_display_of_a_part_of_an_address_keeps_the_attribute_whole():
    """A default with a quote or a space inside an address must not end the attribute."""
    slots = Slots(
        issue(
            ("a", 'x" onclick="y'),
        )
    )
    html = slots.placed_html(f'<a href="https://example.org/?n={P}f0x">x</a>')
    assert fill_for_display(edition(slots, html), html) == '<a href="https://example.org/?n=x%22%20onclick%3D%22y">x</a>'


def test_display_of_an_address_that_the_merge_would_refuse():
    """A default such as javascript: is no link in the web page either."""
    slots = Slots(issue(("a", "javascript:alert(1)")))
    html = slots.placed_html(f'<a href="{P}f0x">x</a>')
    assert fill_for_display(edition(slots, html), html) == '<a href="#">x</a>'


def test_latin_becomes_references():
    """Seven bytes instead of nine in quoted-printable, and no raw copyright sign, which has set off Gmail's clip."""
    assert latin_as_references("© é “x” – … €") == "&#169; &#233; &#8220;x&#8221; &#8211; &#8230; &#8364;"


@pytest.mark.parametrize("text", ["plain & <b>", "日本語", "👩‍💻"[0], "हिन्दी में", "Ελληνικά", "Кириллица", "العربية", "&#169; &amp;"])
def test_other_scripts_stay_as_they_are(text):
    """In CJK, Greek and the like a reference is longer than the letters."""
    assert latin_as_references(text) == text


@pytest.mark.parametrize("text", ["👩🏽‍🚀", "🏳️‍🌈", "क्‍ष", "می‌خواهم"])
def test_joiners_still_join(text):
    """A joiner as a reference is the same joiner; the text reads back letter by letter."""
    import html

    assert html.unescape(latin_as_references(f"<p>{text}</p>")) == f"<p>{text}</p>"


def test_latin_inside_a_style_block_stays():
    """CSS knows no references: `content: "»"` must stay."""
    html = '<STYLE type="text/css">a{content:"»"}</STYLE>»<style>b{content:"é"}</style>'
    assert latin_as_references(html) == '<STYLE type="text/css">a{content:"»"}</STYLE>&#187;<style>b{content:"é"}</style>'


def test_latin_inside_outlooks_style_stays():
    """A style block inside a conditional comment is CSS too."""
    html = '<!--[if mso]><style>p{font-family:"Café"}</style><![endif]-->'
    assert latin_as_references(html) == html
