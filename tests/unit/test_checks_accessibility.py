"""What keeps people from reading a letter is found where it is mended; what everybody can read passes."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from patience import ends_within

from composer.checks.accessibility import check
from composer.checks.accessibility.contrast import theme_names
from composer.checks.accessibility.selectors import selectors
from composer.checks.letter import Letter
from composer.checks.page import page_of, read_page
from composer.config import Config, ListSettings
from composer.edition.compose import compose
from composer.edition.fields import fill_for_display
from composer.edition.origins import Origin
from composer.edition.templates import templates_of
from composer.findings import Severity, Where, warning
from composer.issue.files import read_issue
from composer.issue.model import Issue
from composer.project import find
from composer.testing.samples import an_edition

NOW = datetime(2026, 2, 2, tzinfo=UTC)
PATH = "issues/2026-01.md"
DOCUMENT = '<!DOCTYPE html><html lang="en" dir="ltr"><head><title>News</title>{head}</head><body>{body}</body></html>'
H1 = "<h1>News</h1>"


def a_letter(html="", *, text="", issue_findings=(), edition_findings=(), theme=None):
    issue = Issue("2026-01", PATH, "T", "S", "P", "q", (), (), findings=tuple(issue_findings))
    edition = replace(an_edition(), findings=tuple(edition_findings))
    return Letter(issue, "", edition, html, text, Config(), ListSettings(name="readers"), (), (), NOW, theme or {})


def found(body, head="", *, line=0, h1=True, **letter):
    """Check a body; every element comes from that line of the issue, or from a template when it is 0."""
    html = DOCUMENT.format(head=head, body=(H1 if h1 else "") + body)
    origin = Origin("templates/email/own.mjml", 7, line)
    page = page_of(html, PATH)
    page = page_of(html, PATH, (origin,) * len(page.nodes))
    return list(check(a_letter(html, **letter), page))


def codes(body, head="", **letter):
    return [finding.code for finding in found(body, head, **letter)]


def letter_of(project, path, language=""):
    issue, settings = read_issue(path, project), ListSettings(name="staff", kind="staff")
    issue = replace(issue, language=language) if language else issue
    edition = compose(issue, settings, project)
    shown = [fill_for_display(edition, part) for part in (edition.html, edition.text)]
    theme = templates_of(project.template_folders).theme()
    return Letter(issue, "", edition, *shown, project.config, settings, (), (), NOW, theme)


# ---- whole letters ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", ["", "ar"])
@pytest.mark.parametrize("name", ["2026-01", "showcase"])
def test_samples_pass(repository, name, language):
    """What the shipped templates make of any block can be read by everybody, from either side."""
    project = find(repository, exact=True)
    letter = letter_of(project, project.issues / f"{name}.md", language)
    assert list(check(letter, read_page(letter))) == []


def test_real_issues_pass(repository, shared_issues):
    """Words are judged elsewhere: of the real issues nothing is left that a template could have got wrong."""
    for path in shared_issues:
        letter = letter_of(find(repository, exact=True), path)
        assert list(check(letter, read_page(letter))) == []


def test_colour_of_the_theme_is_named_as_such(project):
    """Whoever changed the theme must find the key again, in the scheme where it is too faint."""
    folder = project.root / "templates" / "email"
    folder.mkdir(parents=True)
    (folder / "theme.toml").write_text('[callouts.note]\ndark = { fill = "#182B38", edge = "#3FB0E4", ink = "#2A4A5E" }\n')
    issue = project.issues / "2026-01.md"
    issue.write_text(issue.read_text() + "\n::: callout note Mind\nText.\n:::\n")
    letter = replace(letter_of(project, issue), edition=replace(letter_of(project, issue).edition))
    assert any(finding.code == "theme-contrast" for finding in letter.edition.findings)
    assert list(check(letter, read_page(letter))) == []  # the theme's own finding says it already
    silent = replace(letter, edition=replace(letter.edition, findings=()))
    (finding,) = check(silent, read_page(silent))
    assert (finding.code, finding.severity) == ("a11y-contrast", Severity.WARNING)
    assert "callouts.note.dark.ink of the theme" in finding.message
    assert "in the dark letter" in finding.message


# ---- contrast --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("style", "faint"),
    [
        ("color:#767676", False),  # 4.54:1 on white, the classic edge
        ("color:#777777", True),
        ("color:#949494;font-size:24px", False),  # 3.03:1 is enough for large text
        ("color:#949494;font-size:23px", True),
        ("color:#949494;font-size:18.7px;font-weight:bold", False),
        ("color:#949494;font-size:18px;font-weight:bold", True),
        ("color:rgba(0,0,0,.5)", True),
        ("color:rgba(0,0,0,.6)", False),
        ("color:#000000;opacity:.5", True),
        ("color:#ffffff;background:#d71920", False),
        ("color:#ffffff;background:#d71920 url(x.png)", False),
        ("color:#ffffff;background-image:url(x.png)", False),  # nobody knows what is under it
        ("color:#ffffff", True),
        ("color:#ffffff;display:none", False),
        ("color:#ffffff;font-size:1px", False),
    ],
)
def test_contrast_is_computed(style, faint):
    """The edges of WCAG 1.4.3, transparency included, and no guess where a picture lies under the text."""
    assert ("a11y-contrast" in codes(f'<p style="{style}">words</p>')) is faint


def test_contrast_goes_by_all_that_is_around():
    """Ink from here and ground from there: one alone says nothing."""
    assert codes('<table role="presentation" bgcolor="#222222"><tr><td style="color:#eeeeee"><p>fine</p></td></tr></table>') == []
    assert codes('<table role="presentation" bgcolor="#222222"><tr><td style="color:#444444"><p>faint</p></td></tr></table>') == [
        "a11y-contrast"
    ]


def test_one_pair_of_colours_is_told_once_with_its_place():
    """A template's colour stands in every section: one finding, where it begins, with how often."""
    (finding,) = found('<p style="color:#999999">one</p><p style="color:#999999">two</p><p style="color:#999">three</p>', line=0)
    assert finding.where == Where("templates/email/own.mjml", 7)
    assert "2.84:1" in finding.message
    assert "2 more places" in finding.message


