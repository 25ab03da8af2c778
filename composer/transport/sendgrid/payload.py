"""Messages as the body of a v3 Mail Send request: what they share is written once an edition, each person is one personalization. Pure.

SendGrid merges: in place of each mark stands a tag that nobody can guess, since substituted values may be scanned for tags again.
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from composer.issue.model import LINK_FIELDS
from composer.message import escape
from composer.message.form import content_id
from composer.message.headers import split_mailbox
from composer.message.merge import Merger
from composer.message.model import Message

MOST_PEOPLE = 1000
LARGEST_REQUEST = 30_000_000
LARGEST_PERSON = 10_000
# The same for everyone of a list.
_SHARED = "List-Id"
_NO_NAME = str.maketrans({";": " ", ",": " "})
_OFF = {"enable": False}
_quoted = json.encoder.encode_basestring
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


@dataclass(frozen=True, slots=True)
class Schedule:
    """When to send what is handed over now, and as part of which batch; ``send_at`` in Unix seconds, at most 72 hours ahead."""

    batch_id: str
    send_at: int


@dataclass(frozen=True, slots=True)
class Terms:
    """What all requests of a transport say alike. ``tag`` begins every tag: unguessable letters and digits. ``group_id`` 0: none."""

    tag: str = field(repr=False)
    group_id: int = 0
    open_tracking: bool = False
    click_tracking: bool = False
    schedule: Schedule | None = None


@dataclass(frozen=True, slots=True)
class Frame:
    """What the requests of an edition share: each hole's mark with its tag as a key in JSON, and the ``rest`` after the people."""

    keys: tuple[tuple[str, str], ...]
    subject: str
    listed: bool
    rest: bytes = field(repr=False)


class Person(NamedTuple):
    """One personalization as JSON; ``merged`` characters of it are substitutions, ``prefixed`` is one with a subject of its own."""

    json: str
    merged: int
    prefixed: bool

    def __repr__(self) -> str:
        """Tell nothing of the person."""
        return f"Person({len(self.json)} characters)"


@dataclass(frozen=True, slots=True)
class Request:
    """One request to be; ``places`` are where each of its people stands in the batch."""

    frame: Frame
    places: tuple[int, ...]
    people: tuple[Person, ...] = field(repr=False)

    def body(self) -> bytes:
        """Return the request as JSON in UTF-8."""
        return b'{"personalizations":[' + ",".join([person.json for person in self.people]).encode() + b"]," + self.frame.rest

    def only(self, wanted: Sequence[int]) -> Request:
        """Return the request for some of its people, by index."""
        return Request(self.frame, tuple(self.places[index] for index in wanted), tuple(self.people[index] for index in wanted))

    def halves(self) -> tuple[Request, Request]:
        """Return two requests with half of the people each; there must be two people at least."""
        middle = len(self.people) // 2
        return self.only(range(middle)), self.only(range(middle, len(self.people)))


class Builder:
    """Builds requests; keeps the frames of the editions that it met last. Safe to use from many threads."""

    def __init__(self, terms: Terms, people_per_request: int) -> None:
        self.terms = terms
        self._most = max(1, min(people_per_request, MOST_PEOPLE))
        self._frames: dict[tuple[object, ...], Frame] = {}

    def requests(self, batch: Sequence[Message]) -> Iterator[Request]:
        """Yield requests for a batch: each of one edition, with addresses unique in it, and no more people than it may have."""
        for kind, places in _alike(batch).items():
            frame = self._frame(kind, batch[places[0]])
            for part in _distinct(places, batch):
                for start in range(0, len(part), self._most):
                    chosen = tuple(part[start : start + self._most])
                    yield Request(frame, chosen, _people([batch[place] for place in chosen], frame))

    def refusals(self, request: Request, body: bytes) -> dict[int, str]:
        """Say of whom a request, written as ``body``, cannot be sent, by index, and why; no reason names the person."""
        refused = {
            index: f"what is merged for this person comes to {size} bytes; SendGrid takes {LARGEST_PERSON}"
            for index, size in _heavy(request)
        }
        tag, head = self.terms.tag, len(body) - len(request.frame.rest)
        in_subject = request.frame.subject.count(tag)
        prefixed = sum(person.prefixed for person in request.people) if in_subject else 0
        if body.count(tag.encode(), 0, head) != len(request.frame.keys) * len(request.people) + prefixed * in_subject:
            for index, person in enumerate(request.people):
                if person.json.count(tag) != len(request.frame.keys) + person.prefixed * in_subject:
                    refused[index] = "a value of this person looks like a tag of the request"
        return refused

    def _frame(self, key: tuple[object, ...], message: Message) -> Frame:
        frame = self._frames.get(key)
        if frame is None:
            if len(self._frames) > 16:  # noqa: PLR2004 - a handful of lists at a time
                self._frames = {}
            frame = self._frames[key] = make_frame(message, self.terms)
        return frame


