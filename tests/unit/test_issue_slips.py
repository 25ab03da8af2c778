"""What newcomers mistype, and that they are told at its line what to write."""

import pytest

from composer.errors import IssueError
from composer.findings import Where
from composer.issue.addresses import Found
from composer.issue.frontmatter import split
from composer.issue.markdown import MOST_BRACKETS, MOST_CELLS
from composer.issue.model import Link, Paragraph
from composer.issue.reader import parse_issue


def read(body, front="title: T"):
    """Read a body behind a front matter."""
    return parse_issue(
        f"---\n{front}\n---\n{body}",
        path="i.md",
        stem="2026-01",
        site_url="https://www.example.org/news",
        local=lambda src: Found(),
        embedded=lambda src: Found(problem="is broken"),
    )


def refused(text):
    """Give the error of a whole text that must be refused."""
    with pytest.raises(IssueError) as caught:
        split(text, "i.md")
    return caught.value


def only(issue, code):
    """Give the one finding, which must have this code."""
    (finding,) = issue.findings
    assert finding.code == code
    return finding


@pytest.mark.parametrize(
    ("typed", "hint"),
    [("We are # 1", '"We are # 1"'), ('Say "Hi" # 1', "'Say \"Hi\" # 1'"), ("It's # 1", '"It\'s # 1"')],
)
def test_a_text_that_yaml_cuts_off(typed, hint):
    """A title would lose its end without a word."""
    finding = only(read("a", f"author: x\ntitle: {typed}"), "yaml-comment")
    assert finding.where == Where("i.md", 3)
    assert finding.hint.endswith(hint)


@pytest.mark.parametrize("front", ["title: 'We # 1' # why", "title: T\nhidePost: false # until Monday", "title: T#1", "# first\ntitle: T"])
def test_comments_that_take_nothing(front):
    """YAML's comments are welcome where they are meant."""
    assert not read("a", front).findings


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ('"{{ first_name | default("Hello") }} …"', "'{{ first_name | default(\"Hello\") }} …'"),
        ("{{ first_name }}", '"{{ first_name }}"'),
        ("{{ a }} b", '"{{ a }} b"'),
        ('{{ a | default("x") }} b', "'{{ a | default(\"x\") }} b'"),
        ("'{{ a | default('x') }} b'", "\"{{ a | default('x') }} b\""),
    ],
)
def test_merge_fields_without_fitting_quotes(value, written):
    """The hint can be copied, and works."""
    error = refused(f"---\ntitle: T\nsubject: {value}\nauthor: x\n---\nbody")
    assert error.where.line == 3
    assert error.hint.endswith(f"quotes around the whole: subject: {written}")
    assert split(f"---\nsubject: {written}\n---\n", "i.md").data["subject"] == written[1:-1]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("title: T\n\n# News: all\n\nWords.\n\n---\n\nMore.", 4),
        ("title: T\ndate: 2026-01-01\n\nWords, some: and\nmore words\n\n---\nMore.", 5),
        ("title: T\n\n## A\n\n* one\n* two\n\n---\n", 4),
        ("title: T\n\n# A\n" + "word " * 20_000 + "\n---\n", 4),
    ],
)
def test_a_front_matter_that_ends_at_a_rule_of_the_text(text, line):
    """The error stands where the text begins, not at some line of prose."""
    error = refused(f"---\n{text}")
    assert (error.where, error.message[:34]) == (Where("i.md", line), "the front matter seems not to end:")


@pytest.mark.parametrize("text", ["title: T\n\n# when\ndate: a: b", "title: T\n\ntags:\n\n- a\n- b: c: d", "title: a: b\n\n# A\n\nwords"])
def test_a_real_mistake_of_yaml_keeps_its_own_words(text):
    """Blank lines and comments between keys are no text."""
    assert "not valid YAML" in refused(f"---\n{text}\n---\nbody").message


def test_a_list_is_no_front_matter():
    """The hint shows what one is."""
    error = refused("---\n- a\n---\nbody")
    assert error.message == "the front matter has no keys such as title:"
    assert error.hint.endswith("---\ntitle: The title of this issue\n---")


def test_hints_keep_dates_as_they_are_written():
    """A T in lower case would not be copied from a good hint."""
    with pytest.raises(IssueError) as caught:
        read("a", "title: T\ndate: yesterday")
    assert caught.value.hint == "Write for example 2026-02-02 or 2026-02-02T17:58:00Z."


def test_misspelt_keys():
    """One finding, at the line of the first, with what was probably meant."""
    finding = only(read("a", "title: T\nlayout: post\npreheder: P\nseo: {descripton: x}"), "unknown-keys")
    assert finding.where.line == 3
    assert finding.hint.startswith("Did you mean preheader for preheder, description for seo.descripton?")
    with pytest.raises(IssueError, match="no title, but a 'titel'") as caught:
        read("a", "author: A\ntitel: T")
    assert (caught.value.where.line, caught.value.hint) == (3, "Write title: instead of titel:")


