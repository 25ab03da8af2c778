"""Where things are: found upward, named as people know them, with one identity an issue."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from composer import project as projects
from composer.errors import ProjectError
from composer.project import find


def test_a_project_is_found_from_a_folder_inside_it(project, monkeypatch):
    """One works in issues/ as well as at the root."""
    monkeypatch.chdir(project.issues)
    assert find().root == project.root
    assert find(project.root, exact=True).root == project.root


def test_no_project_is_an_error_that_says_how_to_start(tmp_path):
    """The first thing a newcomer may see."""
    with pytest.raises(ProjectError, match=r"no newsletter\.toml") as caught:
        find(tmp_path, exact=True)
    assert "newsletter init" in caught.value.hint


def test_an_issue_is_found_by_stem_and_by_path(project, tmp_path, monkeypatch):
    """A stem means the project's issue, wherever one stands."""
    (project.issues / "2031-01.md").write_text("x", encoding="utf-8")
    (tmp_path / "2031-01").write_text("not this one", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    for name in ("2031-01", "2031-01.md", "issues/2031-01.md", str(project.issues / "2031-01.md")):
        assert project.issue_path(name) == (project.issues / "2031-01.md").resolve()


@pytest.mark.parametrize("name", ["nope", "", "x" * 5000, "a\0b", "../../etc"])
def test_an_issue_that_is_not_there(project, name):
    """No name brings more than this error."""
    with pytest.raises(ProjectError, match="there is no issue"):
        project.issue_path(name)


@pytest.mark.parametrize("name", ["..md", "...md", "a\tb.md", "a\u202eb.md", f"{'x' * 101}.md"])
def test_a_stem_that_cannot_be_an_identity(project, name):
    """It names folders and rows: no dots in front, nothing invisible, not endless."""
    (project.issues / name).write_text("x", encoding="utf-8")
    with pytest.raises(ProjectError, match="cannot be the name of an issue"):
        project.issue_path(str(project.issues / name))


def test_a_file_system_that_ignores_case_gives_one_identity(project, monkeypatch):
    """On such a disk `2031-jan` and `2031-Jan` open one file, and must not be mailed as two issues."""
    real = project.issues / "2031-Jan.md"
    real.write_text("x", encoding="utf-8")
    typed = project.issues / "2031-jan.md"
    monkeypatch.setattr(Path, "samefile", lambda *_: True)
    assert projects._as_on_disk(typed) == real.resolve()


def test_the_signing_key_is_made_once_and_private(project):
    """Links signed today must verify tomorrow; nobody else on the machine may sign."""
    first = project.signing_keys()
    path = project.var / "secret.key"
    assert len(first[0]) >= 40
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert project.signing_keys() == first
    assert [entry.name for entry in project.var.iterdir()] == ["secret.key"]


def test_known_keys_make_none(project):
    """Whoever only looks leaves no file behind."""
    assert project.known_keys() == ()
    assert not project.var.exists()
    assert project.signing_keys() == project.known_keys()


def test_an_empty_key_file_is_made_anew(project):
    """A crash between making and writing the file must not end all sending."""
    project.var.mkdir()
    (project.var / "secret.key").touch()
    assert project.signing_keys()[0]


def test_of_two_processes_the_first_key_counts_for_both(project):
    """Two keys would leave half of the unsubscribe links dead."""
    first = project.signing_keys()
    projects._make_key(project.var / "secret.key")
    assert project.signing_keys() == first


def test_a_key_that_cannot_be_kept_is_an_error(project):
    """`var` as a file, or a folder of somebody else's."""
    project.var.write_text("a file", encoding="utf-8")
    with pytest.raises(ProjectError, match="signing key cannot be kept"):
        project.signing_keys()
