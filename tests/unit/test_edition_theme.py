"""The theme: every mistake in it is told with its line, and what cannot be read is warned of."""

import pytest

from composer.edition.contrast import contrast, contrast_findings
from composer.edition.theme import known_sections, laid_over, read
from composer.errors import TemplateError
from composer.findings import Severity, Where
from composer.project import SHIPPED_TEMPLATES

SHOWN = "templates/email/theme.toml"
SHIPPED = (SHIPPED_TEMPLATES / "theme.toml").read_text(encoding="utf-8")


def failure(text):
    """Read a theme that must be refused."""
    with pytest.raises(TemplateError) as caught:
        read(text, SHOWN)
    assert caught.value.where.path == SHOWN
    return caught.value


def warnings(text):
    """Lay a theme over the shipped one and say what cannot be read."""
    sources = (read(SHIPPED, "shipped/theme.toml"), read(text, SHOWN))
    return contrast_findings(laid_over(sources[0].data, sources[1].data), sources)


def test_the_shipped_theme_holds_all_that_may_be_set_and_no_mistake():
    """It is the page that people copy and read; colours of both schemes stand out from their ground."""
    from composer.edition import theme

    data = read(SHIPPED.replace("# [[social]]", "[[social]]").replace('# name = "M', 'name = "M').replace("# url", "url"), SHOWN).data
    assert data.keys() == theme._SHAPE.keys()
    assert all(data[table].keys() == theme._SHAPE[table].keys() for table in ("colors", "fonts", "bar", "logo", "words", "callouts"))
    assert all(data["colors"][scheme].keys() == theme._COLOURS.keys() for scheme in ("light", "dark"))
    assert all(section.keys() == theme._SECTION.keys() for section in data["sections"].values())
    assert warnings("") == ()


@pytest.mark.parametrize(
    ("text", "line", "message", "hint"),
    [
        ('[colors.light]\n\npgae = "#FFFFFF"', 3, "the theme knows no colors.light.pgae", "Did you mean page?"),
        ('[colours.light]\npage = "#FFFFFF"', 1, "the theme knows no colours", "Did you mean colors?"),
        ('\n[section.zuul]\nchip = "Z"', 2, "the theme knows no section", "Did you mean sections?"),
        ('colors.light.qqq = "#FFFFFF"', 1, "the theme knows no colors.light.qqq", "[colors.light] takes: page, card"),
        ("zzzzzz = 1", 1, "the theme knows no zzzzzz", "Its tables are: colors, fonts"),
        ('[callouts.danger]\nlight = { fill = "#FFFFFF" }', 1, "the theme knows no callouts.danger", "[callouts] takes: note, tip, important, warning."),
        ('[callouts.note]\n# fil, fil = 1\nlight = { edge = "#FFFFFF", fil = "#FFFFFF" }', 3, "the theme knows no callouts.note.light.fil", "Did you mean fill?"),
        ('[sections.garden]\nchips = "G"', 2, "the theme knows no sections.garden.chips", "Did you mean chip?"),
        ('[sections."a b"]\nchip = "G"', 1, "the key of a section cannot be 'a b'", "letters"),
        ('[words]\nvieww = "x"', 2, "the theme knows no words.vieww", "Did you mean view?"),
        ("[[social]]\nname = 'a'\nurl = 'https://a'\n[[social]]\nname = 'b'\nulr = 'x'", 6, "the theme knows no social.1.ulr", "Did you mean url?"),
        ("[[social]]\nname = 'a'\nurl = 'https://a'\n[[social]]\nname = 'b'", 4, "a [[social]] has no url", "It needs name and url."),
    ],
)  # fmt: skip
def test_an_unknown_key_is_an_error(text, line, message, hint):
    """It would change nothing, and nobody would know why."""
    err = failure(text)
    assert err.message == message
    assert err.where.line == line
    assert hint in err.hint


@pytest.mark.parametrize(
    "text", ["colors = 1", 'colors = "red"', "[colors]\nlight = 1", "[[colors]]\nx = 1", "words = 1", "[callouts]\nnote = 1"]
)
def test_a_theme_of_another_shape_is_an_error(text):
    """Never a traceback, nor an empty letter."""
    assert "is a table" in failure(text).message


@pytest.mark.parametrize("text", ["social = 1", "[social]\nname = 'x'", "social = [1]"])
def test_social_is_a_list(text):
    """One pair of brackets too few is an easy slip."""
    err = failure(text)
    assert err.message == "social is a list of tables"
    assert "[[social]]" in err.hint


