"""Everything that a send needs to know before it asks: the edition, its audience, and what is wrong with either.

Reads the issue, the lists and the ledger when there is one. Writes nothing to it, but that an older one is brought up to date
as it is opened, and that SendGrid's suppressions are taken over before a send through SendGrid.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from composer.audience.fit import fit
from composer.audience.model import Audience, Subscriber
from composer.audience.reasons import counted
from composer.audience.select import common_settings, is_public
from composer.checks.size import gmail_clip, html_size
from composer.checks.values import unfit_values
from composer.config import Config, ListSettings
from composer.delivery.canary import people_first
from composer.delivery.checking import check_edition, unless_silenced, worth_telling
from composer.delivery.choosing import Chooser
from composer.delivery.configured import check_signing
from composer.delivery.control import is_sent_now
from composer.delivery.model import OVER, unsent
from composer.delivery.preflight import Candidate, preflight
from composer.delivery.setting import freeze
from composer.edition.compose import compose
from composer.edition.model import Edition
from composer.findings import Finding, Severity, Where, error
from composer.issue.files import read_issue
from composer.ledger.campaigns import count_states, last_alike, list_campaigns
from composer.ledger.forgotten import count_forgotten
from composer.ledger.opening import ledger_exists, open_ledger
from composer.ledger.test_sends import last_accepted
from composer.message.build import build_message, image_urls
from composer.message.merge import Merger
from composer.message.mime import to_bytes
from composer.transport.registry import way_out

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from composer.audience.model import List
    from composer.checks.silence import Silenced
    from composer.delivery.sync import SyncCounts
    from composer.ledger.database import Ledger
    from composer.ledger.model import Campaign
    from composer.project import Project

_ANY = datetime(2000, 1, 1, tzinfo=UTC)
# A list with one of these was not read at all.
_UNREAD = frozenset({"list-no-header", "list-no-address-column"})


@dataclass(frozen=True, slots=True)
class Wish:
    """How a send was asked for, besides issue and lists.

    ``segment`` names one of each list, ``where`` is an expression; ``correction`` mails those again who have the issue;
    ``untested`` and ``any_size`` let a send through that preflight would refuse for the want of a test or for its size;
    ``look`` says that it is only looked at; ``canary`` is the share of the people who go first, 0 for all at once.
    """

    segment: str = ""
    where: str = ""
    correction: bool = False
    untested: bool = False
    any_size: bool = False
    look: bool = False
    canary: Fraction = Fraction(0)


_PLAIN = Wish()


@dataclass(frozen=True, slots=True)
class Unfinished:
    """A campaign of the same issue that was begun and is not over; ``unsent`` of its people wait, ``sending`` says a process is at it."""

    campaign: Campaign
    unsent: int
    sending: bool


@dataclass(frozen=True, slots=True)
class Prepared:
    """A send that has not begun; ``blocking`` are the findings that forbid it, all of them also in ``findings``.

    ``setting`` is what of the configuration was looked at and its messages will be built with; ``again`` is how many get the
    issue a second time, ``untested`` whether its edition was not accepted in a test by this transport, ``synced`` what SendGrid
    knew of people who must not be mailed, ``forgotten`` how many had asked to be forgotten by then, ``silenced`` what
    the issue keeps its checks from saying; ``unfinished`` are the campaigns of the issue that were begun, rehearsals for a
    rehearsal, and are not over; ``canary`` is how many people go first, 0 when all do.
    """

    edition: Edition
    audience: Audience
    settings: ListSettings
    transport: str
    real: bool
    setting: Mapping[str, Any]
    findings: tuple[Finding, ...]
    blocking: tuple[Finding, ...]
    correction: bool = False
    again: int = 0
    untested: bool = False
    synced: SyncCounts | None = None
    forgotten: int = 0
    silenced: tuple[Silenced, ...] = ()
    unfinished: tuple[Unfinished, ...] = ()
    canary: int = 0


def prepare(project: Project, issue: str, names: Sequence[str], wish: Wish = _PLAIN) -> Prepared:
    """Compose an issue for lists, put them together, and check both.

    Raises ComposerError for what cannot be read, UsageError for a canary that would be everybody.
    """
    written = read_issue(project.issue_path(issue), project)
    way = project.config.delivery.transport
    real = way_out(way).real
    with _known_ledger(project, make=real and not wish.look) as ledger:
        synced = _take_over(project, ledger) if ledger and way == "sendgrid" and not wish.look else None
        chooser = Chooser(project, ledger, wish.segment, wish.where, written.stem if real else "", wish.correction)
        lists = chooser.open_lists(names)
        settings = common_settings([each.settings for each in lists])
        edition = compose(written, settings, project)
        forgotten = count_forgotten(ledger) if ledger else 0
        choice = chooser.choose(lists)
        tested = bool(ledger and last_accepted(ledger, edition.digest, way))
        unfinished = tuple(_unfinished(project, ledger, written.stem, real=real)) if ledger else ()
        before = last_alike(ledger, [each.settings.name for each in lists]) if ledger and real else None
    audience, where = choice.audience, Where(written.path)
    first = people_first(wish.canary, len(audience.subscribers))
    public = is_public(settings)
    candidate = Candidate(edition, where, public=public, real=real, people=len(audience.subscribers))
    if not (wish.segment or wish.where or wish.any_size or wish.correction) and before and before.issue != edition.stem:
        candidate = replace(candidate, people_before=before.people)
    candidate = replace(candidate, tested=tested or wish.untested)
    checks = (
        *choice.findings,
        *_nobody(audience, lists),
        *fit(lists, edition.fields, audience),
        *unfit_values(edition, audience.subscribers),
        *preflight(candidate, project.config),
        *check_signing(project),
    )
    report = check_edition(project, written, edition, settings)
    said = worth_telling(report)
    stopping = (*said, *checks) if real and public else checks
    of_lists = (finding for each in lists for finding in each.findings)
    findings = tuple(dict.fromkeys((*of_lists, *choice.findings, *said, *checks)))
    blocking = tuple(finding for finding in stopping if finding.severity is Severity.ERROR)
    if not blocking:
        size = html_size(edition, audience.subscribers, project.config, settings)
        findings += unless_silenced(written, gmail_clip(size, where))
        _try_out(edition, project.config, settings, hosted=real and public)
    return Prepared(
        edition, audience, settings, way, real, freeze(project.config), findings, blocking,
        correction=wish.correction, again=choice.again, untested=real and not tested, synced=synced, forgotten=forgotten,
        silenced=report.silenced, unfinished=unfinished, canary=first,
    )  # fmt: skip


@contextmanager
def _known_ledger(project: Project, *, make: bool) -> Iterator[Ledger | None]:
    if not make and not ledger_exists(project):
        yield None
        return
    with open_ledger(project) as ledger:
        yield ledger


def _unfinished(project: Project, ledger: Ledger, issue: str, *, real: bool) -> Iterator[Unfinished]:
    for each in list_campaigns(ledger):
        if each.issue == issue and each.real == real and each.state not in OVER:
            yield Unfinished(each, unsent(count_states(ledger, each.id)), is_sent_now(project, ledger, each.id))


def _take_over(project: Project, ledger: Ledger) -> SyncCounts:
    from composer.delivery.sync import sync  # noqa: PLC0415 - for SendGrid alone

    return sync(project, ledger, datetime.now(UTC))


def _try_out(edition: Edition, config: Config, settings: ListSettings, *, hosted: bool) -> None:
    """Build the message of somebody made up, whom every field fits: what fails then fails for all. Raises ConfigError, MergeError."""
    fields = {slot.name: "https://example.org/" for slot in edition.fields}
    person = Subscriber("reader@example.org", "reader@example.org", "Reader", fields)
    merger = Merger(edition, image_urls(edition, config, hosted=hosted))
    # The key signs nothing that leaves: a send that is only looked at makes no key file.
    message = build_message(merger, person, delivery_id="try", date=_ANY, config=config, settings=settings, keys=("try",))
    to_bytes(message)


def _nobody(audience: Audience, lists: Sequence[List]) -> tuple[Finding, ...]:
    if audience.subscribers:
        return ()
    if unread := tuple(finding for each in lists for finding in each.findings if finding.code in _UNREAD):
        return unread
    names = ", ".join(each.name for each in audience.lists)
    left = "; ".join(counted(left.reason, left.count) for left in audience.left_out)
    return (error("nobody-to-mail", Where(names), f"there is nobody to send to{f' ({left})' if left else ''}", "Look at the list."),)
