"""Signatures as RFC 6376 and RFC 8463 write them: canonical forms, what is covered, the field itself."""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from hashlib import sha256

import dkim_verifiers as verifiers
import pytest

from composer.errors import MergeError
from composer.findings import Where
from composer.message.dkim import COVERED, Signer, relaxed_fields, simple_body
from composer.message.dkim_key import read_key

AT = datetime(2026, 1, 31, 12, tzinfo=UTC)
HEAD = (
    b"From: News <news@letters.test>\r\nTo: jane@readers.test\r\nSubject: January\r\nDate: Sat, 31 Jan 2026 12:00:00 +0000\r\n"
    b"Message-ID: <d1@letters.test>\r\nX-Other: not covered\r\nMIME-Version: 1.0\r\n"
)
BODY = b"Hello\r\n"


def tags(field):
    """Read a signature's tags, white space gone."""
    text = re.sub(rb"\s", b"", field).decode().removeprefix("DKIM-Signature:")
    return dict(tag.split("=", 1) for tag in text.split(";"))


def sign(head=HEAD, body=BODY, kind="rsa", domain="letters.test", selector=verifiers.SELECTOR, at=AT):
    return Signer(domain, selector, verifiers.key(kind)).sign(head, body, at)


# ---- canonical forms -------------------------------------------------------------------------------------------


def test_headers_of_the_rfc():
    """RFC 6376, 3.4.5, the headers of examples 1 and 3."""
    assert list(relaxed_fields(b"A: X\r\nB : Y\t\r\n\tZ  \r\n")) == [("a", b"a:X"), ("b", b"b:Y Z")]


def test_body_of_the_rfc():
    """RFC 6376, 3.4.5, the body of example 2: spaces stay, empty lines at the end are one line break."""
    assert simple_body(b" C \r\nD \t E\r\n\r\n\r\n") == b" C \r\nD \t E\r\n"


@pytest.mark.parametrize(
    ("body", "bh"),
    [(b"", "frcCV1k9oG9oKj3dpUqdJg1PxRT2RSN/XKdLCPjaYaY="), (b"\r\n\r\n", "frcCV1k9oG9oKj3dpUqdJg1PxRT2RSN/XKdLCPjaYaY=")],
)
def test_empty_body_has_the_hash_of_the_rfc(body, bh):
    """RFC 6376, 3.4.3 prints it."""
    assert tags(sign(body=body))["bh"] == bh


@pytest.mark.parametrize("body", [b"Hello", b"Hello\r\n", b"Hello\r\n\r\n\r\n"])
def test_line_ends_at_the_end_do_not_count(body):
    """Servers add one where it is missing, and drop some."""
    assert tags(sign(body=body))["bh"] == b64encode(sha256(b"Hello\r\n").digest()).decode()


def test_signature_of_rfc_8463():
    """Its example (appendix A), made with its key, comes out byte for byte: canonical headers, what is signed, and how."""
    seed = b64decode("nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=")
    der = bytes.fromhex("302e020100300506032b657004220420") + seed
    key = read_key(f"-----BEGIN PRIVATE KEY-----\n{b64encode(der).decode()}\n-----END PRIVATE KEY-----\n", Where("RFC 8463"))
    assert key.record == "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
    own = (
        b"DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed;\r\n d=football.example.com; i=@football.example.com;\r\n"
        b" q=dns/txt; s=brisbane; t=1528637909; h=from : to :\r\n subject : date : message-id : from : subject : date;\r\n"
        b" bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\r\n b="
    )
    head = (
        b"From: Joe SixPack <joe@football.example.com>\r\nTo: Suzie Q <suzie@shopping.example.net>\r\nSubject: Is dinner ready?\r\n"
        b"Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)\r\nMessage-ID: <20030712040037.46341.5F8J@football.example.com>\r\n"
    )
    signed = b"\r\n".join(field for _, field in relaxed_fields(head + own + b"\r\n"))
    assert b64encode(key.sign(signed)).decode() == (
        "/gCrinpcQOoIfuHNQIbq4pgh9kyIK3AQUdt9OdqQehSwhEIug4D11BusFa3bT3FY5OsU7ZbnKELq+eXdp1Q1Dw=="
    )


# ---- what is covered -------------------------------------------------------------------------------------------


def test_covers_what_is_there_in_order_and_closes_what_must_not_be_added():
    """A header that is named once more than it occurs cannot be added (8.15); one that is not closed is named as it occurs."""
    assert tags(sign())["h"].split(":") == (
        "From From To To Cc Reply-To Subject Subject Date Date Message-ID Message-ID MIME-Version MIME-Version Content-Type "
        "List-Unsubscribe List-Unsubscribe-Post"
    ).split(" ")


@pytest.mark.parametrize("name", COVERED)
def test_each_header_is_covered_wherever_it_stands(name):
    """RFC 8058 wants both unsubscribe headers, Gmail the Feedback-ID; letter case and place make no difference."""
    head = HEAD if name in {"From", "To", "Subject", "Date", "Message-ID", "MIME-Version"} else HEAD + f"{name.upper()}: value\r\n".encode()
    field = sign(head)
    assert tags(field)["h"].split(":").count(name) == 1 + COVERED[name]
    record = verifiers.key().record
    changed = re.sub(rb"(?im)^(%s): .*\r\n" % name.encode(), rb"\1: changed@letters.test\r\n", head)
    assert verifiers.dkimpy(record, field + head + b"\r\n" + BODY)
    assert not verifiers.dkimpy(record, field + changed + b"\r\n" + BODY)


