"""The small pieces that other rooms use too: words, cuts and ends of inlines; and the tree under them."""

import re

import pytest

from composer.errors import IssueError
from composer.issue.html import DEEPEST, tree
from composer.issue.inlines import plain, split, strip
from composer.issue.model import Break, Code, FootnoteRef, Image, Link, Span, Text
from composer.issue.rawhtml import RawHtml

PIPE = re.compile(r" \| ")


def test_plain_words():
    """No addresses; images speak by their alt text, notes not at all."""
    nodes = (Text("a "), Span("em", (Text("b"), Code(" c"))), Break(), Link("https://x", (Image("s", "d"),)), FootnoteRef(1))
    assert plain(nodes) == "a b c\nd"


def test_strip_takes_spaces_and_breaks_at_both_ends():
    """No-break and zero-width spaces too: editors leave them."""
    nodes = (Text(" \u00a0"), Break(), Text("\u200ba "), Code(" "), Text(" b\u00a0"), Break(), Text("\ufeff"))
    assert strip(nodes) == (Text("a "), Code(" "), Text(" b"))
    assert strip((Text(" "), Break())) == ()


def test_split_never_cuts_inside_an_element():
    """A pipe in a link's text belongs to the link."""
    link = Link("https://x", (Text("a | b"),))
    assert split((Text("x | "), link, Text(" | y | ")), PIPE) == [(Text("x"),), (link,), (Text("y"),), ()]


@pytest.mark.parametrize("source", ["<div>" * (DEEPEST + 1), "<b></u>" * (DEEPEST + 1), "<ul><li>" * DEEPEST])
def test_a_tree_has_a_bottom(source):
    """Python's stack is finite, and so is what mail programs nest."""
    with pytest.raises(IssueError, match="nested too deeply"):
        tree(source, "i.md", 3)


def test_what_closes_by_itself_nests_nothing():
    """Old HTML leaves list items and paragraphs open."""
    assert len(tree("<p>a" * 1000, "i.md", 1).children) == 1000


@pytest.mark.parametrize(
    ("source", "kept"),
    [
        ("<b class=x>", "<b>"),
        ('<p title="a > b">c', '<p data-l="7">c'),
        ("<A HREF='x?a&amp;b'>", '<a href="x?a&amp;b" data-l="7">'),
        ("<a href='x' href='y'>", '<a href="x" data-l="7">'),
        ("<img src='a\"b' onerror=x>", '<img src="a&quot;b" data-l="7">'),
        ("a < b <c", "a &lt; b &lt;c"),
        ("<!-- <b> -->d<!-- open", "d"),
        ("<script><p></script>", '<script><p data-l="7"></script>'),
        ("<script>", ""),
        ("<div>a</mj-text></div></div>", '<div data-l="7">a</div>'),
        ("<q0f1x>", "&lt;q0f1x&gt;"),
        ("\n\n<hr>", '\n\n<hr data-l="9">'),
        ("<p title='never closed>", '<p data-l="7">'),
    ],
)
def test_raw_html_is_rebuilt(source, kept):
    """Nothing of a tag goes through but what is known, and every tag is whole."""
    assert RawHtml("i.md", "q0f")(source, 7) == kept
