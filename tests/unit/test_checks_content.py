"""Content: what an issue says, each slip at its place, and none where there is none."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from patience import ends_within

from composer.checks.content import check
from composer.checks.content.hosts import known, target
from composer.checks.letter import Letter
from composer.config import Config, ListSettings
from composer.findings import Severity
from composer.issue.addresses import Found, meant
from composer.issue.model import Asset, Paragraph, Text
from composer.issue.reader import parse_issue
from composer.testing import an_edition

FRONT = 'title: "A letter of some length"\npreheader: A preheader of more than forty characters, as it should be.'
BODY_LINE = 5


def a_letter(body, front=FRONT, *, earlier=(), html="", assets=()):
    """Read a body behind a front matter of two lines; without an HTML there is none to look at."""
    source = f"---\n{front}\n---\n{body}"

    def local(src):
        return next((Found(asset) for asset in assets if asset.name == src), Found())

    nowhere = {"local": local, "embedded": lambda src: Found(problem="is broken")}
    issue = parse_issue(source, path="issues/2026-01.md", stem="2026-01", site_url="https://www.example.org/news", **nowhere)
    return Letter(issue, source, an_edition(), html, "", Config(), ListSettings(), (), earlier, datetime(2026, 2, 2, tzinfo=UTC))


def say(body, **more):
    """Give what reader and family say together: code, line within the body, column."""
    letter = a_letter(body, **more)
    found = (*letter.issue.findings, *check(letter, None))
    return [(finding.code, (finding.where.line or 0) - BODY_LINE + 1, finding.where.column) for finding in found]


SLIPS = [
    # addresses
    ("x\n\na [b](hhttps://x.org) c", [("address-misspelt", 3, None)]),
    ("a [b](https://https://x.org/y)", [("address-misspelt", 1, 3)]),
    ("see hhttps://x.org/y now", [("address-misspelt", 1, 5)]),
    ("see\nhttps://https://x.org/z now", [("address-misspelt", 2, 1)]),
    ("see https//x.org now", [("address-misspelt", 1, 5)]),
    ("x (text)[https://x.org] y", [("link-brackets", 1, 3)]),
    ("x [some text] (https://x.org) y", [("link-brackets", 1, 3)]),
    ("x [some text][ref] y", [("link-brackets", 1, 3)]),
    ("[The form](https://t.e2ma.net/click/abc/def)", [("tracking-link", 1, 1)]),
    ("* a\n* [Where it is](https://docs.google.com/document/d/1abc/edit#heading=x)", [("private-link", 2, 3)]),
    ("[THE FORM IS HERE NOW](http://localhost:8000/x)", [("private-link", 1, 1)]),
    ("[it](https://x.org/?utm_source=a)", [("link-campaign", 1, 1)]),
    ("[it](https://x.org/?a=" + "b" * 400 + ")", [("link-long", 1, 1)]),
    ("[it](http://x.org/)", [("link-http", 1, 1)]),
    ("[write](mailto:events@example.org.)", [("mail-address-broken", 1, 1)]),
    ("[write](mailto:events@example)", [("mail-address-broken", 1, 1)]),
    ("a [b ](https://x.org) c", [("link-edge-space", 1, 3)]),
    ("a\u00a0[b](https://x.org) c", [("link-no-break-space", 1, 2)]),
    ("[some](#)", [("placeholder-left", 1, 8)]),
    ("[some](TODO)", [("placeholder-left", 1, 8)]),
    # what links say
    ("it is [here](https://x.org)", [("link-text-vague", 1, 7)]),
    ("es ist [hier](https://x.org)", [("link-text-vague", 1, 8)]),
    ("it is [Learn More](https://x.org)", [("link-text-vague", 1, 7)]),
    ("[the form](https://x.org)\n\n[the form](https://y.org)", [("link-text-same", 3, 1)]),
    ("[https://x.org/a](https://evil.example/a)", [("link-text-address", 1, 1)]),
    ("[x.org/a](https://x.org/b)", [("link-text-address", 1, 1)]),
    ("[me@x.org](mailto:you@x.org)", [("link-text-address", 1, 1)]),
    # tables
    ("text\n\n| a | b | c | d | e | f | g |\n|---|---|---|---|---|---|---|\n| 1 | 2 | 3 | 4 | 5 | 6 | 7 |", [("table-wide", 3, None)]),
    # headings, wording
    ("# A\n\n### B\n\ntext", [("heading-jump", 3, None)]),
    ("A\n=\n\n#### B\n\ntext", [("heading-jump", 4, None)]),
    ("we saw the the hall", [("word-doubled", 1, 8)]),
    ("we saw the\nthe hall", [("word-doubled", 2, 1)]),
    ("* of the community community today", [("word-doubled", 1, 10)]),
    ("a " + "x" * 46 + " b", [("word-too-long", 1, 3)]),
    ("a https://x.org/" + "x" * 46 + " b", [("word-too-long", 1, 3)]),
    ("COME TO THE GREAT SUMMER FAIR TODAY now", [("all-capitals", 1, 1)]),
    ("come now!!", [("exclamation-marks", 1, 9)]),
    ("a! b! c! d!", [("exclamation-marks", 1, 2)]),
    # what was to be filled in
    ("TODO: write this", [("placeholder-left", 1, 1)]),
    ("x [insert the date] y", [("placeholder-left", 1, 3)]),
    ("x lorem ipsum y", [("placeholder-left", 1, 3)]),
    ("Venue: TBD", [("placeholder-left", 1, 8)]),
    ("on xx October", [("placeholder-left", 1, 4)]),
    ("Hello *|FNAME|*, {first_name}", [("foreign-merge-field", 1, 8), ("foreign-merge-field", 1, 18)]),
    ("a {% if paid %} b }} c", [("braces-left", 1, 3), ("braces-left", 1, 19)]),
    # images
    ("![IMG_1234](https://x.org/a.png)", [("alt-says-nothing", 1, 1)]),
    ("text ![image](https://x.org/a.png)", [("alt-says-nothing", 1, 6)]),
]


@pytest.mark.parametrize(("body", "expected"), SLIPS, ids=[f"{n}-{slips[0][0]}" for n, (_, slips) in enumerate(SLIPS)])
def test_each_slip_is_told_at_its_place_once(body, expected):
    """An editor who is sent to the wrong line, or told the same twice, stops reading findings."""
    assert sorted(say(body)) == sorted(expected)


RIGHT = [
    "Read [the report](https://x.org), and [what the board says of it](https://y.org).",
    "[Node.js](https://nodejs.org) and [ASP.NET](https://dotnet.microsoft.com) and [socket.io](https://github.com/socketio/socket.io)",
    "[x.org](https://www.x.org/b), [www.x.org](https://x.org), [https://x.org/a](https://x.org/a?b=c), [me@x.org](mailto:me@x.org)",
    "[the form](https://docs.google.com/forms/d/e/1FA/viewform) and [slides](https://docs.google.com/presentation/d/1a/pub)",
    "[search](https://www.google.com/search?q=x) and [join](https://x.us1.list-manage.com/subscribe?u=1)",
    "[mail](mailto:a@x.org?subject=Hello%20there), [two](mailto:a@x.org,b@x.org)",
    "He had had that that he knew; what it is is clear. Duran Duran in Baden Baden, New York New York, and the The.",
    "Code is left alone: `the the`, `{% if x %}`, `TODO: this`, `(text)[https://x.org]`, `" + "x" * 60 + "`.",
    "```\nthe the TODO: {% x %} hhttps://x.org\n```\n\ntext",
    "    the the TODO: {% x %} hhttps://x.org\n\ntext",
    "We keep a todo list. Is it [2024]? See page 3 [1].",
    "[JOIN THE SPRING FAIR IN LISBON NOW](https://x.org)",
    "REST, SOAP, JSON, XML, YAML and TOML; the TC and the PTL of PTG.",
    "日本語の文章は空白がないのでとても長いことばに見えますが折り返すことができますから問題はありませんよねそうですね",
    "a-hyphenated-word-that-can-break-at-each-of-its-hyphens-is-no-trouble",
    "# A\n\n## B\n\ntext\n\n### C\n\ntext\n\n## D\n\ntext\n\n# E\n\ntext",
    "[the form](https://x.org) and [the form](http://www.x.org/)".replace("http:", "https:"),
    "Hello {{ first_name }}, {{ first_name }} {{ first_name }}. [yours](https://x.org/{{ first_name }})",
    "[top](#top) ![A crowd in a hall](https://x.org/IMG_1.png)",
    "C'est «\u00a0[le lien](https://x.org)\u00a0» et [l'autre](https://y.org)\u00a0: 3\u00a0[jours](https://z.org).",
    "on 4 February | see [the hall](https://x.org/xx/todo)",
    "text\n\n| a | b | c | d | e | f |\n|---|---|---|---|---|---|\n| 1 | 2 | 3 | 4 | 5 | 6 |",
]


@pytest.mark.parametrize("body", RIGHT, ids=range(len(RIGHT)))
def test_nothing_is_said_where_nothing_is_wrong(body):
    """False alarms are what makes people switch a checker off."""
    assert say(body) == []


@pytest.mark.parametrize(
    ("body", "severity"),
    [
        ("[a](https://https://x.org)", Severity.ERROR),
        ("[a](https://mandrillapp.com/track/click/1)", Severity.ERROR),
        ("[a](https://mailchi.mp/x/y)", Severity.WARNING),
        ("[a](https://drive.google.com/file/d/1/view)", Severity.WARNING),
        ("[a](mailto:e@x.org.)", Severity.ERROR),
        ("TODO: this", Severity.ERROR),
        ("our TODO list", Severity.WARNING),
        ("* TBD", Severity.WARNING),
        ("Venue: TBD", Severity.INFO),
        ("TBD: the venue", Severity.ERROR),
        ("[x](#)", Severity.WARNING),
        ("go [here](https://x.org)", Severity.WARNING),
        ("for the fair, [learn more](https://x.org)", Severity.INFO),
        ("[LEARN MORE](https://x.org)", Severity.WARNING),
        ("6 September | Nairobi | [Learn More](https://x.org)", Severity.INFO),
        ("[x](https://x.org/?fbclid=1)", Severity.WARNING),
        ("[https://x.org](https://y.org)", Severity.ERROR),
        ("[x.org](https://y.org)", Severity.WARNING),
    ],
)
def test_how_much_it_matters(body, severity):
    """An error stops a public send, so it is kept for what would embarrass or break."""
    assert [finding.severity for finding in check(a_letter(body), None)] == [severity]


@pytest.mark.parametrize(
    ("address", "code"),
    [
        ("https://us1.list-manage.com/track/click?u=1&id=2&e=3", "tracking-link"),
        ("https://x.us1.list-manage.com/unsubscribe?u=1&id=2&e=3", "tracking-link"),
        ("https://mailchi.mp/x/y?e=abc", "tracking-link"),
        ("https://u123.ct.sendgrid.net/ls/click?upn=abc", "tracking-link"),
        ("https://links.news.example.org/ls/click?upn=abc", "tracking-link"),
        ("https://links.example.org/CL0/https:%2F%2Fx.org/1/abc", "tracking-link"),
        ("https://d1-abc.na1.hubspotlinks.com/Ctc/x", "tracking-link"),
        ("https://www.google.com/url?q=https://x.org&sa=D", "tracking-link"),
        ("https://www.google.co.uk/url?q=https://x.org", "tracking-link"),
        ("https://nam02.safelinks.protection.outlook.com/?url=https%3A%2F%2Fx.org&data=05", "tracking-link"),
        ("https://urldefense.com/v3/__https://x.org__;!!abc", "tracking-link"),
        ("https://l.facebook.com/l.php?u=https%3A%2F%2Fx.org", "tracking-link"),
        ("https://www.linkedin.com/comm/in/x", "tracking-link"),
        ("https://docs.google.com/spreadsheets/d/1/edit?usp=sharing", "private-link"),
        ("https://docs.google.com/document/u/0/d/1/", "private-link"),
        ("https://www.notion.so/team/Page-1", "private-link"),
        ("https://team-my.sharepoint.com/:w:/g/personal/x", "private-link"),
        ("https://www.dropbox.com/preview/x.pdf", "private-link"),
        ("http://127.0.0.1:8000/", "private-link"),
        ("http://[::1]/", "private-link"),
        ("http://192.168.1.2/", "private-link"),
        ("https://wiki/page", "private-link"),
        ("https://nas.local/", "private-link"),
        ("https://staging.example.org/a", "private-link"),
        ("https://deploy-preview-12--site.netlify.app/", "private-link"),
        ("https://rosa:secret@x.org/", "private-link"),
        ("https://x.org/?p=12&preview=true", "private-link"),
    ],
)
def test_addresses_not_meant_for_the_public(address, code):
    """What works for whoever copied it fails for, or watches, everybody else."""
    kind = known(address)
    assert kind is not None
    assert kind.code == code


@pytest.mark.parametrize(
    ("address", "severity"),
    [
        ("https://docs.google.com/document/d/1abc/edit?usp=sharing", Severity.WARNING),
        ("https://docs.google.com/presentation/d/1abc/edit", Severity.WARNING),
        ("https://docs.google.com/forms/d/1abc/edit", Severity.ERROR),
    ],
)
def test_what_may_be_shared_stops_no_send(address, severity):
    """Google's own button to share gives out the address that writers have; of a form it is never the readers' one."""
    kind = known(address)
    assert kind is not None
    assert kind.severity is severity


@pytest.mark.parametrize("body", ["See <hhttps://foo.example>.", "See [it](hhttps://foo.example), please."])
def test_a_misspelt_address_is_told_once(body):
    """The reader told of it already, and its hint has no full stop in the address."""
    letter = a_letter(body)
    told = [each for each in (*letter.issue.findings, *check(letter, None)) if each.code == "address-misspelt"]
    assert [each.hint for each in told] == ["Write https://foo.example here."]


@pytest.mark.parametrize(
    "address",
    [
        "https://www.example.org/click/track",
        "https://www.google.com/maps?q=x",
        "https://docs.google.com/forms/d/e/1/viewform",
        "https://www.dropbox.com/scl/fi/1/x.pdf?rlkey=2",
        "https://team.notion.site/Page",
        "https://8.8.8.8/",
        "https://stage.com/",
        "https://www.linkedin.com/company/x",
        "https://lists.example.org/archives/list/a@lists.example.org/thread/WBBLBI6ZS6FA6Q5ZMH4C2MWPL3WG3H24/",
        "https://[broken",
        "mailto:a@localhost",
        "#here",
        "",
    ],
)
def test_addresses_meant_for_everybody(address):
    """A public page that looks a little like a counter is none."""
    assert known(address) is None


@pytest.mark.parametrize(
    ("address", "inner"),
    [
        ("https://www.google.com/url?q=https://x.org/a&sa=D", "https://x.org/a"),
        ("https://a.safelinks.protection.outlook.com/?url=https%3A%2F%2Fx.org%2Fa&data=05", "https://x.org/a"),
        ("https://urldefense.com/v3/__https://x.org/a__;!!abc", "https://x.org/a"),
        ("https://links.example.org/CL0/https:%2F%2Fx.org%2Fa/1/abc", "https://x.org/a"),
        ("https://t.e2ma.net/click/abc", ""),
        ("https://x.org/?q=words", ""),
        ("https://[broken?url=https://x.org", ""),
    ],
)
def test_where_a_redirect_leads(address, inner):
    """The hint can name the address to write instead."""
    assert target(address) == inner


@pytest.mark.parametrize(
    ("typed", "whole"),
    [
        ("hhttps://x.org", "https://x.org"),
        ("htps://x.org", "https://x.org"),
        ("ttps://x.org", "https://x.org"),
        ("https//x.org", "https://x.org"),
        ("https:/x.org", "https://x.org"),
        ("https;//x.org", "https://x.org"),
        ("https:///x.org", "https://x.org"),
        ("https://https://x.org", "https://x.org"),
        ("https://http//x.org", "http://x.org"),
        ("http://https://x.org", "https://x.org"),
        ("https://x.org", ""),
        ("HTTPS://X.ORG", ""),
        ("https://httpbin.org", ""),
        ("https://https.org/", ""),
        ("http/2", ""),
        ("https", ""),
        ("mailto:a@x.org", ""),
        ("ftp://x.org", ""),
    ],
)
def test_what_a_misspelt_address_stands_for(typed, whole):
    """A browser opens nothing at hhttps://; who typed it should be told what to type."""
    assert meant(typed) == whole