def test_several_of_a_name_are_taken_from_below():
    """RFC 6376, 5.4.2: a verifier takes the lowest first; both are covered."""
    head = HEAD + b"List-Id: one\r\nList-Id: two\r\n"
    field = sign(head)
    record = verifiers.key().record
    assert tags(field)["h"].split(":").count("List-Id") == 2
    assert verifiers.dkimpy(record, field + head + b"\r\n" + BODY)
    for changed in (head.replace(b"one", b"1"), head.replace(b"two", b"2"), HEAD + b"List-Id: two\r\nList-Id: one\r\n"):
        assert not verifiers.dkimpy(record, field + changed + b"\r\n" + BODY)


def test_what_servers_write_is_not_covered():
    """Received and Return-Path are others' to write; so is a Feedback-ID where we have none, or above ours."""
    on_top = b"Return-Path: <x@y.test>\r\nReceived: from x\r\nFeedback-ID: theirs\r\n"
    for head in (HEAD, HEAD + b"Feedback-ID: ours\r\n"):
        assert verifiers.dkimpy(verifiers.key().record, on_top + sign(head) + head + b"\r\n" + BODY)


# ---- the field -------------------------------------------------------------------------------------------------


def test_the_field_says_how_it_was_made():
    """Each tag that a verifier needs, and no i=, l= or x= that could only do harm."""
    found = tags(sign())
    assert list(found) == ["v", "a", "c", "d", "s", "t", "h", "bh", "b"]
    assert (found["v"], found["a"], found["c"]) == ("1", "rsa-sha256", "relaxed/simple")
    assert (found["d"], found["s"], found["t"]) == ("letters.test", verifiers.SELECTOR, "1769860800")
    assert tags(sign(kind="ed25519"))["a"] == "ed25519-sha256"


def test_time_is_the_instant_whatever_the_zone():
    """t= counts seconds since 1970 in UTC."""
    assert sign(at=AT.astimezone(timezone(timedelta(hours=9)))) == sign()


def test_lines_are_folded_at_76():
    """RFC 5322 wants 78 at most; a long domain stands on a line of its own."""
    lines = sign(domain=f"{'a' * 60}.{'b' * 60}.test").split(b"\r\n")
    assert lines[-1] == b""
    assert [line for line in lines if len(line) > 76] == [b" d=" + b"a" * 60 + b"." + b"b" * 60 + b".test;"]
    assert all(line.startswith(b" ") for line in lines[1:-1])
    assert not [line for line in lines[:-1] if line != line.rstrip()]


@pytest.mark.parametrize("kind", ["rsa", "ed25519"])
def test_wherever_the_lines_end_it_verifies(tmp_path, kind):
    """A line may end before, within and right behind every tag: each length of selector moves the ends by one."""
    selectors = ["s" * length for length in range(1, 64)]
    messages = [sign(kind=kind, selector=selector) + HEAD + b"\r\n" + BODY for selector in selectors]
    assert any(b" b=\r\n" in message for message in messages)
    record = verifiers.key(kind).record
    assert all(verifiers.opendkim(tmp_path, record, *messages, selectors=selectors))
    assert kind == "ed25519" or all(verifiers.dkimpy(record, message) for message in messages)


@pytest.mark.parametrize(
    "sender",
    [b"news@Letters.TEST", b"News <news@letters.test>", b'"a@b.test" <news@letters.test>', b"=?utf-8?q?Zo=C3=AB?=\r\n <news@letters.test>"],
)
def test_without_a_domain_the_sender_signs_for_itself(sender):
    """Lists may have senders of their own at other domains; DMARC wants each signed by its own."""
    head = HEAD.replace(b"News <news@letters.test>", sender)
    assert tags(sign(head, domain=""))["d"] == "letters.test"


@pytest.mark.parametrize("head", [HEAD.replace(b"From:", b"Form:"), HEAD.replace(b"News <news@letters.test>", b"nobody")])
def test_a_sender_without_a_domain_signs_nothing(head):
    """A signature without d= would be void, and look like one."""
    with pytest.raises(MergeError, match="no domain"):
        sign(head, domain="")


def test_the_other_kind_of_key_is_verified_by_opendkim(tmp_path):
    """dkimpy knows Ed25519 only with a further library."""
    message = sign(kind="ed25519") + HEAD + b"\r\n" + BODY
    assert verifiers.opendkim(tmp_path, verifiers.key("ed25519").record, message, message.replace(b"Hello", b"Hallo")) == [True, False]


def test_nothing_of_the_key_shows():
    """Signers end up in tracebacks."""
    signer = Signer("letters.test", "s", verifiers.key())
    shown = repr(signer) + repr(replace(signer, domain=""))
    assert "PRIVATE" not in shown
    assert verifiers.key().record[-40:] not in shown
    assert "bits=2048" in shown
