"""Where links lead: addresses that are misspelt, not for the public, cut short, or left behind by other tools. Pure."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from urllib.parse import unquote

from composer.checks.content import hosts
from composer.checks.content.passages import OTHER, Passage, Use, Words
from composer.checks.letter import Letter
from composer.checks.typed import Slip, slips
from composer.findings import Finding, Severity, Where, error, info, warning
from composer.issue.addresses import meant

LONG = 400
_MOST_LINES = 20
_MARKUP = re.compile(r"[*_~`\\]")
_MAIL = re.compile(r"[^\s@<>(),;:\\\"\[\]]{1,64}@(?:[^\W_](?:[\w-]{0,61}[^\W_])?\.){1,8}[^\W\d_][\w-]{1,30}")
_SCHEME = re.compile(r"(?<![\w/.:-])[htps]{3,8}[:;]{0,2}/{1,3}(?=\w)", re.IGNORECASE)
_TWICE = re.compile(r"https?://https?/?", re.IGNORECASE)
_BRACKETS = re.compile(
    r"(?P<swapped>\([^()\[\]\n]{1,120}\)\[(?:https?://|www\.|mailto:|/)?[^\s\[\]]{0,60}\]?)"
    r"|(?P<apart>\[[^\[\]\n]{1,120}\] {1,2}\((?:https?://|www\.|mailto:))"
    r"|(?P<reference>\[[^\[\]\n]{1,120}\]\[[^\[\]\n]{0,60}\])"
)
_CAMPAIGN = re.compile(r"[?&](utm_[a-z]+|mc_cid|mc_eid|fbclid|gclid|_hsenc|_hsmi|mkt_tok|vero_id|igshid)=", re.IGNORECASE)
# These name a reader or a click, not a campaign: whoever copied them is counted for everybody.
_PERSONAL = {"mc_eid", "fbclid", "gclid", "_hsenc", "mkt_tok", "vero_id", "igshid"}


def check_links(words: Words, letter: Letter) -> Iterator[Finding]:
    """Judge the address of every link, and what looks like a link and is none."""
    told = [finding for finding in letter.issue.findings if finding.code == "address-misspelt"]
    for link in words.links:
        yield from _address(link, words)
    for passage in words.passages:
        text = passage.text
        if "][" in text or ")[" in text or "] (" in text:
            for match in _BRACKETS.finditer(text):
                yield _brackets(match, words.at(passage, *match.span()))
        if "/" in text:
            yield from _misspelt(passage, words, told)
    yield from _blanks(words)


def _address(link: Use, words: Words) -> Iterator[Finding]:
    href, where = link.href, words.of(link)
    if href.startswith(("#", OTHER)) or _TWICE.fullmatch(href):
        return
    if href[:7].lower() == "mailto:":
        yield from _mail(link, words)
        return
    if whole := meant(href):
        yield error("address-misspelt", where, f"the address {href[:80]} is misspelt", f"Write {whole[:200]} here.")
        return
    if kind := hosts.known(href):
        yield _not_public(kind, href, link, words)
        return
    if found := _CAMPAIGN.findall(href):
        yield _campaign(found, link, words)
    elif len(href) > LONG:
        message = f"the address of {link.name} has {len(href):,} characters"
        yield info("link-long", where, message, "It may have been copied from a mail or a search; try it without what follows the ?.")
    if href[:5].lower() == "http:":
        message = f"the link {link.name} goes to {href[:80]}, which is not encrypted"
        yield info("link-http", where, message, f"Try https{href[4:84]}; nearly every site has it.")


def _mail(link: Use, words: Words) -> Iterator[Finding]:
    typed = unquote(link.href[7:].partition("?")[0])
    if OTHER in typed:
        return
    wrong = [part for part in typed.split(",") if not _MAIL.fullmatch(part)]
    if wrong:
        right = typed.strip(" .\u00a0")
        hint = f"Write mailto:{right[:80]} here." if right != typed and _MAIL.fullmatch(right) else "Write mailto:name@example.org."
        if right != typed and _MAIL.fullmatch(right):
            hint += " --fix does it." if typed == f"{right}." else ""
        message = f"mail to {wrong[0][:80]!r} goes nowhere: that is no address"
        yield error("mail-address-broken", words.of(link), message, hint)


def _not_public(kind: hosts.Kind, href: str, link: Use, words: Words) -> Finding:
    where, named = words.of(link), f"the link {link.name}"
    if kind.code == "tracking-link":
        inner = hosts.target(href)
        hint = f"Write {inner[:120]} here." if inner else "Open it, and copy the address that it ends at."
        if kind.severity is Severity.WARNING:
            return warning("tracking-link", where, f"{named} is {kind.what}, which may know who opened it", hint)
        return error("tracking-link", where, f"{named} is {kind.what}: it may end, and it names whoever copied it", hint)
    if kind.severity is Severity.WARNING:
        hint = "Open it in a private window; when it asks for a login, share it or publish it elsewhere."
        return warning("private-link", where, f"{named} is {kind.what}; readers may not get in", hint)
    return error("private-link", where, f"{named} is {kind.what}", "Link to the page that is for everybody.")


def _campaign(found: list[str], link: Use, words: Words) -> Finding:
    names = sorted({name.lower() for name in found})
    message = f"the address of {link.name} carries {', '.join(names)[:80]}, which counts readers for whoever made it"
    hint = "Take these out of the address, unless they are your own."
    if not _PERSONAL.isdisjoint(names):
        return warning("link-campaign", words.of(link), message, hint)
    return info("link-campaign", words.of(link), message, hint)


def _brackets(match: re.Match[str], where: Where) -> Finding:
    if match["swapped"]:
        hint = "The text stands in the square brackets: [text](address)."
        return error("link-brackets", where, f"{match[0][:80]} is no link: its brackets are swapped", hint)
    if match["apart"]:
        return warning("link-brackets", where, f"{match[0][:80]} is no link: there is a space between its brackets", "Take the space out.")
    hint = "Write the address in round brackets: [text](address)."
    return warning("link-brackets", where, f"{match[0][:80]} is no link: nothing says where it leads", hint)


def _misspelt(passage: Passage, words: Words, told: Sequence[Finding]) -> Iterator[Finding]:
    """Addresses in running text that are misspelt, and so are no links; what is within a link, or the reader ``told``, was looked at."""
    for match in _SCHEME.finditer(passage.text):
        address = passage.text[match.start() : match.start() + 200].split()[0].rstrip(".,;:!?)")
        at = bisect_left(passage.links, match.start(), key=lambda link: link.start) - 1
        if at >= 0 and match.start() < passage.links[at].end:
            continue
        if whole := meant(address):
            where = words.at(passage, match.start(), match.start() + len(address))
            if any(finding.where.line == where.line and f"'{address[:60]}" in finding.message for finding in told):
                continue
            message = f"the address {address[:80]} is misspelt, and no link or a wrong one"
            yield error("address-misspelt", where, message, f"Write {whole[:200]} here.")


def _blanks(words: Words) -> Iterator[Finding]:
    """Blanks inside the brackets of links, and no-break spaces beside them: these in one finding, since an editor of a site puts many."""
    texts: dict[int, set[str]] = {}
    for link in words.links:
        texts.setdefault(link.line, set()).add(link.text)
    beside: list[tuple[int, Slip]] = []
    for line, known in texts.items():
        for slip in slips(words.lines[line - 1]) if 0 < line <= len(words.lines) else ():
            if slip.kind == "no-break-space":
                beside.append((line, slip))
            elif slip.kind == "edge-space" and " ".join(_MARKUP.sub("", slip.text).split()) in known:
                message = f"the text of the link {slip.text[:60]!r} has a space at its edge"
                hint = "Put the space outside of the brackets; --fix does it."
                yield info("link-edge-space", Where(words.path, line, slip.start + 1), message, hint)
    if beside:
        yield _no_break_spaces(beside, words)


def _no_break_spaces(beside: list[tuple[int, Slip]], words: Words) -> Finding:
    (line, first), lines = beside[0], list(dict.fromkeys(line for line, _ in beside))
    message = f"a no-break space stands beside the link {first.text[:60]!r}, so no line can end there"
    if len(beside) > 1:
        also = ", ".join(map(str, lines[1:_MOST_LINES])) + (" …" if len(lines) > _MOST_LINES else "")
        message += f"; beside {len(beside) - 1} more too" + (f", on line {also}" if also else "")
    where = Where(words.path, line, first.start + 1)
    return info("link-no-break-space", where, message, "Type ordinary spaces there; --fix does it.")
