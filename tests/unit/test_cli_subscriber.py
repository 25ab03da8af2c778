"""``newsletter subscriber`` as its user meets it: one person shown, handed over, forgotten."""

from __future__ import annotations

import json
import stat

import pytest
from sqlalchemy import insert
from typer.testing import CliRunner

from composer.audience.address import parse_address
from composer.audience.model import Audience, Subscriber
from composer.cli import subscriber
from composer.cli.app import app
from composer.config import ListSettings
from composer.delivery.traces import outbox_files, rows_of
from composer.ledger.campaigns import start_campaign
from composer.ledger.deliveries import claim, record
from composer.ledger.model import DeliveryState, Result
from composer.ledger.opening import open_ledger
from composer.ledger.schema import subscribers, subscriptions, test_sends
from composer.testing import FakeClock, a_message, an_audience, an_edition
from composer.transport.outbox import OutboxTransport

NOW = FakeClock().now
ADA = "ada@example.org"


@pytest.fixture
def newsletter(project):
    def command(*arguments):
        return CliRunner().invoke(app, ["--project", str(project.root), *map(str, arguments)])

    return command


@pytest.fixture
def rehearsed(newsletter, project):
    """The issue was written into the outbox for Ada and Bo; Ada is on two lists, suppressed on one, and got a test."""
    ada, bo = Subscriber(ADA, ADA, "Ada", {"first_name": "Ada"}, list="staff"), Subscriber("bo@example.org", "bo@example.org", list="staff")
    (project.recipients / "board.csv").write_text("email,role\nbo@example.org,\nADA@example.org,chair\n")
    newsletter("suppress", "add", ADA, "--list", "board", "--note", "asked by phone")
    with open_ledger(project) as ledger:
        audience = Audience((ListSettings(name="staff"),), (ada, bo))
        campaign = start_campaign(ledger, an_edition(), audience, transport="outbox", real=False, setting={}, now=NOW)
        outbox = OutboxTransport(project.root / "outbox" / "2026-01" / "1")
        for row in claim(ledger, campaign, 10, NOW).rows:
            (outcome,) = outbox.send([a_message(subscriber=row, delivery_id=row.id, position=row.position)])
            record(ledger, [Result(row, DeliveryState.ACCEPTED, "accepted", outcome.answer)], NOW)
        _know(ledger)
    return project


def _know(ledger):
    with ledger.write() as connection:
        moments = {"created_at": NOW, "updated_at": NOW}
        person = {"address_key": ADA, "email": ADA, "name": "Ada Lovelace", "fields": {"country": "GB"}, **moments}
        number = connection.execute(insert(subscribers).values(person)).inserted_primary_key[0]
        said = {"list": "members", "subscriber": number, "state": "confirmed", "source": "import of 2025.csv"}
        connection.execute(insert(subscriptions).values(**said, **moments))
        tested = {"issue": "2026-01", "edition": "e" * 64, "list": "staff", "transport": "smtp", "real": True, "sender": "grace"}
        answer = {"address_key": ADA, "email": ADA, "variant": "", "outcome": "accepted", "answer": "250 ok"}
        connection.execute(insert(test_sends).values(**tested, **answer, started_at=NOW, ended_at=NOW))


def _files(project):
    return sorted(path.relative_to(project.root).as_posix() for path in project.root.glob("outbox/*/*/*.eml"))


def test_show_tells_everything(newsletter, rehearsed):
    """One page answers the call of somebody who asks what we have of them."""
    result = newsletter("subscriber", "show", "Ada@Example.org")
    assert result.exit_code == 0, result.output
    for words in (
        "Address      Ada@example.org",
        "Name         Ada Lovelace",
        "country: GB",
        "members: confirmed, since 2026-01-15 09:00 UTC (import of 2025.csv)",
        "on board: somebody of the team said so, since ",
        "(asked by phone)",
        "campaign 1, 2026-01 for staff by outbox, a rehearsal: accepted, 2026-01-15 09:00 UTC",
        "attempt 1, ",
        "2026-01 for staff by smtp: accepted, 2026-01-15 09:00 UTC",
        "recipients/board.csv:3",
        "recipients/staff.csv:2",
        _files(rehearsed)[0],
    ):
        assert words in result.stdout
    assert "grace@" not in result.stdout


