"""Ready pieces equal the slow path: whatever stands in an edition and in a person's fields, a mail program finds the same."""

import re
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from email.utils import format_datetime

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from composer.edition.model import Context, Edition, Slot
from composer.findings import Where
from composer.issue.model import Asset
from composer.message.body import base64_size
from composer.message.form import form_of
from composer.message.merge import Merger
from composer.message.mime import head_and_body, to_bytes
from composer.message.model import Message

P = "q0123456789ab"
WHEN = datetime(2026, 1, 31, 9, 30, tzinfo=UTC)
NAMES = ("first", "second")
PNG = Asset("qi0x", "plan größer.png", "image/png", bytes(range(256)) * 3, "a" * 64, 1, 1)
_static = st.sampled_from(
    ["", " ", "  ", "\t", "\n", "\n\n", ".", "\n.", "\n..\n", "From ", "\nFrom me", "=", "==", "x" * 75, "x" * 76, "x" * 77, "word " * 16, "." * 80,
     "é" * 30, "日本語のニュース" * 5, "हिन्दी", "👩🏽‍🚀", "a=20", "--=_", "Dear ", "!", "<p>", "&nbsp;"]
)  # fmt: skip
_values = st.sampled_from(["", "Ann", ".", "..", ".x", "From ", "From here", "=", "=3D", " inner  space ", "Zoë", "日本 太郎", "x" * 74, "x" * 75, "x" * 76, "." * 80,
     "é" * 40, "https://example.org/u/" + "Ab0_-" * 30, "a\tb", "👩🏽‍🚀" * 12]) | st.text(st.characters(exclude_categories=["Cs"]), max_size=90)  # fmt: skip


@st.composite
def editions(draw):
    """Make an edition whose parts are static pieces and fields in any order."""

    def part(context):
        pieces = draw(st.lists(_static | st.sampled_from([f"{P}{context.value}{at}x" for at in range(2)]), max_size=12))
        return "".join(pieces)

    slots = [
        Slot(f"{P}{context.value}{at}x", name, context, "", f"{{{{ {name} }}}}", Where("issues/a.md", 1))
        for context in (Context.PLAIN, Context.TEXT, Context.HEADER)
        for at, name in enumerate(NAMES)
    ]
    subject = draw(st.sampled_from(["News", f"For {P}s0x", f"{P}s1x", "Zoë"]))
    images = (PNG,) if draw(st.booleans()) else ()
    text, html = part(Context.PLAIN), part(Context.TEXT) + ("<img src=qi0x>" if images else "")
    return Edition(
        "s", "l", "L", "en", "News <n@example.org>", "back@example.org", subject, "", html, text, tuple(slots), images, False, "d" * 64
    )


def a_message(edition, values, name="Jane"):
    """Merge an edition for one person."""
    merger = Merger(edition, {asset.mark: "cid:picture@example.org" for asset in edition.attachments})
    headers = {"List-Id": "L <l.example.org>", "List-Unsubscribe": "<https://example.org/u/abc>"}
    return Message("d1", merger.merge(values), "jane@example.org", name, "d1@example.org", WHEN, headers)


def slow(message):
    """Build the same with the standard library alone."""
    built = EmailMessage(policy=policy.SMTP)
    built["From"], built["To"], built["Reply-To"] = message.edition.from_, f"{message.name} <{message.email}>", message.edition.reply_to
    built["Subject"], built["Date"], built["Message-ID"] = message.subject, format_datetime(message.date), f"<{message.message_id}>"
    for name, value in message.headers.items():
        built[name] = value
    built.set_content(message.text, charset="utf-8", cte="base64")
    built.add_alternative(message.html, subtype="html", charset="utf-8", cte="base64")
    for asset in message.edition.attachments:
        kind, _, subtype = asset.media_type.partition("/")
        cid = "<picture@example.org>"
        built.get_payload()[1].add_related(asset.data, kind, subtype, cid=cid, filename=asset.name, disposition="inline")
    built["Content-Language"] = message.edition.language  # at last: it would go into the first part
    return message_from_bytes(built.as_bytes(), policy=policy.default)


def headers(parsed):
    """Return the header fields of a message but those that are compared otherwise."""
    return {name.lower(): str(value) for name, value in parsed.items() if name not in {"Content-Type", "Subject"}}


