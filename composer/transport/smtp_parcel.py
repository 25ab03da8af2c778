"""A Message as an SMTP transaction wants it: envelope, bytes, and the parameters of MAIL. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from composer.errors import MergeError, TransportError
from composer.message.dkim import Signer
from composer.message.headers import split_mailbox
from composer.message.mime import head_and_body, pieces
from composer.message.model import Message
from composer.transport.base import Rejected
from composer.transport.smtp_sender import envelope_sender


@dataclass(frozen=True, slots=True)
class Offer:
    """What a server says of itself in its answer to EHLO.

    ``size`` is the biggest message in bytes (0: no limit named); the others are its extensions SIZE (RFC 1870), SMTPUTF8 (RFC 6531),
    8BITMIME (RFC 6152) and PIPELINING (RFC 2920).
    """

    size: int = 0
    announces_size: bool = False
    utf8: bool = False
    eight_bit: bool = False
    pipelining: bool = False


class Parcel(NamedTuple):
    """A message as the envelope and the bytes of one transaction.

    ``pieces`` make its bytes: lines of ASCII or UTF-8 with CRLF at the end of each, none of which begins with a dot, so that there
    is none to be doubled (RFC 5321, 4.5.2). ``utf8`` tells that a header or address is not ASCII (RFC 6531), ``size`` counts bytes.
    """

    sender: str
    recipient: str
    pieces: tuple[bytes, ...]
    message_id: str
    utf8: bool = False
    size: int = 0

    def __repr__(self) -> str:
        """Tell nothing of the person."""
        return f"Parcel({self.sender!r}, message_id={self.message_id!r}, size={self.size})"


def pack(message: Message, bounce_address: str = "", signer: Signer | None = None, *, verp: bool = False) -> Parcel:
    """Make the parcel of a message, signed where there is a signer; with ``verp`` the envelope's sender names its delivery.

    Raises MergeError for an address that cannot stand in a command (a line break, a NUL, an angle bracket), and as ``to_bytes``
    does; TransportError when it is the sender's, which concerns everybody.
    """
    try:
        bounce = split_mailbox(bounce_address or message.edition.from_)[1]
    except MergeError as err:
        raise TransportError(err.message, hint=err.hint) from err
    sender = envelope_sender(bounce, message.delivery_id, verp=verp)
    made = pieces(message) if signer is None else _signed(message, signer)
    # Bodies are encoded: only the addresses, which stand in the head too, may be a reason for SMTPUTF8.
    utf8 = not (message.email.isascii() and sender.isascii() and made[0].isascii())
    return Parcel(sender, message.email, made, message.message_id, utf8, sum(map(len, made)))


def _signed(message: Message, signer: Signer) -> tuple[bytes, ...]:
    head, body = head_and_body(message)
    return signer.sign(head, body, message.date) + head, b"\r\n", body


def envelope(parcel: Parcel, offer: Offer) -> tuple[str, str, str]:
    """Return the commands that begin the transaction, with the parameters that the server knows: MAIL, RCPT and DATA."""
    size = f" SIZE={parcel.size}" if offer.announces_size else ""
    utf8 = f" SMTPUTF8{' BODY=8BITMIME' if offer.eight_bit else ''}" if parcel.utf8 else ""
    return f"MAIL FROM:<{parcel.sender}>{size}{utf8}", f"RCPT TO:<{parcel.recipient}>", "DATA"


def unfit(parcel: Parcel, offer: Offer) -> Rejected | None:
    """Refuse what this server cannot take, before it is asked; None for what it can (RFC 1870, RFC 6531).

    Raises TransportError when it is the sender's address, which concerns everybody.
    """
    if offer.size and parcel.size > offer.size:
        return Rejected(f"the message has {parcel.size} bytes, and the mail server takes at most {offer.size}")
    if parcel.utf8 and not offer.utf8:
        if not parcel.recipient.isascii():
            return Rejected("the mail server takes no address with letters outside ASCII before the @ (it offers no SMTPUTF8)")
        hint = "Use a sender, reply-to and bounce address of plain letters, or another server."
        raise TransportError("the mail server takes no sender with letters outside ASCII before the @", hint=hint)
    return None
