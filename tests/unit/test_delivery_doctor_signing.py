"""What the doctor says of our own signatures: the key here, the key in DNS, and whose domain signs."""

from __future__ import annotations

import subprocess
from dataclasses import replace

import dkim_verifiers as verifiers
import pytest
from machine import program

from composer.checks.records import Answer, State
from composer.checks.signing import check_own_domain, check_own_key
from composer.config import Delivery, Doctor, Newsletter, Public, Smtp, Transports, Unsubscribe
from composer.delivery.doctor import examine
from composer.project import with_config
from composer.testing.dns import name_server
from composer.transport.registry import WAYS_OUT, WayOut

RECORD = verifiers.key().record
GOOD = {
    "letters.org": {"MX": ["10 mx.letters.org"], "TXT": ["v=spf1 mx ~all"]},
    "mx.letters.org": {"A": ["192.0.2.1"]},
    "2026a._domainkey.letters.org": {"TXT": [RECORD]},
    "_dmarc.letters.org": {"TXT": ["v=DMARC1; p=reject; rua=mailto:d@letters.org"]},
}


@pytest.fixture
def ready(project, monkeypatch):
    """A project that signs, with a mail server whose login succeeds."""
    way = WayOut(real=True, place=lambda *_: "", opener=lambda *_: None, probe=lambda _: "signed in")
    monkeypatch.setitem(WAYS_OUT, "smtp", way)
    return with_config(
        project,
        newsletter=Newsletter("Letters", "News <news@letters.org>", "", "3 Harbour Lane, Porto"),
        delivery=Delivery(transport="smtp"),
        transport=Transports(smtp=Smtp(host="mail.letters.org", dkim_selector="2026a")),
        unsubscribe=Unsubscribe("service"),
        public=Public("https://letters.org/n"),
        dkim_private_key=verifiers.pem(),
    )


def at(project, records=GOOD):
    with name_server(records) as server:
        return examine(with_config(project, doctor=replace(project.config.doctor, nameserver=server.address)))


def signing(project, **changes):
    """The project with other settings of its mail server."""
    return with_config(project, transport=Transports(smtp=replace(project.config.transport.smtp, **changes)))


def said(report, severity="error"):
    return [finding.code for finding in report.findings if finding.severity == severity]


def test_a_key_that_is_published_has_nothing_to_hear(ready):
    """The usual selectors of SendGrid are not asked for: nothing signs with them."""
    report = at(ready)
    assert report.findings == ()
    assert report.records["DKIM"].passes is True
    assert report.records["DKIM"].record == "2026a: rsa, 2048 bits"


def test_another_key_is_an_error_that_says_what_to_publish(ready):
    """Every letter would fail, and nobody would see it here."""
    other = with_config(ready, dkim_private_key=verifiers.pem("ed25519"))
    report = at(other)
    assert said(report) == ["dkim-key-mismatch"]
    assert f'2026a._domainkey.letters.org: "{verifiers.key("ed25519").record}"' in report.findings[0].hint
    assert report.records["DKIM"].passes is False


def test_a_key_that_is_not_published_is_an_error_with_its_record(ready):
    """The record stands ready to be copied."""
    report = at(ready, {name: values for name, values in GOOD.items() if "_domainkey" not in name})
    missing = next(finding for finding in report.findings if finding.code == "dkim-missing")
    assert missing.severity == "error"
    assert f'2026a._domainkey.letters.org: "{RECORD}"' in missing.hint
    assert "PRIVATE" not in repr(report)


def test_own_domain_is_where_the_key_is_looked_for(ready):
    """A subdomain signs from its organization's key as well."""
    records = {**GOOD, "2026a._domainkey.mail.letters.org": GOOD["2026a._domainkey.letters.org"]}
    del records["2026a._domainkey.letters.org"]
    assert at(signing(ready, dkim_domain="mail.letters.org"), records).findings == ()


def test_selectors_of_the_doctor_are_looked_at_as_well(ready):
    """The server may sign too, and the next selector wants a look before it is used."""
    named = with_config(ready, doctor=Doctor(selectors="2026a old next"))
    report = at(named, {**GOOD, "old._domainkey.letters.org": {"TXT": ["v=DKIM1; k=rsa; p="]}})
    assert [(each.code, each.where.path) for each in report.findings] == [
        ("dkim-revoked", "old._domainkey.letters.org"),
        ("dkim-missing", "letters.org"),
    ]