@pytest.mark.parametrize(
    ("typed", "href"),
    [
        ("spiegel.de/x", "https://spiegel.de/x"),
        ("bbc.co.uk", "https://bbc.co.uk"),
        ("stadt.koeln/a", "https://stadt.koeln/a"),
        ("köln.example?x", "https://köln.example?x"),
        ("www.example.html", "https://www.example.html"),
        ("me@example.org", "mailto:me@example.org"),
        ("me@example.org?subject=a", "mailto:me@example.org?subject=a"),
    ],
)
def test_addresses_without_a_scheme_are_completed(typed, href):
    """What the author meant, and said so."""
    issue = read(f"[a]({typed})")
    assert href in only(issue, "link-without-scheme").message
    (node,) = issue.lead[0].children
    assert node.href == href


@pytest.mark.parametrize("typed", ["page.html", "a.pdf?x", "2026-01.md", "../b.org", "a/b.org", "v1.2", "news", "a@b"])
def test_pages_of_the_own_site_stay(typed):
    """A file's name is no host."""
    issue = read(f"[a]({typed})")
    assert not issue.findings
    assert issue.lead[0].children[0].href.startswith("https://www.example.org/")


def test_anchors_that_nothing_answers():
    """A link within the letter must lead somewhere."""
    finding = only(read("a[^1] [b](#evnts) [c](#events) [d](#notes) [e](#notes-1) [f](#top)\n\n# Events\n\nx\n\n[^1]: n"), "anchor-missing")
    assert (finding.where.line, finding.hint) == (4, "Did you mean #events?")
    assert only(read("# A\n\n[b](#xyz)"), "anchor-missing").hint.endswith("The first is #a.")
    assert only(read("a [b](#notes)"), "anchor-missing")


def test_a_callout_of_almost_a_kind():
    """It would be a note whose title is the misspelt word."""
    issue = read("::: callout warnin Title\na\n:::\n\n::: callout Read this\nb\n:::")
    assert "::: callout warning" in only(issue, "callout-kind").hint
    assert issue.lead[0].title == "warnin Title"


@pytest.mark.parametrize(
    "body",
    ["a | b\n--|--\n1 | 2 | 3", "| a | b |\n|---|---|\n| 1 | 2 | 3 |", "> a | b\n> --|--\n> 1 | 2 | 3"],
)
def test_cells_beyond_the_columns(body):
    """With bars at the ends or without them."""
    assert only(read(body), "table-cells-dropped").where.line == 6


def test_rows_as_wide_as_the_table():
    """Nothing is dropped, nothing said."""
    assert not read("a | b\n--|--\n1 | 2\n| 1 | 2 |\n1 \\| 2 | 3\n1").findings


@pytest.mark.parametrize("width", ["abc", "50%", "'50%'", "5000", "0"])
def test_widths_that_are_no_pixels(width):
    """The finding says what a width is."""
    finding = only(read(f"![a](https://x.example/a.png){{width={width}}} b"), "image-width")
    assert "pixels, 1 to 1,200" in finding.hint


@pytest.mark.parametrize(
    ("body", "address"),
    [
        ("a\n![d](bilder/Mein Foto.png)", "'bilder/Mein Foto.png'"),
        ("\n![d](bilder/Mein Foto (1).png)", "'bilder/Mein Foto (1).png'"),
        ("\n[d](https://example.org/a b.pdf)", "'https://example.org/a'"),
    ],
)
def test_addresses_with_a_space(body, address):
    """Markdown takes them for text, and readers would see the brackets."""
    finding = only(read(body), "link-with-space")
    assert finding.where.line == 5
    assert address in finding.message


def test_words_in_brackets_are_no_address():
    """Prose may look a little like a link."""
    assert not read("He [sic](as ever) said `[a](b c.png)` and \\[a\\]").findings


@pytest.mark.parametrize("source", ["![a](C:\\Users\\Rosa\\a.png) b", "<img src='C:\\Users\\Rosa\\a.png' alt='a'> b"])
def test_an_image_on_somebodys_disk(source):
    """The message names what was typed."""
    assert "at C:\\Users\\Rosa\\a.png" in only(read(source), "image-address").message


def test_addresses_for_mail_under_every_ending_are_linked():
    """Cities have endings of their own; a bare site stays text."""
    issue = read("Write to events@stadt.koeln, not to stadt.koeln or a@b.")
    assert isinstance(issue.lead[0], Paragraph)
    assert [node.href for node in issue.lead[0].children if isinstance(node, Link)] == ["mailto:events@stadt.koeln"]


def test_a_table_that_is_a_file_of_data():
    """Each cell costs time; the error stands in the row where there are too many."""
    rows = "".join(f"| {'1 | ' * 10}\n" for _ in range(MOST_CELLS // 10))
    with pytest.raises(IssueError, match="cells") as caught:
        read(f"| {'h | ' * 10}\n| {'--- | ' * 10}\n{rows}")
    assert caught.value.where.line == 3 + 2 + MOST_CELLS // 10  # behind the front matter, the head and its line of dashes
    half = rows[: len(rows) // 2]
    (table,) = read(f"| {'h | ' * 10}\n| {'--- | ' * 10}\n{half}").lead
    assert len(table.rows) == MOST_CELLS // 20


def test_more_brackets_than_any_newsletter_has():
    """Each costs time; the error stands where there are too many."""
    with pytest.raises(IssueError, match="opening brackets") as caught:
        read(("[" * 15_000 + "\n\n") * ((MOST_BRACKETS // 15_000) + 1))
    assert caught.value.where.line == 6
