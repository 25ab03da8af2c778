"""What docs/checking.md shows is what `newsletter check` does."""

from __future__ import annotations

import json
import re

import pytest
import yaml
from typer.testing import CliRunner

from composer.cli.app import app
from composer.delivery.earlier import MOST

FRONT = "---\ntitle: Letter\nsubject: A subject of a good length\npreheader: A line that says more than the subject does.\n{more}---\n\n# One\n\n"


@pytest.fixture
def page(repository):
    return (repository / "docs" / "checking.md").read_text(encoding="utf-8")


@pytest.fixture
def check(project):
    def run(text, *options):
        (project.issues / "2026-01.md").write_text(text, encoding="utf-8")
        return CliRunner().invoke(app, ["--project", str(project.root), "check", "2026-01", "--on", "2026-02-02", *options])

    return run


def _block(page, language, words):
    (found,) = [each for each in re.findall(rf"```{language}\n(.*?)```", page, re.DOTALL) if words in each]
    return found


def test_the_finding_shown_is_printed_so(page, check):
    """People learn the form from it."""
    shown = _block(page, "text", "empty-link").strip().split("\n\n")
    line = re.search(r"\d+ \| (.*)", shown[0])[1]
    text = FRONT.format(more="")
    printed = check(text + "\n" * (30 - text.count("\n")) + line + "\n").stdout
    assert shown[0] in printed
    assert re.sub(r": .*", "", shown[1]) in printed


def test_the_silences_shown_are_of_use(page, check):
    """Copied into an issue, each is read as a silence with a reason."""
    comment = _block(page, "markdown", "check off")
    result = check(FRONT.format(more=_block(page, "yaml", "checks_off")) + comment)
    assert "silence-" not in result.stdout, result.stdout
    result = check(FRONT.format(more="") + comment.replace("link-dead", "no-such-code"))
    assert "silence-unknown-code" in result.stdout


def test_every_key_of_the_data_is_named(page, check):
    """Programs are written from this page."""
    part = page.partition("## For programs")[2]
    text = (
        FRONT.format(more="")
        + "<!-- check off: empty-link: so it is -->\n[](https://www.example.org)\n\nSee [](https://www.example.org/fair).\n"
    )
    data = json.loads(check(text, "--json").stdout)
    (issue,) = data["issues"]
    assert issue["findings"]
    assert issue["silenced"]
    for each in (data, issue, issue["counts"], issue["findings"][0], issue["silenced"][0]):
        assert not [key for key in each if f"`{key}`" not in part]


def test_the_workflow_shown_is_one(page):
    """Its last step is the command in the form that GitHub reads."""
    workflow = yaml.safe_load(_block(page, "yaml", "runs-on"))
    steps = workflow["jobs"]["check"]["steps"]
    assert steps[-1]["run"].split()[:2] == ["newsletter", "check"]
    assert "--format github" in steps[-1]["run"]


def test_how_far_back_a_check_looks(page):
    """The number in the text is the one in the code."""
    words = {6: "six", 12: "twelve"}
    assert f"compared with the {words[MOST]} before this one" in " ".join(page.split())
