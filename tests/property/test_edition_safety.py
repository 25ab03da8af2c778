"""Issue text is never Jinja source and can neither open nor close an MJML tag: shown through compose() itself."""

import json
import re
from functools import cache
from html import unescape
from html.parser import HTMLParser
from unittest import mock

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from composer.config import Config, ListSettings, Newsletter
from composer.edition import mjml
from composer.edition.compose import compose, compose_web
from composer.errors import IssueError
from composer.issue.addresses import Found
from composer.issue.reader import parse_issue
from composer.project import SHIPPED_TEMPLATES, Project

LIST = ListSettings(name="staff", kind="staff")
PIECES = [
    "</td></mj-text><script>alert(1)</script>", "</mj-text>", "<mj-text>", "<mj-raw>", "</mj-column></mj-section>", "<mj-text@0:99>", "</mj-text@0:99>", "<mj-section@99999:1",
    "{{ 1337*7 }}", "{% include 'base.mjml' %}", "{% raw %}", "{#", "#}", "{{", "}}", "{%", "{{ theme }}", "{{ first_name }}", '{{ x | default("</td><script>") }}',
    "]]>", "<![CDATA[", "<!--", "-->", "--", "<!--[if mso]>", "<![endif]-->", "<![endif]", "<?xml", "<!DOCTYPE html>", "<style>", "</style>", "</title>", "<title>", "<html>", "</body>",
    "<", ">", "&", "&amp;", "&lt;", "&#60;", "&#x3c;mj-text&#62;", '"', "'", "`", "\\", "*", "|", "[", "](", ")", "javascript:alert(1)", 'onclick="alert(1)"', "<img src=x onerror=alert(1)>",
    "<svg/onload=alert(1)>", "<a href='javascript:1'>x</a>", "\u00a0", "\u200d", "\u202e", "日本", "é", "👩🏽‍🚀", "@media{", "}", "{}", "q0123456789abf0x", "\x1f", "\ud7ff", "\ufffd",
]  # fmt: skip
hostile = st.lists(st.sampled_from(PIECES) | st.text(st.characters(exclude_categories=["Cs"]), max_size=5), max_size=6).map("".join)

FRAME = """\
---
title: {0}
subject: {1}
preheader: {2}
language: en
---

Lead {3} and **bold {3}**[^1].

# Garden {4}: what {5} grows

* item {6}
* [link {7}](https://www.example.org/a "{8}")

[BUTTON {7}](https://www.example.org/b)

[A {6}](https://www.example.org/c) | [B](https://www.example.org/d)

* 4 February | call {9} | {9}

::: callout tip {5}
in a box {3}
:::

::: quote {9}
said {8}
:::

| a {4} | b |
|---|---|
| {5} | `{6}` |

![alt {8}](https://www.example.org/x.png "{8}")

~~~
{10}
~~~

[^1]: note {7}
"""


class _Checker(HTMLParser):
    """Reads a letter as a mail program does, and keeps what it must not hold."""

    VOID = frozenset({"meta", "img", "br", "hr", "link", "input", "col", "wbr"})
    ADDRESSES = frozenset({"href", "src", "background", "cite", "action", "formaction"})
    KNOWN = frozenset(
        "html head title meta link style body div span p a img br hr table tbody thead tr td th h1 h2 h3 h4 h5 h6 ul ol li blockquote pre code strong em s sub sup u small mark kbd".split()
    )

    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.wrong, self.open, self.comments, self.texts = [], [], [], []

    def handle_starttag(self, tag, attrs):
        if tag not in self.KNOWN:
            self.wrong.append(f"<{tag}>")
        self.wrong += [
            f"{tag} {name}={value}"
            for name, value in attrs
            if name.startswith("on") or (name in self.ADDRESSES and re.match(r"\s*(javascript|vbscript):", value or ""))
        ]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in self.VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        if not self.open or self.open[-1] != tag:
            self.wrong.append(f"</{tag}> in {self.open[-3:]}")
        if tag in self.open:
            while self.open.pop() != tag:
                pass

    def handle_data(self, data):
        self.texts.append((self.open[-1] if self.open else "", data))

    def handle_comment(self, data):
        self.comments.append(data)

    def unknown_decl(self, data):
        if data not in {"[endif]", "endif"}:
            self.wrong.append(f"<!{data}>")


@cache
def project():
    """Make a project of the shipped templates alone."""
    return Project(SHIPPED_TEMPLATES.parent.parent / "nowhere", Config(newsletter=Newsletter(name="Letter", from_="a@example.org")))


def checked(html):
    """Parse a letter that must be sound."""
    checker = _Checker()
    checker.feed(html)
    checker.close()
    assert not checker.wrong
    assert not checker.open
    return checker


