"""Opening a project's ledger: where it lies, that it is there, and that it is up to date. Writes no row."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from composer.errors import ConfigError, LedgerError
from composer.findings import Where
from composer.ledger import postgresql, sqlite
from composer.ledger.migrations import bring_up_to_date, revision_of

if TYPE_CHECKING:
    from pathlib import Path

    from composer.ledger.database import Ledger
    from composer.project import Project

BUSY_SECONDS = 30.0
_URL_KEY = "NEWSLETTER_DATABASE_URL or [database] url"
_FORMS = "An address looks like sqlite:///var/newsletter.db or postgresql://user@host/name."


def ledger_path(project: Project) -> Path:
    """Where the ledger's file is or will be; relative addresses start at the project's root. Raises ConfigError, LedgerError."""
    url = _url(project)
    if _is_postgresql(url):
        raise LedgerError("the ledger is in PostgreSQL, not in a file", where=Where(postgresql.shown(url)))
    if not url.database or url.database == ":memory:":
        raise LedgerError("the ledger needs a file", where=Where(_URL_KEY), hint="Use sqlite:///var/newsletter.db.")
    return project.root / url.database


def ledger_exists(project: Project) -> bool:
    """Say whether the project has a ledger; none is made. Raises ConfigError, LedgerError (no server, or something else's database)."""
    if not _is_postgresql(_url(project)):
        return ledger_path(project).is_file()
    with reach_ledger(project) as ledger:
        return bool(revision_of(ledger))


def open_ledger(project: Project, *, busy_seconds: float = BUSY_SECONDS) -> Ledger:
    """Open the project's ledger, made (a file: mode 0600, with its folder) or brought up to date when need be. Raises LedgerError."""
    ledger = reach_ledger(project, busy_seconds=busy_seconds)
    try:
        bring_up_to_date(ledger)
    except BaseException:
        ledger.close()
        raise
    return ledger


def reach_ledger(project: Project, *, busy_seconds: float = BUSY_SECONDS) -> Ledger:
    """Set up the way to the ledger as it is: whatever its revision, or with no tables at all. Raises ConfigError, LedgerError."""
    url = _url(project)
    if _is_postgresql(url):
        return postgresql.connect(url, busy_seconds)
    path = ledger_path(project)
    name = project.shown(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    except OSError as err:
        hint = "Check the folder and your rights in it, or name another file under [database] url."
        raise LedgerError(f"the ledger cannot be opened: {err.strerror}", where=Where(name), hint=hint) from err
    return sqlite.connect(path, name, busy_seconds)


def _url(project: Project) -> URL:
    try:
        url = make_url(project.config.database.url)
    except (ArgumentError, ValueError) as err:
        raise ConfigError("the address of the ledger cannot be read", where=Where(_URL_KEY), hint=_FORMS) from err
    if not _is_postgresql(url) and url.drivername != "sqlite":
        raise LedgerError(f"the ledger cannot be kept in {url.drivername}", where=Where(_URL_KEY), hint=_FORMS)
    return url


def _is_postgresql(url: URL) -> bool:
    return url.drivername.partition("+")[0] in {"postgresql", "postgres"}