def a_picture(width, size=1000):
    """An image of so many pixels and bytes."""
    return Asset("q0123456789abcdef01234567i", "hall.png", "image/png", b"x" * size, "0" * 64, width, 600)


def test_pictures_larger_than_any_mail_shows_them():
    """1,200 pixels are sharp in a column of 600; the rest is waiting on a phone. Each picture is told of once."""
    body = "![A hall](hall.png)\n\n![A hall](hall.png)"
    assert say(body, assets=(a_picture(1201),)) == [("image-too-wide", 1, 1)]
    assert say(body, assets=(a_picture(1200, 300_001),)) == [("image-weight", 1, 1)]
    assert say(body, assets=(a_picture(1200, 300_000),)) == []


def test_no_break_spaces_are_one_finding():
    """An editor of a site puts dozens; who reads the same line dozens of times reads none."""
    letter = a_letter("a\u00a0[b](https://x.org)\n\nc\u00a0[d](https://y.org)\u00a0e")
    (finding,) = check(letter, None)
    assert finding.message.endswith("beside 2 more too, on line 7")


def test_merge_fields_are_shown_as_a_gap():
    """No stand-in of a field is ever shown to people."""
    letter = a_letter("[{{ name }} {{ name }}](http://x.org/{{ name }})")
    findings = list(check(letter, None))
    assert [finding.code for finding in findings] == ["link-http"]
    assert "\ufffc" not in findings[0].message + findings[0].hint
    assert letter.issue.mark_prefix not in findings[0].message + findings[0].hint


