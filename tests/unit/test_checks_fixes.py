"""Mends: what is made right in an issue's file, what is left alone, and that the letter reads the same."""

from __future__ import annotations

import pytest
from patience import ends_within

from composer.checks import fixes
from composer.checks.fixes import Change, Fixed, fix
from composer.checks.typed import slips
from composer.issue.addresses import Found
from composer.issue.reader import parse_issue

FRONT = "---\ntitle: T\n---\n"
NB = "\u00a0"


def read(source):
    """Read an issue's file."""
    return parse_issue(source, path="i.md", stem="i", site_url="", local=lambda src: Found(), embedded=lambda src: Found())


def mended(body):
    """Mend a body; a second time must change nothing more."""
    source = FRONT + body
    fixed = fix(source, read(source))
    assert fix(fixed.source, read(fixed.source)) == Fixed(fixed.source)
    assert bool(fixed.changes) == (fixed.source != source)
    assert fixed.source.startswith(FRONT)
    return fixed.source[len(FRONT) :]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        # empty links and images
        ("![]()\n\ntext\n", "\ntext\n"),
        ("text\n\n![]()\n\nmore", "text\n\n\nmore"),
        ("text\n![]()\nmore", "text\nmore"),
        ("[](https://x.org)*[Go](https://y.org) on*", "*[Go](https://y.org) on*"),
        ("a [](https://x.org) b", "a b"),
        ("a b [](https://x.org)", "a b"),
        ("a []() b", "a b"),
        ("a [ ](https://x.org), b", "a, b"),
        ("* a\n* ![]()\n* b", "* a\n* b"),
        ("> ![]()\n>\n> text", ">\n> text"),
        ("a ![]() ![]() b", "a b"),
        ("text\n\n![]()", "text\n\n"),
        ("[![]()](https://x.org)\n\ntext", "\ntext"),
        # addresses for mail
        ("[write](mailto:a@x.org.)", "[write](mailto:a@x.org)"),
        ("[write](mailto:a@x.org..?subject=Hi.)", "[write](mailto:a@x.org?subject=Hi.)"),
        ("[write](<mailto:a@x.org.> 'now')", "[write](<mailto:a@x.org> 'now')"),
        ("[write](mailto:a@x.org.){.button}", "[write](mailto:a@x.org){.button}"),
        # no-break spaces
        (f"see{NB}[a](https://x.org){NB}now", "see [a](https://x.org) now"),
        (f"see {NB} [a](https://x.org){NB}{NB}now", "see [a](https://x.org) now"),
        (f"* [a](https://x.org){NB}\n* b", "* [a](https://x.org)\n* b"),
        (f"{NB}[a](https://x.org)", "[a](https://x.org)"),
        (f"[a](https://x.org){NB}  \nnext", "[a](https://x.org)  \nnext"),
        (f"[a](https://x.org){NB}[b](https://y.org)", "[a](https://x.org) [b](https://y.org)"),
        (f"3 July:{NB}[Bogota](https://x.org)", "3 July: [Bogota](https://x.org)"),
        # spaces inside the brackets
        ("[a ](https://x.org) b", "[a](https://x.org) b"),
        ("[a ](https://x.org)b", "[a](https://x.org) b"),
        ("[a ](https://x.org), b", "[a](https://x.org), b"),
        ("c[ a](https://x.org)", "c [a](https://x.org)"),
        ("**[a ](https://x.org)** b", "**[a](https://x.org)** b"),
        ("([ a](https://x.org))", "([a](https://x.org))"),
        (f"19 July |{NB}[a](https://x.org)", "19 July | [a](https://x.org)"),
        (f"[a{NB}](https://x.org)", "[a](https://x.org)"),
        ("[ *a* b ](https://x.org 'T')", "[*a* b](https://x.org 'T')"),
        # several of them
        (f"[a ](mailto:a@x.org.){NB}b ![]() c", "[a](mailto:a@x.org) b c"),
    ],
)
def test_what_is_mended(body, expected):
    """Each of these is a slip that every editor makes, and none is a matter of taste."""
    assert mended(body) == expected


