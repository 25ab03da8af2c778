"""How a text file is encoded, found out in one pass of constant memory; and its lines, none of them endless. Pure but for the open file."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, TextIO

from composer.errors import AudienceError
from composer.findings import Finding, Where, info

SAVE_AS = "Save it as “CSV UTF-8” and try again."
MAX_LINE = 1_000_000
_CHUNK = 256_000
_SAMPLE = 4_096
_CONTAINERS = {b"PK\x03\x04": "a spreadsheet or ZIP file", b"\xd0\xcf\x11\xe0": "an old Excel file", b"%PDF": "a PDF"}
_BOMS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe\x00\x00", "utf-32"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
_BINARY = re.compile("[\x00-\x08\x0e-\x1f]")
# The bytes that Windows-1252 gives no meaning to.
_NOT_CP1252 = re.compile(b"[\x81\x8d\x8f\x90\x9d]")


@dataclass(frozen=True, slots=True)
class Encoding:
    """``name`` as codecs know it; ``binary`` when the file begins with what no text has; ``long_lines`` when one is beyond MAX_LINE."""

    name: str
    binary: bool = False
    long_lines: bool = False
    findings: tuple[Finding, ...] = ()

    def refuse_binary(self, shown: str) -> None:
        """Raise AudienceError for what is no text, asked when no header could be read."""
        if self.binary:
            raise AudienceError("this is not a text file", where=Where(shown, 1), hint=SAVE_AS)


def detect(file: BinaryIO, shown: str) -> Encoding:
    """Find a file's encoding: what its byte order mark says, else UTF-8, else Windows-1252. Raises AudienceError for what is no text."""
    head = file.read(_SAMPLE)
    for start, kind in _CONTAINERS.items():
        if head.startswith(start):
            raise AudienceError(f"this is {kind}, not a CSV file", where=Where(shown), hint=SAVE_AS)
    name = next((encoding for bom, encoding in _BOMS if head.startswith(bom)), "utf-8")
    file.seek(0)
    decodes, legacy, long_lines = _pass(file, name)
    findings: tuple[Finding, ...] = ()
    if not decodes:
        if name != "utf-8":
            raise AudienceError(f"the file is broken {name.upper()} text", where=Where(shown), hint=SAVE_AS)
        if not legacy:
            raise AudienceError("the file is neither UTF-8 nor Windows-1252 text", where=Where(shown), hint=SAVE_AS)
        name = "cp1252"
        said = "read as Windows-1252, because it is not UTF-8"
        findings = (info("list-encoding", Where(shown), said, "Save it as “CSV UTF-8”."),)
    text = codecs.getincrementaldecoder(name)("replace").decode(head)
    return Encoding(name, bool(_BINARY.search(text)), long_lines, findings)


def _pass(file: BinaryIO, name: str) -> tuple[bool, bool, bool]:
    """Tell whether all of a file decodes, whether it could be Windows-1252, and whether a line may be beyond MAX_LINE."""
    decoder = codecs.getincrementaldecoder(name)()
    decodes, legacy, long_lines = True, True, False
    while chunk := file.read(_CHUNK):
        long_lines = long_lines or (b"\n" not in chunk and b"\r" not in chunk)
        if decodes:
            decodes = _decodes(decoder, chunk)
        if name == "utf-8" and not chunk.isascii():
            legacy = legacy and not _NOT_CP1252.search(chunk)
        if not decodes and not legacy:
            break
    return decodes and _decodes(decoder, b"", final=True), legacy, long_lines


def _decodes(decoder: codecs.IncrementalDecoder, chunk: bytes, *, final: bool = False) -> bool:
    try:
        decoder.decode(chunk, final)
    except UnicodeDecodeError:
        return False
    return True


def whole_lines(file: TextIO) -> Iterator[str]:
    """Yield lines, cut at MAX_LINE: what exceeds it is dropped, so that one line cannot take all memory."""
    while line := file.readline(MAX_LINE):
        yield line
        while not line.endswith(("\n", "\r")) and (line := file.readline(MAX_LINE)):
            pass
