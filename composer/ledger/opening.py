"""Opening a project's ledger: where it lies, and that it is there and up to date. Writes no row."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from composer.errors import ConfigError, LedgerError
from composer.findings import Where
from composer.ledger.database import Ledger, connect
from composer.ledger.migrations import bring_up_to_date

if TYPE_CHECKING:
    from pathlib import Path

    from composer.project import Project

BUSY_SECONDS = 30.0
_URL_KEY = "NEWSLETTER_DATABASE_URL or [database] url"


def ledger_path(project: Project) -> Path:
    """Where the ledger's file is or will be; relative addresses start at the project's root. Raises ConfigError, LedgerError."""
    try:
        url = make_url(project.config.database.url)
    except ArgumentError as err:
        hint = "An address looks like sqlite:///var/newsletter.db."
        raise ConfigError("the address of the ledger cannot be read", where=Where(_URL_KEY), hint=hint) from err
    if url.get_backend_name() != "sqlite":
        raise LedgerError(f"the ledger cannot be kept in {url.get_backend_name()}", where=Where(_URL_KEY), hint="Use sqlite:///FILE.")
    if not url.database or url.database == ":memory:":
        raise LedgerError("the ledger needs a file", where=Where(_URL_KEY), hint="Use sqlite:///var/newsletter.db.")
    return project.root / url.database


def open_ledger(project: Project, *, busy_seconds: float = BUSY_SECONDS) -> Ledger:
    """Open the project's ledger, made (mode 0600, with its folder) or brought up to date when need be. Raises LedgerError."""
    path = ledger_path(project)
    name = project.shown(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    except OSError as err:
        hint = "Check the folder and your rights in it, or name another file under [database] url."
        raise LedgerError(f"the ledger cannot be opened: {err.strerror}", where=Where(name), hint=hint) from err
    ledger = connect(path, name, busy_seconds)
    try:
        bring_up_to_date(ledger)
    except BaseException:
        ledger.close()
        raise
    return ledger