def make_frame(message: Message, terms: Terms) -> Frame:
    """Write what the requests for messages like this one share."""
    merger, edition = message.merged.merger, message.edition
    links = _links(merger)
    constant = {mark: value for mark, value in zip(links, _fixed(message.substitutions, links), strict=True) if value}
    cuts = {"subject": merger.subject, "text": merger.text, "html": merger.html}
    used = dict.fromkeys(slot.mark for cut in cuts.values() for _, slot in cut.holes if slot.mark not in constant)
    tags = {mark: f"{terms.tag}n{number}z" for number, mark in enumerate(used)}
    texts = {name: cut.join({**tags, **constant}) for name, cut in cuts.items()}
    list_id = message.headers.get(_SHARED, "")
    common: dict[str, Any] = {"from": _mailbox(edition.from_)}
    if edition.reply_to:
        common["reply_to"] = _mailbox(edition.reply_to)
    # SendGrid refuses an order other than text, then HTML; and an empty part.
    parts = (("text/plain", texts["text"]), ("text/html", texts["html"]))
    common |= {"subject": texts["subject"], "content": [{"type": kind, "value": value} for kind, value in parts if value]}
    if images := _images(message):
        common["attachments"] = images
    if list_id:
        common["headers"] = {_SHARED: list_id}
    common |= _settings(terms)
    # A test's links lead nowhere: the header that SendGrid adds for a group would still take the reader off the list.
    if terms.group_id and (constant or not message.prefix):
        common["asm"] = {"group_id": terms.group_id, "groups_to_display": [terms.group_id]}
    rest = _encode(common).encode()[1:]
    keys = {mark: f"{_quoted(tag)}:" for mark, tag in tags.items()}
    return Frame(tuple(keys.items()), texts["subject"], bool(list_id), rest)


def _alike(batch: Sequence[Message]) -> dict[tuple[object, ...], list[int]]:
    """Return the places in a batch of those that can share a request; most batches are one such group."""
    groups: dict[tuple[object, ...], list[int]] = {}
    merger: Merger | None = None
    links: tuple[str, ...] = ()
    last: tuple[object, ...] = ()
    group: list[int] = []
    for place, message in enumerate(batch):
        merged = message.merged
        if merged.merger is not merger:
            merger, links = merged.merger, _links(merged.merger)
        kind = (_fixed(merged.substitutions, links), message.headers.get(_SHARED, ""), not message.prefix)
        if (merger, *kind) != last:  # a merger's hash is that of its edition: not to be had for nothing
            last = (merger, *kind)
            group = groups.setdefault(last, [])
        group.append(place)
    return groups


def _people(messages: Sequence[Message], frame: Frame) -> tuple[Person, ...]:
    people: list[Person] = []
    headers: Mapping[str, str] | None = None
    written = ""
    for message in messages:
        if message.headers is not headers:  # most lists have one for all
            headers, written = message.headers, _headers(message.headers, frame)
        people.append(_personalization(message, frame, written))
    return tuple(people)


