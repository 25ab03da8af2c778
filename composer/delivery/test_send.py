"""A test send before it begins: the edition that the readers will get, whom it goes to, and as whom each message is merged.

What is wrong with the issue is told and stops no test. Reads the issue, the lists and the ledger; writes nothing to it but what
SendGrid knows of suppressions, before a test through SendGrid.
"""

from __future__ import annotations

from collections import defaultdict
from contextlib import nullcontext
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from composer.audience.files import with_defaults
from composer.audience.model import LeftOut, Subscriber
from composer.audience.select import common_settings, is_public
from composer.checks.size import gmail_clip, html_size
from composer.config import ListSettings
from composer.delivery.checking import check_edition, unless_silenced, worth_telling
from composer.delivery.edge_cases import edge_cases, lacking, placeholders
from composer.delivery.preflight import Candidate, preflight
from composer.delivery.testers import find_subscriber, find_testers, meant_for
from composer.edition.compose import compose
from composer.edition.model import Edition
from composer.findings import Finding, Where, warning
from composer.issue.files import read_issue
from composer.ledger.opening import ledger_exists, open_ledger
from composer.ledger.test_sends import TestSend, list_test_sends
from composer.transport.registry import way_out

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from composer.audience.model import Declaration
    from composer.edition.model import Slot
    from composer.project import Project

AS_SUBSCRIBER = "as subscriber"
# Without these no message can be built, or one would go out in a stranger's name.
_STOPPING = frozenset({"no-mailbox", "placeholder-sender"})


@dataclass(frozen=True, slots=True)
class Asked:
    """How a test was asked for: lists it is ``meant_for``, lists and addresses it goes ``to``, subscribers to merge it as, by address."""

    meant_for: tuple[str, ...] = ()
    to: tuple[str, ...] = ("staff",)
    merged_as: tuple[str, ...] = ()
    edge_cases: bool = False


@dataclass(frozen=True, slots=True)
class Trial:
    """One message of a test: to ``tester``, merged as ``person``.

    It is ``number`` of ``total`` to this mailbox, and ``variant`` says what is special about it.
    """

    tester: Subscriber
    person: Subscriber
    position: int
    number: int = 1
    total: int = 1
    variant: str = ""

    @property
    def prefix(self) -> str:
        """What stands before the subject."""
        return f"[TEST {self.number}/{self.total} {self.variant}] " if self.total > 1 else "[TEST] "


@dataclass(frozen=True, slots=True)
class PreparedTest:
    """A test that has not begun; ``blocking`` are the findings that forbid even it.

    ``lists`` are those it is meant for; ``earlier`` are tests of the same edition, newest first.
    """

    edition: Edition
    settings: ListSettings
    lists: tuple[str, ...]
    transport: str
    real: bool
    trials: tuple[Trial, ...]
    findings: tuple[Finding, ...]
    blocking: tuple[Finding, ...]
    left_out: tuple[LeftOut, ...] = ()
    earlier: tuple[TestSend, ...] = ()


def prepare_test(project: Project, issue: str, asked: Asked) -> PreparedTest:
    """Compose an issue for the lists it is meant for, and find whom to send it to. Raises ComposerError for what cannot be read."""
    written = read_issue(project.issue_path(issue), project)
    lists = meant_for(project, asked.meant_for)
    settings = common_settings([each.settings for each in lists.values()])
    edition = compose(written, settings, project)
    way = project.config.delivery.transport
    real, where = way_out(way).real, Where(written.path)
    with open_ledger(project) if real or ledger_exists(project) else nullcontext() as ledger:
        if ledger and way == "sendgrid":
            from composer.delivery.sync import sync  # noqa: PLC0415 - for SendGrid alone

            sync(project, ledger, datetime.now(UTC))
        testers = find_testers(project, ledger, asked.to, [each.settings.name for each in lists.values()])
        guises = [find_subscriber(project, ledger, lists, each) for each in asked.merged_as]
        earlier = list_test_sends(ledger, written.stem, digest=edition.digest) if ledger else ()
    declaration = next(each for each in lists.values() if each.settings == settings)
    trials, lacks = _filled(edition, _trials(edition, testers.people, guises, asked), declaration)
    candidate = Candidate(edition, where, public=is_public(settings), real=real)
    checks = preflight(candidate, project.config)
    blocking = tuple(each for each in checks if each.code in _STOPPING)
    said = worth_telling(check_edition(project, written, edition, settings))
    findings = (*testers.findings, *said, *checks, *lacks)
    if not blocking:
        size = html_size(edition, [each.person for each in trials], project.config, settings)
        findings += unless_silenced(written, gmail_clip(size, where))
    return PreparedTest(
        edition, settings, tuple(each.settings.name for each in lists.values()), way, real, trials,
        tuple(dict.fromkeys(findings)), blocking, testers.left_out, earlier,
    )  # fmt: skip


def _trials(edition: Edition, testers: Sequence[Subscriber], guises: Sequence[Subscriber], asked: Asked) -> Iterator[Trial]:
    position = 0
    for tester in testers:
        variants = [(AS_SUBSCRIBER, person) for person in guises]
        variants += edge_cases(tester, edition) if asked.edge_cases else ()
        for number, (variant, person) in enumerate(variants or [("", tester)], 1):
            position += 1
            yield Trial(tester, person, position, number, max(1, len(variants)), variant)


def _filled(edition: Edition, trials: Iterator[Trial], declaration: Declaration) -> tuple[tuple[Trial, ...], tuple[Finding, ...]]:
    """Fill what is empty as the list declares it, and what then is lacking with placeholders; the latter are warnings."""
    filled: list[Trial] = []
    lacks: dict[str, list[Slot]] = defaultdict(list)
    for trial in trials:
        (person,) = with_defaults([trial.person], declaration)
        slots = lacking(person, edition)
        for slot in slots:
            lacks[slot.name].append(slot)
        stand_ins = placeholders(edition, [slot.name for slot in slots])
        filled.append(replace(trial, person=replace(person, fields={**person.fields, **stand_ins})))
    return tuple(filled), tuple(_lack(name, slots, len(filled), edition) for name, slots in lacks.items())


def _lack(name: str, slots: Sequence[Slot], total: int, edition: Edition) -> Finding:
    shown = placeholders(edition, [name])[name]
    message = f"{len(slots)} of {total} test messages have no value for {name} and show {shown}"
    hint = (
        f'A reader who has none stops the send: `newsletter lists check LIST ISSUE` names them. Or write {{{{ {name} | default("…") }}}}.'
    )
    return warning("test-placeholder", slots[0].where, message, hint)
