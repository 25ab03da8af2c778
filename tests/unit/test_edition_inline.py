"""The wrapped inliner: none of the damage that premailer is known for."""

import re
import socket
from contextlib import suppress

import pytest

from composer.edition.inline import inline, split
from composer.errors import TemplateError

P = "q0123456789ab"


def page(css="", body="<p>x</p>", head=""):
    """Build a document with one style block."""
    return f"<!doctype html><html><head>{head}<style>{css}</style></head><body>{body}</body></html>"


def test_plain_rules_go_into_the_elements():
    """What a client without <style> knows is what stands in the elements."""
    html = inline(page("p{color:#121314}.a{margin:0 0 4px}", '<p class="a">x</p>'))
    assert re.search(r'<p style="color:#121314; ?margin:0 0 4px">x</p>', html)
    assert "<style" not in html
    assert "class=" not in html


def test_the_doctype_is_kept_in_capitals():
    """Premailer drops a lower-case doctype, and browsers fall into quirks mode."""
    assert inline(page()).startswith("<!DOCTYPE html>\n")
    assert inline("\n " + page()).startswith("<!DOCTYPE html>\n")


ALONE = [
    "@media only screen and (max-width:480px){.x{width:100%!important;max-width:100%}}",
    "@media (prefers-color-scheme:dark){body{background-color:#121314!important}.x>p{color:#EEEEEE!important}}",
    "[data-ogsc] .x{color:#EEEEEE!important}",
    ".x:hover{color:#121314!important}",
    "a:visited{color:inherit}",
    "@font-face{font-family:Some;src:url(https://example.org/some.woff2)}",
    "@import url(https://fonts.example.org/css?family=Some);",
    "@supports (display:grid){.x{display:grid}}",
    "@keyframes x{from{opacity:0}to{opacity:1}}",
    "@media screen{@media (max-width:480px){.x{color:#121314}}}",
    "\n  .moz-text-html .x { width: 50% !important }\n",
    "\n/* p{color:#121314} */\n@media print{p{color:#000000}}\n.x:focus{color:#121314}\n",
]


@pytest.mark.parametrize("css", ALONE)
def test_what_premailer_would_damage_stays_byte_for_byte(css):
    """Columns, phones and dark mode live in these; !important in them must stay, and nothing is fetched for them."""
    html = inline(page(css, '<p class="x">x</p>', head="<style>p{margin:0}</style>"))
    assert f"<style>{css}</style>" in html
    assert '<p class="x" style="margin:0">x</p>' in html or '<p style="margin:0">x</p>' in html


@pytest.mark.parametrize("rule", [css.strip() for css in ALONE])
@pytest.mark.parametrize("order", ["PLAIN\nRULE", "RULE\nPLAIN", "/* } */PLAIN RULE PLAIN"])
def test_plain_rules_beside_such_a_rule_are_inlined_all_the_same(rule, order):
    """One @media in a designer's own copy of the styles must not cost the letter its whole look."""
    plain = 'p{color:#121314}.a[title="{"],.b{margin:0 0 4px}'
    html = inline(page(order.replace("PLAIN", plain).replace("RULE", rule), '<p class="b">x</p><p class="x">y</p>'))
    assert re.search(r"<p style=\"color:#121314; ?margin:0 0 4px\">x</p>", html)
    (style,) = re.findall(r"<style>(.*?)</style>", html, flags=re.DOTALL)
    assert style == rule


@pytest.mark.parametrize(
    ("css", "plain"),
    [
        (".a,.a:hover{color:#121314}", ".a{color:#121314}"),
        (".a:visited,.b , .a:focus{color:#121314}", ".b {color:#121314}"),
        (".a:hover{color:#121314}", ""),
        (".a:not(.b,.c):hover{color:#121314}", ""),
        ("@page{margin:0}", ""),
    ],
)
def test_a_rule_for_a_link_and_for_a_link_pointed_at_is_inlined_for_the_link(css, plain):
    """What holds always holds where styles are removed, too; the rule itself stays."""
    assert split(f"p{{margin:0}}{css}") == (f"p{{margin:0}}{plain}", css if plain or css else "")


def test_plain_rules_alone_are_one_piece():
    """Nothing is cut that need not be."""
    for css in ("", " ", "p{margin:0}", "/* @ :hover { */ p{margin:0}\n", 'p{content:"@media{"}', "p{background:url(a@2x.png)}"):
        assert split(css) == (css, "")