def test_all_of_a_tree_is_read():
    """A slip in a box, a column, a table, a quotation or a footnote goes out as well."""
    body = """\
::: callout tip The the title
the the a
:::

::: columns
the the b

---

the the c
:::

> the the d

| the the e | f |
|---|---|
| g | the the h |

* 4 February | the the i

::: button
[the the j](https://x.org)
:::

word[^1]

[^1]: the the k
"""
    doubled = [(line, column) for code, line, column in say(body) if code == "word-doubled"]
    assert doubled == [(1, 17), (2, 1), (6, 1), (10, 1), (13, 3), (15, 3), (17, 7), (19, 16), (22, 2), (27, 7)]


HOSTILE = ["a a ", "[", "[a](", "AAAA ", "https:", "{{", "\u00a0[a ](x)\u00a0", "the the ", "(a)[", "TODO ", "%%a", "``a`", "]("]


@pytest.mark.parametrize("piece", HOSTILE)
def test_hostile_text_takes_time_in_proportion(piece):
    """300,000 characters of anything are read in seconds, as tree, line and front matter."""
    text = piece * (300_000 // len(piece))
    letter = a_letter("text")
    issue = replace(letter.issue, lead=(Paragraph((Text(text),), line=5),), subject=text[:60_000], preheader=text[:60_000])
    hostile = replace(letter, issue=issue, source=f"{letter.source}\n{text[:50_000]}")
    assert ends_within(10, lambda: list(check(hostile, None)))


def test_the_projects_issues_have_no_slip(repository):
    """Whoever starts from them starts from a clean page."""
    for path in sorted((repository / "issues").glob("*.md")):
        letter = a_letter("text")
        source = path.read_text(encoding="utf-8")
        issue = parse_issue(source, path=path.name, stem=path.stem, site_url="", local=lambda src: Found(), embedded=lambda src: Found())
        findings = check(replace(letter, issue=issue, source=source), None)
        assert not [finding for finding in findings if finding.severity is not Severity.INFO], path.name


def test_the_real_issues(shared_issues):
    """Every slip that an editor sees in two real issues is found at its line, and nothing is said that is not so."""
    expected = {
        "inside-open-infrastructure-january-2026.md": [
            ("preheader-short", 14), ("link-text-vague", 26), ("link-text-same", 57), ("link-text-same", 61), ("link-no-break-space", 67),
        ],
        "inside-open-infrastructure-july-2025.md": [
            ("link-http", 23), ("link-no-break-space", 35), ("link-text-same", 86), ("link-text-same", 87), ("link-text-vague", 129),
        ],
    }  # fmt: skip
    for path in shared_issues:
        source = path.read_text(encoding="utf-8")
        issue = parse_issue(source, path=path.name, stem=path.stem, site_url="", local=lambda src: Found(), embedded=lambda src: Found())
        found = check(replace(a_letter("text"), issue=issue, source=source), None)
        assert sorted((finding.where.line, finding.code) for finding in found) == [(line, code) for code, line in expected[path.name]]
