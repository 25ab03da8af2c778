"""Names on social networks: those that earlier issues, or the letter's own links, spell otherwise. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from composer.checks.leftovers.front import Key
from composer.checks.leftovers.near import SHORTEST, misspelt
from composer.findings import Finding, Where, warning
from composer.issue.model import Issue

_KEYS = ("seo.twitterUsername", "twitterUsername", "twitter", "seo.twitter")
_PROFILE = re.compile(
    r"https?://(?:www\.|m\.)?(?:(?P<x>x|twitter)\.com/@?|(?P<bluesky>bsky\.app)/profile/|(?P<linkedin>(?:[a-z]{2}\.)?linkedin\.com)"
    r"/(?:company|showcase|school|in)/|(?P<plain>instagram\.com|facebook\.com|t\.me|threads\.net|github\.com|youtube\.com)/@?"
    r"|(?P<mastodon>[a-z0-9.-]{3,60})/@)(?P<handle>[\w.-]{3,60})(?=$|[/?#])",
    re.IGNORECASE,
)
_NO_HANDLES = frozenset(
    "intent share home hashtag search i sharer watch groups events pages playlist channel user c results orgs sponsors about login".split()
)
_HANDLE = re.compile(r"@?(?P<handle>[\w.-]{1,60})")
_NAMES = re.compile(r"[\w.-]{6,60}")
_MOST = 300
Links = Iterable[tuple[str, int]]


class Handle(NamedTuple):
    """A name on a network, in small letters and without its @."""

    network: str
    name: str
    line: int
    typed: str


def handle_typed(issue: Issue) -> str:
    """Return the handle of an issue's front matter as typed, or nothing."""
    return next((str(value).strip() for key in _KEYS if (value := issue.extra.get(key))), "")


def linked_handles(links: Links) -> tuple[Handle, ...]:
    """Return the names that links lead to on networks where people have one."""
    found: list[Handle] = []
    for href, line in links:
        if (match := _PROFILE.match(href)) and match["handle"].lower() not in _NO_HANDLES:
            network = next(match[name] for name in ("x", "bluesky", "linkedin", "plain", "mastodon") if match[name])
            network = "x.com" if match["x"] else network
            found.append(Handle(network.lower(), match["handle"].lower(), line, match["handle"]))
    return tuple(found)


def handle_findings(issue: Issue, keys: Mapping[str, Key], links: Links, earlier: Iterable[tuple[Issue, Links]]) -> Iterator[Finding]:
    """Warn of a handle that no earlier issue knows, but almost; of the front matter's also when it is another, or no handle in form."""
    before = [(other, tuple(theirs)) for other, theirs in earlier]
    links = tuple(links)
    own, all_links = linked_handles(links), (links, *(theirs for _, theirs in reversed(before)))
    yield from _of_front(issue, keys, all_links, [typed for other, _ in before if (typed := handle_typed(other))])
    known = Counter((each.network, each.name) for _, theirs in before for each in linked_handles(theirs))
    unknown = [each for each in own if (each.network, each.name) not in known][:_MOST]
    for each in unknown:
        for network, name in [pair for pair, _ in known.most_common(_MOST)]:
            if network == each.network and misspelt(each.name, name):
                message = f"{each.typed!r} on {network} is {name!r} in earlier issues"
                yield warning("handle-misspelt", Where(issue.path, each.line), message, "Correct the name, if it is mistyped.")
                break


def _of_front(issue: Issue, keys: Mapping[str, Key], links: Iterable[Links], before: list[str]) -> Iterator[Finding]:
    """Compare the front matter's handle with the spellings in links, this letter's first, and with the handles ``before``."""
    typed = handle_typed(issue)
    key = next((key for key in _KEYS if key in keys), "")
    if not typed or not key:
        return
    where, name = Where(issue.path, keys[key].line), _bare(typed)
    if not name or not _HANDLE.fullmatch(typed) or (not typed.startswith("@") and any(each.startswith("@") for each in before)):
        right = f"@{name}" if name else "@name"
        yield warning("handle-form", where, f"{typed[:80]!r} is not written like a handle", f"Write {right}.")
    own, *others = links
    spellings = _spellings(own)
    if not name or name in spellings or any(name in _spellings(each) for each in others):
        return
    usual = next((known for known, _ in Counter(_bare(each) for each in before).most_common(1)), "")
    if near := next((known for known in sorted(spellings) if misspelt(name, known) and not _begins(name, known)), ""):
        message = f"the handle {typed!r} is spelt {near!r} in this letter's links"
        yield warning("handle-misspelt", where, message, "Correct the handle, if it is mistyped.")
    elif usual and misspelt(name, usual):
        yield warning("handle-misspelt", where, f"the handle {typed!r} is '@{usual}' in earlier issues", "Correct it, if it is mistyped.")
    elif usual and name != usual:
        message = f"the handle {typed!r} is another than in earlier issues, '@{usual}'"
        yield warning("handle-differs", where, message, "Look whether the new one is meant.")


def _begins(one: str, two: str) -> bool:
    """Tell whether one name is the other with something behind it, as a team's handle often is its site's."""
    return one.startswith(two) or two.startswith(one)


def _bare(typed: str) -> str:
    """Return the name in what was typed: without @, and the last part of an address."""
    parts = [part for part in re.split(r"[/?#\s]", typed.strip("/ ")) if part] or [""]
    match = _HANDLE.fullmatch(parts[-1])
    return match["handle"].lower() if match and "." not in match["handle"] else ""


def _spellings(links: Links) -> set[str]:
    """Return names that links bear witness to: hosts without their dots, and the parts of their paths."""
    found: set[str] = set()
    for href, _ in links:
        host, _, path = href.partition("://")[2].partition("/")
        host = host.lower().rpartition("@")[2].removeprefix("www.")
        labels = host.split(".")
        found |= {"".join(labels), "".join(labels[-2:]), *labels[-2:-1]} | {part.lower() for part in _NAMES.findall(path[:200])[:6]}
        if len(found) > _MOST:
            break
    return {name.replace("-", "") for name in found if len(name) >= SHORTEST}
