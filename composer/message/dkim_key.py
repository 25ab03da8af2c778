"""The private key that signs mail, and its public half as DNS publishes it (RFC 6376, 3.6.1; RFC 8463). Pure.

The only place that imports cryptography: signing is an extra, and the library is asked for where a key is read.
"""

from __future__ import annotations

import binascii
from base64 import b64decode, b64encode
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from composer.errors import ConfigError

if TYPE_CHECKING:
    from composer.findings import Where

# RFC 8301, 3.2: shorter keys must not be used, from here on they are recommended.
SHORTEST = 1024
RECOMMENDED = 2048
_RSA, _ED25519 = "rsa", "ed25519"
_MAKE = f"Make one: openssl genrsa -traditional -out var/dkim.pem {RECOMMENDED}; docs/smtp.md says what to publish."


@dataclass(frozen=True, slots=True, eq=False)
class Key:
    """A private key: ``kind`` is ``rsa`` or ``ed25519``, ``sign`` makes the signature of some bytes; neither shows the key.

    ``published`` holds the forms in which DNS may have the public half, the usual one first.
    """

    kind: str
    bits: int
    published: tuple[bytes, ...] = field(repr=False)
    sign: Callable[[bytes], bytes] = field(repr=False)

    @property
    def record(self) -> str:
        """The TXT record to publish."""
        return f"v=DKIM1; k={self.kind}; p={b64encode(self.published[0]).decode()}"

    def fits(self, packed: str) -> bool:
        """Tell whether ``packed``, the p= of a record, is the public half of this key."""
        try:
            return b64decode("".join(packed.split()), validate=True) in self.published
        except (binascii.Error, ValueError):
            return False


def read_key(text: str, where: Where) -> Key:
    """Read a private key in PEM (PKCS#1 or PKCS#8), RSA or Ed25519; ``where`` is where it came from.

    Raises ConfigError for what is no such key, is encrypted, or is too short, and when cryptography is not installed.
    """
    try:
        from cryptography.exceptions import UnsupportedAlgorithm  # noqa: PLC0415 - an extra, and 60 ms
        from cryptography.hazmat.primitives.serialization import load_pem_private_key  # noqa: PLC0415
    except ImportError as err:
        hint = 'pip install "newsletter-composer[dkim]"'
        raise ConfigError("mail is signed with the library cryptography, which is not installed", where=where, hint=hint) from err
    try:
        private: Any = load_pem_private_key(text.encode(), None)
    except TypeError as err:
        hint = "Take the passphrase off: openssl pkey -in KEY -out var/dkim.pem; keep the file with mode 0600."
        raise ConfigError("the DKIM key is encrypted", where=where, hint=hint) from err
    except (ValueError, UnsupportedAlgorithm) as err:
        raise ConfigError("the DKIM key is no private key in PEM, or a damaged one", where=where, hint=_MAKE) from err
    return _key(private, where)


def _key(private: Any, where: Where) -> Key:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey  # noqa: PLC0415 - as above
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey  # noqa: PLC0415

    if isinstance(private, Ed25519PrivateKey):
        # RFC 8463, 3: the key signs the hash of the data, and hashes that once more by itself.
        return Key(_ED25519, 256, (private.public_key().public_bytes_raw(),), lambda data: private.sign(sha256(data).digest()))
    if not isinstance(private, RSAPrivateKey):
        raise ConfigError("the DKIM key is of a kind that receivers cannot verify; it must be RSA or Ed25519", where=where, hint=_MAKE)
    if private.key_size < SHORTEST:
        message = f"the DKIM key has {private.key_size} bits; receivers do not accept fewer than {SHORTEST} (RFC 8301)"
        raise ConfigError(message, where=where, hint=_MAKE)
    return _rsa(private)


def _rsa(private: Any) -> Key:
    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15  # noqa: PLC0415 - as above
    from cryptography.hazmat.primitives.hashes import SHA256  # noqa: PLC0415
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat  # noqa: PLC0415

    public, padding, algorithm = private.public_key(), PKCS1v15(), SHA256()
    # Most publish a SubjectPublicKeyInfo, as the RFC's example does; some the bare RSAPublicKey of its text.
    forms = tuple(public.public_bytes(Encoding.DER, form) for form in (PublicFormat.SubjectPublicKeyInfo, PublicFormat.PKCS1))
    return Key(_RSA, private.key_size, forms, lambda data: private.sign(data, padding, algorithm))
