"""An issue as it is looked at by every check: with its list, its earlier issues, and as a send has it."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from composer.checks.run import by_place, check
from composer.config import Delivery, ListSettings, Newsletter
from composer.delivery.checking import check_edition, check_issue, letter_of
from composer.delivery.earlier import MOST, earlier_issues
from composer.delivery.prepare import Wish, prepare
from composer.delivery.test_send import Asked, prepare_test
from composer.edition.compose import compose
from composer.errors import AudienceError, IssueError, ProjectError
from composer.findings import Severity, Where, error, warning
from composer.issue.files import read_issue
from composer.ledger.opening import open_ledger
from composer.project import with_config
from composer.testing import MemoryTransport
from composer.transport import registry

NOW = datetime(2026, 2, 2, 12, tzinfo=UTC)
BAD = "\n::: button\nRegister\n:::\n"


def _issue(project, stem, *, title="News", date="", body="# One\n\nSome text.\n", line_end="\n"):
    dated = f"date: {date}\n" if date else ""
    text = f"---\ntitle: {title}\nsubject: Of {stem}\npreheader: Line of {stem}.\n{dated}---\n\n{body}"
    path = project.issues / f"{stem}.md"
    path.write_bytes(text.replace("\n", line_end).encode())
    return path


def _add(project, text):
    path = project.issues / "2026-01.md"
    path.write_text(path.read_text(encoding="utf-8") + text, encoding="utf-8")


def _codes(findings):
    return [each.code for each in findings]


def test_a_letter_shows_fields_as_a_reader_would_see_them(project):
    """Checks read words, not marks."""
    letter = letter_of(project, "2026-01", now=NOW)
    assert "Hello friend, here" in letter.text
    assert "Hello friend, here" in letter.html
    assert (letter.now, letter.people, letter.settings, letter.earlier) == (NOW, (), ListSettings(), ())
    assert letter.source == (project.issues / "2026-01.md").read_text(encoding="utf-8")


def test_lines_are_counted_alike_whatever_ends_them(project):
    """A file from Windows has its findings at the same lines."""
    _issue(project, "plain", body="# One\n" + BAD)
    _issue(project, "windows", body="# One\n" + BAD, line_end="\r\n")
    _issue(project, "marked", body="# One\n" + BAD)
    marked = project.issues / "marked.md"
    marked.write_bytes(b"\xef\xbb\xbf" + marked.read_bytes())
    sources = {letter_of(project, stem, now=NOW).source.replace(stem, "x") for stem in ("plain", "windows", "marked")}
    assert len(sources) == 1
    places = {
        each.where.line
        for stem in ("plain", "windows", "marked")
        for each in check_issue(project, stem, now=NOW).findings
        if each.code == "button-without-link"
    }
    assert len(places) == 1


def test_a_letter_for_a_list_has_its_people(project):
    """Of a file, and of the ledger, whose people are read into memory then."""
    assert [person.email for person in letter_of(project, "2026-01", "staff", NOW).people] == [
        "ada@example.org", "grace@example.org", "sean@example.org",
    ]  # fmt: skip
    (project.recipients / "members.toml").write_text('people = "ledger"\n', encoding="utf-8")
    with open_ledger(project):
        pass
    assert letter_of(project, "2026-01", "members", NOW).people == ()


@pytest.mark.parametrize(("name", "list_name", "kind"), [("nowhere", "", ProjectError), ("2026-01", "nobody", AudienceError)])
def test_what_is_not_there_is_an_error(project, name, list_name, kind):
    """A check of nothing would say that all is well."""
    with pytest.raises(kind):
        check_issue(project, name, list_name, NOW)


def test_findings_come_in_the_order_of_the_file_and_once():
    """The issue first, what is of the whole before its lines, then other files."""
    places = [
        Where("templates/x.mjml", 2),
        Where("issues/a.md", 9, 4),
        Where("issues/a.md", 9),
        Where("issues/a.md"),
        Where("issues/a.md", 10),
        Where("a.csv", 3, "email"),
    ]
    ordered = by_place([warning("x-y", where, "m") for where in places], "issues/a.md")
    assert [str(each.where) for each in ordered] == [
        "issues/a.md", "issues/a.md:9", "issues/a.md:9:4", "issues/a.md:10", "a.csv:3:email", "templates/x.mjml:2",
    ]  # fmt: skip


def test_what_is_said_twice_is_told_once(project):
    """Two checks may see the same; the reader needs it once."""
    letter = letter_of(project, "2026-01", now=NOW)
    said = error("link-dead", Where("issues/2026-01.md", 12), "m", "one hint")
    assert _codes(check(letter, [said, replace(said, hint="another"), said]).findings).count("link-dead") == 1


# ---- earlier issues --------------------------------------------------------------------------------------------


def _earlier(project, stem, most=MOST):
    return [each.stem for each in earlier_issues(project, read_issue(project.issue_path(stem), project), most)]


def test_earlier_issues_are_those_of_the_months_before(project):
    """By the month that the title names, else the file's name, else its date; oldest first, never the issue itself or a later one."""
    _issue(project, "letter-of-autumn", title="News of October 2025")
    _issue(project, "2025-12")
    _issue(project, "november-2025")
    _issue(project, "a-letter", date="2025-09-03T10:00:00Z")
    _issue(project, "2026-02")
    assert _earlier(project, "2026-01") == ["a-letter", "letter-of-autumn", "november-2025", "2025-12"]
    assert _earlier(project, "2026-01", 2) == ["november-2025", "2025-12"]
    assert _earlier(project, "a-letter") == []


