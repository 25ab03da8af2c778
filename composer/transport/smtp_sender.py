"""Whom bounces go to: the envelope's sender, one for all or, with VERP, one that names the delivery. Pure."""

from __future__ import annotations

import re

from composer.errors import TransportError

# The longest that the ledger keeps, String(32).
LONGEST_ID = 32
_ID = re.compile(r"[A-Za-z0-9._-]+")
# RFC 5322, 3.2.3: a dot-atom. A quoted local part would have to be written anew.
_ATOM = r"[^\s\x00-\x20\x7f-\x9f<>()\[\]\\,;:\"@.]+"
_LOCAL = re.compile(rf"{_ATOM}(?:\.{_ATOM})*")
# RFC 5321, 4.5.3.1.1 and 4.5.3.1.3: octets of a local part; of a path, with its angle brackets.
_LONGEST_LOCAL, _LONGEST_ADDRESS = 64, 254


def envelope_sender(bounce: str, delivery_id: str, *, verp: bool) -> str:
    """Return the sender of one delivery's envelope: ``bounce``, or with ``verp`` ``local+id@domain``.

    ``bounce`` is a bare address; a plus that its local part has already stays, and what stands behind the last one is the id. Raises
    TransportError for an address or id that this cannot be made of.
    """
    if not verp:
        return bounce
    local, _, domain = bounce.rpartition("@")
    if not _LOCAL.fullmatch(local) or not domain:
        raise _unfit("no bounce address can be made for each delivery of the one that is set")
    if not _ID.fullmatch(delivery_id) or delivery_id.endswith(".") or ".." in delivery_id:
        raise _unfit("a delivery has an id that cannot stand in an address")
    local = f"{local}+{delivery_id}"
    address = f"{local}@{domain}"
    if len(local.encode()) > _LONGEST_LOCAL or len(address.encode()) > _LONGEST_ADDRESS:
        raise _unfit("the bounce address is too long to name a delivery in it")
    return address


def check_verp(bounce: str) -> None:
    """Look once, before anybody is sent to, whether every delivery can have an address of its own. Raises TransportError."""
    envelope_sender(bounce, "0" * LONGEST_ID, verp=True)


def _unfit(message: str) -> TransportError:
    most = _LONGEST_LOCAL - LONGEST_ID - 1
    hint = f"Set [transport.smtp] `bounce_address` to one with at most {most} plain characters before the @, or `verp = false`."
    return TransportError(message, hint=hint)
