"""Messages as bytes: what other programs will read."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from email import message_from_bytes, policy
from email.header import decode_header, make_header

import pytest

from composer.edition.model import Edition
from composer.errors import MergeError
from composer.issue.model import Asset
from composer.message import headers
from composer.message.form import content_id
from composer.message.merge import Merger
from composer.message.mime import to_bytes
from composer.message.model import Message

URL = "https://news.example.org/u/" + "Ab0_-" * 40


def edition(**changes):
    """Build an edition with no fields."""
    ready = Edition("s", "staff", "Staff", "en", "News <news@example.org>", "", "s", "", "", "", (), (), False, "d" * 64)
    return replace(ready, **changes)


def message(of=None, *, subject="News", html="<p>Hello</p>\n", text="Hello\n", image_urls=None, **changes):
    """Build a message to Jane."""
    ready = replace(of or edition(), subject=subject, html=html, text=text)
    merged = Merger(ready, {asset.mark: "" for asset in ready.attachments} | (image_urls or {})).merge({})
    base = {"delivery_id": "d1", "email": "jane@example.org", "name": "Jane", "message_id": "d1@example.org", "headers": {}}
    return Message(merged=merged, date=changes.pop("date", datetime(2026, 1, 31, 9, 30, tzinfo=UTC)), **{**base, **changes})


def read(data):
    """Parse as a mail program of today does."""
    return message_from_bytes(data, policy=policy.default)


def body(parsed, kind):
    """Return the body of a kind with LF line ends."""
    return parsed.get_body((kind,)).get_content().replace("\r\n", "\n")


def test_a_message_is_complete_and_reads_back():
    """The frame that every mail program needs: the plain part first, the better one last (RFC 2046, 5.1.4)."""
    parsed = read(to_bytes(message(edition(reply_to="Team <team@example.org>"))))
    assert parsed.keys() == [
        "From", "To", "Reply-To", "Subject", "Date", "Message-ID", "Content-Language", "MIME-Version", "Content-Type",
    ]  # fmt: skip
    assert parsed["From"].addresses[0].addr_spec == "news@example.org"
    assert parsed["Reply-To"].addresses[0].display_name == "Team"
    assert parsed["Date"].datetime == datetime(2026, 1, 31, 9, 30, tzinfo=UTC)
    assert parsed["Message-ID"] == "<d1@example.org>"
    assert [part.get_content_type() for part in parsed.iter_parts()] == ["text/plain", "text/html"]
    assert (body(parsed, "plain"), body(parsed, "html")) == ("Hello\n", "<p>Hello</p>\n")
    assert not [part.defects for part in parsed.walk() if part.defects]


def test_the_same_message_is_the_same_bytes():
    """A retry must send what was sent, and a digest of it must mean something."""
    assert to_bytes(message()) == to_bytes(message())
    assert to_bytes(message()) != to_bytes(message(message_id="d2@example.org"))


def test_the_date_keeps_its_zone():
    """The date is given in, not taken from the clock."""
    date = datetime(2026, 1, 31, 9, 30, tzinfo=timezone(timedelta(hours=5, minutes=30)))
    assert b"\r\nDate: Sat, 31 Jan 2026 09:30:00 +0530\r\n" in to_bytes(message(date=date))


@pytest.mark.parametrize(
    "text",
    ["", "Zoë – Übel\n" * 40, "日本語のニュースです。" * 300, "हिन्दी समाचार\n" * 200, "x" * 5_000, "." * 400, ".\n..\n. \n" * 20, "From here\n" * 9,
     "From " + "." * 300, "=" * 300, "a \nb\t\n \n", "x" * 74 + " \n" + "x" * 75 + "\t\n", "end with space ", "\n\n\n", "👩🏽‍🚀🇪🇺" * 80, "a=20b=\n", "--=_x\n--\n", "\x0b\x0c\x01", "a\u2028b\x85c"],
)  # fmt: skip
def test_bodies_arrive_as_they_are(text):
    """Whatever is written is read, in lines that no mail server has to break."""
    data = to_bytes(message(text=text, html=text))
    parsed = read(data)
    assert body(parsed, "plain") == text
    assert body(parsed, "html") == text
    payload = data.partition(b"\r\n\r\n")[2]
    assert max(map(len, payload.split(b"\r\n"))) <= 76
    assert not re.search(rb"(?<!\r)\n|\r(?!\n)", data)
    assert not re.search(rb"(?m)^(\.|From )", payload)
    assert data.isascii()


def test_line_ends_are_line_breaks_of_one_kind():
    """A bare CR in a body is forbidden (RFC 2045, 6.7) and would make readers disagree."""
    assert body(read(to_bytes(message(text="a\r\nb\rc\n日本語日本語\r"))), "plain") == "a\nb\nc\n日本語日本語\n"


def test_each_script_travels_in_its_smaller_encoding():
    """Quoted-printable triples Japanese; base64 hides Latin text from everyone who looks at the source."""
    latin, japanese = (
        read(to_bytes(message(text="Zoë wrote this letter on trains and in cafés.\n" * 9))),
        read(to_bytes(message(text="日本語のニュース\n" * 9))),
    )
    assert latin.get_body(("plain",))["Content-Transfer-Encoding"] == "quoted-printable"
    assert japanese.get_body(("plain",))["Content-Transfer-Encoding"] == "base64"


@pytest.mark.parametrize(
    "subject",
    ["News", "Zoë", "日本語のニュースレター、一月号です。" * 6, "x" * 300, "a" * 70 + " " + "b" * 70, "two  spaces", "=?utf-8?q?no?=", "word " * 40 + "end",
     "é" * 200, "👩🏽‍🚀🇪🇺" * 30, "mixed é " * 20 + "end", "?= =? _ =", '(comment) "quoted" <a@b>', "क्ष" * 60, "אבג דהו"],
)  # fmt: skip
def test_subjects_arrive_as_they_are(subject):
    """Folding and encoded words are where subjects break."""
    data = to_bytes(message(subject=subject))
    assert read(data)["Subject"] == subject
    assert max(len(line) for line in data.partition(b"\r\n\r\n")[0].split(b"\r\n")) <= 78


def test_a_hostile_subject_or_name_adds_no_header():
    """A line break in a name is the oldest way to send mail on behalf of others."""
    evil = "x\r\nBcc: victim@example.org\r\n\r\n<b>\x00\u2028y"
    data = to_bytes(message(edition(from_=f'"{evil}" <news@example.org>'), subject=evil, name=evil))
    parsed = read(data)
    assert parsed["Bcc"] is None
    assert [key for key in parsed.keys() if key == "Subject"] == ["Subject"]  # noqa: SIM118 - a header may be there twice
    assert parsed["Subject"] == "x Bcc: victim@example.org <b> y"
    assert parsed["To"].addresses[0].display_name == "x Bcc: victim@example.org <b> y"
    assert [address.addr_spec for address in parsed["From"].addresses] == ["news@example.org"]


@pytest.mark.parametrize(
    "name",
    ["", "Jane Doe", "Doe, Jane; Dr.", '<b>"O\'Neil" & Sons</b>', "back\\slash", "Zoë Übel", "日本 太郎", "a@b.example", "(x)", "=?x?=", "x" * 200, "J" * 50 + " K",
     "Konstantin Konstantinopolski-Łódzki", "long ordinary name " * 9 + "end", "Эльжбета Щ."],
)  # fmt: skip
def test_names_arrive_and_never_become_addresses(name):
    """One person must stay one person, whatever their name holds."""
    data = to_bytes(message(name=name))
    (address,) = read(data)["To"].addresses
    assert (address.display_name, address.addr_spec) == (name, "jane@example.org")
    assert read(data)["To"].defects == ()


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a  b\t c", "a b c"),
        ("Константин  Константинопольский", "Константин Константинопольский"),
        ("👩🏽‍🚀" * 20, "👩🏽‍🚀" * 20),
        ("é," * 60, "é," * 60),
        ("x" * 900, "x" * 900),
    ],
)
def test_long_names_are_encoded_words_in_a_row(name, expected):
    """Space between encoded words does not count (RFC 2047, 6.2); the structured parser of Python 3.11 shows it, decode_header does not."""
    field = to_bytes(message(name=name)).partition(b"\r\nTo:")[2].partition(b" <jane@")[0].decode()
    assert str(make_header(decode_header(field.strip()))) == expected


def test_words_are_kept_together():
    """A reader that shows the gap between encoded words shows it where a space was."""
    assert to_bytes(message(name="Константин Константинопольский")).count(b"?=\r\n =?") == 1
    assert headers.phrase("Константин Константинопольский").startswith("=?utf-8?b?0JrQvtC90YHRgtCw0L3RgtC40L0=?= ")


def test_direction_overrides_leave_headers():
    """An override in a name can make the address after it read backwards."""
    assert b"To: abc <jane@example.org>\r\n" in to_bytes(message(name="a\u202eb\u2066c\u2069"))


@pytest.mark.parametrize(
    ("sender", "address"),
    [
        ("news@example.org", "news@example.org"),
        ("News <news@bücher.example>", "news@xn--bcher-kva.example"),
        ('"News, Inc." <news@example.org>', "news@example.org"),
        ("News, Inc. <news@example.org>", "news@example.org"),
        ("News <newsletter@localhost>", "newsletter@localhost"),
        ("News <newsletter@newsletter.invalid>", "newsletter@newsletter.invalid"),
    ],
)
def test_senders_as_people_write_them(sender, address):
    """`from` in the configuration is typed by hand."""
    (found,) = read(to_bytes(message(edition(from_=sender))))["From"].addresses
    assert found.addr_spec == address


def test_an_address_in_another_script_is_kept():
    """RFC 6532 carries it as UTF-8; only its domain has an ASCII form."""
    data = to_bytes(message(email="zoë@xn--bcher-kva.example"))
    assert "\r\nTo: Jane <zoë@xn--bcher-kva.example>\r\n".encode() in data
    assert len(read(data)["To"].addresses) == 1


@pytest.mark.parametrize(
    "bad",
    [
        {"email": "jane@example.org\r\nBcc: x@example.org"},
        {"email": "jane@example.org, joe@example.org"},
        {"email": "Jane <jane@example.org>"},
        {"email": ""},
        {"message_id": "a b@example.org"},
        {"message_id": "a@example.org>\r\nBcc: x"},
        {"headers": {"X-A\r\nBcc": "x"}},
        {"headers": {"X-A": "x\r\nBcc: y"}},
        {"headers": {"X-A": "é"}},
        {"headers": {"X-A": "x" * 1_000}},
        {"of": edition(from_="")},
        {"of": edition(from_="nobody")},
        {"of": edition(reply_to="a@example.org, b@example.org")},
    ],
)
def test_what_cannot_stand_in_a_header_is_refused(bad):
    """These come from our own code or configuration: better no mail than a wrong one."""
    with pytest.raises(MergeError):
        to_bytes(message(**bad))


def test_list_headers_stay_in_one_piece():
    """The standard library writes a long address as encoded words, which no mail program follows."""
    fields = {
        "List-Id": "=?utf-8?b?5pel5pys?= <staff.example.org>",
        "List-Unsubscribe": f"<{URL}>, <mailto:leave@example.org?subject=unsubscribe%20staff>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    }
    data = to_bytes(message(headers=fields))
    assert f"\r\nList-Unsubscribe: <{URL}>,\r\n <mailto:leave@example.org?subject=unsubscribe%20staff>\r\n".encode() in data
    assert b"\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n" in data
    parsed = read(data)
    assert parsed["List-Unsubscribe"] == fields["List-Unsubscribe"]
    assert parsed["List-Id"] == "日本 <staff.example.org>"


def test_images_travel_beside_the_html():
    """multipart/related inside multipart/alternative: a reader of plain text is offered no loose pictures."""
    png = Asset("qi0x", 'grüße, größer "than" life.png', "image/png", bytes(range(256)) * 9, "a" * 64, 1, 1)
    same = replace(png, mark="qi1x")
    hosted = replace(png, mark="qi2x", sha256="b" * 64)
    urls = {"qi0x": "cid:aaa@example.org", "qi1x": "cid:aaa@example.org", "qi2x": "https://example.org/b.png"}
    data = to_bytes(message(edition(attachments=(png, same, hosted)), html='<img src="cid:aaa@example.org">', image_urls=urls))
    parsed = read(data)
    plain, related = parsed.iter_parts()
    assert (plain.get_content_type(), related.get_content_type()) == ("text/plain", "multipart/related")
    assert related.get_param("type") == "text/html"
    html, image = related.iter_parts()
    assert html.get_content_type() == "text/html"
    assert image["Content-ID"] == "<aaa@example.org>"
    assert image.get_content_disposition() == "inline"
    assert image.get_filename() == 'grüße, größer "than" life.png'
    assert image.get_content() == png.data
    assert len({part.get_boundary() for part in (parsed, related)}) == 2
    assert max(map(len, data.split(b"\r\n"))) <= 140


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a.png", "a.png"),
        ("", "image"),
        ("a/../b.png", "a_.._b.png"),
        ("x\r\nBcc: y.png", "x Bcc: y.png"),
        ("é" * 99 + ".png", "é" * 36 + ".png"),
    ],
)
def test_file_names_are_harmless(name, expected):
    """A file name is saved by others, and stands in a header."""
    asset = Asset("qi0x", name, 'image/"x"\r\n', b"x", "a" * 64, 1, 1)
    parsed = read(to_bytes(message(edition(attachments=(asset,)), image_urls={"qi0x": "cid:a@b"})))
    (image,) = [part for part in parsed.walk() if part["Content-ID"]]
    assert image.get_filename() == expected
    assert image.get_content_type() == "application/octet-stream"


def test_content_ids_are_those_of_cid_addresses():
    """Only what is addressed with cid: travels inside."""
    assert (content_id("cid:a@b"), content_id("https://example.org/a.png"), content_id("")) == ("a@b", "", "")
