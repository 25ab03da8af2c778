"""The text part: seventy-two columns that a terminal shows, with every heading and every link."""

import re

import pytest
from wcwidth import wcswidth

from composer.config import ListSettings
from composer.edition.compose import compose
from composer.edition.plaintext import Frame, plaintext
from composer.edition.wrap import WIDTH, wrap
from composer.findings import Where
from composer.issue.files import read_issue
from composer.issue.inlines import plain
from composer.issue.mergefields import strings
from composer.issue.model import (
    Break,
    Button,
    Callout,
    Code,
    CodeBlock,
    Columns,
    Divider,
    Event,
    Events,
    Figure,
    FootnoteRef,
    Heading,
    Image,
    Issue,
    Items,
    Link,
    LinkRow,
    MergeField,
    Paragraph,
    Quote,
    Section,
    Span,
    Table,
    Text,
)
from composer.project import find

MARK = "q0123456789ab"
LONG = "https://lists.example.org/archives/list/" + "a0b1c2/" * 30


def words(text):
    """Make inlines of a text."""
    return (Text(text),)


def p(text):
    """Make a paragraph of a text."""
    return Paragraph(words(text))


def text(*blocks, sections=(), footnotes=(), frame=None):
    """Write an issue with these blocks as its lead, without its title and the end of the frame."""
    issue = Issue("x", "issues/x.md", "Title", "S", "P", MARK, blocks, sections, footnotes)
    return plaintext(issue, frame or Frame()).removeprefix("Title\n=====\n\n")


# ---- wrapping --------------------------------------------------------------------------------------------------


def test_lines_end_at_seventy_two_columns():
    """And no line ends where the next word would still have fitted."""
    lines = wrap("word " * 60)
    assert max(map(len, lines)) <= WIDTH
    assert all(len(line) + 5 > WIDTH for line in lines[:-1])
    assert " ".join(lines).split() == ["word"] * 60


def test_prefixes_count():
    """The bullet and the indent below it are columns too."""
    lines = wrap("word " * 30, 30, "* ", "  ")
    assert lines[0].startswith("* word")
    assert all(line.startswith("  word") for line in lines[1:])
    assert max(map(len, lines)) <= 30


def test_wide_characters_count_twice_and_may_break_anywhere():
    """A line of Japanese has no spaces."""
    lines = wrap("日本語の文章は空白なしで続く" * 12)
    assert len(lines) > 3
    assert max(wcswidth(line) for line in lines) <= WIDTH
    assert min(wcswidth(line) for line in lines[:-1]) >= WIDTH - 2
    assert "".join(lines) == "日本語の文章は空白なしで続く" * 12


def test_latin_words_between_wide_ones_are_not_cut():
    """OpenStack stays OpenStack."""
    lines = wrap("日本語OpenStack" * 30)
    assert "".join(lines).count("OpenStack") == sum(line.count("OpenStack") for line in lines) == 30


@pytest.mark.parametrize("letters", ["क्षत्रिय " * 40, "👩🏽‍🚀 " * 60, "é" * 10 + " " + "e\u0301 " * 80])
def test_joined_letters_stay_joined(letters):
    """Combining marks and joiners take no column and are not split off."""
    assert " ".join(wrap(letters)).split() == letters.split()


def test_a_word_that_is_too_long_stands_alone():
    """An address that is cut is no address."""
    assert wrap(f"see {LONG} there", 40) == ["see", LONG, "there"]


def test_marks_count_as_words_of_ordinary_length():
    """Sixteen letters of a mark are perhaps five of a name."""
    line = f"{MARK}f0x " * 6
    assert len(wrap(line, 72, mark=MARK)) == 1
    assert len(wrap(line, 72)) == 2


def test_nothing_gives_one_empty_line():
    """A prefix of nothing is nothing."""
    assert wrap("") == [""]
    assert wrap(" \n ", first="> ") == [">"]


# ---- blocks ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("block", "shown"),
    [
        (p("a b"), "a b"),
        (Paragraph((Text("a"), Break(), Text("b"))), "a\nb"),
        (
            Paragraph(
                (
                    Span("strong", words("a")),
                    Text(" "),
                    Span("em", words("b")),
                    Text(" "),
                    Code("c d"),
                    Text(" H"),
                    Span("sub", words("2")),
                    Text("10"),
                    Span("sup", words("6")),
                )
            ),
            "*a* b `c d` H210^6",
        ),
        (Items(((p("a"),), (p("b"),))), "* a\n* b"),
        (Items(((p("a"),), (p("b"),)), start=9), "9. a\n10. b"),
        (Items(((p("a"), Items(((p("b"), Items(((p("c"),),), start=1)),))),)), "* a\n  * b\n    1. c"),
        (Items(((p("a"), p("b")), (p("c"),)), tight=False), "* a\n\n  b\n\n* c"),
        (Quote((p("a"), p("b")), words("R")), "> a\n>\n> b\n>\n> -- R"),
        (Callout((p("a"),), "tip", "T"), "| T\n|\n| a"),
        (Columns(((p("a"),), (p("b"),))), "a\n\nb"),
        (Button("Read on", "https://example.org"), ">> Read on\n   https://example.org"),
        (CodeBlock("a\n  b " + "x" * 80), "    a\n      b " + "x" * 80),
        (Divider(), "* * *"),
        (Figure(Image("https://example.org/x.png", "A wave")), "[Image: A wave]"),
        (Figure(Image("x", "A wave"), "", words("By R")), "[Image: A wave] By R"),
        (Figure(Image("x", "A wave"), "", words("A wave")), "A wave"),
        (Figure(Image("x", "A wave", "By the sea")), "[Image: A wave] By the sea"),
        (Figure(Image("x", "", "By the sea"), "https://example.org"), "By the sea [1]"),
        (Events((Event(words("4 May"), (words("a"), words("b"))),)), "  4 May             a | b"),
    ],
)
def test_a_block(block, shown):
    """Each is what a person would type."""
    assert text(block).startswith(f"{shown}\n")


