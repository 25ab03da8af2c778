"""Editions as the ledger keeps them: by digest, complete, so that a resume needs neither issue nor templates."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from sqlalchemy import insert, select

from composer.edition.model import Context, Edition, Slot
from composer.errors import LedgerError
from composer.findings import Where
from composer.issue.model import Asset
from composer.ledger.schema import attachments, editions

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from sqlalchemy import Connection

    from composer.ledger.database import Ledger

# What the digest does not cover is of no use to a resume.
_LEFT_OUT = ("mjml", "findings", "origins")


def keep_edition(connection: Connection, edition: Edition, now: datetime) -> None:
    """Store an edition and its attachments, each once however many campaigns send it.

    What the digest does not cover (stem, list) stays as it was when this edition was first kept; a campaign has its own stem.
    """
    if connection.execute(select(editions.c.digest).where(editions.c.digest == edition.digest)).first():
        return
    wanted = {asset.sha256: asset.data for asset in edition.attachments}
    present = set(connection.execute(select(attachments.c.sha256).where(attachments.c.sha256.in_(wanted))).scalars())
    if fresh := [{"sha256": sha256, "data": data} for sha256, data in wanted.items() if sha256 not in present]:
        connection.execute(insert(attachments), fresh)
    row = {"digest": edition.digest, "payload": to_payload(edition), "created_at": now}
    connection.execute(insert(editions), [row])


def read_edition(ledger: Ledger, digest: str) -> Edition:
    """Read an edition back, equal to the one that was kept. Raises LedgerError when there is none of that digest."""
    with ledger.read() as connection:
        payload = connection.execute(select(editions.c.payload).where(editions.c.digest == digest)).scalar()
        if payload is None:
            raise LedgerError(f"there is no edition {digest[:12]}", where=Where(ledger.name))
        names = {asset["sha256"] for asset in payload["attachments"]}
        found = connection.execute(select(attachments.c.sha256, attachments.c.data).where(attachments.c.sha256.in_(names)))
        return from_payload(payload, {row.sha256: row.data for row in found})


def to_payload(edition: Edition) -> dict[str, Any]:
    """Turn an edition into what JSON can hold; attachments without their bytes."""
    payload = {key: value for key, value in asdict(edition).items() if key not in _LEFT_OUT}
    payload["attachments"] = [{key: value for key, value in asset.items() if key != "data"} for asset in payload["attachments"]]
    return payload


def from_payload(payload: Mapping[str, Any], data: Mapping[str, bytes]) -> Edition:
    """Build the edition of a payload; ``data`` has the attachments' bytes by SHA-256."""
    slots = tuple(Slot(**{**slot, "context": Context(slot["context"]), "where": Where(**slot["where"])}) for slot in payload["fields"])
    assets = tuple(Asset(**asset, data=data[asset["sha256"]]) for asset in payload["attachments"])
    return Edition(**{**payload, "fields": slots, "attachments": assets})
