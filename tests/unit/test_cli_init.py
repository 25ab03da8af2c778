"""`newsletter init` and `newsletter new`: what they write, and that they overwrite nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from composer.audience.files import read_list
from composer.cli.app import app
from composer.cli.init import issue_skeleton, write_new
from composer.config import ListSettings, keys
from composer.edition.compose import compose
from composer.errors import ProjectError, UsageError
from composer.issue.files import read_issue
from composer.project import find


def run(*words):
    return CliRunner().invoke(app, [*map(str, words)])


@pytest.fixture
def fresh(tmp_path):
    assert run("init", tmp_path / "letter").exit_code == 0
    return find(tmp_path / "letter", exact=True)


def test_init_writes_a_whole_project(fresh):
    """A team starts from files that work."""
    names = {path.relative_to(fresh.root).as_posix() for path in fresh.root.rglob("*") if path.is_file()}
    assert names == {
        ".gitignore",
        "newsletter.toml",
        "issues/first-issue.md",
        "recipients/staff.csv",
        "recipients/sample.csv",
        "templates/email/theme.toml",
        "templates/email/newsletter.mjml",
    }


def test_new_project_has_no_finding(fresh):
    """The first issue and lists must not begin with a complaint."""
    assert read_issue(fresh.issue_path("first-issue"), fresh).findings == ()
    for name in ("staff", "sample"):
        people = read_list(fresh, name)
        assert people.subscribers
        assert people.findings == ()


def test_the_template_to_edit_takes_part(fresh):
    """What a team writes into its template is in its letter, above the shipped footer."""
    path = fresh.root / "templates" / "email" / "newsletter.mjml"
    text = path.read_text(encoding="utf-8")
    before, _, rest = text.partition("Take the next two lines out of this comment to see it:\n")
    path.write_text(before + "#}\n" + rest.replace("</mj-section> #}", "</mj-section>"), encoding="utf-8")
    edition = compose(read_issue(fresh.issue_path("first-issue"), fresh), ListSettings("sample"), fresh)
    assert "Was this forwarded to you?" in edition.html
    assert "Unsubscribe" in edition.html


def test_gitignore_keeps_addresses_out(fresh):
    """Subscribers' addresses, the ledger and secrets must not be committed by accident; the made-up samples may be."""
    lines = (fresh.root / ".gitignore").read_text().splitlines()
    assert {"recipients/*.csv", "!recipients/sample.csv", "outbox/", "var/", ".env"} <= set(lines)
    assert "!recipients/staff.csv" not in lines  # colleagues are people too


def test_settings_that_only_the_team_knows_are_pointed_out(fresh):
    """Every key whose emptiness stops a public send is marked in the file."""
    text = (fresh.root / "newsletter.toml").read_text()
    for name in ("from", "postal_address", "site_url"):
        assert f'{name} = ""' in text
    assert text.count("FILL IN") >= 4
    assert {"from", "postal_address", "site_url"} <= {key.name for key in keys()}


def test_init_overwrites_nothing(tmp_path):
    """A second init, or one in a used folder, lists what is in the way and writes nothing at all."""
    (tmp_path / "newsletter.toml").write_text("# mine\n")
    result = run("init", tmp_path)
    assert result.exit_code == 2
    assert "newsletter.toml" in result.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["newsletter.toml"]
    assert (tmp_path / "newsletter.toml").read_text() == "# mine\n"


def test_init_into_a_file_is_refused(tmp_path):
    """A file where the folder should be is in the way like any other."""
    (tmp_path / "letter").write_text("I am a file")
    result = run("init", tmp_path / "letter")
    assert result.exit_code == 2
    assert "there already" in result.stderr


def test_dangling_link_is_in_the_way(tmp_path):
    """Writing through a link that points elsewhere would create a file outside the project."""
    (tmp_path / "newsletter.toml").symlink_to(tmp_path / "elsewhere.toml")
    with pytest.raises(ProjectError, match="there already"):
        write_new(tmp_path, {"newsletter.toml": b"x"})
    assert not (tmp_path / "elsewhere.toml").exists()


def test_new_starts_an_issue_for_its_month(fresh):
    """A stem that is a month gives the title."""
    result = run("--project", fresh.root, "new", "2026-02")
    assert (result.exit_code, result.output) == (0, "issues/2026-02.md\n")
    issue = read_issue(fresh.issue_path("2026-02"), fresh)
    assert issue.title == "Our Newsletter: February 2026"
    assert issue.draft
    assert issue.findings == ()


def test_new_overwrites_nothing(fresh):
    """A month's work must survive a second `new`."""
    path = fresh.issues / "2026-02.md"
    path.write_text("mine")
    assert run("--project", fresh.root, "new", "2026-02").exit_code == 2
    assert path.read_text() == "mine"


@pytest.mark.parametrize("stem", ["../x", "a/b", "/etc/x", "", ".hidden", "a b", "2026-02.md", "-rf", "a\n", "ä", "x" * 81])
def test_stems_that_are_no_plain_names_are_refused(stem):
    """A stem is a file name and part of a web address; it can never lead out of issues/."""
    with pytest.raises(UsageError):
        issue_skeleton(stem, "Letter")


def test_quotes_in_the_newsletter_name_stay_valid_yaml(project):
    """A name with quotes goes into YAML double quotes."""
    (project.issues / "x.md").write_text(issue_skeleton("2026-13", 'The "Best" \\ Letter'), encoding="utf-8")
    assert read_issue(project.issues / "x.md", project).title == 'The "Best" \\ Letter'


def test_a_failed_start_leaves_nothing_behind(tmp_path, monkeypatch):
    """Half a project would be in the way of the next try."""
    files = {"a.txt": b"a", "b/c.txt": b"c"}
    real = Path.open

    def full(self, *words, **options):
        if self.name == "c.txt":
            raise OSError(28, "No space left on device", str(self))
        return real(self, *words, **options)

    monkeypatch.setattr(Path, "open", full)
    with pytest.raises(ProjectError, match="No space left") as caught:
        write_new(tmp_path, files)
    assert "Nothing was written" in caught.value.hint
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
