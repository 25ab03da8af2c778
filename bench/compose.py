"""Measures what we promise of composing: one run, medians, each ratio beside its bound; exit code 1 when one is missed.

Ratios, not seconds: both sides of each run on the same machine at the same time.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rounds import medians

from composer.config import ListSettings
from composer.edition.compose import compose
from composer.issue.files import read_issue
from composer.project import Project, find

ROOT = Path(__file__).resolve().parent.parent
ISSUE = "2026-01"
PROCESSES, WARM = 11, 15
# The third-party libraries that a build loads, and the two calls that nobody could do without.
BARE = """
import sys, logging
import typer, yaml, dotenv, markdown_it, linkify_it, nh3, jinja2, wcwidth
import mdit_py_plugins.attrs, mdit_py_plugins.footnote
from mjml import mjml2html
from premailer import Premailer
html = mjml2html(open(sys.argv[1], encoding="utf-8").read(), fonts={})
Premailer(html, keep_style_tags=True, strip_important=False, remove_classes=False, allow_network=False, disable_validation=True,
          disable_basic_attributes=["width", "height"], cssutils_logging_level=logging.CRITICAL).transform()
"""


@dataclass(frozen=True, slots=True)
class Ratio:
    """Two medians in seconds, and how many times the second the first may take."""

    what: str
    ours: float
    other: float
    bound: float

    @property
    def ratio(self) -> float:
        """How many times the other."""
        return self.ours / self.other


def run(*command: str | Path) -> Callable[[], object]:
    """Return a call that runs a process and fails when it does."""
    words = [str(word) for word in command]
    environment = {key: value for key, value in os.environ.items() if not key.startswith("NEWSLETTER_")}
    return lambda: subprocess.run(words, check=True, capture_output=True, cwd=ROOT, env=environment)


def newsletter() -> Path:
    """Return the command that is installed beside this Python."""
    return Path(sys.executable).parent / "newsletter"


def whole_build(folder: Path) -> Ratio:
    """Compare `newsletter build` with a script that loads the same libraries and makes the two calls."""
    build = run(newsletter(), "build", ISSUE, "--out", folder)
    build()
    script = folder / "bare.py"
    script.write_text(BARE, encoding="utf-8")
    ours, other = medians(PROCESSES, build, run(sys.executable, script, folder / "email.mjml"))
    return Ratio("newsletter build : the same libraries, mjml2html and premailer once", ours, other, 2.0)


def help_text() -> Ratio:
    """Compare `newsletter --help` with importing typer."""
    ours, other = medians(PROCESSES, run(newsletter(), "--help"), run(sys.executable, "-c", "import typer"))
    return Ratio("newsletter --help : python -c 'import typer'", ours, other, 3.0)


def warm_compose(project: Project) -> Ratio:
    """Compare compose() with the inlining that happens inside of it."""
    issue = read_issue(project.issue_path(ISSUE), project)
    compose(issue, ListSettings(), project)
    import premailer  # noqa: PLC0415 - composing sizes its cache as it is imported; both sides shall have the same

    seen: list[tuple[tuple[Any, ...], dict[str, Any]]] = []

    class Recording(premailer.Premailer):  # type: ignore[misc]  # premailer carries no types
        def __init__(self, *args: Any, **options: Any) -> None:
            seen.append((args, options))
            super().__init__(*args, **options)

    real = premailer.Premailer
    premailer.Premailer = Recording
    compose(issue, ListSettings(), project)
    premailer.Premailer = real
    ((arguments, options),) = seen
    ours, other = medians(WARM, lambda: compose(issue, ListSettings(), project), lambda: real(*arguments, **options).transform())
    return Ratio("compose(), warm : Premailer.transform() on the same HTML", ours, other, 2.5)


def ten_times(project: Project, folder: Path) -> Ratio:
    """Compare ten times the content with once the content, read and composed."""
    text = (project.issue_path(ISSUE)).read_text(encoding="utf-8")
    _, front, body = text.split("---\n", 2)
    paths = []
    for times in (10, 1):
        paths.append(folder / f"times-{times}.md")
        paths[-1].write_text(f"---\n{front}---\n" + f"{body}\n\n" * times, encoding="utf-8")
    calls = [lambda path=path: compose(read_issue(path, project), ListSettings(), project) for path in paths]
    ours, other = medians(WARM, *calls)
    return Ratio("ten times the content : once, read and composed", ours, other, 12.0)


def show(ratios: Sequence[Ratio]) -> int:
    """Print the ratios and return the exit code."""
    for each in ratios:
        verdict = "ok" if each.ratio <= each.bound else "MISSED"
        print(f"{each.ratio:6.2f} of {each.bound:4.1f}  {verdict:6}  {each.what}  ({each.ours * 1000:.1f} ms : {each.other * 1000:.1f} ms)")
    return int(any(each.ratio > each.bound for each in ratios))


def main() -> int:
    """Measure everything once."""
    project = find(ROOT, exact=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        return show([whole_build(folder), warm_compose(project), ten_times(project, folder), help_text()])


if __name__ == "__main__":
    sys.exit(main())
