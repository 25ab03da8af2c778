"""Measures what a DKIM signature costs: ours against dkimpy's, and against the RSA operation that no signature can do without.

Ratios, not seconds: all sides sign the same message in turn. ``python bench/signing.py``; exit code 1 when a bound is missed.
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path

import dkim
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from rounds import medians

from composer.config import ListSettings
from composer.edition.compose import compose
from composer.findings import Where
from composer.issue.files import read_issue
from composer.message.build import build_message
from composer.message.dkim import COVERED, Signer
from composer.message.dkim_key import read_key
from composer.message.merge import Merger
from composer.message.mime import to_bytes
from composer.project import find
from composer.testing import an_audience

ROOT = Path(__file__).resolve().parent.parent
ISSUE = "2026-01"
ROUNDS, BITS = 101, 2048
MOST_OF_DKIMPY, MOST_OF_RSA = 0.25, 1.5
SELECTOR = "bench"


def the_message() -> tuple[bytes, bytes]:
    """Return head and body of the January issue for one person."""
    project, settings = find(ROOT, exact=True), ListSettings(name="readers")
    edition = compose(read_issue(project.issue_path(ISSUE), project), settings, project)
    person = next(iter(an_audience(1).subscribers))
    at = datetime(2026, 1, 31, tzinfo=UTC)
    message = build_message(Merger(edition, {}), person, delivery_id="d1", date=at, config=project.config, settings=settings, keys=("key",))
    head, _, body = to_bytes(message).partition(b"\r\n\r\n")
    return head + b"\r\n", body


def show(what: str, ours: float, other: float, most: float) -> bool:
    """Print a ratio, and say whether it holds."""
    good = ours / other <= most
    print(f"{ours / other:6.2f} of {most:4.2f}  {'ok' if good else 'MISSED':6}  {what}  ({ours * 1000:.2f} ms : {other * 1000:.2f} ms)")
    return good


def main() -> int:
    """Measure everything once."""
    pem = generate_private_key(65537, BITS).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    key = read_key(pem.decode(), Where("the bench"))
    head, body = the_message()
    whole, at = head + b"\r\n" + body, datetime(2026, 1, 31, tzinfo=UTC)
    signer, names = Signer("example.org", SELECTOR, key), [name.encode() for name in COVERED]

    def by_dkimpy() -> object:
        return dkim.sign(whole, SELECTOR.encode(), b"example.org", pem, canonicalize=(b"relaxed", b"simple"), include_headers=names)

    ours, theirs, bare = medians(ROUNDS, lambda: signer.sign(head, body, at), by_dkimpy, lambda: key.sign(head))
    print(f"one signature of {len(whole):,} bytes, RSA {BITS}: {1 / ours:,.0f} a second")
    good = show("ours : dkimpy", ours, theirs, MOST_OF_DKIMPY)
    good &= show("ours : the RSA operation alone", ours, bare, MOST_OF_RSA)
    return int(not good)


if __name__ == "__main__":
    sys.exit(main())