DARK = "<style>@media (prefers-color-scheme:dark){%s}</style>"


def test_dark_letter_is_looked_at_on_its_own():
    """A rule for the dark alone may spoil what is fine in the light, and is found there alone."""
    body = '<div class="card" style="background:#ffffff;color:#222222"><p>words</p></div>'
    assert codes(body, DARK % ".card{background:#111111!important;color:#eeeeee!important}") == []
    (finding,) = found(body, DARK % ".card{background:#111111!important}")
    assert "in the dark letter" in finding.message
    assert "#222222" in finding.message
    assert codes(body, DARK % ".card{background:#111111}") == []  # without !important the inline colour stays


def test_outlooks_darkness_counts_where_both_colours_are_the_letters():
    """Outlook.com darkens what no rule of ours names, nobody knows how: a half-set pair cannot be judged."""
    body = '<div class="card" style="background:#ffffff;color:#222222"><p>words</p></div>'
    both = "<style>[data-ogsb] .card{background:#111111!important}[data-ogsc] .card{color:#333333!important}</style>"
    (finding,) = found(body, both)
    assert "in Outlook.com's dark" in finding.message
    assert codes(body, "<style>[data-ogsb] .card{background:#111111!important}</style>") == []


def test_white_alone_is_not_the_themes():
    """A template's own grey on plain white is no fault of a theme whose letter is white too."""
    theme = {"colors": {"light": {"card": "#FFFFFF", "muted": "#999999"}}}
    (finding,) = found('<p style="color:#aaaaaa">words</p>', theme=theme)
    assert "theme" not in finding.message + finding.hint
    (finding,) = found('<p style="color:#999999">words</p>', theme=theme)
    assert "Change colors.light.muted or colors.light.card in the theme" in finding.hint


def test_theme_gives_the_first_name_of_a_colour():
    """Several keys may hold one colour; some name is better than none."""
    theme = {"colors": {"light": {"page": "#F6F6F6", "text": "#363636"}}, "callouts": {"note": {"ink": "#363636"}}, "words": {"x": "no"}}
    assert theme_names(theme) == {"#f6f6f6": "colors.light.page", "#363636": "colors.light.text"}


# ---- structure -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("html", "code"),
    [
        ('<html dir="ltr"><head><title>x</title></head><body><h1>x</h1></body></html>', "a11y-language"),
        ('<html lang="" dir="ltr"><head><title>x</title></head><body><h1>x</h1></body></html>', "a11y-language"),
        ('<html lang="English!" dir="ltr"><head><title>x</title></head><body><h1>x</h1></body></html>', "a11y-language"),
        ('<html lang="pt-BR"><head><title>x</title></head><body><h1>x</h1></body></html>', "a11y-direction"),
        ('<html lang="en" dir="left"><head><title>x</title></head><body><h1>x</h1></body></html>', "a11y-direction"),
        ('<html lang="en" dir="ltr"><head></head><body><h1>x</h1></body></html>', "a11y-title"),
        ('<html lang="en" dir="ltr"><head><title> </title></head><body><h1>x</h1></body></html>', "a11y-title"),
        ('<html lang="en" dir="ltr"><head><title>x</title></head><body><h2>x</h2></body></html>', "a11y-h1"),
        ('<html lang="en" dir="ltr"><head><title>x</title></head><body><h1>x</h1><h1>y</h1></body></html>', "a11y-h1"),
        ('<html lang="zh-Hant-TW" dir="ltr"><head><title>x</title></head><body><h1>x</h1></body></html>', None),
    ],
)
def test_frame_of_the_document(html, code):
    """A screen reader begins with these: what to speak, in which direction, what it is, where it begins."""
    assert [finding.code for finding in check(a_letter(html), page_of(html, PATH))] == ([code] if code else [])


