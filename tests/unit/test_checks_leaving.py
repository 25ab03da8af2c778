"""The self-test of leaving: what is right passes, and each thing that would keep a reader is found."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from composer.checks.leaving import check, forgeries, header_findings, token_findings
from composer.checks.letter import Letter
from composer.checks.page import read_page
from composer.config import ListSettings, Public, Unsubscribe
from composer.edition.compose import compose
from composer.edition.fields import fill_for_display
from composer.findings import Severity, Where
from composer.issue.files import read_issue
from composer.message.links import Unsubscribe as Leave
from composer.message.links import unsubscribe
from composer.message.token import read_unsubscribe, sign_test, sign_unsubscribe

NOW = datetime(2026, 2, 2, tzinfo=UTC)
KEYS = ("new", "old")
ONE_CLICK = {"List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}
URL = "https://letters.example/u/token"


def letter_of(project, name="2026-01", **unsubscribe_settings):
    issue, settings = read_issue(project.issues / f"{name}.md", project), ListSettings(name="staff", kind="staff")
    public = Public(unsubscribe_settings.pop("public_url", ""))
    config = replace(project.config, unsubscribe=Unsubscribe(**unsubscribe_settings), public=public, secret_keys=KEYS)
    edition = compose(issue, settings, replace(project, config=config))
    shown = [fill_for_display(edition, part) for part in (edition.html, edition.text)]
    return Letter(issue, "", edition, *shown, config, settings, (), (), NOW)


def said(letter):
    return [(finding.code, finding.severity) for finding in check(letter, read_page(letter))]


@pytest.mark.parametrize(
    "settings",
    [
        {"via": "mailto"},
        {"via": "mailto", "address": "leave@example.org"},
        {"via": "sendgrid"},
        {"via": "service", "public_url": "https://letters.example"},
        {"via": "service", "public_url": "https://letters.example/some/where/", "address": "leave@example.org"},
    ],
)
def test_every_way_to_leave_passes(project, settings):
    """The shipped letter lets everybody go, by whichever way is set."""
    assert said(letter_of(project, **settings)) == []


def test_service_without_an_address_is_told_where_it_is_set(project):
    """A check must say why nobody could leave instead of ending with an error of its own."""
    letter = letter_of(project, via="service")
    (finding,) = check(letter, read_page(letter))
    assert (finding.code, finding.severity, finding.where) == ("unsubscribe-unusable", Severity.ERROR, Where("newsletter.toml"))
    assert "public_url" in finding.hint


def test_service_on_this_machine_is_no_one_click(project):
    """To try the service out is right; a reader elsewhere never reaches it."""
    assert said(letter_of(project, via="service", public_url="http://127.0.0.1:8025")) == [("leaving-header", Severity.WARNING)]


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({"List-Unsubscribe": f"<{URL}>", **ONE_CLICK}, None),
        ({"List-Unsubscribe": f"<{URL}>, <mailto:a@example.org>", **ONE_CLICK}, None),
        ({"List-Unsubscribe": f"<{URL}>"}, None),
        ({}, "leaving-header"),
        ({"List-Unsubscribe": ""}, "leaving-header"),
        ({"List-Unsubscribe": URL}, "leaving-header"),
        ({"List-Unsubscribe": f"<{URL}> <mailto:a@example.org>"}, "leaving-header"),
        ({"List-Unsubscribe": f"<{URL}>, <https://other.example/>", **ONE_CLICK}, "leaving-header"),
        ({"List-Unsubscribe": f"<{URL}>, <ftp://other.example/>"}, "leaving-header"),
        ({"List-Unsubscribe": f"<{URL}>, <mailto:nobody>"}, "leaving-header"),
        ({"List-Unsubscribe": f"<{URL}é>"}, "leaving-header"),
        ({"List-Unsubscribe": f"<{URL}>", "List-Unsubscribe-Post": "One-Click"}, "leaving-header"),
        ({"List-Unsubscribe": "<mailto:a@example.org>", **ONE_CLICK}, "leaving-header"),
        ({"List-Unsubscribe": "<https://letters.example/u/other>", **ONE_CLICK}, "leaving-header"),
    ],
)
def test_headers(headers, code):
    """RFC 2369 and RFC 8058 to the letter: Gmail and Yahoo show their button for nothing less."""
    found = list(header_findings(Leave(URL, URL, headers), via="service"))
    assert {finding.code for finding in found} == ({code} if code else set())


def test_sendgrid_writes_its_own_headers():
    """Without headers of ours there is nothing to judge when SendGrid adds those of its group."""
    assert list(header_findings(Leave("<%asm_group_unsubscribe_raw_url%>", ""), via="sendgrid")) == []


def test_no_forged_token_is_taken():
    """Whoever guesses, cuts, mends or borrows a token must not take anybody off a list."""
    token = sign_unsubscribe("d1", KEYS)
    tried = list(forgeries(token, "d1", KEYS))
    assert len(tried) >= 14
    assert token not in tried
    assert "" in tried
    assert all(read_unsubscribe(forged, KEYS) is None for forged in tried)
    assert read_unsubscribe(token, KEYS) == "d1"


@pytest.mark.parametrize(
    ("url", "keys", "words"),
    [
        ("https://letters.example/u/{token}", KEYS, ""),
        ("https://letters.example/u/{token}?id=d1", KEYS, "token alone"),
        ("https://letters.example/u/{token}#d1", KEYS, "token alone"),
        ("https://letters.example/{token}", KEYS, "token alone"),
        ("https://letters.example/u/{token}", ("another",), "would not take"),
        ("https://letters.example/u/{test}", KEYS, "entitles to more"),
    ],
)
def test_token_of_a_link(url, keys, words):
    """A link that carries more than its token can change something by being looked at, and one of other keys leads nowhere."""
    url = url.format(token=sign_unsubscribe("d1", KEYS), test=sign_test("d1", KEYS))
    found = [finding.message for finding in token_findings(url, "d1", keys)]
    assert bool(found) is bool(words)
    assert words in " ".join(found)


def test_service_that_takes_everything_is_found(monkeypatch):
    """The self-test can fail: a reader that checks no signature is told of."""
    monkeypatch.setattr("composer.checks.leaving.read_unsubscribe", lambda token, keys: "d1")
    found = [finding.message for finding in token_findings(f"https://l.example/u/{sign_unsubscribe('d1', KEYS)}", "d1", KEYS)]
    assert any("forged" in message for message in found)


OWN = '{{% extends "newsletter.mjml" %}}\n{{% block footer %}}\n<mj-section><mj-column><mj-text>\n{}\n</mj-text></mj-column></mj-section>{{% endblock %}}\n'


@pytest.mark.parametrize(
    ("footer", "found"),
    [
        ('<a href="{{ field("unsubscribe_url") }}">Leave</a>', []),
        ('<a href="{{ field("unsubscribe_url") }}"><img src="https://example.org/x.png" alt="Leave"></a>', []),
        ('<p>Copy {{ field("unsubscribe_url") }}</p>', ["leaving-link"]),
        ('<a href="https://example.org/?to={{ field("unsubscribe_url") }}">Leave</a>', ["leaving-link"]),
        ('<div style="display:none"><a href="{{ field("unsubscribe_url") }}">Leave</a></div>', ["leaving-hidden"]),
        ('<p style="visibility: hidden"><a href="{{ field("unsubscribe_url") }}">Leave</a></p>', ["leaving-hidden"]),
        ('<a style="font-size:0" href="{{ field("unsubscribe_url") }}">Leave</a>', ["leaving-hidden"]),
        ('<a href="{{ field("unsubscribe_url") }}">&nbsp;</a>', ["leaving-hidden"]),
    ],
)
def test_link_in_the_footer(project, footer, found):
    """The header's button is not shown by every program: a link must be there to be seen, and lead where the header leads."""
    folder = project.root / "templates" / "email"
    folder.mkdir(parents=True)
    (folder / "own.mjml").write_text(OWN.format(footer))
    issue = project.issues / "2026-01.md"
    issue.write_text(issue.read_text().replace("---\n", "---\ntemplate: own\n", 1))
    letter = letter_of(project)
    assert [code for code, _ in said(letter)] == found


