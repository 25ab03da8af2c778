"""What is made with the project's secret keys: links that a reader may follow without logging in, traces of the forgotten. Pure.

A footer travels when mail is forwarded, so its token may unsubscribe and nothing else: the salt names that one purpose.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

from composer.errors import ConfigError

if TYPE_CHECKING:
    from itsdangerous import Signer

_UNSUBSCRIBE = b"newsletter.unsubscribe.1"
_TEST = b"newsletter.test.1"
_FORGOTTEN = b"newsletter.forgotten.1"
_SHAPE = re.compile(r"[A-Za-z0-9_-]{1,400}\.[A-Za-z0-9_-]{43}")


def sign_unsubscribe(delivery_id: str, keys: Sequence[str]) -> str:
    """Return a URL-safe token for the unsubscribe link of a delivery, signed with the newest (first) of ``keys``.

    Raises ConfigError when there is no key.
    """
    return _signed(delivery_id, keys, _UNSUBSCRIBE)


def read_unsubscribe(token: str, keys: Sequence[str]) -> str | None:
    """Return the delivery id that a token was signed for with any of ``keys``; None for anything else."""
    return _read(token, keys, _UNSUBSCRIBE)


def sign_test(test_id: str, keys: Sequence[str]) -> str:
    """Return a token as ``sign_unsubscribe`` does, but of a purpose of its own: ``read_unsubscribe`` takes none of these."""
    return _signed(test_id, keys, _TEST)


def read_test(token: str, keys: Sequence[str]) -> str | None:
    """Return the id of the test message that a token was made for; None for anything else. It entitles nobody to anything."""
    return _read(token, keys, _TEST)


def _signed(identity: str, keys: Sequence[str], purpose: bytes) -> str:
    from itsdangerous.encoding import base64_encode  # noqa: PLC0415 - only a sender needs it

    return _signer(tuple(keys), purpose).sign(base64_encode(identity)).decode("ascii")


def _read(token: str, keys: Sequence[str], purpose: bytes) -> str | None:
    from itsdangerous import BadData  # noqa: PLC0415
    from itsdangerous.encoding import base64_decode, base64_encode  # noqa: PLC0415

    if not _SHAPE.fullmatch(token):
        return None
    # Base64 has several spellings of one value in its last character; only the one that was signed is taken.
    payload, signature = token.split(".")
    try:
        if base64_encode(base64_decode(signature)) != signature.encode():
            return None
        return base64_decode(_signer(tuple(keys), purpose).unsign(token)).decode() if payload else None
    except (BadData, UnicodeDecodeError):
        return None


def forgotten_hashes(key: str, secret_keys: Sequence[str]) -> tuple[str, ...]:
    """Return what is kept of a person who was forgotten: HMAC-SHA256 of the address key in hex, one for each secret key, in their order.

    Store the first (newest); whoever asks whether a person was forgotten looks for all. Raises ConfigError when there is no key.
    """
    data = key.encode()
    return tuple(hmac.digest(secret, data, "sha256").hex() for secret in _forgotten_keys(tuple(secret_keys)))


@lru_cache(maxsize=4)
def _forgotten_keys(keys: tuple[str, ...]) -> tuple[bytes, ...]:
    if not keys:
        hint = "Set NEWSLETTER_SECRET_KEYS to a long random word."
        raise ConfigError("there is no key to remember the forgotten with", hint=hint)
    return tuple(hmac.digest(key.encode(), _FORGOTTEN, "sha256") for key in keys)


@lru_cache(maxsize=4)
def _signer(keys: tuple[str, ...], purpose: bytes) -> Signer:
    from itsdangerous import Signer  # noqa: PLC0415

    if not keys:
        hint = "Set NEWSLETTER_SECRET_KEYS to a long random word."
        raise ConfigError("there is no key to sign unsubscribe links with", hint=hint)
    # itsdangerous takes keys oldest to newest: it signs with the last and verifies with any, in constant time.
    return Signer(keys[::-1], salt=purpose, key_derivation="hmac", digest_method=hashlib.sha256)
