"""What an answer of SendGrid says of the people of a request, and what to do next. Pure.

Documented: a 202 takes all; a 400 refuses all for one bad person, whom ``errors[].field`` may name. Nothing says that a 5xx took nobody.
Words of the other side are shown without addresses.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

from composer.transport.base import Accepted, Deferred, Outcome, Unknown

if TYPE_CHECKING:
    from composer.transport.sendgrid.wire import Answer, Lost

_ACCEPTED = 202
_PERSON = re.compile(r"personalizations\b[.\[]+(\d+)")
_ADDRESS = re.compile(r"[^\s<>\[\]()\"',;:]+@[^\s<>\[\]()\"',;:]+")
_LONGEST = 300
_LONGEST_WAIT = 3600.0
_SHORTEST_WAIT = 1.0
_DEFAULT_WAIT = 10.0
_SETUP = "docs/sendgrid.md tells how an account is set up; `newsletter doctor` tries the key without sending."
_HINTS = {
    401: "Put a valid SENDGRID_API_KEY into the environment or .env; a key is shown once, when it is made.",
    403: "Give the key the permission Mail Send, and verify the sender of `from` or its domain at SendGrid.",
    404: "Check `base_url` in [transport.sendgrid]: https://api.sendgrid.com, or https://api.eu.sendgrid.com for an account in the EU.",
    413: "Make the images smaller, or host them: [images] url.",
}
_FIELDS = {
    "from": "Verify the sender of `from`, or its domain, at SendGrid.",
    "reply_to": "Check `reply_to` in newsletter.toml or the list's file.",
    "asm": "Check `group_id` in [transport.sendgrid]: the number of an unsubscribe group of this account.",
    "send_at": "Check this machine's clock, and `undo_minutes` in [transport.sendgrid].",
    "batch_id": "Check that the account is the one that the batch was made in.",
}


@dataclass(frozen=True, slots=True)
class All:
    """Everyone of the request has this outcome."""

    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Named:
    """Nobody was taken, because of these, by index; the rest may go again at once."""

    reasons: Mapping[int, str]


@dataclass(frozen=True, slots=True)
class Unnamed:
    """Nobody was taken, because of somebody or because of its size; halves may tell. ``too_large``: it was its size."""

    reason: str
    too_large: bool = False


@dataclass(frozen=True, slots=True)
class Wait:
    """Nobody was taken; the same may go again after so many seconds."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Again:
    """Nobody was taken, because the other side could not be reached; the same may go again after a pause."""

    reason: str


@dataclass(frozen=True, slots=True)
class Stop:
    """Nobody would be taken: the account or the whole request is refused. ``outcome`` is that of the request's people, None: not taken."""

    message: str
    hint: str
    outcome: Outcome | None = None


Verdict = All | Named | Unnamed | Wait | Again | Stop


def judge(answer: Answer, people: int, *, now: float, retry_5xx: bool = False, batch: str = "") -> Verdict:
    """Say what an answer means for the ``people`` of a request; ``now`` in Unix seconds, ``batch`` is the id that they went with."""
    status = answer.status
    words = said(answer)
    if status == _ACCEPTED and answer.whole:
        return All(Accepted(_printable(answer.headers.get("x-message-id", "")) or str(status), batch))
    if status < 400 or status >= 600:  # noqa: PLR2004 - what is neither a yes nor a no
        words = f"the address of SendGrid answered {status} instead of 202"
        # A redirect is not followed, and took nothing; sandbox mode and front ends answer 200 for reasons of their own.
        moved = status in {301, 302, 307, 308}
        return Stop(words, _HINTS[404], None if moved else Unknown(words, batch))
    if status >= 500:  # noqa: PLR2004
        if retry_5xx or not answer.whole:
            return All(Deferred(f"SendGrid answered {status}{words}"))
        return All(Unknown(f"SendGrid answered {status}{words}; perhaps it took the mail", batch))
    if status == 429:  # noqa: PLR2004
        return Wait(wait_of(answer.headers, now))
    if status == 413:  # noqa: PLR2004
        return Unnamed(f"SendGrid answered {status}{words}", too_large=True)
    if status == 400:  # noqa: PLR2004
        return _refused(answer, people)
    if status in _HINTS:
        return Stop(f"SendGrid answered {status}{words}", _HINTS[status])
    return All(Deferred(f"SendGrid answered {status}{words}"))


def judge_loss(lost: Lost, *, batch: str = "") -> Verdict:
    """Say what it means that no answer came."""
    if lost.written:
        return All(Unknown(f"the answer was lost: {lost.reason}", batch))
    if lost.untrusted:
        hint = "Check `base_url` in [transport.sendgrid], and that nothing between here and there opens encrypted connections."
        return Stop(f"SendGrid cannot be reached safely: {lost.reason}", hint)
    return Again(f"the connection broke off: {lost.reason}" if lost.connected else f"SendGrid cannot be reached: {lost.reason}")


def wait_of(headers: Mapping[str, str], now: float) -> float:
    """Return the seconds until a limit is lifted (X-RateLimit-Reset in Unix seconds, by the other side's clock; else Retry-After)."""
    with suppress(ValueError, TypeError, OverflowError):
        now = parsedate_to_datetime(headers.get("date", "")).timestamp()
    seconds = _DEFAULT_WAIT
    if (reset := headers.get("x-ratelimit-reset", "").strip()).isdigit():
        seconds = int(reset) - now
    elif (after := headers.get("retry-after", "").strip()).isdigit():
        seconds = int(after)
    return min(max(seconds, _SHORTEST_WAIT), _LONGEST_WAIT)


def said(answer: Answer) -> str:
    """Return the first error of an answer as ``: words``, without addresses, or an empty text."""
    for error in _errors(answer.body):
        if words := _printable(error["message"]):
            return f": {words}"
    return ""


def _refused(answer: Answer, people: int) -> Verdict:
    """Sort the errors of a 400: those that name a person, those about the whole request, and those that name nothing."""
    named: dict[int, str] = {}
    for error in _errors(answer.body):
        field, words = error["field"], _printable(error["message"]) or "no reason given"
        match = _PERSON.match(field)
        if match and int(match[1]) < people:
            named.setdefault(int(match[1]), f"SendGrid refused: {words}")
        elif field and not field.startswith("personalizations"):
            top = re.split(r"[.\[]", field)[0]
            return Stop(f"SendGrid refuses the whole request: {words} ({_printable(field)})", _FIELDS.get(top, _SETUP))
    return (
        Named(named) if named else Unnamed(f"SendGrid refused{said(answer)}" if said(answer) else "SendGrid refused, with no reason given")
    )


def _errors(body: bytes) -> list[dict[str, str]]:
    """Return message and field of every error; empty texts for what is not there, an empty list for what is no answer of SendGrid's."""
    try:
        data: Any = json.loads(body)
    except ValueError:
        return []
    errors = data.get("errors") if isinstance(data, dict) else None
    found = [error for error in errors if isinstance(error, dict)] if isinstance(errors, list) else []
    texts = [{key: str(error.get(key) or "") for key in ("message", "field")} for error in found]
    return [{**each, "field": "" if each["field"].lower() in {"null", "none"} else each["field"]} for each in texts]


def _printable(words: str) -> str:
    return _ADDRESS.sub("(an address)", " ".join("".join(c if c.isprintable() else " " for c in words).split()))[:_LONGEST]