def test_of_one_month_the_date_decides(project):
    """Last month's title is the commonest thing left behind: the issue that has it by mistake still comes later."""
    _issue(project, "june", title="News of June 2025", date="2025-07-01T10:00:00Z")
    _issue(project, "july", title="News of June 2025", date="2025-08-02T10:00:00Z")
    assert _earlier(project, "july") == ["june"]
    assert _earlier(project, "june") == []


def test_what_cannot_be_read_or_tells_no_month_is_passed_over(project):
    """A draft beside it, a broken file, a folder of that name: none stops the check."""
    _issue(project, "notes")
    (project.issues / "2025-11.md").write_bytes(b"\xff\xfe\x00")
    (project.issues / "2025-10.md").write_text("---\ntitle: [\n---\n", encoding="utf-8")
    (project.issues / "2025-09.md").mkdir()
    (project.issues / "2025-08.md").symlink_to("nowhere")
    _issue(project, "2025-07")
    assert _earlier(project, "2026-01") == ["2025-07"]
    assert _earlier(project, "notes") == []


def test_what_is_no_file_is_not_waited_for(project):
    """A pipe among the issues would keep every check waiting for ever."""
    os.mkfifo(project.issues / "2025-12.md")
    assert "2025-12" not in _earlier(project, "2026-01")


def test_earlier_issues_are_read_once_until_they_change(project, monkeypatch):
    """A preview checks at every save; what did not change is remembered, what did is read anew."""
    from composer.delivery import earlier

    path = _issue(project, "2025-12")
    issue = read_issue(project.issue_path("2026-01"), project)
    first = earlier_issues(project, issue)
    monkeypatch.setattr(earlier, "read_issue", lambda *_: pytest.fail("read again"))
    assert earlier_issues(project, issue)[0] is first[0]
    monkeypatch.undo()
    _issue(project, "2025-12", title="Another")
    os.utime(path, ns=(1, 1))
    assert earlier_issues(project, issue)[0].title == "Another"


def test_years_of_issues_are_not_all_read(project, monkeypatch):
    """Two hundred issues in a folder must not make every check wait for seconds."""
    from composer.delivery import earlier

    for number in range(200):
        _issue(project, f"{2000 + number // 12}-{number % 12 + 1:02}")
    read = []
    monkeypatch.setattr(earlier, "read_issue", lambda path, project: read.append(path.stem) or read_issue(path, project))
    assert len(_earlier(project, "2026-01")) == MOST
    assert len(read) == MOST


# ---- a send and a test -----------------------------------------------------------------------------------------


@pytest.fixture
def real(project, monkeypatch):
    monkeypatch.setitem(registry.WAYS_OUT, "memory", registry.WayOut(real=True, place=lambda *_: "", opener=lambda *_: MemoryTransport()))
    newsletter = Newsletter(
        name="News", from_="News <news@openletters.org>", postal_address="1 Sample Street", site_url="https://openletters.org"
    )
    (project.recipients / "readers.csv").write_text("email,first_name\nana@example.org,Ana\n", encoding="utf-8")
    return with_config(project, delivery=Delivery(transport="memory"), newsletter=newsletter)


def _family(code, severity):
    """A family that finds one thing in every letter."""
    from composer.checks import run
    from composer.findings import Finding

    return (
        *run.FAMILIES,
        lambda letter, _page: [Finding(code, severity, Where(letter.issue.path, 12), "words of the check", "hint of the check")],
    )


@pytest.fixture
def finds(monkeypatch):
    """Let the checks find something of a severity."""
    from composer.checks import run

    def find(severity):
        monkeypatch.setattr(run, "FAMILIES", _family("made-up", severity))

    return find


