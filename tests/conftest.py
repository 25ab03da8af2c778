"""What all tests share: a project to play with, the real issues, a browser, a PostgreSQL, and a wall around the machine."""

from __future__ import annotations

import ipaddress
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from contextlib import suppress
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent
CI = os.environ.get("CI", "").lower() in {"1", "true", "yes"}
KINDS = ("unit", "golden", "contract", "property", "crash", "browser", "docs")

NEWSLETTER_TOML = """\
[newsletter]
name = "The Example Letter"
from = "Example Team <team@example.org>"
postal_address = "Example Team, 1 Sample Street, 12345 Springfield"
site_url = "https://www.example.org/news"
"""

ISSUE = """\
---
title: "The Example Letter: January 2026"
date: 2026-02-02T10:00:00.000Z
subject: News of January
preheader: What happened while it snowed.
---

Hello {{ first_name | default("friend") }}, here is the month.

# Garden: what grows

* The first [snowdrops](https://www.example.org/snowdrops) are out.

# Upcoming events

* 23-26 March | [Spring fair](https://www.example.org/fair) | Springfield
"""

STAFF_CSV = """\
email,first_name,last_name
ada@example.org,Ada,Lovelace
grace@example.org,Grace,Hopper
sean@example.org,Seán,O'Neil
"""


def pytest_collection_modifyitems(items):
    for item in items:
        kind = item.path.relative_to(REPOSITORY / "tests").parts[0]
        if kind in KINDS:
            item.add_marker(getattr(pytest.mark, kind))


def _outside(host):
    if host in {None, "", "localhost", b"localhost"}:
        return False
    try:
        return not ipaddress.ip_address(host.decode() if isinstance(host, bytes) else host).is_loopback
    except ValueError:
        return True


@pytest.fixture(autouse=True)
def no_network(monkeypatch):
    """Refuse every connection and every name look-up beyond this machine."""
    connect, connect_ex, getaddrinfo = socket.socket.connect, socket.socket.connect_ex, socket.getaddrinfo

    def check(host):
        if _outside(host):
            pytest.fail(f"a test tried to reach {host!r}: tests use nothing outside this machine", pytrace=True)

    def guarded(real):
        def call(self, address):
            if self.family in {socket.AF_INET, socket.AF_INET6}:
                check(address[0])
            return real(self, address)

        return call

    def look_up(host, *args, **kwargs):
        check(host)
        return getaddrinfo(host, *args, **kwargs)

    monkeypatch.setattr(socket.socket, "connect", guarded(connect))
    monkeypatch.setattr(socket.socket, "connect_ex", guarded(connect_ex))
    monkeypatch.setattr(socket, "getaddrinfo", look_up)


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch):
    """No setting of the person who runs the tests reaches them."""
    for name in list(os.environ):
        if name.startswith("NEWSLETTER_"):
            monkeypatch.delenv(name)


def _make_project(root, settings=""):
    from composer.project import find

    for folder in ("issues", "recipients"):
        (root / folder).mkdir(parents=True)
    (root / "newsletter.toml").write_text(NEWSLETTER_TOML + settings, encoding="utf-8")
    (root / "issues" / "2026-01.md").write_text(ISSUE, encoding="utf-8")
    (root / "recipients" / "staff.csv").write_text(STAFF_CSV, encoding="utf-8")
    return find(root, exact=True)


@pytest.fixture
def project(tmp_path):
    """Make a small project: configuration, one issue ``2026-01``, one list ``staff`` of three, shipped templates."""
    return _make_project(tmp_path / "project")


def _ledger_at(url):
    return f'\n[database]\nurl = "{url}"\n'


@pytest.fixture(params=["sqlite", "postgresql"])
def any_project(request, tmp_path):
    """Make the same project twice: with its ledger in SQLite, and in a PostgreSQL database of its own, tables and all."""
    if request.param == "sqlite":
        return _make_project(tmp_path / "project")
    return _make_project(tmp_path / "project", _ledger_at(request.getfixturevalue("postgres_url")))


@pytest.fixture(params=["sqlite", "postgresql"])
def bare_project(request, tmp_path):
    """Make the same project twice, with no ledger yet: no file in SQLite, no tables in PostgreSQL."""
    if request.param == "sqlite":
        return _make_project(tmp_path / "project")
    return _make_project(tmp_path / "project", _ledger_at(request.getfixturevalue("empty_postgres_url")))


@pytest.fixture
def sqlite_project(tmp_path):
    """Make the project with its ledger in SQLite alone, also where ``project`` means both."""
    return _make_project(tmp_path / "project")


@pytest.fixture
def postgres_project(tmp_path, postgres_url):
    """Make the project with its ledger in PostgreSQL alone."""
    return _make_project(tmp_path / "project", _ledger_at(postgres_url))


@pytest.fixture
def any_ledger(any_project):
    """Open the ledger of ``any_project``."""
    from composer.ledger.opening import open_ledger

    with open_ledger(any_project) as ledger:
        yield ledger


@pytest.fixture
def postgres_ledger(postgres_project):
    """Open the ledger of ``postgres_project``."""
    from composer.ledger.opening import open_ledger

    with open_ledger(postgres_project) as ledger:
        yield ledger


@pytest.fixture(scope="session")
def repository():
    """Name the root of this repository."""
    return REPOSITORY


@pytest.fixture(scope="session")
def shared_issues():
    """Find the real issues that lie beside the repository, in name order."""
    folder = REPOSITORY.parent / "shared" / "issues"
    found = tuple(sorted(folder.glob("*.md")))
    if not found:
        pytest.skip("the real issues (../shared/issues/*.md) are not on this machine")
    return found


