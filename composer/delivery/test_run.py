"""A test send as it runs: merged and handed over as a campaign's messages are, marked, with links that unsubscribe nobody.

It is no campaign: each message has a row of its own in the ledger, written before it leaves and ended after.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from composer.audience.select import is_public
from composer.delivery.dispatch import send_apart
from composer.delivery.test_send import Trial
from composer.errors import MergeError, Stopped, TransportError, UsageError
from composer.ledger.test_sends import ACCEPTED, TestSend, finish_test_send, start_test_send
from composer.message.build import build_message, image_urls
from composer.message.inert import make_inert
from composer.message.links import inert_unsubscribe
from composer.message.merge import Merger
from composer.transport.registry import Occasion, open_transport, way_out

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from composer.delivery.test_send import PreparedTest
    from composer.ledger.database import Ledger
    from composer.message.model import Message
    from composer.project import Project
    from composer.transport.base import Transport

    Build = Callable[[Trial, datetime], Message]

UNBUILT, NOT_SENT = "unbuilt", "not_sent"


@dataclass(frozen=True, slots=True)
class Tested:
    """What became of one message; ``outcome`` is accepted, deferred, rejected, unknown, unbuilt or not_sent."""

    trial: Trial
    outcome: str
    answer: str = field(repr=False, default="")


@dataclass(frozen=True, slots=True)
class TestReport:
    """How a test went; ``place`` is where the messages are (a folder, a host), ``reason`` why it stopped before its end."""

    __test__ = False  # pytest takes every class of that name for a test

    tested: tuple[Tested, ...]
    place: str
    reason: str = ""

    @property
    def exit_code(self) -> int:
        """0 when every message was accepted, 1 when one was not, 3 when the transport was unusable."""
        if self.reason:
            return Stopped.exit_code
        return int(any(each.outcome != ACCEPTED for each in self.tested))


def run_test(project: Project, ledger: Ledger, prepared: PreparedTest, *, sender: str, clock: Callable[[], datetime]) -> TestReport:
    """Send a test, message by message; ``sender`` is who pressed send.

    A message that cannot be built, or is refused, stops none of the others; an unusable transport does. Raises UsageError when
    something blocks it, ConfigError, LedgerError.
    """
    if prepared.blocking:
        raise UsageError("this cannot be sent, not even as a test", findings=prepared.blocking)
    occasion = Occasion(prepared.edition.stem, 0, clock())
    build = _builder(project, prepared)
    transport = open_transport(project, prepared.transport, occasion)
    tested: list[Tested] = []
    reason = ""
    try:
        for trial in prepared.trials:
            number = start_test_send(ledger, _row(prepared, trial, sender), clock())
            done, reason = _send(transport, build, trial, clock())
            finish_test_send(ledger, number, done.outcome, done.answer, clock())
            tested.append(done)
            if reason:
                break
    finally:
        transport.close()
    return TestReport(tuple(tested), way_out(prepared.transport).place(project, occasion), reason)


def _row(prepared: PreparedTest, trial: Trial, sender: str) -> TestSend:
    return TestSend(
        issue=prepared.edition.stem,
        edition=prepared.edition.digest,
        list=prepared.settings.name,
        transport=prepared.transport,
        real=prepared.real,
        sender=sender,
        email=trial.tester.email,
        key=trial.tester.key,
        variant=trial.variant,
    )


def _send(transport: Transport, build: Build, trial: Trial, now: datetime) -> tuple[Tested, str]:
    """Build and send one message; return what became of it, and why no other should follow."""
    try:
        outcome = send_apart(transport, build(trial, now))
    except MergeError as err:
        return Tested(trial, UNBUILT, str(err)), ""
    except TransportError as err:
        return Tested(trial, NOT_SENT, str(err)), f"{err}. {err.hint}".strip() if err.hint else str(err)
    words = getattr(outcome, "answer", "") or getattr(outcome, "reason", "")
    return Tested(trial, type(outcome).__name__.lower(), words), ""


def _builder(project: Project, prepared: PreparedTest) -> Build:
    edition, settings, config = prepared.edition, prepared.settings, project.config
    keys = project.signing_keys() if config.unsubscribe.via == "service" else ()
    # As a send has it; where images have no address yet they travel inside, so that a colleague sees them.
    hosted = prepared.real and is_public(settings) and bool(config.images.url)
    merger = Merger(edition, image_urls(edition, config, hosted=hosted))
    sender = edition.reply_to or edition.from_

    def build(trial: Trial, now: datetime) -> Message:
        # No delivery has such an id, whatever comes back about it.
        test_id = f"test-{secrets.token_hex(12)}"
        message = build_message(merger, trial.person, delivery_id=test_id, date=now, config=config, settings=settings, keys=keys)
        # Its mailbox is the colleague's, whoever it was merged as.
        message = message._replace(email=trial.tester.email, prefix=trial.prefix, position=trial.position)
        return make_inert(message, inert_unsubscribe(config, settings, test_id, keys, sender=sender))

    return build
