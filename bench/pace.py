"""Measures a limit of 200 messages a second on the wire: how far it is passed in the worst five seconds, and how much of it is used.

``python bench/pace.py [SECONDS]``, 30 by default: a whole campaign by SMTP, the ledger on, to a recording mail server, which notes when
each message has arrived. Exit code 1 when a bound is missed.
"""

from __future__ import annotations

import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from accounts import begin_campaign, make_project

RATE, WINDOW = 200, 5.0
MOST, LEAST = 1.05, 0.95


class Server:
    """A recording mail server in this process, as ``make_project`` wants it."""

    kind = "smtp"

    def __init__(self, port: int) -> None:
        self.port = port
        self.addresses: list[str] = []


def worst(moments: list[float]) -> int:
    """Return the most messages that began within any ``WINDOW`` seconds."""
    most = first = 0
    for last, moment in enumerate(moments):
        while moment - moments[first] > WINDOW:
            first += 1
        most = max(most, last - first + 1)
    return most


def main(arguments: list[str]) -> int:
    """Send, and look at what the server noted."""
    from composer.delivery.campaign import run  # noqa: PLC0415 - after what is quick
    from composer.ledger.campaigns import read_campaign  # noqa: PLC0415
    from composer.ledger.opening import open_ledger  # noqa: PLC0415
    from composer.testing.smtp import SmtpServer  # noqa: PLC0415

    people = RATE * int(arguments[0] if arguments else 30)
    with tempfile.TemporaryDirectory() as folder, SmtpServer() as server:
        project = make_project(Path(folder), Server(server.port), connections=8)
        file = project.root / "newsletter.toml"
        file.write_text(file.read_text().replace("[delivery]", f"[delivery]\nper_second = {RATE}"))
        from composer.project import find  # noqa: PLC0415 - read anew

        project = find(project.root, exact=True)
        campaign = begin_campaign(project, people)
        with open_ledger(project) as ledger:
            report = run(project, ledger, read_campaign(ledger, campaign), clock=lambda: datetime.now(UTC))
        moments = sorted(message.at for message in server.received)
    if report.counts != {"accepted": people}:
        raise SystemExit(f"not all were sent: {report}")
    over = worst(moments) / (RATE * WINDOW)
    used = people / (moments[-1] - moments[0]) / RATE
    print(f"{people:,} messages at {RATE} a second")
    print(f"{over:6.3f} of at most  {MOST}  {'ok' if over <= MOST else 'MISSED':6}  of the limit in the worst {WINDOW:.0f} seconds")
    print(f"{used:6.3f} of at least {LEAST}  {'ok' if used >= LEAST else 'MISSED':6}  of the limit used")
    return int(over > MOST or used < LEAST)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
