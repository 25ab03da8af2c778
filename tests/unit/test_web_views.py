"""What the views do to a letter: schemes, inverted colours, missing fields, source and message. Each on texts of its own."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from patience import ends_within

from composer.config import ListSettings
from composer.edition.compose import compose
from composer.edition.model import Context, Edition, Slot
from composer.findings import Where
from composer.issue.files import read_issue
from composer.web.preview.colours import inverted
from composer.web.preview.merging import marked_text, merged_html, merged_text, missing
from composer.web.preview.schemes import dark, forced_dark, light, without_styles
from composer.web.preview.source import source_page, text_page

LETTER = """<!DOCTYPE html><html><head><title>T</title>
<meta name="color-scheme" content="light dark"><meta name="supported-color-schemes" content="light dark">
<style>:root{color-scheme:light dark}.a{color:#000000}</style>
<style>@media (prefers-color-scheme:dark){.a{color:#ffffff!important}}</style>
<style media="screen and ( prefers-color-scheme : light )">.b{color:red}</style>
</head><body style="background-color:#FFFFFF" bgcolor="#ffffff">
<p style="color:black;border:1px solid rgb(0,0,0);background:url(a.png) white">prefers-color-scheme: dark, style="color:#000"</p>
<img src="red.png" style="border-color:#f00"></body></html>"""


def test_dark_as_authored_holds_without_the_systems_leave():
    """Whatever the editor's computer is set to, the letter's own dark rules hold, and its light ones do not."""
    html = dark(LETTER)
    assert "@media (min-width:0px){.a{color:#ffffff!important}}" in html
    assert 'media="screen and (max-width:0px)"' in html
    assert html.count('content="dark"') == 2
    assert ":root{color-scheme:dark}" in html


def test_light_holds_on_a_dark_desktop():
    """The other way round."""
    html = light(LETTER)
    assert "@media (max-width:0px){.a{color:#ffffff!important}}" in html
    assert 'media="screen and (min-width:0px)"' in html
    assert html.count('content="light"') == 2


def test_words_about_schemes_stay_words():
    """A letter may speak of CSS."""
    for change in (light, dark):
        assert "prefers-color-scheme: dark, style=" in change(LETTER)


def test_forced_dark_turns_every_colour_round_but_images():
    """Inline styles, attributes and rules; addresses and text are left alone, and what is not set lies on the program's own dark ground."""
    html = forced_dark(LETTER)
    assert 'bgcolor="#333333"' in html
    assert "background-color:#333333" in html
    assert re.search(r"<p style=\"color:#fff(?:fff)?;border:1px solid #ffffff;background:url\(a.png\) #333333\">", html)
    assert 'src="red.png"' in html
    assert 'style="color:#000"</p>' in html
    assert "(max-width:0px){.a" in html  # such programs know no dark rules
    assert "html{background:#333;color:#fff" in html


@pytest.mark.parametrize(
    ("colour", "shown"),
    [
        ("#fff", "#333333"), ("white", "#333333"), ("#FFFFFFFF", "#333333"), ("#000", "#ffffff"), ("rgb(0 0 0)", "#ffffff"),
        ("rgba(255,255,255,0.5)", "rgba(51,51,51,0.5)"), ("hsl(0,0%,100%)", "#333333"), ("rgb(100%,100%,100%)", "#333333"),
    ],
)  # fmt: skip
def test_lightness_is_turned_round(colour, shown):
    """White becomes the ground, black the ink, as Outlook's published rule has it; every notation means the same."""
    assert inverted(colour) == shown


def test_hue_is_kept():
    """A red button stays a red one: of its channels red is the greatest before and after."""
    for colour in ("#D71920", "#a40000", "crimson"):
        channels = [int(inverted(colour)[at : at + 2], 16) for at in (1, 3, 5)]
        assert channels[0] > max(channels[1:]) + 20


@pytest.mark.parametrize("word", ["", "solid", "inherit", "transparent", "none", "#12", "#ggg", "rgb()", "rgb(1)", "hsl(,,)", "url(red)"])
def test_what_is_no_colour_is_left(word):
    """A word that happens to stand in a declaration is not rewritten."""
    assert inverted(word) == ""


def test_no_style_is_without_any_rule():
    """What is left is what some programs show: inline styles alone."""
    html = without_styles(LETTER.replace("</head>", '<link rel="stylesheet" href="x.css"></head>'))
    assert "<style" not in html
    assert "<link" not in html
    assert 'style="background-color:#FFFFFF"' in html


@pytest.mark.parametrize(
    "text",
    [
        "<style>" * 40_000,
        '<p style="' * 40_000,
        "color:" * 60_000,
        "rgb(" * 80_000,
        "color" * 60_000,
        "a " * 150_000,
        "(prefers-color-scheme" * 15_000,
        "<a " + "x='" * 90_000,
        "url(" * 80_000,
    ],
)
def test_views_take_linear_time(text):
    """A letter of 300,000 characters of anything is shown in a moment."""
    page = f'<html><head><style>{text}</style></head><body><p style="color:{text[:100_000]}">{text}</p></body></html>'
    assert ends_within(4, lambda: (forced_dark(page), without_styles(text)))


# ---- fields ----------------------------------------------------------------------------------------------------


def slot(name, context, default=None, mark=None):
    return Slot(mark or f"q0123456789ab{context.value}{len(name)}x", name, context, default, f"{{{{ {name} }}}}", Where("issues/a.md", 3))


def edition_of(html, *slots, text=""):
    return Edition("a", "", "", "en", "a@example.org", "", "", "", html, text, tuple(slots), (), False)


def test_a_missing_field_is_marked_where_an_element_can_stand():
    """In text it is a mark with a title; in an attribute, a title or a comment it stays plain; a link leads nowhere."""
    text, attribute, whole, part = (
        slot(name, kind) for name, kind in (("a", Context.TEXT), ("bb", Context.ATTRIBUTE), ("ccc", Context.HREF), ("dddd", Context.URL))
    )
    html = f'<title>{text.mark}</title><!-- {text.mark} --><p title="{attribute.mark}">{text.mark}</p><a href="{whole.mark}" name="https://x/?{part.mark}">x</a>'
    edition = edition_of(html, text, attribute, whole, part)
    shown = merged_html(edition, html, {})
    assert "<title>{{ a }}</title>" in shown
    assert '<p title="{{ bb }}">' in shown
    assert re.search(r'<mark [^>]*title="No value for a: [^"]*">\{\{ a \}\}</mark></p>', shown)
    assert shown.count("<mark") == 1
    assert '<a href="#" name="https://x/?%7B%7B%20dddd%20%7D%7D">' in shown
    assert missing(edition, {}) == {"a", "bb", "ccc", "dddd"}
    assert missing(edition, {"a": "1", "bb": "2", "ccc": "https://example.org", "dddd": "4"}) == set()


def test_values_are_escaped_as_in_the_mail():
    """What stands in the preview for a strange name is what a reader gets."""
    text, whole = slot("a", Context.TEXT), slot("ccc", Context.HREF)
    edition = edition_of(f'<p>{text.mark}</p><a href="{whole.mark}">x</a>', text, whole)
    shown = merged_html(edition, edition.html, {"a": "<b>&", "ccc": "javascript:alert(1)"})
    assert shown == '<p>&lt;b&gt;&amp;</p><a href="#">x</a>'
    assert missing(edition, {"a": "1", "ccc": "javascript:alert(1)"}) == {"ccc"}


def test_readers_own_links_are_nobodys():
    """No link to unsubscribe is made up, so none can be followed."""
    leave = slot("unsubscribe_url", Context.HREF)
    edition = edition_of(f'<a href="{leave.mark}">x</a>', leave)
    assert merged_html(edition, edition.html, {}) == '<a href="#">x</a>'
    assert missing(edition, {}) == set()


def test_text_is_marked_and_escaped():
    """The plain text is a page too, and shows the same gap."""
    name = slot("a", Context.PLAIN)
    edition = edition_of("", name, text=f"<b> {name.mark} &")
    assert marked_text(edition, edition.text, {"a": "<i>"}) == "&lt;b&gt; &lt;i&gt; &amp;"
    assert "&lt;b&gt; <mark " in marked_text(edition, edition.text, {})
    assert merged_text(edition, edition.text, {}) == "<b> {{ a }} &"


# ---- source ----------------------------------------------------------------------------------------------------


def test_source_is_text():
    """Shown, never interpreted; each line has a number; both schemes are there."""
    page = source_page("<T>", "<script>alert(1)</script>\n" * 3)
    assert "<script" not in page
    assert "&lt;T&gt;" in page
    assert page.count('class="linenos"') == 3
    assert "@media (prefers-color-scheme:dark)" in page


def test_a_huge_source_is_shown_plain():
    """Half a megabyte takes no second to open."""
    assert "&lt;p&gt;" in source_page("x", "<p>x</p>" * 60_000)
    assert ends_within(3, lambda: source_page("x", "<p>x</p>" * 60_000))


def test_pages_in_frames_need_nothing():
    """They stand under a policy that lets nothing load."""
    assert not re.search(r"(?:src|href)=", text_page("x", "y"))


def test_the_digest_is_of_what_is_sent(project):
    """The preview changes nothing of an edition that it shows."""
    issue = read_issue(project.issue_path("2026-01"), project)
    edition = compose(issue, ListSettings(), project)
    before = replace(edition)
    for change in (light, dark, forced_dark, without_styles):
        change(merged_html(edition, edition.html, {}))
    assert edition == before
