"""What the HTML says and the text part leaves out."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from patience import ends_within

from composer.checks.letter import Letter
from composer.checks.page import page_of, read_page
from composer.checks.parity import check
from composer.config import ListSettings
from composer.edition.compose import compose
from composer.edition.fields import fill_for_display
from composer.edition.model import Context, Slot
from composer.findings import Where
from composer.issue.files import read_issue
from composer.project import find

NOW = datetime(2026, 2, 2, tzinfo=UTC)


def letter_of(project, path):
    issue, settings = read_issue(path, project), ListSettings(name="staff", kind="staff")
    edition = compose(issue, settings, project)
    shown = [fill_for_display(edition, part) for part in (edition.html, edition.text)]
    return Letter(issue, path.read_text(encoding="utf-8"), edition, *shown, project.config, settings, (), (), NOW)


@pytest.fixture
def letter(project):
    """Compose the small issue."""
    return letter_of(project, project.issues / "2026-01.md")


def said(letter, html, text):
    """Check a text part against HTML of one's own; codes and messages."""
    letter = replace(letter, html=html, text=text, edition=replace(letter.edition, fields=()))
    return [(finding.code, finding.message) for finding in check(letter, page_of(html, "issues/x.md"))]


@pytest.mark.parametrize("name", ["2026-01", "showcase"])
def test_samples_say_the_same_in_both_parts(repository, name):
    """The shipped template adds nothing that readers of plain text would not get, the footer's links included."""
    project = find(repository, exact=True)
    letter = letter_of(project, project.issues / f"{name}.md")
    assert list(check(letter, read_page(letter))) == []
    html = letter.html
    assert html.count("<a ") > 5


def test_real_issues_say_the_same_in_both_parts(repository, shared_issues):
    """Real headings are links, bold or in capitals; none of that may pass for a difference."""
    for path in shared_issues:
        letter = letter_of(find(repository, exact=True), path)
        assert list(check(letter, read_page(letter))) == []


def test_what_a_template_of_ones_own_adds_is_named_at_its_line(project):
    """A box that stands in the template alone is lost to readers of plain text, and is no line of the issue."""
    folder = project.root / "templates" / "email"
    folder.mkdir(parents=True)
    (folder / "own.mjml").write_text(
        '{% extends "newsletter.mjml" %}\n{% block header %}\n<mj-section><mj-column><mj-text>\n'
        '<h2>Our sponsors</h2>\n<a href="https://sponsor.example/">The sponsor</a>\n</mj-text></mj-column></mj-section>{% endblock %}\n'
    )
    issue = project.issues / "2026-01.md"
    issue.write_text(issue.read_text().replace("---\n", "---\ntemplate: own\n", 1))
    letter = letter_of(project, issue)
    found = {finding.code: finding for finding in check(letter, read_page(letter))}
    assert found.keys() == {"parity-heading", "parity-link"}
    assert found["parity-heading"].where == Where("templates/email/own.mjml", 4)
    assert found["parity-link"].where == Where("templates/email/own.mjml", 5)
    assert "sponsor.example" in found["parity-link"].message


@pytest.mark.parametrize(
    ("heading", "text", "there"),
    [
        ("<h2>Garden news</h2>", "Garden\nnews\n----", True),
        ("<h2>Garden <em>news</em></h2>", "*Garden* news [3]: what grows", True),
        ("<h2>What is m<sup>2</sup>?</h2>", "What is m^2?", True),
        ('<h2>With a note<sup class="fn">1</sup></h2>', "With a note[^1]", True),
        ("<h2>Über uns</h2>", "ÜBER UNS", True),
        ("<h2>見出し</h2>", "## 見出し\n本文", True),
        ("<h2>Art</h2>", "a party of three", False),
        ("<h2>Garden news</h2>", "Garden of news", False),
        ('<div style="display:none"><h2>Hidden</h2></div>', "", True),
        ("<h2> </h2>", "", True),
    ],
)
def test_headings(letter, heading, text, there):
    """A heading may be wrapped, marked and numbered in text, and must be there word for word."""
    assert [code for code, _ in said(letter, heading, text)] == ([] if there else ["parity-heading"])


@pytest.mark.parametrize(
    ("href", "text", "there"),
    [
        ("https://example.org/", "see [1].\n\n[1] https://example.org/", True),
        ("https://example.org/", "https://example.org", True),
        ("https://example.org", "(https://example.org).", True),
        ("https://example.org", "https://example.org/other", False),
        ("https://example.org/a", "https://example.org/ab https://example.org/a", True),
        ("https://example.org/a", "https://example.org/ab", False),
        ("https://example.org/a", "詳しくはhttps://example.org/aをご覧ください", True),
        ("mailto:a@example.org", "a@example.org", True),
        ("mailto:a@example.org?subject=x", "[1] mailto:a@example.org?subject=x", True),
        ("tel:+1555", "+1555", True),
        ("https://example.org/x?a=1&amp;b=2", "[1] https://example.org/x?a=1&b=2", True),
        ("#anchor", "", True),
        ("", "", True),
        ("https://example.org/lost", "", False),
    ],
)
def test_links(letter, href, text, there):
    """An address may stand bare or at the end of a sentence; another that only begins so is another."""
    assert [code for code, _ in said(letter, f'<a href="{href}">words</a>', text)] == ([] if there else ["parity-link"])


def test_each_lack_is_told_once(letter):
    """A template's link in every section is one mistake."""
    assert len(said(letter, '<a href="https://a.example/">x</a>' * 5 + "<h2>Lost words</h2>" * 3, "")) == 2


def test_field_that_stands_in_html_alone_is_told(letter):
    """Somebody's own text, lost in one of the two parts; where it only names an address the link says so already."""
    where = Where("issues/2026-01.md", 9)
    slots = (
        Slot("qt1x", "seat", Context.TEXT, None, "{{ seat }}", where),
        Slot("qu2x", "code", Context.URL, None, "{{ code }}", where),
        Slot("qt3x", "city", Context.TEXT, None, "{{ city }}", where),
        Slot("qp4x", "city", Context.PLAIN, None, "{{ city }}", where),
    )
    letter = replace(letter, edition=replace(letter.edition, fields=slots, html="qt1x qu2x qt3x", text="qp4x"))
    found = [(finding.code, finding.message) for finding in check(letter, page_of("", "issues/x.md"))]
    assert found == [("parity-field", "the text part lacks the merge field {{ seat }}")]


def test_field_of_subject_and_preheader_is_not_missed(project):
    """They are in the HTML as title and preheader, for the inbox; plain text has the header."""
    path = project.issues / "2026-01.md"
    text = path.read_text().replace("subject: News of January", 'subject: "{{ first_name }}: news"')
    path.write_text(
        text.replace("preheader: What", 'preheader: "For {{ first_name }}"\nx: What')
        .replace("Hello {{", "Hello {{ last_name }} {{", 1)
        .replace('{{ first_name | default("friend") }}, ', "")
    )
    letter = letter_of(project, path)
    assert list(check(letter, read_page(letter))) == []
    assert (
        letter.edition.html.count(
            next(slot.mark for slot in letter.edition.fields if slot.name == "first_name" and slot.context is Context.TEXT)
        )
        >= 1
    )


@pytest.mark.parametrize("text", ["https://a.example/x" * 15_000, "[1]" * 100_000, "_" * 300_000, "a " * 150_000])
def test_long_text_takes_linear_time(letter, text):
    """Hostile input must not hold up a check."""
    html = '<a href="https://a.example/">x</a><h2>a heading that is not there</h2>'
    assert ends_within(3, lambda: said(letter, html, text))
