"""``newsletter suppress`` as its user meets it."""

from __future__ import annotations

import csv
import json
import stat
from datetime import UTC, datetime

import pytest
from sqlalchemy import insert
from typer.testing import CliRunner

from composer.cli.app import app
from composer.cli.private import neutral, private_file
from composer.cli.suppressed import describe
from composer.delivery.sync import SyncCounts
from composer.errors import UsageError
from composer.ledger.campaigns import start_campaign
from composer.ledger.deliveries import claim
from composer.ledger.forgotten import forget
from composer.ledger.model import Reason
from composer.ledger.opening import open_ledger
from composer.ledger.schema import subscribers, subscriptions
from composer.ledger.suppressions import iter_suppressions
from composer.testing import FakeClock, an_audience, an_edition

NOW = FakeClock().now


@pytest.fixture
def newsletter(project):
    def command(*arguments):
        return CliRunner().invoke(app, ["--project", str(project.root), *map(str, arguments)])

    return command


def _kept(project):
    with open_ledger(project) as ledger:
        return [(each.key, each.scope, str(each.reason), each.source) for each in iter_suppressions(ledger)]


def test_add_suppresses_everywhere_by_default(newsletter, project):
    """Somebody calls and wants no more mail."""
    result = newsletter("suppress", "add", "Ana@Example.org", '"Bo" <bo@example.org>', "--note", "called on Monday")
    assert (result.exit_code, result.stdout) == (0, "2 new suppressions everywhere\n")
    assert _kept(project) == [("ana@example.org", "", "manual", "called on Monday"), ("bo@example.org", "", "manual", "called on Monday")]


def test_add_says_what_was_known(newsletter):
    """Nothing seems to have happened twice."""
    newsletter("suppress", "add", "ana@example.org")
    assert newsletter("suppress", "add", "ana@example.org", "bo@example.org").stdout == "1 new suppression everywhere, 1 known already\n"


def test_add_for_one_list_with_a_reason(newsletter, project):
    """The reason is what `who` and a report tell later."""
    result = newsletter("suppress", "add", "ana@example.org", "--list", "staff", "--reason", "complaint")
    assert result.stdout == "1 new suppression on staff\n"
    assert _kept(project) == [("ana@example.org", "staff", "complaint", "command line")]


def test_a_list_that_there_is_not_is_refused(newsletter, project):
    """A misspelt list would suppress nobody, silently."""
    result = newsletter("suppress", "add", "ana@example.org", "--list", "stuff")
    assert result.exit_code == 2
    assert "there is no list 'stuff'" in result.stderr
    assert not project.var.exists()


def test_one_bad_address_stops_all(newsletter, project):
    """Half of a list of addresses typed in would be left behind unnoticed."""
    result = newsletter("suppress", "add", "ana@example.org", "bo at example.org")
    assert result.exit_code == 2
    assert "'bo at example.org': not an address" in result.stderr
    assert not project.var.exists()


def test_it_holds_from_the_next_claim(newsletter, project):
    """A campaign that is running mails them no more."""
    with open_ledger(project) as ledger:
        campaign = start_campaign(ledger, an_edition(), an_audience(2), transport="sendgrid", real=True, setting={}, now=NOW)
        newsletter("suppress", "add", "person1@example.com")
        assert [row.email for row in claim(ledger, campaign, 10, NOW).rows] == ["person2@example.com"]


def test_remove_takes_back_one_scope_and_names_what_remains(newsletter, project):
    """Whoever removes one expects mail to flow again: it does not, while another stands."""
    newsletter("suppress", "add", "ana@example.org")
    newsletter("suppress", "add", "ana@example.org", "--list", "staff", "--reason", "hard_bounce")
    result = newsletter("suppress", "remove", "ana@example.org")
    assert (result.exit_code, result.stdout) == (0, "ana@example.org: 1 suppression removed (everywhere)\n")
    assert result.stderr == "  still suppressed on staff: mail bounced: the mailbox is not there\n"
    assert _kept(project) == [("ana@example.org", "staff", "hard_bounce", "command line")]
    assert newsletter("suppress", "remove", "ana@example.org").stdout == "ana@example.org: nothing to remove (everywhere)\n"


def test_remove_by_reason_leaves_the_others(newsletter, project):
    """A note by hand was a mistake; the complaint was not."""
    newsletter("suppress", "add", "ana@example.org", "--reason", "complaint")
    newsletter("suppress", "add", "ana@example.org")
    newsletter("suppress", "remove", "ana@example.org", "--reason", "manual")
    assert [row[2] for row in _kept(project)] == ["complaint"]


