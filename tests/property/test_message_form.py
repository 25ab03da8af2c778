"""A message joined of ready pieces is the message that the standard library builds part by part."""

import re
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.headerregistry import Address
from email.message import EmailMessage

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from composer.edition.model import Context, Edition, Slot
from composer.findings import Where
from composer.issue.model import Asset
from composer.message import body
from composer.message.headers import split_mailbox
from composer.message.merge import Merger
from composer.message.mime import head, head_and_body, to_bytes
from composer.message.model import Message

WHEN = datetime(2026, 1, 31, 9, 30, 5, 123456, tzinfo=UTC)
CONTEXTS = {"text": (Context.PLAIN,), "html": (Context.TEXT, Context.ATTRIBUTE, Context.URL, Context.HREF), "subject": (Context.HEADER,)}
IMAGES = (
    Asset("qi0x", "tree.png", "image/png", bytes(range(256)) * 5, "a" * 64, 1, 1),
    Asset("qi1x", "größer.gif", "image/gif", b"\n.\r\nFrom ", "b" * 64, 1, 1),
    Asset("qi2x", "unused", "strange", b"", "c" * 64, 1, 1),
)
ADDRESSES = {"qi0x": "cid:aaa@example.org", "qi1x": "cid:bbb@example.org", "qi2x": "https://example.org/c.png"}

latin = st.sampled_from(
    ["", " ", "  ", "\t", "\n", "\n\n", " \n", ".", "\n.", "..\n", "From ", "\nFrom", "From", "=", "=\n", "=3D", "=20", "--", "--=_", "Dear ", "!", ", ",
     "x" * 74, "x" * 75, "x" * 76, "x" * 77, "x" * 74 + " \n", "x" * 75 + "\t\n", "word " * 16, "." * 80, "=" * 30, "é", "Zoë", "ü" * 40, "<p>", "&nbsp;", "\x0b", "\x0c", "\x85", "\xa0", "\u2028"]
)  # fmt: skip
wide = st.sampled_from(["日本語のニュース", "日", "हिन्दी समाचार", "क्ष" * 20, "👩🏽‍🚀", "אבג", "。\n", "\u200d"])
characters = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r"), max_size=30)
values = st.one_of(
    st.sampled_from(["", " ", "Ann", "Ann Lee", ".", "..x", "From ", "From here", "=", "a=b=", "x" * 75, "x" * 76, "x" * 800, "word " * 40, "." * 90, "\r\n.\r\n"]),
    st.lists(latin | wide, max_size=4).map("".join),
    characters,
)  # fmt: skip
links = st.sampled_from(
    [
        "https://example.org/",
        "https://example.org/u/" + "Ab0_-" * 40,
        "mailto:leave@example.org?subject=a%20b",
        "https://例え.example/道?q=é&a=b",
    ]
)
people = st.fixed_dictionaries({"first": values, "second": values, "link": links})


def slot(context, name):
    """Return the slot of a field; its mark tells both."""
    return Slot(f"q{context.value}0{name}x", name, context, " ~ ", f"{{{{ {name} }}}}", Where("issues/a.md", 1))


SLOTS = tuple(
    slot(context, name) for contexts in CONTEXTS.values() for context in contexts for name in (("link",) if context is Context.HREF else ("first", "second"))
)  # fmt: skip


@st.composite
def editions(draw):
    """Make an edition of static pieces, fields and images in any order, most of them Latin, some Japanese or Hindi."""
    static = draw(st.sampled_from([latin, wide, latin | wide, latin | characters]))

    def written(part):
        marks = [each.mark for each in SLOTS if each.context in CONTEXTS[part]]
        return "".join(draw(st.lists(static | st.sampled_from(marks), max_size=10)))

    images = IMAGES[: draw(st.integers(0, 3))]
    html = written("html") + "".join(f'<img src="{image.mark}">' for image in images) + written("html")
    return an_edition(subject=written("subject"), html=html, text=written("text"), attachments=images)


def an_edition(**changes):
    """Make an edition with every field."""
    texts = {"subject": "News", "html": "<p>Hello</p>\n", "text": "Hello\n", "attachments": ()}
    return Edition(
        "s", "l", "L", "en", "The News <news@example.org>", "Team <team@example.org>", preheader="", fields=SLOTS, draft=False, digest="d" * 64, **{**texts, **changes}
    )  # fmt: skip