@pytest.mark.parametrize(
    ("css", "message"),
    [
        ("p{margin:0", "a { is never closed, at 'p{margin:0'"),
        ("h1{margin:0}\np{margin:0\nh2{margin:0}\n", "a { is never closed, at 'p{margin:0 h2{margin:0}'"),
        ("@media print{p{margin:0}", "a { is never closed, at '@media print{p{margin:0}'"),
        ("h1{margin:0}\np margin:0}", "a } closes nothing, at 'p margin:0}'"),
        ("h1{margin:0}/* p{margin:0}", "a comment is never closed, at '/* p{margin:0}'"),
    ],
)
def test_braces_without_a_pair_are_an_error(css, message):
    """Every style after one would be lost, in some mail programs and not in others."""
    with pytest.raises(TemplateError) as caught:
        inline(page(css))
    assert message in caught.value.message
    assert "inline.css.j2" in caught.value.hint


@pytest.mark.parametrize(
    "css",
    [
        "/*" * 200_000,
        '"\\' * 200_000,
        '\\"' * 200_000,
        "p{" * 200_000,
        "@media x{" * 100_000,
        "a{}@b;" * 60_000,
        "/**/ " * 100_000,
        ":hover," * 100_000 + "a{}",
    ],
)
@pytest.mark.timeout(60)
def test_a_style_sheet_is_read_in_linear_time(css):
    """A slip in half a megabyte of styles is found in a moment; by the square it would take minutes."""
    with suppress(TemplateError):
        split(css)


@pytest.mark.parametrize("css", ALONE)
def test_nothing_marks_what_was_left_alone(css):
    """The inliner's own marks are not for readers."""
    assert "data-premailer" not in inline(page(css))


def test_a_block_with_a_medium_stays():
    """MJML writes the columns for Thunderbird and small screens into blocks with a media attribute."""
    html = inline(page(head='<style media="screen and (min-width:480px)">.c{width:50%!important}</style>'))
    assert '<style media="screen and (min-width:480px)">.c{width:50%!important}</style>' in html


def test_important_stays():
    """Without it an override of a client's own style does nothing."""
    assert re.search("color:#121314 ?!important", inline(page("p{color:#121314!important}")))


@pytest.mark.parametrize(
    "tag",
    [
        '<img width="550" height="200" alt="" src="https://example.org/x.png">',
        '<td width="136" height="4" align="left" valign="top" bgcolor="#FFFFFF">x</td>',
        '<table width="100%" cellpadding="0" cellspacing="0" border="0" role="presentation">',
    ],
)
def test_attributes_for_outlook_stay(tag):
    """Outlook draws an image as wide as its attribute says, whatever the style."""
    body = (
        f"<table><tr>{tag}</tr></table>"
        if tag.startswith("<td")
        else f"{tag}<tr><td>x</td></tr></table>"
        if tag.startswith("<table")
        else tag
    )
    html = inline(page("img,td,table{width:100%;height:auto;max-width:100%}", body))
    found = re.search(rf"<{tag[1:4].strip('l>')}[^>]*>", html[html.index("<body") :])[0]
    for attribute in re.findall(r'[\w-]+="[^"]*"', tag):
        assert attribute in html
    assert "calc" not in found


COMMENT = '<!--[if mso | IE]><table align="center" class="card-outlook" style="width:600px;" width="600"><tr><td style="line-height:0px;font-size:0px;"><![endif]-->'


def test_conditional_comments_stay_byte_for_byte():
    """Outlook for Windows lays the letter out by what stands in them."""
    style = '<!--[if mso]><style type="text/css">td,p{font-family:Arial!important} @media x{}</style><![endif]-->'
    xml = "<!--[if gte mso 9]><xml><o:OfficeDocumentSettings><o:AllowPNG/><o:PixelsPerInch>96</o:PixelsPerInch></o:OfficeDocumentSettings></xml><![endif]-->"
    shown = '<!--[if !mso]><!--><span class="b">y</span><!--<![endif]-->'
    html = inline(
        page("td{color:#121314}", f"{COMMENT}<div>x</div><!--[if mso | IE]></td></tr></table><![endif]-->{shown}", head=style + xml)
    )
    for comment in (COMMENT, style, xml, "<!--[if mso | IE]></td></tr></table><![endif]-->", "<!--[if !mso]><!-->", "<!--<![endif]-->"):
        assert comment in html


