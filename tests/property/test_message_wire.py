"""What holds for every message: it reads back, and no value gets out of its place."""

import re
from base64 import b64decode
from datetime import UTC, datetime
from email import message_from_bytes, policy
from html import unescape
from html.parser import HTMLParser
from quopri import decodestring

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from composer.edition.model import Context, Edition, Slot
from composer.findings import Where
from composer.message import escape
from composer.message.body import base64_size, encode_bytes, encode_end, encode_piece
from composer.message.merge import Merger
from composer.message.mime import to_bytes
from composer.message.model import Message

P = "q0123456789ab"
_hard = st.sampled_from(
    ["\r\n", "\n", "\r", ".", "..", "From ", " ", "  ", "\t", "=", "=?", "?=", "=?utf-8?q?x?=", "--", "=_", '"', "\\", "<", ">", ",", ";", ":", "@", "(", ")",
     "x" * 80, "x" * 74, "word " * 20, "é", "日本", "👩🏽‍🚀", "אב", "\u202e", "\u2028", "\x85", "\xa0", "\u200d", "\x0b", "Bcc: a@b.c", f"{P}t0x", f"{P}p1x", "<script>", "&amp;", "'"]
)  # fmt: skip
# Lone surrogates cannot come out of a decoded file.
wild = st.lists(_hard | st.text(st.characters(exclude_categories=["Cs"]), max_size=8), max_size=14).map("".join)


def message(**changes):
    """Build a message around some wild pieces."""
    texts = {"subject": "s", "html": "", "text": "", **{key: changes.pop(key) for key in ("subject", "html", "text") if key in changes}}
    edition = Edition(
        "s",
        "a",
        "A",
        "en",
        changes.pop("from_", "n@example.org"),
        "",
        preheader="",
        fields=(),
        attachments=(),
        draft=False,
        digest="d" * 64,
        **texts,
    )
    return Message(
        "d1",
        Merger(edition, {}).merge({}),
        "jane@example.org",
        changes.pop("name", ""),
        "d1@example.org",
        datetime(2026, 1, 1, tzinfo=UTC),
        **changes,
    )


def lines_of(text):
    """Write every line end as LF."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


@given(wild, wild, wild, wild)
@settings(deadline=None, max_examples=300)
def test_every_message_reads_back(name, subject, text, html):
    """The standard library, as any mail program, finds the same text, HTML, subject and person, and no further header."""
    data = to_bytes(message(name=name, subject=subject, text=text, html=html))
    parsed = message_from_bytes(data, policy=policy.default)
    assert parsed.keys() == ["From", "To", "Subject", "Date", "Message-ID", "Content-Language", "MIME-Version", "Content-Type"]
    assert str(parsed["Subject"] or "") == escape.header(subject)
    (person,) = parsed["To"].addresses
    assert person.addr_spec == "jane@example.org"
    shown = " ".join(escape.header(name).split())
    if len(shown.encode()) < 39:  # fits into one encoded word; Python 3.11 shows the gap between two as a space
        assert person.display_name == shown
    assert lines_of(parsed.get_body(("plain",)).get_content()) == lines_of(text)
    assert lines_of(parsed.get_body(("html",)).get_content()) == lines_of(html)
    assert not [part.defects for part in parsed.walk() if part.defects]


@given(wild, wild, wild)
@settings(deadline=None, max_examples=300)
def test_every_message_is_fit_for_the_wire(name, subject, text):
    """CRLF throughout, lines within limits, nothing but ASCII: what SMTP asks for (RFC 5321, 4.5.3.1.6; RFC 5322, 2.1.1)."""
    data = to_bytes(message(name=name, subject=subject, text=text))
    assert data.isascii()
    assert not re.search(rb"\r(?!\n)|(?<!\r)\n|\x00", data)
    head, _, bodies = data.partition(b"\r\n\r\n")
    assert all(line.strip() for line in head.split(b"\r\n"))
    assert max(map(len, head.split(b"\r\n"))) <= 998
    assert max(map(len, bodies.split(b"\r\n"))) <= 76
    assert data == to_bytes(message(name=name, subject=subject, text=text))


@given(st.lists(wild.map(lines_of), min_size=1, max_size=6))
@example(["From", " me"])
@example(["x" * 74 + " \n" + "x" * 75 + "\t\n." + "x" * 73 + " \n"])
@example(["x" * 75, "", ".", "x" * 76, " ", "From ", "=" * 26, "\n", "\t\n", "."])
@settings(deadline=None, max_examples=400)
def test_pieces_of_text_are_encoded_each_by_itself(pieces):
    """Whatever follows whatever, joined they read as one text, in lines that no mail server breaks, stuffs or strips."""
    data = b"".join([*map(encode_piece, pieces[:-1]), encode_end(pieces[-1])])
    assert decodestring(data).decode().replace("\r\n", "\n") == "".join(pieces)
    for line in data.split(b"\r\n"):
        assert len(line) <= 76
        assert not line.startswith((b".", b"From "))
        assert not line.endswith((b" ", b"\t"))


@pytest.mark.parametrize("size", [*range(180), 5_700, 5_701])
def test_the_size_of_base64_is_known_beforehand(size):
    """The choice of an encoding rests on it; and no line is longer than 76."""
    data = bytes(range(256)) * 23
    encoded = encode_bytes(data[:size])
    assert len(encoded) == base64_size(size)
    assert b64decode(encoded) == data[:size]
    assert all(len(line) <= 76 for line in encoded.split(b"\r\n"))
    assert encoded.endswith(b"\r\n") == bool(size)


class _Reader(HTMLParser):
    """Collect what a browser would see: tags, the two attributes, the text."""

    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.tags, self.attributes, self.text = [], [], ""

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data):
        self.text += data


def _slot(context, number):
    return Slot(f"{P}{context.value}{number}x", "v", context, "", "{{ v }}", Where("issues/a.md", 1))


SLOTS = tuple(_slot(context, 0) for context in (Context.TEXT, Context.ATTRIBUTE, Context.URL, Context.PLAIN, Context.HEADER))
MERGER = Merger(
    Edition("s", "a", "A", "en", "n@example.org", "", f"s {P}s0x e", "", f'<p title="{P}a0x"><a href="https://x.org/?v={P}u0x">{P}t0x</a></p>', f"[{P}p0x]", SLOTS,
            (), False, "d" * 64),
    {},
)  # fmt: skip


@given(wild)
@settings(deadline=None, max_examples=400)
def test_no_value_leaves_its_place(value):
    """One p, one a, one title, one href, and the value itself as text: whatever the value is."""
    found = MERGER.merge({"v": value})
    shown = escape.plain(value.strip())
    reader = _Reader()
    reader.feed(found.html)
    reader.close()
    assert reader.tags == ["p", "a"]
    assert reader.text == shown
    assert reader.attributes[0] == ("title", shown)
    assert reader.attributes[1][0] == "href"
    assert re.fullmatch(r"https://x\.org/\?v=[A-Za-z0-9%._~-]*", reader.attributes[1][1])
    assert found.text == f"[{shown}]"
    assert not re.search(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]", found.subject)


@given(wild)
@settings(deadline=None)
def test_a_link_value_is_refused_or_stays_one_link(value):
    """What gets through as a whole address is http, https or mailto and holds nothing that ends the attribute."""
    for candidate in (value, f"https://example.org/{value}", f"mailto:a@example.org{value}"):
        try:
            address = escape.href(candidate)
        except ValueError:
            continue
        assert re.match(r"(?i)(https?://[^/]|mailto:)", unescape(address))
        assert not re.search(r"[\s\"<>\x00-\x1f]", address)
        assert address.isascii()
