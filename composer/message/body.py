"""Text as mail may carry it: quoted-printable or base64, CRLF, lines of at most 76 (RFC 2045). Pure."""

from __future__ import annotations

import re
from binascii import b2a_base64, b2a_qp

_LINE = 76
_BASE64_LINE = 57  # bytes that become 76
_SOFT = b"=\r\n"
# A leading dot survives only if every hop stuffs it (RFC 5321, 4.5.2); mailbox files quote a leading "From ".
_FRAGILE = re.compile(rb"^(?:\.|From ).*$", re.MULTILINE)
# binascii encodes the space before a line break last, when the line may be full already (CPython 3.11 to 3.13).
_OVERFULL = re.compile(rb"^(.{74,75})(=20|=09)$", re.MULTILINE)
# Stands as it is on a line of its own, if it fits: a space at its end is followed by the sign of the soft line break.
_AS_IS = re.compile(r"(?!\.|From )[ -<>-~]+")


def line_breaks(text: str) -> str:
    """Return text with LF for every line end (LF, CR, CRLF)."""
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text


def encode_piece(text: str) -> bytes:
    r"""Return a piece of text in quoted-printable, by itself: whatever is written next begins a line.

    Line breaks are LF in ``text``. Behind its last line stands a soft line break (``=\r\n``), unless the text is empty or ends with
    a line break.
    """
    if len(text) < _LINE and _AS_IS.fullmatch(text):
        return text.encode() + _SOFT
    # A letter keeps room for the sign of the soft line break, and keeps a space before it from being the last of its line.
    quoted = _quoted_printable(text.encode() + b"x")[:-1]
    return quoted if not quoted or quoted.endswith(b"\n") else quoted + _SOFT


def encode_end(text: str) -> bytes:
    """Return the last piece of a text in quoted-printable; line breaks are LF in ``text``."""
    return _quoted_printable(text.encode())


def encode_bytes(data: bytes) -> bytes:
    """Return base64 in lines of 76, CRLF at each end."""
    encoded = b2a_base64(data, newline=False)
    return b"\r\n".join([*(encoded[at : at + _LINE] for at in range(0, len(encoded), _LINE)), b""])


def base64_size(size: int) -> int:
    """Return how many bytes ``encode_bytes`` makes of ``size``."""
    return -(-size // 3) * 4 + 2 * -(-size // _BASE64_LINE)


def _quoted_printable(data: bytes) -> bytes:
    quoted = b2a_qp(data, istext=True)
    if b"\n" in data and (b"=20\n" in quoted or b"=09\n" in quoted):
        quoted = _OVERFULL.sub(rb"\1=\n\2", quoted)
    if quoted.startswith((b".", b"From ")) or b"\n." in quoted or b"\nFrom " in quoted:
        quoted = _FRAGILE.sub(lambda match: _guarded(match[0]), quoted)
    return quoted.replace(b"\n", b"\r\n")


def _guarded(line: bytes) -> bytes:
    """Encode the first byte of a line; what then no longer fits goes behind a soft line break, guarded likewise."""
    lines = []
    while line.startswith((b".", b"From ")):
        line = b"=%02X" % line[0] + line[1:]
        if len(line) <= _LINE:
            break
        cut = next(at for at in range(_LINE - 1, 0, -1) if b"=" not in line[max(at - 2, 0) : at])
        lines.append(line[:cut] + b"=")
        line = line[cut:]
    return b"\n".join((*lines, line))
