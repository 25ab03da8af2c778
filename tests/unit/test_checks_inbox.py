"""The inbox: subject and preheader as they are seen before a letter is opened."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from html import escape

import pytest

from composer.checks.content.inbox import LONGEST_SUBJECT, SHORTEST_PREHEADER, SHOWN_PREHEADER, check_inbox
from composer.checks.content.reading import words
from composer.checks.letter import Letter
from composer.config import Config, ListSettings
from composer.findings import Severity
from composer.issue.addresses import Found
from composer.issue.reader import parse_issue
from composer.testing import an_edition

GOOD = "A preheader of more than forty characters, as it should be."


def read(front, stem="2026-01"):
    """Read an issue with this front matter."""
    source = f"---\n{front}\n---\nThe first sentence of the text is here. More.\n"
    issue = parse_issue(source, path=f"issues/{stem}.md", stem=stem, site_url="", local=lambda src: Found(), embedded=lambda src: Found())
    return issue, source


def say(front, *, earlier=(), html=""):
    """Give code and line of what is said of a front matter, beside issues that came before."""
    issue, source = read(front)
    before = tuple(read(text, f"2025-{number:02}")[0] for number, text in enumerate(earlier, 1))
    letter = Letter(issue, source, an_edition(), html, "", Config(), ListSettings(), (), before, datetime(2026, 2, 2, tzinfo=UTC))
    return list(check_inbox(words(issue, source), letter))


def codes(front, **more):
    """Give code and line alone."""
    return [(finding.code, finding.where.line) for finding in say(front, **more)]


@pytest.mark.parametrize(
    ("subject", "expected"),
    [
        ("News of the garden", []),
        ("x" * LONGEST_SUBJECT, []),
        ("x" * (LONGEST_SUBJECT + 1), ["subject-long"]),
        ("January", ["subject-short"]),
        ("RE: the garden party", ["subject-reply"]),
        ("Fwd : the garden party", ["subject-reply"]),
        ("AW: das Gartenfest", ["subject-reply"]),
        ("Recent news of the garden", []),
        ("ALL THE NEWS OF THE GARDEN", ["subject-loud"]),
        ("News of NASA, ESA and JAXA", []),
        ("NASA and ESA", []),
        ("The garden is open!", []),
        ("The garden is open!!", ["subject-loud"]),
        ("Open! The garden is open!", ["subject-loud"]),
        ("Save $$$ in the garden", ["subject-loud"]),
        ("The garden is open 🌷", []),
        ("The garden 🌷🌷🌷 is open", ["subject-loud"]),
        ("新年号のお知らせと今月の予定", []),
    ],
)
def test_subjects(subject, expected):
    """What phones cut, and what looks like spam or like an answer, is said at the line of the subject."""
    assert codes(f'title: The garden letter\nsubject: "{subject}"\npreheader: {GOOD}') == [(code, 3) for code in expected]


def test_a_reply_that_is_none_is_an_error():
    """It is a lie in the first word, and the law knows it."""
    (finding,) = say(f'title: "RE: your order"\npreheader: {GOOD}')
    assert finding.severity is Severity.ERROR
    assert finding.where.line == 2


def test_a_field_counts_as_what_stands_in_for_it():
    """The length is that of a letter, not of its source."""
    fields = '{{ first_name | default("you") }}'
    assert codes(f"title: T\nsubject: 'The garden for {fields}, {fields}, {fields}'\npreheader: {GOOD}") == []


@pytest.mark.parametrize(
    ("front", "expected"),
    [
        (f"preheader: {GOOD}", []),
        (f"description: {GOOD}", []),
        (f"seo:\n  description: {GOOD}", []),
        ("author: Rosa", [("preheader-missing", 2)]),
        ("author: Rosa\npreheader: " + "x" * (SHORTEST_PREHEADER - 1), [("preheader-short", 4)]),
        ("preheader: " + "x" * SHORTEST_PREHEADER, []),
        ("preheader: " + "x" * 141, [("preheader-long", 3)]),
        ("preheader: 'The Garden Letter: January'", [("preheader-repeats", 3)]),
        ("seo:\n  url: https://x.org\n  description: the garden letter, january", [("preheader-repeats", 5)]),
        ("subject: What grew in it\npreheader: What grew in it!", [("preheader-repeats", 4)]),
    ],
)
def test_preheaders(front, expected):
    """The second line of the inbox is half of what a letter is chosen by."""
    assert codes(f'title: "The garden letter: January"\n{front}') == expected


def test_toml_is_read_too():
    """Its keys have lines as well."""
    source = '+++\ntitle = "The garden letter"\ndescription = "short"\n+++\nText. More.\n'
    issue = parse_issue(source, path="i.md", stem="i", site_url="", local=lambda src: Found(), embedded=lambda src: Found())
    letter = Letter(issue, source, an_edition(), "", "", Config(), ListSettings(), (), (), datetime(2026, 2, 2, tzinfo=UTC))
    assert [(found.code, found.where.line) for found in check_inbox(words(issue, source), letter)] == [("preheader-short", 3)]


def test_what_an_earlier_issue_said_already():
    """A description that says the same every month is one that nobody reads; the newest that has it is named."""
    front = f'title: "The garden letter: January"\nsubject: The garden\npreheader: {GOOD}'
    earlier = [front, front.replace("The garden\n", "The GARDEN.\n"), f"title: Another\npreheader: {GOOD.replace('forty', 'fifty')}"]
    found = say(front, earlier=earlier)
    assert [(finding.code, finding.where.line) for finding in found] == [("subject-repeated", 3), ("preheader-repeated", 4)]
    assert "issues/2025-02.md" in found[0].message
    assert codes(front, earlier=[f"title: Another\npreheader: {GOOD.replace('forty', 'fifty')}"]) == []


def test_a_first_sentence_is_not_held_against_its_issue():
    """Where no preheader is written, none is repeated: that it is missing is all there is to say."""
    assert codes("title: The garden letter", earlier=["title: Another letter"]) == [("preheader-missing", 2)]


def page(preheader, behind):
    """Give a letter's HTML with what stands behind the preheader."""
    head = "<html><head><title>T</title></head><body>"
    return f'{head}<div style="display:none">{escape(preheader)}{behind}</div><p>The masthead &amp; more</p></body></html>'


