"""Where a link leads: HEAD, then GET where HEAD is refused or an anchor is looked for, and redirects hop by hop."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from html import unescape
from http import HTTPStatus
from urllib.parse import unquote, urldefrag, urljoin, urlsplit

from composer.checks.links.network import Failure, Network, Reply, Trouble, ask

MOST_HOPS = 10
_LONGEST = 8_000
_REDIRECTS = {301, 302, 303, 307, 308}
_FOR_GOOD = {301, 308}
# After these a GET would end as a HEAD did.
_FINAL = {Trouble.NO_HOST, Trouble.UNRESOLVED, Trouble.PRIVATE, Trouble.UNREACHABLE, Trouble.CERTIFICATE, Trouble.INSECURE}
_NAMED = re.compile(r"""\b(?:id|name)\s{0,9}=\s{0,9}(?:"([^"]{1,500})"|'([^']{1,500})'|([^\s"'>]{1,500}))""", re.IGNORECASE)
# GitHub and others keep the names that a writer chose apart from their own.
_PREFIX = "user-content-"

Gate = Callable[[str], AbstractContextManager[object]]


@dataclass(frozen=True, slots=True)
class Found:
    """What became of an address: a status, or the trouble (``detail`` is what the system said of it).

    ``final`` is the last address asked, ``moved`` where it has gone for good, ``missing`` the anchors that its page does not have.
    """

    status: int = 0
    trouble: Trouble | None = None
    detail: str = ""
    final: str = ""
    moved: str = ""
    missing: frozenset[str] = frozenset()

    @property
    def there(self) -> bool:
        """Whether a page was shown."""
        return self.trouble is None and self.status < HTTPStatus.BAD_REQUEST


def follow(url: str, anchors: frozenset[str], network: Network, gate: Gate) -> Found:
    """Follow an address (http or https, without anchor) to its end; ``gate`` opens when its host may be asked."""
    seen = {url}
    current, moved, for_good = url, "", True
    for _ in range(MOST_HOPS + 1):
        with gate(host_of(current)):
            reply = _ask(network, current, page=bool(anchors))
        if isinstance(reply, Failure):
            return Found(trouble=reply.trouble, detail=reply.detail, final=current)
        target = _target(current, reply)
        if not target and reply.status in _REDIRECTS:
            return Found(trouble=Trouble.NOWHERE, final=current)
        if not target:
            there = reply.status < HTTPStatus.BAD_REQUEST
            missing = _missing(anchors, reply) if there else frozenset()
            return Found(reply.status, final=current, moved=moved if there else "", missing=missing)
        if not target.lower().startswith(("http://", "https://")):
            return Found(HTTPStatus.OK, final=current, moved=moved)  # to an app, of which nobody here can ask
        for_good = for_good and reply.status in _FOR_GOOD
        moved = target if for_good else moved
        if target in seen:
            return Found(trouble=Trouble.CIRCLE, final=target)
        seen.add(target)
        current = target
    return Found(trouble=Trouble.TOO_FAR, final=current)


def host_of(url: str) -> str:
    """Return the host that an address names, in lower case; empty for what names none."""
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def _ask(network: Network, url: str, *, page: bool) -> Reply | Failure:
    if not page:
        reply = ask(network, "HEAD", url)
        final = reply.trouble in _FINAL if isinstance(reply, Failure) else reply.status < HTTPStatus.BAD_REQUEST
        if final:
            return reply
    return ask(network, "GET", url, page=page)


def _target(url: str, reply: Reply) -> str:
    """Return where an answer sends on, without anchor; empty when it does not."""
    if reply.status not in _REDIRECTS or not reply.location or len(reply.location) > _LONGEST:
        return ""
    try:
        return urldefrag(urljoin(url, reply.location.strip())).url
    except ValueError:
        return ""


def _missing(anchors: frozenset[str], reply: Reply) -> frozenset[str]:
    """Return the anchors that a whole page does not have; none when its end was not read."""
    if not reply.whole:
        return frozenset()
    names = {unescape(next(filter(None, match.groups()))) for match in _NAMED.finditer(reply.page)}
    return frozenset(each for each in anchors if not {each, unquote(each), _PREFIX + each, _PREFIX + unquote(each)} & names)
