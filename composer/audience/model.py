"""Lists, their subscribers, and the audience chosen from them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from composer.config import ListSettings
from composer.findings import Finding, Where


@dataclass(frozen=True, slots=True)
class Subscriber:
    """A person on a List.

    ``email`` is the address mail goes to (domain in ASCII); ``key`` is its identity: two rows with the same key are
    one person; ``fields`` are merge values by normalised column name (``first_name``), stripped, never the address.
    """

    email: str
    key: str
    name: str = ""
    fields: Mapping[str, str] = field(default_factory=dict)
    where: Where = Where("")


@dataclass(frozen=True, slots=True)
class List:
    """A named set of subscribers as read: deduplicated, in file order.

    ``columns`` are the normalised names of the fields it has; ``duplicates`` counts the rows merged into others,
    ``invalid`` those that could not be used (each is a finding).
    """

    settings: ListSettings
    subscribers: tuple[Subscriber, ...]
    columns: tuple[str, ...] = ()
    duplicates: int = 0
    invalid: int = 0
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Why someone of the Lists is not in the Audience: ``duplicate``, ``invalid``, ``suppressed`` or ``already_mailed``."""

    reason: str
    count: int


@dataclass(frozen=True, slots=True)
class Audience:
    """Who gets it, at one moment, deduplicated over all its Lists, and how many were left out and why."""

    lists: tuple[ListSettings, ...]
    subscribers: tuple[Subscriber, ...]
    left_out: tuple[LeftOut, ...] = ()
