"""The MJML lint: what the compiler passes in silence is named with template and line."""

import re

import pytest

from composer.edition.marks import mark_source, unmark
from composer.edition.mjml import lint, to_html
from composer.edition.mjml_spec import ATTRIBUTES, ENDING, PARENTS, UNSUPPORTED
from composer.edition.templates import Templates
from composer.errors import TemplateError
from composer.findings import Severity, Where

NAMES = ["templates/email/a.mjml", "shipped/b.mjml"]


def findings(source, number=0):
    """Lint one template's source."""
    return lint(mark_source(source, number), NAMES)


def wrapped(inner):
    """Put blocks into the one column of a small letter, each on the line after the third."""
    return f"<mjml><mj-body>\n<mj-section>\n<mj-column>\n{inner}\n</mj-column>\n</mj-section>\n</mj-body></mjml>"


def test_marks_hold_template_and_line():
    """Every tag, opening, closing and empty ones, also with attributes on lines of their own."""
    marked = mark_source('<mjml>\n<mj-text\n  align="left">x</mj-text>\n\n<mj-spacer/><mj-divider />', 3)
    assert re.findall(r"@\d+:\d+", marked) == ["@3:1", "@3:2", "@3:3", "@3:5", "@3:5"]
    assert unmark(marked) == '<mjml>\n<mj-text\n  align="left">x</mj-text>\n\n<mj-spacer/><mj-divider />'


def test_a_letter_without_mistakes_has_no_finding():
    """Silence means that all is well."""
    assert findings(wrapped('<mj-text align="left" css-class="x">a <b>b</b> c</mj-text>\n<mj-spacer height="4px" />')) == ()


@pytest.mark.parametrize(
    ("inner", "code", "line", "message", "hint"),
    [
        ("<mj-txt>x</mj-txt>", "mjml-unknown-tag", 4, "there is no <mj-txt> in MJML", "Did you mean <mj-text>?"),
        ("<mj-zzzzqqq />", "mjml-unknown-tag", 4, "there is no <mj-zzzzqqq> in MJML", "See documentation.mjml.io."),
        (
            "<mj-section></mj-section>",
            "mjml-nesting",
            4,
            "<mj-section> cannot stand in <mj-column>",
            "Its place is in <mj-body>, <mj-wrapper>.",
        ),
        (
            "\n<mj-column></mj-column>",
            "mjml-nesting",
            5,
            "<mj-column> cannot stand in <mj-column>",
            "Its place is in <mj-group>, <mj-section>.",
        ),
        (
            "<mj-text>x <mj-image /></mj-text>",
            "mjml-nesting",
            4,
            "<mj-image> cannot stand in <mj-text>, which holds HTML",
            "Close <mj-text> first.",
        ),
        ('<mj-text colour="x">x</mj-text>', "mjml-attribute", 4, "<mj-text> has no attribute colour", "Did you mean color?"),
        ('<mj-spacer zzz="x" />', "mjml-attribute", 4, "<mj-spacer> has no attribute zzz", "It takes: "),
        ("<mj-text align=left>x</mj-text>", "mjml-attribute", 4, "align of <mj-text> has no value in quotes", 'Write align="…".'),
        (
            "<mj-image fluid-on-mobile />",
            "mjml-attribute",
            4,
            "fluid-on-mobile of <mj-image> has no value in quotes",
            'Write fluid-on-mobile="…".',
        ),
        ("<mj-text>x", "mjml-unclosed", 4, "<mj-text> is not closed before </mj-column> at templates/email/a.mjml:5", "Write </mj-text>."),
        ("<mj-text>x</mj-button>", "mjml-nesting", 4, "<mj-button> cannot stand in <mj-text>, which holds HTML", ""),
        ("</mj-text>", "mjml-unclosed", 4, "</mj-text> closes nothing", ""),
        (
            "<mj-social>",
            "mjml-unclosed",
            4,
            "<mj-social> is not closed before </mj-column> at templates/email/a.mjml:5",
            "Write </mj-social>.",
        ),
        (
            '<mj-text padding="0 40px">x</mj-text>',
            "mjml-padding",
            4,
            "padding of <mj-text> has a number without a unit",
            'Write padding="0px 40px".',
        ),
        (
            "<mj-button inner-padding = '11px 0'>x</mj-button>",
            "mjml-padding",
            4,
            "inner-padding of <mj-button> has a number without a unit",
            'Write inner-padding="11px 0px".',
        ),
        *((f"<{tag}></{tag}>", "mjml-unsupported", 4, f"<{tag}> does not render rightly", hint) for tag, hint in UNSUPPORTED.items()),
    ],
)
def test_a_mistake_has_its_place(inner, code, line, message, hint):
    """One rule at a time: code, template and line, what is wrong, what to write instead."""
    first = findings(wrapped(inner))[0]
    assert (first.code, first.severity, first.where) == (code, Severity.ERROR, Where(NAMES[0], line))
    assert first.message == message
    assert first.hint.startswith(hint)


