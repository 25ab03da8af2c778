"""``newsletter lists`` as its user meets it: overview, import, export, show, check."""

from __future__ import annotations

import csv
import io
import json
import stat

import pytest
from typer.testing import CliRunner

from composer.cli.app import app

MEMBERS = 'people = "ledger"\ntitle = "Members"\n\n[segments]\nfrench = \'country == "FR"\'\n'
EXPORT = """\
Email Address,First Name,Country,Status
ana@example.org,Ana,FR,subscribed
ben@example.org,=Ben,DE,unsubscribed
bad@@x,Who,,subscribed
ANA@example.org,Anna,,subscribed
zoe@example.org,,IT,cleaned
eve@example.org,Eve,FR,subscribed
"""


@pytest.fixture
def newsletter(project):
    (project.root / "recipients" / "members.toml").write_text(MEMBERS)

    def command(*arguments):
        return CliRunner().invoke(app, ["--project", str(project.root), *map(str, arguments)])

    return command


@pytest.fixture
def export_file(tmp_path):
    path = tmp_path / "export.csv"
    path.write_text(EXPORT)
    return path


@pytest.fixture
def filled(newsletter, export_file):
    newsletter("lists", "import", export_file, "--to", "members")
    return newsletter


def test_an_import_ends_with_counts_and_a_private_file_of_findings(newsletter, export_file, project):
    """The sender sees what happened to every row, and what is wrong is kept for them alone."""
    result = newsletter("lists", "import", export_file, "--to", "members")
    assert result.exit_code == 1
    assert [line.strip() for line in result.stdout.splitlines()] == [
        "Rows  6",
        "4 new on the list",
        "1 duplicates within the file",
        "1 left out: the row cannot be used",
        "1 unsubscribed, as the file says",
        "1 suppressed, as the file says: bounced, complained or blocked",
        "4 rows written to members.",
    ]
    assert "4:email_address: error: not an address" in result.stderr
    (found,) = (project.root / "var" / "imports").iterdir()
    assert stat.S_IMODE(found.stat().st_mode) == 0o600
    (row,) = csv.DictReader(io.StringIO(found.read_text(encoding="utf-8")))
    assert (row["line"], row["column"], row["severity"], row["code"]) == ("4", "email_address", "error", "address-invalid")


def test_findings_that_cannot_be_written_stop_the_import(newsletter, export_file, tmp_path):
    """What is wrong with the rows would be lost; nobody is imported, and the operator reads which folder it is."""
    (tmp_path / "file").write_text("")
    result = newsletter("lists", "import", export_file, "--to", "members", "--findings", tmp_path / "file" / "findings.csv")
    assert result.exit_code == 2
    assert "cannot be made" in result.stderr
    assert json.loads(newsletter("lists", "show", "members", "--json").stdout)["counts"]["confirmed"] == 0


def test_a_clean_import_leaves_no_file(newsletter, tmp_path, project):
    """No findings, no file, exit code 0."""
    path = tmp_path / "export.csv"
    path.write_text("email\nana@example.org\n")
    result = newsletter("lists", "import", path, "--to", "members", "--json")
    assert result.exit_code == 0, result.output
    data = json.loads(result.stdout)
    assert (data["list"], data["rows"], data["created"], data["invalid"], data["findings"], data["dry_run"]) == (
        "members",
        1,
        1,
        0,
        None,
        False,
    )
    assert not (project.root / "var" / "imports").exists()


def test_dry_run_writes_nobody(newsletter, export_file):
    """The counts before the deed, and where to look for what is wrong."""
    result = newsletter("lists", "import", export_file, "--to", "members", "--dry-run")
    assert "4 new on the list" in result.stdout
    assert "Dry run: nothing was written to members." in result.stdout
    assert json.loads(newsletter("lists", "show", "members", "--json").stdout)["counts"] == {
        "confirmed": 0,
        "unconfirmed": 0,
        "unsubscribed": 0,
    }


def test_findings_go_where_they_are_wanted(newsletter, tmp_path):
    """Many findings are printed in part and written whole."""
    path, wanted = tmp_path / "export.csv", tmp_path / "wrong.csv"
    path.write_text("email\n" + "nobody\n" * 30 + "ana@example.org\n")
    result = newsletter("lists", "import", path, "--to", "members", "--findings", wanted)
    assert "and 10 more like this [address-invalid]" in result.stderr
    assert "30 errors" in result.stderr
    assert len(list(csv.DictReader(io.StringIO(wanted.read_text(encoding="utf-8"))))) == 30
    assert "1 new on the list" in result.stdout


