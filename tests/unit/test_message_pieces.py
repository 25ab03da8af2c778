"""What an Edition has ready for every message: encoded once, the same for all, and no person's words in another's mail."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from email import message_from_bytes, policy
from threading import Barrier

import pytest

from composer.errors import MergeError
from composer.issue.model import Asset
from composer.message import body, headers
from composer.message.merge import Merger
from composer.message.mime import head, head_and_body, to_bytes
from composer.testing.samples import a_message, an_edition

PNG = Asset("qi0x", "a.png", "image/png", bytes(range(256)) * 40, "a" * 64, 1, 1)
MARK = an_edition().fields[0].mark


def merger(**changes):
    """Cut the sample edition, with changes."""
    edition = replace(an_edition(attachments=changes.pop("attachments", ())), **changes)
    return Merger(edition, {asset.mark: "cid:a@example.org" for asset in edition.attachments})


def message(of, value="Ann", **changes):
    """Merge for one person."""
    return a_message()._replace(merged=of.merge({"first_name": value}), **changes)


def plain(data):
    """Return the text part as it is read, with LF."""
    return message_from_bytes(data, policy=policy.default).get_body(("plain",)).get_content().replace("\r\n", "\n")


def test_an_edition_is_encoded_once(monkeypatch):
    """The second message, and every one after it, encodes nothing but what is new in it."""
    encoded = []

    def watched(real):
        return lambda data, **how: (encoded.append(data), real(data, **how))[1]

    for encoder in (body.b2a_qp, body.b2a_base64):
        monkeypatch.setattr(body, encoder.__name__, watched(encoder))
    cut = merger(attachments=(PNG,))
    to_bytes(message(cut))
    assert PNG.data in encoded
    encoded.clear()
    to_bytes(message(cut, "Bob"))
    assert encoded == []
    to_bytes(message(cut, "Zoë the Second"))
    to_bytes(message(cut, "Zoë the Second"))
    assert encoded == ["Zoë the Secondx".encode()]  # the letter keeps room for a soft line break


def test_threads_share_an_edition_and_mix_up_nobody():
    """Lanes of a transport fill the same form at the same time; the value of the person before is kept for all of them."""
    names = [f"Person {number} – {'é' * (number % 50)}" for number in range(200)]
    alone = [to_bytes(message(merger(), name)) for name in names]
    cut, start = merger(), Barrier(4)
    waiting = [message(cut, name) for name in names]

    def lane(_):
        start.wait()
        return [to_bytes(each) for each in waiting]

    with ThreadPoolExecutor(4) as threads:
        assert all(made == alone for made in threads.map(lane, range(4)))


def test_line_ends_beside_a_field_do_not_hang_on_its_value():
    """A bare CR before a field is a line break, also when the field is empty and an LF follows it."""
    cut = merger(text=f"a\r{MARK}\nb\r\n")
    cut = Merger(replace(cut.edition, fields=tuple(replace(slot, default="") for slot in cut.edition.fields)), {})
    assert plain(to_bytes(message(cut, "x"))) == "a\nx\nb\n"
    assert plain(to_bytes(message(cut, ""))) == "a\n\nb\n"


def test_head_and_body_are_apart_for_a_signature():
    """DKIM signs them apart: the head with the field that tells of the body, the body as it is sent (RFC 6376, 3.7)."""
    made = message(merger(attachments=(PNG,)))
    block, rest = head_and_body(made)
    assert block + b"\r\n" + rest == to_bytes(made)
    content_type = block.removeprefix(head(made)).decode()
    assert content_type.startswith("Content-Type: multipart/alternative;\r\n boundary=")
    boundary = message_from_bytes(block).get_boundary().encode()
    assert rest.startswith(b"--" + boundary + b"\r\n")
    assert rest.endswith(b"\r\n--" + boundary + b"--\r\n")
    assert b"\r\n\r\n" not in block


def test_boundaries_are_of_the_edition():
    """One that differed for each message would have to be written into each; that of another edition has no reason to be the same."""
    one, other = (message_from_bytes(to_bytes(message(merger(), name))).get_boundary() for name in ("Ann", "Bob"))
    assert one == other != message_from_bytes(to_bytes(message(merger(digest="e" * 64)))).get_boundary()


def test_a_date_is_that_of_its_message():
    """Dates are written once a second; moments that are equal in two zones are not the same words, nor are two seconds."""
    noon = datetime(2026, 1, 31, 12, 0, 0, 1, tzinfo=UTC)
    moments = [noon, noon.astimezone(timezone(timedelta(hours=2))), noon.replace(microsecond=999_999), noon + timedelta(seconds=1), noon]
    found = [message_from_bytes(to_bytes(message(merger(), date=moment)))["Date"] for moment in moments]
    assert [date[17:] for date in found] == ["12:00:00 +0000", "14:00:00 +0200", "12:00:00 +0000", "12:00:01 +0000", "12:00:00 +0000"]


def test_headers_are_those_of_each_message():
    """Most are written once for all; one that differs from person to person, as a link to leave does, is each person's own."""
    cut = merger(reply_to="News <news@letters.example>")
    for number in (*range(100), 0):
        own = {"List-Id": "<readers.example.org>", "List-Unsubscribe": f"<https://example.org/u/{number}>"}
        lines = head(message(cut, headers=own, message_id=f"{number}@letters.example", prefix=f"[{number}] ")).decode().split("\r\n")
        assert f"List-Unsubscribe: <https://example.org/u/{number}>" in lines
        assert f"Message-ID: <{number}@letters.example>" in lines
        assert f"Subject: [{number}] News of 2026-01" in lines
        assert {"From: News <news@letters.example>", "Reply-To: News <news@letters.example>", "List-Id: <readers.example.org>"} < set(lines)


def test_a_refusal_is_not_forgotten():
    """What cannot be written is refused each time, whatever went well before and after."""
    good, bad = message(merger()), message(merger(from_="nobody"))
    for _ in range(2):
        to_bytes(good)
        for refused in (bad, good._replace(email="a b@example.org"), good._replace(headers={"X-A": "é"})):
            with pytest.raises(MergeError):
                head_and_body(refused)


@pytest.mark.parametrize("value", ["", "a", " a", "a  b ", "x" * 70, "word " * 12 + "end"])
def test_short_header_lines_are_written_as_long_ones_are(value):
    """The short way saves the search for a place to fold, and nothing else."""
    assert headers.line("X-A", value) == f"X-A: {value}\r\n".encode()
    assert headers.line("X" * 40, value).replace(b"\r\n ", b" ") == f"{'X' * 40}: {value}".encode() + b"\r\n"