def test_what_stands_further_in_ends_at_the_same_column():
    """Quotations, boxes and lists in lists take their columns from the seventy-two."""
    long = p("word " * 60)
    shown = text(
        Items(((long, Items(((long, Items(((long,),))),))),)),
        Quote((long, Quote((long,)))),
        Callout((long,), "tip", "T"),
        Items(((long, p("b")),), start=100),
    )
    lengths = [len(line) for line in shown.splitlines()]
    assert max(lengths) <= WIDTH
    assert sum(length > WIDTH - 6 for length in lengths) > 20


def test_a_picture_that_says_nothing_is_left_out():
    """A decoration has an empty alternative text."""
    assert text(Figure(Image("x")), p("a")).startswith("a\n")


def test_events_stand_in_columns():
    """Long ones go on below their text, not below the date."""
    rows = (Event(words("4 February"), (words("word " * 20), words("Paris"))), Event(words("17-19 October and on"), (words("b"),)))
    lines = text(Events(rows)).splitlines()
    assert [line.index("word") for line in lines[:2]] == [20, 20]
    assert any(line.startswith("  17-19 October and on  b") for line in lines)


def test_a_table_is_aligned():
    """Also with wide characters."""
    rows = ((words("4.0"), words("12 January")), (words("日本語"), words("x")))
    assert text(Table((words("Release"), words("Date")), rows)).startswith(
        "Release   Date\n-------   ----------\n4.0       12 January\n日本語    x\n"
    )


def test_a_table_that_is_too_wide_is_written_line_by_line():
    """Nothing is lost and nothing runs over the edge."""
    rows = ((words("word " * 10), words("word " * 10)),)
    lines = text(Table((words("A"), words("B")), rows)).splitlines()
    assert lines[:2] == ["A | B", "-" * WIDTH]
    assert max(map(len, lines)) <= WIDTH
    assert " ".join(lines).count("word") == 20


def test_headings_are_underlined():
    """As wide as they are, in columns."""
    section = Section(words("日本語"), words("what grows"), "x", (Heading(3, words("Smaller")), p("a")), 1, 2)
    shown = text(sections=(section,))
    assert "日本語: what grows\n------------------\n" in shown
    assert "\n## Smaller\n" in shown


def test_a_line_under_a_merge_field_is_as_long_as_its_default():
    """What most readers see lines up; a field without a default counts as a short word."""
    where = Where("issues/x.md", 1)
    fields = (MergeField(f"{MARK}f0x", "team", "everybody here", "", where), MergeField(f"{MARK}f1x", "city", None, "", where))
    sections = tuple(Section(words(f"For {MARK}f{n}x"), (), f"s{n}", (p("a"),), 1, 2) for n in range(2))
    issue = Issue("x", "issues/x.md", "Title", "S", "P", MARK, (), sections, fields=fields)
    shown = plaintext(issue, Frame())
    assert f"For {MARK}f0x\n{'-' * len('For everybody here')}\n" in shown
    assert f"For {MARK}f1x\n{'-' * 14}\n" in shown


def test_a_box_without_a_title_has_the_word_of_its_kind():
    """As in the HTML: a bar at the left alone does not say that something is a warning."""
    frame = Frame(labels={"tip": "Astuce", "note": "Note"})
    assert text(Callout((p("a"),), "tip"), frame=frame).startswith("| Astuce\n|\n| a\n")
    assert text(Callout((p("a"),), "tip", "T"), frame=frame).startswith("| T\n|\n| a\n")


