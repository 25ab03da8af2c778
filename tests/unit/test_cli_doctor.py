"""``newsletter doctor``: what it prints, and how it ends."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from composer.cli.app import app
from composer.testing.dns import name_server
from composer.transport.registry import WAYS_OUT, WayOut

RECORDS = {
    "letters.org": {"MX": ["10 mx.letters.org"], "TXT": ["v=spf1 mx -all"]},
    "mx.letters.org": {"A": ["192.0.2.1"]},
    "_dmarc.letters.org": {"TXT": ["v=DMARC1; p=none; rua=mailto:d@letters.org"]},
}


def run(*words, **options):
    return CliRunner().invoke(app, [*map(str, words)], prog_name="newsletter", **options)


@pytest.fixture
def settings(monkeypatch):
    """Run a name server, and name it in the environment."""
    with name_server(RECORDS) as server:
        monkeypatch.setenv("NEWSLETTER_DOCTOR_NAMESERVER", server.address)
        monkeypatch.setenv("NEWSLETTER_NEWSLETTER_FROM", "News <news@letters.org>")
        yield monkeypatch


def test_a_rehearsal_has_no_errors(project, settings):
    """Results on stdout, findings on stderr, exit code 0."""
    result = run("--project", project.root, "doctor")
    assert result.exit_code == 0, result.output
    assert "MX            good: 10 mx.letters.org\n" in result.stdout
    assert "DKIM          cannot be told from here\n" in result.stdout
    assert "warning: there is no DKIM key under the selectors s1 and s2 [dkim-missing]" in result.stderr
    assert "[rehearsal-only]" in result.stderr
    assert result.stderr.endswith("no errors\n")


def test_errors_end_with_one(project, settings):
    """Scripts stop at exit code 1."""
    settings.setitem(WAYS_OUT, "sendgrid", WayOut(real=True, place=lambda *_: "", opener=lambda *_: None))
    settings.setenv("NEWSLETTER_DELIVERY_TRANSPORT", "sendgrid")
    settings.delenv("SENDGRID_API_KEY", raising=False)
    result = run("--project", project.root, "doctor")
    assert result.exit_code == 1
    assert "[no-api-key]" in result.stderr
    assert "Login         not tried\n" in result.stdout
    assert "nothing here stops" not in result.stderr


def test_json_holds_all_of_it(project, settings):
    """What people read, for programs."""
    settings.setenv("SENDGRID_API_KEY", "SG.very-secret")
    result = run("--project", project.root, "doctor", "--json")
    data = json.loads(result.stdout)
    assert (data["transport"], data["real"], data["domain"], data["login"]) == ("outbox", False, "letters.org", "")
    assert data["records"]["spf"] == {"passes": True, "record": "v=spf1 mx -all"}
    assert data["records"]["dkim"] == {"passes": None, "record": ""}
    assert {"code", "severity", "path", "line", "column", "where", "message", "hint"} == set(data["findings"][0])
    assert "very-secret" not in result.output


def test_bad_settings_end_with_two(project, settings):
    """Nothing can be examined that cannot be read."""
    settings.setenv("NEWSLETTER_DOCTOR_NAMESERVER", "ns.letters.org")
    result = run("--project", project.root, "doctor")
    assert result.exit_code == 2
    assert "nameserver is no address" in result.stderr
    (project.root / "newsletter.toml").write_text("[newsletter\n")
    assert run("--project", project.root, "doctor").exit_code == 2


def test_a_received_mail_needs_no_project(tmp_path, monkeypatch):
    """The test may be looked at on any machine."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "test.eml").write_bytes(b"From: news@letters.org\r\nAuthentication-Results: mx.org; spf=pass\r\n\r\nHello\r\n")
    result = run("doctor", "test.eml")
    assert result.exit_code == 1
    assert "test.eml: error: the mail has no DKIM signature [received-unsigned]" in result.stderr
    data = json.loads(run("doctor", "test.eml", "--json").stdout)
    assert data["file"] == "test.eml"
    assert [each["code"] for each in data["findings"]] == ["received-unsigned", "received-no-unsubscribe", "received-results"]


def test_a_good_mail_ends_with_zero(tmp_path):
    """What arrived as it should says so."""
    covered = "from:list-unsubscribe:list-unsubscribe-post"
    (tmp_path / "good.eml").write_text(
        f"DKIM-Signature: v=1; a=rsa-sha256; d=letters.org; s=s1; h={covered}; bh=x; b=y\n"
        "From: news@letters.org\nList-Unsubscribe: <https://letters.org/u/1>\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\n\nHello\n"
    )
    result = run("doctor", tmp_path / "good.eml")
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr.endswith("no errors\n")


@pytest.mark.parametrize("name", ["none.eml", "."])
def test_a_file_that_is_no_mail_is_bad_usage(tmp_path, name):
    """A typing error is told apart from a bad mail."""
    assert run("doctor", tmp_path / name).exit_code == 2
