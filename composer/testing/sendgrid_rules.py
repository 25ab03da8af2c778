"""What SendGrid documents that a v3 Mail Send request must hold, as a check of a request that was read from JSON. Pure.

Stricter than its OpenAPI description, as the service is; what only its terms forbid (addresses in categories or custom_args) is
refused too.
"""

from __future__ import annotations

import binascii
import json
import re
from base64 import b64decode
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

MOST_PEOPLE = 1000
LARGEST_PERSON = 10_000
LARGEST_REQUEST = 30_000_000
FARTHEST = 72 * 3600
RESERVED = frozenset(
    "to from subject reply-to cc bcc received dkim-signature content-type content-transfer-encoding x-sg-id x-sg-eid".split()
)
TOP = frozenset(
    "personalizations from reply_to reply_to_list subject content attachments template_id headers categories custom_args send_at "
    "batch_id asm ip_pool_name mail_settings tracking_settings sections".split()
)
PERSON = frozenset("to cc bcc from subject headers substitutions dynamic_template_data custom_args send_at".split())
_ADDRESS = re.compile(r"[!-~]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")
_MOST_CATEGORIES = 10
_LONGEST_CATEGORY = 255
_MOST_GROUPS = 25


@dataclass(frozen=True, slots=True)
class Problem:
    """One error of an answer; ``field`` is where, None for nowhere in particular."""

    field: str | None
    message: str

    @property
    def row(self) -> dict[str, str | None]:
        """As SendGrid writes it."""
        return {"message": self.message, "field": self.field, "help": None}


@dataclass(frozen=True, slots=True)
class Account:
    """What a request is checked against: the time in Unix seconds, the batch ids and unsubscribe groups that there are."""

    now: float
    batches: Collection[str] = frozenset()
    groups: Collection[int] = field(default_factory=frozenset)


def check_request(body: object, account: Account) -> list[Problem]:
    """Return everything that is wrong with a request."""
    if not isinstance(body, dict):
        return [Problem(None, "Bad Request")]
    try:
        return [*_unknown(body, TOP, ""), *_people(body), *_content(body), *_attachments(body), *_extras(body), *_scheduled(body, account)]
    except (AttributeError, TypeError, ValueError):  # a value of another kind than any of these may have
        return [Problem(None, "Bad Request")]


def _unknown(body: Mapping[str, Any], known: Collection[str], where: str) -> Iterator[Problem]:
    for key in body:
        if key not in known:
            yield Problem(f"{where}{key}", f"Additional property {key} is not allowed")


def _people(body: Mapping[str, Any]) -> Iterator[Problem]:
    people = body.get("personalizations")
    if not isinstance(people, list) or not people:
        yield Problem("personalizations", "The personalizations field is required and must have at least one personalization.")
        return
    if len(people) > MOST_PEOPLE:
        yield Problem(
            "personalizations", f"The personalization block is limited to 1000 personalizations per API request, not {len(people)}."
        )
    seen: set[str] = set()
    for number, person in enumerate(people):
        where = f"personalizations.{number}"
        if not isinstance(person, dict):
            yield Problem(where, "A personalization is an object.")
            continue
        yield from _unknown(person, PERSON, f"{where}.")
        yield from _recipients(person, where, seen)
        yield from _headers(person.get("headers", {}), f"{where}.headers")
        yield from _substitutions(person, where)
        yield from _arguments(person, f"{where}.")
        if "subject" in person and not person["subject"]:
            yield Problem(f"{where}.subject", "The subject must be a string at least one character in length.")
    if sum(len(person.get(kind) or []) for person in people if isinstance(person, dict) for kind in ("to", "cc", "bcc")) > MOST_PEOPLE:
        yield Problem("personalizations", "There is a limit of 1000 total recipients (to + cc + bcc) per request.")


def _recipients(person: Mapping[str, Any], where: str, seen: set[str]) -> Iterator[Problem]:
    if not isinstance(person.get("to"), list) or not person["to"]:
        yield Problem(f"{where}.to", "The to array is required for all personalization objects, and must have at least one email object.")
    for kind in ("to", "cc", "bcc"):
        for index, mailbox in enumerate(person.get(kind) or []):
            place = f"{where}.{kind}.{index}"
            yield from _mailbox(mailbox, place)
            name, email = str(mailbox.get("name") or ""), str(mailbox.get("email") or "").lower()
            if ";" in name or "," in name:
                yield Problem(f"{place}.name", "The name may not include the ; or , characters.")
            if email in seen:
                message = f"Each unique email address in the personalizations array should only be included once; found [{email}] again."
                yield Problem(f"{where}.{kind}", message)
            seen.add(email)


def _mailbox(mailbox: Any, where: str) -> Iterator[Problem]:
    if not isinstance(mailbox, dict) or not _ADDRESS.fullmatch(str(mailbox.get("email") or "")):
        yield Problem(f"{where}.email", "Does not contain a valid address.")