def test_links_are_numbered_and_listed_where_they_are():
    """The same address has the same number; each section lists its own."""
    first = Section(
        words("One"),
        (),
        "one",
        (Paragraph((Link("https://a.example.org", words("a")), Text(" "), Link("https://b.example.org", words("b")))),),
        1,
        2,
    )
    second = Section(words("Two"), (), "two", (Paragraph((Link("https://a.example.org", words("again")),)),), 3, 4, "https://c.example.org")
    shown = text(sections=(first, second))
    assert "a [1] b [2]\n\n[1] https://a.example.org\n[2] https://b.example.org\n" in shown
    assert "Two [3]\n" in shown
    assert re.search(r"again \[1\]\n\n(?=.*\[3\] https://c\.example\.org)(?=.*\[1\] https://a\.example\.org)", shown, re.DOTALL)


@pytest.mark.parametrize("href", ["https://www.example.org/", "mailto:a@example.org", "tel:+4930123"])
def test_a_link_that_shows_its_address_has_no_number(href):
    """Once is enough."""
    shown = href.removeprefix("mailto:").removeprefix("tel:")
    assert text(Paragraph((Text("see "), Link(href, words(shown))))).startswith(f"see {shown}\n")
    assert "[1]" not in text(Paragraph((Link(href, words(shown)),)))


def test_a_number_stays_with_its_word():
    """A line never starts with one."""
    shown = text(Paragraph(tuple(Link(f"https://example.org/{n}", words(f" word{n}")) for n in range(60))))
    assert "[60]" in shown
    assert not re.search(r"^\[\d+\] (?!https)", shown, re.MULTILINE)
    assert not re.search(r"^\[\d+\]$", shown, re.MULTILINE)


def test_a_long_address_is_never_cut():
    """Wherever it stands."""
    link = Link(LONG, words("here"))
    blocks = (
        Paragraph((link,)),
        p(LONG),
        Items(((Paragraph((Link(LONG + "2", words("x")),)),),)),
        Quote((p(LONG + "3"),)),
        Button("x", LONG + "4"),
        LinkRow((Link(LONG + "5", words("y")),)),
        Figure(Image("x", "z"), LONG + "6"),
    )
    shown = text(*blocks)
    for end in ("", "2", "3", "4", "5", "6"):
        assert re.search(re.escape(LONG + end) + r"$", shown, re.MULTILINE), end


def test_footnotes_are_at_the_end():
    """With the words of the frame, and numbers as in the text."""
    shown = text(Paragraph((Text("a"), FootnoteRef(1))), footnotes=((p("first"),), (p("second"),)), frame=Frame(notes="Anmerkungen"))
    assert shown.startswith("a[^1]\n")
    assert "Anmerkungen\n-----------\n" in shown
    assert re.search(r"\[\^1\]:? first\n\n?\[\^2\]:? second", shown)


def test_the_frame_stands_around():
    """View in browser above, the way out below."""
    shown = plaintext(
        Issue("x", "p", "Title", "S", "P", MARK, (p("a"),), ()),
        Frame(top=("View: https://example.org",), bottom=("Unsubscribe: here", "Address")),
    )
    assert re.match(r"Title\n=====\n\nView: https://example.org\n\na\n", shown)
    assert shown.rstrip().endswith("Address")
    assert shown.endswith("\n")


def test_nothing_ends_in_a_space():
    """Format=flowed would join the lines, and quoted-printable would spell every such space out."""
    blocks = (
        Quote((p("a "), p(""), Items(((p(" "),),)))),
        Table((words("a"), words("b")), ((words("long word"), words("")),)),
        Callout((), "tip", "T"),
        Items(((), (p("x"),))),
        Paragraph((Text("a "), Break(), Text(" b "))),
        CodeBlock("a  \n  \nb"),
    )
    assert not re.search(r"[ \t]+$", text(*blocks), re.MULTILINE)


@pytest.mark.parametrize("index", [0, 1])
def test_the_real_issues_lose_nothing(shared_issues, repository, index):
    """Every heading, every link and every word of the real letters is in their text part."""
    project = find(repository, exact=True)
    issue = read_issue(shared_issues[index], project)
    shown = compose(issue, ListSettings(name="staff", kind="staff"), project).text
    flat = re.sub(r"\s|\[\d+\]|[*>|#-]", "", shown)
    for section in issue.sections:
        assert re.sub(r"\s|[*>|#-]", "", plain(section.title)) in flat
    found = [node for node in _nodes(issue.sections) if isinstance(node, Link | Button)]
    assert len(found) >= 20
    assert [node.href for node in found if node.href.removeprefix("mailto:") not in shown] == []
    text_words = {word for tree in _nodes(issue.sections) if isinstance(tree, Text) for value in strings(tree) for word in value.split()}
    assert [word for word in text_words if re.sub(r"[*>|#-]", "", word) not in flat] == []
    assert not re.search(r"[ \t]+$", shown, re.MULTILINE)
    assert [line for line in shown.splitlines() if len(line) > WIDTH and "://" not in line] == []


def _nodes(tree):
    if isinstance(tree, tuple):
        return [node for inner in tree for node in _nodes(inner)]
    if hasattr(tree, "__dataclass_fields__"):
        return [tree, *(node for name in tree.__dataclass_fields__ for node in _nodes(getattr(tree, name)))]
    return []