def a_message(merger, person, **changes):
    """Merge for one person."""
    listed = {
        "List-Id": "L <l.example.org>",
        "List-Unsubscribe": "<https://example.org/u/abc>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    }
    base = {
        "delivery_id": "d1",
        "email": "jane@example.org",
        "name": "Jane Doe",
        "message_id": "d1@example.org",
        "date": WHEN,
        "headers": listed,
    }
    return Message(merged=merger.merge(person), **{**base, **changes})


def slow(message):
    """Build a message with the standard library alone."""
    built = EmailMessage(policy=policy.SMTP)
    edition = message.edition
    for field, mailbox in (("From", edition.from_), ("Reply-To", edition.reply_to)):
        name, address = split_mailbox(mailbox)
        built[field] = Address(name, addr_spec=address)
    built["To"] = Address(message.name, addr_spec=message.email)
    built["Subject"] = message.subject
    built["Date"] = message.date.replace(microsecond=0)
    built["Message-ID"] = f"<{message.message_id}>"
    for field, value in message.headers.items():
        built[field] = value
    built.set_content(message.text)
    built.add_alternative(message.html, subtype="html")
    html = built.get_payload()[1]
    for image in edition.attachments:
        address = message.image_urls[image.mark]
        if address.startswith("cid:"):
            kind, _, subtype = image.media_type.partition("/")
            html.add_related(image.data, kind, subtype, cid=f"<{address[4:]}>", filename=image.name, disposition="inline")
    built["Content-Language"] = edition.language  # last, for the body would have taken it along
    return built


def shape(part):
    """Return what a mail program makes of a part: content types in order, and of each leaf what it is and holds."""
    if part.is_multipart():
        return part.get_content_type(), [shape(each) for each in part.iter_parts()]
    content = part.get_content()
    if isinstance(content, str):
        content = content.replace("\r\n", "\n")
        content += "" if content.endswith("\n") else "\n"  # set_content puts one there
    return (
        part.get_content_type(),
        part.get_content_charset(),
        part.get_content_disposition(),
        part.get_filename(),
        part["Content-ID"],
        content,
    )


def fields(message):
    """Return the header fields as they are understood, but for the one with the boundary."""
    understood = {name.lower(): getattr(value, "addresses", getattr(value, "datetime", str(value))) for name, value in message.items()}
    assert len(understood) == len(message.items())
    return {name: value for name, value in understood.items() if name != "content-type"}


def leaves(data):
    """Return every part that holds no other, its body still encoded."""
    return [part for part in message_from_bytes(data).walk() if not part.is_multipart()]


@given(editions(), people, people)
@settings(deadline=None, max_examples=200)
def test_ready_pieces_equal_the_slow_path(edition, one, other):
    """Headers, structure and decoded bodies are those of ``email.message``, for the first person, the next, and the first again."""
    merger = Merger(edition, ADDRESSES)
    for person in (one, other, one):
        message = a_message(merger, person)
        found, expected = message_from_bytes(to_bytes(message), policy=policy.default), slow(message)
        assert shape(found) == shape(expected)
        assert fields(found) == fields(expected)
        assert [part.defects for part in found.walk() if part.defects] == []


@given(editions(), people)
@settings(deadline=None, max_examples=400)
def test_ready_pieces_are_fit_for_the_wire(edition, person):
    """ASCII, CRLF, short lines, and no dot in front of any: SMTP has nothing to double (RFC 5321, 4.5.2) and no server a line to break."""
    message = a_message(Merger(edition, ADDRESSES), person)
    block, rest = head_and_body(message)
    data = to_bytes(message)
    assert data == block + b"\r\n" + rest
    assert data.isascii()
    assert not re.search(rb"\r(?!\n)|(?<!\r)\n|\x00", data)
    assert not re.search(rb"(?m)^(\.|From )", data)
    assert block.startswith(head(message))
    assert all(re.match(rb"[A-Za-z-]+: | +[^ ]", line) for line in block.removesuffix(b"\r\n").split(b"\r\n"))
    assert max(map(len, block.split(b"\r\n"))) <= 78
    for leaf in leaves(data):
        lines = leaf.get_payload().split("\r\n")
        assert max(map(len, lines)) <= 76
        assert not any(line.endswith((" ", "\t")) for line in lines)


@given(editions(), people)
@example(an_edition(text="日本語" * 9, html="Zoë " * 9), {"link": "https://example.org/"})
@example(an_edition(text="qp0firstx", html="日qt0firstx"), {"first": "日本語", "link": "https://example.org/"})
@settings(deadline=None, max_examples=200)
def test_base64_stands_exactly_where_it_is_smaller(edition, person):
    """Each part in each message, with this person's values: an edition of Latin letters goes in base64 to whom it names in Japanese."""

    def texts(size):
        with pytest.MonkeyPatch.context() as patch:
            if size is not None:
                patch.setattr(body, "base64_size", lambda _: size)
            message = a_message(Merger(edition, ADDRESSES), person)
            return [(len(part.get_payload()), part["Content-Transfer-Encoding"]) for part in leaves(to_bytes(message))[:2]]

    for chosen, quoted, base64 in zip(texts(None), texts(10**9), texts(-1), strict=True):
        assert (quoted[1], base64[1]) == ("quoted-printable", "base64")
        assert chosen == min(quoted, base64, key=lambda each: (each[0], each is base64))
