"""Measures what we promise of checks: checking takes less time than composing, again and again as a preview does it, and once in a send.

Ratios, not seconds: both sides run on the same machine at the same time. What asks somebody else (links, spam) is not in it.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

from rounds import medians

from composer.checks.letter import Letter
from composer.checks.page import Page, read_page
from composer.checks.run import FAMILIES, Family, check
from composer.config import ListSettings
from composer.delivery.checking import letter_of
from composer.edition.compose import compose
from composer.findings import Finding
from composer.project import find

ROOT = Path(__file__).resolve().parent.parent
ISSUE = "2026-01"
ROUNDS, PROCESSES = 25, 7
BOUND = 1.0
# What a send does for the first time in its process, imports included.
FIRST = """
import json, sys, time
from pathlib import Path
from composer.config import ListSettings
from composer.issue.files import read_issue
from composer.project import find
project = find(Path(sys.argv[1]), exact=True)
issue = read_issue(project.issue_path(sys.argv[2]), project)
begin = time.perf_counter()
from composer.edition.compose import compose
edition = compose(issue, ListSettings(), project)
composed = time.perf_counter()
from composer.delivery.checking import check_edition
check_edition(project, issue, edition, ListSettings())
print(json.dumps([time.perf_counter() - composed, composed - begin]))
"""


def again_and_again(letter: Letter) -> tuple[float, float]:
    """Return the seconds of a check and of composing the same issue, both warm."""
    project = find(ROOT, exact=True)
    ours, other = medians(ROUNDS, lambda: check(letter), lambda: compose(letter.issue, ListSettings(), project))
    return ours, other


def once_in_a_send(issue: Path) -> tuple[float, float]:
    """Return the seconds of a check, six earlier issues read for it, and of composing, both for the first time in a process."""
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        shutil.copy(ROOT / "newsletter.toml", root)
        shutil.copytree(ROOT / "issues", root / "issues")
        text = issue.read_text(encoding="utf-8")
        for month in range(7, 13):
            (root / "issues" / f"2025-{month:02}.md").write_text(text.replace("January 2026", ""), encoding="utf-8")
        (root / "issues" / issue.name).write_text(text, encoding="utf-8")
        command = [sys.executable, "-c", FIRST, str(root), issue.stem]
        runs = [json.loads(subprocess.run(command, check=True, capture_output=True, cwd=ROOT).stdout) for _ in range(PROCESSES)]
    return statistics.median(run[0] for run in runs), statistics.median(run[1] for run in runs)


def parts(letter: Letter) -> Iterable[tuple[str, float]]:
    """Time the reading of the page and each family alone, in seconds."""
    page = read_page(letter)
    calls: list[tuple[str, Callable[[], object]]] = [("read_page", lambda: read_page(letter))]
    calls += [(family.__module__.removeprefix("composer.checks."), partial(_whole, family, letter, page)) for family in FAMILIES]
    return zip((name for name, _ in calls), medians(ROUNDS, *(call for _, call in calls)), strict=True)


def _whole(family: Family, letter: Letter, page: Page) -> list[Finding]:
    return list(family(letter, page))


def show(what: str, ours: float, other: float) -> bool:
    """Print a ratio, and say whether it holds."""
    good = ours / other < BOUND
    verdict = "ok" if good else "MISSED"
    print(f"{ours / other:6.2f} of {BOUND:4.1f}  {verdict:6}  {what}  ({ours * 1000:.1f} ms : {other * 1000:.1f} ms)")
    return good


def main() -> int:
    """Measure everything once."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("issue", nargs="?", default=ISSUE, help="the issue to check")
    arguments.add_argument("--parts", action="store_true", help="show what each family takes")
    asked = arguments.parse_args()
    project = find(ROOT, exact=True)
    letter = letter_of(project, asked.issue)
    good = show("check() : compose(), both warm", *again_and_again(letter))
    good &= show("check_edition() : compose(), both for the first time", *once_in_a_send(project.issue_path(asked.issue)))
    if asked.parts:
        for name, seconds in parts(letter):
            print(f"{seconds * 1000:8.2f} ms  {name}")
    return int(not good)


if __name__ == "__main__":
    sys.exit(main())
