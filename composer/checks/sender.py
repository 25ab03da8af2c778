"""The sender's domain: one that may send at all, that takes mail, and whose mail the large providers accept. Pure given who asks DNS."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from composer.checks.domains import aligned, is_address_literal, is_mailbox_provider, is_reserved
from composer.checks.records import Ask, Checked, State, unanswered
from composer.findings import Finding, Severity, Where, error, info, warning

# A sender of this many messages a day to one provider is a bulk sender there; see docs/doctor.md for each provider's page.
BULK = 5_000
_MOST_SERVERS = 10


# Servers that send in the customer's own envelope: what their SPF needs. SendGrid's has a return path of its own.
_INCLUDES = {
    "smtp.gmail.com": "_spf.google.com",
    "smtp-relay.gmail.com": "_spf.google.com",
    "smtp.office365.com": "spf.protection.outlook.com",
}
SENDGRID = "sendgrid.net"


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known of a domain; None is what nobody can tell from here. ``people``: how many a letter goes to, 0 for unknown."""

    domain: str
    spf: bool | None = None
    dkim: bool | None = None
    dmarc: bool | None = None
    one_click: bool | None = None
    people: int = 0


def check_sender(domain: str, where: Where) -> tuple[Finding, ...]:
    """Check a From domain without asking anybody; ``where`` is where it is set. Errors make further checks useless."""
    if is_address_literal(domain):
        hint = "Set `from` to an address of a domain of your own."
        return (error("sender-is-address", where, "the sender's domain is an IP address, which no provider accepts", hint),)
    if is_reserved(domain) or "." not in domain.strip("."):
        hint = "Set `from` under [newsletter] to an address of your own domain."
        return (error("placeholder-sender", where, f"the sender is a placeholder: {domain} is reserved for examples and tests", hint),)
    if is_mailbox_provider(domain):
        message = f"the sender is at {domain}: that provider's DMARC and its own servers refuse such mail when somebody else sends it"
        hint = "Send from a domain of your own; answers may go to the old address with `reply_to`."
        return (error("mailbox-provider-sender", where, message, hint),)
    return ()


def must_include(transport: str, host: str) -> str:
    """Return the domain that SPF must include for a transport (``host``: the SMTP server); empty when nobody can tell."""
    server = host.lower().rstrip(".")
    if transport == "sendgrid" or server.endswith(f".{SENDGRID}"):
        return SENDGRID
    return _INCLUDES.get(server, "")


def check_alignment(domain: str, envelope: str) -> tuple[Finding, ...]:
    """Check that bounces go to the sender's own organization, so that SPF counts for DMARC (RFC 7489, 3.1.2)."""
    if aligned(domain, envelope):
        return ()
    message = f"bounces go to {envelope}, not to {domain}: SPF does not count for DMARC, which rests on DKIM alone"
    return (info("spf-not-aligned", Where(envelope), message, "Use a bounce address at the sender's domain or below it."),)


def check_mx(domain: str, ask: Ask) -> Checked:
    """Check that a domain exists and takes mail: answers and bounces go there, and some receivers look."""
    answer, where = ask(domain, "MX"), Where(domain)
    if not answer.known:
        return Checked((unanswered(answer),), None)
    if answer.state is State.NO_NAME:
        hint = "Look for a typing error in `from`; if the domain is new, wait until it is in DNS."
        return Checked(
            (error("domain-missing", where, f"there is no domain {domain}: everybody refuses mail from it", hint),), passes=False
        )
    servers = [value.partition(" ")[2] for value in answer.values]
    shown = ", ".join(answer.values)
    if not servers:
        return _implicit(domain, ask)
    if any(not server.strip(".") for server in servers):
        message = f"{domain} says that it takes no mail (null MX, RFC 7505): receivers refuse mail from such a domain"
        return Checked(
            (error("mx-null", where, message, "Publish an MX record of a server that takes your mail."),), passes=False, record=shown
        )
    findings = tuple(_servers(domain, servers[:_MOST_SERVERS], ask))
    return Checked(findings, not any(finding.severity is Severity.ERROR for finding in findings), shown)


def _implicit(domain: str, ask: Ask) -> Checked:
    if any(ask(domain, kind).values for kind in ("A", "AAAA")):
        message = f"{domain} has no MX record: answers and bounces are tried at its web address"
        hint = "Publish an MX record of the server that takes your mail."
        return Checked((warning("mx-missing", Where(domain), message, hint),), passes=True)
    message = f"{domain} has neither MX nor address: no answer and no bounce can reach you, and some receivers refuse its mail"
    hint = "Publish an MX record of the server that takes your mail."
    return Checked((error("mx-missing", Where(domain), message, hint),), passes=False)


def _servers(domain: str, servers: list[str], ask: Ask) -> Iterator[Finding]:
    for server in servers:
        if is_address_literal(server):
            message = f"the MX record names the address {server}; it must name a server (RFC 5321, 5.1)"
            yield error("mx-broken", Where(domain), message, "Give the server a name, and name that.")
            continue
        answers = [ask(server, "A")]
        if not answers[0].values:
            answers.append(ask(server, "AAAA"))
        if any(answer.values for answer in answers):
            continue
        silent = next((answer for answer in answers if not answer.known), None)
        hint = "Mend the MX record, or give the server an address in DNS."
        yield unanswered(silent) if silent else error("mx-broken", Where(domain), f"the mail server {server} has no address", hint)


def check_rules(standing: Standing) -> tuple[Finding, ...]:
    """Name the rules of Gmail, Yahoo and Microsoft by which they would refuse mail of this standing."""
    return tuple(_rules(standing))


def _rules(standing: Standing) -> Iterator[Finding]:
    where = Where(standing.domain)
    if standing.spf is False and standing.dkim is False:
        message = (
            "Gmail and Yahoo refuse this mail from every sender: neither SPF nor DKIM vouches for it (Gmail: 550-5.7.26, Yahoo: 554 5.7.9)"
        )
        yield error("provider-refuses", where, message, "Set up both, as the findings on SPF and DKIM say.")
    for what, known in (("SPF", standing.spf), ("DKIM", standing.dkim), ("DMARC", standing.dmarc)):
        if known is False:
            answers = "Gmail: 421-4.7 or 550-5.7, Yahoo: 553 5.7, Microsoft: 550 5.7.515"
            message = f"the bulk-sender rules of Gmail, Yahoo and Microsoft ask for {what} ({answers})"
            yield _bulk(standing, message, f"Mend {what} as its own finding says.")
    if standing.one_click is False:
        message = "the bulk-sender rules of Gmail and Yahoo ask for one-click unsubscribe (RFC 8058), and a mailto: address is none"
        yield _bulk(standing, message, "Set `via` under [unsubscribe] to service or sendgrid.")


def _bulk(standing: Standing, message: str, hint: str) -> Finding:
    if standing.people >= BULK:
        message = f"{message}; they hold for {BULK:,} messages a day, and your lists have {standing.people:,} people"
        return Finding("bulk-sender-rule", Severity.ERROR, Where(standing.domain), message, hint)
    size = f"your lists have {standing.people:,} people" if standing.people else "how many people yours reach is not known here"
    message = f"{message}; they hold from {BULK:,} messages a day to one provider on, and {size}"
    return Finding("bulk-sender-rule", Severity.WARNING, Where(standing.domain), message, hint)
