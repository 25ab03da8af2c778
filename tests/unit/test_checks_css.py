"""CSS as the checks read it."""

import pytest
import tinycss2
from hypothesis import example, given, settings
from hypothesis import strategies as st

from composer.checks.css import Declaration, declarations, rules


def test_declarations_come_as_they_are_written():
    """Names in lower case, values as written, the last one needing no semicolon."""
    found = declarations("COLOR : Red !important;font-family:'a;b', c;x;  mso-hide:all;margin:0\n auto")
    assert found == (
        Declaration("color", "Red", important=True),
        Declaration("font-family", '"a;b", c'),
        Declaration("mso-hide", "all"),
        Declaration("margin", "0 auto"),
    )


def test_fallbacks_are_kept():
    """Both of a pair are there: the first is what some clients show."""
    assert [value for _, value, _ in declarations("width:300px;width:calc(100% - 2px)")] == ["300px", "calc(100% - 2px)"]


@settings(max_examples=400, deadline=None)
@example("color:!importantcolor")
@given(
    st.lists(
        st.sampled_from(
            [
                "color",
                "-x-y",
                "--v",
                ":",
                ";",
                " ",
                "\n",
                "red",
                "#fff",
                "1px",
                ".5em",
                "!important",
                "! Important",
                "!",
                ",",
                "1a",
                "/",
                "%",
            ]
        ),
        max_size=12,
    ).map("".join)
)
def test_plain_declarations_need_no_tokenizer(text):
    """The quick way says what tinycss2 says of the same text."""
    slow = [
        (node.lower_name, " ".join(tinycss2.serialize(node.value).split()), bool(node.important))
        for node in tinycss2.parse_blocks_contents(text, skip_comments=True, skip_whitespace=True)
        if node.type == "declaration"
    ]
    quick = [(found.name, " ".join(_spelt(found.value).split()), found.important) for found in declarations(text)]
    assert quick == slow


def _spelt(value):
    """A value as tinycss2 writes it: it parts two words that stood side by side."""
    return tinycss2.serialize(tinycss2.parse_component_value_list(value))


def test_rules_know_their_media_and_line():
    """Rules inside of @media follow one another; other at-rules are noted by name."""
    found = rules("@media screen{\n.a,.b{color:red}\n@supports (x:y){.c{d:e}}}\n@import 'x';\n@font-face{src:url(x)}\n.q{a:b!important}")
    assert [(rule.media, rule.selector, rule.line, rule.within) for rule in found] == [
        ("screen", ".a,.b", 2, ("@media",)),
        ("screen", ".c", 3, ("@media", "@supports")),
        ("", '@import "x"', 4, ()),
        ("", "@font-face", 5, ()),
        ("", ".q", 6, ()),
    ]
    assert found[-1].declarations == (Declaration("a", "b", important=True),)


@pytest.mark.parametrize("text", ["a{", "}}", "@media{", '"', "a{b:c", "@", "<!-- a{b:c} -->", "\\", "{" * 300])
def test_broken_css_is_read_as_far_as_it_goes(text):
    """A template's mistake is no reason to fail: the composer speaks of it."""
    assert isinstance(rules(text), tuple)
    assert isinstance(declarations(text), tuple)
