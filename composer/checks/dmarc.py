"""DMARC of a From domain (RFC 7489): its own record or its organization's, well formed, and what it asks for. Pure given who asks DNS."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from composer.checks.domains import organizational
from composer.checks.records import Ask, Checked, read_tags, unanswered
from composer.findings import Finding, Severity, Where, error, info, warning

_VERSION = re.compile(r"\s*v\s*=\s*DMARC1\s*(?:;|\Z)")
_FORMS = {
    "p": re.compile("none|quarantine|reject", re.IGNORECASE),
    "sp": re.compile("none|quarantine|reject", re.IGNORECASE),
    "pct": re.compile(r"100|\d{1,2}"),
    "adkim": re.compile("[rs]", re.IGNORECASE),
    "aspf": re.compile("[rs]", re.IGNORECASE),
    "ri": re.compile(r"\d+"),
}
_REPORT = re.compile(r"mailto:[^\s@,!]+@[^\s@,!]+(?:![0-9]+[kmgt]?)?", re.IGNORECASE)


def check_dmarc(domain: str, ask: Ask) -> Checked:
    """Check the DMARC record that receivers find for mail from ``domain``."""
    for place in dict.fromkeys((domain, organizational(domain))):
        name = f"_dmarc.{place}"
        answer = ask(name, "TXT")
        if not answer.known:
            return Checked((unanswered(answer),), None)
        records = [text for text in answer.values if _VERSION.match(text)]
        near = [text for text in answer.values if re.match(r"\W*v\s*=\s*dmarc", text, re.IGNORECASE) and text not in records]
        if len(records) > 1:
            message = f"there are {len(records)} DMARC records; receivers take that for none"
            return Checked((error("dmarc-several", Where(name), message, "Keep one."),), passes=False, record=" | ".join(records))
        if records:
            return _record(name, records[0], inherited=place != domain)
        if near:
            hint = "It begins with v=DMARC1; in just these letters."
            return Checked(
                (error("dmarc-syntax", Where(name), "the DMARC record has no version that receivers know", hint),),
                passes=False,
                record=near[0],
            )
    hint = f"Add a TXT record at _dmarc.{organizational(domain)}: v=DMARC1; p=none; rua=mailto: and an address of yours for reports."
    return Checked((error("dmarc-missing", Where(domain), "there is no DMARC record", hint),), passes=False)


def _record(name: str, text: str, *, inherited: bool) -> Checked:
    tags = read_tags(text)
    if isinstance(tags, str):
        return Checked(
            (error("dmarc-syntax", Where(name), f"the DMARC record cannot be read: {tags}", "Mend it."),), passes=False, record=text
        )
    findings = (*_syntax(name, tags), *_policy(name, tags, inherited=inherited))
    broken = any(finding.severity is Severity.ERROR for finding in findings)
    return Checked(findings, not broken, text)


def _syntax(name: str, tags: Mapping[str, str]) -> Iterator[Finding]:
    hint = "Mend the record; RFC 7489, 6.3 lists its tags."
    if "p" not in tags:
        yield error("dmarc-syntax", Where(name), "the DMARC record has no policy (p=)", hint)
    for tag, form in _FORMS.items():
        if tag in tags and not form.fullmatch(tags[tag]):
            yield error("dmarc-syntax", Where(name), f"{tag}={tags[tag][:40]} in the DMARC record is no value that receivers know", hint)
    for tag in ("rua", "ruf"):
        wrong = [each.strip() for each in tags.get(tag, "").split(",") if tag in tags and not _REPORT.fullmatch(each.strip())]
        if wrong:
            message = f"{tag}={wrong[0][:60]} in the DMARC record is no mailto: address"
            yield warning("dmarc-reports", Where(name), message, f"Write {tag}=mailto:reports@your.domain.")


def _policy(name: str, tags: Mapping[str, str], *, inherited: bool) -> Iterator[Finding]:
    tag = "sp" if inherited and "sp" in tags else "p"
    policy = tags.get(tag, "").lower()
    if policy == "none":
        message = f"the DMARC policy is {tag}=none: it satisfies the providers, and stops nobody from mailing in your name"
        hint = "When the reports show that all your mail passes, go on to p=quarantine, then p=reject."
        yield info("dmarc-policy-none", Where(name), message, hint)
    if "rua" not in tags:
        message = "the DMARC record asks for no reports (rua=): you will not hear who mails in your name"
        yield info("dmarc-no-reports", Where(name), message, "Add rua=mailto: and an address of yours.")