def _without(reason):
    if CI:
        pytest.fail(f"{reason}; in CI these tests must run", pytrace=False)
    pytest.skip(reason)


def _executable():
    named = os.environ.get("CHROMIUM", "")
    candidates = (named,) if named else ("/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome")
    return next((path for path in candidates if Path(path).is_file()), "")


@pytest.fixture(scope="session")
def chromium():
    """Start the system's chromium; a Playwright ``Browser`` whose contexts reach only files and loopback.

    Make pages with ``chromium.new_page(...)`` or ``chromium.new_context(...)`` and close them.
    """
    path = _executable()
    if not path:
        _without("no chromium here (CHROMIUM may name one)")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        _without("playwright is not installed")
    arguments = [
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--disable-background-networking",
        # Everything but loopback and files goes to a proxy that is not there.
        "--proxy-server=http://127.0.0.1:9",
    ]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=arguments)
        yield browser
        browser.close()


class Postgres:
    """A PostgreSQL of the tests' own: ``url(name)`` is trusted over its socket, ``url(name, host=True)`` wants the password over TCP."""

    user, password = "postgres", secrets.token_hex(8)

    def __init__(self, folder, port):
        self.folder, self.port = folder, port

    def url(self, name, *, host=False, password=""):
        if host:
            return f"postgresql://{self.user}:{password or self.password}@127.0.0.1:{self.port}/{name}"
        return f"postgresql://{self.user}@/{name}?host={self.folder}&port={self.port}"

    def run(self, statement):
        """Run one statement outside a transaction, as the superuser."""
        import psycopg

        with psycopg.connect(host=str(self.folder), port=self.port, user=self.user, dbname="postgres", autocommit=True) as connection:
            connection.execute(statement)

    def make(self, template="template1"):
        """Make a database of a template's copy; return its name."""
        name = f"test_{secrets.token_hex(6)}"
        self.run(f"CREATE DATABASE {name} TEMPLATE {template}")
        return name

    def drop(self, name):
        """Throw away a database, whoever is still connected."""
        self.run(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


def _programs():
    folders = [Path(found).resolve().parent] if (found := shutil.which("initdb")) else []
    folders += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return next((folder for folder in folders if (folder / "initdb").is_file() and (folder / "postgres").is_file()), None)


def _nobody():
    """Give Popen's arguments for another user: PostgreSQL refuses to run as root."""
    for name in ("postgres", "nobody") if os.getuid() == 0 else ():
        with suppress(KeyError):
            entry = pwd.getpwnam(name)
            return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
    return {}


def _free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _await_postgres(server, postgres, log):
    import psycopg

    end = time.monotonic() + 30
    while True:
        try:
            return postgres.run("SELECT 1")
        except psycopg.OperationalError:
            if server.poll() is not None or time.monotonic() > end:
                pytest.fail(f"PostgreSQL does not start: {log.read_text(errors='replace')[-2000:]}", pytrace=False)
            time.sleep(0.03)


@pytest.fixture(scope="session")
def postgres():
    """Start a throwaway PostgreSQL, one a worker, reached by socket and loopback; it promises nothing about the disk."""
    programs = _programs()
    if programs is None:
        _without("no PostgreSQL here (initdb and postgres in PATH or /usr/lib/postgresql/*/bin)")
    try:
        import psycopg  # noqa: F401
    except ImportError:
        _without("psycopg is not installed")
    other = _nobody()
    # A socket's path has at most some hundred characters: pytest's own folders are too deep.
    folder = Path(tempfile.mkdtemp(prefix="newsletter-pg-", dir="/tmp"))
    if other:
        os.chown(folder, other["user"], other["group"])
    postgres, log = Postgres(folder, _free_port()), folder / "log"
    environment = {"PATH": os.environ.get("PATH", ""), "LC_ALL": "C"}
    secret = folder / "password"
    secret.write_text(postgres.password)
    secret.chmod(0o644)
    setup = ("--auth-local=trust", "--auth-host=scram-sha-256", f"--pwfile={secret}", "--username=postgres")
    make = [programs / "initdb", "--pgdata", folder / "data", "--encoding=UTF8", "--no-locale", "--no-sync", *setup]
    subprocess.run(make, check=True, capture_output=True, env=environment, cwd="/", **other)
    settings = (
        "listen_addresses=127.0.0.1",
        "fsync=off",
        "full_page_writes=off",
        "autovacuum=off",
        "shared_buffers=32MB",
        "timezone=Asia/Tokyo",
    )
    run = [programs / "postgres", "-D", folder / "data", "-k", folder, "-p", str(postgres.port), *(f"--{each}" for each in settings)]
    with log.open("wb") as out:
        server = subprocess.Popen(run, stdout=out, stderr=out, env=environment, cwd="/", **other)
    try:
        _await_postgres(server, postgres, log)
        yield postgres
    finally:
        server.send_signal(signal.SIGINT)
        server.wait(30)
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def _postgres_template(postgres):
    """Make the tables once: every test's database is a copy of them."""
    from composer.config import Config, Database
    from composer.ledger.opening import open_ledger
    from composer.project import Project

    name = postgres.make()
    open_ledger(Project(Path("/nowhere"), Config(database=Database(url=postgres.url(name))))).close()
    return name


@pytest.fixture
def postgres_url(postgres, _postgres_template):
    """Give the address of a database of this test's own, with the ledger's tables and no rows."""
    name = postgres.make(_postgres_template)
    yield postgres.url(name)
    postgres.drop(name)


@pytest.fixture
def empty_postgres_url(postgres):
    """Give the address of an empty database of this test's own."""
    name = postgres.make()
    yield postgres.url(name)
    postgres.drop(name)
