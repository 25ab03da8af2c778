"""What the README tells people to type works, in a copy of what they would have."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from composer.cli.app import app


@pytest.fixture
def copy(repository, tmp_path, monkeypatch):
    """A copy of the repository's own newsletter project, as the working directory."""
    root = tmp_path / "copy"
    for name in ("issues", "recipients", "templates"):
        shutil.copytree(repository / name, root / name)
    shutil.copy(repository / "newsletter.toml", root)
    monkeypatch.chdir(root)
    return root


def _blocks(repository):
    text = (repository / "README.md").read_text(encoding="utf-8")
    return [block.strip().splitlines() for block in re.findall(r"```sh\n(.*?)```", text, re.DOTALL)]


def _newsletter(line):
    words = shlex.split(line)
    assert Path(words[0]).name == "newsletter", line
    result = CliRunner().invoke(app, words[1:], prog_name="newsletter")
    assert result.exit_code == 0, f"{line}\n{result.output}"
    return result


def _preview(line):
    """Run a preview until it tells its address; it would open a browser and stay."""
    command = [sys.executable, "-c", "from composer.cli.app import main; main()", *shlex.split(line)[1:], "--no-open", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        said = process.stdout.readline()
        process.terminate()
    assert said.startswith("http://127.0.0.1:"), f"{line}\n{said}"


def test_begin_and_write_commands_run(repository, copy, monkeypatch):
    """The way from nothing to a delivered issue, as the README has it."""
    begin, write = _blocks(repository)
    assert [line.split()[0] for line in begin[:2]] == ["python3", ".venv/bin/pip"]
    assert begin[2:] == [". .venv/bin/activate", "newsletter init ../letter", "cd ../letter"]
    _newsletter(begin[3])
    monkeypatch.chdir(copy.parent / "letter")
    assert [line.split()[1] for line in write] == ["new", "preview", "check", "test", "send", "status"]
    for line in write:
        (_preview if line.split()[1] == "preview" else _newsletter)(line)
    assert len(list(Path("outbox").rglob("test-*/*.eml"))) == 2
    assert len(list(Path("outbox").rglob("*-1/*.eml"))) == 2


def test_demo_commands_run_and_may_be_repeated(repository, copy):
    """`make demo` is the first thing anybody does, and the second."""
    recipe = (repository / "Makefile").read_text().partition("\ndemo:")[2].partition("\n\n")[0]
    lines = [line.strip().replace("$(BIN)/", "").replace("$(DEMO)", "2026-01") for line in recipe.splitlines()[1:] if "newsletter " in line]
    assert [line.split()[1] for line in lines] == ["build", "send"]
    for line in lines * 2:
        _newsletter(line)
    assert (copy / "build" / "2026-01" / "email.html").is_file()
    people = len((copy / "recipients" / "sample.csv").read_text(encoding="utf-8").splitlines()) - 1
    newest = max({path.parent for path in (copy / "outbox").rglob("*.eml")}, key=lambda folder: folder.name)
    assert len(list(newest.glob("*.eml"))) == people


def test_pictures_are_there(repository):
    """The README shows what readers see, the preview and a check."""
    names = re.findall(r"!\[[^\]]+\]\(([^)]+)\)", (repository / "README.md").read_text(encoding="utf-8"))
    assert names == [f"docs/images/{name}.png" for name in ("sample", "preview-light", "check")]
    assert all((repository / name).read_bytes().startswith(b"\x89PNG") for name in names)


def test_python_named_is_the_one_required(repository):
    """README and metadata agree on the oldest Python, and so does the one that runs this."""
    required = re.search(r'requires-python = ">=(3\.\d+)"', (repository / "pyproject.toml").read_text())[1]
    assert f"Python {required} or newer" in (repository / "README.md").read_text(encoding="utf-8")
    assert sys.version_info >= tuple(int(part) for part in required.split("."))
