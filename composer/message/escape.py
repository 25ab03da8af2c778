"""Make a person's value harmless for the place where its merge field stands: one function per Context. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from html import escape
from urllib.parse import quote

from composer.edition.model import Context

# C0, DEL, C1 (with U+0085), the Unicode line separators, and lone surrogates, which no encoding can carry.
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")
# Embeddings, overrides and isolates, which are often left open, would turn round what follows them: a header that reads as another
# (UTS #39), a letter whose lines run backwards. The marks that a right-to-left name needs (U+200E, U+200F) stay.
_BIDI = re.compile("[\u202a-\u202e\u2066-\u2069]")
_ADDRESS = re.compile(r"(?:https?://[^\s/?#\\@]|mailto:[^\s?@]+@)", re.IGNORECASE)
_URL_SAFE = ":/?#[]@!$&'()*+,;=%~"


def plain(value: str) -> str:
    """One line: runs of control characters and line breaks (U+0085, U+2028, U+2029 too) become a space, direction overrides go."""
    return value if value.isprintable() else _CONTROL.sub(" ", _BIDI.sub("", value))


def header(value: str) -> str:
    """Like plain, with no space at either end."""
    return plain(value).strip()


def text(value: str) -> str:
    """HTML between tags."""
    return escape(plain(value), quote=False)


def attribute(value: str) -> str:
    """HTML inside a quoted attribute."""
    return escape(plain(value))


def url_part(value: str) -> str:
    """Percent-encode everything but letters, digits and ``-._~``."""
    return quote(plain(value), safe="")


def href(value: str) -> str:
    """Escape a whole address for an attribute; raises ValueError unless it is an absolute http, https or mailto address."""
    value = plain(value).strip()
    if not _ADDRESS.match(value):
        raise ValueError("not an absolute http, https or mailto address")
    return escape(quote(value, safe=_URL_SAFE))


ESCAPES: Mapping[Context, Callable[[str], str]] = {
    Context.TEXT: text,
    Context.ATTRIBUTE: attribute,
    Context.URL: url_part,
    Context.HREF: href,
    Context.PLAIN: plain,
    Context.HEADER: header,
}
