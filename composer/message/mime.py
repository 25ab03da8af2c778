"""A Message as bytes for the wire or a file: its header fields, and the body that its Form fills. Pure; same Message, same bytes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
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
    form = message.merged.merger.form
    return b"".join((head(message), form.content_type, b"\r\n", *form.fill(message.substitutions)))


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
    edition, date = message.edition, message.date
    yield _sender("From", edition.from_)
    yield headers.line("To", headers.mailbox(message.name, message.email))
    if edition.reply_to:
        yield _sender("Reply-To", edition.reply_to)
    yield _subject(message.subject)
    yield _date(date.replace(microsecond=0, tzinfo=None), date.utcoffset())
    yield headers.line("Message-ID", f"<{message.message_id}>")
    for name, value in message.headers.items():
        yield _line(name, value)
    yield _constant(edition.language)


_line = lru_cache(maxsize=64)(headers.line)  # most are the same for everybody


@lru_cache(maxsize=32)  # senders; there are few
def _sender(name: str, mailbox: str) -> bytes:
    return headers.line(name, headers.mailbox(*headers.split_mailbox(mailbox)))


@lru_cache(maxsize=16)
def _subject(subject: str) -> bytes:
    return headers.line("Subject", headers.unstructured(subject))


@lru_cache(maxsize=16)  # a batch is written within seconds
def _date(moment: datetime, offset: timedelta | None) -> bytes:
    """``moment`` has no zone, for moments of different zones can be equal."""
    zone = None if offset is None else timezone(offset)
    return headers.line("Date", format_datetime(moment.replace(tzinfo=zone)))


@lru_cache(maxsize=16)
def _constant(language: str) -> bytes:
    spoken = headers.line("Content-Language", language) if _LANGUAGE.fullmatch(language) else b""
    return spoken + headers.line("MIME-Version", "1.0")
