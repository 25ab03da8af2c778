"""What clients lack, at the line where it is written."""

import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from composer.checks.compatibility import check, facts
from composer.checks.compatibility.facts import features
from composer.checks.compatibility.judgement import BREAKS, FADES, LEFT_OUT
from composer.checks.compatibility.seen import ATTRIBUTES, ELEMENTS, IMAGES
from composer.checks.compatibility.styles import AT_RULES, PROPERTIES, PSEUDO, VALUES
from composer.checks.letter import Letter
from composer.checks.page import read_page
from composer.config import ListSettings
from composer.edition.compose import compose
from composer.edition.fields import fill_for_display
from composer.findings import Severity
from composer.issue.files import read_issue
from composer.project import find

STAFF = ListSettings(name="staff", kind="staff")
NOW = datetime(2026, 2, 2, 10, tzinfo=UTC)


def said(project, path=None):
    """The findings of an issue."""
    issue = read_issue(path or project.issues / "2026-01.md", project)
    edition = compose(issue, STAFF, project)
    letter = Letter(issue, "", edition, fill_for_display(edition, edition.html), edition.text, project.config, STAFF, (), (), NOW)
    return list(check(letter, read_page(letter)))


def short(findings):
    """Code, place and the first words of each finding."""
    return [(finding.code, str(finding.where), finding.message.split(" is ")[0]) for finding in findings]


@pytest.fixture
def with_template(project):
    """Give a function that puts text above the letter, beginning at line 4 of the template, and returns the findings."""

    def put(text="", css="", head=""):
        folder = project.root / "templates" / "email"
        (folder / "styles").mkdir(parents=True, exist_ok=True)
        shipped = project.template_folders[-1]
        (folder / "newsletter.mjml").write_text(
            '{% extends "shipped/newsletter.mjml" %}{% block header %}\n<mj-section><mj-column>\n<mj-text>\n'
            + text
            + "\n</mj-text></mj-column></mj-section>{% endblock %}"
        )
        if css:
            (folder / "styles/inline.css.j2").write_text(css + "\n" + (shipped / "styles/inline.css.j2").read_text())
        if head:
            base = (shipped / "base.mjml").read_text()
            (folder / "base.mjml").write_text(base.replace("</mj-head>", f"<mj-style>\n{head}</mj-style>\n</mj-head>"))
        return said(project)

    return put


@pytest.mark.parametrize("stem", ["2026-01", "showcase"])
def test_the_projects_own_letters_have_nothing_to_mend(repository, stem):
    """What is shipped uses what clients lack only where it has a stand-in, or as an enhancement."""
    assert said(find(repository, exact=True), repository / "issues" / f"{stem}.md") == []


def test_real_issues_have_nothing_to_mend(shared_issues, repository):
    """Markdown becomes HTML that every client knows."""
    for path in shared_issues:
        assert said(find(repository, exact=True), path) == []


@pytest.mark.parametrize(
    ("html", "what"),
    [
        ('<div style="position:absolute;top:0">x</div>', "position: absolute"),
        ('<div style="display:flex">x</div>', "display: flex"),
        ('<div style="display: inline-grid">x</div>', "display: inline-grid"),
        ('<video src="https://example.org/x.mp4"></video>', "<video>"),
        ("<svg></svg>", "<svg>"),
        ('<form action="https://example.org"></form>', "<form>"),
        ('<input type="text" name="a" />', "<input>"),
        ('<p hidden="hidden">x</p>', "the attribute hidden"),
        ('<p style="color:var(--x)">x</p>', "color: var(--x)"),
        ('<p style="padding:0.5rem">x</p>', "padding: 0.5rem"),
        ('<p style="margin-inline:4px">x</p>', "margin-inline: 4px"),
        ('<p style="visibility:hidden">x</p>', "visibility: hidden"),
        ('<p style="display:none">x</p>', "display: none"),
        ('<p style="width:calc(100% - 3px)">x</p>', "width: calc(100% - 3px)"),
        ('<p style="background:url(https://example.org/x.png)">x</p>', "background: url(https://example.org/x.png)"),
        ('<img src="https://example.org/x.SVG?v=1" alt="" />', "an image of the kind .svg"),
        ('<img src="data:image/png;base64,AAAA" alt="" />', "an image inside of the letter (data:)"),
    ],
)
def test_what_breaks_the_letter_is_a_warning_at_the_templates_line(with_template, html, what):
    """The designer opens the file at the line, and there it is."""
    findings = with_template(f"<p>fine</p>\n{html}")
    assert ("compat-unsupported", "templates/email/newsletter.mjml:5", what) in short(findings)
    mine = [finding for finding in findings if finding.where.path == "templates/email/newsletter.mjml"]
    assert [finding.severity for finding in mine] == [Severity.WARNING]
    assert "https://www.caniemail.com/features/" in mine[0].hint


