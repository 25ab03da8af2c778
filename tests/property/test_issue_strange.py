"""Hundreds of strange issues: each gives an Issue or an IssueError with a line, in time that grows with its length."""

import importlib.util
import re
import sys
from pathlib import Path

import pytest

from composer.errors import IssueError
from composer.findings import Where
from composer.issue.addresses import Found
from composer.issue.mergefields import strings
from composer.issue.model import Issue
from composer.issue.reader import parse_issue

_SPEC = importlib.util.spec_from_file_location("issue_families", Path(__file__).parent / "issue_families.py")
_MODULE = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(_MODULE)
FAMILIES = _MODULE.FAMILIES
FRONT = _MODULE.FRONT_MATTER
SIZES = (1, 2, 7, 100)
HEAVY = {"items nested", "items nested by tabs", "directives nested by length"}  # their text grows with the square of the size

DEEP = {"footnotes nested", "footnotes never closed"}  # nested up to a bound, which a small text does not reach


def read(text):
    """Read a whole file's text."""
    return parse_issue(
        text,
        path="issues/strange.md",
        stem="strange",
        site_url="https://www.example.org/news",
        local=lambda src: Found(),
        embedded=lambda src: Found(problem="is broken"),
    )


def outcome(text):
    """Read; give the Issue, or the error after looking at its place."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").count("\n") + 1
    try:
        issue = read(text)
    except IssueError as err:
        place = err.where
        found = err
    else:
        place = Where("", 1)
        found = issue
    assert place is not None
    assert place.line is not None
    assert 1 <= place.line <= lines
    if isinstance(found, IssueError):
        return found
    for finding in issue.findings:
        assert finding.where == Where("issues/strange.md", finding.where.line, finding.where.column)
        assert finding.where.line is not None
        assert 1 <= finding.where.line <= lines
    for section in issue.sections:
        assert 1 <= section.line <= section.last_line <= lines
    known = {field.mark for field in issue.fields}
    marks = re.compile(rf"{issue.mark_prefix}f\d+x")
    assert {mark for text in strings((issue.lead, issue.sections, issue.footnotes)) for mark in marks.findall(text)} <= known
    return issue


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", FAMILIES)
def test_a_strange_body_gives_an_issue_or_a_clear_error(name, size):
    """People paste everything; a traceback helps none of them."""
    assert isinstance(outcome(f"---\ntitle: T\n---\n{FAMILIES[name](size)}"), Issue | IssueError)


@pytest.mark.parametrize("name", FAMILIES)
def test_a_strange_body_amid_good_text_hides_none_of_it(name):
    """What an odd piece swallows must be reported; the words before it always stay."""
    found = outcome(f"---\ntitle: T\n---\nBefore.\n\n{FAMILIES[name](3)}\n\n# Behind\n\nwords")
    if isinstance(found, Issue):
        assert any("Before." in text for text in strings((found.lead, found.sections)))


@pytest.mark.parametrize("name", FRONT)
def test_a_strange_front_matter_gives_an_issue_or_a_clear_error(name):
    """Bombs, tags that build objects and odd values are refused with a line."""
    assert isinstance(outcome(FRONT[name]), Issue | IssueError)


def calls(text):
    """Count the calls that reading a text takes: the work done in Python, the same on every machine."""
    count = 0

    def note(frame, event, arg):
        nonlocal count
        count += event in {"call", "c_call"}

    sys.setprofile(note)
    try:
        read(text)
    except IssueError:
        pass
    finally:
        sys.setprofile(None)
    return count


@pytest.mark.parametrize("name", FAMILIES)
def test_work_grows_with_the_length(name):
    """Four times the text is at most six times the work (what is fixed counts in our favour, so texts are not tiny)."""
    make, size = FAMILIES[name], 12 if name in HEAVY else 60
    size = 250 if name in DEEP else size
    read("---\ntitle: T\n---\nwarm <b>up</b> a@b.example `c`{.d}")
    small, large = (f"---\ntitle: T\n---\n{make(n)}" for n in (size, 4 * size))
    ratio = max(len(large) / len(small), 4)
    assert calls(large) <= 1.5 * ratio * calls(small)


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    "body",
    [
        pytest.param(f"![A](data:image/png;base64,{'A' * 597_000})", id="a pasted picture of 597 KB"),
        pytest.param("|" * 100_000, id="100,000 pipes"),
        pytest.param("# a\n" * 50_000, id="50,000 headings"),
        pytest.param("".join(f"a[^{i}]\n\n[^{i}]: b\n\n" for i in range(10_000)), id="10,000 footnotes"),
        pytest.param("|a|b|\n|-|-|\n" + "|c|d|\n" * 10_000, id="a table of 10,000 rows"),
        pytest.param("[" * 49_000, id="49,000 brackets"),
        pytest.param("x" * 999_000, id="one word of 999,000 letters"),
        pytest.param("a\n\n" * 400_000, id="more than anybody reads"),
        pytest.param("a" * 5_000_001, id="more than five million letters"),
        pytest.param(("**a " * 10 + "\n\n") * 3000, id="3,000 paragraphs of open emphasis"),
    ],
)
def test_big_things_end(body):
    """A size that somebody will paste one day ends within seconds, in a letter or in an error."""
    assert isinstance(outcome(f"---\ntitle: T\n---\n{body}"), Issue | IssueError)
