"""Figures beside the letter: what an inbox cuts and what leaks into it, and what each Section weighs."""

from __future__ import annotations

from dataclasses import replace

import pytest

from composer.audience.model import Subscriber
from composer.checks.size import html_size
from composer.config import ListSettings
from composer.edition.compose import compose
from composer.issue.files import read_issue
from composer.project import find
from composer.web.preview.inbox import CLIENTS, in_inboxes, preview_text, shortened
from composer.web.preview.merging import merged_html
from composer.web.preview.sizes import weigh

SENDER = "The Example Letter of Springfield <team@example.org>"


def rows(subject="News", preheader="What happened.", html="", sender=SENDER):
    return {(row.client, row.device): row for row in in_inboxes(sender, subject, preheader, html)}


def letter(project, preheader):
    """Compose the issue with this preheader; return it as a reader gets it."""
    path = project.issue_path("2026-01")
    path.write_text(path.read_text(encoding="utf-8").replace("What happened while it snowed.", preheader), encoding="utf-8")
    edition = compose(read_issue(path, project), ListSettings(), project)
    return merged_html(edition, edition.html, {"first_name": "Ada"})


def test_every_client_is_there_on_phone_and_desktop():
    """Four programs on two kinds of device, each figure with its source and the day it was looked at."""
    found = rows()
    assert set(found) == {(name, device) for name in ("Gmail", "Apple Mail", "Outlook", "Yahoo Mail") for device in ("phone", "desktop")}
    for client in CLIENTS:
        assert all(source.startswith("http") and most > 10 for most, source in (client.sender, client.subject, client.preheader))
    assert all(row.looked_at == "2026-11-23" and row.source in row.sources for row in found.values())


def test_a_long_subject_is_cut_where_the_client_cuts():
    """The words that everybody sees come first."""
    subject = "0123456789" * 10
    for client in CLIENTS:
        row = rows(subject)[client.name, client.device]
        assert row.subject == f"{subject[: client.subject[0]]}…"
        assert row.subject_cut
        assert row.sender_cut
        assert row.sender.endswith("…")
    assert not rows("Short")["Gmail", "phone"].subject_cut


def test_the_senders_name_stands_for_the_address():
    """Who has no name is shown by the address."""
    assert rows(sender="Ann <a@example.org>")["Gmail", "phone"].sender == "Ann"
    assert rows(sender="a@example.org")["Gmail", "phone"].sender == "a@example.org"


def test_wide_characters_count_twice():
    """A Japanese subject is cut after half as many characters."""
    assert shortened("東京" * 20, 10) == ("東京東京東…", True)
    assert shortened("東京東京東", 10) == ("東京東京東", False)


def test_the_blanks_behind_a_short_preheader_hold_everywhere(project):
    """The shipped letter keeps itself out of every inbox's line, the widest included."""
    assert [row.leak for row in rows(preheader="Snow.", html=letter(project, "Snow.")).values()] == [""] * len(CLIENTS)


def test_a_short_preheader_leaks_where_the_blanks_are_dropped(project):
    """A template of one's own may end its preheader with no-break spaces: Apple's programs drop those."""
    html = letter(project, "Snow.").replace("&#8199;\u034f", "&#160;\u200c")
    found = rows(preheader="Snow.", html=html)
    assert found["Apple Mail", "phone"].leak.startswith("January 2026 View in browser")
    assert [row.leak for (name, _), row in found.items() if name != "Apple Mail"] == [""] * 6


def test_without_blanks_the_letter_leaks_everywhere():
    """As far as the line reaches, and not further."""
    html = "<html><head><title>T</title><style>p{}</style></head><body><div>Snow.</div><p>View in browser</p>" + "<p>word</p>" * 100
    for client in CLIENTS:
        leak = rows(preheader="Snow.", html=html)[client.name, client.device].leak
        assert leak.startswith("View in browser")
        assert len(leak) <= client.preheader[0]


def test_a_preheader_that_fills_the_line_leaks_nothing():
    """What is cut has no room for more."""
    assert all(row.leak == "" and row.preheader_cut for row in rows(preheader="word " * 60, html="<p>x</p>").values())


def test_the_letters_text_is_what_is_shown():
    """Neither styles nor a title nor a comment leak; words of two paragraphs stay apart."""
    html = "<head><title>T</title><style>x</style></head><body><!-- c --><p>One</p><p>two &amp;\n three</p><script>s</script></body>"
    assert preview_text(html) == "One two & three"


def test_a_hostile_letter_is_read_quickly():
    """The head of a letter is enough."""
    assert len(preview_text("<p>" * 100_000 + "word " * 50_000)) <= 1000


# ---- weight ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("stem", ["2026-01", "showcase"])
def test_a_sections_share_is_what_the_letter_would_lose(repository, stem):
    """Within 4 percent of the whole: the letter is composed without each Section in turn."""
    project = find(repository, exact=True)
    settings, config = ListSettings(), project.config
    issue = read_issue(project.issue_path(stem), project)
    edition = compose(issue, settings, project)
    weight = weigh(issue, edition, (), config, settings)
    assert weight.bytes == html_size(edition, (), config, settings)
    assert sum(share.bytes for share in weight.sections) < weight.bytes
    for number, share in enumerate(weight.sections):
        without = replace(issue, sections=issue.sections[:number] + issue.sections[number + 1 :])
        lost = weight.bytes - html_size(compose(without, settings, project), (), config, settings)
        assert abs(share.bytes - lost) < 0.04 * weight.bytes, share.title


def test_the_heaviest_reader_counts(project):
    """A name of 60 characters weighs in the Section that it stands in, and in the whole."""
    path = project.issue_path("2026-01")
    path.write_text(path.read_text(encoding="utf-8") + "\nDear {{ first_name }},\n", encoding="utf-8")
    issue = read_issue(path, project)
    edition = compose(issue, ListSettings(), project)
    people = [Subscriber("a@example.org", "a@example.org", fields={"first_name": name}) for name in ("Al", "é" * 60)]
    light, heavy = (weigh(issue, edition, some, project.config, ListSettings()) for some in (people[:1], people))
    assert heavy.bytes - light.bytes == 2 * (120 - 2)
    assert heavy.sections[-1].bytes - light.sections[-1].bytes == 120 - 2
    assert heavy.sections[0] == light.sections[0]


def test_an_edition_without_origins_is_weighed_by_its_headings(project):
    """One that comes from elsewhere still gets its shares."""
    issue = read_issue(project.issue_path("2026-01"), project)
    edition = replace(compose(issue, ListSettings(), project), origins=())
    shares = weigh(issue, edition, (), project.config, ListSettings()).sections
    assert [share.title for share in shares] == ["Garden", "Upcoming events"]
    assert all(share.bytes > 300 for share in shares)
