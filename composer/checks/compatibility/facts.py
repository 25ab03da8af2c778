"""What caniemail.com says of each feature, from the data file beside this module; see ``docs/caniemail.py``, which makes it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.resources import files

FILE = "caniemail.json"
PAGE = "https://www.caniemail.com/features/"


@dataclass(frozen=True, slots=True)
class Feature:
    """A feature by its slug: ``title`` as caniemail has it; who lacks it, and who has it only in part, as people know them.

    ``notes`` are caniemail's own remarks on those who have it in part.
    """

    slug: str
    title: str
    lacking: tuple[str, ...] = ()
    partly: tuple[str, ...] = ()
    notes: tuple[str, ...] = field(default=(), repr=False)

    @property
    def page(self) -> str:
        """Address of the page that says more."""
        return f"{PAGE}{self.slug}/"


@lru_cache(maxsize=1)
def features() -> Mapping[str, Feature]:
    """Read the facts once; every feature of HTML, CSS and images by its slug."""
    data = json.loads(files(__package__).joinpath(FILE).read_text(encoding="utf-8"))
    clients = [(family, platform) for family, platform in data["clients"]]
    families = {family: sum(other == family for other, _ in clients) for family, _ in clients}
    return {slug: _feature(slug, known, clients, families) for slug, known in data["features"].items()}


def _feature(slug: str, known: Mapping[str, str], clients: list[tuple[str, str]], families: Mapping[str, int]) -> Feature:
    support = known["support"]
    lacking = _named([client for client, letter in zip(clients, support, strict=True) if letter == "n"], families)
    # Gmail's apps drop all styles of a letter that comes through another provider's account.
    if "o" in support and not any(name == "Gmail" for name in lacking):
        lacking = (*lacking, "Gmail's apps with another account")
    partly = _named([client for client, letter in zip(clients, support, strict=True) if letter == "a"], families)
    return Feature(slug, known["title"], lacking, partly, tuple(known.get("notes", ())))


def _named(clients: list[tuple[str, str]], families: Mapping[str, int]) -> tuple[str, ...]:
    """Name clients as people do: the family alone when all of it is meant."""
    platforms: dict[str, list[str]] = {}
    for family, platform in clients:
        platforms.setdefault(family, []).append(platform)
    return tuple(family if len(found) == families[family] else f"{family} ({', '.join(found)})" for family, found in platforms.items())