def _headers(headers: Mapping[str, str], frame: Frame) -> str:
    """Write a person's headers. Whether these replace the shared ones or join them is not documented; so they are complete."""
    if len(headers) <= frame.listed:
        return ""
    return ',"headers":{' + ",".join([f"{_quoted(each)}:{_quoted(value)}" for each, value in headers.items()]) + "}"


def personalization(message: Message, frame: Frame) -> Person:
    """Write what is one person's own; ``substitutions`` are escaped already, each for its place."""
    return _personalization(message, frame, _headers(message.headers, frame))


def _personalization(message: Message, frame: Frame, headers: str) -> Person:
    values = message.merged.substitutions
    merged = ",".join([key + _quoted(values[mark]) for mark, key in frame.keys])
    name = _name(message.name)
    named = f',"name":{_quoted(name)}' if name else ""
    filled = f',"substitutions":{{{merged}}}' if merged else ""
    subject = f',"subject":{_quoted(message.prefix + frame.subject)}' if message.prefix else ""
    delivery = f',"custom_args":{{"delivery":{_quoted(message.delivery_id)}}}'
    written = f'{{"to":[{{"email":{_quoted(message.email)}{named}}}]{delivery}{filled}{headers}{subject}}}'
    return Person(written, len(merged), bool(message.prefix))


def _settings(terms: Terms) -> dict[str, Any]:
    """Settings of the account that would rewrite the mail are switched off unless asked for."""
    clicks, schedule = terms.click_tracking, terms.schedule
    return {
        "tracking_settings": {
            "click_tracking": {"enable": clicks, "enable_text": clicks},
            "open_tracking": {"enable": terms.open_tracking},
            "subscription_tracking": _OFF,
            "ganalytics": _OFF,
        },
        "mail_settings": {"bypass_list_management": _OFF, "footer": _OFF, "sandbox_mode": _OFF},
        **({"batch_id": schedule.batch_id, "send_at": schedule.send_at} if schedule else {}),
    }


def _images(message: Message) -> list[dict[str, str]]:
    images = {content_id(message.image_urls.get(asset.mark, "")): asset for asset in message.edition.attachments}
    return [
        {
            "content": b64encode(asset.data).decode(),
            "type": asset.media_type,
            "filename": escape.header(asset.name) or "image",
            "disposition": "inline",
            "content_id": cid,
        }
        for cid, asset in images.items()
        if cid
    ]


def _links(merger: Merger) -> tuple[str, ...]:
    return tuple(slot.mark for slot in merger.edition.fields if slot.name in LINK_FIELDS)


def _fixed(values: Mapping[str, str], links: tuple[str, ...]) -> tuple[str, ...]:
    """The tags of SendGrid's own among a person's links; they are replaced in the content, not in substitutions."""
    return tuple([value if (value := values[mark]).startswith("<%") else "" for mark in links])


def _name(name: str) -> str:
    """SendGrid takes no semicolon or comma in a recipient's name."""
    name = escape.header(name)
    return " ".join(name.translate(_NO_NAME).split()) if ";" in name or "," in name else name


def _mailbox(text: str) -> dict[str, str]:
    name, address = split_mailbox(text)
    return {"email": address, "name": escape.header(name)} if name else {"email": address}


def _distinct(places: list[int], batch: Sequence[Message]) -> list[list[int]]:
    """Cut places so that no part has an address twice."""
    if len({batch[place].email.lower() for place in places}) == len(places):
        return [places]
    parts: list[dict[str, int]] = []
    for place in places:
        key = batch[place].email.lower()
        part = next((part for part in parts if key not in part), None)
        if part is None:
            parts.append(part := {})
        part[key] = place
    return [list(part.values()) for part in parts]


def _heavy(request: Request) -> Iterator[tuple[int, int]]:
    """Yield index and bytes of those who are over the limit; measured only where the number of characters leaves it open."""
    for index, person in enumerate(request.people):
        if person.merged * 4 > LARGEST_PERSON:  # no character takes more bytes in UTF-8
            own = json.loads(person.json)
            size = sum(len(_encode(own[key]).encode()) for key in ("substitutions", "custom_args") if key in own)
            if size > LARGEST_PERSON:
                yield index, size
