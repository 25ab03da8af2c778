"""What a mail server's reply means for one message (RFC 5321, 4.2; RFC 3463). Pure: it talks to nobody."""

from __future__ import annotations

import re
from collections.abc import Collection
from enum import StrEnum
from typing import NamedTuple

from composer.errors import TransportError
from composer.transport.base import Accepted, Deferred, Outcome, Rejected

_LONGEST = 500
_LOOKED_AT = 4000
_ENHANCED = re.compile(r"[245]\.\d{1,3}\.\d{1,3}(?= |$)")
_ADDRESS = re.compile(r"""[^\s<>()\[\]"'\\,;:/?&@]{1,256}(?:@|%40)\w(?:[\w.-]*\w)?""", re.IGNORECASE)
_UNSHOWN = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufffd\s]+")
# Postfix: "Relay access denied"; Exim: "relay not permitted"; Sendmail: "Relaying denied"; Exchange: "Unable to relay".
_RELAY = re.compile(r"\brelay(ing)?\b", re.IGNORECASE)
# 530 login or TLS required, 534 too weak, 535 refused, 538 needs TLS (RFC 4954, 6; RFC 3207, 4): about the account, never about a person.
_ACCOUNT = {530, 534, 535, 538}
# RFC 1870, 6.1; RFC 3463, 3.4: the message is too big, whoever sends it.
_TOO_BIG = {"5.3.4", "5.2.3"}
# RFC 6531, 3.5 and 3.7.4: the server wants no address outside ASCII.
_NOT_UTF8 = {"5.6.7", "5.5.4"}


class Lost(Exception):  # noqa: N818 - a state of the connection
    """The connection ended, fell silent, or says what cannot be understood; it is of no more use."""


class Step(StrEnum):
    """Where in a transaction a reply came: to MAIL, RCPT or DATA, or to the final dot."""

    MAIL = "mail"
    RCPT = "rcpt"
    DATA = "data"
    DOT = "dot"


# A named tuple, for there are four of them a message: a frozen dataclass takes three times as long to make.
class Reply(NamedTuple):
    """One whole reply: ``code`` from 200 to 599 and the text of its lines."""

    code: int
    lines: tuple[str, ...] = ()

    @property
    def enhanced(self) -> str:
        """The enhanced status code (``5.1.1``), or an empty text."""
        found = _ENHANCED.match(self.lines[0]) if self.lines else None
        return found[0] if found else ""

    def words(self, known: Collection[str] = (), recipient: str = "") -> str:
        """Return the reply in one line of at most 500 characters, fit to be kept and shown.

        ``recipient`` and every other address in it is ``<address>``, for it is personal, but those in ``known`` (the sender's,
        the Message-ID).
        """
        text = f"{self.code} {self.lines[0]}" if self.lines else str(self.code)
        if len(self.lines) > 1:
            enhanced = f"{self.enhanced} "
            text = " ".join((text, *(line.removeprefix(enhanced) for line in self.lines[1:])))
        text = text[:_LOOKED_AT].strip()
        if not (text.isascii() and text.isprintable()) or "  " in text:
            text = _UNSHOWN.sub(" ", text).strip()
        if "@" not in text and "%40" not in text:
            return text[:_LONGEST]
        for spelling in (recipient, recipient.replace("@", "%40")) if recipient else ():
            text = re.sub(re.escape(spelling), "<address>", text, flags=re.IGNORECASE)
        kept = {address.lower() for address in known}
        shown = _ADDRESS.sub(lambda match: match[0] if match[0].lower() in kept else "<address>", text)
        return shown.replace("<<address>>", "<address>")[:_LONGEST]

    def naming_nobody(self) -> str:
        """Return the reply's words when it is not known whom it is about: its codes alone where it names an address.

        Without the recipient an address is not told for certain from what stands around it (``<o'neil@x.example>``).
        """
        words = self.words()
        return words if "<address>" not in words else f"{self.code} {self.enhanced}".strip()


def judge(
    step: Step, reply: Reply, *, known: Collection[str] = (), recipient: str = "", utf8: bool = False, relays: bool = True
) -> Outcome | None:
    """Return what a reply means for the message, or None when the transaction goes on.

    ``known`` and ``recipient`` are as in ``Reply.words``; ``utf8`` says that the message asked for SMTPUTF8, ``relays`` that this
    server has already taken mail, so that a refusal to relay is about one person. Raises TransportError for a refusal that
    concerns everybody, and Lost for a reply that cannot stand at this step.
    """
    words = reply.words(known, recipient)
    match reply.code // 100:
        case 2 if step is not Step.DATA:
            return Accepted(words) if step is Step.DOT else None
        case 3 if step is Step.DATA:
            return None
        case 4:
            return Deferred(words)
        case 5:
            return _refused(step, reply, words, utf8=utf8, relays=relays)
        case _:
            raise Lost(f"an answer that cannot stand here: {words}")


def _refused(step: Step, reply: Reply, words: str, *, utf8: bool, relays: bool) -> Rejected:
    if reply.code in _ACCOUNT:
        hint = "Check [transport.smtp] `username` and `security`, and SMTP_PASSWORD in the environment or .env."
        raise TransportError(f"the mail server refuses this account: {words}", hint=hint)
    if step is Step.MAIL and not _about_this_message(reply, utf8=utf8):
        hint = "Check `from` and [transport.smtp] `bounce_address`: the server must let this account send for that address."
        raise TransportError(f"the mail server refuses the sender: {words}", hint=hint)
    if step is Step.RCPT and not relays and _RELAY.search(words):
        hint = "It delivers to strangers only after a login: set [transport.smtp] `username` and SMTP_PASSWORD, or ask who runs it."
        raise TransportError(f"the mail server passes nothing on: {words}", hint=hint)
    return Rejected(words)


def _about_this_message(reply: Reply, *, utf8: bool) -> bool:
    too_big = reply.enhanced in _TOO_BIG or (reply.code == 552 and not reply.enhanced)  # noqa: PLR2004 - RFC 1870, 6.1
    return too_big or (utf8 and (reply.enhanced in _NOT_UTF8 or reply.code == 555))  # noqa: PLR2004 - RFC 5321, 4.1.1.11
