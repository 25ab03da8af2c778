"""How an inbox shows a letter before it is opened: where sender, subject and preheader are cut, and what leaks in after them. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from email.utils import parseaddr
from html.parser import HTMLParser

from wcwidth import wcwidth

_TESTED = "https://www.emailtooltester.com/en/blog/email-subject-lines-character-limit/"
_SUBJECTS = "https://www.activecampaign.com/glossary/subject-line-length"
_CLIENTS = "https://typecount.com/blog/email-subject-line-length"
_PREVIEWS = "https://themarketer.com/resources/knowledge-base/how-long-should-your-preview-texts-be"
_SENDERS = "https://campaign.name/tools/email-subject-line-tester/"
_FROM = "http://htmlemailguide.com/chapter-3/tailoring-from-and-subject-lines-for-email-clients"
LOOKED_AT = "2026-11-23"
# Blanks that senders put after a preheader: no-break spaces, joiners that join nothing, soft hyphens, figure spaces, marks of no width.
# Apple drops the usual two (https://www.theemailfactory.com/goodbye-email-preheader/); with figure spaces Ghost's letters fill the line
# there too (https://github.com/TryGhost/Ghost/pull/25047, October 2025). Both looked at in November 2026.
_FILLER = "\u00a0\u00ad\u034f\u061c\u2007\u200b\u200c\u200d\u200e\u2060\ufeff"
_DROPPED = dict.fromkeys(map(ord, "\u00a0\u200b\u200c\u200d\u2060\ufeff"))
_OPAQUE = frozenset("head style script title template".split())
_APART = frozenset("address blockquote br div h1 h2 h3 h4 h5 h6 hr img li ol p pre table td th tr ul".split())
# The preview line never reaches further; a letter's text need not be read to its end.
_ENOUGH = 1000


@dataclass(frozen=True, slots=True)
class Client:
    """A mail program on a kind of device: how many characters it shows, and where that was found.

    ``strips_filler`` says that no-break spaces after the preheader keep nothing out.
    """

    name: str
    device: str
    sender: tuple[int, str]
    subject: tuple[int, str]
    preheader: tuple[int, str]
    strips_filler: bool = False


# Characters as published; every one varies with the letters, the window and the size of type that somebody chose. Where figures for a
# phone differ by its make, the smaller one stands here. Yahoo names none for the preheader on a desktop: AOL's, the same program, does.
CLIENTS = (
    Client("Gmail", "phone", (20, _SENDERS), (33, _SUBJECTS), (90, _PREVIEWS)),
    Client("Gmail", "desktop", (20, _SENDERS), (70, _SUBJECTS), (97, _PREVIEWS)),
    Client("Apple Mail", "phone", (25, _SENDERS), (48, _TESTED), (81, _PREVIEWS), strips_filler=True),
    Client("Apple Mail", "desktop", (25, _SENDERS), (64, _CLIENTS), (140, _PREVIEWS), strips_filler=True),
    Client("Outlook", "phone", (20, _FROM), (38, _CLIENTS), (55, _PREVIEWS)),
    Client("Outlook", "desktop", (20, _FROM), (50, _SUBJECTS), (35, _PREVIEWS)),
    Client("Yahoo Mail", "phone", (20, _SENDERS), (33, _CLIENTS), (45, _PREVIEWS)),
    Client("Yahoo Mail", "desktop", (30, _FROM), (46, _CLIENTS), (75, _PREVIEWS)),
)


@dataclass(frozen=True, slots=True)
class Row:
    """A line of an inbox; ``leak`` is the letter's text that stands after a preheader too short to fill the line."""

    client: str
    device: str
    sender: str
    sender_cut: bool
    subject: str
    subject_cut: bool
    preheader: str
    preheader_cut: bool
    leak: str
    source: str
    sources: tuple[str, ...]
    looked_at: str = LOOKED_AT


def in_inboxes(from_: str, subject: str, preheader: str, html: str) -> tuple[Row, ...]:
    """Return how each client shows a letter; ``html`` is the merged letter, with its preheader and the blanks after it."""
    name, address = parseaddr(from_)
    words = preview_text(html)
    return tuple(_row(client, name or address or from_, subject, preheader, words) for client in CLIENTS)


def preview_text(html: str) -> str:
    """Return the beginning of a letter's text as an inbox reads it: hidden parts too, plain blanks as one, others as they are."""
    reader = _Reader()
    reader.feed(html[: 200 * _ENOUGH])
    return re.sub(r"[ \t\r\n]+", " ", "".join(reader.words)).strip(" ")[:_ENOUGH]


def _row(client: Client, sender: str, subject: str, preheader: str, words: str) -> Row:
    cut = [shortened(text, most) for text, (most, _) in ((sender, client.sender), (subject, client.subject), (preheader, client.preheader))]
    sources = tuple(dict.fromkeys((client.subject[1], client.preheader[1], client.sender[1])))
    (named, named_cut), (about, about_cut), (told, told_cut) = cut
    leak = "" if told_cut else _leak(client, preheader, words)
    return Row(client.name, client.device, named, named_cut, about, about_cut, told, told_cut, leak, sources[0], sources)


def _leak(client: Client, preheader: str, words: str) -> str:
    """What of the letter stands in the preview line after its preheader, as far as the line reaches."""
    most = client.preheader[0]
    if preheader and not words.startswith(preheader):
        return ""  # not at the letter's head: nobody knows what an inbox makes of it
    rest = words[len(preheader) :]
    if client.strips_filler:
        rest = rest.translate(_DROPPED)
    room = most - _width(preheader)
    shown = shortened(rest, room, mark="")[0]
    return shown.strip(f" {_FILLER}")


def shortened(text: str, most: int, mark: str = "…") -> tuple[str, bool]:
    """Cut a text where it is wider than ``most`` characters, wide ones counted twice; say whether it was."""
    width = 0
    for position, character in enumerate(text):
        width += max(wcwidth(character), 0)
        if width > most:
            return text[:position].rstrip(f" {_FILLER}") + mark, True
    return text, False


def _width(text: str) -> int:
    return sum(max(wcwidth(character), 0) for character in text)


class _Reader(HTMLParser):
    """Gathers text up to a length, none of what is never shown."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.words: list[str] = []
        self._inside: list[str] = []
        self._length = 0

    def handle_starttag(self, tag: str, attrs: Sequence[tuple[str, str | None]]) -> None:  # noqa: ARG002 - html.parser's signature
        if tag in _OPAQUE:
            self._inside.append(tag)
        elif tag in _APART:
            self._add(" ")

    def handle_endtag(self, tag: str) -> None:
        if tag in self._inside:
            self._inside.remove(tag)
        elif tag in _APART:
            self._add(" ")

    def handle_data(self, data: str) -> None:
        self._add(data)

    def _add(self, data: str) -> None:
        if not self._inside and self._length < 4 * _ENOUGH:
            self.words.append(data)
            self._length += len(data)
