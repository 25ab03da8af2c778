"""The SendGrid transport: cuts a batch into requests, posts them, and settles what each answer means until everyone has an outcome.

Knows neither JSON nor HTTP. An answer that names people takes them out and posts the rest again, one that names nobody halves the
request; both end with the last person.
"""

from __future__ import annotations

import logging
import secrets
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from composer.errors import MergeError
from composer.transport.base import Accepted, Deferred, Outcome, Rejected, Unknown, Unusable
from composer.transport.sendgrid.answers import Again, All, Named, Stop, Unnamed, Verdict, Wait, judge, judge_loss
from composer.transport.sendgrid.gate import Gate
from composer.transport.sendgrid.payload import LARGEST_REQUEST, Builder, Request, Schedule, Terms
from composer.transport.sendgrid.wire import Answer, Lost

if TYPE_CHECKING:
    import ssl
    from collections.abc import Mapping, Sequence

    from composer.config import Config, SendGrid
    from composer.message.model import Message

_log = logging.getLogger(__name__)
_SEND = "mail/send"
# Seconds before the second, third … try when SendGrid cannot be reached; all threads wait together.
_PAUSES = (1.0, 3.0)
# Seconds that one batch waits for limits in all; after that its people are deferred.
PATIENCE = 120.0
# So many people refused alone, with no reason that names them, and nobody taken ever: it is not the people.
_SUSPICIOUS = 8
# So many requests in a row, of all threads, with an outcome that nobody knows: an outage.
_MOST_DOUBTS = 5


class Caller(Protocol):
    """What posts: ``composer.transport.sendgrid.client.Client``."""

    def call(self, method: str, path: str, *, body: bytes | None = None) -> Answer:
        """Call the API."""


