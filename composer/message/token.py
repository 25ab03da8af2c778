"""Signed links that a reader may follow without logging in. Pure.

A footer travels when mail is forwarded, so its token may unsubscribe and nothing else: the salt names that one purpose.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

from composer.errors import ConfigError

if TYPE_CHECKING:
    from itsdangerous import Signer

_UNSUBSCRIBE = b"newsletter.unsubscribe.1"
_SHAPE = re.compile(r"[A-Za-z0-9_-]{1,400}\.[A-Za-z0-9_-]{43}")


def sign_unsubscribe(delivery_id: str, keys: Sequence[str]) -> str:
    """Return a URL-safe token for the unsubscribe link of a delivery, signed with the newest (first) of ``keys``.

    Raises ConfigError when there is no key.
    """
    from itsdangerous.encoding import base64_encode  # noqa: PLC0415 - only a sender needs it

    return _signer(tuple(keys)).sign(base64_encode(delivery_id)).decode("ascii")


def read_unsubscribe(token: str, keys: Sequence[str]) -> str | None:
    """Return the delivery id that a token was signed for with any of ``keys``; None for anything else."""
    from itsdangerous import BadData  # noqa: PLC0415
    from itsdangerous.encoding import base64_decode, base64_encode  # noqa: PLC0415

    if not _SHAPE.fullmatch(token):
        return None
    # Base64 has several spellings of one value in its last character; only the one that was signed is taken.
    payload, signature = token.split(".")
    try:
        if base64_encode(base64_decode(signature)) != signature.encode():
            return None
        return base64_decode(_signer(tuple(keys)).unsign(token)).decode() if payload else None
    except (BadData, UnicodeDecodeError):
        return None


@lru_cache(maxsize=4)
def _signer(keys: tuple[str, ...]) -> Signer:
    from itsdangerous import Signer  # noqa: PLC0415

    if not keys:
        hint = "Set NEWSLETTER_SECRET_KEYS to a long random word."
        raise ConfigError("there is no key to sign unsubscribe links with", hint=hint)
    # itsdangerous takes keys oldest to newest: it signs with the last and verifies with any, in constant time.
    return Signer(keys[::-1], salt=_UNSUBSCRIBE, key_derivation="hmac", digest_method=hashlib.sha256)
