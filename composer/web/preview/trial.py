"""The test send from the page: the one that ``newsletter test`` makes, one at a time, and what the last one was."""

from __future__ import annotations

import getpass
from collections import Counter
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Lock
from typing import Any

from composer.audience.files import list_names
from composer.delivery.edge_cases import LABELS
from composer.delivery.test_run import run_test
from composer.delivery.test_send import Asked, PreparedTest, prepare_test
from composer.errors import UsageError
from composer.ledger.opening import ledger_exists, open_ledger
from composer.ledger.test_sends import list_test_sends
from composer.project import Project
from composer.web.preview.people import CASE

# The messages of one test are started within this time of one another.
_ONE_TEST = timedelta(minutes=10)
_MOST_NAMED = 50


@dataclass(frozen=True, slots=True)
class Order:
    """What the page asks for: where to (lists and addresses), the list it is for, as whom (an address, ``case:NAME``, nobody)."""

    to: tuple[str, ...]
    meant_for: str = ""
    merged_as: str = ""


class Busy(UsageError):  # noqa: N818 - what the page says
    """A test is under way."""


class Trials:
    """Sends tests, one at a time."""

    def __init__(self) -> None:
        self._lock = Lock()

    def run(self, project: Project, issue: str, order: Order) -> dict[str, Any]:
        """Send a test and say what became of each message.

        Raises Busy while another one is under way, UsageError for whom no test may go to, and ComposerError as the run does.
        """
        _check(project, order)
        if not self._lock.acquire(blocking=False):
            raise Busy("a test is under way", hint="Wait for its outcome.")
        try:
            return _sent(project, issue, order)
        finally:
            self._lock.release()


def last_test(project: Project, stem: str, digest: str) -> dict[str, Any] | None:
    """Describe the last test of an issue; None when there was none."""
    if not ledger_exists(project):
        return None
    with open_ledger(project) as ledger:
        rows = list_test_sends(ledger, stem)
    if not rows or rows[0].started_at is None:
        return None
    last, began = rows[0], rows[0].started_at
    together = [row for row in rows if (row.edition, row.sender) == (last.edition, last.sender)]
    recent = [row for row in together if row.started_at and began - row.started_at < _ONE_TEST]
    outcomes = Counter(row.outcome or "unknown" for row in recent)
    return {
        "when": began.astimezone(UTC).isoformat(timespec="seconds"),
        "sender": last.sender,
        "outcomes": dict(outcomes),
        "digest": last.edition,
        "same_digest": last.edition == digest,
        "real": last.real,
    }


def _check(project: Project, order: Order) -> None:
    """Lists are named, never paths: what the page asks for stays in the project."""
    if not order.to:
        raise UsageError("nobody is named", hint="Choose colleagues, or type an address.")
    if len(order.to) > _MOST_NAMED:
        raise UsageError(f"more than {_MOST_NAMED} are named", hint="A list of kind staff may hold any number.")
    lists = list_names(project)
    named = [each for each in order.to if "@" not in each]
    for name in (*named, *filter(None, [order.meant_for])):
        if name not in lists:
            if name in named:
                raise UsageError(f"{name[:80]!r} is no address, and no list", hint="An address looks like name@example.org.")
            raise UsageError(f"there is no list {name[:80]!r}", hint=f"Lists: {', '.join(lists) or 'none yet'}.")


def _sent(project: Project, issue: str, order: Order) -> dict[str, Any]:
    prepared = _prepared(project, issue, order)
    with open_ledger(project) as ledger:
        report = run_test(project, ledger, prepared, sender=_user(), clock=lambda: datetime.now(UTC))
    return {
        "outcomes": [{"email": each.trial.tester.email, "outcome": each.outcome, "answer": each.answer} for each in report.tested],
        "not_tried": len(prepared.trials) - len(report.tested),
        "stopped": report.reason,
        "left_out": {left.reason: left.count for left in prepared.left_out},
        "digest": prepared.edition.digest,
        "when": datetime.now(UTC).isoformat(timespec="seconds"),
        "place": report.place if prepared.real else project.shown(Path(report.place)),
        "transport": prepared.transport,
        "real": prepared.real,
    }


def _prepared(project: Project, issue: str, order: Order) -> PreparedTest:
    case = order.merged_as.removeprefix(CASE) if order.merged_as.startswith(CASE) else ""
    if case and case not in LABELS:
        raise UsageError("there is no such edge case", hint=f"They are: {', '.join(LABELS)}.")
    guises = (order.merged_as,) if order.merged_as and not case else ()
    asked = Asked((order.meant_for,) if order.meant_for else (), order.to, guises, edge_cases=bool(case))
    prepared = prepare_test(project, issue, asked)
    if not case:
        return prepared
    chosen = [trial for trial in prepared.trials if trial.variant == case]
    trials = (replace(trial, position=position, number=1, total=1) for position, trial in enumerate(chosen, 1))
    return replace(prepared, trials=tuple(trials))


def _user() -> str:
    """The name of whoever runs this, as the system knows it."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container may run as a number that has no name
        return "unknown"
