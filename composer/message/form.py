"""An Edition as MIME, made once and cut at its merge fields: the body of a message is a join of ready pieces. Pure.

Quoted-printable can be cut anywhere, for a soft line break may stand anywhere (RFC 2045, 6.7): each value is a run of its own between
two of them. Base64 cannot: it makes four letters of three bytes, so that a value one byte longer changes every letter behind it. Where
base64 is smaller, the part is joined as text and encoded for each message.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from hashlib import sha256
from urllib.parse import quote

from composer.edition.model import Edition
from composer.issue.model import Asset
from composer.message import body, escape, headers
from composer.message.cut import Cut

_TOKEN = re.compile(r"[A-Za-z0-9!#$&^_.+-]+")
_MEDIA_TYPE = re.compile(r"[a-z]+/[A-Za-z0-9!#$&^_.+-]{1,80}")
_MAX_NAME = 40


class Form:
    """What all messages of an Edition have in common; safe to share between threads.

    ``content_type`` is the header field that belongs to the body, with its CRLF.
    """

    def __init__(self, edition: Edition, text: Cut, html: Cut, image_urls: Mapping[str, str]) -> None:
        """Encode what stands around the fields; images whose address is ``cid:…`` travel inside, beside the HTML."""
        self.content_type, edge = _multipart("alternative", edition)
        images = {content_id(image_urls.get(asset.mark, "")): asset for asset in edition.attachments}
        inside = [_image_part(cid, asset) for cid, asset in images.items() if cid]
        opening = closing = b""
        if inside:
            related, inner = _multipart("related", edition)
            opening = related + b"\r\n" + inner + b"\r\n"
            closing = b"".join(b"\r\n" + inner + b"\r\n" + image for image in inside) + b"\r\n" + inner + b"--\r\n"
        self._text = Part("plain", text, edge + b"\r\n")
        self._html = Part("html", html, b"\r\n" + edge + b"\r\n" + opening)
        self._end = closing + b"\r\n" + edge + b"--\r\n"

    def fill(self, values: Mapping[str, str]) -> list[bytes]:
        """Return the pieces of a message's body, given the escaped value of every mark.

        Joined they are ASCII in lines that end with CRLF; no line of a text is longer than 76 or begins with a dot.
        """
        return [*self._text.fill(values), *self._html.fill(values), self._end]


class Part:
    """One text of an Edition, in both encodings; the holes stand at the odd places. Safe to share between threads."""

    def __init__(self, kind: str, cut: Cut, opening: bytes) -> None:
        """Encode the texts around the holes of ``cut``; ``opening`` is what stands before the part's own header."""
        # Line ends are read in each text by itself: how many there are around a field must not hang on its value.
        texts = [body.line_breaks(text) for text in cut.around]
        quoted = [*map(body.encode_piece, texts[:-1]), body.encode_end(texts[-1])]
        self._marks = tuple(slot.mark for _, slot in cut.holes)
        self._plain = _spaced([_plain(text) for text in texts])
        self._size, self._quoted_size = sum(map(len, self._plain)), sum(map(len, quoted))
        self._room = body.base64_size(self._size) - self._quoted_size
        fields = opening + f"Content-Type: text/{kind}; charset=utf-8\r\nContent-Transfer-Encoding: ".encode()
        self._quoted = _spaced([fields + b"quoted-printable\r\n\r\n" + quoted[0], *quoted[1:]])
        self._base64 = fields + b"base64\r\n\r\n"

    def fill(self, values: Mapping[str, str]) -> list[bytes]:
        """Return the pieces of the part, in the smaller encoding: that is quoted-printable but for scripts whose bytes it triples."""
        quoted = [*map(_quoted, map(values.__getitem__, self._marks))]
        size = sum(map(len, quoted))
        if size > self._room:  # else base64 of the texts alone is bigger than all of this
            plain = [_plain(body.line_breaks(values[mark])) for mark in self._marks]
            if self._quoted_size + size > body.base64_size(self._size + sum(map(len, plain))):
                return [self._base64, body.encode_bytes(b"".join(_filled(self._plain, plain)))]
        return _filled(self._quoted, quoted)


@lru_cache(maxsize=64)  # one value stands in several places, and one that is the same for everybody in each message
def _quoted(value: str) -> bytes:
    return body.encode_piece(body.line_breaks(value))


def content_id(image_url: str) -> str:
    """Return the Content-ID that a ``cid:`` address names, without angle brackets, or an empty text (RFC 2392)."""
    return image_url.removeprefix("cid:") if image_url.startswith("cid:") else ""


def _plain(text: str) -> bytes:
    return text.encode().replace(b"\n", b"\r\n")


def _spaced(pieces: list[bytes]) -> list[bytes]:
    """Put an empty place between each two pieces."""
    spaced = [b""] * (2 * len(pieces) - 1)
    spaced[::2] = pieces
    return spaced


def _filled(spaced: list[bytes], values: list[bytes]) -> list[bytes]:
    filled = spaced.copy()
    filled[1::2] = values
    return filled


def _multipart(kind: str, edition: Edition) -> tuple[bytes, bytes]:
    """Return the header field of a multipart, and the line that stands before each of its parts."""
    # "=_" stands in no quoted-printable and in no base64 text, so no body can hold a boundary (RFC 2045, 6.7).
    boundary = f"=_{sha256(f'{edition.digest} {kind}'.encode()).hexdigest()[:32]}"
    root = '; type="text/html"' if kind == "related" else ""  # required by RFC 2387, 3.1
    return headers.line("Content-Type", f'multipart/{kind}{root}; boundary="{boundary}"'), f"--{boundary}".encode()


def _image_part(cid: str, asset: Asset) -> bytes:
    return b"".join(headers.line(name, value) for name, value in _image_fields(cid, asset)) + b"\r\n" + body.encode_bytes(asset.data)


def _image_fields(cid: str, asset: Asset) -> Iterator[tuple[str, str]]:
    yield "Content-Type", asset.media_type if _MEDIA_TYPE.fullmatch(asset.media_type) else "application/octet-stream"
    yield "Content-Transfer-Encoding", "base64"
    yield "Content-ID", f"<{cid}>"
    yield "Content-Disposition", f"inline; {_file_name(asset.name)}"


def _file_name(name: str) -> str:
    """RFC 2183 token where that does, else RFC 2231 with percent-encoded UTF-8; shortened in the middle when long."""
    name = escape.header(name).replace("/", "_").replace("\\", "_") or "image"
    if len(name) > _MAX_NAME:
        name = name[: _MAX_NAME - 10] + name[-10:]
    return f'filename="{name}"' if _TOKEN.fullmatch(name) else f"filename*=utf-8''{quote(name, safe='')}"
