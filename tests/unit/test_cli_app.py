"""How the command ends: messages, exit codes, and what it takes to start."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest
import typer
from typer.testing import CliRunner

from composer.cli.app import Shell, app, report
from composer.errors import IssueError, TransportError
from composer.findings import Where, error


def run(*words, **options):
    return CliRunner().invoke(app, [*map(str, words)], prog_name="newsletter", **options)


def shell(command):
    small = typer.Typer(cls=Shell, rich_markup_mode=None, pretty_exceptions_enable=False)

    @small.callback()
    def options(debug: bool = False):
        pass

    small.command("do")(command)
    return small


def test_help_names_every_command():
    """A person who knows nothing begins here."""
    result = run("--help")
    assert result.exit_code == 0
    for command in ("init", "new", "build", "send", "resume", "status"):
        assert re.search(rf"^  {command} +\w", result.output, re.MULTILINE), command


def test_version_is_that_of_the_distribution():
    """A report of a mistake starts with the version."""
    from importlib.metadata import version

    assert run("--version").output.strip() == f"newsletter-composer {version('newsletter-composer')}"


def test_help_loads_nothing_heavy():
    """`newsletter --help` stays near the time of importing typer: no library of the pipeline may be imported for it."""
    code = (
        "import sys\nfrom composer.cli.app import app\n"
        "app(['--help'], standalone_mode=False)\n"
        "heavy = {'premailer', 'sqlalchemy', 'jinja2', 'mjml', 'markdown_it', 'rich', 'PIL', 'yaml', 'lxml', 'nh3', 'email_validator'}\n"
        "sys.exit(' '.join(sorted(heavy & set(sys.modules))) or 0)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stderr.strip()) == (0, "")


def test_no_project_is_one_message_with_a_hint(tmp_path):
    """The first mistake of everybody must say what to do."""
    result = run("--project", tmp_path, "status")
    assert result.exit_code == 2
    assert result.stderr.startswith("error: no newsletter.toml in ")
    assert "newsletter init" in result.stderr


def test_unknown_option_is_bad_usage(project):
    """Usage errors keep typer's own words and exit code 2."""
    result = run("--project", project.root, "build", "2026-01", "--nonsense")
    assert result.exit_code == 2
    assert "--nonsense" in result.stderr


@pytest.mark.parametrize(("raised", "code"), [(IssueError("bad"), 2), (TransportError("down"), 3), (KeyboardInterrupt(), 3)])
def test_exit_codes_follow_the_error(raised, code):
    """Scripts act on the exit code."""

    def fail():
        raise raised

    assert CliRunner().invoke(shell(fail), ["do"]).exit_code == code


def test_expected_error_prints_findings_place_and_hint(capsys):
    """All that an error knows reaches the person."""
    where = Where("issues/a.md", 3)
    report(IssueError("no title", where=where, hint="Add\na title", findings=(error("some-code", where, "a detail"),)))
    text = capsys.readouterr().err
    assert "error: issues/a.md:3: no title\nhint: Add\na title\n" in text
    assert "a detail" in text


def test_error_cannot_drive_the_terminal(capsys):
    """A file may hold escape sequences; a message about it may not."""
    report(IssueError("bad \x1b[2J name"))
    assert "\x1b" not in capsys.readouterr().err


def test_surprise_asks_for_a_report_and_shows_no_traceback():
    """A mistake of ours is said in two lines."""

    def fail():
        raise ZeroDivisionError("odd")

    result = CliRunner().invoke(shell(fail), ["do"])
    assert result.exit_code == 3
    assert "ZeroDivisionError: odd" in result.stderr
    assert "report" in result.stderr
    assert "Traceback" not in result.stderr


def test_debug_shows_the_traceback():
    """Those who mend it need the traceback."""

    def fail():
        raise ZeroDivisionError("odd")

    result = CliRunner().invoke(shell(fail), ["--debug", "do"])
    assert "Traceback" in result.stderr


def test_reader_that_goes_away_is_no_error():
    """`newsletter … | head -1` prints one line and no complaint."""
    code = (
        "import typer\nfrom composer.cli.app import Shell\n"
        "app = typer.Typer(cls=Shell, rich_markup_mode=None, pretty_exceptions_enable=False)\n"
        "app.callback()(lambda: None)\n"
        "app.command('do')(lambda: [typer.echo('x' * 100) for _ in range(20_000)])\n"
        "app(['do'])\n"
    )
    reader = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    with reader:
        assert reader.stdout.readline() == "x" * 100 + "\n"
        reader.stdout.close()
        assert reader.stderr.read() == ""
        assert reader.wait(timeout=60) == 3
