"""Marks: they say where a tag was written, and leave no trace."""

import re

import pytest

from composer.edition.marks import carried, mark_css, mark_source, unmark, without
from composer.edition.mjml import lint, to_html
from composer.edition.mjml_spec import ATTRIBUTES, PARENTS

NAMES = ("a.mjml", "b.mjml", "c.css.j2")
BODY = sorted(tag for tag in PARENTS if tag.startswith("mj-") and tag not in {"mj-head", "mj-attributes", "mj-all", "mj-class"})
CHAIN = {tag: min(parents, default="") for tag, parents in PARENTS.items()}
HOLDS = {
    "mj-social": "<mj-social-element name='x' href='https://example.org'>x</mj-social-element>",
    "mj-accordion": "<mj-accordion-element><mj-accordion-title>t</mj-accordion-title><mj-accordion-text>x</mj-accordion-text></mj-accordion-element>",
    "mj-style": "@media print{\n.a{color:red}\n.b{color:blue}}",
    "mj-raw": "<b class='x'>raw</b>\n<i>y</i>",
    "mj-text": 'some <b>words</b>\n<table role="presentation"><tr><td>x</td></tr></table>',
    "mj-hero": "<mj-text>hero</mj-text>",
    "mj-section": "<mj-column><mj-text>a</mj-text></mj-column>\n<mj-column><mj-text>b</mj-text></mj-column>",
    "mj-wrapper": "<mj-section><mj-column><mj-text>a</mj-text></mj-column></mj-section>",
    "mj-group": "<mj-column><mj-text>a</mj-text></mj-column>",
    "mj-column": "<mj-text>a</mj-text>",
    "mj-image": "",
}


def placed(tag, attributes):
    """A letter with a tag in one of its places."""
    inner, parent = f"<{tag}{attributes}>{HOLDS.get(tag, '')}</{tag}>", CHAIN[tag]
    while parent:
        inner = f"<{parent}>\n{inner}</{parent}>"
        parent = CHAIN[parent]
    return inner


def both(rendered):
    """Compile marked MJML with its marks carried and taken out, and without any."""
    carrying = carried(rendered)
    compiled = to_html(carrying.text, NAMES)
    return without(compiled, carrying.word), to_html(unmark(rendered), NAMES), compiled, carrying.word


@pytest.mark.parametrize(
    "attributes", ["", ' css-class="own"', ' css-class="one two" align="left"', ' at="7"', " css-class='own' at=\"7\""]
)
@pytest.mark.parametrize("tag", BODY)
def test_carrying_marks_through_the_compiler_changes_no_byte(tag, attributes):
    """Every tag in its place, with and without classes of its own: the letter that is sent is the same."""
    if "align" in attributes and "align" not in ATTRIBUTES[tag]:
        attributes = attributes.replace(' align="left"', "")
    taken_out, plain, _, word = both(mark_source(placed(tag, attributes), 1))
    assert taken_out == plain
    assert word not in taken_out


@pytest.mark.parametrize(
    "attributes", [' full-width="full-width" background-url="x"', ' background-color="#fff" css-class="own"', ' direction="rtl"']
)
def test_sections_for_outlook_lose_the_marks_too(attributes):
    """In conditional comments the compiler writes all classes again, with a suffix."""
    taken_out, plain, compiled, word = both(mark_source(placed("mj-section", attributes), 0))
    assert f"{word}0-" in compiled
    assert taken_out == plain


def test_default_classes_stay():
    """A class in <mj-attributes> would be replaced by one of the tag's own; there no mark is put."""
    source = '<mjml><mj-head><mj-attributes><mj-text css-class="all" /></mj-attributes></mj-head><mj-body><mj-section><mj-column>\n<mj-text at="3">x</mj-text></mj-column></mj-section></mj-body></mjml>'
    taken_out, plain, _, _ = both(mark_source(source, 0))
    assert taken_out == plain
    assert 'class="all"' in plain


def test_html_of_a_template_is_marked_where_it_has_a_line_of_its_own():
    """On the line of its MJML tag it needs none; what Jinja2 writes, a comment or a text is no tag; mj-raw can carry nothing itself."""
    source = '<mj-text><b>x</b>\n<i a="1">y</i>{{ "<u>" }}\n{# <s> #}<!-- <p> --><br/></mj-text>\n<mj-raw><div></div></mj-raw> a < b'
    marked = mark_source(source, 2)
    assert re.findall(r"<(\w[\w-]*)@2:(\d+)", marked) == [("mj-text", "1"), ("i", "2"), ("br", "3"), ("mj-raw", "4"), ("div", "4")]
    assert unmark(marked) == source


def test_css_is_marked_line_by_line():
    """Where a line begins, and neither in a comment nor in a string nor before Jinja2's own lines."""
    source = '{# a\nb #}\n.a{color:red}\n{% if x %}\n.b::after{content:"\\\n}"}\n{{ c }}.d{e:f}\n/* g\n.h{} */\n}\n'
    marked = mark_css(source, 4)
    assert re.findall(r"<@4:(\d+)>\*/(\S)", marked) == [("3", "."), ("5", "."), ("7", "{")]
    assert unmark(marked) == source


def test_a_line_of_the_issue_may_stand_anywhere_in_a_tag():
    """A template's author need not know that right behind the name is quicker."""
    source = (
        placed("mj-text", ' padding="0px" at="12"').replace("<table", '<table data-at="5"').replace("<td>", '<td class="x" data-at="6">')
    )
    marked = mark_source(source, 0)
    assert lint(marked, NAMES) == ()
    taken_out, plain, compiled, word = both(marked)
    assert taken_out == plain
    assert "data-at" not in plain
    assert f'data-{word}="/6"' in compiled
    assert re.search(rf"{word}0-\d+-12", compiled)


def test_the_word_is_one_that_the_letter_does_not_hold():
    """Whatever stands in a letter, the marks in it are ours."""
    taken_out, plain, _, word = both(mark_source(placed("mj-text", "").replace("words", 'zq0z zq1z0-1-2 class="zq0z0-1-2"'), 0))
    assert word == "zq2z"
    assert taken_out == plain
    assert 'class="zq0z0-1-2"' in plain