@pytest.mark.parametrize(
    "body",
    [
        "text",
        "```\n![]() [](https://x.org) [a ](https://x.org)\n```\n\ntext",
        "~~~\n```\n![]()\n~~~\n\ntext",
        f"    ![]() [](https://x.org) a{NB}[b](https://x.org)\n\ntext",
        f"text `![]()` and `a{NB}[b](https://x.org)` and ``[a ](https://x.org) ` x``",
        "`[a\n[b ](https://x.org)\n`",
        "<!-- ![]() -->\n\ntext",
        "<!--\n![]()\n[a ](https://x.org)\n-->\n\ntext",
        "<pre>\n[a ](https://x.org) ![]()\n</pre>\n\ntext",
        f"«{NB}[lien](https://x.org){NB}» [a](https://x.org){NB}: 3{NB}[jours](https://x.org)",
        "text ![A hall]()",
        "[a]()",
        r"\[](https://x.org)",
        r"\![]\() text",
        f"a{NB}b ![A hall](x.png){NB}c",
        "[a ][b] c\n\n[b]: https://x.org",
        f"*{NB}[a](https://x.org)*",
        "[](https://x.org)* a",
        "text\n\n[](https://x.org)\n===",
        "::: callout tip [a ](https://x.org)\nb\n:::",
        f"[a](https://x.org){NB}– b",
        "**[a ](https://x.org)**b",
        "b([ a](https://x.org))",
        "trailing spaces  \nand\ttabs\t\n\n\n\n* list\n\n\n",
    ],
)
def test_what_is_left_alone(body):
    """Code, comments, what French sets on purpose, and whatever would read otherwise afterwards."""
    assert mended(body) == body


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_line_ends_and_mark_stay(end, mark):
    """Whoever compares the file before and after sees the mends and nothing else."""
    body = ["---", "title: T", "---", "![]()", "", f"a{NB}[b](https://x.org)", "", "c  ", "\x0bd\u2028e", ""]
    source = mark + end.join(body)
    fixed = fix(source, read(source))
    assert fixed.source == mark + end.join([*body[:3], *body[4:5], "a [b](https://x.org)", *body[6:]])
    assert fixed.changes == (Change(4, "an empty link or image is deleted"), Change(6, "a no-break space beside a link is an ordinary one"))


def test_the_front_matter_is_not_touched():
    """A link there is text."""
    source = f"---\ntitle: T\nsubject: 'a{NB}[b ](https://x.org) ![]()'\n---\n\ntext ![]()"
    assert fix(source, read(source)).source == source.removesuffix(" ![]()")
    source = f"+++\ntitle = 'T'\nsubject = '''\n---\n[b ](https://x.org)'''\n+++\n\ntext{NB}[a](https://x.org)"
    assert fix(source, read(source)).source == source.replace(f"text{NB}", "text ")


def test_merge_fields_stay_what_they_are():
    """They are marks to the reader, and their marks change with the text."""
    body = f"Hello {{{{ first_name }}}}, see{NB}[a ](https://x.org/{{{{ id }}}}) and [](https://x.org/{{{{ gone }}}})"
    assert mended(body) == "Hello {{ first_name }}, see [a](https://x.org/{{ id }}) and"


def test_changes_name_the_line_as_it_was():
    """Lines that go do not shift those that follow."""
    source = f"{FRONT}![]()\n![]()\n\na{NB}[b](https://x.org)"
    assert [change.line for change in fix(source, read(source)).changes] == [4, 5, 7]
    assert str(fix(source, read(source)).changes[0]) == "line 4: an empty link or image is deleted"


def test_one_mend_too_many_does_not_spoil_the_others():
    """What cannot be mended safely is left, the rest is not."""
    lines = [f"a{NB}[b](https://x.org)\n\n" if number % 3 else f"*{NB}[a](https://x.org)*\n\n" for number in range(12)]
    assert mended("".join(lines)) == "".join(line if line[0] == "*" else line.replace(NB, " ") for line in lines)


def test_thousands_of_unsafe_mends_are_given_up(monkeypatch):
    """To look for the few that are safe would read 30 KB again and again, for half a minute."""
    source = "---\ntitle: News\n---\n\n" + "*[](x)*a[](y)_[ b](z)_ " * 1500
    issue = read(source)
    readings = []
    real = fixes.parse_issue
    monkeypatch.setattr(fixes, "parse_issue", lambda *given, **named: readings.append(1) or real(*given, **named))
    fix(source, issue)
    assert len(readings) <= 10


def test_an_issue_that_cannot_be_read_is_left_alone():
    """There is nothing to compare with."""
    good = read(FRONT + "a")
    assert fix("no front matter ![]()", good) == Fixed("no front matter ![]()")
    assert fix("", good) == Fixed("")


@pytest.mark.parametrize("piece", ["[ ](", "[a ](x)", f"{NB}[a](x){NB}", "![]()", "`[](x)`", "[", "<!--"])
def test_hostile_lines_take_time_in_proportion(piece):
    """A line of 300,000 characters is looked over in seconds."""
    assert ends_within(10, lambda: list(slips(piece * (300_000 // len(piece)))))


def test_the_real_issues(shared_issues):
    """What their editor left behind is gone, and every other line is as it was."""
    for path in shared_issues:
        source = path.read_text(encoding="utf-8")
        fixed = fix(source, read(source))
        before, after = source.split("\n"), fixed.source.split("\n")
        gone = [line for line in before if line == "![]()"]
        assert len(after) == len(before) - len(gone)
        kept = [line for line in before if line != "![]()"]
        changed = [number for number, (old, new) in enumerate(zip(kept, after, strict=True)) if old != new]
        assert 0 < len(changed) < 40
        assert all(len(kept[number]) - len(after[number]) < 60 for number in changed)
        assert "[](" not in fixed.source.replace("![](/img", "")
        assert f"{NB}[" not in fixed.source
        assert [finding for finding in read(fixed.source).findings if finding.code in {"empty-link", "empty-image"}] == []
