"""What holds for every signed message: others verify it, and nothing in it can be changed, added or taken away unseen."""

import re
from dataclasses import replace
from datetime import UTC, datetime

import dkim_verifiers as verifiers
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from composer.message.dkim import COVERED, Signer
from composer.message.merge import Merger
from composer.message.mime import to_bytes
from composer.testing import a_message, an_edition

pieces = st.sampled_from(
    ["\r\n", "\n", "\n\n\n", ".", "\n.\n", "From ", " ", "  ", "\t", "=", "=?utf-8?q?x?=", "x" * 90, "word " * 20, "é", "日本", "👩🏽‍🚀", "\u2028", "\xa0", "b=", ";"]
)  # fmt: skip
wild = st.lists(pieces | st.text(st.characters(exclude_categories=["Cs"]), max_size=8), max_size=10).map("".join)
HEADERS = {
    "List-Id": "Readers <readers.letters.test>",
    "List-Unsubscribe": "<https://letters.test/u/abc>, <mailto:leave@letters.test?subject=leave>",
    "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    "Feedback-ID": "c1:readers:newsletter:letters",
}
AT = datetime(2026, 1, 31, 12, tzinfo=UTC)


def parts(name, subject, text, html, to="jane@readers.test"):
    """Build a message around wild pieces; give its head, its body."""
    edition = replace(
        an_edition(), subject=subject, text=text, html=html, from_=f"News <news@{verifiers.DOMAIN}>", reply_to="us@letters.test"
    )
    message = a_message()._replace(merged=Merger(edition, {}).merge({"first_name": "J"}), email=to, name=name, headers=HEADERS)
    head, _, body = to_bytes(message).partition(b"\r\n\r\n")
    return head + b"\r\n", body


def signed(head, body, kind="rsa"):
    return Signer("", verifiers.SELECTOR, verifiers.key(kind)).sign(head, body, AT) + head + b"\r\n" + body


def flipped(data, place):
    """Put another letter at a place."""
    return data[:place] + (b"y" if data[place : place + 1] == b"x" else b"x") + data[place + 1 :]


def in_a_value(head, name, pick):
    """Choose a place in the value of a field that is no white space, which relaxed canonicalisation may change."""
    value = re.search(rb"^%s:((?:.|\r\n[ \t])*)" % name.encode(), head, re.MULTILINE)
    places = [value.start(1) + at for at, byte in enumerate(value[1]) if byte not in b" \t\r\n"]
    return places[pick % len(places)]


covered = st.sampled_from(["From", "To", "Subject", "Date", "Message-ID", "Reply-To", "MIME-Version", "Content-Type", *HEADERS])
EACH = settings(deadline=None, max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])


@EACH
@given(st.tuples(wild, wild, wild, wild), st.sampled_from(["rsa", "ed25519"]), covered, st.integers(0, 10_000), st.integers(0, 100_000))
def test_verifies_and_no_byte_can_be_changed(tmp_path, texts, kind, field, in_head, in_body):
    """OpenDKIM and dkimpy verify whatever we write; one other letter in a covered header or in the body, and neither does."""
    name, subject, text, html = texts
    head, body = parts(name, f"s{subject}", text, html)
    good = signed(head, body, kind)
    begin = len(good) - len(head) - len(body) - 2
    wrong_head = flipped(good, begin + in_a_value(head, field, in_head))
    wrong_body = flipped(good, len(good) - len(body) + in_body % (len(body) - 2))
    record = verifiers.key(kind).record
    assert verifiers.opendkim(tmp_path, record, good, wrong_head, wrong_body) == [True, False, False]
    if kind == "rsa":
        assert [verifiers.dkimpy(record, each) for each in (good, wrong_head, wrong_body)] == [True, False, False]


@EACH
@given(wild, wild, st.sampled_from([name for name, closed in COVERED.items() if closed]), st.booleans())
def test_no_closed_header_can_be_added(tmp_path, subject, text, name, on_top):
    """A second Subject or List-Unsubscribe, above or below, would be what a reader sees: it breaks the signature (RFC 6376, 8.15)."""
    head, body = parts("Jane", subject, text, text)
    good = signed(head, body)
    place = 0 if on_top else len(good) - len(body) - 2
    added = good[:place] + f"{name}: another@letters.test\r\n".encode() + good[place:]
    record = verifiers.key().record
    assert verifiers.opendkim(tmp_path, record, good, added) == [True, False]
    assert [verifiers.dkimpy(record, each) for each in (good, added)] == [True, False]


@EACH
@given(wild, wild, covered)
def test_no_covered_header_can_be_taken_away(tmp_path, subject, text, name):
    """Without its way out a letter is another letter."""
    head, body = parts("Jane", f"s{subject}", text, text)
    good = signed(head, body)
    begin = len(good) - len(head) - len(body) - 2
    without = good[:begin] + re.sub(rb"^%s:.*(?:\r\n[ \t].*)*\r\n" % name.encode(), b"", head, count=1, flags=re.MULTILINE) + b"\r\n" + body
    record = verifiers.key().record
    assert verifiers.opendkim(tmp_path, record, good, without) == [True, False]
    assert not verifiers.dkimpy(record, without)


@EACH
@given(wild, wild)
def test_what_servers_do_to_headers_is_forgiven(tmp_path, subject, text):
    """Servers fold anew, write names in other letters and put their own fields on top: relaxed headers take that."""
    head, body = parts("Jane Q. Public of the very long and winding name", subject, text, text)
    good = signed(head, body)
    begin = len(good) - len(head) - len(body) - 2
    name, _, value = good[begin:].partition(b":")
    changed = b"Received: from x by y;\r\n z\r\n" + good[:begin] + name.upper() + b": " + value.replace(b" <", b"\r\n\t  <", 1)
    record = verifiers.key().record
    assert verifiers.opendkim(tmp_path, record, changed) == [True]
    assert verifiers.dkimpy(record, changed)


@EACH
@given(wild, st.sampled_from(["rsa", "ed25519"]))
def test_the_field_is_well_formed_and_always_the_same(text, kind):
    """Lines of at most 76, each but the first begun by a space; the same message and time give the same bytes."""
    head, body = parts("Jane", "s", text, text)
    signer = Signer("", verifiers.SELECTOR, verifiers.key(kind))
    field = signer.sign(head, body, AT)
    lines = field.split(b"\r\n")
    assert lines.pop() == b""
    assert lines[0].startswith(b"DKIM-Signature: v=1;")
    assert all(len(line) <= 76 and line.isascii() for line in lines)
    assert all(re.match(rb" \S", line) and line.strip() for line in lines[1:])
    assert signer.sign(head, body, AT) == field


def test_address_beyond_ascii_verifies(tmp_path):
    """RFC 6532 lets UTF-8 into headers; what is signed are its bytes."""
    head, body = parts("Zoë", "Grüße", "x", "x", to="zoë@readers.test")
    assert not head.isascii()
    good = signed(head, body)
    assert verifiers.opendkim(tmp_path, verifiers.key().record, good) == [True]
    assert verifiers.dkimpy(verifiers.key().record, good)
