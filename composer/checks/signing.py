"""Our own signatures as receivers will see them: the key that signs against the one in DNS, and the domain against the sender's.

Pure given who asks DNS.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from composer.checks.dkim import check_dkim
from composer.checks.domains import aligned
from composer.checks.records import Answer, Ask, Checked, read_tags
from composer.findings import Finding, Where, error, warning

if TYPE_CHECKING:
    from composer.message.dkim_key import Key


def check_own_key(domain: str, selector: str, key: Key | None, ask: Ask) -> Checked:
    """Check what DNS holds for a selector, and that it is the public half of ``key``; None: there is none to compare it with."""
    checked = check_dkim(domain, (selector,), ask, certain=True)
    if key is None:
        return checked
    answer = ask(f"{selector}._domainkey.{domain}", "TXT")
    # How long the key is, was said of its private half.
    findings = [_with_record(each, answer.name, key) for each in checked.findings if each.code != "dkim-key-small"]
    other = tuple(_other_key(answer, key))
    return Checked((*findings, *other), False if other else checked.passes, checked.record)


def check_own_domain(domain: str, signs: str, policy: str) -> tuple[Finding, ...]:
    """Check that a signature of ``signs`` counts for mail from ``domain``, whose DMARC record is ``policy`` (RFC 7489, 3.1.1)."""
    tags = read_tags(policy)
    strict = isinstance(tags, dict) and tags.get("adkim", "").lower() == "s"
    if aligned(domain, signs, strict=strict):
        return ()
    why = f", and the DMARC record of {domain} asks for the very same (adkim=s)" if strict and aligned(domain, signs) else ""
    message = f"mail from {domain} is signed by {signs}{why}: the signature does not count for DMARC"
    return (warning("dkim-not-aligned", Where("newsletter.toml"), message, "Leave [transport.smtp] `dkim_domain` empty."),)


def _with_record(finding: Finding, name: str, key: Key) -> Finding:
    """Say what to publish where nothing is."""
    if finding.code != "dkim-missing":
        return finding
    return replace(finding, hint=f"{_publish(name, key)} Until it is there, every letter fails DKIM.")


def _other_key(answer: Answer, key: Key) -> Iterator[Finding]:
    tags = read_tags(answer.values[0]) if len(answer.values) == 1 else ""
    if not isinstance(tags, dict) or not tags.get("p"):
        return  # said already
    if tags.get("k", "rsa").lower() != key.kind or not key.fits(tags["p"]):
        message = f"the key at {answer.name} is not the other half of the one that signs: every letter would fail DKIM"
        hint = f"{_publish(answer.name, key)} Or sign under the selector that this key was published with."
        yield error("dkim-key-mismatch", Where(answer.name), message, hint)


def _publish(name: str, key: Key) -> str:
    return f'Publish a TXT record at {name}: "{key.record}".'
