"""The package as people install it."""

from __future__ import annotations

import subprocess
import sys
import zipfile

import pytest


@pytest.fixture(scope="module")
def wheel_path(repository, tmp_path_factory):
    """Build the wheel without the network."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=repository, check=True, capture_output=True, timeout=120)
    (path,) = folder.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def wheel_names(wheel_path):
    """List what is in the wheel."""
    with zipfile.ZipFile(wheel_path) as wheel:
        return set(wheel.namelist())


def test_wheel_holds_the_templates_and_the_scaffold(wheel_names, repository):
    """Without them an installed newsletter could neither compose nor start a project."""
    templates = {
        path.relative_to(repository / "templates" / "email").as_posix() for path in (repository / "templates").rglob("*") if path.is_file()
    }
    scaffold = {path.relative_to(repository).as_posix() for path in (repository / "composer" / "scaffold").rglob("*") if path.is_file()}
    assert {f"composer/_shipped/email/{name}" for name in templates} <= wheel_names
    assert scaffold <= wheel_names
    assert "composer/scaffold/gitignore" in wheel_names
    assert "composer/py.typed" in wheel_names


def test_wheel_holds_the_migrations(wheel_names):
    """The ledger of an installed newsletter is made by its migrations."""
    assert any(name.startswith("composer/ledger/migrations/versions/") for name in wheel_names)


def test_wheel_holds_nothing_else(wheel_names):
    """Tests, lists and caches stay at home."""
    tops = {name.split("/")[0] for name in wheel_names}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"composer"}
    assert not any("__pycache__" in name or name.endswith(".pyc") for name in wheel_names)


def test_installed_newsletter_starts_a_project_and_builds_its_issue(wheel_path, tmp_path):
    """What is unpacked from the wheel works far from the repository, with the templates that it carries."""
    with zipfile.ZipFile(wheel_path) as wheel:
        wheel.extractall(tmp_path / "installed")
    code = "import composer, sys; print(composer.__file__); from composer.cli.app import main; main()"
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "PYTHONPATH": str(tmp_path / "installed")}
    for words in (["init", "letter"], ["--project", "letter", "build", "first-issue", "--to", "sample"]):
        command = [sys.executable, "-c", code, *words]
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False, timeout=120)
        assert done.returncode == 0, done.stderr
        assert done.stdout.startswith(str(tmp_path / "installed"))
    assert "Our Newsletter" in (tmp_path / "letter" / "build" / "first-issue" / "email.html").read_text(encoding="utf-8")