def test_tags_stand_in_an_mjml():
    """A template that forgot its base would be raw tags in a letter."""
    (finding,) = findings("<mj-body></mj-body>")
    assert (finding.code, finding.message) == ("mjml-nesting", "<mj-body> cannot stand in <the top>")


def test_every_attribute_is_looked_at():
    """Also after one that is right, and with single quotes and spaces around the sign."""
    found = findings(wrapped("<mj-text align='left'\n  color = \"x\" wrong1='y > z' wrong2=\"a='b'\">x</mj-text>"))
    assert [finding.message for finding in found] == ["<mj-text> has no attribute wrong1", "<mj-text> has no attribute wrong2"]


def test_defaults_may_name_any_attribute_of_their_tag_and_classes_any():
    """mj-attributes is a table of defaults."""
    head = '<mjml><mj-head><mj-attributes><mj-all color="x" /><mj-class name="big" font-size="20px" /><mj-text align="left" /><mj-text nope="1" /></mj-attributes></mj-head></mjml>'
    assert [finding.message for finding in findings(head)] == ["<mj-text> has no attribute nope"]


def test_html_in_a_text_is_not_mjmls_business():
    """Unclosed paragraphs and attributes of HTML are looked at by nobody here."""
    assert findings(wrapped('<mj-text><p class=x foo>a<br></mj-text>\n<mj-raw><div nope="1"></mj-raw>')) == ()


def test_text_that_looks_like_a_tag_is_not_one():
    """Issue text is escaped; lint reads what is left."""
    assert findings(wrapped("<mj-text>&lt;mj-nonsense&gt; mj-text &lt;/mj-text&gt;</mj-text>")) == ()


@pytest.mark.parametrize("padding", ["0", "0px 40px", "10px 5% 0px 2em", "40px"])
def test_a_padding_that_the_compiler_reads_is_let_through(padding):
    """A zero alone is read rightly, and so is whatever has a unit."""
    assert findings(wrapped(f'<mj-text padding="{padding}">x</mj-text>')) == ()


def test_a_tag_in_an_included_partial_or_macro_is_named_by_its_own_file(tmp_path):
    """The designer opens the file that the message names, and the line is there."""
    files = {
        "newsletter.mjml": '<mjml><mj-body>\n{% from "macros/m.mjml" import part %}\n{% include "partials/p.mjml" %}\n{{ part() }}\n</mj-body></mjml>',
        "partials/p.mjml": "\n\n<mj-sektion></mj-sektion>\n",
        "macros/m.mjml": '{% macro part() %}\n<mj-section\n nope="1"></mj-section>\n{% endmacro %}',
    }
    for name, source in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(source)
    templates = Templates((tmp_path, tmp_path / "none"))
    with pytest.raises(TemplateError) as caught:
        to_html(templates.render("newsletter.mjml", {}), templates.names)
    assert caught.value.where == Where("templates/email/partials/p.mjml", 3)
    assert [str(finding.where) for finding in caught.value.findings][-1] == "templates/email/macros/m.mjml:2"


def test_all_findings_come_with_the_error():
    """One run shows every mistake, each once: the first is the error itself."""
    with pytest.raises(TemplateError) as caught:
        to_html(mark_source(wrapped('<mj-txt>x</mj-txt>\n<mj-text nope="1">x</mj-text>'), 1), NAMES)
    assert caught.value.message == "there is no <mj-txt> in MJML"
    assert [finding.code for finding in caught.value.findings] == ["mjml-attribute"]
    assert caught.value.where == Where("shipped/b.mjml", 4)