def test_show_as_json_has_the_promised_shape(newsletter, rehearsed):
    """The keys are documented in docs/people.md."""
    data = json.loads(newsletter("subscriber", "show", ADA, "--json").stdout)
    assert list(data) == [
        "email",
        "known",
        "profile",
        "forgotten_at",
        "subscriptions",
        "suppressions",
        "deliveries",
        "test_sends",
        "rows",
        "files",
    ]
    assert data["known"] is True
    assert data["profile"] == {
        "email": ADA,
        "name": "Ada Lovelace",
        "fields": {"country": "GB"},
        "created_at": "2026-01-15T09:00:00+00:00",
        "updated_at": "2026-01-15T09:00:00+00:00",
    }
    (delivery,) = data["deliveries"]
    assert (delivery["campaign"], delivery["issue"], delivery["state"], delivery["real"]) == (1, "2026-01", "accepted", False)
    assert [tried["answer"] for tried in delivery["attempts"]] == ["000001-ada-example.org.eml"]
    assert data["rows"] == [
        {"where": "recipients/board.csv:3", "email": ADA.replace("ada", "ADA"), "name": "", "fields": {"role": "chair"}},
        {
            "where": "recipients/staff.csv:2",
            "email": ADA,
            "name": "Ada Lovelace",
            "fields": {"first_name": "Ada", "last_name": "Lovelace", "name": "Ada Lovelace"},
        },
    ]


def test_every_documented_key_is_the_real_one(repository, newsletter, rehearsed):
    """The page describes what is printed."""
    page = (repository / "docs" / "people.md").read_text(encoding="utf-8")
    data = json.loads(newsletter("subscriber", "show", ADA, "--json").stdout)
    assert not {key for key in data if f"`{key}`" not in page}
    for name in ("subscriptions", "suppressions", "deliveries", "test_sends", "rows"):
        assert data[name], name
        assert not {key for key in data[name][0] if f"`{key}`" not in page}, name


def test_of_a_stranger_nothing_is_known(newsletter):
    """That is an answer too, and no error."""
    result = newsletter("subscriber", "show", "stranger@example.org")
    assert result.exit_code == 0
    assert "Nothing is known of this address." in result.stdout
    assert json.loads(newsletter("subscriber", "show", "stranger@example.org", "--json").stdout)["known"] is False


def test_what_is_no_address_is_refused(newsletter, project):
    """A slip is not an empty answer."""
    result = newsletter("subscriber", "forget", "ada at example.org", "--yes")
    assert result.exit_code == 2
    assert "not an address" in result.stderr


def test_export_writes_all_of_it_for_one_pair_of_eyes(newsletter, rehearsed, tmp_path):
    """What is handed over on request; other users of the machine cannot read it."""
    path = tmp_path / "ada.json"
    result = newsletter("subscriber", "export", ADA, path)
    assert result.exit_code == 0
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    data = json.loads(path.read_text(encoding="utf-8"))
    assert data == json.loads(newsletter("subscriber", "show", ADA, "--json").stdout)
    assert data == json.loads(newsletter("subscriber", "export", ADA).stdout)


def test_forget_needs_a_word(newsletter, rehearsed):
    """It cannot be undone: without a terminal and without --yes nothing happens."""
    result = newsletter("subscriber", "forget", ADA)
    assert result.exit_code == 2
    assert json.loads(newsletter("subscriber", "show", ADA, "--json").stdout)["profile"]


def test_no_is_a_no(newsletter, rehearsed, monkeypatch):
    """And shown on stderr, with what would have been forgotten."""
    monkeypatch.setattr(subscriber, "confirm", lambda _: False)
    result = newsletter("subscriber", "forget", ADA)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "Ada Lovelace" in result.stderr
    assert result.stderr.endswith("Nothing was changed.\n")
    assert json.loads(newsletter("subscriber", "show", ADA, "--json").stdout)["profile"]


def test_forget_removes_and_names_what_people_must_delete(newsletter, rehearsed):
    """The ledger is emptied of them; the team's lists and files are the team's to edit, each named."""
    result = newsletter("subscriber", "forget", ADA, "--yes")
    assert result.exit_code == 0, result.output
    assert result.stdout == "Forgotten: 1 subscription and 1 suppression removed, 1 delivery and 1 test send blanked.\n"
    for place in ("recipients/board.csv:3", "recipients/staff.csv:2"):
        assert f"{place}: warning: the person still stands in this row" in result.stderr
    file = _files(rehearsed)[0]
    assert f"{file}: warning: this file of a rehearsal holds a message to the person" in result.stderr
    assert result.stderr.count("[forgotten-in-outbox]") == 1
    assert "chair" in (rehearsed.recipients / "board.csv").read_text()
    assert (rehearsed.root / file).is_file()
    data = json.loads(newsletter("subscriber", "show", ADA, "--json").stdout)
    assert data["forgotten_at"]
    assert (data["profile"], data["subscriptions"], data["suppressions"]) == (None, [], [])
    assert data["deliveries"][0]["state"] == "accepted"
    assert data["deliveries"][0]["email"] == ""


def test_forget_says_when_mail_will_not_go(newsletter, project):
    """A campaign is paused halfway; the person is told that nothing more comes."""
    with open_ledger(project) as ledger:
        start_campaign(ledger, an_edition(), an_audience(2), transport="sendgrid", real=True, setting={}, now=NOW)
    result = newsletter("subscriber", "forget", "person2@example.com", "--yes")
    assert result.stdout.endswith("1 of them was still to be sent, and will not be.\n")


