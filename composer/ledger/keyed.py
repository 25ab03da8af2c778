"""What is kept of somebody who was forgotten: a keyed hash of their address, after the name of the key that made it.

By that name a ledger can tell that a key is lost, and with it who must not be mailed: the name says nothing of the key or of anybody.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from sqlalchemy import delete, func, select

from composer.errors import ConfigError
from composer.ledger.schema import forgotten
from composer.message.token import forgotten_hashes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import ColumnElement, Connection

    from composer.ledger.database import Ledger

# Hashed with a key it gives the key's name; no address is like it, as it has no @-sign.
_CONSTANT = "newsletter.key.1"
_NAME = 16
_HASH = 48
_AFTER_HEX = "g"
PUT_BACK = (
    "Put the key back: into var/secret.key or NEWSLETTER_SECRET_KEYS, behind the newest one. If it is lost for good, "
    "`newsletter subscriber write-off` tells what that means."
)


def keyed_hashes(key: str, secret_keys: Sequence[str]) -> tuple[str, ...]:
    """Return what is kept of an address key: 64 hex digits for each secret key, in their order. Raises ConfigError without any."""
    names = _names(tuple(secret_keys))
    return tuple(name + hashed[:_HASH] for name, hashed in zip(names, forgotten_hashes(key, secret_keys), strict=True))


def require_keys(connection: Connection, secret_keys: Sequence[str]) -> None:
    """Make sure that everybody who was forgotten can be recognised. Raises ConfigError when one of their keys is not here."""
    if _strange(connection, secret_keys):
        number = _count(connection, secret_keys)
        people = "1 person who was" if number == 1 else f"{number:,} people who were"
        raise ConfigError(f"{people} forgotten cannot be recognised: the secret key of that time is not here", hint=PUT_BACK)


def count_lost(ledger: Ledger, secret_keys: Sequence[str]) -> int:
    """Count the forgotten whom none of these keys recognises; keys may be none. Raises LedgerError."""
    with ledger.read() as connection:
        return _count(connection, secret_keys)


def write_off(ledger: Ledger, secret_keys: Sequence[str]) -> int:
    """Remove what none of these keys recognises, and return how many there were: from then on they may be mailed again."""
    with ledger.write() as connection:
        return connection.execute(delete(forgotten).where(_by_others(secret_keys))).rowcount


@lru_cache(maxsize=4)
def _names(secret_keys: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(hashed[:_NAME] for hashed in forgotten_hashes(_CONSTANT, secret_keys)) if secret_keys else ()


def _by_others(secret_keys: Sequence[str]) -> ColumnElement[bool]:
    return func.substr(forgotten.c.hash, 1, _NAME).not_in(_names(tuple(secret_keys)))


def _count(connection: Connection, secret_keys: Sequence[str]) -> int:
    return connection.execute(select(func.count()).select_from(forgotten).where(_by_others(secret_keys))).scalar_one()


def _strange(connection: Connection, secret_keys: Sequence[str]) -> bool:
    """Tell whether any hash is of another key: one look into the index for each key that was used, whatever the number of people."""
    names, after = _names(tuple(secret_keys)), ""
    while first := connection.execute(select(func.min(forgotten.c.hash)).where(forgotten.c.hash > after)).scalar():
        if first[:_NAME] not in names:
            return True
        after = first[:_NAME] + _AFTER_HEX
    return False
