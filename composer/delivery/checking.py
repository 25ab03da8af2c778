"""An issue read, composed and checked as it will go out: for ``check``, the preview, a test and a send alike."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from composer.audience.files import declare, read_list
from composer.audience.fit import fit
from composer.audience.model import List
from composer.checks import asking
from composer.checks.letter import Letter
from composer.checks.run import Report, check, check_text
from composer.config import ListSettings
from composer.delivery.earlier import earlier_issues
from composer.edition.compose import compose
from composer.edition.fields import fill_for_display
from composer.edition.templates import templates_of
from composer.findings import Finding, Severity
from composer.issue.files import read_issue, read_source

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from composer.edition.model import Edition
    from composer.issue.model import Issue
    from composer.project import Project

NO_LIST = List(ListSettings(), ())
LINKS_FILE = "links.json"


@dataclass(frozen=True, slots=True)
class Questions:
    """How an issue is to be checked: for which list, at which aware moment (None: now), and whether others are asked.

    ``links`` asks every site that it links to, and tells ``done`` how many of how many; ``spam`` asks SpamAssassin.
    """

    list_name: str = ""
    now: datetime | None = None
    links: bool = False
    spam: bool = False
    done: Callable[[int, int], None] = lambda _number, _total: None


@dataclass(frozen=True, slots=True)
class Examined:
    """An issue that was checked: what was looked at, and what there is to say."""

    letter: Letter
    report: Report


def letter_of(project: Project, name: str, list_name: str = "", now: datetime | None = None) -> Letter:
    """Read an issue, the people of a list, and the issues before it; ``now`` (aware) is this moment if not said.

    Raises ProjectError, IssueError, AudienceError and TemplateError for what cannot be read.
    """
    with _opened(project, list_name) as chosen:
        letter = _letter(project, name, chosen, now)
        return replace(letter, people=tuple(letter.people))


def check_issue(project: Project, name: str, list_name: str = "", now: datetime | None = None) -> Report:
    """Check an issue, with a list also what its people lack. Raises what ``letter_of`` raises, and ConfigError."""
    return examine(project, name, Questions(list_name, now)).report


def examine(project: Project, name: str, questions: Questions) -> Examined:
    """Check an issue as it was asked for. Raises what ``check_issue`` raises."""
    with _opened(project, questions.list_name) as chosen:
        letter = _letter(project, name, chosen, questions.now)
        also = [*of_list(chosen, letter.edition), *_answers(letter, questions, project.var / LINKS_FILE)]
        unchecked = (frozenset() if questions.links else asking.LINKS) | (frozenset() if questions.spam else asking.SPAM)
        return Examined(letter, check(letter, also, unchecked))


def of_list(chosen: List, edition: Edition) -> tuple[Finding, ...]:
    """Return what there is to say of a list and of what its people lack; nothing where none was named."""
    return (*chosen.findings, *fit([chosen], edition.fields)) if chosen.settings.name else chosen.findings


def _answers(letter: Letter, questions: Questions, cache: Path) -> Iterator[Finding]:
    if questions.links:
        from composer.checks.links import check_links  # noqa: PLC0415 - HTTP and TLS, which a send need not load for this
        from composer.checks.page import read_page  # noqa: PLC0415

        yield from check_links(letter, read_page(letter), cache, done=questions.done)
    if questions.spam:
        from composer.checks import spam  # noqa: PLC0415 - the same

        yield from spam.check(letter)


def check_edition(project: Project, issue: Issue, edition: Edition, settings: ListSettings, now: datetime | None = None) -> Report:
    """Check what is composed already, but for its size and its people; for a send, which looks at all of them itself."""
    return check_text(around(project, issue, edition, replace(NO_LIST, settings=settings), now), asking.LINKS | asking.SPAM)


def worth_telling(report: Report) -> tuple[Finding, ...]:
    """Return what somebody who sends has to know: errors and warnings. Remarks are for whoever still writes."""
    return tuple(finding for finding in report.findings if finding.severity is not Severity.INFO)


def unless_silenced(issue: Issue, findings: tuple[Finding, ...]) -> tuple[Finding, ...]:
    """Drop findings of a whole letter, its size, that the issue silences with a reason."""
    quiet = {code for each in issue.silences if each.whole and each.reason for code in each.codes}
    return tuple(finding for finding in findings if finding.code not in quiet)


def around(
    project: Project, issue: Issue, edition: Edition, chosen: List, now: datetime | None = None, *, source: str | None = None
) -> Letter:
    """Put a letter together from an edition and all that is known around it; ``source`` is its file's text where that was read.

    Raises IssueError when its file is gone.
    """
    return Letter(
        issue=issue,
        source=read_source(project.root / issue.path, project) if source is None else source,
        edition=edition,
        html=fill_for_display(edition, edition.html),
        text=fill_for_display(edition, edition.text),
        config=project.config,
        settings=chosen.settings,
        people=chosen.subscribers,
        earlier=earlier_issues(project, issue),
        now=now or datetime.now(UTC),
        theme=templates_of(project.template_folders).theme(),
    )


def _letter(project: Project, name: str, chosen: List, now: datetime | None) -> Letter:
    issue = read_issue(project.issue_path(name), project)
    return around(project, issue, compose(issue, chosen.settings, project), chosen, now)


@contextmanager
def _opened(project: Project, name: str) -> Iterator[List]:
    """Open a list, of a file or of the ledger, which then stays open: its people are read from there as often as asked for."""
    if not name:
        yield NO_LIST
        return
    declaration = declare(project, name)
    if not declaration.in_ledger:
        yield read_list(project, name)
        return
    from composer.delivery.choosing import Chooser  # noqa: PLC0415 - brings the database
    from composer.ledger.opening import ledger_exists, open_ledger  # noqa: PLC0415

    with open_ledger(project) if ledger_exists(project) else nullcontext() as ledger:
        (chosen,) = Chooser(project, ledger).open_lists([name])
        yield chosen
