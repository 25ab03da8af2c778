"""The people of lists as the preview needs them: counted without reading a large file, found, and looked through the eyes of."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from composer.audience.files import read_export
from composer.config import ListSettings
from composer.edition.compose import compose
from composer.errors import AudienceError, UsageError
from composer.issue.files import read_issue
from composer.ledger.imports import import_people
from composer.ledger.opening import open_ledger
from composer.web.preview import people as module
from composer.web.preview.people import People


@pytest.fixture
def edition(project):
    """The project's issue for no list."""
    return compose(read_issue(project.issue_path("2026-01"), project), ListSettings(), project)


@pytest.fixture
def members(project, tmp_path):
    """A list whose people are in the ledger."""
    (project.root / "recipients" / "members.toml").write_text(
        'title = "Members"\npeople = "ledger"\n[fields]\nlast_name = "of the circle"\n', encoding="utf-8"
    )
    export = tmp_path / "export.csv"
    export.write_text("email,first_name\nana@example.org,Ana\nben@example.org,Ben\n", encoding="utf-8")
    with open_ledger(project) as ledger:
        import_people(ledger, "members", read_export(export), source="", now=datetime.now(UTC), secret_keys=("key",))
    return project


def counts(project, people=None):
    return {each["name"]: each["count"] for each in (people or People()).lists(project)}


def test_lists_are_counted_wherever_their_people_are(members):
    """A CSV file is read, the ledger is asked; nothing is a gap in the menu."""
    assert counts(members) == {"members": 2, "staff": 3}
    assert {each["name"]: (each["title"], each["kind"]) for each in People().lists(members)}["members"] == ("Members", "public")


def test_a_list_without_a_ledger_is_empty(project):
    """Nobody was brought in yet, and looking makes no database."""
    (project.root / "recipients" / "members.toml").write_text('people = "ledger"\n', encoding="utf-8")
    assert counts(project)["members"] == 0
    assert People().search(project, "members", "") == []
    assert not (project.root / "var").exists()


def test_a_large_file_is_counted_once_it_was_read(project, monkeypatch):
    """Opening a page does not read a hundred thousand rows that nobody asked for."""
    monkeypatch.setattr(module, "_LARGE", 10)
    people = People()
    assert counts(project, people)["staff"] is None
    people.search(project, "staff", "ada")
    assert counts(project, people)["staff"] == 3
    (project.root / "recipients" / "staff.csv").write_text("email\nsomebody.else@example.org\n", encoding="utf-8")
    assert counts(project, people)["staff"] is None


def test_a_changed_file_is_read_again(project):
    """And one that did not change is not."""
    people = People()
    with people.of(project, "staff") as first, people.of(project, "staff") as second:
        assert first is second
    path = project.root / "recipients" / "staff.csv"
    path.write_text(path.read_text(encoding="utf-8") + "new@example.org,New,Person\n", encoding="utf-8")
    assert people.search(project, "staff", "new") == [{"email": "new@example.org", "name": "New Person"}]


def test_people_of_the_ledger_are_found_and_shown(members, edition):
    """With what their list declares for empty fields."""
    people = People()
    assert [each["email"] for each in people.search(members, "members", "AN")] == ["ana@example.org"]
    guise = people.guise(members, "members", "ben@example.org", edition)
    assert guise.person.fields | {"first_name": "Ben", "last_name": "of the circle"} == guise.person.fields


def test_a_guise_is_somebody_of_the_list(project, edition):
    """Nobody is made up in silence: an address that is not on the list, a case that is not, and a person without a list are refused."""
    people = People()
    assert people.guise(project, "staff", "", edition).person is None
    assert people.guise(project, "staff", "GRACE@example.org", edition).person.fields["first_name"] == "Grace"
    assert people.guise(project, "staff", "case:missing fields", edition).person.fields == {}
    assert people.guise(project, "", "case:emoji", edition).person.email == "reader@example.com"
    for name, wanted in (("staff", "gone@example.org"), ("staff", "case:nothing"), ("", "ada@example.org"), ("staff", "not an address")):
        with pytest.raises(UsageError):
            people.guise(project, name, wanted, edition)
    with pytest.raises(AudienceError):
        people.guise(project, "none", "ada@example.org", edition)
