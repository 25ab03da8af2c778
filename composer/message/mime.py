"""A Message as bytes for the wire or a file: its header fields, and the body that its Edition has ready. Pure; same Message, same bytes."""

from __future__ import annotations

import re
from email.utils import format_datetime
from functools import lru_cache
from typing import TYPE_CHECKING

from composer.errors import MergeError
from composer.message import headers
from composer.message.form import form_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime, timedelta

    from composer.message.model import Message

_FIELD_NAME = re.compile(r"[A-Za-z0-9-]{1,70}")
_MESSAGE_ID = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]+@[A-Za-z0-9.-]+")
_LANGUAGE = re.compile(r"[A-Za-z0-9-]{1,35}")
_LONGEST_HEADER = 900
# Most lines are the same for everybody.
_line = lru_cache(maxsize=256)(headers.line)
_unstructured = lru_cache(maxsize=16)(headers.unstructured)


@lru_cache(maxsize=16)
def _sender(mailbox: str) -> str:
    return headers.mailbox(*headers.split_mailbox(mailbox))


@lru_cache(maxsize=16)
def _date(moment: datetime, _offset: timedelta | None) -> str:
    """Write a date; moments are equal whatever their zone is, so that it has to be told as well."""
    return format_datetime(moment)


def to_bytes(message: Message) -> bytes:
    """Return the message complete with headers, lines of at most 76 in its bodies, none of them with a dot in front, CRLF throughout.

    Images whose address is ``cid:…`` travel inside. Raises MergeError as ``head`` does.
    """
    return b"\r\n".join(head_and_body(message))


def head_and_body(message: Message) -> tuple[bytes, bytes]:
    """Return what stands before the empty line, all header fields with their line ends, and what stands behind it. Raises as ``head``."""
    form = form_of(message.merged.merger)
    return head(message) + form.content_type, form.fill(message)


def head(message: Message) -> bytes:
    """Return the message's own header fields, all but that of its content, each ended by CRLF; they alone can be refused.

    Raises MergeError for an address, Message-ID or header that cannot be written; a name or subject is always made
    harmless instead.
    """
    return b"".join(_fields(message))


def check_head(message: Message) -> None:
    """Raise MergeError, as ``head`` does, for what no header can hold; texts are not looked at, for they are always made harmless."""
    if not _MESSAGE_ID.fullmatch(message.message_id):
        raise MergeError("the Message-ID is not of the form id@domain")
    headers.check_address(message.email)
    for name, value in message.headers.items():
        if not _is_writable(name, value):
            raise MergeError("a header of the list cannot be written", hint="Header names are words, their values one line of ASCII.")


@lru_cache(maxsize=64)  # most are the same for everybody
def _is_writable(name: str, value: str) -> bool:
    return bool(_FIELD_NAME.fullmatch(name)) and value.isascii() and value.isprintable() and len(value) <= _LONGEST_HEADER


def _fields(message: Message) -> Iterator[bytes]:
    check_head(message)
    edition = message.edition
    yield _line("From", _sender(edition.from_))
    yield headers.line("To", headers.mailbox(message.name, message.email))
    if edition.reply_to:
        yield _line("Reply-To", _sender(edition.reply_to))
    yield _line("Subject", _unstructured(message.subject))
    yield _line("Date", _date(message.date.replace(microsecond=0), message.date.utcoffset()))
    yield headers.line("Message-ID", f"<{message.message_id}>")
    for name, value in message.headers.items():
        yield _line(name, value)
    if _LANGUAGE.fullmatch(edition.language):
        yield _line("Content-Language", edition.language)
    yield _line("MIME-Version", "1.0")
