"""What holds for every issue text, whatever people type."""

import re

from hypothesis import given, settings
from hypothesis import strategies as st

from composer.errors import IssueError
from composer.issue.addresses import Found
from composer.issue.mergefields import strings
from composer.issue.model import Code, CodeBlock
from composer.issue.reader import parse_issue

PIECES = st.sampled_from(
    '# |## |### |\n|\n\n|* |1. |> |    |\t|```\n|~~~\n|`|``|*|**|_|~~|[|]|](|)|![|(https://a.example)|{.button}|{|}|{{ name }}|{{ a | default("b") }}|{{|}}'
    "|::: callout\n|::: columns\n|::: event\n|:::\n|---\n|<b>|</b>|<a href='x'>|</a>|<div>|</div>|<!--|-->|<script>|</script>|<table>|<td>|<img src=x>|<|>|&amp;|&"
    "|[^1]|\n[^1]: |^[|3 June \\| |\\||  \n|\\|\u00a0|\u200b|\r\n|\x00|\ud800|a|word |ÄÖ|漢字|שלום|👩\u200d👧|https://example.org|a@example.org|+++\n|\x85".split(
        "|"
    )
)
STRANGE = st.lists(PIECES | st.text(max_size=8), max_size=40).map("".join)
WORDS = st.lists(st.text(st.sampled_from("abcdefghijklmnopqrstuvwxyzäéßжд漢字"), min_size=1, max_size=12), min_size=1, max_size=30)
FRONT = "---\ntitle: T\n---\n"


def read(text):
    """Read a whole file's text."""
    return parse_issue(
        text, path="i.md", stem="i", site_url="https://www.example.org", local=lambda src: Found(), embedded=lambda src: Found(problem="no")
    )


def objects(tree):
    """Yield every dataclass of a tree."""
    todo = [tree]
    while todo:
        node = todo.pop()
        if isinstance(node, tuple):
            todo.extend(node)
        elif hasattr(node, "__slots__") and not isinstance(node, str):
            yield node
            todo.extend(getattr(node, name) for name in type(node).__dataclass_fields__)


@settings(deadline=None, max_examples=200)
@given(STRANGE)
def test_any_body_gives_an_issue_or_an_error_with_a_line(body):
    """No traceback, and every place named is one in the file."""
    last = len(re.split(r"\r\n|\r|\n", FRONT + body))
    try:
        issue = read(FRONT + body)
    except IssueError as err:
        place = err.where
        assert place is not None
        assert 1 <= (place.line or 0) <= last
        return
    places = [finding.where.line for finding in issue.findings] + [field.where.line for field in issue.fields]
    assert all(line is not None and 1 <= line <= last for line in places)
    trees = (issue.lead, issue.sections, issue.footnotes)
    assert all(0 < node.line <= last for node in objects(trees) if hasattr(node, "line"))


@settings(deadline=None, max_examples=100)
@given(st.text(max_size=200))
def test_any_file_at_all_gives_an_issue_or_an_error(text):
    """Files that are no issues are refused in words."""
    try:
        read(text)
    except IssueError as err:
        assert err.message  # noqa: PT017 - either outcome is right


@settings(deadline=None, max_examples=100)
@given(STRANGE)
def test_every_mark_in_the_tree_is_a_field_of_the_issue_and_none_stands_in_code(body):
    """A mark nobody knows would be mailed as it is."""
    try:
        issue = read(f"{FRONT}words\n\n{body}")
    except IssueError:
        return
    marks = re.compile(rf"{issue.mark_prefix}\w*")
    known = {field.mark for field in issue.fields}
    trees = (issue.title, issue.subject, issue.preheader, issue.lead, issue.sections, issue.footnotes)
    found = {mark for text in strings(trees) for mark in re.findall(rf"{issue.mark_prefix}f\d+x", text)}
    assert found == known
    assert not any(marks.search(node.text) for node in objects(trees) if isinstance(node, Code | CodeBlock))
    assert not any(issue.mark_prefix in finding.message + finding.hint for finding in issue.findings)


@settings(deadline=None, max_examples=100)
@given(
    st.lists(WORDS, min_size=1, max_size=8),
    st.sampled_from(["{}", "# {}", "* {}", "> {}", "**{}** x", "[{}](https://a.example)", "1. {}", "::: callout\n{}\n:::"]),
)
def test_all_words_of_plain_markdown_survive(paragraphs, shape):
    """What an editor writes is what readers get."""
    body = "\n\n".join(shape.format(" ".join(words)) for words in paragraphs)
    issue = read(FRONT + body)
    held = " ".join(strings((issue.lead, issue.sections)))
    assert all(word in held for words in paragraphs for word in words)


@settings(deadline=None, max_examples=50)
@given(STRANGE)
def test_reading_twice_gives_the_same(body):
    """The digest of an edition rests on it."""
    try:
        first = read(f"{FRONT}words\n\n{body}")
    except IssueError:
        return
    assert read(f"{FRONT}words\n\n{body}") == first


@settings(deadline=None, max_examples=50)
@given(
    st.from_regex(r"\{\{ [a-z]{1,8} \}\}", fullmatch=True),
    st.sampled_from(["`{}`", "``` \n{}\n```", "    {}", "<code>{}</code>", "<pre>{}</pre>"]),
)
def test_braces_in_code_are_never_fields(braces, code):
    """A newsletter about templates must be able to show one."""
    issue = read(f"{FRONT}words\n\n{code.format(braces)}")
    assert not issue.fields
    assert any(braces in text for text in strings((issue.lead, issue.sections)))