def test_state_is_for_people_of_whom_the_file_says_nothing(newsletter, tmp_path):
    """A list of people who never confirmed may be brought in as that."""
    path = tmp_path / "export.csv"
    path.write_text("email\nana@example.org\n")
    newsletter("lists", "import", path, "--to", "members", "--state", "unconfirmed")
    assert json.loads(newsletter("lists", "show", "members", "--json").stdout)["counts"]["unconfirmed"] == 1


def test_a_file_that_is_no_list_writes_nobody(newsletter, tmp_path, project):
    """A wrong file stops before anything happens, and leaves no findings file."""
    path = tmp_path / "picture.csv"
    path.write_bytes(b"PK\x03\x04 not a list")
    result = newsletter("lists", "import", path, "--to", "members")
    assert result.exit_code == 2
    assert "CSV" in result.stderr
    assert newsletter("lists", "import", tmp_path / "none.csv", "--to", "members").exit_code == 2
    assert not (project.root / "var" / "imports").exists()


def test_a_csv_list_refuses_an_import_and_says_what_to_do(newsletter, export_file):
    """People of a CSV list are edited in their file; an import needs a list of the ledger."""
    result = newsletter("lists", "import", export_file, "--to", "staff")
    assert result.exit_code == 2
    assert "the people of the list staff are in recipients/staff.csv" in result.stderr
    assert 'Write the line people = "ledger" into recipients/staff.toml' in result.stderr
    assert "newsletter lists import recipients/staff.csv --to staff" in result.stderr
    unknown = newsletter("lists", "import", export_file, "--to", "nobody")
    assert unknown.exit_code == 2
    assert "Lists in the ledger: members." in unknown.stderr
    odd = newsletter("lists", "import", export_file, "--to", "..")
    assert odd.exit_code == 2
    assert "'..' cannot be the name of a list" in odd.stderr


def test_overview_shows_every_list(filled, project):
    """One look: what lists there are, where their people are, and how many."""
    (project.root / "recipients" / "broken.toml").write_text("kind = 3")
    result = filled("lists")
    assert result.exit_code == 1
    rows = [line.split() for line in result.stdout.splitlines()]
    assert rows == [
        ["List", "Kind", "People", "Confirmed", "Unconfirmed", "Unsubscribed"],
        ["broken", "?", "?", "?"],
        ["members", "public", "ledger", "2", "1", "1"],
        ["staff", "staff", "recipients/staff.csv", "3", "0", "0"],
    ]
    assert "recipients/broken.toml:1" in result.stderr
    (project.root / "recipients" / "broken.toml").unlink()
    (project.root / "recipients" / "members.toml").unlink()
    data = json.loads(filled("lists", "--json").stdout)
    assert [(each["name"], each["people"]) for each in data] == [("staff", "recipients/staff.csv"), ("members", "ledger, not declared")]


def test_overview_makes_no_ledger(newsletter, project):
    """Looking leaves nothing behind."""
    assert newsletter("lists").exit_code == 0
    assert not (project.root / "var").exists()


def test_show_has_numbers_and_no_address(filled):
    """What may be read over a shoulder, or sent to a colleague."""
    result = filled("lists", "show", "members")
    assert result.exit_code == 0
    for words in ("Members", "2 confirmed", "1 unsubscribed", "country (4)", "first_name (3)", 'french: country == "FR"'):
        assert words in result.stdout
    assert "@" not in result.output
    data = json.loads(filled("lists", "show", "staff", "--json").stdout)
    assert data["counts"] == {"confirmed": 3, "unconfirmed": 0, "unsubscribed": 0}
    assert data["columns"] == {"first_name": 3, "last_name": 3, "name": 3}