def test_letter_from_right_to_left_that_is_set_from_left_to_right():
    """The language was not set: that is the issue's to mend."""
    (finding,) = found("<p>نشرة</p>", text="نشرة أخبار الحديقة لهذا الشهر, news")
    assert (finding.code, finding.where) == ("a11y-direction", Where(PATH))
    assert codes("<p>x</p>", text="A long text with one word, نشرة, in it") == []


def test_headings_of_a_template_go_in_steps():
    """Those of the issue are judged by its reader, with the line that was typed; a template's only here."""
    assert codes("<h2>a</h2><h4>b</h4>") == ["a11y-heading-order"]
    assert codes("<h2>a</h2><h3>b</h3><h2>c</h2>") == []
    assert codes("<h2>a</h2><h4>b</h4>", line=12) == []


@pytest.mark.parametrize(
    ("table", "line", "expected"),
    [
        ('<table role="presentation"><tr><td>x</td></tr></table>', 0, []),
        ('<table role="none"><tr><td>x</td></tr></table>', 0, []),
        ("<table><tr><td>x</td></tr></table>", 0, ["a11y-table-role"]),
        ("<table><tr><td>x</td></tr></table>", 5, ["a11y-table-head"]),
        ('<table><tr><th scope="col">x</th></tr><tr><td>y</td></tr></table>', 5, []),
        ("<table><tr><th>x</th></tr><tr><td>y</td></tr></table>", 0, ["a11y-table-scope"]),
        ('<table role="presentation"><tr><th scope="col">x</th></tr></table>', 0, ["a11y-table-role"]),
        ('<table role="presentation"><tr><td><table><tr><th scope="row">x</th></tr></table></td></tr></table>', 0, []),
    ],
)
def test_tables(table, line, expected):
    """Layout must be silent when read aloud, and data must have names; a table inside another is judged by itself."""
    assert codes(table, line=line) == expected


# ---- names -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ('<img src="x.png" alt="A harbour">', []),
        ('<img src="x.png" alt="">', []),
        ('<img src="x.png">', ["a11y-image-alt"]),
        ('<img src="x.png" alt="IMG_2034.JPG">', ["a11y-image-alt"]),
        ('<a href="https://a.example/"></a>', ["a11y-link-name"]),
        ('<a href="https://a.example/">&nbsp;&zwnj;</a>', ["a11y-link-name"]),
        ('<a href="https://a.example/"><img src="x.png" alt=""></a>', ["a11y-link-name"]),
        ('<a href="https://a.example/"><img src="x.png" alt="Our site"></a>', []),
        ('<a href="https://a.example/" aria-label="Our site"><b></b></a>', []),
        ('<a name="anchor"></a>', []),
        ('<a href="https://a.example/">Read more »</a>', ["a11y-link-text"]),
        ('<a href="https://a.example/">The report</a>', []),
    ],
)
def test_names(body, expected):
    """Who does not see goes by names: of images, of links, and not of files."""
    assert codes(body) == expected


def test_what_the_reader_said_of_a_line_is_not_said_again():
    """One slip, one finding: empty links and images without a text are told where they were typed."""
    body = '<a href="https://a.example/"><img src="x.png" alt=""></a><img src="x.png">'
    assert codes(body, line=9) == ["a11y-link-name", "a11y-image-alt"]
    assert codes(body, line=9, issue_findings=[warning("image-without-alt", Where(PATH, 9), "x")]) == []
    assert codes('<a href="https://a.example/">here</a>', line=9) == []  # the words of the issue are judged with the issue


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ('<a href="https://a.example/">One</a><a href="https://b.example/">Two</a>', ["a11y-links-touch"]),
        ('<a href="https://a.example/">One</a> \n <a href="https://b.example/">Two</a>', ["a11y-links-touch"]),
        ('<a href="https://a.example/">One</a> · <a href="https://b.example/">Two</a>', []),
        ('<a href="https://a.example/">One</a><br><a href="https://b.example/">Two</a>', []),
        ('<a style="display:block" href="https://a.example/">One</a><a href="https://b.example/">Two</a>', []),
    ],
)
def test_links_stand_apart(body, expected):
    """Two links with nothing between are one to the eye and to the thumb."""
    assert codes(body) == expected


