"""An Edition: an Issue set in a template for a List, with its merge fields still open."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from composer.edition.origins import Origin
from composer.findings import Finding, Where
from composer.issue.model import Asset


class Context(StrEnum):
    """Where a merge field stands; the merge escapes its value accordingly.

    TEXT between tags; ATTRIBUTE inside a quoted attribute; URL a part of an address (percent-encoded);
    HREF the whole address (must be http, https or mailto); PLAIN the text part; HEADER subject or preheader text.
    """

    TEXT = "t"
    ATTRIBUTE = "a"
    URL = "u"
    HREF = "h"
    PLAIN = "p"
    HEADER = "s"


@dataclass(frozen=True, slots=True)
class Slot:
    """One hole in an Edition: ``mark`` is the opaque word in subject, preheader, html or text to replace.

    The same field in the same context has the same mark; ``source`` is how it was written (``{{ name }}``).
    """

    mark: str
    name: str
    context: Context
    default: str | None
    source: str
    where: Where


@dataclass(frozen=True, slots=True)
class Edition:
    """An Issue set for a List.

    ``digest`` (SHA-256, hex) covers what a reader gets: from, reply-to, subject, preheader, html, text, fields, attachments.
    ``html`` and ``text`` are Unicode with LF line ends; in ``html`` an attachment's address is its ``mark``.
    ``fields`` has every hole, also those of the system (``composer.issue.model.SYSTEM_FIELDS``).
    ``origins`` says of each start tag of ``html`` where it came from; empty when that is not known, as in an Edition from the ledger.
    """

    stem: str
    list_name: str
    list_title: str
    language: str
    from_: str
    reply_to: str
    subject: str
    preheader: str
    html: str = field(repr=False)
    text: str = field(repr=False)
    fields: tuple[Slot, ...]
    attachments: tuple[Asset, ...]
    draft: bool
    digest: str = ""
    mjml: str = field(repr=False, default="", compare=False)
    findings: tuple[Finding, ...] = field(default=(), compare=False)
    origins: Sequence[Origin] = field(repr=False, default=(), compare=False)