def test_remove_leaves_what_the_person_said_of_a_list(newsletter, project):
    """Unsubscribing is a person's own word; the sender cannot take it back for them, and is told so."""
    with open_ledger(project) as ledger, ledger.write() as connection:
        moments = {"created_at": NOW, "updated_at": NOW}
        person = {"address_key": "ana@example.org", "email": "ana@example.org", "name": "", "fields": {}, **moments}
        number = connection.execute(insert(subscribers).values(person)).inserted_primary_key[0]
        for name, state in (("members", "unsubscribed"), ("board", "confirmed")):
            connection.execute(insert(subscriptions).values(list=name, subscriber=number, state=state, source="link", **moments))
    result = newsletter("suppress", "remove", "ana@example.org", "--list", "members")
    assert "still unsubscribed from members" in result.stderr
    assert "board" not in result.stderr


def test_list_shows_one_a_line(newsletter):
    """Since when, why, where, who, and who said so; the number on stderr."""
    newsletter("suppress", "add", "ana@example.org", "--note", "called\x1b[31m")
    newsletter("suppress", "add", "bo@example.org", "--list", "staff", "--reason", "invalid")
    result = newsletter("suppress", "list")
    today = datetime.now(UTC).strftime("%Y-%m-%d")
    assert result.stdout.splitlines() == [
        f"{today}  manual        everywhere    ana@example.org  called [31m",
        f"{today}  invalid       staff         bo@example.org  command line",
    ]
    assert result.stderr == "2 suppressions\n"


@pytest.mark.parametrize(
    ("options", "found"),
    [
        ((), ["a", "b", "c"]),
        (("--list", "staff"), ["b"]),
        (("--list", "everywhere"), ["a", "c"]),
        (("--reason", "invalid"), ["b", "c"]),
        (("--list", "everywhere", "--reason", "invalid"), ["c"]),
        (("--list", "members"), []),
    ],
)
def test_list_as_json_is_narrowed(newsletter, options, found):
    """Scripts ask for one list, or for those that hold everywhere."""
    newsletter("suppress", "add", "a@example.org")
    newsletter("suppress", "add", "b@example.org", "--list", "staff", "--reason", "invalid")
    newsletter("suppress", "add", "c@example.org", "--reason", "invalid", "--note", 'said "no"')
    data = json.loads(newsletter("suppress", "list", "--json", *options).stdout)
    assert [row["email"][0] for row in data] == found
    for row in data:
        assert list(row) == ["email", "reason", "scope", "created_at", "source"]
        assert datetime.fromisoformat(row["created_at"]).tzinfo


@pytest.mark.parametrize(
    ("name", "text", "reason", "since"),
    [
        (
            "suppression_bounces.csv",
            "status,reason,email,created\n5.1.1,550 no such user,ana@example.org,1700000000\n",
            "hard_bounce",
            1_700_000_000,
        ),
        ("suppression_spam_reports.csv", "ip,email,created\n192.0.2.1,ana@example.org,1700000000\n", "complaint", 1_700_000_000),
        ("suppression_invalid_emails.csv", "reason,email,created\nMail domain,ana@example.org,1700000000\n", "invalid", 1_700_000_000),
        ("suppression_unsubscribes.csv", "email,created\nana@example.org,1700000000\n", "unsubscribed", 1_700_000_000),
    ],
)
def test_sendgrids_exports_import_as_they_are(newsletter, project, tmp_path, name, text, reason, since):
    """The team moves over with the files that SendGrid gives."""
    (tmp_path / name).write_text(text)
    result = newsletter("suppress", "import", tmp_path / name)
    assert (result.exit_code, result.stdout) == (0, "1 new suppression everywhere\n"), result.output
    with open_ledger(project) as ledger:
        found = list(iter_suppressions(ledger))
    assert [(each.key, each.reason, each.source) for each in found] == [("ana@example.org", reason, f"import {name}")]
    assert found[0].created_at == datetime.fromtimestamp(since, UTC)


def test_import_names_broken_rows_and_takes_the_rest(newsletter, project, tmp_path):
    """One broken line of ten thousand is a finding at its line, and an exit code to notice."""
    path = tmp_path / "left.csv"
    path.write_text("email\nana@example.org\nbo at example\ncy@example.org\n")
    result = newsletter("suppress", "import", path, "--reason", "unsubscribed", "--list", "staff")
    assert result.exit_code == 1
    assert "left.csv:3:email" in result.stderr
    assert "[address-invalid]" in result.stderr
    assert [(row[0], row[1], row[2]) for row in _kept(project)] == [
        ("ana@example.org", "staff", "unsubscribed"),
        ("cy@example.org", "staff", "unsubscribed"),
    ]


