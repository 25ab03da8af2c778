"""Text as mail may carry it: quoted-printable or base64, CRLF, lines of at most 76 (RFC 2045). Pure."""

from __future__ import annotations

import re
from base64 import encodebytes
from binascii import b2a_qp

QUOTED, BASE64 = "quoted-printable", "base64"
_LINE = 76
_SOFT = b"=\r\n"
# A leading dot survives only if every hop stuffs it (RFC 5321, 4.5.2); mailbox files quote a leading "From ".
_FRAGILE = re.compile(rb"^(?:\.|From ).*$", re.MULTILINE)
# binascii encodes the space before a line break last, when the line may be full already (CPython 3.11 to 3.13).
_OVERFULL = re.compile(rb"^(.{74,75})(=20|=09)$", re.MULTILINE)
# What quoted-printable leaves as it is, when it is one short line with no space at either end.
_AS_IS = re.compile(r"(?!\.|From )[!-<>-~]+(?: [!-<>-~]+)*")


def line_breaks(text: str) -> str:
    """Return text with LF for every line end (LF, CR, CRLF)."""
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text


def quote(text: str) -> bytes:
    """Return text in quoted-printable; a line break is LF in, CRLF out."""
    quoted = b2a_qp(text.encode(), istext=True)
    if "\n" in text and (b"=20\n" in quoted or b"=09\n" in quoted):
        quoted = _OVERFULL.sub(rb"\1=\n\2", quoted)
    if quoted.startswith((b".", b"From ")) or b"\n." in quoted or b"\nFrom " in quoted:
        quoted = _FRAGILE.sub(lambda match: _guarded(match[0]), quoted)
    return quoted.replace(b"\n", b"\r\n")


def quote_run(text: str) -> bytes:
    """Return text in quoted-printable with a soft line break behind it, so that anything may follow; nothing for no text."""
    if len(text) < _LINE and _AS_IS.fullmatch(text):
        return text.encode() + _SOFT
    quoted = quote(text)
    begin = quoted.rfind(b"\n") + 1
    if len(quoted) - begin >= _LINE:  # no room for the sign of the soft break
        cut = _cut(quoted[begin:])
        quoted = quoted[: begin + cut] + _SOFT + _guarded(quoted[begin + cut :]).replace(b"\n", b"\r\n")
    return quoted + _SOFT if quoted else b""


def encode_bytes(data: bytes) -> bytes:
    """Return base64 in lines of 76, CRLF at each end."""
    return encodebytes(data).replace(b"\n", b"\r\n")


def base64_size(size: int) -> int:
    """Return how many bytes ``encode_bytes`` makes of ``size``."""
    return -(-size // 3) * 4 + 2 * -(-size // 57)


def _guarded(line: bytes) -> bytes:
    """Encode the first byte of a line; what then no longer fits goes behind a soft line break, guarded likewise."""
    lines = []
    while line.startswith((b".", b"From ")):
        line = b"=%02X" % line[0] + line[1:]
        if len(line) <= _LINE:
            break
        cut = _cut(line)
        lines.append(line[:cut] + b"=")
        line = line[cut:]
    return b"\n".join((*lines, line))


def _cut(line: bytes) -> int:
    """Say where a soft line break may cut a line: not within the three characters of an encoded byte."""
    return next(at for at in range(_LINE - 1, 0, -1) if b"=" not in line[max(at - 2, 0) : at])
