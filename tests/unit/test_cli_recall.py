"""``newsletter recall`` as its user meets it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from typer.testing import CliRunner

from composer.cli.app import app
from composer.delivery.campaign import run
from composer.delivery.setting import freeze
from composer.ledger.campaigns import read_campaign, start_campaign
from composer.ledger.opening import open_ledger
from composer.project import find
from composer.testing import an_audience, an_edition
from composer.testing.sendgrid import SendGridDouble


@pytest.fixture
def account():
    with SendGridDouble() as double:
        yield double


@pytest.fixture
def newsletter(project, account, monkeypatch):
    """Run a command in a project whose campaign 1 was handed over to be sent in half an hour, ``ago`` minutes ago."""
    monkeypatch.setenv("SENDGRID_API_KEY", account.key)
    toml = (project.root / "newsletter.toml").read_text() + (
        f'[delivery]\ntransport = "sendgrid"\n[unsubscribe]\naddress = "leave@openletters.org"\n'
        f'[transport.sendgrid]\nbase_url = "{account.url}"\nundo_minutes = 30\ntimeout = 1\n'
    )
    (project.root / "newsletter.toml").write_text(toml)
    letters = find(project.root, exact=True)

    def command(*arguments, ago=0):
        now = datetime.now(UTC) - timedelta(minutes=ago)
        account.clock = now.timestamp
        with open_ledger(letters) as ledger:
            start_campaign(ledger, an_edition(), an_audience(3), transport="sendgrid", real=True, setting=freeze(letters.config), now=now)
            run(letters, ledger, read_campaign(ledger), clock=lambda: now)
        return [CliRunner().invoke(app, ["--project", str(project.root), *each]) for each in arguments]

    return command


def test_recall_says_how_many_were_withdrawn_and_only_once(newsletter):
    """The second time there is nothing left to withdraw, and it says why."""
    first, second = newsletter(["recall", "1", "--yes"], ["recall", "1", "--yes"])
    assert (first.exit_code, first.stdout) == (0, "Campaign 1 is cancelled: 3 withdrawn, 0 not sent.\n")
    assert second.exit_code == 2
    assert "campaign 1 is recalled already" in second.stderr


def test_recall_too_late_leaves_the_campaign_as_it_is(newsletter):
    """Everybody gets it: a campaign that then called itself cancelled would be a lie."""
    late, status = newsletter(["recall", "1", "--yes"], ["status", "1"], ago=25)
    assert (late.exit_code, late.stdout) == (1, "Nobody was withdrawn from campaign 1.\n")
    assert "too late" in late.stderr
    assert "finished" in status.stdout


def test_recall_asks_first(newsletter):
    """Without a terminal and without --yes nothing happens."""
    (asked,) = newsletter(["recall", "1"])
    assert asked.exit_code == 2
    assert "--yes" in asked.stderr
