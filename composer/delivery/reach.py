"""How many people a letter to the public reaches, without reading a list: for rules that depend on size. Writes nothing."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING

from composer.errors import ComposerError
from composer.ledger.campaigns import list_campaigns
from composer.ledger.model import SubscriptionState
from composer.ledger.opening import ledger_exists, reach_ledger
from composer.ledger.people import all_counts

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from composer.ledger.model import Campaign
    from composer.project import Project

_BLOCK = 1 << 20
_BUSY_SECONDS = 2.0


def count_reached(project: Project) -> int:
    """Return how many people a letter to the public may go to: those on public lists, or more when a campaign had more."""
    try:
        if not ledger_exists(project):
            return count_public(project)
        with reach_ledger(project, busy_seconds=_BUSY_SECONDS) as ledger:
            campaigns, counts = list_campaigns(ledger), all_counts(ledger)
    except ComposerError:
        return count_public(project)
    confirmed = {name: states.get(SubscriptionState.CONFIRMED, 0) for name, states in counts.items()}
    kept = sum(number for name, number in confirmed.items() if not _is_staff(project.recipients / f"{name}.csv"))
    return max(count_public(project) + kept, largest_campaign(campaigns))


def largest_campaign(campaigns: Iterable[Campaign]) -> int:
    """Return how many people the largest of real campaigns to a public list went to."""
    public = (each.people for each in campaigns if each.real and any(settings.kind != "staff" for settings in each.lists))
    return max(public, default=0)


def count_public(project: Project) -> int:
    """Count the lines below the header of every public ``recipients/NAME.csv``: at most its people; 0 when there is none."""
    return sum(max(_lines(path) - 1, 0) for path in sorted(project.recipients.glob("*.csv")) if not _is_staff(path))


def _is_staff(path: Path) -> bool:
    declared = path.with_suffix(".toml")
    if not declared.is_file():
        return path.stem == "staff"
    try:
        return tomllib.loads(declared.read_text(encoding="utf-8-sig")).get("kind") == "staff"
    except (OSError, ValueError, RecursionError):
        return False


def _lines(path: Path) -> int:
    """Count lines, the last one also when nothing ends it; blank lines count too, which makes no difference here."""
    number, last = 0, b"\n"
    try:
        with path.open("rb") as file:
            while block := file.read(_BLOCK):
                number, last = number + block.count(b"\n"), block[-1:]
    except OSError:
        return 0
    return number + (last != b"\n")