def test_an_error_of_a_check_refuses_a_public_send(real, finds):
    """In the same words as `check` has; a list of staff gets it all the same."""
    finds(Severity.ERROR)
    wish = Wish(untested=True)
    public = prepare(real, "2026-01", ["readers"], wish)
    (found,) = [each for each in public.blocking if each.code == "made-up"]
    assert found in public.findings
    assert found in check_issue(real, "2026-01", "readers").findings
    staff = prepare(real, "2026-01", ["staff"], wish)
    assert "made-up" in _codes(staff.findings)
    assert "made-up" not in _codes(staff.blocking)


def test_a_rehearsal_shows_the_error_and_goes_on(project, finds):
    """Nothing leaves the machine, so nothing is refused."""
    finds(Severity.ERROR)
    (project.recipients / "readers.csv").write_text("email,first_name\nana@example.org,Ana\n", encoding="utf-8")
    prepared = prepare(project, "2026-01", ["readers"])
    assert "made-up" in _codes(prepared.findings)
    assert "made-up" not in _codes(prepared.blocking)


def test_a_test_shows_errors_and_goes_on(real, finds):
    """The staff shall see the letter, and what would stop it."""
    finds(Severity.ERROR)
    prepared = prepare_test(real, "2026-01", Asked(("readers",)))
    assert "made-up" in _codes(prepared.findings)
    assert prepared.blocking == ()


@pytest.mark.parametrize(("severity", "shown"), [(Severity.WARNING, True), (Severity.INFO, False)])
def test_a_send_shows_warnings_and_keeps_remarks_for_the_writer(real, finds, severity, shown):
    """Whoever presses send has to read what is printed; remarks would bury the rest."""
    finds(severity)
    prepared = prepare(real, "2026-01", ["readers"], Wish(untested=True))
    assert ("made-up" in _codes(prepared.findings)) is shown
    assert "made-up" not in _codes(prepared.blocking)


def test_a_silenced_error_stops_nothing_and_is_told(real):
    """The writer said why; the sender sees that something was silenced."""
    _add(real, "\n<!-- check off: button-without-link: the form comes later -->\n" + BAD.lstrip())
    prepared = prepare(real, "2026-01", ["readers"], Wish(untested=True))
    assert "button-without-link" not in _codes(prepared.findings)
    assert [each.finding.code for each in prepared.silenced] == ["button-without-link"]
    _add(real, "\n## Two\n" + BAD)
    assert "button-without-link" in _codes(prepare(real, "2026-01", ["readers"], Wish(untested=True)).blocking)


def test_a_send_looks_at_its_own_people_once(real):
    """Size and values are judged over the audience, not a second time over nobody."""
    issue = read_issue(real.issue_path("2026-01"), real)
    edition = compose(issue, ListSettings(), real)
    large = replace(edition, html=edition.html.replace("</body>", "x" * 120_000 + "</body>"))
    assert "gmail-clip" not in _codes(check_edition(real, issue, large, ListSettings()).findings)
    letter = replace(letter_of(real, "2026-01", now=NOW), edition=large)
    assert "gmail-clip" in _codes(check(letter).findings)


def test_a_large_letter_may_be_meant(real):
    """Its size is told by a send as by a check, and silenced alike."""
    path = real.issues / "2026-01.md"
    text = path.read_text(encoding="utf-8") + "\n" + ("Words of a long letter that goes on. " * 90 + "\n\n") * 35
    path.write_text(text, encoding="utf-8")
    assert "gmail-clip" in _codes(prepare(real, "2026-01", ["readers"], Wish(untested=True)).findings)
    assert "gmail-clip" in _codes(prepare_test(real, "2026-01", Asked(("readers",))).findings)
    path.write_text(text.replace("subject:", "checks_off:\n  gmail-clip: it is the yearly report\nsubject:"), encoding="utf-8")
    assert "gmail-clip" not in _codes(prepare(real, "2026-01", ["readers"], Wish(untested=True)).findings)
    assert "gmail-clip" not in _codes(prepare_test(real, "2026-01", Asked(("readers",))).findings)
    assert "gmail-clip" not in _codes(check_issue(real, "2026-01", "readers").findings)


def test_an_issue_that_went_away_is_an_error(project):
    """Between composing and checking a file may be deleted."""
    issue = read_issue(project.issue_path("2026-01"), project)
    edition = compose(issue, ListSettings(), project)
    (project.issues / "2026-01.md").unlink()
    with pytest.raises(IssueError):
        check_edition(project, issue, edition, ListSettings())
