"""Whether a reader can leave: the headers, the token in them, the link in the footer and in the text part. Pure.

What a service answers to the link is the service's to show; here is what the message itself must hold.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from urllib.parse import urlsplit

from composer.checks.letter import Letter
from composer.checks.page import Node, Page
from composer.config import FILE_NAME
from composer.edition.model import Context
from composer.errors import ConfigError
from composer.findings import Finding, Where, error, warning
from composer.message.links import Unsubscribe, unsubscribe
from composer.message.token import read_test, read_unsubscribe, sign_test, sign_unsubscribe

_FIELD = "unsubscribe_url"
_ID = "selftest0123456789abcdef"
_ENTRY = re.compile(r"\s*<([^<>\s]{1,900})>\s*")
_ONE_CLICK = "List-Unsubscribe=One-Click"
_PLACE = Where(FILE_NAME)


def check(letter: Letter, page: Page) -> Iterator[Finding]:
    """Yield what would keep a reader from leaving."""
    yield from _in_letter(letter, page)
    keys = letter.config.secret_keys or ("self-test",)
    sender = letter.edition.reply_to or letter.edition.from_
    try:
        leave = unsubscribe(letter.config, letter.settings, _ID, keys, sender=sender)
    except ConfigError as err:
        yield error("unsubscribe-unusable", err.where or _PLACE, err.message, err.hint)
        return
    yield from header_findings(leave, via=letter.config.unsubscribe.via)
    if letter.config.unsubscribe.via == "service":
        yield from token_findings(leave.url, _ID, keys)


def header_findings(leave: Unsubscribe, *, via: str) -> Iterator[Finding]:
    """Yield what RFC 2369 and RFC 8058 want of the headers, and the footer of them; SendGrid writes its own."""
    if via == "sendgrid":
        return
    value = leave.headers.get("List-Unsubscribe", "")
    matches = [_ENTRY.fullmatch(part) for part in value.split(",")]
    entries = [match[1] for match in matches if match]
    hint = "Look at [unsubscribe] and at `public_url` under [public]."
    if not value or not all(matches) or not value.isascii():
        yield error("leaving-header", _PLACE, "the List-Unsubscribe header is no list of addresses in angle brackets (RFC 2369)", hint)
        return
    web = [entry for entry in entries if urlsplit(entry).scheme in {"http", "https"}]
    mail = [entry for entry in entries if entry.startswith("mailto:") and "@" in entry]
    if len(web) + len(mail) != len(entries) or len(web) > 1:
        yield error(
            "leaving-header", _PLACE, "the List-Unsubscribe header has an address that no mail program follows, or several of the web", hint
        )
    post = leave.headers.get("List-Unsubscribe-Post")
    if post is not None and post != _ONE_CLICK:
        yield error("leaving-header", _PLACE, f"List-Unsubscribe-Post says {post!r} and not {_ONE_CLICK!r} (RFC 8058)", hint)
    if post is not None and not any(entry.startswith("https://") for entry in web):
        message = "one click to unsubscribe needs an https address (RFC 8058), and this one is of this machine alone"
        yield warning("leaving-header", _PLACE, message, "Set `public_url` under [public] to the address that readers reach.")
    if leave.url not in entries:
        yield error("leaving-header", _PLACE, "the footer's link to unsubscribe leads elsewhere than the header's", hint)


def token_findings(url: str, identity: str, keys: Sequence[str]) -> Iterator[Finding]:
    """Yield what is wrong with the token of a link: the true one must be taken, and nothing like it."""
    parts = urlsplit(url)
    _, _, token = parts.path.rpartition("/u/")
    hint = "Look at NEWSLETTER_SECRET_KEYS; if they are right, this program is at fault."
    if parts.query or parts.fragment or not token or "/" in token:
        yield error("leaving-token", _PLACE, "the link to unsubscribe is not made of its token alone", hint)
    if read_unsubscribe(token, keys) != identity:
        yield error("leaving-token", _PLACE, "the service would not take the token of its own link", hint)
    if any(read_unsubscribe(forged, keys) is not None for forged in forgeries(token, identity, keys)):
        yield error("leaving-token", _PLACE, "the service would take a forged token", hint)
    if read_test(token, keys) is not None:
        yield error("leaving-token", _PLACE, "the token of a link entitles to more than to unsubscribe", hint)


def forgeries(token: str, identity: str, keys: Sequence[str]) -> Iterator[str]:
    """Yield tokens that are none: cut, lengthened, a letter changed in either part, of another purpose, of another key."""
    payload, _, signature = token.partition(".")
    yield from ("", ".", payload, f"{payload}.", f".{signature}", token[:-1], f"{token}A", f"{token}.{signature}")
    for at in (0, len(payload) // 2, len(payload) + 1, len(token) - 1):
        yield token[:at] + ("B" if token[at : at + 1] == "A" else "A") + token[at + 1 :]
    yield sign_test(identity, keys)
    yield sign_unsubscribe(identity, ("another key",))


def _in_letter(letter: Letter, page: Page) -> Iterator[Finding]:
    """That the link can be seen and pressed; that it is there at all is the composer's to say."""
    slots = [slot for slot in letter.edition.fields if slot.name == _FIELD]
    shown = {slot.default if slot.default is not None else slot.source for slot in slots if slot.context is Context.HREF}
    links = [node for node in page.nodes if node.tag == "a" and node.attributes.get("href", "").strip() in shown]
    field = '{{ field("unsubscribe_url") }}'
    if slots and not links and any(slot.mark in letter.edition.html for slot in slots):
        where = next((slot.where for slot in slots if slot.where.line), Where(letter.issue.path))
        hint = f'Let {field} be the whole address: <a href="{field}">.'
        yield error("leaving-link", where, "the address to unsubscribe is in the letter, and no link leads there", hint)
    elif links and not any(_visible(node) for node in links):
        yield error("leaving-hidden", links[0].where, "the link to unsubscribe cannot be seen", "Show it, with words, in the footer.")
    if not any(slot.mark in letter.edition.text for slot in slots):
        yield error(
            "leaving-text",
            Where(letter.issue.path),
            "the text part has no link to unsubscribe",
            "Report it: no template can take this link out.",
        )


def _visible(node: Node) -> bool:
    if not node.text and not any(isinstance(child, Node) and child.attributes.get("alt") for child in node.children):
        return False
    for each in (node, *node.ancestors()):
        style = each.style
        if style.get("display") == "none" or style.get("visibility") == "hidden" or style.get("opacity") in {"0", "0.0"}:
            return False
        if style.get("font-size") in {"0", "0px", "1px"} and each is node:
            return False
    return True
