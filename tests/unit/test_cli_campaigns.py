"""``campaigns`` and ``export`` as their user meets them."""

from __future__ import annotations

import csv
import io
import json
import stat

import pytest
from typer.testing import CliRunner

from composer.audience.model import Audience, Subscriber
from composer.cli.app import app
from composer.config import ListSettings
from composer.ledger.campaigns import move_campaign, start_campaign
from composer.ledger.deliveries import claim, record
from composer.ledger.model import DeliveryState, Result
from composer.ledger.opening import open_ledger
from composer.testing import FakeClock, an_audience, an_edition

NOW = FakeClock().now
S = DeliveryState


@pytest.fixture
def newsletter(project):
    def command(*arguments):
        return CliRunner().invoke(app, ["--project", str(project.root), *map(str, arguments)])

    return command


@pytest.fixture
def ledger(project):
    with open_ledger(project) as ledger:
        yield ledger


def _start(ledger, stem="2026-01", audience=None, **more):
    settings = {"transport": "outbox", "real": True, "setting": {}, "now": NOW, **more}
    return start_campaign(ledger, an_edition(stem), audience or an_audience(3), **settings)


def _settle(ledger, campaign, *states):
    rows = claim(ledger, campaign, len(states), NOW).rows
    record(ledger, [Result(row, state, "told", "250 =taken") for row, state in zip(rows, states, strict=True)], NOW)


def _rows(text):
    return list(csv.DictReader(io.StringIO(text)))


def test_campaigns_are_listed_the_newest_first(newsletter, ledger):
    """What, to whom, by which way, how it stands, how many got it, since when."""
    first = _start(ledger)
    _settle(ledger, first, S.ACCEPTED, S.REJECTED, S.ACCEPTED)
    move_campaign(ledger, first, "finished", NOW)
    _start(ledger, "2026-02", an_audience(2, lists=("readers", "board")), real=False)
    _start(ledger, correction=True)
    result = newsletter("campaigns")
    assert result.exit_code == 0
    assert [" ".join(line.split()) for line in result.stdout.splitlines()] == [
        "ID Issue Lists Transport State People Accepted Begun",
        "3 2026-01 (correction) readers outbox running 3 0 2026-01-15 09:00 UTC",
        "2 2026-02 readers, board outbox (rehearsal) running 2 0 2026-01-15 09:00 UTC",
        "1 2026-01 readers outbox finished 3 2 2026-01-15 09:00 UTC",
    ]
    assert result.stderr == ""


def test_campaigns_as_json(newsletter, ledger):
    """The same for a script, with names that stay."""
    _settle(ledger, _start(ledger, untested=True), S.ACCEPTED)
    (told,) = json.loads(newsletter("campaigns", "--json").stdout)
    assert told == {
        "campaign": 1,
        "issue": "2026-01",
        "lists": ["readers"],
        "transport": "outbox",
        "real": True,
        "correction": False,
        "untested": True,
        "state": "running",
        "reason": "",
        "people": 3,
        "canary": 0,
        "canary_stage": "",
        "accepted": 1,
        "created_at": NOW.isoformat(),
        "updated_at": NOW.isoformat(),
    }


def test_old_campaigns_are_there_when_asked_for(newsletter, ledger):
    """Years of them do not fill the screen."""
    for number in range(52):
        _start(ledger, f"issue-{number}", an_audience(1))
    shown = newsletter("campaigns")
    assert len(shown.stdout.splitlines()) == 51
    assert "--all" in shown.stderr
    everything = newsletter("campaigns", "--all")
    assert len(everything.stdout.splitlines()) == 53
    assert everything.stderr == ""


@pytest.mark.parametrize("command", [("campaigns",), ("export", "1")])
def test_nothing_was_sent_yet(newsletter, project, command):
    """Looking makes no ledger."""
    result = newsletter(*command)
    assert result.exit_code == 2
    assert "nothing has been sent yet" in result.stderr
    assert not project.var.exists()


def test_an_export_has_a_line_for_everybody(newsletter, ledger):
    """State, reason, tries, times and the last answer, on stdout; how many on stderr."""
    _settle(ledger, _start(ledger), S.ACCEPTED, S.REJECTED)
    result = newsletter("export", 1)
    assert result.exit_code == 0
    assert result.stderr == "3 rows written\n"
    first, second, third = _rows(result.stdout)
    assert first == {
        "address": "person1@example.com",
        "name": "Person 1",
        "list": "",
        "state": "accepted",
        "reason": "",
        "attempts": "1",
        "first_tried": NOW.isoformat(),
        "last_change": NOW.isoformat(),
        "last_answer": "250 =taken",
        "delivery": first["delivery"],
    }
    assert len(first["delivery"]) == 24
    assert (second["state"], second["reason"]) == ("rejected", "250 =taken")
    assert (third["state"], third["attempts"], third["first_tried"], third["last_answer"]) == ("pending", "0", "", "")


@pytest.mark.parametrize(
    ("wanted", "positions"),
    [(["in_doubt"], [2]), (["In doubt"], [2]), (["failed", "accepted"], [1, 3]), (["recalled"], []), ([], [1, 2, 3])],
)
def test_an_export_of_some_states(newsletter, ledger, wanted, positions):
    """Those in doubt, to be asked; those who failed, to be mended."""
    _settle(ledger, _start(ledger), S.ACCEPTED, S.IN_DOUBT, S.FAILED)
    result = newsletter("export", 1, *(word for state in wanted for word in ("--state", state)))
    assert [row["address"] for row in _rows(result.stdout)] == [f"person{number}@example.com" for number in positions]


def test_a_state_that_is_none(newsletter, ledger):
    """The words there are come with the error."""
    _start(ledger)
    result = newsletter("export", 1, "--state", "lost")
    assert result.exit_code == 2
    assert "there is no state lost" in result.stderr
    assert "in_doubt" in result.stderr


def test_the_file_is_for_its_owner_and_runs_no_formula(newsletter, ledger, tmp_path):
    """Names come from outside: a spreadsheet must not take one for a formula, nor others read the file."""
    person = Subscriber("=a@example.org", "=a@example.org", '=HYPERLINK("http://bad.example")', {}, list="readers")
    _settle(ledger, _start(ledger, audience=Audience((ListSettings(name="readers"),), (person,))), S.FAILED)
    path = tmp_path / "people.csv"
    path.write_text("something older")
    result = newsletter("export", 1, path)
    assert result.stdout == f"1 row written to {path}\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    (row,) = _rows(path.read_text(encoding="utf-8"))
    assert row["address"] == "'=a@example.org"
    assert row["name"].startswith("'=HYPERLINK")
    assert row["list"] == "readers"
    assert row["last_answer"] == "250 =taken"


@pytest.mark.parametrize("number", ["7", "0", "x"])
def test_a_campaign_that_is_not(newsletter, ledger, number, tmp_path):
    """One sentence, exit code 2, and no file."""
    _start(ledger)
    result = newsletter("export", number, tmp_path / "people.csv")
    assert result.exit_code == 2
    assert "Traceback" not in result.output
    assert not (tmp_path / "people.csv").exists()