def test_nothing_is_fetched(monkeypatch):
    """Composing works on a train, and nobody learns that it happens."""

    def refuse(*args, **kwargs):
        pytest.fail("the inliner tried the network")

    monkeypatch.setattr(socket, "create_connection", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(socket.socket, "connect", refuse)
    head = '<link rel="stylesheet" href="https://fonts.example.org/a.css"><style>@import url(https://fonts.googleapis.com/css?family=Ubuntu);</style>'
    html = inline(page("p{background:url(https://example.org/x.png)}", head=head))
    assert "https://fonts.googleapis.com/css?family=Ubuntu" in html


def test_marks_stay_as_they_are():
    """Merge fields are found again by their marks, wherever they stand."""
    body = f'<a href="{P}f0x" title="{P}f1x">{P}f2x</a><a href="https://example.org/?a=1&amp;n={P}f3x">x</a><img src="{P}i0x" alt="{P}f4x">'
    html = inline(page("a{color:#121314}", body))
    assert [f"{P}{kind}" in html for kind in ("f0x", "f1x", "f2x", "f3x", "f4x", "i0x")] == [True] * 6
    assert f'href="{P}f0x"' in html
    assert f"?a=1&amp;n={P}f3x" in html


def test_a_no_break_space_stays_one():
    """As a character or a reference, it keeps a number beside its unit."""
    html = inline(page("", "<p>10&nbsp;km&#160;x\u00a0y</p>"))
    assert re.sub("&nbsp;|&#160;", "\u00a0", html).count("\u00a0") == 3


@pytest.mark.parametrize(
    "text", ["a &lt;b&gt; &amp;amp; c", "]]&gt;", "&lt;!-- x --&gt;", "'x' \"y\"", "日本語 👩🏽‍🚀 क्षत्रिय", '&lt;p class="idle"&gt;']
)
def test_text_stays_as_it_is(text):
    """An inliner has no business with the words."""
    assert f">{text}</p>" in inline(page("p{margin:0}", f"<p>{text}</p>"))


@pytest.mark.parametrize(
    "value",
    [
        "&lt;p class=&quot;idle&quot;&gt;",
        "say &quot;hi&quot; &gt; it's",
        "]]&gt;&lt;!--&lt;![endif]--&gt;",
        "&amp;quot;",
        "class=&quot;x&quot;",
    ],
)
def test_attributes_stay_quoted_twice_over(value):
    """Merge contexts are read off double-quoted attributes: libxml2's single quotes would let a value out."""
    from html import unescape

    html = inline(page("p{margin:0}", f'<img class="idle" alt="{value}" src="https://example.org/?q=&quot;{P}f0x"><p>x</p>'))
    image = re.search(r"<img(?:[^>\"]|\"[^\"]*\")*>", html)[0]
    found = dict(re.findall(r'\s([\w-]+)="([^"]*)"', image))
    assert unescape(found["alt"]) == unescape(value)
    assert found["src"] == f"https://example.org/?q=&quot;{P}f0x"
    assert "<" not in image[1:]
    assert "class" not in found


def test_class_names_stay_where_a_style_block_speaks_of_them():
    """Phones and dark mode need them; the others only weigh."""
    html = inline(
        page(
            ".x{color:#121314}.y{margin:0}",
            '<p class="x y z">a</p><p class="y">b</p>',
            head="<style>@media print{.x{color:#000000}.z-1{margin:0}}</style>",
        )
    )
    assert 'class="x"' in html
    assert len(re.findall("class=", html)) == 1


def test_a_class_that_outlooks_own_style_speaks_of_stays():
    """A rule in a conditional comment is for elements outside of it."""
    html = inline(page("", '<p class="toc">a</p>', head="<!--[if mso]><style>.toc{font-size:15px}</style><![endif]-->"))
    assert '<p class="toc">a</p>' in html


@pytest.mark.parametrize(
    "css",
    [
        "}",
        "a{",
        "p{color:}",
        "p>{}",
        ">p{color:red}",
        "p[{x",
        "p!{}",
        "*{color:red}",
        "p:foo{color:red}",
        "p{--x:1}",
        "p{width:calc(100% - 2px)}",
    ],
)
def test_strange_css_neither_crashes_nor_harms(css):
    """A designer's slip is a TemplateError or nothing, never a traceback or an invalid attribute."""
    try:
        html = inline(page(css, "<p>x</p><table><tr><td>y</td></tr></table>"))
    except TemplateError:
        return
    assert 'width="calc' not in html
    assert re.search(r"<p[^>]*>x</p>", html)


def test_twice_the_same():
    """The digest depends on it; premailer caches, and caches have been known to leak."""
    html = page(".a{color:#121314;margin:0}p{color:#232425}", '<p class="a">x</p>' * 3)
    assert inline(html) == inline(html)
