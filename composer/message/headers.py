"""Header fields as they go on the wire: mailboxes, phrases, encoded words, folding (RFC 5322, RFC 2047). Pure.

The standard library's generator is not used: it turns a long List-Unsubscribe address into encoded words.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterator
from functools import lru_cache

from composer.audience.address import Address, parse_address
from composer.errors import MergeError
from composer.message import escape

# RFC 5322, 2.1.1: 78 characters should, 998 must not be exceeded; RFC 2047, 2: 75 a word, 76 a line.
_LINE = 76
_HARD = 998
# Room in an encoded word so that it fits behind any header name of ours: 76 - len("=?utf-8?q??=") - len("Reply-To: ") - spare.
_ROOM = 52
_LONG_WORD = 60
_LONG_NAME = 400
_ATOMS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~ -]*")
_PLAIN_NAME = re.compile(r"[A-Za-z0-9'-]+(?: [A-Za-z0-9'-]+)*")
_SIMPLE = re.compile(r"[!-~]+(?: [!-~]+)*")
# RFC 5322, 3.4.1, with UTF-8 as RFC 6532 adds it.
_ADDR_SPEC = re.compile(r"[^\s\x00-\x20\x7f-\x9f<>()\[\]\\,;:\"@]+@[A-Za-z0-9._-]+")
_NAMED = re.compile(r'\s*(?P<name>"(?:[^"\\]|\\.)*"|[^<>]*?)\s*<\s*(?P<address>[^<>]*?)\s*>\s*', re.DOTALL)


def unstructured(value: str) -> str:
    """Encode free text such as a subject: as it is when it is plain ASCII, else as encoded words."""
    value = escape.header(value)
    return value if not value or _as_is(value) else _encoded_words(value)


def phrase(value: str) -> str:
    """Encode a display name: atoms, a quoted string, or encoded words.

    Direction overrides and line breaks are gone, runs of spaces are one: readers take them so in a phrase anyway.
    """
    if len(value) <= _LONG_NAME and _PLAIN_NAME.fullmatch(value):  # what follows gives the same, and takes its time
        return value
    value = " ".join(escape.header(value).split())
    if not value.isascii() or "=?" in value or any(len(word) > _LONG_NAME for word in value.split(" ")):
        return _encoded_words(value)
    return value if _ATOMS.fullmatch(value) else '"' + re.sub(r'(["\\])', r"\\\1", value) + '"'


def mailbox(name: str, address: str) -> str:
    """Return ``name <address>`` encoded. Raises MergeError for an address that could not stand in a header."""
    check_address(address)
    shown = phrase(name)
    return f"{shown} <{address}>" if shown else address


@lru_cache(maxsize=1024)  # it is looked at when a message is built, and when it is written soon after
def _stands(address: str) -> bool:
    return bool(_ADDR_SPEC.fullmatch(address))


def check_address(address: str) -> None:
    """Raise MergeError for an address that could not stand in a header."""
    if not _stands(address):
        raise MergeError("an address cannot stand in a header", hint="Check `from` and `reply_to` in newsletter.toml, and the list.")


@lru_cache(maxsize=32)  # senders; there are few
def split_mailbox(text: str) -> tuple[str, str]:
    """Split ``Name <address>`` or an address into name and address (domain in ASCII). Raises MergeError for neither."""
    match = _NAMED.fullmatch(text)
    name, address = (match["name"], match["address"]) if match else ("", text.strip())
    if len(name) > 1 and name[0] == name[-1] == '"':
        name = re.sub(r"\\(.)", r"\1", name[1:-1])
    if not address.isascii() and isinstance(parsed := parse_address(address), Address):
        address = parsed.email
    if not _ADDR_SPEC.fullmatch(address):
        raise MergeError("the sender is no address", hint="Write `from` and `reply_to` as `Name <name@example.org>`.")
    return name, address


def line(name: str, value: str) -> bytes:
    """Return a header field folded at its spaces, CRLF at the end. Raises MergeError beyond what RFC 5322 allows."""
    clean = name.isprintable() and value.isprintable()
    if clean and len(name) + len(value) + 2 <= _LINE and value.isascii():
        return f"{name}: {value}\r\n".encode()
    lines = [f"{name}:"]
    for word in value.split(" "):
        if len(lines[-1]) + 1 + len(word) > _LINE and lines[-1].strip() and lines[-1] != f"{name}:":
            lines.append("")
        lines[-1] += f" {word}"
    field = "\r\n".join(lines).encode()
    if max(map(len, field.split(b"\r\n"))) > _HARD or not (clean or _is_clean(field)):
        raise MergeError(f"the header {name} cannot be written", hint="It holds a line break, or a word of more than 998 characters.")
    return field + b"\r\n"


def _is_clean(field: bytes) -> bool:
    return not re.search(rb"[\x00\x7f]|\r(?!\n )|(?<!\r)\n", field)


def _as_is(value: str) -> bool:
    """Tell whether text survives folding and reading as it is: single spaces, no long word, nothing like an encoded word."""
    return bool(_SIMPLE.fullmatch(value)) and "=?" not in value and max(map(len, value.split(" "))) <= _LONG_WORD


def _encoded_words(value: str) -> str:
    q = [_q(character) for character in value]
    size = sum(map(len, q))
    if size <= len(value.encode()) * 4 / 3:
        return f"=?utf-8?q?{''.join(q)}?=" if size <= _ROOM else " ".join(f"=?utf-8?q?{chunk}?=" for chunk in _packed(q, _ROOM))
    chunks = _packed(list(value), _ROOM * 3 // 4)
    return " ".join(f"=?utf-8?b?{b64encode(chunk.encode()).decode()}?=" for chunk in chunks)


def _q(character: str) -> str:
    """RFC 2047, 5(3): only letters and digits are safe everywhere, a phrase included."""
    if character.isascii() and character.isalnum():
        return character
    return "_" if character == " " else "".join(f"={byte:02X}" for byte in character.encode())


def _packed(pieces: list[str], room: int) -> Iterator[str]:
    """Join pieces into chunks of at most ``room`` bytes; no piece, which is one character, is cut (RFC 2047, 5).

    A chunk ends before a space where it can: some readers show the gap between two encoded words as a space.
    """
    chunk: list[str] = []
    size = 0
    for piece in pieces:
        length = len(piece.encode())
        if size + length > room:
            end = next((at for at in range(len(chunk) - 1, 0, -1) if chunk[at] in " _"), len(chunk))
            yield "".join(chunk[:end])
            chunk = chunk[end:]
            size = sum(len(each.encode()) for each in chunk)
        chunk.append(piece)
        size += length
    yield "".join(chunk)