@pytest.mark.parametrize(
    ("behind", "leaks"),
    [
        ("", True),
        ("   \n  ", True),
        ("&nbsp;&zwnj;" * 20, True),
        ("&nbsp;&zwnj;" * SHOWN_PREHEADER, False),
        ("&#847;" * 200, True),
        (" " + "x" * 100, True),
    ],
)
def test_a_preheader_that_leaks(behind, leaks):
    """Without blanks behind it, the inbox goes on with whatever the letter begins with."""
    preheader = "What grew & what “did not” in the garden, month by month"
    found = codes(f"title: The garden letter\npreheader: {preheader}", html=page(preheader, behind))
    assert found == ([("preheader-leaks", 3)] if leaks else [])


def test_a_preheader_as_long_as_the_line_leaks_nothing():
    """There is no room left for anything else."""
    preheader = "word " * 20 + "end"
    assert codes(f"title: The garden letter\npreheader: {preheader}", html=page(preheader, "")) == []


def test_the_shipped_template_leaks_nothing(project):
    """It fills the line with blanks."""
    from composer.edition.compose import compose
    from composer.issue.files import read_issue, read_source

    path = project.issue_path("2026-01")
    issue, source = read_issue(path, project), read_source(path, project)
    edition = compose(issue, ListSettings(), project)
    letter = Letter(issue, source, edition, edition.html, "", project.config, ListSettings(), (), (), datetime(2026, 2, 2, tzinfo=UTC))
    assert [finding.code for finding in check_inbox(words(issue, source), letter)] == ["preheader-short"]
    bare = replace(letter, html=letter.html.replace("&#8199;\u034f", ""))
    assert [finding.code for finding in check_inbox(words(issue, source), bare)] == ["preheader-leaks"]
