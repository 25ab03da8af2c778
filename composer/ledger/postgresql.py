"""A ledger in PostgreSQL: how its connections are set, and what its errors mean to people.

psycopg is needed by those alone who keep their ledger there: nothing here imports it before they connect.
"""

from __future__ import annotations

import re
from typing import Any

from sqlalchemy import URL, create_engine, event

from composer.errors import ConfigError, LedgerError
from composer.findings import Where
from composer.ledger.database import Kind, Ledger

# What libpq is asked for where the address says nothing else: seconds, and probes of a line that went dead.
_ASKED = {"connect_timeout": 10, "keepalives_idle": 30, "keepalives_interval": 10, "keepalives_count": 3, "client_encoding": "utf8"}
_PATIENCE = "10min"
# Not READ ONLY: taking that back, SQLAlchemy would then ask for READ WRITE on servers that were put to rest by their owner.
_READING = {"isolation_level": "REPEATABLE READ"}
_HAS_IDLE_TIMEOUT = 140_000
_AGAIN = "Nothing was changed; try again."
_RESUME = "Look at the server; then `newsletter resume` goes on."
_LOGIN = "Check the user in the address of the ledger; the password stands in PGPASSWORD, .pgpass or NEWSLETTER_DATABASE_URL."
_GRANT = "Its owner can grant them: see docs/postgresql.md."
_NO_DATABASE = "Make it with `createdb NAME`, or correct [database] url."
_NO_SERVER = "Is it running, and are host and port under [database] url right?"

# SQLSTATE codes and classes (PostgreSQL's manual, appendix A), the more exact first.
_BY_CODE = (
    ("28", "PostgreSQL does not let this user in", _LOGIN),
    ("3D000", "there is no such database", _NO_DATABASE),
    ("42501", "the user of the ledger lacks rights", _GRANT),
    ("25006", "this PostgreSQL may only be read", "Is it a standby? Name the primary server under [database] url."),
    ("40", "two processes got into each other's way", _AGAIN),
    ("55P03", "the ledger is locked by another process", "Wait until the other command is done, then try again."),
    ("57014", "the ledger took too long to answer", "Look at what else keeps the server busy, then try again."),
    ("57", "the PostgreSQL server is going down or starting up", _RESUME),
    ("08", "the connection to PostgreSQL was lost", _RESUME),
    ("25P03", "the connection to PostgreSQL was lost", _RESUME),
    ("53100", "the disk is full", "Make room on the disk of the server; then `newsletter resume` goes on."),
    ("53300", "PostgreSQL has no free connection", "Raise max_connections there, or stop what else uses it."),
    ("53", "PostgreSQL lacks memory or disk", _RESUME),
    ("58", "the disk of the ledger failed", "Check the disk of the server; then `newsletter resume` goes on."),
    ("XX", "the ledger is damaged", "Restore it from a backup, and keep the damaged database: it knows who was mailed."),
    ("23", "the ledger refused a change that would break its rules", "Nothing was changed."),
    ("22", "the ledger refused a value", "Nothing was changed."),
)
# A connection that was never made has no code: these are words of libpq and, in English, of the server.
_BY_WORDS = (
    (r"invalid connection option", "the address of the ledger has an option that PostgreSQL does not know", "Correct [database] url."),
    (r"password authentication failed|no password supplied|no pg_hba\.conf entry|role .* does not exist|authentication", *_BY_CODE[0][1:]),
    (r"database .* does not exist", *_BY_CODE[1][1:]),
    (r"too many clients|connection slots", "PostgreSQL has no free connection", "Raise max_connections there, or stop what else uses it."),
    (r"translate host name|resolve host|Name or service", "there is no such server", "Correct the host under [database] url."),
    (r"\bSSL\b|certificate", "PostgreSQL cannot be reached over TLS", "Look at sslmode and sslrootcert in the address of the ledger."),
    (r"starting up|shutting down", "the PostgreSQL server is going down or starting up", _RESUME),
    (
        r"connection timeout|timeout expired|refused|No such file|unreachable|is the server running",
        "PostgreSQL does not answer",
        _NO_SERVER,
    ),
    (
        # The last: psycopg on a line that broke while it sent many rows.
        r"server closed|connection.*(lost|closed)|consuming input|Broken pipe|reset by peer|exit pipeline mode while busy",
        "the connection to PostgreSQL was lost",
        _RESUME,
    ),
    (r"NUL", "the ledger refused a value", "Nothing was changed."),
)


def shown(url: URL) -> str:
    """Name a PostgreSQL ledger as people know it: without password and options."""
    return URL.create("postgresql", url.username, None, url.host, url.port, url.database).render_as_string()


def connect(url: URL, busy_seconds: float) -> Ledger:
    """Set up the connections to a database; none is made yet. Raises LedgerError without psycopg, ConfigError for another driver."""
    _, _, driver = url.drivername.partition("+")
    if driver not in {"", "psycopg"}:
        hint = "Write postgresql://USER@HOST/NAME."
        raise ConfigError(f"the ledger is not reached through {driver}", where=Where("[database] url"), hint=hint)
    url = url.set(drivername="postgresql+psycopg")
    arguments = {name: value for name, value in _ASKED.items() if name not in url.query}
    try:
        engine = create_engine(url, connect_args=arguments, pool_pre_ping=True, pool_use_lifo=True, hide_parameters=True)
    except ImportError as err:
        hint = "pip install newsletter-composer[postgres]"
        raise LedgerError("PostgreSQL needs the package psycopg", where=Where(shown(url)), hint=hint) from err

    def set_up(connection: Any, _record: object) -> None:
        _set_up(connection, busy_seconds)

    event.listen(engine, "connect", set_up)
    secrets = tuple(str(value) for value in (url.password, url.query.get("password")) if value)
    return Ledger(engine, shown(url), Kind(_READING, meaning, secrets))


def meaning(err: BaseException) -> tuple[str, str]:
    """Say what an error of the driver means, and what to do: (message, hint)."""
    code, words = getattr(err, "sqlstate", None) or "", str(err).strip()
    for prefix, message, hint in _BY_CODE:
        if code.startswith(prefix):
            return message, hint
    for pattern, message, hint in _BY_WORDS if not code else ():
        if re.search(pattern, words, re.IGNORECASE):
            return message, hint
    return f"the ledger cannot be used: {words or type(err).__name__}".splitlines()[0], ""


def _set_up(connection: Any, busy_seconds: float) -> None:
    encoding = connection.info.parameter_status("server_encoding")
    if encoding != "UTF8":
        hint = "Make a new one: createdb --encoding UTF8 --template template0 NAME."
        raise LedgerError(f"the database keeps text as {encoding}, which cannot hold every name", hint=hint)
    settings = {
        "timezone": "'UTC'",
        "lock_timeout": f"'{int(busy_seconds * 1000)}ms'",
        "statement_timeout": f"'{_PATIENCE}'",
        "idle_in_transaction_session_timeout": f"'{_PATIENCE}'",
        # So that the lock of a machine that vanished is free within about a minute.
        "tcp_keepalives_idle": "30",
        "tcp_keepalives_interval": "10",
        "tcp_keepalives_count": "3",
    }
    if connection.info.server_version >= _HAS_IDLE_TIMEOUT:
        settings["idle_session_timeout"] = "0"
    connection.execute("; ".join(f"SET {name} = {value}" for name, value in settings.items()))
    # A claim must survive a power cut; every other value waits for the disk at least.
    connection.execute("SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'")
    connection.commit()
