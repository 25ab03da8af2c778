"""What the checks say of two real issues, each finding with a verdict of its own by somebody who read the issue.

After a wanted change: ``UPDATE_GOLDEN=1 pytest tests/golden``; a finding that is new then asks for its verdict in place of the ``?``.
"""

import os
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

from composer.delivery.checking import check_issue

FOLDER = Path(__file__).parent / "findings"
# The last day on which each could have been sent.
JUDGED = (datetime(2026, 1, 31, 12, tzinfo=UTC), datetime(2025, 7, 31, 12, tzinfo=UTC))
VERDICTS = {"real", "harmless", "wrong"}
MOST_WRONG = 2


def kept(name):
    """The verdicts by finding, as they stand in the file of an issue."""
    lines = (FOLDER / f"{name}.tsv").read_text(encoding="utf-8").splitlines() if (FOLDER / f"{name}.tsv").is_file() else []
    rows = [line.split("\t", 1) for line in lines if line and not line.startswith("#")]
    return {finding: verdict for verdict, finding in rows}


def said(project, path, now):
    """What the checks say of an issue, a line each."""
    findings = check_issue(project, path.stem, now=now).findings
    return [f"{each.severity}\t{each.code}\t{str(each.where).removeprefix(f'issues/{path.name}')}\t{each.message}" for each in findings]


@pytest.fixture(scope="module", params=[0, 1], ids=["january", "july"])
def judged(request, shared_issues, repository, tmp_path_factory):
    """An issue's findings of today, and its file of verdicts."""
    from composer.project import find

    root = tmp_path_factory.mktemp("judged")
    shutil.copy(repository / "newsletter.toml", root)
    (root / "issues").mkdir()
    for path in shared_issues:
        shutil.copy(path, root / "issues")
    path = shared_issues[request.param]
    found = said(find(root, exact=True), path, JUDGED[request.param])
    verdicts = kept(path.stem)
    if os.environ.get("UPDATE_GOLDEN"):
        lines = "".join(f"{verdicts.get(finding, '?')}\t{finding}\n" for finding in found)
        (FOLDER / f"{path.stem}.tsv").write_text(f"# verdict, severity, code, place, message\n{lines}", encoding="utf-8")
        verdicts = kept(path.stem)
    return found, verdicts


def test_every_finding_has_its_verdict(judged):
    """A finding that appears, changes or goes is looked at by somebody before it reaches an editor."""
    found, verdicts = judged
    assert found == list(verdicts)
    assert set(verdicts.values()) <= VERDICTS


def test_few_are_wrong(judged):
    """Who cries wolf is not heard."""
    _, verdicts = judged
    assert sum(verdict == "wrong" for verdict in verdicts.values()) <= MOST_WRONG


def test_no_warning_is_harmless_noise(judged):
    """What is worth a warning is worth mending; remarks are infos."""
    _, verdicts = judged
    assert [finding for finding, verdict in verdicts.items() if verdict != "real" and not finding.startswith("info")] == []
