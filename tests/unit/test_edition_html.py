"""Running text as HTML: every kind of block and inline, and all of it escaped."""

import re

import pytest

from composer.edition.html import address, inline_html, prose_html, shown_width
from composer.issue.model import (
    Break,
    Button,
    Callout,
    Code,
    CodeBlock,
    Columns,
    Divider,
    Event,
    Events,
    Figure,
    FootnoteRef,
    Heading,
    Image,
    Items,
    Link,
    LinkRow,
    Paragraph,
    Quote,
    Span,
    Table,
    Text,
)

HOSTILE = """</td></mj-text><script>{{ 7*7 }}{% include "x" %}]]><!-- <![endif]--> & " '"""
ESCAPED = """&lt;/td&gt;&lt;/mj-text&gt;&lt;script&gt;{{ 7*7 }}{% include "x" %}]]&gt;&lt;!-- &lt;![endif]--&gt; &amp; " '"""
IN_ATTRIBUTE = ESCAPED.replace('"', "&quot;").replace("'", "&#x27;")
TABLE = '<table class="t" width="100%" cellpadding="0" cellspacing="0" border="0">'
BAD = (Text(HOSTILE),)


def words(text):
    """Make inlines of a text."""
    return (Text(text),)


def p(text):
    """Make a paragraph of a text."""
    return Paragraph(words(text))


@pytest.mark.parametrize(
    ("node", "html"),
    [
        (Text(HOSTILE), ESCAPED),
        (Text("a\u00a0b &amp; é 日本"), "a\u00a0b &amp;amp; é 日本"),
        (Code(HOSTILE), f'<code class="code">{ESCAPED}</code>'),
        (Break(), "<br />"),
        (FootnoteRef(3), '<sup class="fn">3</sup>'),
        (Span("strong", BAD), f"<strong>{ESCAPED}</strong>"),
        (Span("mark", words("x")), '<mark class="mk">x</mark>'),
        (Span("kbd", words("x")), '<kbd class="kbd">x</kbd>'),
        (Link("https://example.org/?a=1&b=<", BAD), f'<a class="a" href="https://example.org/?a=1&amp;b=&lt;">{ESCAPED}</a>'),
        (Link(HOSTILE, (), HOSTILE), f'<a class="a" href="{IN_ATTRIBUTE}" title="{IN_ATTRIBUTE}"></a>'),
        (Image(HOSTILE, HOSTILE, HOSTILE), f'<img class="img" src="{IN_ATTRIBUTE}" alt="{IN_ATTRIBUTE}" title="{IN_ATTRIBUTE}" />'),
        (Image("x", width=2000), '<img class="img" src="x" alt="" width="520" />'),
        (Image("x", width=300), '<img class="img" src="x" alt="" width="300" />'),
        (Image("x", width=300, shown_width=100), '<img class="img" src="x" alt="" width="100" />'),
    ],
)
def test_inlines(node, html):
    """One at a time; a hostile text comes out as itself."""
    assert inline_html((node,)) == html


