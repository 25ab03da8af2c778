"""Suppressions as they are printed and exported, and what a sync found, in words and as JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import typer

from composer.cli.output import number_of, plain

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from composer.delivery.suppressing import Remembered
    from composer.delivery.sync import SyncCounts
    from composer.ledger.suppressions import Suppression

HEADER = ("email", "reason", "scope", "created_at", "source")
EVERYWHERE = "everywhere"


def describe(counts: SyncCounts) -> Iterator[str]:
    """Say what a sync found, in lines."""
    from composer.audience.reasons import counted  # noqa: PLC0415 - `--help` needs no audience

    by_reason = "; ".join(counted(reason, number) for reason, number in counts.suppressed.items())
    yield f"SendGrid: {number_of(counts.new, 'new suppression')}; {by_reason or 'nobody is suppressed there'}."
    if counts.blocks:
        yield f"{number_of(counts.blocks, 'block')} not taken over: a refusal for a time, and SendGrid goes on mailing the address."
    if counts.other_groups:
        yield f"{counts.other_groups:,} left groups of other mail, which says nothing of this one."
    if counts.unreadable:
        yield f"{counts.unreadable:,} passed over: no address that mail could go to."
    if counts.forgotten:
        yield f"{counts.forgotten:,} passed over: they were forgotten, and are not mailed anyway."


def sync_data(counts: SyncCounts) -> dict[str, object]:
    """Return what a sync found, as JSON can hold it."""
    plain_counts = {name: getattr(counts, name) for name in ("new", "blocks", "other_groups", "unreadable", "forgotten")}
    return {"suppressed": {str(reason): number for reason, number in counts.suppressed.items()}, **plain_counts}


def import_data(done: Remembered, invalid: int) -> dict[str, int]:
    """Return what an import of suppressions did, as JSON can hold it; ``invalid`` rows were left out."""
    known = done.read - done.new - done.forgotten
    return {"rows": done.read + invalid, "new": done.new, "known": known, "forgotten": done.forgotten, "invalid": invalid}


def print_lines(found: Iterable[Suppression]) -> int:
    """Print one a line: since when, why, where, who, and who said so; return how many."""
    count = 0
    for each in found:
        since = f"{each.created_at:%Y-%m-%d}" if each.created_at else ""
        line = f"{since}  {each.reason:<12}  {each.scope or EVERYWHERE:<12}  {each.key}  {each.source}"
        typer.echo(plain(line).rstrip())
        count += 1
    return count


def print_as_json(found: Iterable[Suppression]) -> int:
    """Print a JSON list of any length without holding it; return how many."""
    count = 0
    for count, each in enumerate(found, 1):
        data = dict(zip(HEADER, row_of(each), strict=True))
        typer.echo(("[\n" if count == 1 else ",\n") + json.dumps(data, ensure_ascii=False), nl=False)
    typer.echo("\n]" if count else "[]")
    return count


def row_of(each: Suppression) -> tuple[str, str, str, str, str]:
    """Return the values of ``HEADER``."""
    since = each.created_at.isoformat() if each.created_at else ""
    return each.key, str(each.reason), each.scope or EVERYWHERE, since, each.source
