"""Everything that a send needs to know before it asks: the edition, its audience, and what is wrong with either.

Reads the issue, the lists and, for a real transport, the ledger when there is one. Writes nothing, but that an older
ledger is brought up to date as it is opened.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from composer.audience.files import read_list
from composer.audience.fit import fit
from composer.audience.model import Audience, LeftOut, Subscriber
from composer.audience.select import choose, common_settings, is_public
from composer.checks.size import gmail_clip, html_size
from composer.checks.values import unfit_values
from composer.config import Config, ListSettings
from composer.delivery.preflight import preflight
from composer.delivery.setting import freeze
from composer.edition.compose import compose
from composer.edition.model import Edition
from composer.findings import Finding, Severity, Where, error
from composer.issue.files import read_issue
from composer.ledger.campaigns import already_mailed
from composer.ledger.opening import ledger_path, open_ledger
from composer.message.build import build_message, image_urls
from composer.message.merge import Merger
from composer.message.mime import to_bytes
from composer.transport.registry import way_out

if TYPE_CHECKING:
    from collections.abc import Container, Mapping, Sequence

    from composer.audience.model import List
    from composer.project import Project

_ANY = datetime(2000, 1, 1, tzinfo=UTC)
# A list with one of these was not read at all.
_UNREAD = frozenset({"list-no-header", "list-no-address-column"})


@dataclass(frozen=True, slots=True)
class Prepared:
    """A send that has not begun; ``blocking`` are the findings that forbid it, all of them also in ``findings``.

    ``setting`` is what of the configuration was looked at and its messages will be built with.
    """

    edition: Edition
    audience: Audience
    settings: ListSettings
    transport: str
    real: bool
    setting: Mapping[str, Any]
    findings: tuple[Finding, ...]
    blocking: tuple[Finding, ...]


def prepare(project: Project, issue: str, names: Sequence[str]) -> Prepared:
    """Compose an issue for lists, put them together, and check both. Raises ComposerError for what cannot be read."""
    lists = _read_lists(project, names)
    settings = common_settings([each.settings for each in lists])
    written = read_issue(project.issue_path(issue), project)
    edition = compose(written, settings, project)
    transport = project.config.delivery.transport
    real = way_out(transport).real
    audience = choose(lists)
    if real:
        keys = [person.key for person in audience.subscribers]
        audience = leave_out(audience, _mailed(project, edition.stem, keys))
    where = Where(written.path)
    public = is_public(settings)
    checks = (
        *_nobody(audience, lists),
        *fit(lists, edition.fields, audience),
        *unfit_values(edition, audience.subscribers),
        *preflight(edition, project.config, where, public=public, real=real),
    )
    said = tuple(dict.fromkeys((*written.findings, *edition.findings)))
    stopping = (*said, *checks) if real and public else checks
    findings = tuple(dict.fromkeys((*(finding for each in lists for finding in each.findings), *said, *checks)))
    blocking = tuple(finding for finding in stopping if finding.severity is Severity.ERROR)
    if not blocking:
        findings += gmail_clip(html_size(edition, audience.subscribers, project.config, settings), where)
        _try_out(edition, project.config, settings, hosted=real and public)
    return Prepared(edition, audience, settings, transport, real, freeze(project.config), findings, blocking)


def _read_lists(project: Project, names: Sequence[str]) -> list[List]:
    """Read each list once, also one that is named in two ways."""
    lists: list[List] = []
    for name in dict.fromkeys(names):
        each = read_list(project, name)
        if each not in lists:
            lists.append(each)
    return lists


def leave_out(audience: Audience, mailed: Container[str]) -> Audience:
    """Take out those whose key is in ``mailed``, and count them."""
    people = tuple(person for person in audience.subscribers if person.key not in mailed)
    gone = len(audience.subscribers) - len(people)
    left_out = (*audience.left_out, LeftOut("already_mailed", gone)) if gone else audience.left_out
    return replace(audience, subscribers=people, left_out=left_out)


def _try_out(edition: Edition, config: Config, settings: ListSettings, *, hosted: bool) -> None:
    """Build the message of somebody made up, whom every field fits: what fails then fails for all. Raises ConfigError, MergeError."""
    fields = {slot.name: "https://example.org/" for slot in edition.fields}
    person = Subscriber("reader@example.org", "reader@example.org", "Reader", fields)
    merger = Merger(edition, image_urls(edition, config, hosted=hosted))
    # The key signs nothing that leaves: a send that is only looked at makes no key file.
    message = build_message(merger, person, delivery_id="try", date=_ANY, config=config, settings=settings, keys=("try",))
    to_bytes(message)


def _mailed(project: Project, issue: str, keys: Sequence[str]) -> set[str]:
    if not ledger_path(project).is_file():
        return set()
    with open_ledger(project) as ledger:
        return already_mailed(ledger, issue, keys)


def _nobody(audience: Audience, lists: Sequence[List]) -> tuple[Finding, ...]:
    if audience.subscribers:
        return ()
    if unread := tuple(finding for each in lists for finding in each.findings if finding.code in _UNREAD):
        return unread
    names = ", ".join(each.name for each in audience.lists)
    left = ", ".join(f"{left.count} {left.reason.replace('_', ' ')}" for left in audience.left_out)
    return (error("nobody-to-mail", Where(names), f"there is nobody to send to{f' ({left})' if left else ''}", "Look at the list."),)
