"""What SendGrid knows of people who must not be mailed, brought into the ledger. Only adds: nobody is un-suppressed by it.

Everything is read before anything is written, and written in one transaction; doing it again changes nothing.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from composer.audience.address import Address, parse_address
from composer.ledger.forgotten import is_forgotten
from composer.ledger.model import Reason
from composer.ledger.suppressions import EVERYWHERE, Suppression, suppress

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import datetime

    from composer.ledger.database import Ledger
    from composer.project import Project
    from composer.transport.sendgrid.account import RemoteSuppression

# A block is one message refused for a time (a full mailbox, a listed server, a rate): SendGrid itself goes on mailing that address.
_BLOCKED = "blocked"


@dataclass(frozen=True, slots=True)
class SyncCounts:
    """What a sync found: ``suppressed`` entries by reason, and how many suppressions are ``new`` here.

    Not suppressed are ``blocks`` (temporary), ``other_groups`` (unsubscribed from other mail of the account), ``unreadable``
    (no address that mail could go to) and ``forgotten`` (kept as a hash alone).
    """

    suppressed: Mapping[Reason, int] = field(default_factory=dict)
    new: int = 0
    blocks: int = 0
    other_groups: int = 0
    unreadable: int = 0
    forgotten: int = 0


def sync(project: Project, ledger: Ledger, now: datetime, reported: Iterable[RemoteSuppression] | None = None) -> SyncCounts:
    """Read SendGrid's suppressions (or take ``reported``) and suppress here whoever is in them; return what was found.

    Raises ConfigError without a key, TransportError when SendGrid cannot be read to the end, LedgerError; then nothing is written.
    """
    counts = Counter[str]()
    group = project.config.transport.sendgrid.group_id
    entries = list(_wanted(_ask(project) if reported is None else reported, group, counts))
    gone = is_forgotten(ledger, (entry.key for entry in entries), project.signing_keys())
    wanted = [entry for entry in entries if entry.key not in gone]
    found = Counter(entry.reason for entry in wanted)
    return SyncCounts(
        suppressed={reason: found[reason] for reason in Reason if found[reason]},
        new=suppress(ledger, wanted, now),
        blocks=counts["blocks"],
        other_groups=counts["other_groups"],
        unreadable=counts["unreadable"],
        forgotten=len(entries) - len(wanted),
    )


def _wanted(reported: Iterable[RemoteSuppression], group: int, counts: Counter[str]) -> Iterator[Suppression]:
    """Yield what is to be suppressed, everywhere: all lists are mailed with one group, and whoever leaves it leaves the letter.

    Groups that are not ours are about other mail; whoever left them did not speak of this letter.
    """
    for each in reported:
        if each.reason == _BLOCKED:
            counts["blocks"] += 1
        elif each.scope_group is not None and each.scope_group != group:
            counts["other_groups"] += 1
        elif isinstance(address := parse_address(each.email), Address):
            what = each.reason.replace("_", " ") if each.scope_group is None else f"left group {each.scope_group}"
            # SendGrid's times are seconds of Unix; without one they come as 1970.
            since = each.created if each.created.timestamp() else None
            yield Suppression(address.key, EVERYWHERE, Reason(each.reason), f"SendGrid: {what}", since)
        else:
            counts["unreadable"] += 1


def _ask(project: Project) -> Iterator[RemoteSuppression]:
    from composer.transport.sendgrid.account import suppressions  # noqa: PLC0415 - with the client
    from composer.transport.sendgrid.client import open_client  # noqa: PLC0415 - the package takes 85 ms

    return suppressions(open_client(project.config))
