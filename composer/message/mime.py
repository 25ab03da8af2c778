"""A Message as bytes for the wire or a file: its header fields, and the body that its Form fills. Pure; same Message, same bytes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from email.utils import format_datetime
from functools import lru_cache

from composer.errors import MergeError
from composer.message import headers
from composer.message.model import Message

_FIELD_NAME = re.compile(r"[A-Za-z0-9-]{1,70}")
_MESSAGE_ID = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]+@[A-Za-z0-9.-]+")
_LANGUAGE = re.compile(r"[A-Za-z0-9-]{1,35}")
_LONGEST_HEADER = 900


def to_bytes(message: Message) -> bytes:
    """Return the message complete with headers, lines of at most 76 in its bodies, none that begins with a dot, CRLF throughout.

    Images whose address is ``cid:…`` travel inside. Raises MergeError as ``head`` does.
    """
    return b"".join(pieces(message))


def pieces(message: Message) -> tuple[bytes, ...]:
    """Return what ``to_bytes`` joins: all but the head and the values are the same objects in every message of an Edition.

    Who hands them to the system as they are saves a copy, and the memory for it. Raises as ``head`` does.
    """
    merged = message.merged
    form = merged.merger.form
    return head(message), form.content_type, b"\r\n", *form.fill(merged.substitutions)


def head_and_body(message: Message) -> tuple[bytes, bytes]:
    """Return what stands before the empty line and what stands behind it: all header fields, each ended by CRLF, and the body.

    ``to_bytes`` puts that line, one CRLF, between them. Raises MergeError as ``head`` does.
    """
    form = message.merged.merger.form
    return head(message) + form.content_type, b"".join(form.fill(message.substitutions))


def head(message: Message) -> bytes:
    """Return the message's own header fields, each ended by CRLF; they alone can be refused.

    Raises MergeError for an address, Message-ID or header that cannot be written; a name or subject is always made
    harmless instead.
    """
    edition, date = message.merged.merger.edition, message.date
    shared = _said_to_all(edition.reply_to, message.subject, date, date.utcoffset())
    to, message_id = headers.line("To", headers.mailbox(message.name, message.email)), _message_id(message.message_id)
    return b"".join(
        (_sender("From", edition.from_), to, shared, message_id, _of_the_list(tuple(message.headers.items()), edition.language))
    )


def check_head(message: Message) -> None:
    """Raise MergeError, as ``head`` does, for what no header can hold; texts are not looked at, for they are always made harmless."""
    check_own(message)
    check_fields(message.headers)


def check_own(message: Message) -> None:
    """Do as ``check_head`` does for what is of this message alone."""
    _message_id(message.message_id)
    headers.check_address(message.email)


def check_fields(fields: Mapping[str, str]) -> None:
    """Do as ``check_head`` does for the header fields of a list."""
    for name, value in fields.items():
        _check(name, value)


@lru_cache(maxsize=1024)  # it is made when a message is built, and asked for when it is written soon after
def _message_id(message_id: str) -> bytes:
    if not _MESSAGE_ID.fullmatch(message_id):
        raise MergeError("the Message-ID is not of the form id@domain")
    return headers.line("Message-ID", f"<{message_id}>")


def _check(name: str, value: str) -> None:
    if not _is_writable(name, value):
        raise MergeError("a header of the list cannot be written", hint="Header names are words, their values one line of ASCII.")


@lru_cache(maxsize=64)  # most are the same for everybody
def _is_writable(name: str, value: str) -> bool:
    return bool(_FIELD_NAME.fullmatch(name)) and value.isascii() and value.isprintable() and len(value) <= _LONGEST_HEADER


@lru_cache(maxsize=32)  # senders; there are few
def _sender(name: str, mailbox: str) -> bytes:
    return headers.line(name, headers.mailbox(*headers.split_mailbox(mailbox)))


@lru_cache(maxsize=16)  # what is built in a row has the same date
def _said_to_all(reply_to: str, subject: str, date: datetime, _offset: timedelta | None) -> bytes:
    """``_offset`` tells dates apart that are equal and written differently."""
    answers = _sender("Reply-To", reply_to) if reply_to else b""
    subject_line = headers.line("Subject", headers.unstructured(subject))
    return answers + subject_line + headers.line("Date", format_datetime(date))


@lru_cache(maxsize=16)  # unless each has a link of their own, they are the same for everybody
def _of_the_list(fields: tuple[tuple[str, str], ...], language: str) -> bytes:
    for name, value in fields:
        _check(name, value)
    spoken = headers.line("Content-Language", language) if _LANGUAGE.fullmatch(language) else b""
    return b"".join(_line(name, value) for name, value in fields) + spoken + headers.line("MIME-Version", "1.0")


_line = lru_cache(maxsize=64)(headers.line)
