"""``newsletter db``: what it prints, and how it ends, on both databases."""

from __future__ import annotations

import json

import pytest
from sqlalchemy import text
from typer.testing import CliRunner

from composer.cli.app import app
from composer.ledger.migrations import HEAD, upgrade
from composer.ledger.opening import open_ledger, reach_ledger


def run(project, *words, **options):
    return CliRunner().invoke(app, ["--project", str(project.root), *words], prog_name="newsletter", **options)


def _shown(project):
    with reach_ledger(project) as ledger:
        return ledger.name


def test_upgrade_makes_the_ledger_once(bare_project):
    """It says from where to where, also when there was nothing to do."""
    name = _shown(bare_project)
    for before in ("from nothing to", "already at"):
        result = run(bare_project, "db", "upgrade")
        assert (result.exit_code, result.stdout) == (0, f"{name}: {before} {HEAD}\n"), result.output


def test_upgrade_of_an_old_ledger(bare_project):
    """What is in it stays; the revision before is said, to scripts too."""
    with reach_ledger(bare_project) as ledger, ledger.write() as connection:
        upgrade(connection, "0001")
    result = run(bare_project, "db", "upgrade", "--json")
    assert json.loads(result.stdout) == {"ledger": _shown(bare_project), "from": "0001", "to": HEAD}
    assert result.exit_code == 0


@pytest.mark.parametrize("command", ["check", "upgrade"])
def test_no_server(project, monkeypatch, command):
    """A ledger that cannot be reached is one sentence, without the password, and exit code 2."""
    monkeypatch.setenv("NEWSLETTER_DATABASE_URL", "postgresql://team:hunter2@127.0.0.1:9/x")
    result = run(project, "db", command)
    assert result.exit_code == 2
    assert result.stderr.startswith("error: postgresql://team@127.0.0.1:9/x: PostgreSQL does not answer\nhint: ")
    assert "hunter2" not in result.output


def test_check_before_there_is_anything(bare_project):
    """A check makes nothing: neither a file nor tables."""
    for _ in range(2):
        result = run(bare_project, "db", "check")
        assert result.exit_code == 2
        assert "no ledger yet" in result.stderr


def test_check_of_a_whole_ledger(project):
    """Nothing on stdout, one sentence on stderr, exit code 0."""
    open_ledger(project).close()
    result = run(project, "db", "check")
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "var/newsletter.db: nothing is wrong\n")
    assert json.loads(run(project, "db", "check", "--json").stdout) == {"ledger": "var/newsletter.db", "findings": []}


def test_check_that_finds_something(any_project):
    """Findings on stderr, or as JSON; exit code 1."""
    with open_ledger(any_project) as ledger, ledger.write() as connection:
        connection.execute(text("DROP TABLE test_sends"))
    result = run(any_project, "db", "check")
    assert result.exit_code == 1
    assert result.stdout == ""
    assert "[ledger-tables-differ]" in result.stderr
    told = json.loads(run(any_project, "db", "check", "--json").stdout)
    assert told["ledger"] == _shown(any_project)
    assert {"code", "severity", "path", "line", "column", "where", "message", "hint"} == set(told["findings"][0])


def test_check_changes_nothing(bare_project):
    """An old ledger is found to be old, and stays so."""
    with reach_ledger(bare_project) as ledger, ledger.write() as connection:
        upgrade(connection, "0001")
    for _ in range(2):
        result = run(bare_project, "db", "check")
        assert result.exit_code == 1
        assert "[ledger-outdated]" in result.stderr
        assert "revision 0001" in result.stderr


def test_status_before_the_first_send(bare_project):
    """`status` says that nothing was sent, and makes no ledger to say so."""
    for _ in range(2):
        result = run(bare_project, "status")
        assert result.exit_code == 2
        assert "nothing has been sent yet" in result.stderr


def test_a_send_from_end_to_end(any_project):
    """Send, status and a second look, with the ledger in either place and nothing of it in the wrong one."""
    sent = run(any_project, "send", "2026-01", "--to", "staff", "--yes")
    assert sent.exit_code == 0, sent.output
    counts = json.loads(run(any_project, "status", "--json").stdout)["counts"]
    assert {state: number for state, number in counts.items() if number} == {"accepted": 3}
    assert (any_project.var / "newsletter.db").exists() is any_project.config.database.url.startswith("sqlite")
    found = json.loads(run(any_project, "db", "check", "--json").stdout)["findings"]
    assert {each["code"] for each in found} <= {"ledger-not-durable"}
