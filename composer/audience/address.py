"""One address as typed by people: text in, Address or Problem out. Pure; never asks DNS."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, replace
from functools import lru_cache

# Around addresses pasted from web pages and office documents: no-break space, zero-width space and joiners,
# word joiner, byte order mark, direction marks.
EDGES = " \t\u00a0\u200b\u200c\u200d\u2060\ufeff\u200e\u200f"

_MAX_CHARACTERS = 1_000
_UNSAFE = re.compile("[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_NAMED = re.compile(r'(?P<name>"(?:[^"\\]|\\.)*"\s*|[^<>]*)<(?P<address>[^<>]*)>')
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9]|-(?=[A-Za-z0-9]))*"
# What email-validator accepts without changing more than the domain's case: a dot-atom before the @-sign, host labels
# of at most 63 characters with no two hyphens in a row (Punycode and its reserved kin), a top-level domain of letters
# that is not one of the special-use names.
_PLAIN_LOCAL = re.compile(r"[A-Za-z0-9_+'-]+(?:\.[A-Za-z0-9_+'-]+)*", re.ASCII)
_PLAIN_DOMAIN = re.compile(
    rf"(?:(?=[^.]{{1,63}}\.){_LABEL}\.)+(?!(?:arpa|invalid|local|localhost|onion|test)\Z)[a-z]{{2,63}}", re.IGNORECASE | re.ASCII
)
_MAX_PLAIN = 254


@dataclass(frozen=True, slots=True)
class Address:
    """An address that mail can go to.

    ``email`` has its domain in ASCII; ``key`` is its identity: the part before the @-sign is compared without case,
    because every large provider does so, though RFC 5321 would allow otherwise. ``name`` is set for ``"Name" <address>``.
    """

    email: str
    key: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a text is no address, and what to do about it; never repeats the text."""

    message: str
    hint: str = ""


def parse_address(text: str) -> Address | Problem:
    """Read an address, ``Name <address>`` included; spaces and zero-width characters around it do not matter.

    A domain in another script is given in ASCII (IDNA 2008). Quoted local parts, IP literals, special-use domains
    (``.test``, ``.local`` …), line breaks and control characters are refused.
    """
    text = text.strip(EDGES)
    return _plain(text) or _refused(text) or _named(text) or _validated(text)


def identity(local: str, ascii_domain: str) -> str:
    """Return the key under which two spellings of an address are one person."""
    folded = unicodedata.normalize("NFC", unicodedata.normalize("NFC", local).casefold())
    return f"{folded}@{ascii_domain.lower()}"


def _plain(text: str) -> Address | None:
    local, _, domain = text.partition("@")
    if len(text) > _MAX_PLAIN or not _PLAIN_LOCAL.fullmatch(local):
        return None
    known = _plain_domain(domain)
    return Address(f"{local}@{known}", f"{local.lower()}@{known}") if known else None


@lru_cache(maxsize=4_096)  # most people of a list share a few domains
def _plain_domain(domain: str) -> str:
    return domain.lower() if _PLAIN_DOMAIN.fullmatch(domain) else ""


def _refused(text: str) -> Problem | None:
    if not text:
        return Problem("the address is empty", "Fill it in, or delete the row.")
    if len(text) > _MAX_CHARACTERS:
        return Problem(f"the address is too long ({len(text)} characters)", "An address has at most 254 characters.")
    if _UNSAFE.search(text):
        return Problem("the address holds a line break or a control character", "Type the address again.")
    return None


def _named(text: str) -> Address | Problem | None:
    match = _NAMED.fullmatch(text)
    if not match:
        return None
    inner = match["address"].strip(EDGES)
    found = _plain(inner) or _validated(inner)
    name = _unquoted(match["name"].strip(EDGES))
    return found if isinstance(found, Problem) or name.casefold() == found.key else replace(found, name=name)


def _validated(text: str) -> Address | Problem:
    from email_validator import EmailSyntaxError, validate_email  # noqa: PLC0415 - 60 ms that most commands need not pay

    try:
        valid = validate_email(text, check_deliverability=False)
    except EmailSyntaxError as err:
        return Problem(f"not an address: {str(err).rstrip('.')}", _hint(text))
    return Address(f"{valid.local_part}@{valid.ascii_domain}", identity(valid.local_part, valid.ascii_domain))


def _unquoted(name: str) -> str:
    if len(name) > 1 and name[0] == name[-1] and name[0] in "\"'":
        name = re.sub(r"\\(.)", r"\1", name[1:-1])
    return name.strip(EDGES)


def _hint(text: str) -> str:
    if text.count("@") > 1:
        return "One row holds one address; give each its own row."
    if text.endswith((".", ",", ";")):
        return f"Delete the {text[-1]!r} at its end."
    return "Write it as name@example.org."
