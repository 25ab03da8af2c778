"""What the front matter says: the schema of the real issues, short forms, and values that are wrong."""

from datetime import UTC, datetime

import pytest

from composer.errors import IssueError
from composer.issue.frontmatter import split
from composer.issue.metadata import read_metadata

NETLIFY = """\
templateKey: blog-post
title: "Inside: January 2026"
author: A Writer
date: 2026-02-02T17:58:42.638Z
category:
  - value: category-A7fnZYrE1
    label: News & Announcements
hidePost: false
seo:
  url: https://example.org/blog/january
  title: Another title
  twitterUsername: "@example"
  description: "All the news  "
"""


def read(source):
    """Read the metadata of YAML keys."""
    return read_metadata(split(f"---\n{source}\n---\nbody", "i.md"), "i.md")


def refused(source):
    """Give the error of metadata that must be refused."""
    with pytest.raises(IssueError) as caught:
        read(source)
    return caught.value


def test_the_schema_of_the_real_issues_as_it_is():
    """Netlify CMS writes these keys; none of them is unknown."""
    found = read(NETLIFY)
    assert (found.title, found.subject, found.preheader) == ("Inside: January 2026", "Inside: January 2026", "All the news")
    assert (found.url, found.author, found.draft) == ("https://example.org/blog/january", "A Writer", False)
    assert found.date == datetime(2026, 2, 2, 17, 58, 42, 638000, tzinfo=UTC)
    assert found.categories == ("News & Announcements",)
    assert (found.extra, found.findings) == ({"seo.twitterUsername": "@example"}, ())


def test_short_forms():
    """What an editor types by hand."""
    found = read("title: T\nsubject: S\npreheader: P\nslug: jan\nlanguage: pt-BR\ntemplate: plain\ndescription: D")
    assert (found.subject, found.preheader, found.slug, found.language, found.template) == ("S", "P", "jan", "pt-BR", "plain")


def test_the_description_stands_in_for_the_preheader():
    """Its own before that of seo; spaces and folds stripped."""
    assert read("title: T\ndescription: ' a\n  b '\nseo: {description: c}").preheader == "a b"
    assert read("title: T\nseo: {description: ' c '}").preheader == "c"
    assert read("title: T").preheader == ""


@pytest.mark.parametrize(
    ("source", "draft"),
    [
        ("hidePost: true", True),
        ("hidePost: false", False),
        ("hidePost: 'true'", True),
        ("hidePost: yes", True),
        ("hidePost: 'No'", False),
        ("hidePost:", False),
        ("draft: true", True),
        ("published: false", True),
        ("published: true", False),
        ("hidePost: false\ndraft: true", True),
    ],
)
def test_what_marks_a_draft(source, draft):
    """A draft must never be mailed to a public list."""
    assert read(f"title: T\n{source}").draft is draft


@pytest.mark.parametrize("value", ["maybe", "1", "[true]", "{a: b}"])
def test_a_flag_that_is_neither(value):
    """To guess here is to mail a draft."""
    assert refused(f"title: T\nhidePost: {value}").where.line == 3


def test_unknown_keys_are_kept_and_reported_once():
    """Other tools keep their own keys in the same file."""
    found = read("title: T\nlayout: post\nseo: {image: a.png}\nweight: 3")
    assert found.extra == {"layout": "post", "weight": 3, "seo.image": "a.png"}
    (finding,) = found.findings
    assert (finding.code, finding.where.line) == ("unknown-keys", 3)
    assert all(key in finding.message for key in found.extra)


def test_no_title_is_an_error():
    """Everything else has a default."""
    assert refused("author: A").where.line == 1
    assert refused("author: A\ntitle: ''").where.line == 3


@pytest.mark.parametrize(
    "source", ["title: [a]", "title: T\nsubject: {a: b}", "title: T\nauthor: true", "title: T\nslug: a b", "title: T\nlanguage: english!"]
)
def test_values_of_another_kind_are_refused_at_their_line(source):
    """With the key's name, and what to write."""
    error = refused(source)
    assert error.where.line == source.count("\n") + 2
    assert error.hint


@pytest.mark.parametrize(
    ("typed", "url"),
    [
        ("example.org/blog/x", "https://example.org/blog/x"),
        ("https://example.org/blog/open infra", "https://example.org/blog/openinfra"),
        ("http://example.org/ü", "http://example.org/%C3%BC"),
    ],
)
def test_addresses_are_completed(typed, url):
    """Seen: no scheme, a space inside."""
    found = read(f"title: T\nseo: {{url: '{typed}'}}")
    assert found.url == url
    assert [finding.code for finding in found.findings] == ([] if "ü" in typed else ["url-repaired"])


@pytest.mark.parametrize("typed", ["ftp://example.org", "javascript:alert(1)", "nowhere", "https://"])
def test_addresses_that_are_none(typed):
    """A canonical address that leads nowhere is in every reader's mail."""
    assert refused(f"title: T\nurl: '{typed}'").where.line == 3


def test_escapes_of_yaml_cannot_bring_in_what_a_file_cannot_hold():
    """A pair of surrogate escapes is one character, half of one or an escape character would break every encoder after."""
    found = read('title: "\\ud83d\\ude80 \\u001b go \\ud83d"\n')
    assert found.title == "\U0001f680 go \ufffd"