@pytest.mark.parametrize(
    ("style", "expected"),
    [
        ("color:#0000ee", []),
        ("color:#333366;text-decoration:none", ["a11y-link-colour"]),
        ("color:#333366;text-decoration:none;font-weight:bold", []),
        ("color:#333366;text-decoration:none;border-bottom:1px solid #333366", []),
        ("color:#c2185b;text-decoration:none", []),  # 3:1 to black
    ],
)
def test_links_in_text_are_told_apart(style, expected):
    """Who does not see the colour must still see that it is a link."""
    assert codes(f'<p style="color:#000000">Read <a style="{style}" href="https://a.example/">the report</a> today.</p>') == expected


# ---- sizes -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "line", "expected"),
    [
        ('<p style="font-size:14px">x</p>', 4, []),
        ('<p style="font-size:13px">x</p>', 4, ["a11y-font-size"]),
        ('<p style="font-size:13px">x</p>', 0, []),  # small print of the template
        ('<p style="font-size:11px">x</p>', 0, ["a11y-font-size"]),
        ('<p style="font-size:13px"><code>x</code></p>', 4, []),
        ('<p>x<sup style="font-size:12px">2</sup></p>', 4, []),
        ('<p>x<sup style="font-size:10px">2</sup></p>', 4, ["a11y-font-size"]),
        ('<p style="font-size:1px">&nbsp;</p>', 0, []),
        ('<p style="font-size:8px;display:none">x</p>', 0, []),
    ],
)
def test_text_sizes(body, line, expected):
    """What somebody wrote is at least 14 px, small print 12; what holds a place open is not text."""
    assert codes(body, line=line) == expected


def test_sizes_on_a_phone_count():
    """A rule for narrow screens may shrink what is large enough on a desk."""
    head = "<style>@media (max-width:479px){.x{font-size:10px!important}}</style>"
    assert codes('<p class="x" style="font-size:16px">x</p>', head) == ["a11y-font-size"]


@pytest.mark.parametrize(
    ("style", "height"),
    [
        ("padding:11px 26px;line-height:22px", None),
        ("padding:10px 26px;line-height:22px", 42),
        ("padding:10px 26px;line-height:1.5;font-size:16px", None),
        ("padding:10px 26px;line-height:120%;font-size:20px", None),
        ("padding:8px;line-height:20px;border:2px solid #000000", 40),
        ("padding:4px 8px 6px;line-height:20px", 30),
        ("padding:0 8px;padding-top:20px;padding-bottom:20px;line-height:20px", None),
    ],
)
def test_buttons_are_high_enough(style, height):
    """Padding and line together make what a thumb can hit."""
    body = f'<a style="display:inline-block;background:#d71920;color:#ffffff;{style}" href="https://a.example/">Sign up</a>'
    said = [finding.message for finding in found(body) if finding.code == "a11y-target"]
    assert said == ([f"the button 'Sign up' is {height} px high; a thumb wants 44"] if height else [])


# ---- selectors, and what is hostile ----------------------------------------------------------------------------


def test_selectors_that_are_not_understood_match_nothing():
    """A wrong guess would accuse a letter of colours that it never shows."""
    assert selectors("a:hover, p::before, a + b, a ~ b, p:not(.x), >, .x >, $") == ()
    assert [selector.weight for selector in selectors("#a .b[c=d] > e, a:link")] == [(1, 2, 1), (0, 0, 1)]


@pytest.mark.parametrize(
    "html",
    [
        "<div>" * 800 + "x",
        '<p style="' + "color:" * 40_000 + '">x</p>',
        "<style>" + ".a " * 5_000 + "{color:red}</style>" + "<i class='a'>x</i>" * 500,
        "<style>@media " + "(" * 2_000 + "{p{color:red}}</style><p>x</p>",
        "<a href='x'>y</a>" * 4_000,
        "<p style='font-size:" + "9" * 100_000 + "px;opacity:" + "1" * 1000 + "'>x</p>",
        '<img alt="' + "a." * 100_000 + '">',
    ],
)
def test_hostile_letters_take_their_time_once(html):
    """Whatever a template or a paste holds, the check ends."""
    assert ends_within(5, lambda: list(check(a_letter(html), page_of(html, PATH))))
