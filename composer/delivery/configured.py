"""What a project still lacks before it can send: names, addresses, secrets, a way to leave, a ledger.

Changes no setting and sends nothing; the only server it reaches is the ledger's, where there is one.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from composer.config import ListSettings, Newsletter
from composer.errors import ComposerError, ConfigError
from composer.findings import Finding, Severity, Where, error, warning
from composer.ledger.migrations import revision_of
from composer.ledger.opening import ledger_exists, ledger_path, reach_ledger
from composer.message.dkim_key import RECOMMENDED
from composer.message.links import unsubscribe
from composer.transport.smtp_signer import private_key

if TYPE_CHECKING:
    from pathlib import Path

    from composer.config import Config
    from composer.project import Project

_FILE = Where("newsletter.toml")
# What the tool's own templates begin with, and addresses that stand in examples.
_UNNAMED = frozenset({Newsletter().name.lower(), "our newsletter", ""})
_MADE_UP = re.compile(r"\b(?:sample|example|fill in|todo|xxx+|lorem|your (?:street|city|address))\b|\b123 main st", re.IGNORECASE)
_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
_OTHERS = stat.S_IRWXG | stat.S_IRWXO
_BUSY_SECONDS = 2.0


def check_configuration(project: Project, *, real: bool) -> tuple[Finding, ...]:
    """Check what only the team can know, and what the transport needs; what a ``real`` transport cannot do without is an error."""
    config = project.config
    known = (*_names(config, real=real), *check_leaving(config, real=real), *check_secrets(config))
    return (*known, *check_signing(project), *_modes(project), *_ledger(project))


def _names(config: Config, *, real: bool) -> Iterator[Finding]:
    severity = Severity.ERROR if real else Severity.WARNING
    newsletter = config.newsletter
    if newsletter.name.strip().lower() in _UNNAMED:
        message = "the newsletter has no name of its own: it stands in the masthead and in readers' mail programs"
        yield warning("newsletter-unnamed", _FILE, message, "Set `name` under [newsletter].")
    if not newsletter.from_:
        hint = "Set `from` under [newsletter]: Name <name@your.domain>."
        yield Finding("no-sender", severity, _FILE, "the newsletter has no sender", hint)
    if not newsletter.postal_address:
        hint = "Set `postal_address` under [newsletter]; the law (CAN-SPAM) wants it in every mail to the public."
        yield Finding("no-postal-address", severity, _FILE, "there is no postal address", hint)
    elif _MADE_UP.search(newsletter.postal_address):
        message = f"the postal address looks made up: {newsletter.postal_address[:80]}"
        yield warning("placeholder-postal-address", _FILE, message, "Set `postal_address` under [newsletter] to the real one.")


def check_leaving(config: Config, *, real: bool) -> Iterator[Finding]:
    """Check whether a reader can leave by the transport that is set; if not, it is an error for a ``real`` one."""
    severity = Severity.ERROR if real else Severity.WARNING
    via, transport = config.unsubscribe.via, config.delivery.transport
    try:
        unsubscribe(config, ListSettings(), "try", ("try",))
    except ConfigError as err:
        yield Finding("unsubscribe-unusable", severity, err.where or _FILE, err.message, err.hint)
        return
    if via == "sendgrid" and transport == "smtp":
        message = '`[unsubscribe] via = "sendgrid"` works only when SendGrid\'s API sends; this project sends by smtp'
        yield error("unsubscribe-unusable", _FILE, message, "Set `via` to service or mailto.")
    elif via == "sendgrid" and not config.transport.sendgrid.group_id:
        hint = "Make an unsubscribe group at SendGrid, and set its number as `group_id` under [transport.sendgrid]."
        yield Finding("unsubscribe-unusable", severity, _FILE, "no unsubscribe group is set for SendGrid", hint)
    elif via == "service" and real and urlsplit(config.public.public_url).hostname in _LOOPBACK:
        message = "unsubscribe links lead to this machine, where no reader gets"
        yield error("unsubscribe-unusable", _FILE, message, "Set `public_url` under [public] to the https address of the service.")


def check_secrets(config: Config) -> Iterator[Finding]:
    """Check that the transport which is set has a place to go to and the secrets for it."""
    if config.delivery.transport == "sendgrid" and not config.sendgrid_api_key:
        hint = "Put SENDGRID_API_KEY=… into .env or the environment; the key needs the right “Mail Send”."
        yield error("no-api-key", Where("SENDGRID_API_KEY"), "there is no key for SendGrid", hint)
    if config.delivery.transport == "smtp":
        if not config.transport.smtp.host:
            yield error("no-smtp-host", _FILE, "no mail server is set", "Set `host` under [transport.smtp].")
        if config.transport.smtp.username and not config.smtp_password:
            hint = "Put SMTP_PASSWORD=… into .env or the environment."
            yield error("no-smtp-password", Where("SMTP_PASSWORD"), "there is a user name for the mail server, and no password", hint)


def check_signing(project: Project) -> Iterator[Finding]:
    """Check that the key which signs mail can be read and is fit for it, where mail is signed here."""
    if not signs(project.config):
        return
    try:
        key = private_key(project)
    except ConfigError as err:
        yield error("dkim-key-unusable", err.where or _FILE, err.message, err.hint)
        return
    if key.kind == "rsa" and key.bits < RECOMMENDED:
        message = f"the key that signs mail has {key.bits} bits; {RECOMMENDED} are recommended (RFC 8301)"
        yield warning("dkim-own-key-small", project.dkim_key()[1], message, f"Make one of {RECOMMENDED} bits, under a new selector.")


def signs(config: Config) -> bool:
    """Tell whether mail is signed before it leaves this machine."""
    return config.delivery.transport == "smtp" and bool(config.transport.smtp.dkim_selector)


def _modes(project: Project) -> Iterator[Finding]:
    """Files that hold keys or people, and that others on this machine may read."""
    paths = [project.root / ".env", project.var / "secret.key", project.dkim_file]
    if _keeps_file(project):
        paths.append(_ledger_file(project) or project.var / "newsletter.db")
    for path in paths:
        try:
            mode = stat.S_IMODE(path.stat().st_mode)
        except OSError:
            continue
        if mode & _OTHERS:
            shown = project.shown(path)
            message = f"others on this machine may use {shown} (mode {mode:04o})"
            yield warning("file-open-to-others", Where(shown), message, f"Close it: chmod 600 {shown}")


def _keeps_file(project: Project) -> bool:
    return project.config.database.url.startswith("sqlite")


def _ledger_file(project: Project) -> Path | None:
    try:
        return ledger_path(project)
    except ComposerError:
        return None


def _ledger(project: Project) -> Iterator[Finding]:
    """Whether the ledger opens; one that is not there yet is not made."""
    try:
        if ledger_exists(project):
            with reach_ledger(project, busy_seconds=_BUSY_SECONDS) as ledger:
                revision_of(ledger)
        elif _keeps_file(project):
            yield from _place(project, ledger_path(project))
    except ComposerError as err:
        yield error("ledger-unusable", err.where or _FILE, err.message, err.hint)


def _place(project: Project, path: Path) -> Iterator[Finding]:
    """Whether a ledger could be made there."""
    folder = next(parent for parent in path.parents if parent.exists())
    if not folder.is_dir() or not os.access(folder, os.W_OK | os.X_OK):
        hint = "Give your user the right to write there, or set `url` under [database]."
        yield error("ledger-unusable", Where(project.shown(folder)), "the ledger cannot be made here", hint)
