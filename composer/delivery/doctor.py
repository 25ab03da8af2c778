"""The whole examination before a first send: configuration, a login that sends nothing, and what DNS says of the sender.

Writes nothing. No secret is in a report, whatever a server said.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from composer.checks.dkim import check_dkim
from composer.checks.dmarc import check_dmarc
from composer.checks.dns import asking
from composer.checks.received import check_received
from composer.checks.records import Checked, State
from composer.checks.sender import SENDGRID, Standing, check_alignment, check_mx, check_rules, check_sender, must_include
from composer.checks.signing import check_own_domain, check_own_key
from composer.checks.spf import check_spf
from composer.config import Doctor
from composer.delivery.configured import check_configuration, signs
from composer.delivery.reach import count_reached
from composer.errors import ComposerError, ConfigError, MergeError, UsageError
from composer.findings import Finding, Severity, Where, error, info, warning
from composer.message.headers import split_mailbox
from composer.transport.registry import way_out
from composer.transport.smtp_signer import private_key

if TYPE_CHECKING:
    from pathlib import Path

    from composer.checks.records import Ask
    from composer.config import Config
    from composer.project import Project

_FILE = Where("newsletter.toml")
_HIDDEN = "•••"
_UNDO = "Scheduled Sends"
_NO_UNDO = "`undo_minutes` is set, so no send can begin"
_NO_SYNC = "`newsletter suppress sync` fails, and so does a send, which does that first"
# Without these there is nothing to log in with.
_NEEDED = frozenset({"no-api-key", "no-smtp-host", "no-smtp-password"})


@dataclass(frozen=True, slots=True)
class Report:
    """What an examination found. ``login`` says how it went, empty when it was not tried; ``records`` are by kind: MX, SPF, DKIM, DMARC."""

    transport: str
    real: bool
    sender: str
    domain: str
    people: int
    login: str
    records: Mapping[str, Checked] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()


def examine(project: Project, *, ask: Ask | None = None) -> Report:
    """Examine a project. ``ask`` asks DNS (default: the name server of ``[doctor]``). Raises ConfigError.

    With a transport that is a rehearsal, what is wrong with the sender's domain is a warning: nothing leaves yet.
    """
    config = project.config
    way = way_out(config.delivery.transport)
    asked = ask or asking(config.doctor.nameserver)
    findings = check_configuration(project, real=way.real)
    login, refused = _login(project, ready=not _NEEDED & {finding.code for finding in findings})
    domain = _domain(config.newsletter.from_)
    people = count_reached(project)
    records, found = _domain_checks(project, domain, people, asked) if config.newsletter.from_ else ({}, ())
    if not way.real:
        message = "the transport is the outbox, a rehearsal: nothing leaves this machine yet"
        hint = "Set `transport` under [delivery] to sendgrid or smtp when you are ready, and run this again."
        found = (*map(_milder, found), info("rehearsal-only", _FILE, message, hint))
    secrets = _secrets(config)
    said = tuple(dict.fromkeys(_without(finding, secrets) for finding in (*findings, *refused, *found)))
    login = _hide(login, secrets)
    return Report(config.delivery.transport, way.real, config.newsletter.from_, domain, people, login, records, said)


def examine_received(path: Path) -> tuple[Finding, ...]:
    """Examine a received mail, an ``.eml`` file. Raises UsageError when it cannot be read or is no mail."""
    where = Where(str(path))
    try:
        data = path.read_bytes()
    except OSError as err:
        hint = "Name a mail that you saved as it arrived: doctor FILE.eml."
        raise UsageError(f"the mail cannot be read: {err.strerror}", where=where, hint=hint) from err
    return check_received(data, where)


def _login(project: Project, *, ready: bool) -> tuple[str, tuple[Finding, ...]]:
    """Log in without sending, where there is something to log in to and with, and look for the rights that a send needs."""
    name = project.config.delivery.transport
    way = way_out(name)
    if way.probe is None or not ready:
        return "", ()
    try:
        said, lacks = way.probe(project), way.lacks(project)
    except ComposerError as err:
        return "refused", (error("login-failed", Where(name), f"the login failed: {err}", err.hint),)
    return said or "works", tuple(_lacking(right) for right in lacks)


def _lacking(right: str) -> Finding:
    hint = f"Give the key the permission {right} at SendGrid under Settings, API Keys."
    if right == _UNDO:
        return warning("key-cannot-schedule", Where("SENDGRID_API_KEY"), f"the key may not schedule mail: {_NO_UNDO}", hint)
    return warning("key-cannot-read-suppressions", Where("SENDGRID_API_KEY"), f"the key lacks {right}: {_NO_SYNC}", hint)


def _domain(mailbox: str) -> str:
    try:
        return split_mailbox(mailbox)[1].rpartition("@")[2].lower()
    except MergeError:
        return ""


def _domain_checks(project: Project, domain: str, people: int, ask: Ask) -> tuple[dict[str, Checked], tuple[Finding, ...]]:
    """Check the sender's domain: first what needs nobody's answer, then what DNS says."""
    config = project.config
    if not domain:
        hint = "Write `from` under [newsletter] as one address: Name <name@example.org>."
        return {}, (error("no-mailbox", _FILE, f"`from` is not one address: {config.newsletter.from_}", hint),)
    if useless := check_sender(domain, _FILE):
        return {}, useless
    mx = check_mx(domain, ask)
    state = ask(domain, "MX").state
    if state in {State.TIMEOUT, State.UNREACHABLE}:
        message = f"DNS does not answer, so nothing of {domain} was looked at"
        hint = "Run this again with a network, or name another name server as `nameserver` under [doctor]."
        return {}, (warning("dns-unreachable", Where(domain), message, hint),)
    if state is State.NO_NAME:
        return {"MX": mx}, mx.findings
    records = {"MX": mx, **_authentication(project, domain, ask)}
    standing = Standing(
        domain,
        spf=records["SPF"].passes,
        dkim=records["DKIM"].passes,
        dmarc=records["DMARC"].passes,
        one_click={"mailto": False, "service": True}.get(config.unsubscribe.via),
        people=people,
    )
    findings = [finding for record in records.values() for finding in record.findings]
    if signs(config):
        findings += check_own_domain(domain, _signing_domain(config, domain), records["DMARC"].record)
    return records, (*findings, *check_alignment(domain, _envelope(config, domain)), *check_rules(standing))


def _authentication(project: Project, domain: str, ask: Ask) -> dict[str, Checked]:
    config = project.config
    transport, host = config.delivery.transport, config.transport.smtp.host
    needs = must_include(transport, host if transport == "smtp" else "")
    theirs = needs == SENDGRID
    return {
        "SPF": check_spf(_envelope(config, domain), ask, needs=needs, own_return_path=theirs, required=transport == "smtp" and not theirs),
        "DKIM": _keys(project, domain, ask, certain=theirs),
        "DMARC": check_dmarc(domain, ask),
    }


def _keys(project: Project, domain: str, ask: Ask, *, certain: bool) -> Checked:
    """Check the key that signs here, where one does, and those of `[doctor]`; ``certain``: mail is signed with the usual ones."""
    config = project.config
    selectors = tuple(config.doctor.selectors.replace(",", " ").split())
    named = config.doctor.selectors != Doctor().selectors
    if not signs(config):
        return check_dkim(domain, selectors, ask, certain=certain or named)
    own = config.transport.smtp.dkim_selector
    try:
        key = private_key(project)
    except ConfigError:
        key = None  # said with the settings
    checked = check_own_key(_signing_domain(config, domain), own, key, ask)
    others = tuple(each for each in selectors if (named or certain) and each != own)
    more = check_dkim(domain, others, ask, certain=True)
    record = "; ".join(filter(None, (checked.record, more.record)))
    return Checked((*checked.findings, *more.findings), checked.passes, record)


def _signing_domain(config: Config, domain: str) -> str:
    return config.transport.smtp.dkim_domain.lower() or domain


def _envelope(config: Config, domain: str) -> str:
    """Return the domain that bounces go to, whose SPF counts; SendGrid's own return path lies below the sender's domain."""
    bounces = config.transport.smtp.bounce_address if config.delivery.transport == "smtp" else ""
    return _domain(bounces) or domain


def _milder(finding: Finding) -> Finding:
    return replace(finding, severity=Severity.WARNING) if finding.severity is Severity.ERROR else finding


def _secrets(config: Config) -> tuple[str, ...]:
    try:
        password = urlsplit(config.database.url).password or ""
    except ValueError:
        password = ""
    return (config.sendgrid_api_key, config.smtp_password, config.dkim_private_key, *config.secret_keys, password, unquote(password))


def _without(finding: Finding, secrets: tuple[str, ...]) -> Finding:
    return replace(finding, message=_hide(finding.message, secrets), hint=_hide(finding.hint, secrets))


def _hide(text: str, secrets: tuple[str, ...]) -> str:
    for secret in filter(None, secrets):
        text = text.replace(secret, _HIDDEN)
    return text
