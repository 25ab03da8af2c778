"""The program that is killed: it has everything imported, forks a life for every order on stdin, and says how each ended.

A life is the product's own `run`, on a project whose newsletter.toml names a double.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time
import traceback
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from composer.errors import ComposerError, UsageError
from composer.ledger.campaigns import read_campaign
from composer.ledger.opening import open_ledger
from composer.project import find

_LOCK_SECONDS = 10.0
_TRACEBACK = 9
_LOOK = 0.001


def live(root: str, campaign: int | None = None, *, busy: float = 30.0, later: float = 0.0, room: int = 0) -> int:
    """Send what is left of a campaign; return the exit code.

    ``busy``: seconds to wait for a locked ledger; ``later``: by how much the clock is ahead; ``room``: bytes that a file may have
    (0: any), which is what a full disk is to those who write.
    """
    from composer.delivery.campaign import run  # noqa: PLC0415 - see serve()

    if room:
        resource.setrlimit(resource.RLIMIT_FSIZE, (room, resource.RLIM_INFINITY))
    project = find(Path(root), exact=True)
    end = time.monotonic() + _LOCK_SECONDS
    with open_ledger(project, busy_seconds=busy) as ledger:
        while True:
            chosen = read_campaign(ledger, campaign)
            try:
                return run(project, ledger, chosen, clock=lambda: datetime.now(UTC) + timedelta(seconds=later)).exit_code
            except UsageError:
                # PostgreSQL gives the lock of a killed process back when it has noticed.
                if ledger.dialect == "sqlite" or time.monotonic() > end:
                    raise
                time.sleep(_LOOK)


def child(order: dict[str, Any]) -> int:
    """Live, and never return to the loop of the parent."""
    try:
        return live(**order)
    except ComposerError as err:
        sys.stderr.write(f"{err}\n")
        return err.exit_code
    except BaseException:  # noqa: BLE001 - it is told by the exit code
        traceback.print_exc()
        return _TRACEBACK


def serve() -> None:
    """Fork for every order, a JSON object a line; say the child's process id, and then how it ended."""
    import alembic.command  # noqa: F401, PLC0415 - loaded once, before any fork
    import sqlalchemy.dialects.sqlite  # noqa: F401, PLC0415

    import composer.delivery.campaign  # noqa: PLC0415
    import composer.ledger.migrations  # noqa: PLC0415
    import composer.transport.sendgrid.client  # noqa: PLC0415
    import composer.transport.smtp  # noqa: F401, PLC0415

    with suppress(ImportError):  # those who have PostgreSQL have it
        import psycopg  # noqa: F401, PLC0415

    for line in sys.stdin:
        pid = os.fork()
        if not pid:
            code = child(json.loads(line))
            sys.stderr.flush()
            os._exit(code)
        sys.stdout.write(f"{pid}\n")
        sys.stdout.flush()
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        sys.stdout.write(f"{code}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    serve()