@pytest.mark.parametrize("colour", ["red", "#FFF", "#12345", "#1234567", "rgb(0,0,0)", "#GGGGGG", "#111111;x:y", "", "#111111\\n"])
@pytest.mark.parametrize(
    ("text", "name", "line"),
    [
        ('[colors.light]\ntext = "#111111"\n\nlink = COLOUR', "colors.light.link", 4),
        ('[callouts.note]\n\nlight = { fill = "#EEF5FA", edge = COLOUR, ink = "#17618A" }', "callouts.note.light.edge", 3),
        ('[sections.kata]\nnames = ["K"]\non_dark = COLOUR', "sections.kata.on_dark", 3),
        ('[bar]\ncolors = ["#111111", COLOUR]', "bar.colors", 2),
    ],
)
def test_every_colour_is_looked_at(colour, text, name, line):
    """A wrong one would break a letter in the one client that nobody looked at."""
    err = failure(text.replace("COLOUR", f'"{colour}"'))
    assert err.message.startswith(f"{name} is not a colour: ")
    assert err.where.line == line
    assert "#rrggbb" in err.hint


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[bar]\ncolors = ["#111111"]', "bar.colors is not a list of two to six colours"),
        (f"[bar]\ncolors = {['#111111'] * 7}", "bar.colors is not a list of two to six colours"),
        ('[bar]\ncolors = "#111111"', "bar.colors is not a list of two to six colours"),
        ('[words]\nview = ""', "words.view is not a text: ''"),
        ('[words]\nview = "  "', "words.view is not a text: '  '"),
        ("[words]\nview = 1", "words.view is not a text: 1"),
        ('[words]\nwhy = "You read {title}."', "words.why has {title} in it, which readers would see"),
        ('[words]\nwhy = "You read {list."', "words.why has {list. in it, which readers would see"),
        ('[words]\nwhy = "You read {{ list }}."', "words.why has { in it, which readers would see"),
        ('[words]\nview = "See {list}"', "words.view has {list} in it, which readers would see"),
        ('[logo]\nwidth = "160"', "logo.width is not a whole number of pixels: '160'"),
        ("[logo]\nwidth = 160.5", "logo.width is not a whole number of pixels: 160.5"),
        ("[logo]\nwidth = true", "logo.width is not a whole number of pixels: True"),
        ("[logo]\nwidth = 0", "logo.width is not a whole number of pixels: 0"),
        ('[logo]\nsrc = "images/logo.png"', "logo.src is no address that a reader can load: 'images/logo.png'"),
        ('[logo]\nsrc = "/logo.png"', "logo.src is no address that a reader can load: '/logo.png'"),
        ('[logo]\nsrc = "data:image/png;base64,xx"', "logo.src is no address that a reader can load: 'data:image/png;base64,xx'"),
        ("[logo]\nalt = 1", "logo.alt is not a text: 1"),
        ('[fonts]\nbody = "Arial; color: red"', "fonts.body is not a list of font names: 'Arial; color: red'"),
        ("[fonts]\nbody = '\"Segoe UI\", Arial'", "fonts.body is not a list of font names: '\"Segoe UI\", Arial'"),
        ('[fonts]\nbody = "</style>"', "fonts.body is not a list of font names: '</style>'"),
        ('[fonts]\nbody = ""', "fonts.body is not a list of font names: ''"),
        ('[[social]]\nurl = "https://example.org"\nname = ""', "social.0.name is not a text: ''"),
        ('[[social]]\nname = "x"\nurl = "javascript:alert(1)"', "social.0.url is no address: 'javascript:alert(1)'"),
        ('[[social]]\nname = "x"\nurl = "example.org"', "social.0.url is no address: 'example.org'"),
        ("[sections.a]\nnames = []", "sections.a.names is not a list of names: []"),
        ("[sections.a]\nnames = [1]", "sections.a.names is not a list of names: [1]"),
        ("[sections.a]\nchip = 1", "sections.a.chip is not a text: 1"),
    ],
)
def test_a_value_that_would_break_the_letter_is_an_error(text, message):
    """With its line and how to write it."""
    err = failure(text)
    assert err.message == message
    assert err.where.line == len(text.splitlines())
    assert err.hint


