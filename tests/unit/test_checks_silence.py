"""Silences: what a writer switches off, how far it reaches, and what is wrong with a silence."""

from __future__ import annotations

import ast
from dataclasses import replace
from pathlib import Path

import pytest
from patience import ends_within

import composer
from composer.checks.codes import CODES, NEVER_SILENT
from composer.checks.silence import apply, silences
from composer.errors import IssueError
from composer.findings import Severity, Where, error, info, warning
from composer.issue.addresses import Found
from composer.issue.reader import parse_issue
from composer.issue.silences import Silence

PATH = "issues/2026-01.md"


def read(body, front="title: T"):
    """Read a body that begins on line 4."""
    source = f"---\n{front}\n---\n{body}"
    issue = parse_issue(source, path=PATH, stem="2026-01", site_url="", local=lambda src: Found(), embedded=lambda src: Found())
    return issue, silences(source, issue)


def at(line, code="link-http", path=PATH):
    """Make a finding on a line."""
    return warning(code, Where(path, line), "x")


def left(body, *findings, front="title: T", **more):
    """Give the lines and codes of what is still told."""
    kept, _ = apply(findings, read(body, front)[1], **more)
    return [(finding.code, finding.where.line) for finding in kept]


def test_a_comment_holds_for_its_line_alone():
    """Behind a sentence it speaks of that sentence."""
    body = "a\n[b](http://x.org) <!-- check off: link-http: they have no https -->\nc"
    assert left(body, at(4), at(5), at(6)) == [("link-http", 4), ("link-http", 6)]


def test_a_comment_above_holds_for_the_block_that_begins_there():
    """A paragraph, a list or a table is silenced down to the next empty line."""
    body = "a\n\n<!-- check off: link-http: they have no https -->\nb\nc\n\nd"
    assert left(body, at(4), at(7), at(8), at(10)) == [("link-http", 4), ("link-http", 10)]


@pytest.mark.parametrize(
    ("block", "last"),
    [
        ("# Title\ntext", 5),
        ("* a\n* b\n\n* c", 6),
        ("```\na\n\nb\n```\nc", 9),
        ("~~~~\na\n~~~\n\nb\n~~~~\n\nc", 10),
        ("::: callout tip A\na\n\nb\n\n::: button\n[A](https://x.org)\n:::\n\nc\n:::\n\nd", 15),
        ("| a |\n|---|\n| b |\n\nc", 7),
        ("a\n# Title", 6),
        ("\n\na\nb\n\nc", 8),
    ],
)
def test_where_a_block_ends(block, last):
    """Fenced code and directives hold empty lines; a heading is one line."""
    reach = read(f"<!-- check off: link-http: why -->\n{block}")[1][0]
    assert reach.block is not None
    assert reach.block[1] == last


@pytest.mark.parametrize("mark", ["* ", "> ", "  ", "1. "])
def test_a_comment_stands_alone_in_a_list_or_quotation_too(mark):
    """The marks of a list and of a quotation are not text."""
    assert read(f"a\n\n{mark}<!-- check off: link-http: why -->\n{mark}b")[1][0].block == ((7, 7) if mark != "1. " else None)


def test_a_comment_of_several_lines():
    """A long reason is still one silence."""
    body = "<!-- check off: link-http:\nthey have\nno https -->\nb"
    kept, silenced = apply([at(7), at(4), at(8)], read(body)[1])
    assert [finding.where.line for finding in kept] == [8]
    assert {each.reason for each in silenced} == {"they have no https"}


def test_several_codes_share_a_reason():
    """One exception often sets off two checks."""
    body = "a <!-- check off: link-http, link-long: the archive's addresses are so -->"
    assert left(body, at(4), at(4, "link-long"), at(4, "placeholder-left")) == [("placeholder-left", 4)]


@pytest.mark.parametrize(
    "front",
    [
        "title: T\nchecks_off: {link-http: no https there}",
        "title: T\nchecks_off:\n  link-http: no https there",
        'title: T\nchecks_off:\n  "link-http, link-long": no https there',
    ],
)
def test_the_front_matter_holds_for_the_whole_issue(front):
    """Wherever its letter says it, in a template too."""
    kept, silenced = apply([at(4), at(99), at(3, path="templates/email/x.mjml"), at(None)], read("a", front)[1], {"link-long"})
    assert kept == ()
    assert {(each.reason, each.by.path) for each in silenced} == {("no https there", PATH)}


def test_toml_says_it_too():
    """With its line."""
    source = '+++\ntitle = "T"\n[checks_off]\nlink-http = "no https there"\n+++\na'
    issue = parse_issue(source, path=PATH, stem="x", site_url="", local=lambda src: Found(), embedded=lambda src: Found())
    assert issue.findings == ()
    ((silence,),) = (issue.silences,)
    assert (silence.codes, silence.reason, silence.where.line, silence.whole) == (("link-http",), "no https there", 4, True)


@pytest.mark.parametrize(
    ("body", "front"),
    [
        ("a <!-- check off: link-http -->", "title: T"),
        ("a <!-- check off: link-http: -->", "title: T"),
        ("a", "title: T\nchecks_off: {link-http: }"),
        ("a", "title: T\nchecks_off: {link-http: true}"),
        ("a", "title: T\nchecks_off: [link-http]"),
        ("a", "title: T\nchecks_off: link-http"),
    ],
)
def test_without_a_reason_nothing_is_silent(body, front):
    """Next month nobody knows why; so it is asked for now."""
    line = 4 if front == "title: T" else 3
    found = left(body, at(4), front=front)
    assert found == [("link-http", 4), ("silence-without-reason", line)]