def shape(part):
    """Return what a mail program makes of a part: type, disposition, file name, Content-ID, and what is in it."""
    if part.is_multipart():
        return part.get_content_type(), [shape(each) for each in part.iter_parts()]
    content = part.get_content()
    if isinstance(content, str):  # the standard library adds a last line break where there is none
        content = content.replace("\r\n", "\n").removesuffix("\n")
    return part.get_content_type(), part.get_content_disposition(), part.get_filename(), part["Content-ID"], content


@given(editions(), st.tuples(_values, _values))
@settings(deadline=None, max_examples=500, suppress_health_check=[HealthCheck.too_slow])
def test_ready_pieces_equal_the_slow_path(edition, values):
    """Headers, structure and decoded bodies are those of ``email.message``."""
    message = a_message(edition, dict(zip(NAMES, values, strict=True)))
    found, expected = message_from_bytes(to_bytes(message), policy=policy.default), slow(message)
    assert headers(found) == headers(expected)
    # Python 3.11 puts a space before a subject that is one word as long as a line.
    assert found["Subject"] == message.subject == str(expected["Subject"]).removeprefix(" ")
    assert shape(found) == shape(expected)
    assert not [part.defects for part in found.walk() if part.defects]


@given(editions(), st.tuples(_values, _values))
@settings(deadline=None, max_examples=500, suppress_health_check=[HealthCheck.too_slow])
def test_ready_pieces_are_fit_for_the_wire(edition, values):
    """ASCII, CRLF, lines of at most 76, and none that begins with a dot: there is nothing left to be stuffed (RFC 5321, 4.5.2)."""
    message = a_message(edition, dict(zip(NAMES, values, strict=True)))
    head, body = head_and_body(message)
    assert head + b"\r\n" + body == to_bytes(message)
    assert head.endswith(b"\r\n")
    assert body.endswith(b"--\r\n")
    for data in (head, body):
        assert data.isascii()
        assert not re.search(rb"\r(?!\n)|(?<!\r)\n|\x00", data)
        assert not any(line.startswith((b".", b"From ")) for line in data.split(b"\r\n"))
    assert max(map(len, body.split(b"\r\n"))) <= 140  # the file name of an image
    for part in message_from_bytes(to_bytes(message)).walk():
        if not part.is_multipart():
            assert max(map(len, part.get_payload().splitlines()), default=0) <= 76


@given(editions(), st.tuples(_values, _values))
@example(Edition("s", "l", "L", "en", "n@example.org", "", "s", "", "日本語" * 9, "Zoë " * 9, (), (), False, "d" * 64), ("", ""))
@settings(deadline=None, max_examples=300, suppress_health_check=[HealthCheck.too_slow])
def test_base64_stands_exactly_where_it_is_smaller(edition, values):
    """Sizes are known before anything is joined, so the choice is right for this person's values too."""
    message = a_message(edition, dict(zip(NAMES, values, strict=True)))
    form = form_of(message.merged.merger)
    for part, cut, text in ((form.text, message.merged.merger.text, message.text), (form.html, message.merged.merger.html, message.html)):
        frame, *pieces = part.fill(message, cut)
        size = base64_size(len(text.encode()) + text.count("\n"))
        if b"base64" in frame:
            assert len(b"".join(pieces)) == size
        else:
            assert len(b"".join(pieces)) <= size


def test_an_edition_is_encoded_once():
    """Two people share every piece that holds no field."""
    edition = Edition("s", "l", "L", "en", "n@example.org", "", "s", "", "<p>Hello</p>", "Hello", (), (), False, "d" * 64)
    merger = Merger(edition, {})
    assert form_of(merger) is form_of(merger)


@pytest.mark.parametrize("hours", [0, 2, -5])
def test_moments_that_are_equal_keep_their_zone(hours):
    """A date that was written before is not taken for one of another zone."""
    from datetime import timedelta, timezone

    edition = Edition("s", "l", "L", "en", "n@example.org", "", "s", "", "", "", (), (), False, "d" * 64)
    message = a_message(edition, {})
    to_bytes(message)
    there = message._replace(date=WHEN.astimezone(timezone(timedelta(hours=hours))))
    assert f"Date: {format_datetime(there.date)}\r\n".encode() in to_bytes(there)
