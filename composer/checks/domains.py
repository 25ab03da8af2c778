"""Domains as mail sees them: which belong together, which are nobody's, which are a mailbox provider's. Pure."""

from __future__ import annotations

import ipaddress
import re

# Reserved by RFC 2606, RFC 6761 and RFC 6762: no mail from there was ever wanted.
_RESERVED = ("example", "example.com", "example.net", "example.org", "invalid", "local", "localhost", "onion", "test", "internal")
# Under these labels a country's registry gives out names: example.co.uk, example.org.au.
_SECOND_LEVEL = frozenset("ac co com edu go gob gouv gov gv ltd me mil ne net nom or org plc sch".split())
_COUNTRY = re.compile(r"[a-z]{2}")
# Their DMARC records, or their own receiving servers, refuse mail of this From that did not leave through them.
_MAILBOX_PROVIDERS = frozenset(
    "gmail.com googlemail.com yahoo.com yahoo.co.uk yahoo.fr yahoo.de yahoo.co.jp ymail.com rocketmail.com aol.com outlook.com "
    "hotmail.com hotmail.co.uk hotmail.fr live.com msn.com icloud.com me.com mac.com gmx.de gmx.net gmx.com web.de mail.ru "
    "yandex.ru yandex.com proton.me protonmail.com zoho.com qq.com 163.com 126.com comcast.net orange.fr t-online.de".split()
)


def organizational(domain: str) -> str:
    """Return the part of a domain that one buys (RFC 7489, 3.2), by rule of thumb: ``news.example.co.uk`` → ``example.co.uk``.

    No list of public suffixes is asked: names right below a country's ``co``, ``com``, ``org`` … keep three labels, all others two.
    """
    labels = domain.lower().rstrip(".").split(".")
    short = len(labels) > 2 and _COUNTRY.fullmatch(labels[-1]) and labels[-2] in _SECOND_LEVEL  # noqa: PLR2004 - labels of example.org
    return ".".join(labels[-3:] if short else labels[-2:])


def aligned(one: str, other: str, *, strict: bool = False) -> bool:
    """Tell whether two domains count as one sender for DMARC (RFC 7489, 3.1): the same organization, or the same name if ``strict``."""
    first, second = one.lower().rstrip("."), other.lower().rstrip(".")
    return bool(first) and (first == second or (not strict and organizational(first) == organizational(second)))


def is_reserved(domain: str) -> bool:
    """Tell whether a domain is one of those kept for examples, tests and local networks."""
    name = domain.lower().rstrip(".")
    return any(name == each or name.endswith(f".{each}") for each in _RESERVED)


def is_address_literal(domain: str) -> bool:
    """Tell whether what stands behind the @ is an IP address, with brackets or without."""
    inner = domain.strip("[]").removeprefix("IPv6:")
    try:
        ipaddress.ip_address(inner)
    except ValueError:
        return domain.startswith("[")
    return True


def is_mailbox_provider(domain: str) -> bool:
    """Tell whether everybody can have an address at this domain."""
    return domain.lower().rstrip(".") in _MAILBOX_PROVIDERS