def test_import_of_what_is_no_table_changes_nothing(newsletter, project, tmp_path):
    """The wrong file was chosen."""
    path = tmp_path / "left.csv"
    path.write_text("nothing here\nis an address\n")
    assert newsletter("suppress", "import", path).exit_code == 2
    assert not project.var.exists()


def test_an_address_a_line_is_enough(newsletter, project, tmp_path):
    """What somebody pastes from a mail has no header; a broken line is named by its number, the first one too."""
    path = tmp_path / "left.txt"
    path.write_text('\ufeffana@example.org\n\n"Bo" <bo@example.org>,\nbad@@x\nANA@example.org\n')
    result = newsletter("suppress", "import", path, "--reason", "unsubscribed")
    assert result.exit_code == 1
    assert result.stdout == "2 new suppressions everywhere, 1 known already\n"
    assert f"{path}:4:email: error:" in result.stderr
    assert [(key, reason) for key, _, reason, _ in _kept(project)] == [
        ("ana@example.org", "unsubscribed"),
        ("bo@example.org", "unsubscribed"),
    ]
    path.write_text("bad@@x\neve@example.org\n")
    again = newsletter("suppress", "import", path)
    assert f"{path}:1:email: error:" in again.stderr
    assert again.stdout == "1 new suppression everywhere\n"
    path.write_text("ana@example.org,Ana\nbo@example.org,Bo\n")
    refused = newsletter("suppress", "import", path)
    assert refused.exit_code == 2
    assert "the first line holds an address, but must name the columns" in refused.stderr


def test_a_dry_run_counts_and_writes_nothing(newsletter, project, tmp_path):
    """A file of thousands is looked at first."""
    path = tmp_path / "left.csv"
    path.write_text("email\nana@example.org\nbo@example.org\nbad@@x\nbo@example.org\ngone@example.org\n")
    newsletter("suppress", "add", "ana@example.org")
    newsletter("subscriber", "forget", "gone@example.org", "--yes")
    before = _kept(project)
    counts = {"rows": 5, "new": 1, "known": 2, "forgotten": 1, "invalid": 1}
    result = newsletter("suppress", "import", path, "--dry-run", "--json")
    assert result.exit_code == 1
    assert json.loads(result.stdout) == {"dry_run": True, "scope": "", **counts}
    assert "Dry run: nothing was written.\n" in newsletter("suppress", "import", path, "--dry-run").stdout
    assert _kept(project) == before
    assert json.loads(newsletter("suppress", "import", path, "--json").stdout) == {"dry_run": False, "scope": "", **counts}
    assert len(_kept(project)) == len(before) + 1


def test_an_import_brings_nobody_back_who_was_forgotten(newsletter, project, tmp_path):
    """An old export still holds the address; the ledger may not learn it again."""
    with open_ledger(project) as ledger:
        forget(ledger, "gone@example.org", project.signing_keys(), NOW)
    path = tmp_path / "unsubscribes.csv"
    path.write_text("email\ngone@example.org\nana@example.org\n")
    result = newsletter("suppress", "import", path)
    assert result.stdout == "1 new suppression everywhere\n"
    assert "1 passed over: they were forgotten" in result.stderr
    assert [row[0] for row in _kept(project)] == ["ana@example.org"]
    assert "1 passed over" in newsletter("suppress", "add", "gone@example.org").stderr


def test_export_can_be_imported_again(newsletter, project, tmp_path):
    """What left one project arrives in another as it was: reasons, lists, moments."""
    newsletter("suppress", "add", "ana@example.org", "--reason", "complaint")
    newsletter("suppress", "add", "bo@example.org", "--list", "staff")
    with open_ledger(project) as ledger:
        before = [(each.key, each.scope, each.reason, each.created_at) for each in iter_suppressions(ledger)]
    path = tmp_path / "kept.csv"
    assert newsletter("suppress", "export", path).stdout.startswith("2 suppressions written to ")
    newsletter("suppress", "remove", "ana@example.org")
    newsletter("suppress", "remove", "bo@example.org", "--list", "staff")
    assert newsletter("suppress", "import", path).exit_code == 0
    with open_ledger(project) as ledger:
        assert [(each.key, each.scope, each.reason, each.created_at) for each in iter_suppressions(ledger)] == before


