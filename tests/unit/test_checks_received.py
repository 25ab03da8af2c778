"""What a received test shows: signatures, one-click unsubscribe, and what its receiver thought."""

from __future__ import annotations

import pytest

from composer.checks.received import check_received
from composer.errors import UsageError
from composer.findings import Where

WHERE = Where("test.eml")
COVERED = "from:to:subject:list-unsubscribe:list-unsubscribe-post"
GOOD = {
    "Authentication-Results": "mx.letters.net;\r\n dkim=pass header.i=@letters.org;\r\n spf=pass (sender ok; dmarc=fail in a comment) x;\r\n dmarc=pass",
    "DKIM-Signature": f"v=1; a=rsa-sha256; d=letters.org; s=s1;\r\n\th={COVERED};\r\n\tbh=abc=; b=def\r\n ghi=",
    "From": "Letters <news@letters.org>",
    "Subject": "[TEST] January",
    "List-Unsubscribe": "<https://letters.org/u/abc>,\r\n <mailto:leave@letters.org>",
    "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
}


def mail(**changes):
    """Write a mail whose headers are the good ones with changes; None leaves one out, a list repeats it."""
    headers = {**GOOD, **{name.replace("_", "-"): value for name, value in changes.items()}}
    lines = []
    for name, value in headers.items():
        lines += [f"{name}: {each}" for each in (value if isinstance(value, list) else [value]) if each is not None]
    return ("\r\n".join(lines) + "\r\n\r\nList-Unsubscribe: not here\r\n").encode()


def signature(covered=COVERED, domain="letters.org", more=""):
    return f"v=1; a=rsa-sha256; d={domain}; s=s1; h={covered}; bh=x; b=y{more}"


def codes(data):
    return [finding.code for finding in check_received(data, WHERE)]


def test_a_good_mail_has_only_its_receivers_word():
    """Folded headers, comments and a mailto beside the https address are as they should be."""
    (finding,) = check_received(mail(), WHERE)
    assert (finding.code, finding.severity, finding.where) == ("received-results", "info", WHERE)
    assert finding.message == "mx.letters.net says: dkim=pass, spf=pass, dmarc=pass"


@pytest.mark.parametrize(
    ("changes", "code", "severity"),
    [
        ({"DKIM_Signature": None}, "received-unsigned", "error"),
        ({"DKIM_Signature": signature(domain="sendgrid.info")}, "received-not-aligned", "error"),
        ({"DKIM_Signature": signature("to:subject:list-unsubscribe:list-unsubscribe-post")}, "received-signature", "error"),
        ({"DKIM_Signature": signature().replace("sha256", "sha1")}, "received-signature", "error"),
        ({"DKIM_Signature": [signature(), "v=1; a=rsa-sha256; d=letters.org; h=from"]}, "received-signature", "error"),
        ({"DKIM_Signature": [signature(), "nonsense"]}, "received-signature", "error"),
        ({"DKIM_Signature": signature(more="; l=100")}, "received-signature-cut", "warning"),
        ({"DKIM_Signature": signature("from:list-unsubscribe")}, "received-unsubscribe-unsigned", "error"),
        ({"DKIM_Signature": signature("from:to")}, "received-unsubscribe-unsigned", "error"),
        ({"List_Unsubscribe": None}, "received-no-unsubscribe", "error"),
        ({"List_Unsubscribe": "<mailto:leave@letters.org>", "List_Unsubscribe_Post": None}, "received-one-click", "warning"),
        ({"List_Unsubscribe": "<http://letters.org/u/abc>"}, "received-one-click", "warning"),
        ({"List_Unsubscribe": "<https://a.org/1>, <https://a.org/2>"}, "received-one-click", "warning"),
        ({"List_Unsubscribe": ["<https://a.org/1>", "<mailto:a@a.org>"]}, "received-one-click", "warning"),
        ({"List_Unsubscribe_Post": None}, "received-one-click", "error"),
        ({"List_Unsubscribe_Post": "One-Click"}, "received-one-click", "error"),
    ],
)
def test_each_fault_is_one_finding(changes, code, severity):
    """Nothing but the fault is told, besides what the receiver said."""
    findings = [each for each in check_received(mail(**changes), WHERE) if each.code != "received-results"]
    assert [(each.code, each.severity) for each in findings] == [(code, severity)]


def test_a_signature_of_the_organization_counts():
    """A provider may sign as em.letters.org, and a second signature of its own does no harm."""
    both = [signature(domain="sendgrid.info"), signature(domain="em.letters.org")]
    assert codes(mail(DKIM_Signature=both)) == ["received-results"]


def test_what_any_signature_covers_is_covered():
    """RFC 8058 asks for a valid signature over the two headers, not for a certain signer."""
    both = [signature("from"), signature(domain="sendgrid.info")]
    assert codes(mail(DKIM_Signature=both)) == ["received-results"]


@pytest.mark.parametrize(
    ("results", "failed"),
    [
        ("mx.org; spf=fail smtp.mailfrom=x; dkim=pass; dmarc=pass", ["spf=fail"]),
        ("mx.org 1; spf=softfail; dkim=permerror; dmarc=fail (p=NONE)", ["spf=softfail", "dkim=permerror", "dmarc=fail"]),
        ("mx.org; dkim=fail; dkim=pass; spf=none; dmarc=bestguesspass", []),
        ("mx.org; none", []),
        (";", []),
    ],
)
def test_what_the_receiver_says_is_told(results, failed):
    """One signature that passes is enough; none and neutral are told and are no error."""
    findings = check_received(mail(Authentication_Results=results), WHERE)
    assert [each.message.rpartition(" ")[2] for each in findings if each.code == "received-fails"] == failed
    assert findings[-1].code == "received-results"


def test_only_the_topmost_results_count():
    """Those below came with the mail, and anybody may have written them."""
    assert codes(mail(Authentication_Results=["mx.org; spf=pass", "liar.org; spf=fail"])) == ["received-results"]


def test_a_mail_that_was_not_received_yet():
    """A file from the outbox has neither results nor a signature; both are said."""
    assert codes(mail(DKIM_Signature=None, Authentication_Results=None)) == ["received-unsigned", "received-no-results"]


@pytest.mark.parametrize("sender", [None, "nobody", ["a@letters.org", "b@letters.org"]])
def test_a_mail_has_one_sender(sender):
    """Alignment is with From, so that there must be one."""
    assert codes(mail(From=sender)) == ["received-sender"]


@pytest.mark.parametrize("data", [b"", b"\x89PNG\r\n\x1a\n\0\0", b"just a text\nand no mail\n"])
def test_what_is_no_mail_is_refused(data):
    """A wrong file is a mistake of the command line, not a bad mail."""
    with pytest.raises(UsageError, match="no mail"):
        check_received(data, WHERE)