def test_show_of_a_part_counts_it_and_names_a_few(filled, project):
    """Whether a segment means those one has in mind is seen before the send; as a send does, it looks at the confirmed."""
    result = filled("lists", "show", "members", "--segment", "french")
    assert result.exit_code == 0
    assert [line.split() for line in result.stdout.splitlines()] == [
        ["2", "of", "2", "on", "members"],
        ["Address", "Name", "country"],
        ["ana@example.org", "Ana", "FR"],
        ["eve@example.org", "Eve", "FR"],
    ]
    data = json.loads(filled("lists", "show", "members", "--segment", "french", "--where", 'name == "eve"', "--json").stdout)
    assert (data["people"], data["matching"], [each["email"] for each in data["some"]]) == (2, 1, ["eve@example.org"])
    people = "".join(f"p{number}@example.org\n" for number in range(30))
    (project.recipients / "many.csv").write_text(f"email\n{people}")
    many = filled("lists", "show", "many", "--where", 'domain == "example.org"').stdout.splitlines()
    assert many[0] == "30 of 30 on many; the first 10:"
    assert len(many) == 12


def test_show_of_a_part_that_cannot_be(filled):
    """A misspelt column is empty for everyone: it is told, with exit code 1; a segment that is not there is a usage error."""
    result = filled("lists", "show", "members", "--where", 'contry == "FR"')
    assert result.exit_code == 1
    assert "Did you mean country?" in result.stderr
    assert result.stdout == "0 of 2 on members\n"
    unknown = filled("lists", "show", "members", "--segment", "german")
    assert unknown.exit_code == 2
    assert "the list members has no segment 'german'" in unknown.stderr
    assert "Its segments: french." in unknown.stderr
    empty = filled("lists", "show", "members", "--where", "")
    assert empty.exit_code == 2
    assert "the segment is empty" in empty.stderr


def test_export_is_private_neutral_and_can_be_imported_again(filled, project, tmp_path):
    """People leave the ledger as they are in it, and a spreadsheet runs nothing of what they typed."""
    path = tmp_path / "out.csv"
    assert filled("lists", "export", "members", path).exit_code == 0
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    rows = {row["email"]: row for row in csv.DictReader(io.StringIO(path.read_text(encoding="utf-8")))}
    assert {email: row["subscription_status"] for email, row in rows.items()} == {
        "ana@example.org": "confirmed",
        "ben@example.org": "unsubscribed",
        "eve@example.org": "confirmed",
        "zoe@example.org": "unconfirmed",
    }
    assert rows["ben@example.org"]["first_name"] == "'=Ben"
    (project.root / "recipients" / "copy.toml").write_text('people = "ledger"')
    again = json.loads(filled("lists", "import", path, "--to", "copy", "--json").stdout)
    assert (again["created"], again["unsubscribed"], again["suppressed"]) == (4, 1, 1)
    printed = filled("lists", "export", "staff")
    assert len(list(csv.DictReader(io.StringIO(printed.stdout)))) == 3
    assert "subscription_status" in printed.stdout.splitlines()[0]


def test_check_names_who_lacks_a_field(filled, project):
    """By the row where the sender mends it; in the ledger there are no rows, so by the address."""
    text = (project.root / "issues" / "2026-01.md").read_text()
    (project.root / "issues" / "2026-02.md").write_text(text.replace("Hello ", "Hello {{ country }} {{ last_name }} "))
    result = filled("lists", "check", "members", "2026-02")
    assert result.exit_code == 1
    assert "ana@example.org  last_name" in result.stdout
    assert "eve@example.org  last_name" in result.stdout
    assert "ben@example.org" not in result.output
    rows = [line.split() for line in result.stdout.splitlines()]
    assert rows[1][0] == "country"
    assert rows[1][-2:] == ["0", "2"]
    assert rows[2][-2:] == ["2", "2"]
    data = json.loads(filled("lists", "check", "staff", "2026-02", "--json").stdout)
    assert data["lacking"] == [{"where": f"recipients/staff.csv:{line}:country", "field": "country"} for line in (2, 3, 4)]
    assert [(each["name"], each["lacking"]) for each in data["fields"]] == [("country", 3), ("last_name", 0)]


def test_check_is_content_when_nobody_lacks_anything(filled):
    """A field with a default lacks nobody; that no list has a column for it is still worth a word."""
    result = filled("lists", "check", "members", "2026-01")
    assert result.exit_code == 0
    assert "Nobody lacks a field that the issue needs (2 subscribers)." in result.stdout