def test_an_address_that_looks_like_a_formula_makes_the_round_trip(newsletter, project, tmp_path):
    """The apostrophe that protects a spreadsheet may not make another address of it: that one would be mailed."""
    newsletter("suppress", "add", "+tag@example.org", "=eq@example.org", "'quoted@example.org")
    before = [row[:3] for row in _kept(project)]
    path = tmp_path / "kept.csv"
    newsletter("suppress", "export", path)
    assert "'+tag@example.org" in path.read_text()
    assert newsletter("suppress", "import", path).stdout == "0 new suppressions everywhere, 3 known already\n"
    assert [row[:3] for row in _kept(project)] == before


def test_an_import_for_a_list_that_there_is_not_is_told(newsletter, project, tmp_path):
    """It suppresses nobody as things are; once is enough to say so."""
    path = tmp_path / "kept.csv"
    path.write_text("email,scope\na@example.org,staff\nb@example.org,stuff\nc@example.org,stuff\nd@example.org,everywhere\n")
    result = newsletter("suppress", "import", path)
    assert result.exit_code == 0
    assert result.stderr.count("[suppression-list-unknown]") == 1
    assert "kept.csv:3: warning: there is no list 'stuff'" in result.stderr
    assert [row[1] for row in _kept(project)] == ["staff", "stuff", "stuff", ""]


def test_export_is_private_and_harmless_in_a_spreadsheet(newsletter, tmp_path):
    """It holds people, and a note may hold a formula."""
    newsletter("suppress", "add", "ana@example.org", "--note", "=HYPERLINK(1)")
    path = tmp_path / "kept.csv"
    path.write_text("old")
    path.chmod(0o644)
    newsletter("suppress", "export", path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    rows = list(csv.DictReader(path.read_text().splitlines()))
    assert [(row["email"], row["scope"], row["source"]) for row in rows] == [("ana@example.org", "everywhere", "'=HYPERLINK(1)")]


def test_export_says_when_it_cannot_write(newsletter, tmp_path):
    """Not a traceback."""
    result = newsletter("suppress", "export", tmp_path / "missing" / "kept.csv")
    assert result.exit_code == 2
    assert "cannot be written: No such file or directory" in result.stderr


def test_a_private_file_is_whole_or_not_there(tmp_path):
    """A broken export may not pass for a complete one, nor stay as a part."""
    path = tmp_path / "kept.csv"
    path.write_text("old")

    def break_off():
        with private_file(path) as file:
            file.write("new")
            raise UsageError("stop")

    with pytest.raises(UsageError, match="stop"):
        break_off()
    assert [each.name for each in tmp_path.iterdir()] == ["kept.csv"]
    assert path.read_text() == "old"


@pytest.mark.parametrize("cell", ["=1", "+1", "-1", "@SUM", "\t=1", "\r=1"])
def test_cells_that_a_spreadsheet_would_run_are_neutralised(cell):
    """OWASP's list of first characters."""
    assert neutral(cell) == f"'{cell}"
    assert neutral(f"a{cell}") == f"a{cell}"


def test_sync_needs_a_key(newsletter, monkeypatch):
    """The sentence says where to put it."""
    monkeypatch.delenv("SENDGRID_API_KEY", raising=False)
    result = newsletter("suppress", "sync")
    assert result.exit_code == 2
    assert "there is no API key for SendGrid" in result.stderr


@pytest.fixture
def synced(monkeypatch):
    """A sync that found something of everything."""
    counts = SyncCounts({Reason.HARD_BOUNCE: 1_200, Reason.COMPLAINT: 3}, new=4, blocks=1, other_groups=2, unreadable=5, forgotten=6)
    monkeypatch.setattr("composer.delivery.sync.sync", lambda *_: counts)
    return counts


def test_sync_says_what_it_found_and_what_it_left(newsletter, synced):
    """Numbers that are not suppressed have their why beside them."""
    result = newsletter("suppress", "sync")
    assert result.stdout.splitlines() == list(describe(synced))
    assert result.stdout.startswith("SendGrid: 4 new suppressions; 1,200 bounced: the mailbox is not there; 3 marked a mail as spam.\n")
    for words in ("1 block not", "2 left groups", "5 passed over", "6 passed over"):
        assert f"\n{words}" in result.stdout


def test_sync_as_json(newsletter, synced):
    """For whoever watches it every night."""
    assert json.loads(newsletter("suppress", "sync", "--json").stdout) == {
        "suppressed": {"hard_bounce": 1_200, "complaint": 3},
        "new": 4,
        "blocks": 1,
        "other_groups": 2,
        "unreadable": 5,
        "forgotten": 6,
    }
