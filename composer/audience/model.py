"""Lists, their subscribers, and the audience chosen from them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from composer.config import ListSettings
from composer.findings import Finding, Where

LEDGER = "ledger"


@dataclass(frozen=True, slots=True)
class Subscriber:
    """A person on a List.

    ``email`` is the address mail goes to (domain in ASCII); ``key`` is its identity: two rows with the same key are
    one person; ``fields`` are merge values by normalised column name (``first_name``), stripped, never the address;
    ``list`` is the one they are mailed by, once an audience is chosen.
    """

    email: str = field(repr=False)
    key: str = field(repr=False)
    name: str = field(default="", repr=False)
    fields: Mapping[str, str] = field(default_factory=dict, repr=False)
    where: Where = Where("")
    list: str = ""


@dataclass(frozen=True, slots=True)
class List:
    """A named set of subscribers as read: deduplicated, in file order; to be gone over as often as wanted, perhaps from disk.

    ``columns`` are the normalised names of the fields it has; ``duplicates`` counts the rows merged into others,
    ``invalid`` those that could not be used (each is a finding).
    """

    settings: ListSettings
    subscribers: Collection[Subscriber]
    columns: tuple[str, ...] = ()
    duplicates: int = 0
    invalid: int = 0
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class Declaration:
    """What ``recipients/<name>.toml`` says of a List, or what holds for a CSV file alone.

    ``people`` is ``ledger`` or the path of a CSV file as shown to people (relative to the project where it lies inside);
    ``fields`` are values that stand in for empty ones; ``segments`` are expressions by name, each known to compile.
    """

    settings: ListSettings
    people: str
    fields: Mapping[str, str] = field(default_factory=dict)
    segments: Mapping[str, str] = field(default_factory=dict)
    where: Where = Where("")
    findings: tuple[Finding, ...] = ()

    @property
    def in_ledger(self) -> bool:
        """Whether its people are in the ledger, not in a file."""
        return self.people == LEDGER


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Why someone of the Lists is not in the Audience.

    ``duplicate``, ``invalid``, ``not_in_segment``, ``already_mailed``, ``forgotten``, or the reason of a suppression.
    """

    reason: str
    count: int


@dataclass(frozen=True, slots=True)
class Audience:
    """Who gets it, at one moment, deduplicated over all its Lists, and how many were left out and why."""

    lists: tuple[ListSettings, ...]
    subscribers: Collection[Subscriber]
    left_out: tuple[LeftOut, ...] = ()
