"""Whatever an issue says: the letter is the same bytes as without marks, and every line is found where it is."""

from functools import cache
from unittest import mock

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from composer.config import Config, ListSettings, Newsletter
from composer.edition import compose as module
from composer.edition import mjml
from composer.edition.marks import carried, unmark, without
from composer.edition.origins import elements
from composer.edition.templates import templates_of
from composer.errors import IssueError
from composer.issue.files import Found
from composer.issue.reader import parse_issue
from composer.project import SHIPPED_TEMPLATES, Project

LIST = ListSettings(name="staff", kind="staff")
PIECES = (
    '<p data-at="99">x', ' data-at="99"', ' at="99"', '<mj-text@0:9 at="9">', "<b@0:9>", "/*<@0:9>*/", "zq0z", "zq0z0-9-9", "/*zq0z0-9-9*/",
    ' class="zq0z0-9-9"', ' data-zq0z="0:9/99"', '"', "'", "<", ">", "</td>", "</mj-text>", "]]>", "<!--", "-->", "<br>", "<a href=x>", "&lt;",
    "&", "`", "*", "\\", "{{ first_name }}", "\u00a0", "é",
)  # fmt: skip
hostile = st.lists(st.sampled_from(PIECES) | st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=4), max_size=5).map("".join)
FRAME = """\
---
title: T
subject: {0}
preheader: {1}
---

para7 {0}

## Section {1}

* item11 {2}

![alt13 {3}](https://example.org/x.png)

::: callout tip {1}
para16 {4}
:::

[button19 {5}](https://example.org){{.button}}

* 1 May | event21 {6} | There
"""
# Where each of the words stands in the frame: its line, and a tag around it.
KNOWN = {"para7": 7, "item11": 11, "para16": 16, "button19": 19, "event21": 21}
# Which of the texts stands on a line.
TEXT_OF = {7: 0, 9: 1, 11: 2, 13: 3, 15: 1, 16: 4, 19: 5, 21: 6}


@cache
def project():
    """Make a project of the shipped templates alone."""
    return Project(SHIPPED_TEMPLATES.parent.parent / "nowhere", Config(newsletter=Newsletter(name="Letter", from_="a@example.org")))


def composed(texts):
    """Compose an issue of these texts; the rendered MJML with its marks, and the Edition."""
    texts = [" ".join(text.split()) for text in texts]
    issue = parse_issue(
        FRAME.format(*texts),
        path="issues/x.md",
        stem="x",
        site_url="https://www.example.org",
        local=lambda src: Found(),
        embedded=lambda src: Found(),
    )
    seen = []
    with mock.patch.object(module, "carried", lambda marked: seen.append(marked) or carried(marked)):
        edition = module.compose(issue, LIST, project())
    return seen[0], edition


@given(st.lists(hostile, min_size=7, max_size=7))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@example(['<p data-at="99">' + ' data-at="99"'] * 7)
@example(['/*<@0:9>*/ zq0z zq0z0-9-9 class="zq0z0-9-9" data-zq0z="0:9/99"'] * 7)
@example(["plain"] * 7)
def test_no_text_of_an_issue_can_break_origins(texts):
    """Text that looks like a mark stays text, and marks leave no byte."""
    try:
        rendered, edition = composed(texts)
    except IssueError:
        return  # front matter that is none
    names = templates_of(project().template_folders).names
    carrying = carried(rendered)
    assert carrying.word not in unmark(rendered)
    assert without(mjml.to_html(carrying.text, names), carrying.word) == mjml.to_html(unmark(rendered), names)
    tags = list(elements(edition.html))
    assert len(edition.origins) == len(tags)
    assert all(origin.line <= 22 for origin in edition.origins)
    for word, line in KNOWN.items():
        at = edition.html.rfind(word)  # the first may be in the line that the inbox shows
        # A link in raw HTML that nothing closes takes in what follows, as it does in a browser: that is of its line then.
        taken_in = {of for of, number in TEXT_OF.items() if of < line and "<a" in texts[number]}
        if at >= 0:
            around = [origin.line for tag, origin in zip(tags, edition.origins, strict=True) if tag.end <= at]
            assert around[-1] in {line, *taken_in}
    if texts == ["plain"] * 7:
        assert all(word in edition.html for word in KNOWN)
