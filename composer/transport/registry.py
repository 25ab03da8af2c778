"""Which ways out there are, by the name they have in the configuration, and how each is opened."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

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
    """The campaign that a transport is opened for; ``issue`` is the stem, any text."""

    issue: str
    campaign: int
    started: datetime


@dataclass(frozen=True, slots=True)
class WayOut:
    """A transport before it is opened: whether it is ``real``, where it goes (a folder or a host), and how to open it."""

    real: bool
    place: Callable[[Project, Occasion], str]
    opener: Callable[[Project, Occasion], Transport]


def _outbox_folder(project: Project, occasion: Occasion) -> str:
    # A stem may be ".." or hold what a path is made of; two that come out alike still have folders of their own below.
    issue = _NO_NAME.sub("-", occasion.issue).strip(". ") or "issue"
    # The time keeps a campaign's files apart from those of a ledger that was since thrown away.
    folder = f"{occasion.started:%Y%m%d-%H%M%S}-{occasion.campaign}"
    return str(project.root / project.config.transport.outbox.path / issue / folder)


def _open_outbox(project: Project, occasion: Occasion) -> Transport:
    return OutboxTransport(Path(_outbox_folder(project, occasion)))


WAYS_OUT: dict[str, WayOut] = {"outbox": WayOut(real=False, place=_outbox_folder, opener=_open_outbox)}


def way_out(name: str) -> WayOut:
    """Return the transport of that name, not yet opened. Raises ConfigError for one that there is not."""
    if name not in WAYS_OUT:
        hint = f"It is one of: {', '.join(WAYS_OUT)}."
        raise ConfigError(f"there is no transport {name}", where=Where("newsletter.toml"), hint=hint)
    return WAYS_OUT[name]


def open_transport(project: Project, name: str, occasion: Occasion) -> Transport:
    """Open a transport for a campaign. Raises ConfigError for a name that there is not, TransportError when it is unusable."""
    return way_out(name).opener(project, occasion)