@pytest.mark.parametrize("broken", ["a < b", "<p>x", "<b>x</i>", "<a href=x>y</a>", "<img disabled>"])
def test_what_does_not_compile_is_named(broken):
    """The compiler itself says only "in root template"."""
    source = wrapped(f"<mj-text>fine</mj-text>\n<mj-text>\n{broken}</mj-text>")
    try:
        to_html(mark_source(source, 0), NAMES)
    except TemplateError as err:
        assert err.where == Where(NAMES[0], 5)  # noqa: PT017 - some of these compile
        assert "cannot be compiled" in err.message  # noqa: PT017
        assert err.hint  # noqa: PT017
    else:
        assert broken not in {"a < b", "<p>x"}


@pytest.mark.parametrize(("broken", "line"), [("<mj-social>\nwords</mj-social>", 4), ("\n<mj-accordion>\nä\nwords</mj-accordion>", 5)])
def test_what_the_compiler_places_by_a_byte_is_named_by_its_line(broken, line):
    """Text where only tags may stand: the compiler gives a position, we give the template's line."""
    with pytest.raises(TemplateError) as caught:
        to_html(mark_source(wrapped(f"<mj-text>ü</mj-text>{broken}"), 0), NAMES)
    assert caught.value.where == Where(NAMES[0], line)


def test_only_one_finding_for_a_text_that_is_not_closed():
    """What follows is not wrong as well."""
    assert len(findings(wrapped("<mj-text>x"))) == 1
    assert [finding.code for finding in findings("<mjml><mj-body>")] == ["mjml-unclosed"] * 2


def test_nothing_is_downloaded_by_the_letter():
    """The compiler's default fonts would add a Google Fonts link and an @import."""
    html = to_html(mark_source(wrapped('<mj-text font-family="Ubuntu, Roboto">x</mj-text>'), 0), NAMES)
    assert "fonts.googleapis" not in html
    assert "@import" not in html
    assert "@0:" not in html


@pytest.mark.parametrize("character", ["\x00", "\x0b", "\x1b", "\uffff", "\ud800"])
def test_characters_that_xml_cannot_hold_are_left_out(character):
    """YAML and TOML can write them as escapes; one of them must not refuse the whole letter."""
    html = to_html(mark_source(wrapped(f"<mj-text>a{character}b</mj-text>"), 0), NAMES)
    assert "ab" in html


# ---- the table and the compiler --------------------------------------------------------------------------------

CHAIN = {tag: next(iter(sorted(parents)), "") for tag, parents in PARENTS.items()}


def placed(tag, parent):
    """A letter with a tag in one of its places."""
    inner = f"<{tag}>words</{tag}>" if tag in ENDING else f"<{tag}></{tag}>"
    inner = {"mj-style": "<mj-style>.x{margin:0}</mj-style>", "mj-class": '<mj-class name="x" />'}.get(tag, inner)
    while parent:
        inner = f"<{parent}>{inner}</{parent}>"
        parent = CHAIN[parent]
    return inner


@pytest.mark.parametrize(
    ("tag", "parent"), [(tag, parent) for tag, parents in sorted(PARENTS.items()) for parent in sorted(parents) or [""]]
)
def test_every_known_tag_compiles_in_every_legal_place(tag, parent):
    """The table promises what the compiler can do, and its output holds no MJML."""
    marked = mark_source(placed(tag, parent), 0)
    assert lint(marked, NAMES) == ()
    html = to_html(marked, NAMES)
    assert "<mj-" not in html
    if tag in ENDING - {"mj-style", "mj-preview"} and parent != "mj-head":
        assert "words" in html


SHOWS = sorted(tag for tag in ATTRIBUTES if PARENTS[tag] & {"mj-column", "mj-section", "mj-body"} and "padding" in ATTRIBUTES[tag])


@pytest.mark.parametrize("tag", SHOWS)
def test_padding_reaches_the_html(tag):
    """A sample of the attributes: what lint lets pass has an effect."""
    parent = "mj-column" if "mj-column" in PARENTS[tag] else next(iter(sorted(PARENTS[tag])))
    source = placed(tag, parent).replace(f"<{tag}>", f'<{tag} padding="13px">', 1)
    assert "13px" in to_html(mark_source(source, 0), NAMES)


def test_parents_are_known_tags():
    """A misspelt parent in the table would forbid a legal place."""
    assert set().union(*PARENTS.values()) <= PARENTS.keys() == ATTRIBUTES.keys()
    assert not UNSUPPORTED.keys() & PARENTS.keys()
    assert PARENTS.keys() >= ENDING
