"""Text as mail may carry it: quoted-printable or base64, CRLF, lines of at most 76 (RFC 2045). Pure."""

from __future__ import annotations

import re
from base64 import encodebytes
from binascii import b2a_qp

_LINE = 76
# A leading dot survives only if every hop stuffs it (RFC 5321, 4.5.2); mailbox files quote a leading "From ".
_FRAGILE = re.compile(rb"^(?:\.|From ).*$", re.MULTILINE)


def encode_text(text: str) -> tuple[str, bytes]:
    """Return the transfer encoding, and ``text`` in UTF-8 encoded in the smaller one.

    Any line end (LF, CR, CRLF) is a line break. Scripts whose bytes quoted-printable triples come out as base64.
    """
    data = text.replace("\r\n", "\n").replace("\r", "\n").encode()
    quoted = _quoted_printable(data)
    wrapped = _base64_size(len(data) + data.count(b"\n"))
    if len(quoted) <= wrapped:
        return "quoted-printable", quoted
    return "base64", encode_bytes(data.replace(b"\n", b"\r\n"))


def encode_bytes(data: bytes) -> bytes:
    """Return base64 in lines of 76, CRLF at each end."""
    return encodebytes(data).replace(b"\n", b"\r\n")


def _base64_size(size: int) -> int:
    return -(-size // 3) * 4 + 2 * -(-size // 57)


def _quoted_printable(data: bytes) -> bytes:
    quoted = b2a_qp(data, istext=True)
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