def quoted(text):
    """Write a text as a YAML scalar."""
    return json.dumps(text, ensure_ascii=False)


def composed(texts):
    """Compose an issue of these texts; the marked MJML that was compiled, and the Edition."""
    front = [quoted(f"T {text}") for text in texts[:3]]
    flat = [re.sub(r"[\n\r]+", " ", text) for text in texts[3:10]]
    code = "\n".join(line for line in texts[10].splitlines() if not line.strip().startswith("~~~"))
    source = FRAME.format(*front, *flat, code)
    issue = parse_issue(
        source, path="issues/x.md", stem="x", site_url="https://www.example.org", local=lambda src: Found(), embedded=lambda src: Found()
    )
    seen = []
    real = mjml.to_html
    with mock.patch.object(mjml, "to_html", lambda marked, names: seen.append(marked) or real(marked, names)):
        return seen, issue, compose(issue, LIST, project())


@given(st.lists(hostile, min_size=11, max_size=11))
@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@example(["</td></mj-text><script>alert(1)</script>"] * 11)
@example(["{{ 1337*7 }}{% include 'x' %}{#"] * 11)
@example(["]]><!--<![endif]--><!--[if mso]>"] * 11)
@example(["<mj-text@0:99>x</mj-text@0:99>"] * 11)
@example(["a\u00a0b\u200d\u202e"] * 11)
def test_issue_text_stays_text(texts):
    """Whatever stands in an issue: no MJML tag, no Jinja, no script, no comment comes of it, and the letter is whole."""
    try:
        (marked,), issue, edition = composed(texts)
    except IssueError as err:
        assert err.where  # noqa: PT017 - the reader may refuse; then it says where
        return
    for tag in re.findall(r"</?mj[^\s<>]*", marked):
        assert re.fullmatch(r"</?mj[a-z-]*@\d{1,3}:\d{1,3}/?", tag)
    assert not re.search(r"</?mj[a-z-]*@(0:99|99999:1)\b", marked)
    assert "9359" not in edition.html + edition.text + edition.subject + edition.preheader
    checker = checked(edition.html)
    for comment in checker.comments:
        assert re.fullmatch(r"\[if [^\]]*\]>.*<!\[endif\]|\[if [^\]]*\]><!|<!\[endif\]", comment, re.DOTALL), comment
        assert "alert" not in comment
    assert edition.html.count("<!--[if") == edition.html.count("<![endif]")
    assert "<mj" not in edition.html
    assert not re.search(rf"{issue.mark_prefix}f\d+x", edition.html + edition.text + edition.subject + edition.preheader)
    page = compose_web(issue, LIST, project())
    checked(page)
    assert issue.mark_prefix not in page


@given(hostile)
@settings(max_examples=60, deadline=None)
@example("</td></mj-text>\n{{ 1337*7 }} ]]> <!-- <![endif]--> &amp; &#60; \"'")
def test_code_is_shown_letter_for_letter(text):
    """A reader of code sees what was typed, braces, brackets and all, in both parts."""
    code = re.sub(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202d\u202e\t\n\r~\ufffe\uffff]+", " ", text)
    source = f"---\ntitle: T\n---\n# S\n\n~~~\nx{code}x\n~~~\n"
    issue = parse_issue(source, path="issues/x.md", stem="x", site_url="", local=lambda src: Found(), embedded=lambda src: Found())
    edition = compose(issue, LIST, project())
    shown = re.search(r"<pre\b[^>]*>(.*?)</pre>", edition.html, re.DOTALL)[1]
    assert unescape(re.sub(r"<[^>]*>", "\n", shown)) == f"x{code}x"
    assert f"    x{code}x\n" in edition.text


@pytest.mark.parametrize("piece", PIECES)
def test_a_hostile_subject_stays_itself(piece):
    """The title of the window, the preheader and the masthead are the three places where a subject can do harm."""
    source = f"---\ntitle: {quoted('T ' + piece)}\nsubject: {quoted('S ' + piece)}\npreheader: {quoted('P ' + piece)}\n---\ntext\n"
    issue = parse_issue(source, path="issues/x.md", stem="x", site_url="", local=lambda src: Found(), embedded=lambda src: Found())
    edition = compose(issue, LIST, project())
    checker = checked(edition.html)
    titles = [text for tag, text in checker.texts if tag == "title"]
    if not issue.fields:
        assert " ".join("".join(titles).split()) == " ".join(issue.subject.split())
        assert any(" ".join(issue.preheader.split()) in " ".join(text.split()) for tag, text in checker.texts if tag == "div")
