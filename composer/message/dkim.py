"""DKIM signatures (RFC 6376; Ed25519: RFC 8463) over the bytes of a message, c=relaxed/simple. Pure: the time comes in.

Bodies of ours have neither tabs nor spaces at the end of a line, so that ``relaxed`` would forgive them nothing more; docs/adr/0020.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from composer.errors import MergeError
from composer.message.dkim_key import Key

# Header fields that a signature covers where a message has them, in this order. True: named once more than they occur, so that
# nobody can add another one (RFC 6376, 8.15). Not so what a server on the way adds in good faith: a Feedback-ID of its own
# (the large relays), a List-Id (mailing lists), Content-Transfer-Encoding: 7bit (Exchange).
COVERED: dict[str, bool] = {
    "From": True,
    "To": True,
    "Cc": True,
    "Reply-To": True,
    "Subject": True,
    "Date": True,
    "Message-ID": True,
    "MIME-Version": True,
    "Content-Type": True,
    "Content-Transfer-Encoding": False,
    "Content-Language": False,
    "List-Id": False,
    "List-Unsubscribe": True,  # RFC 8058, 4: both must be covered
    "List-Unsubscribe-Post": True,
    "Feedback-ID": False,
}
_LINE, _PIECE = 76, 12
_FIELD_END = re.compile(rb"\r\n(?![ \t])")
_SPACE = re.compile(rb"[ \t\r\n]+")
_DOMAIN = re.compile(rb"@([A-Za-z0-9._-]+)>?$")


@dataclass(frozen=True, slots=True)
class Signer:
    """Signs for ``domain`` (empty: that of each message's From) with the key whose public half is at ``selector``."""

    domain: str
    selector: str
    key: Key

    def sign(self, head: bytes, body: bytes, at: datetime) -> bytes:
        """Return the whole ``DKIM-Signature`` field, folded, CRLF at its end, that belongs before ``head``.

        ``head``: the header fields, each ended by CRLF, without the empty line; ``body``: what follows that line; ``at``: aware.
        The same input gives the same bytes. Raises MergeError for a head whose From names no domain.
        """
        fields = tuple(relaxed_fields(head))
        names = list(_named(fields))
        body_hash = b64encode(sha256(simple_body(body)).digest()).decode()
        tags = (
            " v=1;",
            f" a={self.key.kind}-sha256;",
            " c=relaxed/simple;",
            f" d={self.domain or _domain_of(fields)};",
            f" s={self.selector};",
            f" t={int(at.timestamp())};",
            " h=",
            *(f"{name}:" for name in names[:-1]),
            f"{names[-1]};",
            f" bh={body_hash};",
            " b=",
        )
        unsigned = _folded("DKIM-Signature:", tags)
        ((_, own),) = relaxed_fields(unsigned.encode())
        signature = b64encode(self.key.sign(b"\r\n".join((*_chosen(fields, names), own)))).decode()
        pieces = (signature[begin : begin + _PIECE] for begin in range(0, len(signature), _PIECE))
        return _folded(unsigned, pieces).encode() + b"\r\n"


def relaxed_fields(head: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield each field of a head as its name in small letters and its relaxed form without CRLF (RFC 6376, 3.4.2)."""
    for field in _FIELD_END.split(head):
        if field:
            name, _, value = field.partition(b":")
            low = name.strip(b" \t").lower()
            yield low.decode("ascii", "replace"), low + b":" + _SPACE.sub(b" ", value).strip(b" ")


def simple_body(body: bytes) -> bytes:
    """Return a body with one CRLF at its end, however many there were (RFC 6376, 3.4.3)."""
    while body.endswith(b"\r\n"):
        body = body[:-2]
    return body + b"\r\n"


def _named(fields: tuple[tuple[str, bytes], ...]) -> Iterator[str]:
    """Yield the names for h=, each as often as it occurs, and once more where nothing may be added."""
    there = [low for low, _ in fields]
    for name, closed in COVERED.items():
        yield from [name] * (there.count(name.lower()) + closed)


def _chosen(fields: tuple[tuple[str, bytes], ...], names: Iterable[str]) -> Iterator[bytes]:
    """Yield the field that each name of h= stands for, the lowest of a name first; one that is not there is nothing (5.4.2)."""
    stacks: dict[str, list[bytes]] = {}
    for low, field in fields:
        stacks.setdefault(low, []).append(field)
    for name in names:
        if stack := stacks.get(name.lower()):
            yield stack.pop()


def _domain_of(fields: tuple[tuple[str, bytes], ...]) -> str:
    found = next((_DOMAIN.search(field) for low, field in fields if low == "from"), None)
    if not found:
        raise MergeError("the sender has no domain that could sign")
    return found[1].decode().lower()


def _folded(text: str, pieces: Iterable[str]) -> str:
    """Return a text with pieces behind it, a new line begun before each one that would not fit."""
    room = _LINE - len(text.rpartition("\r\n")[2])
    parts = [text]
    for piece in pieces:
        if len(piece) <= room:
            parts.append(piece)
            room -= len(piece)
        else:
            parts.append(f"\r\n {piece.lstrip()}")
            room = _LINE + 2 - len(parts[-1])
    return "".join(parts)
