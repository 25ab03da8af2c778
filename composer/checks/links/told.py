"""What sites said, as findings. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from http import HTTPStatus
from urllib.parse import urldefrag

from composer.checks.links.follow import Found, host_of
from composer.checks.links.network import Trouble
from composer.checks.links.targets import Target
from composer.findings import Finding, Where, error, info, warning
from composer.issue.model import Issue

_GONE = {HTTPStatus.NOT_FOUND, HTTPStatus.GONE}
# How sites answer programs though they show the page to people: 999 is LinkedIn's.
_TO_ROBOTS = {403, 405, 406, 418, 429, 451, 999}
_NOBODY = {Trouble.NO_HOST, Trouble.UNRESOLVED, Trouble.UNREACHABLE}
_SHOWN = 120


def tell(targets: Sequence[Target], answers: Mapping[str, Found], issue: Issue) -> Iterator[Finding]:
    """Yield what is wrong with each link of an issue."""
    asked = {target.url: answers[target.url] for target in targets if target.url in answers}
    if unchecked := _unchecked(asked, Where(issue.path)):
        yield unchecked
        return
    own_page = urldefrag(issue.url).url
    for target in targets:
        if target.url in asked:
            yield from _tell(target, asked[target.url], own_page)


def _unchecked(asked: Mapping[str, Found], where: Where) -> Finding | None:
    """Say once what ails this machine, where each of several sites would be said to ail."""
    hosts = {host_of(url) for url in asked}
    troubles = {found.trouble for found in asked.values()}
    if len(hosts) < 2:  # noqa: PLR2004 - a single site may well be the one that is down
        return None
    if troubles <= _NOBODY:
        message = f"none of {len(hosts)} sites can be reached; no link was checked"
        return warning("links-not-checked", where, message, "Is this machine connected? Sites are asked directly, without a proxy.")
    if troubles <= _NOBODY | {Trouble.CERTIFICATE}:
        message = f"the certificate of none of {len(hosts)} sites can be verified; no link was checked"
        hint = "Does this machine have the certificates of the usual authorities? On macOS, Python's `Install Certificates` brings them."
        return warning("links-not-checked", where, message, hint)
    return None


def _tell(target: Target, found: Found, own_page: str) -> Iterator[Finding]:
    shown, where = _short(target.url), target.where
    said = _said(found)
    behind = f" leads to {_short(found.final)}, where" if found.final != target.url else ":"
    if found.trouble is Trouble.PRIVATE:
        message = f"{shown}{behind} {said}: readers cannot open it"
        yield error("link-private-address", where, message, "Link to what is public; such an address is not asked.")
    elif found.trouble is Trouble.CERTIFICATE:
        message = f"{shown}{behind} {said}; browsers warn before they open it"
        yield warning("link-insecure-certificate", where, message, "Tell those who run the site, or link elsewhere.")
    elif found.trouble is Trouble.NO_HOST or found.status in _GONE:
        if target.url == own_page:
            message = f"the issue's own page is not published yet: {shown}{behind} {said}"
            yield warning("link-not-published", where, message, "Publish it before the letter leaves: the letter links to it.")
        else:
            yield error("link-dead", where, f"{shown}{behind} {said}", "Correct the address, or take the link out.")
    elif found.status in _TO_ROBOTS:
        message = f"{shown}{behind} {said}, as many sites answer a program"
        yield info("link-unverified", where, message, "Open it in a browser to be sure.")
    elif not found.there:
        yield warning("link-doubtful", where, f"{shown}{behind} {said}", "Open it in a browser; try again later.")
    else:
        yield from _there(target, found)


def _there(target: Target, found: Found) -> Iterator[Finding]:
    if found.moved:
        message = f"{_short(target.url)} has moved for good to {_short(found.moved)}"
        yield info("link-moved", target.where, message, "Write the new address.")
    if target.anchor in found.missing:
        message = f"the page {_short(found.final)} has no place named #{target.anchor[:60]}"
        yield warning(
            "link-anchor-missing", target.where, message, "Readers land at its top: correct what stands behind the #, or leave it out."
        )


def _said(found: Found) -> str:
    if found.trouble is not None:
        return f"{found.trouble} ({found.detail})" if found.detail else str(found.trouble)
    try:
        name = f" ({HTTPStatus(found.status).phrase})"
    except ValueError:
        name = ""
    return f"the server answers {found.status}{name}"


def _short(address: str) -> str:
    return address if len(address) <= _SHOWN else f"{address[:_SHOWN]}…"