def _headers(headers: Any, where: str) -> Iterator[Problem]:
    for name, value in dict(headers).items():
        if name.lower() in RESERVED:
            yield Problem(f"{where}.{name}", f"The {name} header cannot be overridden.")
        if not isinstance(value, str) or not value.isascii():
            yield Problem(f"{where}.{name}", "A header is a string; encode what is not ASCII.")


def _substitutions(person: Mapping[str, Any], where: str) -> Iterator[Problem]:
    given = person.get("substitutions", {})
    if not all(isinstance(value, str) for value in given.values()):
        yield Problem(f"{where}.substitutions", "The substitutions values must be strings.")
    elif sum(len(key.encode()) + len(value.encode()) for key, value in given.items()) > LARGEST_PERSON:
        yield Problem(f"{where}.substitutions", "The substitutions may not exceed 10000 bytes per personalization.")


def _arguments(holder: Mapping[str, Any], where: str) -> Iterator[Problem]:
    text = json.dumps(holder.get("custom_args", {}), ensure_ascii=False)
    if len(text.encode()) > LARGEST_PERSON:
        yield Problem(f"{where}custom_args", "The custom_args may not exceed 10000 bytes.")
    if "@" in text:
        yield Problem(f"{where}custom_args", "Personal data does not belong in custom_args.")


def _content(body: Mapping[str, Any]) -> Iterator[Problem]:
    yield from _mailbox(body.get("from"), "from")
    if "reply_to" in body:
        yield from _mailbox(body["reply_to"], "reply_to")
    if not body.get("subject") and not all(person.get("subject") for person in body.get("personalizations") or [{}]):
        yield Problem("subject", "The subject is required.")
    parts = body.get("content")
    if not isinstance(parts, list) or not parts:
        yield Problem("content", "The content is required unless a template is used.")
        return
    for index, part in enumerate(parts):
        if not part.get("type") or not part.get("value"):
            yield Problem(f"content.{index}.value", "The content value must be a string at least one character in length.")
    kinds = [part.get("type") for part in parts]
    if kinds != sorted(kinds, key=lambda kind: {"text/plain": 0, "text/html": 1}.get(kind, 2)):
        yield Problem("content", "If present, text/plain and text/html may only be provided once, text/plain first, then text/html.")


def _attachments(body: Mapping[str, Any]) -> Iterator[Problem]:
    for index, each in enumerate(body.get("attachments", [])):
        where = f"attachments.{index}"
        try:
            whole = bool(b64decode(each.get("content") or "", validate=True))
        except binascii.Error:
            whole = False
        if not whole:
            yield Problem(f"{where}.content", "The attachment content must be base64 encoded.")
        if not each.get("filename"):
            yield Problem(f"{where}.filename", "The attachment filename is required.")
        if each.get("disposition", "attachment") not in {"inline", "attachment"}:
            yield Problem(f"{where}.disposition", "The disposition of your attachment can be either inline or attachment.")


def _extras(body: Mapping[str, Any]) -> Iterator[Problem]:
    yield from _headers(body.get("headers", {}), "headers")
    yield from _arguments(body, "")
    categories = body.get("categories", [])
    if len(categories) > _MOST_CATEGORIES or len(set(categories)) != len(categories):
        yield Problem("categories", "There is a limit of 10 unique categories.")
    for index, name in enumerate(categories):
        if len(name) > _LONGEST_CATEGORY:
            yield Problem(f"categories.{index}", "A category name cannot exceed 255 characters.")
        if "@" in name:
            yield Problem(f"categories.{index}", "Personal data does not belong in categories.")
    for table in ("mail_settings", "tracking_settings"):
        for name, value in body.get(table, {}).items():
            if not isinstance(value, dict) or not isinstance(value.get("enable", False), bool):
                yield Problem(f"{table}.{name}.enable", "The enable parameter must be a boolean.")


def _scheduled(body: Mapping[str, Any], account: Account) -> Iterator[Problem]:
    times = [("send_at", body.get("send_at"))]
    times += [(f"personalizations.{number}.send_at", each.get("send_at")) for number, each in enumerate(body.get("personalizations") or [])]
    for where, send_at in times:
        if send_at is not None and (not isinstance(send_at, int) or not account.now - 60 <= send_at <= account.now + FARTHEST):
            yield Problem(where, "The send_at must be a Unix timestamp within the next 72 hours.")
    if "batch_id" in body and body["batch_id"] not in account.batches:
        yield Problem("batch_id", "The batch_id is not known.")
    if "asm" in body:
        group, shown = body["asm"].get("group_id"), body["asm"].get("groups_to_display", [])
        if group not in account.groups:
            yield Problem("asm.group_id", "The unsubscribe group does not exist.")
        if len(shown) > _MOST_GROUPS or not set(shown) <= set(account.groups):
            yield Problem("asm.groups_to_display", "The groups to display must exist, 25 at most.")
