"""``newsletter subscriber add`` and ``edit`` as their user meets them."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from composer.cli.app import app

ANA = "ana@example.org"


@pytest.fixture
def newsletter(project):
    (project.recipients / "members.toml").write_text('people = "ledger"\n')

    def command(*arguments):
        return CliRunner().invoke(app, ["--project", str(project.root), *map(str, arguments)])

    return command


@pytest.fixture
def add(newsletter):
    return lambda *more: newsletter("subscriber", "add", ANA, "--list", "members", *more)


def _profile(newsletter):
    data = json.loads(newsletter("subscriber", "show", ANA, "--json").stdout)
    profile = data["profile"] or {"name": None, "fields": None}
    return profile["name"], profile["fields"], [(each["list"], each["state"]) for each in data["subscriptions"]]


def test_add_brings_one_person_onto_a_list(newsletter, add):
    """Somebody asks at the door; no file need be made for one person."""
    assert add("--field", "First Name=Ana", "--field", "city=Paris").stdout == f"{ANA}: added to members.\n"
    assert _profile(newsletter) == ("Ana", {"first_name": "Ana", "city": "Paris", "name": "Ana"}, [("members", "confirmed")])
    assert add().stdout == f"{ANA}: on members already.\n"
    assert add("--name", "Ana Silva").stdout == f"{ANA}: on members already; their values are changed.\n"
    assert _profile(newsletter)[0] == "Ana Silva"


def _leave(newsletter, project):
    path = project.root / "left.csv"
    path.write_text(f"email,status\n{ANA},unsubscribed\n")
    newsletter("lists", "import", path, "--to", "members")


@pytest.mark.parametrize(
    ("before", "words"),
    [
        (_leave, "unsubscribed from members"),
        (lambda newsletter, _: newsletter("suppress", "add", ANA), "is suppressed"),
        (lambda newsletter, _: newsletter("suppress", "add", ANA, "--list", "members", "--reason", "complaint"), "is suppressed"),
        (lambda newsletter, _: newsletter("subscriber", "forget", ANA, "--yes"), "asked to be forgotten"),
    ],
)
def test_nobody_comes_back_by_it(newsletter, add, project, before, words):
    """Not who left, not who is suppressed, not who was forgotten: it is said, and nothing is written."""
    before(newsletter, project)
    was = _profile(newsletter)
    result = add("--name", "Ana", "--field", "city=Paris")
    assert result.exit_code == 2
    assert words in result.stderr
    assert "nothing was added" in result.stderr
    assert _profile(newsletter) == was


def test_edit_sets_and_takes_away(newsletter, add):
    """A name is misspelt, a city no longer true; what they said of the list stays."""
    add("--field", "first_name=Anna", "--field", "last_name=Silva", "--field", "city=Paris")
    assert newsletter("subscriber", "edit", ANA, "--field", "first_name=Ana", "--field", "city=").stdout == f"{ANA}: changed.\n"
    assert _profile(newsletter) == (
        "Ana Silva",
        {"first_name": "Ana", "last_name": "Silva", "name": "Ana Silva"},
        [("members", "confirmed")],
    )
    newsletter("subscriber", "edit", ANA, "--name", "A. Silva")
    assert newsletter("subscriber", "edit", ANA, "--field", "first_name=Anouk").exit_code == 0
    assert _profile(newsletter)[0] == "A. Silva"
    assert newsletter("subscriber", "edit", ANA, "--field", "first_name=Anouk").stdout == f"{ANA}: it was so already.\n"


def test_edit_of_somebody_who_left_does_not_bring_them_back(newsletter, add, project):
    """Their name may be mended; their word stays."""
    add()
    _leave(newsletter, project)
    assert newsletter("subscriber", "edit", ANA, "--name", "Ana").exit_code == 0
    assert _profile(newsletter)[2] == [("members", "unsubscribed")]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("add", "ana@@example.org", "--list", "members"), "'ana@@example.org': "),
        (("add", ANA, "--list", "staff"), "the people of the list staff are in recipients/staff.csv"),
        (("add", ANA, "--list", "friends"), "there is no list 'friends' in the ledger"),
        (("add", ANA, "--list", "members", "--field", "city"), "'city' is no field with a value"),
        (("add", ANA, "--list", "members", "--field", "e-mail=b@example.org"), "cannot be a field: this value is made"),
        (("add", ANA, "--list", "members", "--field", f"{'x' * 501}=1"), "its name is longer than 500 characters"),
        (("add", ANA, "--list", "members", "--field", "!=1"), "it has no letter or digit"),
        (("add", ANA, "--list", "members", "--field", "city=\udcff"), "the value of city is not text in UTF-8"),
        (("edit", ANA), "there is nothing to change"),
        (("edit", "eve@example.org", "--name", "Eve"), "eve@example.org is on no list of the ledger"),
    ],
)
def test_what_cannot_be(newsletter, arguments, words):
    """Each mistake says what it is, and nothing is written."""
    result = newsletter("subscriber", *arguments)
    assert result.exit_code == 2, result.output
    assert words in result.stderr
