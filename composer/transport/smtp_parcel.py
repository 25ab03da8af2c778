"""A Message as an SMTP transaction wants it: envelope, bytes, and the parameters of MAIL. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field

from composer.errors import MergeError, TransportError
from composer.message.headers import check_address, split_mailbox
from composer.message.mime import to_bytes
from composer.message.model import Message
from composer.transport.base import Rejected


@dataclass(frozen=True, slots=True)
class Offer:
    """What a server says of itself in its answer to EHLO: the biggest message in bytes (0: no limit named), whether it takes SMTPUTF8."""

    size: int = 0
    announces_size: bool = False
    utf8: bool = False


@dataclass(frozen=True, slots=True)
class Parcel:
    """A message as the envelope and the bytes of one transaction; ``utf8`` when a header or address is not ASCII (RFC 6531)."""

    sender: str
    recipient: str = field(repr=False)
    data: bytes = field(repr=False)
    message_id: str

    @property
    def utf8(self) -> bool:
        """Whether SMTPUTF8 is needed; bodies never are a reason, they are encoded."""
        return not (self.recipient.isascii() and self.sender.isascii() and self.data.isascii())

    @property
    def on_the_wire(self) -> bytes:
        """The data with leading dots doubled (RFC 5321, 4.5.2), a line break at its end, the final dot not yet there."""
        stuffed = (b"\r\n" + self.data).replace(b"\r\n.", b"\r\n..")[2:]
        return stuffed if stuffed.endswith(b"\r\n") else stuffed + b"\r\n"


def pack(message: Message, bounce_address: str = "") -> Parcel:
    """Make the parcel of a message.

    Raises MergeError for an address that cannot stand in a command (a line break, a NUL, an angle bracket), and as ``to_bytes``
    does; TransportError when it is the sender's, which concerns everybody.
    """
    try:
        sender = split_mailbox(bounce_address or message.edition.from_)[1]
    except MergeError as err:
        raise TransportError(err.message, hint=err.hint) from err
    check_address(message.email)
    return Parcel(sender, message.email, to_bytes(message), message.message_id)


def mail_command(parcel: Parcel, offer: Offer) -> str:
    """Return the command that begins the transaction, with the parameters that the server knows."""
    size = f" SIZE={len(parcel.data)}" if offer.announces_size else ""
    return f"MAIL FROM:<{parcel.sender}>{size}{' SMTPUTF8 BODY=8BITMIME' if parcel.utf8 else ''}"


def unfit(parcel: Parcel, offer: Offer) -> Rejected | None:
    """Refuse what this server cannot take, before it is asked; None for what it can (RFC 1870, RFC 6531).

    Raises TransportError when it is the sender's address, which concerns everybody.
    """
    if offer.size and len(parcel.data) > offer.size:
        return Rejected(f"the message has {len(parcel.data)} bytes, and the mail server takes at most {offer.size}")
    if parcel.utf8 and not offer.utf8:
        if not parcel.recipient.isascii():
            return Rejected("the mail server takes no address with letters outside ASCII before the @ (it offers no SMTPUTF8)")
        hint = "Use a sender, reply-to and bounce address of plain letters, or another server."
        raise TransportError("the mail server takes no sender with letters outside ASCII before the @", hint=hint)
    return None
