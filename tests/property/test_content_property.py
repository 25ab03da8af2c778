"""What holds for mends and content checks, whatever people type."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from composer.checks.content import check
from composer.checks.fixes import fix
from composer.checks.letter import Letter
from composer.checks.silence import apply, silences
from composer.config import Config, ListSettings
from composer.errors import IssueError
from composer.findings import Where, warning
from composer.issue.addresses import Found
from composer.issue.model import Break, Code, CodeBlock, Image, Link, Text
from composer.issue.reader import parse_issue
from composer.testing import an_edition

NB = "\u00a0"
SLIPS = st.sampled_from(
    [
        "![]()", "[](https://x.org)", "[]()", "[ ](x)", "[a ](https://x.org)", "[ b](https://x.org)", "[c](mailto:a@x.org.)", f"{NB}", f"{NB}{NB} ",
        "[d](https://x.org/(e)_f 'T')", "[e ](https://x.org){.button}", "[{{ f }} ](https://x.org/{{ g }})", "![h](i.png)", "[![]()](https://x.org)",
        "[j\nk ](https://x.org)", "[l](<mailto:a@x.org.>)", "<a@x.org>", "https://x.org", "**[m ](https://x.org)**", "`[n ](https://x.org)`", "`![]()`",
    ]
)  # fmt: skip
AROUND = st.sampled_from(
    [" ", "  ", "\n", "\n\n", "  \n", "a", "b.", "* ", "> ", "    ", "# ", "1. ", "```\n", "`", "*", "**", "_", "|", " | ", "<!--", "-->", "<pre>", "</pre>",
     "::: callout\n", ":::\n", "---\n", "===\n", "[^1]", "\n[^1]: ", "\\", "(", ")", "[", "]", "«", "»", ":", "3", "\t", "\r\n", "\r", "the the ", "TODO: ", "{%"]
)  # fmt: skip
TEXTS = st.lists(SLIPS | AROUND, min_size=1, max_size=25).map("".join)
FRONT = "---\ntitle: T\n---\n"


def read(source):
    """Read a whole file's text."""
    return parse_issue(source, path="i.md", stem="i", site_url="", local=lambda src: Found(), embedded=lambda src: Found(problem="no"))


def _all(tree):
    todo = [tree]
    while todo:
        node = todo.pop()
        if isinstance(node, tuple):
            todo.extend(reversed(node))
        elif hasattr(node, "__slots__") and not isinstance(node, str):
            yield node
            todo.extend(getattr(node, name) for name in reversed(node.__slots__))


def kept(issue):
    """Give what a mend may not change: letters, code, breaks, links and pictures, in order."""
    letters, rest = [], []
    for node in _all((issue.lead, issue.sections, issue.footnotes)):
        if isinstance(node, Text):
            letters.append(re.sub(rf"{issue.mark_prefix}f\d+x", "\ufffd", re.sub(r"\s", "", node.text)))
        elif isinstance(node, Code | CodeBlock):
            rest.append(("code", node.text))
        elif isinstance(node, Break | Image):
            rest.append((type(node).__name__, getattr(node, "src", "")))
        elif isinstance(node, Link):
            rest.append(("link", re.sub(rf"{issue.mark_prefix}f\d+x", "\ufffd", node.href.rstrip("."))))
    return "".join(letters), rest


def tried(body):
    """Read an issue that may be none."""
    try:
        return read(FRONT + body)
    except IssueError:
        return None


@settings(max_examples=400, deadline=None)
@given(TEXTS)
def test_a_mended_issue_reads_the_same_and_needs_no_second_mend(body):
    """A mend that changes what readers see, or that is never done, is worse than none."""
    issue = tried(body)
    assume(issue is not None)
    fixed = fix(FRONT + body, issue)
    assert fixed.source.startswith(FRONT)
    after = read(fixed.source)
    assert kept(after) == kept(issue)
    assert fix(fixed.source, after).source == fixed.source
    assert bool(fixed.changes) == (fixed.source != FRONT + body)


@settings(max_examples=200, deadline=None)
@given(TEXTS)
def test_only_lines_that_are_named_change(body):
    """Who looks over the list of changes has seen them all."""
    issue = tried(body)
    assume(issue is not None)
    source = FRONT + body
    fixed = fix(source, issue)
    named = {change.line for change in fixed.changes}
    left = [line for number, line in enumerate(re.findall(r"[^\r\n]*(?:\r\n|\r|\n|\Z)", source), 1) if number not in named]
    rest = fixed.source
    for line in left:
        at = rest.find(line)
        assert at >= 0
        rest = rest[at + len(line) :]


@settings(max_examples=300, deadline=None)
@given(TEXTS)
def test_every_finding_has_a_place_in_the_file(body):
    """The preview scrolls there, and an editor opens there."""
    issue = tried(body)
    assume(issue is not None)
    source = (FRONT + body).replace("\r\n", "\n").replace("\r", "\n")
    letter = Letter(issue, source, an_edition(), "", "", Config(), ListSettings(), (), (), datetime(2026, 2, 2, tzinfo=UTC))
    lines = source.split("\n")
    for finding in check(letter, None):
        where = finding.where
        assert where.path == "i.md"
        assert where.line is not None
        assert 1 <= where.line <= len(lines)
        assert where.column is None or 1 <= where.column <= len(lines[where.line - 1])
        assert issue.mark_prefix not in finding.message + finding.hint
        assert "\ufffc" not in finding.message + finding.hint


@settings(max_examples=200, deadline=None)
@given(TEXTS, st.integers(0, 40))
def test_a_silenced_line_is_silent_and_no_other(body, at):
    """Findings on lines that no silence reaches are told as they were."""
    lines = body.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    lines.insert(at % (len(lines) + 1), "x <!-- check off: link-http: why -->")
    issue = tried("\n".join(lines))
    assume(issue is not None)
    source = FRONT + "\n".join(lines)
    reaches = silences(source, issue)
    findings = [warning("link-http", Where("i.md", line), "x") for line in range(1, source.count("\n") + 2)]
    told, silent = apply(findings, reaches)
    assert len([finding for finding in told if finding.code == "link-http"]) + len(silent) == len(findings)
    own = {line for reach in reaches for line in reach.own}
    blocks = {line for reach in reaches if reach.block for line in range(reach.block[0], reach.block[1] + 1)}
    assert {each.finding.where.line for each in silent} <= own | blocks
    assert own <= {each.finding.where.line for each in silent}