class SendGridTransport:
    """Sends by the v3 Mail Send API. ``send`` may be called from many threads."""

    name: str = "sendgrid"
    real: bool = True
    idempotent: bool = False
    ahead: bool = False
    direct: bool = False

    def __init__(
        self, settings: SendGrid, client: Caller, *, group_id: int = 0, schedule: Schedule | None = None, pauses: Sequence[float] = _PAUSES
    ) -> None:
        """``group_id`` is the unsubscribe group that mail goes with, 0 for none; with a ``schedule`` all is handed over for that time."""
        self.lanes = settings.threads
        self.batch = settings.people_per_request
        self._client = client
        self._retry_5xx = settings.retry_5xx
        self._pauses = tuple(pauses)
        self._schedule = schedule
        terms = Terms(f"q{secrets.token_hex(8)}", group_id, settings.open_tracking, settings.click_tracking, schedule)
        self._builder = Builder(terms, settings.people_per_request)
        self._gate = Gate()
        self._reached = False
        self._taken = False
        self._doubts = 0

    def send(self, batch: Sequence[Message], _upcoming: Message | None = None, /) -> list[Outcome]:
        """Post a batch. Raises Unusable when the account or whole requests are refused, SendGrid was never reached, or on an interrupt."""
        work = _Work([None] * len(batch))
        try:
            work.todo.extend(reversed(list(self._builder.requests(batch))))
        except MergeError as err:  # a sender that cannot be written; nothing was posted yet
            raise self._unusable(work, err.message, err.hint) from err
        while work.todo:
            self._step(work)
        return [outcome for outcome in work.outcomes if outcome is not None]

    def interrupt(self) -> None:
        """End waits for limits; no request is begun after this."""
        self._gate.interrupt()

    def close(self) -> None:
        """Do nothing; every request has a connection of its own."""

    def _step(self, work: _Work) -> None:
        request = work.todo.pop()
        if not request.people:
            return
        body = request.body()
        if refused := self._builder.refusals(request, body):
            self._reject(work, request, refused)
        elif len(body) >= LARGEST_REQUEST:
            self._halve(work, request, Unnamed(f"the request comes to {len(body)} bytes", too_large=True))
        elif wait := self._wait(work):
            self._fill(work, request, Deferred("SendGrid limits how fast it is called", wait))
        else:
            self._settle(work, request, self._post(request, body))

    def _wait(self, work: _Work) -> float:
        begun = time.monotonic()
        left = self._gate.wait(work.patience)
        work.patience = max(0.0, work.patience - (time.monotonic() - begun))
        if self._gate.interrupted:
            raise self._unusable(work, "stopped on request")
        return left

    def _post(self, request: Request, body: bytes) -> Verdict:
        batch = self._schedule.batch_id if self._schedule else ""
        try:
            answer = self._client.call("post", _SEND, body=body)
        except Lost as lost:
            _log.info("request of %d people: %s", len(request.people), lost.reason)
            self._reached = self._reached or lost.connected
            return judge_loss(lost, batch=batch)
        self._reached = True
        _log.info("request of %d people, %d bytes: %d", len(request.people), len(body), answer.status)
        return judge(answer, len(request.people), now=time.time(), retry_5xx=self._retry_5xx, batch=batch)

    def _settle(self, work: _Work, request: Request, verdict: Verdict) -> None:
        match verdict:
            case All(outcome):
                self._taken = self._taken or isinstance(outcome, Accepted)
                self._fill(work, request, outcome)
                self._doubt(work, outcome)
            case Named(reasons):
                self._reject(work, request, reasons)
            case Unnamed():
                self._halve(work, request, verdict)
            case Wait(seconds):
                self._gate.shut(seconds)
                work.todo.append(request)
            case Again(reason):
                self._again(work, request, reason)
            case Stop(message, hint, outcome):
                for place in request.places:
                    work.outcomes[place] = outcome
                raise self._unusable(work, message, hint)

    def _doubt(self, work: _Work, outcome: Outcome) -> None:
        """Stop before an outage brings the whole list into doubt, request by request."""
        self._doubts = self._doubts + 1 if isinstance(outcome, Unknown) else 0
        if self._doubts >= _MOST_DOUBTS and isinstance(outcome, Unknown):
            hint = "It seems to have an outage: see status.sendgrid.com, and go on later."
            raise self._unusable(work, f"SendGrid left {self._doubts} requests in a row in doubt; the last one: {outcome.reason}", hint)

    def _fill(self, work: _Work, request: Request, outcome: Outcome) -> None:
        for place in request.places:
            work.outcomes[place] = outcome
        work.tries = 0

    def _reject(self, work: _Work, request: Request, reasons: Mapping[int, str]) -> None:
        for index, reason in reasons.items():
            work.outcomes[request.places[index]] = Rejected(reason)
        work.todo.append(request.only([index for index in range(len(request.people)) if index not in reasons]))

    def _halve(self, work: _Work, request: Request, verdict: Unnamed) -> None:
        if len(request.people) > 1:
            work.todo.extend(reversed(request.halves()))
        elif verdict.too_large:
            raise self._unusable(
                work, f"the issue is too large for SendGrid: {verdict.reason}", "Make the images smaller, or host them: [images] url."
            )
        else:
            work.outcomes[request.places[0]] = Rejected(verdict.reason)
            work.alone.append(request.places[0])
            if len(work.alone) >= _SUSPICIOUS and not self._taken:
                for place in work.alone:
                    work.outcomes[place] = None
                hint = "It names nobody and nothing; send one message to yourself with `newsletter test`, and ask its support."
                raise self._unusable(work, f"SendGrid takes none of these messages. {verdict.reason}", hint)

    def _again(self, work: _Work, request: Request, reason: str) -> None:
        if work.tries < len(self._pauses):
            self._gate.shut(self._pauses[work.tries])
            work.tries += 1
            work.todo.append(request)
        elif self._reached:
            self._fill(work, request, Deferred(reason))
        else:
            hint = "Check the network, and `base_url` in [transport.sendgrid]."
            raise self._unusable(work, reason, hint)

    def _unusable(self, work: _Work, message: str, hint: str = "") -> Unusable:
        err = Unusable(message, hint=hint)
        err.outcomes = work.outcomes
        return err


def open_sendgrid(config: Config, *, schedule: Schedule | None = None, context: ssl.SSLContext | None = None) -> SendGridTransport:
    """Open the transport of the configured account; the unsubscribe group goes along when ``[unsubscribe]`` says sendgrid.

    ``context`` for TLS; default: the system's certificates. Raises ConfigError without a key.
    """
    from composer.transport.sendgrid.client import open_client  # noqa: PLC0415 - the package behind it takes 85 ms

    settings = config.transport.sendgrid
    group = settings.group_id if config.unsubscribe.via == "sendgrid" else 0
    return SendGridTransport(settings, open_client(config, context=context), group_id=group, schedule=schedule)


@dataclass(slots=True)
class _Work:
    """One batch under way: outcomes so far, requests to post (the next one last), seconds of waiting left, failed tries in a row."""

    outcomes: list[Outcome | None]
    todo: list[Request] = field(default_factory=list)
    patience: float = field(default_factory=lambda: PATIENCE)
    tries: int = 0
    alone: list[int] = field(default_factory=list)