def test_a_code_that_there_is_not():
    """The nearest is named."""
    kept, _ = apply(
        [], read("a <!-- check off: link-htp: why -->\n\nb <!-- check off -->\n\nc <!-- check off: quite-another-thing: why -->")[1]
    )
    assert [(finding.code, finding.where.line) for finding in kept] == [("silence-unknown-code", line) for line in (4, 6, 8)]
    assert "link-http" in kept[0].hint
    assert kept[0].severity is Severity.WARNING


def test_a_code_that_a_finding_has_is_never_unknown():
    """What is told can be silenced, whether the list of codes has it or not."""
    assert left("a <!-- check off: brand-new: why -->", at(4, "brand-new")) == []


def test_a_silence_of_nothing_is_told():
    """It would hide the next slip of its kind."""
    kept, _ = apply([at(9)], read("a <!-- check off: link-http: why -->")[1])
    assert kept[1] == info("silence-unused", Where(PATH, 4), "there is no link-http here to silence", "Take the silence out.")
    assert left("a <!-- check off: link-dead: why -->", unchecked={"link-dead"}) == []


@pytest.mark.parametrize("code", sorted(NEVER_SILENT))
def test_what_stops_a_send_for_other_reasons_cannot_be_silenced(code):
    """A draft stays a draft; and no silence silences what is said of silences."""
    finding = error(code, Where(PATH, 4), "x")
    for body, front in ((f"a <!-- check off: {code}: why -->", "title: T"), ("a", f"title: T\nchecks_off: {{{code}: why}}")):
        kept, silenced = apply([finding], read(body, front)[1])
        assert finding in kept
        assert silenced == ()
        assert [found.code for found in kept[1:]] == ["silence-not-allowed"]


def test_a_silence_leaves_no_trace_in_the_letter():
    """Readers never see it, and its writer is not told that a comment is left out."""
    plain, _ = read("# T\n\na [b](http://x.org)\n\n[GO THERE](http://x.org)\n\n* 4 February | x\n\nd")
    body = (
        "# T <!-- check off: a: b -->\n\na [b](http://x.org) <!-- check off: a: b -->\n\n[GO THERE](http://x.org)<!--check off: a: b-->\n\n"
    )
    silent, _ = read(body + "* 4 February | x <!-- check off: a: b -->\n\nd <!-- check off: a: {{ why }} -->")
    assert silent.sections == plain.sections
    assert silent.findings == ()
    assert silent.fields == ()
    assert silent.silences[-1].reason == "{{ why }}"


def test_in_code_it_is_code():
    """A letter may show how it is done."""
    assert read("`<!-- check off: a: b -->`\n\n```\n<!-- check off: a: b -->\n```")[0].silences == ()


def test_other_comments_are_still_told():
    """What a browser's clipboard left is not a silence."""
    issue, reaches = read("<!--StartFragment-->\n\na")
    assert [finding.code for finding in issue.findings] == ["html-comment"]
    assert reaches == ()


@pytest.mark.parametrize("value", ["7", "[7]", "{7: why}", "[{a: b}]"])
def test_front_matter_that_holds_no_codes(value):
    """The error has the line of the key."""
    with pytest.raises(IssueError, match="checks_off") as caught:
        read("a", f"title: T\nchecks_off: {value}")
    assert caught.value.where.line == 3


def test_without_silences_nothing_changes():
    """Nearly every issue has none."""
    findings = (at(4), at(5))
    assert apply(findings, read("a")[1]) == (findings, ())


def test_thousands_of_silences_and_findings():
    """Hostile text may be nothing but comments."""
    body = "<!-- check off: link-http: why -->\n::: x\n" * 3_000
    issue, _ = read("a")
    source = f"---\ntitle: T\n---\n{body}"
    many = tuple(Silence(("link-http",), "why", Where(PATH, 4 + 2 * number), 4 + 2 * number) for number in range(3_000))
    found = [at(line) for line in range(1, 20_000)]
    assert ends_within(3, lambda: apply(found, silences(source, replace(issue, silences=many))))
    kept, silenced = apply(found, silences(source, replace(issue, silences=many)))
    assert len(kept) + len(silenced) >= 19_999


NOT_OF_AN_ISSUE = {"records", "spf", "dkim", "dmarc", "dns", "domains", "received", "sender", "signing"}


def _codes():
    root = Path(composer.__file__).parent
    files = [*(root / "issue").glob("*.py"), *(root / "edition").glob("*.py"), root / "audience" / "fit.py"]
    files += [path for path in (root / "checks").rglob("*.py") if path.parent.name != "checks" or path.stem not in NOT_OF_AN_ISSUE]
    for path in files:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            called = getattr(node, "func", None)
            if getattr(called, "id", getattr(called, "attr", "")) in {"error", "warning", "info", "Finding"} and node.args:
                code = getattr(node.args[0], "value", None)
                if isinstance(code, str) and "-" in code:
                    yield code


def test_the_list_of_codes_is_whole():
    """A silence of a code that there is must not be called unknown; ``composer/checks/codes.py`` lists them."""
    assert not sorted(set(_codes()) - CODES), "add these to CODES"
    assert not sorted(CODES - NEVER_SILENT - set(_codes())), "take these out of CODES"
