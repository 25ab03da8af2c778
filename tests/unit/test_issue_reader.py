"""The whole reading: defaults, merge fields everywhere, preheader from the text, and errors that end it."""

import pytest

from composer.errors import IssueError
from composer.issue.addresses import Found
from composer.issue.mergefields import MergeFields, mark_prefix, strings
from composer.issue.reader import LARGEST, LONGEST_BODY, LONGEST_PREHEADER, parse_issue


def read(body, front="title: T", site_url="https://www.example.org/news"):
    """Read a body behind a front matter."""
    return parse_issue(
        f"---\n{front}\n---\n{body}",
        path="i.md",
        stem="2026-01",
        site_url=site_url,
        local=lambda src: Found(),
        embedded=lambda src: Found(problem="is broken"),
    )


def test_the_canonical_address():
    """Front matter before slug before stem; nothing without a site."""
    assert read("a").url == "https://www.example.org/news/2026-01"
    assert read("a", "title: T\nslug: jan").url == "https://www.example.org/news/jan"
    assert read("a", "title: T\nseo: {url: 'https://e.example/x'}").url == "https://e.example/x"
    assert read("a", site_url="").url == ""


@pytest.mark.parametrize(
    ("body", "preheader"),
    [
        ("First one. Second.", "First one."),
        ("Is it? Yes.", "Is it?"),
        ("no end", "no end"),
        ("これは文です。次の文。", "これは文です。"),
        ("![]()\n\n# H\n\n* An *item* with [a link](https://a.example). More.", "An item with a link."),
        ("> Quoted. More.", "Quoted."),
        ("::: callout\nBoxed. More.\n:::", "Boxed."),
        ("[GO THERE](https://a.example)\n\nWords.", "Words."),
        ("# Only headings", ""),
    ],
)
def test_the_preheader_is_the_first_sentence(body, preheader):
    """When the front matter has none: the inbox would otherwise show the masthead."""
    assert read(body).preheader == preheader


def test_a_long_first_sentence_is_cut_between_words_and_around_merge_fields():
    """Half a mark would be mailed as it is."""
    assert read("word " * 100).preheader == ("word " * 40).strip() + "…"
    issue = read("x" * (LONGEST_PREHEADER - 5) + "{{ name }} and more words until it is long")
    assert issue.preheader == "x" * (LONGEST_PREHEADER - 5) + "…"
    assert len(issue.fields) == 1


def test_merge_fields_in_the_front_matter_know_their_lines():
    """A subject that greets by name is the commonest of all."""
    issue = read("a", 'title: "T {{ a }}"\nsubject: \'S {{ b | default("x") }}\'\npreheader: "{{ c }}"')
    assert [(found.name, found.default, found.where.line) for found in issue.fields] == [("a", None, 2), ("b", "x", 3), ("c", None, 4)]
    assert issue.subject == f"S {issue.fields[1].mark}"


def test_findings_show_fields_as_they_were_typed():
    """A mark means nothing to the editor."""
    issue = read("[x {{ name }}]()\n\n**{{ name }}**\n\nb")
    assert all(issue.mark_prefix not in finding.message + finding.hint for finding in issue.findings)
    assert any("{{ name }}" in finding.message for finding in issue.findings)


def test_the_prefix_of_marks_is_in_no_source():
    """Else a text could pretend to be a merge field."""
    first = mark_prefix("source", "salt")
    assert len(first) == 13
    assert mark_prefix("source", "salt") == first
    assert mark_prefix("source", "other") != first
    source = ""
    for _ in range(3):
        assert mark_prefix(source) not in source
        source += mark_prefix(source)


def test_fields_are_put_back_as_typed():
    """Code shows what its author wrote."""
    fields = MergeFields("q0123456789ab", "i.md", [])
    text = "a {{ b }}\n{{ c | default('d') }} {{ e f }}"
    assert fields.restore(fields.mark(text, 7)) == text
    assert [(found.name, found.default, found.where.line) for found in fields.found] == [("b", None, 7), ("c", "d", 8)]


