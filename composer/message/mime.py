"""A Message as bytes for the wire or a file: MIME (RFC 2045 to 2047, 2387, 2392), CRLF, the same bytes for the same Message. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from email.utils import format_datetime
from functools import lru_cache
from hashlib import sha256
from urllib.parse import quote

from composer.errors import MergeError
from composer.issue.model import Asset
from composer.message import body, escape, headers
from composer.message.model import Message

_TOKEN = re.compile(r"[A-Za-z0-9!#$&^_.+-]+")
_MEDIA_TYPE = re.compile(r"[a-z]+/[A-Za-z0-9!#$&^_.+-]{1,80}")
_FIELD_NAME = re.compile(r"[A-Za-z0-9-]{1,70}")
_MESSAGE_ID = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]+@[A-Za-z0-9.-]+")
_LANGUAGE = re.compile(r"[A-Za-z0-9-]{1,35}")
_MAX_NAME = 40
_LONGEST_HEADER = 900


def to_bytes(message: Message) -> bytes:
    """Return the message complete with headers, lines of at most 76 in its bodies, CRLF throughout.

    Images whose address is ``cid:…`` travel inside. Raises MergeError as ``head`` does.
    """
    alternatives = [_text_part("plain", message.text), _html_part(message)]
    return head(message) + _multipart("alternative", alternatives, message)


def head(message: Message) -> bytes:
    """Return the message's own header fields, each ended by CRLF; they alone can be refused.

    Raises MergeError for an address, Message-ID or header that cannot be written; a name or subject is always made
    harmless instead.
    """
    return b"".join(headers.line(name, value) for name, value in _fields(message))


def check_head(message: Message) -> None:
    """Raise MergeError, as ``head`` does, for what no header can hold; texts are not looked at, for they are always made harmless."""
    if not _MESSAGE_ID.fullmatch(message.message_id):
        raise MergeError("the Message-ID is not of the form id@domain")
    headers.check_address(message.email)
    for name, value in message.headers.items():
        if not _is_writable(name, value):
            raise MergeError("a header of the list cannot be written", hint="Header names are words, their values one line of ASCII.")


@lru_cache(maxsize=64)  # most are the same for everybody
def _is_writable(name: str, value: str) -> bool:
    return bool(_FIELD_NAME.fullmatch(name)) and value.isascii() and value.isprintable() and len(value) <= _LONGEST_HEADER


def content_id(image_url: str) -> str:
    """Return the Content-ID that a ``cid:`` address names, without angle brackets, or an empty text (RFC 2392)."""
    return image_url.removeprefix("cid:") if image_url.startswith("cid:") else ""


def _fields(message: Message) -> Iterator[tuple[str, str]]:
    check_head(message)
    edition = message.edition
    yield "From", headers.mailbox(*headers.split_mailbox(edition.from_))
    yield "To", headers.mailbox(message.name, message.email)
    if edition.reply_to:
        yield "Reply-To", headers.mailbox(*headers.split_mailbox(edition.reply_to))
    yield "Subject", headers.unstructured(message.subject)
    yield "Date", format_datetime(message.date)
    yield "Message-ID", f"<{message.message_id}>"
    yield from message.headers.items()
    if _LANGUAGE.fullmatch(edition.language):
        yield "Content-Language", edition.language
    yield "MIME-Version", "1.0"


def _html_part(message: Message) -> bytes:
    html = _text_part("html", message.html)
    images = {content_id(message.image_urls.get(asset.mark, "")): asset for asset in message.edition.attachments}
    parts = [_image_part(cid, asset) for cid, asset in images.items() if cid]
    return _multipart("related", [html, *parts], message) if parts else html


def _multipart(kind: str, parts: list[bytes], message: Message) -> bytes:
    seed = f"{message.edition.digest} {message.delivery_id} {kind}".encode()
    # "=_" stands in no quoted-printable and in no base64 text, so no body can hold a boundary (RFC 2045, 6.7).
    boundary = f"=_{sha256(seed).hexdigest()[:32]}"
    root = '; type="text/html"' if kind == "related" else ""  # required by RFC 2387, 3.1
    head = headers.line("Content-Type", f'multipart/{kind}{root}; boundary="{boundary}"')
    edge = f"--{boundary}".encode()
    return head + b"\r\n" + b"".join(edge + b"\r\n" + part + b"\r\n" for part in parts) + edge + b"--\r\n"


def _text_part(kind: str, text: str) -> bytes:
    encoding, data = body.encode_text(text)
    return f"Content-Type: text/{kind}; charset=utf-8\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n".encode() + data


def _image_part(cid: str, asset: Asset) -> bytes:
    media_type = asset.media_type if _MEDIA_TYPE.fullmatch(asset.media_type) else "application/octet-stream"
    fields = (
        ("Content-Type", media_type),
        ("Content-Transfer-Encoding", "base64"),
        ("Content-ID", f"<{cid}>"),
        ("Content-Disposition", f"inline; {_file_name(asset.name)}"),
    )
    return b"".join(headers.line(name, value) for name, value in fields) + b"\r\n" + body.encode_bytes(asset.data)


def _file_name(name: str) -> str:
    """RFC 2183 token where that does, else RFC 2231 with percent-encoded UTF-8; shortened in the middle when long."""
    name = escape.header(name).replace("/", "_").replace("\\", "_") or "image"
    if len(name) > _MAX_NAME:
        name = name[: _MAX_NAME - 10] + name[-10:]
    return f'filename="{name}"' if _TOKEN.fullmatch(name) else f"filename*=utf-8''{quote(name, safe='')}"