@pytest.mark.parametrize(
    "text",
    [
        "[bar]\ncolors = []",
        '[bar]\ncolors = ["#111111", "#abcdef"]',
        '[logo]\nsrc = "https://example.org/logo.png?x=1"\nalt = ""\nwidth = 80',
        "[fonts]\nbody = \"'Segoe UI', Arial\"",
        '[words]\nwhy = "Vous lisez {list}."\nview = "Voir"',
        '[[social]]\nname = "Mail"\nurl = "mailto:a@example.org"',
        '[sections.garden-2]\nnames = "Garden"',
        "",
    ],
)
def test_what_is_right_is_let_through(text):
    """Every value that the shipped theme's comments speak of."""
    assert read(text, SHOWN).shown == SHOWN


def test_the_line_is_found_in_any_form_of_toml():
    """Dotted keys, quoted keys, tables in a line, and keys that other tables have too."""
    text = '[colors.dark]\nlink = "#111111"\n["colors".light]\n"link" = "#222222" # x = 1\n[callouts]\ntip.light = { ink = "#333333" }\n'
    source = read(text, SHOWN)
    assert source.where(("colors", "dark", "link")).line == 2
    assert source.where(("colors", "light", "link")).line == 4
    assert source.where(("colors", "light")).line == 3
    assert source.where(("callouts", "tip", "light", "ink")).line == 6
    assert source.where(("nowhere",)) == Where(SHOWN)


def test_known_sections_are_found_by_name_whatever_the_case():
    """The heading decides accent and chip."""
    theme = {"sections": {"kata": {"names": ["Kata Containers", "Kata"], "chip": "KC"}, "plain": {"names": ["ẞtraße"]}}}
    assert known_sections(theme) == {"kata containers": ("kata", "KC"), "kata": ("kata", "KC"), "sstrasse": ("plain", "")}
    assert known_sections({"sections": {"kata": {"names": "Kata"}}}) == {"kata": ("kata", "")}
    assert known_sections({}) == {}


# ---- contrast --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("one", "other", "ratio"),
    [("#000000", "#FFFFFF", 21.0), ("#FFFFFF", "#FFFFFF", 1.0), ("#767676", "#FFFFFF", 4.54), ("#777777", "#FFFFFF", 4.47), ("#FF0000", "#0000ff", 2.14)],
)  # fmt: skip
def test_contrast_is_that_of_wcag(one, other, ratio):
    """Values that other tools give too; which of the two is the ink does not matter."""
    assert round(contrast(one, other), 1) == round(ratio, 1)
    assert int(contrast(other, one) * 100) / 100 == pytest.approx(ratio, abs=0.011)


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ('[colors.light]\n\nlink = "#8A8A8A"', 3, "colors.light.link (#8A8A8A) on colors.light.card (#FFFFFF) has a contrast of 3.45:1"),
        ('[colors.dark]\nbutton = "#FFFF00"', 2, "colors.dark.on_button (#FFFFFF) on colors.dark.button (#FFFF00) has a contrast of 1.07:1"),
        ('[sections.kata]\non_dark = "#F4A261"', 2, "sections.kata.on_dark (#F4A261) on sections.kata.dark (#F4A261) has a contrast of 1.00:1"),
        ('[callouts.tip]\n\ndark = { ink = "#182D1E" }', 3, "callouts.tip.dark.ink (#182D1E) on callouts.tip.dark.fill (#182D1E) has a contrast of 1.00:1"),
    ],
)  # fmt: skip
def test_faint_text_is_warned_of(text, line, message):
    """The letter goes out all the same: a brand's colours are the brand's business."""
    found = [finding for finding in warnings(text) if finding.message == message]
    assert [(finding.code, finding.severity, finding.where) for finding in found] == [
        ("theme-contrast", Severity.WARNING, Where(SHOWN, line))
    ]


def test_a_pair_is_warned_of_once():
    """Both of its lines stand in the theme; the ink's is named."""
    text = '[colors.light]\npage = "#777777"\nmuted = "#777777"\n'
    found = warnings(text)
    assert len(found) == len({finding.message for finding in found})
    (pair,) = [finding for finding in found if "light.muted" in finding.message and "light.page" in finding.message]
    assert pair.where.line == 3


def test_a_section_need_not_have_every_colour():
    """What is not set stands on the theme's own rule colour."""
    assert warnings('[sections.garden]\nnames = ["Garden"]\nlight = "#FFFFFF"') == ()
