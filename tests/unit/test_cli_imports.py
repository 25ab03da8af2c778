"""``newsletter lists import`` when something is in its way: a Ctrl-C, a secret key that was lost."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from composer.cli.app import app
from composer.ledger import imports, upsert


@pytest.fixture
def newsletter(project):
    (project.recipients / "members.toml").write_text('people = "ledger"\n')
    (project.root / "new.csv").write_text("email\nana@example.org\nben@example.org\n")

    def command(*arguments):
        return CliRunner().invoke(app, ["--project", str(project.root), *map(str, arguments)])

    return command


@pytest.fixture
def bring(newsletter, project):
    return lambda *options: newsletter("lists", "import", project.root / "new.csv", "--to", "members", *options)


def _confirmed(newsletter):
    return json.loads(newsletter("lists", "show", "members", "--json").stdout)["counts"]["confirmed"]


def test_ctrl_c_says_that_nothing_was_imported(newsletter, bring, monkeypatch):
    """An import that is stopped without a word leaves its user to guess."""
    write = upsert.write

    def stopped(*arguments):
        write(*arguments)
        raise KeyboardInterrupt

    monkeypatch.setattr(upsert, "write", stopped)
    result = bring()
    assert result.exit_code == 3
    assert result.stderr.splitlines()[-1] == "Stopped: nothing was imported; the list is as it was."
    assert _confirmed(newsletter) == 0


def test_ctrl_c_too_late_says_that_all_was_imported(newsletter, bring, monkeypatch):
    """A signal that comes while the database commits is heard after it."""
    take = imports.replace

    def stopped(*arguments, **options):
        take(*arguments, **options)
        raise KeyboardInterrupt

    monkeypatch.setattr(imports, "replace", stopped)
    result = bring()
    assert result.exit_code == 3
    assert result.stderr.splitlines()[-1] == "Stopped: it was all written to members already."
    assert _confirmed(newsletter) == 2


def test_an_import_stops_when_the_forgotten_cannot_be_recognised(newsletter, bring, project):
    """Nobody comes back by an import, not even because a key was lost."""
    newsletter("subscriber", "forget", "ana@example.org", "--yes")
    (project.var / "secret.key").write_text("another-key", encoding="ascii")
    result = bring()
    assert result.exit_code == 2
    assert "1 person who was forgotten cannot be recognised" in result.stderr
    assert _confirmed(newsletter) == 0
    assert "Nothing was changed." not in newsletter("subscriber", "write-off", "--yes").output
    assert bring().exit_code == 0
    assert _confirmed(newsletter) == 2