@pytest.mark.parametrize(
    "html",
    [
        '<div style="float:left">x</div>',
        '<p style="box-shadow:0 0 2px #000">x</p>',
        '<p style="transform:rotate(3deg)">x</p>',
        "<section>x</section>",
        '<p style="margin-top:-4px">x</p>',
        '<p style="width:300px;width:calc(100% - 3px)">x</p>',
        '<p style="background:url(https://example.org/x.png);background-color:#ffffff">x</p>',
        '<p style="background:tan url(https://example.org/x.png)">x</p>',
        '<p style="background:linear-gradient(red,blue) rgb(1,2,3)">x</p>',
        '<img src="https://example.org/x.png" alt="" style="display:none" />',
    ],
)
def test_what_looks_plainer_or_has_a_stand_in_is_an_info(with_template, html):
    """The letter can be read without it."""
    assert [(finding.code, finding.severity) for finding in with_template(html)] == [("compat-partial", Severity.INFO)]


@pytest.mark.parametrize(
    "html",
    [
        '<p style="border-radius:4px;max-width:300px;float:none;transform:none;word-spacing:normal">x</p>',
        '<div style="display:none;mso-hide:all;max-height:0;overflow:hidden;opacity:0">x</div>',
        '<!--[if mso]><v:rect style="position:absolute"></v:rect><![endif]--><p role="note" aria-label="x" lang="de">x</p>',
        '<a href="#top" target="_blank">x</a> <a href="mailto:a@example.org">y</a>',
    ],
)
def test_enhancements_and_conditions_are_left_alone(with_template, html):
    """A check that speaks of everything is heard by nobody."""
    assert with_template(html) == []


@pytest.mark.parametrize("element", ["mj-section", "mj-wrapper", "mj-hero"])
def test_a_background_that_outlook_draws_too_is_left_alone(with_template, element):
    """MJML writes it in VML as well, in a condition for Outlook."""
    inner = {"mj-section": "<mj-column></mj-column>", "mj-wrapper": "<mj-section></mj-section>", "mj-hero": "<mj-text>x</mj-text>"}[element]
    above = "x</mj-text></mj-column></mj-section>"
    below = "<mj-section><mj-column><mj-text>"
    assert with_template(f'{above}\n<{element} background-url="https://example.org/x.jpg">{inner}</{element}>\n{below}') == []


def test_css_is_found_at_its_rule_though_it_was_inlined(with_template):
    """One finding for a rule, however many paragraphs it dresses, and not at a line of the issue."""
    findings = with_template(css=".x{color:red}\n.li{display:flex}")
    assert short(findings) == [("compat-unsupported", "templates/email/styles/inline.css.j2:2", "display: flex")]


def test_style_blocks_are_read_too(with_template):
    """At-rules and what cannot be inlined; what stands in a media query or is for one client is an enhancement."""
    head = (
        '@import url("https://example.org/x.css");\n@font-face{font-family:X;src:url(https://example.org/x.woff)}\n.li:nth-child(2){color:red}\n'
        "@media (max-width:400px){.li{display:flex}}\n.li:hover{transform:none}\n[data-ogsc] .li{position:absolute}\n"
        "@supports (display:grid){.li{color:red}\n.a{color:red}}\n"
    )
    found = {what: (code, place.rpartition(":")[2]) for code, place, what in short(with_template(head=head))}
    base = (Path(with_template.__closure__[0].cell_contents.root) / "templates/email/base.mjml").read_text().splitlines()
    line = base.index('@import url("https://example.org/x.css");') + 1
    assert found == {
        "@import": ("compat-unsupported", str(line)),
        "@font-face": ("compat-partial", str(line + 1)),
        ":nth-child": ("compat-partial", str(line + 2)),
        "@supports": ("compat-partial", str(line + 6)),
    }


