"""An Edition's MIME, made once and cut at its merge fields: a message's body is a join of ready pieces (RFC 2045, 2046, 2387). Pure.

Text in quoted-printable can be cut anywhere, for a soft line break may stand anywhere: each field's value has an encoded run of its
own between two of them. Base64 cannot, for three bytes make four characters: where it is smaller, a part is encoded whole, anew for
each message.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import sha256
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote

from composer.message import body, escape, headers

if TYPE_CHECKING:
    from collections.abc import Iterator

    from composer.edition.model import Edition
    from composer.issue.model import Asset
    from composer.message.merge import Cut, Merger
    from composer.message.model import Message

_TOKEN = re.compile(r"[A-Za-z0-9!#$&^_.+-]+")
_MEDIA_TYPE = re.compile(r"[a-z]+/[A-Za-z0-9!#$&^_.+-]{1,80}")
_MAX_NAME = 40


class Run(NamedTuple):
    """A value in quoted-printable, with a soft line break behind it, and how many bytes it has before it is encoded."""

    quoted: bytes
    size: int


@dataclass(slots=True)
class Part:
    """One text part: ``pieces`` in quoted-printable with ``holes`` (place in ``pieces``, mark) between soft line breaks.

    ``quoted`` and ``size`` are the bytes of all pieces, encoded and not; ``frames`` what stands before it in either encoding.
    """

    frames: Mapping[str, bytes]
    pieces: tuple[bytes, ...]
    holes: tuple[tuple[int, str], ...]
    quoted: int
    size: int
    runs: dict[str, tuple[str, Run]] = field(default_factory=dict)

    def fill(self, message: Message, text: Cut) -> Sequence[bytes]:
        """Return what stands in a message: quoted-printable, or base64 where that is smaller; ``text`` is what was encoded."""
        substitutions, pieces = message.substitutions, list(self.pieces)
        quoted, size = self.quoted, self.size
        for place, mark in self.holes:
            run = self._run(mark, substitutions[mark])
            pieces[place] = run.quoted
            quoted += len(run.quoted)
            size += run.size
        if quoted <= body.base64_size(size):
            return (self.frames[body.QUOTED], *pieces)
        data = body.line_breaks(text.join(substitutions)).encode().replace(b"\n", b"\r\n")
        return self.frames[body.BASE64], body.encode_bytes(data)

    def _run(self, mark: str, value: str) -> Run:
        """Encode a value; one that is that of the person before, as an unsubscribe address often is, is not encoded again."""
        last = self.runs.get(mark)
        if last is None or last[0] != value:
            last = self.runs[mark] = (value, Run(body.quote_run(value), len(value) if value.isascii() else len(value.encode())))
        return last[1]


@dataclass(frozen=True, slots=True)
class Form:
    """What all messages of an Edition share: ``content_type`` is the header field of the whole, the rest its body."""

    content_type: bytes
    text: Part
    html: Part
    end: bytes

    def fill(self, message: Message) -> bytes:
        """Return a message's body."""
        merger = message.merged.merger
        return b"".join(chain(self.text.fill(message, merger.text), self.html.fill(message, merger.html), (self.end,)))


@lru_cache(maxsize=8)
def form_of(merger: Merger) -> Form:
    """Encode an Edition; the images whose address is ``cid:…`` travel inside, in a multipart/related with the HTML."""
    edition = merger.edition
    content_type, edge = _multipart("alternative", edition)
    images = {content_id(merger.image_urls.get(asset.mark, "")): asset for asset in edition.attachments}
    parts = [_image_part(cid, asset) for cid, asset in images.items() if cid]
    opening, closing = edge + b"\r\n", b""
    if parts:
        field, inner = _multipart("related", edition)
        opening += field + b"\r\n" + inner + b"\r\n"
        closing = b"\r\n" + b"".join(inner + b"\r\n" + part + b"\r\n" for part in parts) + inner + b"--\r\n"
    text, html = _part("plain", merger.text, edge + b"\r\n"), _part("html", merger.html, b"\r\n" + opening)
    return Form(content_type, text, html, closing + b"\r\n" + edge + b"--\r\n")


def content_id(image_url: str) -> str:
    """Return the Content-ID that a ``cid:`` address names, without angle brackets, or an empty text (RFC 2392)."""
    return image_url.removeprefix("cid:") if image_url.startswith("cid:") else ""


def _multipart(kind: str, edition: Edition) -> tuple[bytes, bytes]:
    """Return the header field of a multipart and the line between its parts."""
    # "=_" stands in no quoted-printable and in no base64 text, so no body can hold a boundary (RFC 2045, 6.7).
    boundary = f"=_{sha256(f'{edition.digest} {kind}'.encode()).hexdigest()[:32]}"
    root = '; type="text/html"' if kind == "related" else ""  # required by RFC 2387, 3.1
    return headers.line("Content-Type", f'multipart/{kind}{root}; boundary="{boundary}"'), f"--{boundary}".encode()


def _part(kind: str, text: Cut, opening: bytes) -> Part:
    marks = {place: slot.mark for place, slot in text.holes}
    last = max((place for place, piece in enumerate(text.pieces) if piece or place in marks), default=0)
    pieces, size = [], 0
    for place, piece in enumerate(text.pieces):
        if place in marks:
            pieces.append(b"")
            continue
        lines = body.line_breaks(piece)
        size += len(lines.encode()) + lines.count("\n")
        pieces.append(body.quote_run(lines) if place < last and lines else body.quote(lines))
    fields = f"Content-Type: text/{kind}; charset=utf-8\r\nContent-Transfer-Encoding: {{}}\r\n\r\n"
    frames = {name: opening + fields.format(name).encode() for name in (body.QUOTED, body.BASE64)}
    return Part(frames, tuple(pieces), tuple(marks.items()), sum(map(len, pieces)), size)


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