def test_a_server_that_is_known_to_sign_too_is_looked_at(ready):
    """SendGrid's SMTP door signs with s1 and s2, whatever we did before."""
    report = at(signing(ready, host="smtp.sendgrid.net"), {**GOOD, "s1._domainkey.letters.org": {"TXT": [RECORD]}})
    assert "dkim-selector-missing" in [finding.code for finding in report.findings]
    assert report.records["DKIM"].record == "2026a: rsa, 2048 bits; s1: rsa, 2048 bits"


def test_a_server_that_signs_by_itself_is_looked_at_as_before(ready):
    """Without a selector nothing of ours is compared."""
    named = with_config(signing(ready, dkim_selector=""), doctor=Doctor(selectors="2026a"), dkim_private_key="")
    assert at(named).findings == ()


def test_a_key_that_cannot_sign_is_said_once(ready):
    """The key in DNS is looked at all the same."""
    report = at(with_config(ready, dkim_private_key="rubbish"))
    assert said(report) == ["dkim-key-unusable"]
    assert str(report.findings[0].where) == "DKIM_PRIVATE_KEY"
    assert report.records["DKIM"].passes is True


def test_a_small_key_is_a_warning_and_said_once(ready):
    """Receivers take 1024 bits, and recommend more (RFC 8301)."""
    made = subprocess.run([program("openssl", "OpenSSL"), "genrsa", "1024"], capture_output=True, text=True, check=True)
    small = with_config(ready, dkim_private_key=made.stdout)
    from composer.transport.smtp_signer import private_key

    report = at(small, {**GOOD, "2026a._domainkey.letters.org": {"TXT": [private_key(small).record]}})
    assert [(each.code, each.severity, str(each.where)) for each in report.findings] == [
        ("dkim-own-key-small", "warning", "DKIM_PRIVATE_KEY")
    ]


def test_an_open_key_file_is_named(ready):
    """Whoever reads it can sign in our name."""
    ready.var.mkdir()
    ready.dkim_file.write_text(verifiers.pem(), encoding="ascii")
    ready.dkim_file.chmod(0o644)
    in_file = with_config(ready, dkim_private_key="")
    report = at(in_file)
    assert [(each.code, str(each.where)) for each in report.findings] == [("file-open-to-others", "var/dkim.pem")]
    ready.dkim_file.chmod(0o600)
    assert at(in_file).findings == ()


@pytest.mark.parametrize(
    ("signs", "policy", "counts"),
    [
        ("letters.org", "v=DMARC1; p=none", True),
        ("mail.letters.org", "v=DMARC1; p=none", True),
        ("letters.org", "v=DMARC1; p=none; adkim=s", True),
        ("mail.letters.org", "v=DMARC1; p=none; adkim=s", False),
        ("mail.letters.org", "v=DMARC1; p=none; adkim=r", True),
        ("host.net", "v=DMARC1; p=none", False),
        ("host.net", "", False),
    ],
)
def test_whose_signature_counts(signs, policy, counts):
    """RFC 7489, 3.1.1: the same organization, or with adkim=s the very same domain."""
    findings = check_own_domain("letters.org", signs, policy)
    assert [finding.code for finding in findings] == ([] if counts else ["dkim-not-aligned"])


def test_a_foreign_domain_reaches_the_report(ready):
    """It would sign well, and for nothing."""
    records = {**GOOD, "2026a._domainkey.host.net": GOOD["2026a._domainkey.letters.org"]}
    assert said(at(signing(ready, dkim_domain="host.net"), records), "warning") == ["dkim-not-aligned"]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ((RECORD,), []),
        ((RECORD.replace("v=DKIM1; k=rsa; ", ""),), []),
        ((RECORD.replace("k=rsa", "k=ed25519"),), ["dkim-syntax", "dkim-key-mismatch"]),
        (("v=DKIM1; p=",), ["dkim-revoked"]),
        ((RECORD, RECORD), ["dkim-several"]),
        (("not a record",), ["dkim-syntax"]),
    ],
)
def test_what_dns_may_hold(values, expected):
    """Each mistake is one thing to mend; a record that cannot be read is not called another key as well."""
    checked = check_own_key("letters.org", "s", verifiers.key(), lambda name, kind: Answer(name, kind, State.FOUND, values))
    assert [finding.code for finding in checked.findings] == expected
    assert bool(checked.passes) is (not expected)


def test_silence_is_no_mismatch():
    """Who cannot ask cannot tell."""
    checked = check_own_key("letters.org", "s", verifiers.key(), lambda name, kind: Answer(name, kind, State.TIMEOUT))
    assert [finding.code for finding in checked.findings] == ["dns-no-answer"]
    assert checked.passes is None