def test_invisible_controls_are_left_out_and_reported_once():
    """They come from other programs, and mail servers refuse them."""
    issue = read("a\x00b\n\nc\x1b\ud800d")
    assert [(finding.code, finding.where.line) for finding in issue.findings] == [("control-characters", 4)]
    assert [text for text in strings(issue.lead) if text] == ["ab", "cd"]


@pytest.mark.parametrize("override", ["\u202d", "\u202e"])
def test_nothing_makes_text_run_backwards(override):
    """An address can be disguised so; the marks that right-to-left text needs stay."""
    issue = read(f"[{override}moc.knab](https://example.org/) \u200f\u2067שלום\u2069")
    assert [finding.code for finding in issue.findings] == ["control-characters"]
    assert "moc.knab" in "".join(strings(issue.lead))
    assert override not in "".join(strings(issue.lead))
    assert "\u2067שלום\u2069" in "".join(strings(issue.lead))


@pytest.mark.parametrize(
    ("body", "line", "says"),
    [
        ("", 4, "no text"),
        ("<!-- all gone -->", 4, "no text"),
        ("![]()", 4, "no text"),
        ("\n\n" + "> " * 70 + "a", 6, "nested too deeply"),
        ("a\n\n" + "x " * 30_000, 6, "a paragraph is longer"),
        ("a\n\n" * (LONGEST_BODY // 3 + 1), 4, "more than 300,000"),
        ("a\n\n" + "b" * LARGEST, 6, "more than 5,000,000"),
        ("a\n\n" + "<div>\n" * 101, 106, "nested too deeply"),
    ],
)
def test_errors_that_end_the_reading(body, line, says):
    """Each at its line."""
    with pytest.raises(IssueError, match=says) as caught:
        read(body)
    assert caught.value.where.line == line


def test_an_empty_issue_tells_why():
    """What was left out on the way is part of the error."""
    with pytest.raises(IssueError) as caught:
        read("![]()")
    assert [finding.code for finding in caught.value.findings] == ["empty-image"]


def test_relative_links_need_a_site():
    """Without one they would lead into the reader's mail program."""
    issue = read("[a](/b) [c](#top)", site_url="")
    assert [finding.code for finding in issue.findings] == ["relative-link"]


def test_a_title_that_holds_the_month_and_no_date():
    """The masthead shows the month."""
    assert read("a", "title: News of March 2025").month == "March 2025"
    assert read("a").month == "January 2026"


def test_a_comment_that_is_never_closed_is_an_error():
    """It takes the rest of the letter with it, which nobody means."""
    issue = read("Before.\n\n<!-- not yet\n\n# After\n\nLost.")
    assert [(finding.code, finding.severity, finding.where.line) for finding in issue.findings] == [("html-comment-open", "error", 6)]


def test_stray_closing_tags_are_told():
    """They vanish; what vanishes is a finding."""
    issue = read("One </td></table> <font>two</font> <b>three</b> </b>")
    assert [finding.message.split()[0] for finding in issue.findings if finding.code == "html-stray-end"] == ["</td>", "</table>", "</b>"]


@pytest.mark.parametrize(
    ("body", "preheader"),
    [
        ("Dr. Smith came. He left.", "Dr. Smith came."),
        ("We met J. Doe, e.g. at noon. Then not.", "We met J. Doe, e.g. at noon."),
        ("Yes! No.", "Yes!"),
        ("It was no. 5 of many. Then six.", "It was no."),
    ],
)
def test_the_first_sentence_does_not_end_at_an_abbreviation(body, preheader):
    """The inbox would show "Dr." and nothing else."""
    assert read(body).preheader == preheader


def test_no_break_spaces_around_keys_are_spaces():
    """Front matter pasted from a web page looks right and must read right."""
    text = '---\ntitle:\u00a0Hello\u00a0\n\u00a0\ndate:\u00a02026-01-02\nseo:\n\u00a0 description: "x"\u00a0\n---\nText.'
    issue = parse_issue(text, path="i.md", stem="i", site_url="", local=lambda _: Found(), embedded=lambda _: Found())
    assert (issue.title, issue.preheader) == ("Hello", "x")
    assert issue.date is not None