def test_an_image_of_the_issue_is_found_at_its_markdown_line(project):
    """The editor can save the picture in another format."""
    path = project.issues / "2026-01.md"
    path.write_text(path.read_text() + "\n![A fair](https://www.example.org/fair.webp)\n")
    (finding,) = said(project)
    assert finding.code == "compat-unsupported"
    assert path.read_text().splitlines()[finding.where.line - 1].startswith("![A fair]")
    assert "Outlook (Windows)" in finding.message


def test_clients_are_named_as_people_know_them():
    """All of a family by its name alone; Gmail's apps with another account apart, for they drop styles that Gmail itself keeps."""
    assert features()["css-visibility"].lacking == ("Gmail", "Outlook (Windows)")
    assert "Gmail's apps with another account" in features()["css-display-flex"].lacking
    assert features()["html-p"].lacking == features()["html-p"].partly == ()


def test_every_feature_that_can_be_seen_is_judged_once():
    """A new feature of the data gets a verdict, and a verdict a feature."""
    seen = {*PROPERTIES.values(), *(slug for slug, _, _ in VALUES), *AT_RULES.values(), *PSEUDO.values()}
    seen |= {*ELEMENTS.values(), *ATTRIBUTES.values(), *IMAGES.values()}
    lacked = {slug for slug, feature in features().items() if feature.lacking or feature.partly}
    assert (seen & lacked) <= BREAKS.keys() | FADES.keys() | LEFT_OUT.keys()
    assert seen | BREAKS.keys() | FADES.keys() | LEFT_OUT.keys() <= features().keys()
    assert lacked <= BREAKS.keys() | FADES.keys() | LEFT_OUT.keys()
    assert not BREAKS.keys() & FADES.keys()
    assert not (BREAKS.keys() | FADES.keys()) & LEFT_OUT.keys()


def test_the_data_file_says_where_it_is_from(repository):
    """Source, date and licence travel with the facts, and it stays small."""
    path = Path(facts.__file__).with_name(facts.FILE)
    data = json.loads(path.read_text(encoding="utf-8"))
    assert "caniemail" in data["source"]
    assert datetime.fromisoformat(data["date"]).year >= 2025
    assert "Permission is hereby granted" in data["licence"]
    assert "HTeuMeuLeu" in data["licence"]
    assert path.stat().st_size < 60_000
    assert all(len(known["support"]) == len(data["clients"]) for known in data["features"].values())


def test_the_data_file_is_made_by_a_script(repository, tmp_path):
    """From the npm package's folder, with no network; the newest version of a client counts."""
    (tmp_path / "dist" / "data").mkdir(parents=True)
    (tmp_path / "package.json").write_text('{"version": "9.9.9"}')
    (tmp_path / "LICENSE").write_text("MIT License\n\nPermission is hereby granted")
    feature = {
        "slug": "css-position",
        "title": " position",
        "category": "css",
        "notes_by_num": {"1": "Partial. Not supported with non Google accounts.", "2": "Partial. Only some."},
        "stats": {
            "gmail": {"desktop-webmail": {"2019-01": "y", "2024-01": "n"}, "ios": {"2024-01": "a #1"}},
            "outlook": {"windows": {"2019": "a #2"}, "windows-mail": {"2019": "n"}},
        },
    }
    source = {"last_update_date": "2027-01-02 10:00:00 +0000", "data": [feature, {**feature, "slug": "bimi", "category": "others"}]}
    (tmp_path / "dist/data/caniemail.json").write_text(json.dumps(source))
    script = (
        "import sys, pathlib; sys.path.insert(0, 'docs'); import caniemail; caniemail.TARGET = pathlib.Path(sys.argv[1]);"
        "print(caniemail.main([sys.argv[2]]), caniemail.main([sys.argv[2], '--check']))"
    )
    target = tmp_path / "made.json"
    done = subprocess.run([sys.executable, "-c", script, target, tmp_path], cwd=repository, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "0 0"
    made = json.loads(target.read_text())
    assert made["date"] == "2027-01-02"
    assert list(made["features"]) == ["css-position"]
    assert made["features"]["css-position"] == {"title": "position", "support": "nuoua" + "u" * 14, "notes": ["Partial. Only some."]}
