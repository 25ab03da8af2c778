"""Sites that an issue links to or belongs to, against those of the earlier issues. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache

from composer.checks.leftovers.front import Key
from composer.checks.leftovers.near import misspelt
from composer.findings import Finding, Where, info, warning
from composer.issue.model import Issue

_HOST = re.compile(r"(?:https?://(?:[^/?#@]{0,80}@)?|mailto:[^@?]{1,80}@)(?:www\.)?(?P<host>[\w.-]{4,253})", re.IGNORECASE)
_KEYS = ("canonical_url", "url", "seo.url")
_MOST = 300
_SURE = 3
Links = Iterable[tuple[str, int]]


@lru_cache(maxsize=4096)
def host_of(address: str) -> str:
    """Return the site of a web or mail address in small letters without ``www.``, or nothing."""
    match = _HOST.match(address)
    return match["host"].lower().rstrip(".") if match else ""


def site_findings(issue: Issue, keys: Mapping[str, Key], links: Links, earlier: Iterable[tuple[Issue, Links]]) -> Iterator[Finding]:
    """Warn of links to a site that is almost one known from earlier issues or from the rest of the letter, and of another home."""
    before = tuple(earlier)
    own = [(host, line) for href, line in links if (host := host_of(href))]
    counts = Counter(host for host, _ in own)
    known = Counter(host for _, theirs in before for href, _ in theirs if (host := host_of(href)))
    sure = {host for host, count in counts.items() if count >= _SURE}
    right = [host for host, _ in known.most_common(_MOST)] + sorted(sure - known.keys())[:_MOST]
    told: set[str] = set()
    for host, line in own:
        if host in known or host in sure or host in told or len(told) > _MOST:
            continue
        told.add(host)
        if meant := next((other for other in right if _is_misspelt(host, other)), ""):
            yield _misspelt(issue, line, host, meant)
    yield from _home(issue, keys, [host for other, _ in before if (host := host_of(other.url))])


def _home(issue: Issue, keys: Mapping[str, Key], before: list[str]) -> Iterator[Finding]:
    """Compare the site of the issue's own address, when it is written, with that of earlier issues."""
    key, host = next((key for key in _KEYS if key in keys), ""), host_of(issue.url)
    if not key or not host or not before or host in before:
        return
    if _is_misspelt(host, before[-1]):
        yield _misspelt(issue, keys[key].line, host, before[-1])
    else:
        message = f"the issue's address is on {host}, that of earlier issues on {before[-1]}"
        yield info("site-differs", Where(issue.path, keys[key].line), message, "Nothing to do, if the site has moved.")


def _misspelt(issue: Issue, line: int, host: str, meant: str) -> Finding:
    message = f"{host} looks like {meant} mistyped"
    return warning("site-misspelt", Where(issue.path, line), message, f"Write {meant}, if that is meant.")


def _is_misspelt(host: str, known: str) -> bool:
    """Tell whether one part of a host's name is mistyped; its last part and the number of parts are the same."""
    one, two = host.split("."), known.split(".")
    if len(one) != len(two) or one[-1] != two[-1]:
        return False
    pairs = [(mine, other) for mine, other in zip(one, two, strict=True) if mine != other]
    return len(pairs) == 1 and misspelt(*pairs[0])