def test_forget_waits_for_who_is_being_mailed(newsletter, project):
    """A process holds the address this very moment."""
    with open_ledger(project) as ledger:
        campaign = start_campaign(ledger, an_edition(), an_audience(2), transport="sendgrid", real=True, setting={}, now=NOW)
        claim(ledger, campaign, 1, NOW)
    result = newsletter("subscriber", "forget", "person1@example.com", "--yes")
    assert result.exit_code == 2
    assert "a message to this person is being sent right now" in result.stderr
    assert newsletter("subscriber", "forget", "person2@example.com", "--yes").exit_code == 0


def test_every_row_of_a_list_is_found(project):
    """Twice in one list, in other capitals, in a file that a declaration names elsewhere: all are the team's to delete."""
    (project.recipients / "board.csv").write_text("email\nADA@example.org\nbo@example.org\n\n ada@EXAMPLE.org\n")
    (project.root / "old.csv").write_text("Email;First Name\r\nada@example.org;Ada\r\n")
    (project.recipients / "club.toml").write_text('people = "old.csv"\n')
    rows, findings = rows_of(project, ADA)
    assert [str(row.where) for row in rows] == ["old.csv:2", "recipients/board.csv:2", "recipients/board.csv:5", "recipients/staff.csv:2"]
    assert findings == []


def test_a_list_that_cannot_be_searched_is_named(newsletter, project):
    """Silence would read as: they are not in there."""
    (project.recipients / "broken.csv").write_text("who knows\nada@example.org\n")
    (project.recipients / "wrong.toml").write_text("people = 3\n")
    result = newsletter("subscriber", "show", ADA)
    assert "recipients/broken.csv: warning: this list could not be searched" in result.stderr
    assert "recipients/wrong.toml: warning: this list could not be searched" in result.stderr
    assert "recipients/staff.csv:2" in result.stdout


def test_files_of_the_outbox_are_known_by_whom_they_go_to(project):
    """A name that ends alike is not the same person, and a name of a hundred characters is cut."""
    folder = project.root / "outbox" / "2026-01" / "1"
    folder.mkdir(parents=True)
    to = {
        "000001-ada-example.org.eml": "Ada <ADA@example.org>",
        "000002-x-ada-example.org.eml": "x-ada@example.org",
        "ada-example.org-d1.eml": "ada@example.org",
        "000003-bo-example.org.eml": "bo@example.org",
    }
    for name, address in to.items():
        (folder / name).write_text(f"Subject: News\nTo: {address}\n\nDear ada@example.org\n")
    found = outbox_files(project, parse_address("Ada@example.org"))
    assert [path.name for path in found] == ["000001-ada-example.org.eml", "ada-example.org-d1.eml"]


def test_a_person_comes_and_goes_alike_on_every_database(any_project):
    """What holds for SQLite is promised for PostgreSQL, from the command line down."""

    def newsletter(*arguments):
        return CliRunner().invoke(app, ["--project", str(any_project.root), *arguments])

    with open_ledger(any_project) as ledger:
        start_campaign(ledger, an_edition(), an_audience(2), transport="sendgrid", real=True, setting={}, now=NOW)
    assert newsletter("suppress", "add", "person1@example.com", "--reason", "complaint").exit_code == 0
    assert [row["reason"] for row in json.loads(newsletter("suppress", "list", "--json").stdout)] == ["complaint"]
    done = newsletter("subscriber", "forget", "person1@example.com", "--yes")
    assert done.stdout.startswith("Forgotten: 0 subscriptions and 1 suppression removed, 1 delivery and 0 test sends blanked.")
    data = json.loads(newsletter("subscriber", "show", "person1@example.com", "--json").stdout)
    assert [(row["state"], row["reason"]) for row in data["deliveries"]] == [("skipped", "forgotten")]
    assert newsletter("suppress", "add", "person1@example.com").stdout == "0 new suppressions everywhere\n"


def test_a_lost_key_is_told_and_its_people_given_up_only_when_asked(newsletter, project):
    """Whoever answers a person must not say that nothing is known, and no newsletter ends with a lost file."""
    assert "nobody to give up" in newsletter("subscriber", "write-off").stdout
    newsletter("subscriber", "forget", "gone@example.org", "--yes")
    (project.var / "secret.key").write_text("another-key", encoding="ascii")
    shown = newsletter("subscriber", "show", "gone@example.org")
    assert "whether they were forgotten cannot be said: 1 forgotten person cannot be recognised" in shown.stderr
    refused = newsletter("subscriber", "write-off")
    assert refused.exit_code == 2
    assert "1 forgotten person cannot be recognised. A send will mail them again if a list holds them." in refused.stderr
    assert "1 forgotten person given up." in newsletter("subscriber", "write-off", "--yes").stdout
    assert newsletter("subscriber", "show", "gone@example.org").stderr == ""
