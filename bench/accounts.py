"""A project that sends to a double, the rows of its campaign before the first is sent, and what both sides say after the last."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from composer.ledger.campaigns import start_campaign
from composer.ledger.opening import open_ledger
from composer.project import Project, find
from composer.testing import an_audience, an_edition
from composer.testing.sendgrid import KEY

_PROJECT = """\
[newsletter]
name = "The Example Letter"
from = "Example Team <team@example.org>"
postal_address = "Example Team, 1 Main Road, 12345 Springfield"

[database]
url = "{database}"

[delivery]
transport = "{kind}"
wait = 0

[transport.{kind}]
{settings}
"""
_SETTINGS: dict[str, dict[str, object]] = {
    "smtp": {"host": "127.0.0.1", "security": "none", "connections": 20},
    "sendgrid": {"threads": 4, "people_per_request": 20},
}


class Double(Protocol):
    """What stands in for the outside: ``kind`` is the transport that talks to it, ``addresses`` whom it took, once for each time."""

    @property
    def kind(self) -> str:
        """The name of the transport."""

    @property
    def port(self) -> int:
        """Where it listens on loopback."""

    @property
    def addresses(self) -> list[str]:
        """Whom it took."""


@dataclass(frozen=True, slots=True)
class Account:
    """What the ledger says of a campaign beside what a double wrote down.

    ``states`` by address; ``untold`` counts deliveries whose attempts do not add up; ``mailed`` how often each address was taken.
    """

    states: dict[str, str]
    state: str
    untold: int
    mailed: Counter[str]

    def who(self, state: str) -> set[str]:
        """Return the addresses in a state."""
        return {address for address, each in self.states.items() if each == state}

    def faults(self, most_in_doubt: int) -> list[str]:
        """Say in lines what of the promise is broken for a campaign that was run to its end."""
        accepted, doubt, took = self.who("accepted"), self.who("in_doubt"), set(self.mailed)
        found = {
            "lost": len(self.states.keys() - accepted - doubt),
            "mailed twice": sum(times > 1 for times in self.mailed.values()),
            "accepted in the ledger, never taken": len(accepted - took),
            "taken, and not in the campaign": len(took - self.states.keys()),
            f"in doubt beyond {most_in_doubt}": max(0, len(doubt) - most_in_doubt),
            "attempts that do not add up": self.untold,
        }
        end = "paused" if doubt else "finished"
        wrong = [] if self.state == end else [f"the campaign is {self.state}, not {end}"]
        return [f"{number} {what}" for what, number in found.items() if number] + wrong


def make_project(root: Path, double: Double, *, database: str = "sqlite:///var/newsletter.db", **settings: object) -> Project:
    """Make a project that sends to a double; ``settings`` go into the table of its transport."""
    place = {"port": double.port} if double.kind == "smtp" else {"base_url": f"http://127.0.0.1:{double.port}"}
    table = {**_SETTINGS[double.kind], **place, **settings}
    lines = "\n".join(f"{key} = {json.dumps(value)}" for key, value in table.items())
    root.mkdir(parents=True, exist_ok=True)
    for folder in ("issues", "recipients"):
        (root / folder).mkdir(exist_ok=True)
    (root / "newsletter.toml").write_text(_PROJECT.format(database=database, kind=double.kind, settings=lines), encoding="utf-8")
    (root / ".env").write_text(f"SENDGRID_API_KEY={KEY}\n", encoding="utf-8")
    return find(root, exact=True)


def begin_campaign(project: Project, people: int, *, first: int = 1) -> int:
    """Write the rows of a campaign to made-up people, none of them sent yet; return its id."""
    with open_ledger(project) as ledger:
        transport = project.config.delivery.transport
        audience = an_audience(people, first=first)
        return start_campaign(ledger, an_edition(), audience, transport=transport, real=True, setting={}, now=datetime.now(UTC))


def account(project: Project, double: Double, campaign: int) -> Account:
    """Read what both sides say."""
    told = "(SELECT count(*), coalesce(max(number), 0) FROM attempts a WHERE a.campaign = d.campaign AND a.position = d.position)"
    with open_ledger(project) as ledger, ledger.read() as connection:
        # The number stands in the text, for drivers differ in how it would be bound; it is a number in any case.
        rows = connection.exec_driver_sql(f"SELECT email, state FROM deliveries WHERE campaign = {campaign:d}").all()  # noqa: S608
        state = connection.exec_driver_sql(f"SELECT state FROM campaigns WHERE id = {campaign:d}").scalar()  # noqa: S608
        counting = f"SELECT count(*) FROM deliveries d WHERE campaign = {campaign:d} AND (attempts, attempts) != {told}"  # noqa: S608
        untold = connection.exec_driver_sql(counting).scalar()
    states = {str(email): str(each) for email, each in rows}
    return Account(states, str(state), int(untold or 0), Counter(double.addresses))
