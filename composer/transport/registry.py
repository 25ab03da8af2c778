"""Which ways out there are, by the name they have in the configuration, and how each is opened."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from composer.errors import ConfigError
from composer.findings import Where
from composer.transport.outbox import OutboxTransport

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from composer.project import Project
    from composer.transport.base import Transport

_NO_NAME = re.compile(r"[^\w .+-]+")


@dataclass(frozen=True, slots=True)
class Occasion:
    """The campaign that a transport is opened for, 0 for a test send; ``issue`` is the stem, any text.

    With ``batch``, an id of SendGrid's, messages are handed over to be sent at ``send_at``.
    """

    issue: str
    campaign: int
    started: datetime
    batch: str = ""
    send_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class WayOut:
    """A transport before it is opened: whether it is ``real``, where it goes (a folder or a host), and how to open it.

    ``apart`` says that what it sends at once is much, so that a process more for the ledger is worth it. ``probe`` logs in without
    sending and says in a line what it found; it raises TransportError. None: there is nothing to log in to. ``lacks`` names the
    permissions that the login goes without, though a send needs them; it raises TransportError too.
    """

    real: bool
    place: Callable[[Project, Occasion], str]
    opener: Callable[[Project, Occasion], Transport]
    probe: Callable[[Project], str] | None = None
    lacks: Callable[[Project], tuple[str, ...]] = lambda _: ()
    apart: bool = True


def _outbox_folder(project: Project, occasion: Occasion) -> str:
    # A stem may be ".." or hold what a path is made of; two that come out alike still have folders of their own below.
    issue = _NO_NAME.sub("-", occasion.issue).strip(". ") or "issue"
    # The time keeps a campaign's files apart from those of a ledger that was since thrown away.
    folder = f"{occasion.started:%Y%m%d-%H%M%S}-{occasion.campaign}" if occasion.campaign else f"test-{occasion.started:%Y%m%d-%H%M%S-%f}"
    return str(project.root / project.config.transport.outbox.path / issue / folder)


def _open_outbox(project: Project, occasion: Occasion) -> Transport:
    return OutboxTransport(Path(_outbox_folder(project, occasion)))


def _smtp_place(project: Project, _: Occasion) -> str:
    from composer.transport.smtp_settings import place  # noqa: PLC0415 - ssl only for those who mail

    return place(project.config.transport.smtp)


def _open_smtp(project: Project, _: Occasion) -> Transport:
    from composer.transport.smtp import SmtpTransport  # noqa: PLC0415 - smtplib likewise
    from composer.transport.smtp_signer import open_signer  # noqa: PLC0415 - a key only for those who sign

    return SmtpTransport(project.config.transport.smtp, project.config.smtp_password, signer=open_signer(project))


def _probe_smtp(project: Project) -> str:
    from composer.transport.smtp import probe  # noqa: PLC0415 - the same

    return probe(project.config.transport.smtp, project.config.smtp_password)


def _sendgrid_place(project: Project, _: Occasion) -> str:
    return urlsplit(project.config.transport.sendgrid.base_url).hostname or ""


def _open_sendgrid(project: Project, occasion: Occasion) -> Transport:
    from composer.transport.sendgrid import Schedule, open_sendgrid  # noqa: PLC0415 - the package takes 85 ms

    schedule = Schedule(occasion.batch, int(occasion.send_at.timestamp())) if occasion.batch and occasion.send_at else None
    return open_sendgrid(project.config, schedule=schedule)


def _probe_sendgrid(project: Project) -> str:
    from composer.transport.sendgrid import account, client  # noqa: PLC0415 - the same

    config = project.config
    group = config.transport.sendgrid.group_id if config.unsubscribe.via == "sendgrid" else 0
    return account.login(client.open_client(config), group)


def _sendgrid_lacks(project: Project) -> tuple[str, ...]:
    from composer.transport.sendgrid import account, client  # noqa: PLC0415 - the same

    return account.lacking(client.open_client(project.config), undo=project.config.transport.sendgrid.undo_minutes > 0)


WAYS_OUT: dict[str, WayOut] = {
    "outbox": WayOut(real=False, place=_outbox_folder, opener=_open_outbox),
    # A message at a time: what goes to another process and back would cost more than the ledger does.
    "smtp": WayOut(real=True, place=_smtp_place, opener=_open_smtp, probe=_probe_smtp, apart=False),
    "sendgrid": WayOut(real=True, place=_sendgrid_place, opener=_open_sendgrid, probe=_probe_sendgrid, lacks=_sendgrid_lacks),
}


def way_out(name: str) -> WayOut:
    """Return the transport of that name, not yet opened. Raises ConfigError for one that there is not."""
    if name not in WAYS_OUT:
        hint = f"It is one of: {', '.join(WAYS_OUT)}."
        raise ConfigError(f"there is no transport {name}", where=Where("newsletter.toml"), hint=hint)
    return WAYS_OUT[name]


def open_transport(project: Project, name: str, occasion: Occasion) -> Transport:
    """Open a transport for a campaign. Raises ConfigError for a name that there is not, TransportError when it is unusable."""
    return way_out(name).opener(project, occasion)