@pytest.mark.parametrize(
    ("block", "html"),
    [
        (Paragraph(BAD), f'<p class="p">{ESCAPED}</p>'),
        (Heading(3, BAD), f'<h3 class="h3">{ESCAPED}</h3>'),
        (Heading(2, words("x")), '<h2 class="h3">x</h2>'),
        (Heading(6, words("x")), '<h6 class="h4">x</h6>'),
        (Items(((p("a"),), (p("b"), p("c")))), '<ul class="ul"><li class="li">a</li><li class="li">b<p class="p">c</p></li></ul>'),
        (Items(((p("a"),),), start=1), '<ol class="ol"><li class="li">a</li></ol>'),
        (Items(((p("a"),),), start=4), '<ol class="ol" start="4"><li class="li">a</li></ol>'),
        (Items(((p("a"),),), start=0), '<ol class="ol" start="0"><li class="li">a</li></ol>'),
        (
            Items(((p("a"), Items(((p("b"),),), start=1)), (Items(((p("c"),),)),), ())),
            '<ul class="ul"><li class="li">a<ol class="ol sub"><li class="li">b</li></ol></li><li class="li"><ul class="ul sub"><li class="li">c</li></ul></li><li class="li"></li></ul>',
        ),
        (
            Quote((p("a"), Quote((p("b"),)))),
            '<blockquote class="q"><p class="p">a</p><blockquote class="q"><p class="p">b</p></blockquote></blockquote>',
        ),
        (Quote((p("a"),), BAD), f'<blockquote class="q"><p class="p">a</p><p class="p">— {ESCAPED}</p></blockquote>'),
        (
            Callout((p("a"),), "tip", HOSTILE),
            f'<blockquote class="q"><p class="p"><strong>{ESCAPED}</strong></p><p class="p">a</p></blockquote>',
        ),
        (Columns(((p("a"),), (p("b"),))), '<p class="p">a</p><p class="p">b</p>'),
        (Button(HOSTILE, HOSTILE), f'<p class="p"><a class="a" href="{IN_ATTRIBUTE}"><strong>{ESCAPED}</strong></a></p>'),
        (
            LinkRow((Link("h", words("a")), Link("i", BAD))),
            f'<p class="p"><a class="a" href="h">a</a> · <a class="a" href="i">{ESCAPED}</a></p>',
        ),
        (
            Events((Event(words("4 May"), (words("a"), BAD)), Event(BAD, ()))),
            f'<ul class="ul"><li class="li"><strong>4 May</strong>: a, {ESCAPED}</li><li class="li"><strong>{ESCAPED}</strong></li></ul>',
        ),
        (Figure(Image("x", "y")), '<p class="p"><img class="img" src="x" alt="y" /></p>'),
        (
            Figure(Image("x"), HOSTILE, BAD),
            f'<p class="p"><a href="{IN_ATTRIBUTE}"><img class="img" src="x" alt="" /></a><br />{ESCAPED}</p>',
        ),
        (CodeBlock(f"a\n  {HOSTILE}\n\nb"), f'<pre class="pre">a<br />  {ESCAPED}<br /><br />b</pre>'),
        (Divider(), '<hr class="hr" />'),
        (
            Table((words("a"), BAD), ((words("c"), words("d")),), ("", "right")),
            f'{TABLE}<thead><tr><th class="th ws" scope="col">a</th><th class="th ws" scope="col" align="right">{ESCAPED}</th></tr></thead><tbody><tr><td class="td ws">c</td><td class="td ws" align="right">d</td></tr></tbody></table>',
        ),
        (
            Table((), ((words("c"), words("d")),), ("center",)),
            f'{TABLE}<tbody><tr><td class="td ws" align="center">c</td><td class="td ws">d</td></tr></tbody></table>',
        ),
    ],
)
def test_blocks(block, html):
    """One at a time; lists stay light, tables keep their head apart."""
    assert prose_html((block,)) == html


@pytest.mark.parametrize(
    ("head", "width", "classes"),
    [
        (("Day", "Visitors", "What"), 520, ["th ws", "th ws", "th ws"]),
        (("Day", "Visitors", "Whatever-it-is-called"), 520, ["th ws", "th ws", "th ws"]),
        (("Day", "x" * 16, "y" * 16), 520, ["th ws", "th wl", "th wl"]),
        (("Day", "x" * 16, "y" * 16), 248, ["th ws", "th", "th"]),
        (("Day", "x" * 60, "Visitors"), 520, ["th ws", "th", "th ws"]),
        (("Visitors",) * 6, 520, ["th"] * 6),
        (("x" * 60,), 520, ["th"]),
    ],
)
def test_words_in_a_table_stay_whole_where_there_is_room(head, width, classes):
    """ "Visitor/s" beside an empty column is a slip of the browser; a token of sixty characters must break on a phone all the same."""
    html = prose_html((Table(tuple(map(words, head)), ((words("x"),) * len(head),)),), width)
    assert re.findall(r'<th class="([^"]*)"', html) == classes
    turned = prose_html((Table((), (tuple(map(words, head)), (words("x"),) * len(head))),), width)
    assert re.findall(r'<td class="([^"]*)"', turned)[: len(head)] == [class_.replace("th", "td") for class_ in classes]


def test_a_heading_after_text_says_so():
    """It wants more room above than one that comes first or below another heading."""
    html = prose_html((Heading(3, words("a")), Heading(4, words("b")), p("x"), Heading(4, words("c")), Divider(), Heading(3, words("d"))))
    assert [part.split('"')[0] for part in str(html).split('class="')[1:]] == ["h3", "h4", "p", "h4 h4-next", "hr", "h3"]


def test_blocks_follow_each_other():
    """Nothing but the blocks themselves comes between them."""
    assert prose_html((p("a"), Divider(), p("b"))) == '<p class="p">a</p><hr class="hr" /><p class="p">b</p>'
    assert prose_html(()) == ""


@pytest.mark.parametrize(
    ("image", "width", "shown"),
    [
        (Image("x", width=100), 520, 100),
        (Image("x", width=520), 520, 0),
        (Image("x", width=900), 520, 0),
        (Image("x"), 520, 0),
        (Image("x", width=900, shown_width=200), 520, 200),
        (Image("x", width=900, shown_width=600), 520, 0),
    ],
)
def test_images_are_never_wider_than_their_column(image, width, shown):
    """Outlook draws what the attribute says; 0 stands for the whole column."""
    assert shown_width(image, width) == shown


def test_an_address_is_ready_for_an_attribute():
    """An ampersand in a tracking link is the usual case."""
    assert address("https://example.org/?a=1&b=\"'<>") == "https://example.org/?a=1&amp;b=&quot;&#x27;&lt;&gt;"
