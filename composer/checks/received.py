"""A mail as it arrived: who signed it and what the signature covers, how a reader leaves, what the receiver thought. Pure; asks no DNS."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import Message as Mail
from email.parser import BytesHeaderParser
from email.utils import getaddresses

from composer.checks.domains import aligned
from composer.checks.records import read_tags
from composer.errors import UsageError
from composer.findings import Finding, Where, error, info, warning

_URI = re.compile(r"<\s*([^<>]*?)\s*>")
_RESULT = re.compile(r"\b(spf|dkim|dmarc)\s*=\s*([a-z]+)", re.IGNORECASE)
_COMMENT = re.compile(r"\([^()]*\)")
_ONE_CLICK = "list-unsubscribe=one-click"
_BAD = frozenset({"fail", "hardfail", "softfail", "permerror", "policy"})


@dataclass(frozen=True, slots=True)
class _Signature:
    domain: str
    algorithm: str
    covered: frozenset[str]
    cut: bool


def check_received(data: bytes, where: Where) -> tuple[Finding, ...]:
    """Check a received mail (the bytes of an ``.eml`` file, ``where`` names it). Raises UsageError when it is none."""
    mail = BytesHeaderParser().parsebytes(data)
    sender = [address for _, address in getaddresses([str(each) for each in mail.get_all("From", [])]) if "@" in address]
    if not mail.keys():
        hint = "Save the mail as it arrived: “Show original” and “Download” in Gmail, “Save as” elsewhere."
        raise UsageError("this is no mail: it has no headers", where=where, hint=hint)
    if len(sender) != 1:
        message = f"the mail has {len(sender) or 'no'} sender{'s' if len(sender) > 1 else ''} in From; providers want exactly one"
        return (error("received-sender", where, message, "Set `from` to one address."),)
    signatures = [_signature(value) for value in _values(mail, "DKIM-Signature")]
    whole = [each for each in signatures if isinstance(each, _Signature)]
    findings = [error("received-signature", where, each, "Ask who signs the mail.") for each in signatures if isinstance(each, str)]
    findings += _signed(whole, sender[0].rpartition("@")[2], where, any_signature=bool(signatures))
    findings += _unsubscribe(mail, whole, where)
    return (*findings, *_results(mail, where))


def _values(mail: Mail, name: str) -> list[str]:
    return [" ".join(str(value).split()) for value in mail.get_all(name, [])]


def _signature(text: str) -> _Signature | str:
    tags = read_tags(text)
    if isinstance(tags, str):
        return f"a DKIM signature cannot be read: {tags}"
    if missing := [tag for tag in ("a", "b", "d", "h", "s") if not tags.get(tag)]:
        return f"a DKIM signature lacks {', '.join(f'{tag}=' for tag in missing)}"
    covered = frozenset(name.strip().lower() for name in tags["h"].split(":"))
    return _Signature(tags["d"].lower(), tags["a"].lower(), covered, "l" in tags)


def _signed(signatures: list[_Signature], domain: str, where: Where, *, any_signature: bool) -> Iterator[Finding]:
    if not any_signature:
        hint = "Set up domain authentication with your provider. A file from the outbox is not signed: save a mail that was received."
        yield error("received-unsigned", where, "the mail has no DKIM signature", hint)
        return
    ours = [each for each in signatures if aligned(each.domain, domain)]
    if not ours and signatures:
        names = ", ".join(dict.fromkeys(each.domain for each in signatures))
        message = f"the mail is signed by {names}, not by {domain}, its sender: the signature does not count for DMARC"
        yield error("received-not-aligned", where, message, f"Set up domain authentication for {domain} with your provider.")
    for each in ours:
        if "from" not in each.covered:
            yield error("received-signature", where, "the DKIM signature does not cover From, so it is void", "Ask who signs the mail.")
        if each.algorithm == "rsa-sha1":
            hint = "Ask who signs the mail for rsa-sha256."
            yield error("received-signature", where, "the DKIM signature is of a kind that receivers no longer take (rsa-sha1)", hint)
        if each.cut:
            message = "the DKIM signature covers only the beginning of the body (l=): text could be added behind it"
            yield warning("received-signature-cut", where, message, "Ask who signs the mail to leave l= out.")


def _unsubscribe(mail: Mail, signatures: list[_Signature], where: Where) -> Iterator[Finding]:
    headers, post = _values(mail, "List-Unsubscribe"), _values(mail, "List-Unsubscribe-Post")
    if not headers:
        hint = "Send the test to a public list's letter; see [unsubscribe] in docs/configuration.md."
        yield error("received-no-unsubscribe", where, "the mail has no List-Unsubscribe header", hint)
        return
    uris = [uri.lower() for value in headers for uri in _URI.findall(value)]
    https = [uri for uri in uris if uri.startswith("https://")]
    if len(headers) > 1 or len(https) > 1:
        message = "the mail has more than one List-Unsubscribe header or https address in it; RFC 8058 wants one"
        yield warning("received-one-click", where, message, "Two services may be adding it: let one do so.")
    elif not https:
        kinds = ", ".join(uri.partition(":")[0] for uri in uris) or "nothing"
        message = f"List-Unsubscribe holds no https address but {kinds}: there is no one-click"
        hint = "Gmail and Yahoo want it from 5,000 messages a day on: set `via` under [unsubscribe] to service or sendgrid."
        yield warning("received-one-click", where, message, hint)
    elif [value.replace(" ", "").lower() for value in post] != [_ONE_CLICK]:
        message = "List-Unsubscribe-Post: List-Unsubscribe=One-Click is missing or wrong: Gmail and Yahoo see no one-click"
        yield error("received-one-click", where, message, "Whoever adds List-Unsubscribe must add this header too (RFC 8058).")
    needed = ["list-unsubscribe", *(["list-unsubscribe-post"] if post else [])]
    if signatures and not any(each.covered.issuperset(needed) for each in signatures):
        shown = "List-Unsubscribe" if len(needed) == 1 else "both List-Unsubscribe and List-Unsubscribe-Post"
        message = f"no DKIM signature covers {shown} (h=): receivers ignore one-click then (RFC 8058, 4)"
        yield error("received-unsubscribe-unsigned", where, message, "Ask who signs the mail to name both in h=.")


def _results(mail: Mail, where: Where) -> Iterator[Finding]:
    """Read the topmost Authentication-Results (RFC 8601): the receiver's own; those below it anybody may have written."""
    values = _values(mail, "Authentication-Results")
    if not values:
        message = "the mail does not say what its receiver thought of it (no Authentication-Results)"
        yield info("received-no-results", where, message, "Save the test from a mailbox at Gmail, Yahoo or Outlook.com.")
        return
    text = _COMMENT.sub(" ", values[0])
    server, _, rest = text.partition(";")
    results: dict[str, list[str]] = {}
    for method, result in _RESULT.findall(rest):
        results.setdefault(method.lower(), []).append(result.lower())
    for method, said in results.items():
        if "pass" not in said and (bad := [each for each in said if each in _BAD]):
            message = f"{server.split()[0] if server.split() else 'the receiver'} says {method}={bad[0]}"
            hint = f"Mend {method.upper()}; `newsletter doctor` without a file looks at what the domain publishes."
            yield error("received-fails", where, message, hint)
    shown = (
        ", ".join(f"{method}={'pass' if 'pass' in said else said[0]}" for method, said in results.items()) or "nothing of spf, dkim, dmarc"
    )
    yield info("received-results", where, f"{server.split()[0] if server.split() else 'the receiver'} says: {shown}")
