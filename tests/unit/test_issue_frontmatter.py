"""The split of an issue file, and errors that say what to write."""

import pytest

from composer.errors import IssueError
from composer.findings import Where
from composer.issue.frontmatter import LONGEST, split


def refused(text):
    """Give the error of a text that must be refused."""
    with pytest.raises(IssueError) as caught:
        split(text, "i.md")
    return caught.value


def test_yaml_with_the_lines_of_its_keys():
    """Findings about a key must name its line."""
    front = split(
        "---\ntitle: T\n# a remark\nseo:\n  url: u\n  title: >\n    folded\n    text\ndate: 2026-02-02T17:58:42.638Z\n---\nbody\n", "i.md"
    )
    assert front.data == {"title": "T", "seo": {"url": "u", "title": "folded text\n"}, "date": "2026-02-02T17:58:42.638Z"}
    assert front.lines == {"title": 2, "seo": 4, "seo.url": 5, "seo.title": 6, "date": 9}
    assert (front.body, front.body_line) == ("body\n", 11)


def test_toml_with_the_lines_of_its_keys():
    """Hugo's format is read to the same data, dates as texts."""
    front = split('+++\ntitle = "T"\ndate = 2026-01-01T10:00:00Z\n[seo]\nurl = "u"\n+++\nbody', "i.md")
    assert front.data == {"title": "T", "date": "2026-01-01T10:00:00+00:00", "seo": {"url": "u"}}
    assert front.lines == {"title": 2, "date": 3, "seo": 4, "seo.url": 5}
    assert front.body_line == 7


def test_a_rule_right_behind_the_front_matter_is_body():
    """Seen in the wild: a line of dashes directly after the closing fence."""
    assert split("---\ntitle: T\n---\n---\nbody", "i.md").body == "---\nbody"


def test_blank_lines_before_and_spaces_behind_the_fences():
    """Neither is visible to whoever typed them."""
    front = split("\n\n--- \ntitle: T\n---\u00a0\nbody", "i.md")
    assert (front.data, front.lines, front.body_line) == ({"title": "T"}, {"title": 4}, 6)


@pytest.mark.parametrize("text", ["# Hello", "words", "----\ntitle: T\n----", "Title: T\n\nwords", "  ---\ntitle: T\n  ---"])
def test_no_front_matter_shows_the_three_lines_to_add(text):
    """The editor copies them from the terminal; nothing is guessed."""
    error = refused("\n" + text)
    assert error.where == Where("i.md", 2)
    assert "there is no front matter" in error.message
    assert "---" in error.hint or "three dashes" in error.hint


def test_the_hint_holds_three_lines():
    """A fence, a title, a fence."""
    assert refused("# Hello").hint.endswith("---\ntitle: The title of this issue\n---")


def test_headers_without_fences_get_a_hint_of_their_own():
    """Pelican's way: only the fences are missing."""
    assert "above line 1" in refused("Title: T\nDate: x\n\nwords").hint


def test_a_front_matter_without_end_is_no_body():
    """A library that takes it for text would mail the metadata."""
    error = refused("---\ntitle: T\n\n# Hello")
    assert (error.where, error.hint) == (Where("i.md", 1), "Put a line --- after its last key.")


@pytest.mark.parametrize(
    ("source", "line"),
    [
        ("title: a: b", 2),
        ("x: 1\n\ttitle: T", 3),
        ("x: 1\ntitle: 'T", 3),
        ("title: T\nx: *a", 3),
        ("title: T\nx: !!python/object/apply:os.system ['true']", 3),
        ("- a", 2),
    ],
)
def test_broken_yaml_is_refused_at_its_line(source, line):
    """Line numbers are those of the file, not of the YAML."""
    assert refused(f"---\n{source}\n---\nbody").where.line == line


def test_broken_toml_is_refused_at_its_line():
    """The same for the other format."""
    assert refused('+++\ntitle = "T"\nx = y\n+++\n').where.line == 3


def test_a_bomb_of_aliases_is_refused_at_once():
    """Ten lines of YAML aliases can mean gigabytes."""
    bomb = "\n".join(["a0: &a0 [x, x]", *(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]" for n in range(1, 40))])
    assert "aliases" in refused(f"---\n{bomb}\n---\n").message


def test_a_key_that_stands_twice_is_reported():
    """YAML takes the last without a word."""
    (finding,) = split("---\ntitle: T\ntitle: U\n---\n", "i.md").findings
    assert (finding.code, finding.where.line) == ("duplicate-key", 3)


def test_a_front_matter_that_is_too_long():
    """Usually a missing fence."""
    assert f"{LONGEST:,}" in refused(f"---\nx: {'y' * LONGEST}\n---\n").message


def test_an_empty_file():
    """It starts where an issue starts."""
    assert refused(" \n\n").where == Where("i.md", 1)