def test_hidden_link_is_told_at_its_line(project):
    """The template's line is where it is mended."""
    folder = project.root / "templates" / "email"
    folder.mkdir(parents=True)
    (folder / "own.mjml").write_text(OWN.format('<p style="display:none"><a href="{{ field("unsubscribe_url") }}">Leave</a></p>'))
    issue = project.issues / "2026-01.md"
    issue.write_text(issue.read_text().replace("---\n", "---\ntemplate: own\n", 1))
    letter = letter_of(project)
    (finding,) = check(letter, read_page(letter))
    assert finding.where == Where("templates/email/own.mjml", 4)


def test_text_part_without_a_way_out_is_told(project):
    """Who reads plain text has as much right to leave."""
    letter = letter_of(project)
    mark = next(slot.mark for slot in letter.edition.fields if slot.name == "unsubscribe_url" and slot.mark in letter.edition.text)
    letter = replace(letter, edition=replace(letter.edition, text=letter.edition.text.replace(mark, "")))
    assert said(letter) == [("leaving-text", Severity.ERROR)]


def test_link_is_the_headers_own(project):
    """Footer and header of one message lead to the same place, for each way of leaving."""
    for settings in ({"via": "mailto"}, {"via": "service", "public_url": "https://letters.example"}):
        letter = letter_of(project, **settings)
        leave = unsubscribe(letter.config, letter.settings, "d1", KEYS, sender=letter.edition.from_)
        assert f"<{leave.url}>" in leave.headers["List-Unsubscribe"]
