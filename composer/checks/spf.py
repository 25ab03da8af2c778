"""SPF of a domain (RFC 7208): one record, well formed, within ten look-ups, with an end, and naming who sends. Pure given who asks DNS."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from composer.checks.records import Answer, Ask, Checked, State, unanswered
from composer.findings import Finding, Severity, Where, error, info, warning

MOST_LOOKUPS = 10
_VERSION = re.compile(r"v=spf1(?: |\Z)", re.IGNORECASE)
_MECHANISM = re.compile(r"(?P<qualifier>[-+?~]?)(?P<name>all|include|a|mx|ptr|ip4|ip6|exists)(?P<value>[:/].*)?", re.IGNORECASE)
_MODIFIER = re.compile(r"(?P<name>[A-Za-z][A-Za-z0-9_.-]*)=(?P<value>.*)")
_PREFIX = re.compile(r"(?P<domain>:[^/]+)?(?:/\d{1,2})?(?://\d{1,3})?")
# RFC 7208, 4.6.4: these make the receiver ask DNS.
_ASKING = frozenset({"include", "a", "mx", "ptr", "exists", "redirect"})


@dataclass(frozen=True, slots=True)
class _Term:
    name: str
    qualifier: str = "+"
    value: str = ""


@dataclass(slots=True)
class _Walk:
    """One evaluation of a record with all that it includes."""

    ask: Ask
    domain: str
    lookups: int = 0
    domains: list[str] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)


def check_spf(domain: str, ask: Ask, *, needs: str = "", own_return_path: bool = False, required: bool = False) -> Checked:
    """Check the SPF record of the domain that mail is sent as.

    ``needs`` is the domain that the record must include for the transport, if any; with ``own_return_path`` the provider may use
    a return path of its own below the domain, so that nothing is missing without it. ``required``: without a record mail fails.
    """
    answer = ask(domain, "TXT")
    if not answer.known:
        return Checked((unanswered(answer),), None)
    records = _spf_records(answer)
    if len(records) != 1:
        return _not_one(domain, records, own_return_path=own_return_path, required=required)
    walk = _Walk(ask, domain)
    terms = _follow(walk, domain, records[0], ())
    _end(walk, terms)
    if walk.lookups > MOST_LOOKUPS:
        message = (
            f"the SPF record makes receivers ask DNS {walk.lookups} times; beyond {MOST_LOOKUPS} they call it broken (RFC 7208, 4.6.4)"
        )
        hint = "Drop includes of services that no longer send for you."
        walk.findings.append(error("spf-too-many-lookups", Where(domain), message, hint))
    passes: bool | None = not any(finding.severity is Severity.ERROR for finding in walk.findings)
    if any(finding.code == "dns-no-answer" for finding in walk.findings):
        passes = None
    if needs and needs not in walk.domains:
        walk.findings.append(_lacking(domain, needs, own_return_path=own_return_path))
        passes = None if own_return_path else False
    return Checked(tuple(walk.findings), passes, records[0])


def _spf_records(answer: Answer) -> list[str]:
    return [text for text in answer.values if _VERSION.match(text)]


def _not_one(domain: str, records: list[str], *, own_return_path: bool, required: bool) -> Checked:
    if records:
        message = f"there are {len(records)} SPF records; receivers take that for an error and ignore them all"
        hint = "Put them together into one TXT record that begins with v=spf1."
        return Checked((error("spf-several", Where(domain), message, hint),), passes=False, record=" | ".join(records))
    severity = Severity.ERROR if required else Severity.WARNING
    hint = "Add a TXT record at the domain: v=spf1, what your mail server's provider tells you to include, and ~all."
    finding = Finding("spf-missing", severity, Where(domain), "there is no SPF record", hint)
    extra = (_lacking(domain, "sendgrid.net", own_return_path=True),) if own_return_path else ()
    return Checked((finding, *extra), None if own_return_path else False)


def _lacking(domain: str, needs: str, *, own_return_path: bool) -> Finding:
    if own_return_path:
        message = f"the SPF record does not include {needs}; with SendGrid's domain authentication it need not"
        hint = "The return path is then em….your domain, which has an SPF of its own; a received test shows it (doctor FILE.eml)."
        return info("spf-own-return-path", Where(domain), message, hint)
    hint = f"Add include:{needs} before the end of the record."
    return warning("spf-lacks-transport", Where(domain), f"the SPF record does not include {needs}, through which the mail leaves", hint)


def _follow(walk: _Walk, domain: str, record: str, path: tuple[str, ...]) -> list[_Term]:
    """Read a record and all that it includes or is redirected to; return the terms that decide its end."""
    terms, where = [], Where(domain)
    for text in record.split()[1:]:
        term = _term(text)
        if isinstance(term, str):
            hint = "Mend the record; see RFC 7208, 5, or what your provider says."
            walk.findings.append(error("spf-syntax", where, f"in the SPF record, “{text[:60]}” {term}", hint))
        else:
            terms.append(term)
    ends = any(term.name == "all" for term in terms)
    for term in terms:
        if term.name == "redirect" and ends:  # RFC 7208, 6.1: ignored beside an all
            continue
        walk.lookups += term.name in _ASKING
        if term.name in {"include", "redirect"}:
            below = _included(walk, domain, term, (*path, domain))
            if term.name == "redirect":
                return below
    return terms


def _included(walk: _Walk, domain: str, term: _Term, path: tuple[str, ...]) -> list[_Term]:
    target = term.value.lower().rstrip(".")
    if "%" in target or walk.lookups > 2 * MOST_LOOKUPS:  # a macro depends on the mail; and far beyond the limit nothing is learnt
        return []
    walk.domains.append(target)
    hint = f"Take {term.name} of {target} out of the SPF record, or ask its owner."
    where = Where(domain)
    if target in path:
        walk.findings.append(error("spf-include-broken", where, f"the SPF record leads back to {target} without end", hint))
        return []
    answer = walk.ask(target, "TXT")
    if not answer.known:
        walk.findings.append(unanswered(answer))
        return [_Term("all", "-")]
    records = _spf_records(answer)
    if len(records) != 1:
        # RFC 7208, 5.2: an include without a record is a permanent error, and so are several.
        what = (
            f"has {len(records)} SPF records" if records else ("does not exist" if answer.state is State.NO_NAME else "has no SPF record")
        )
        walk.findings.append(error("spf-include-broken", where, f"the SPF record names {target}, which {what}", hint))
        return []
    return _follow(walk, target, records[0], path)


def _term(text: str) -> _Term | str:
    """Read one term; a text says what is wrong with it."""
    if modifier := _MODIFIER.fullmatch(text):
        name, value = modifier["name"].lower(), modifier["value"]
        return _Term(name, "", value) if value or name not in {"redirect", "exp"} else "lacks a domain"
    match = _MECHANISM.fullmatch(text)
    if not match:
        return "is no mechanism of SPF"
    name, value = match["name"].lower(), match["value"] or ""
    if name in {"ip4", "ip6"}:
        return _network(name, value) or _Term(name, match["qualifier"] or "+", value[1:])
    if name == "all" and value:
        return "may have nothing behind it"
    if name in {"include", "exists"} and len(value) < 2:  # noqa: PLR2004 - a colon, and at least one letter
        return "lacks a domain"
    if name in {"a", "mx", "ptr"} and not _PREFIX.fullmatch(value):
        return "is not written as SPF wants it"
    return _Term(name, match["qualifier"] or "+", value.lstrip(":"))


def _network(name: str, value: str) -> str:
    try:
        network = ipaddress.ip_network(value.removeprefix(":"), strict=False)
    except ValueError:
        return "holds no IP address"
    return "" if f"ip{network.version}" == name and value.startswith(":") else f"holds no IPv{name[-1]} address"


def _end(walk: _Walk, terms: list[_Term]) -> None:
    walk.findings.extend(_end_findings(Where(walk.domain), terms, broken=bool(walk.findings)))


def _end_findings(where: Where, terms: list[_Term], *, broken: bool) -> Iterator[Finding]:
    names = [term.name for term in terms]
    if "all" not in names:
        if not broken:
            hint = "End it with ~all, or with -all once you are sure that it names everyone."
            yield warning("spf-open-end", where, "the SPF record has no end: it says nothing of servers that it does not name", hint)
        return
    end = terms[names.index("all")]
    if end.qualifier == "+":
        yield error("spf-allows-everyone", where, "the SPF record ends with +all: it allows the whole world", "End it with ~all or -all.")
    elif end.qualifier == "?":
        message = "the SPF record ends with ?all: it says nothing of servers that it does not name"
        yield warning("spf-open-end", where, message, "End it with ~all, or with -all once you are sure that it names everyone.")
    behind = [term.name for term in terms[names.index("all") + 1 :] if term.name not in {"exp", "redirect"}]
    if behind:
        message = f"the SPF record goes on behind its all ({', '.join(behind)}): nobody reads that"
        yield warning("spf-after-all", where, message, "Move the all to the end.")
