"""Did a person get it? One plain sentence for each campaign, and what is behind it; as JSON its shape is in docs/campaigns.md."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from composer.audience.reasons import told
from composer.cli.output import when
from composer.ledger.model import DeliveryState

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from composer.audience.address import Address
    from composer.ledger.model import Campaign
    from composer.ledger.subscribers import Delivered
    from composer.ledger.test_sends import TestSend

_S = DeliveryState
_GOT = {_S.ACCEPTED: "yes", _S.IN_DOUBT: "perhaps", _S.SENDING: "perhaps", _S.PENDING: "not yet", _S.DEFERRED: "not yet"}
# Skipped by the sender's word while in doubt; the reason is `composer.ledger.schema.RESOLVED`.
_RESOLVED = (_S.SKIPPED, "resolved")


@dataclass(frozen=True, slots=True)
class Answer:
    """What is known of a person and a campaign: their delivery, or (None) why they were left out."""

    campaign: Campaign
    delivery: Delivered | None
    absence: str = ""

    @property
    def got(self) -> str:
        """``yes``, ``no``, ``not yet`` or ``perhaps``; of a rehearsal, which reaches nobody, ``no``."""
        if self.delivery is None or not self.campaign.real:
            return "no"
        if (self.delivery.state, self.delivery.reason) == _RESOLVED:
            return "perhaps"
        return _GOT.get(self.delivery.state, "no")

    @property
    def sentence(self) -> str:
        """The answer in one sentence."""
        if self.delivery is None:
            why = f"not in campaign {self.campaign.id} ({self.campaign.issue}): {self.absence}"
        elif not self.campaign.real:
            why = f"campaign {self.campaign.id} was a rehearsal, and nothing left this machine"
        else:
            why = _why(self.campaign, self.delivery)
        return f"{self.got.capitalize()}: {why}."


def _why(campaign: Campaign, delivery: Delivered) -> str:
    reason, since = delivery.reason.rstrip("."), when(delivery.updated_at)
    tried = when(delivery.attempts[-1].started_at) if delivery.attempts else since
    because = f": {reason}" if reason else ""
    match delivery.state:
        case _S.ACCEPTED:
            return f"{campaign.issue} was accepted by {campaign.transport} on {since}"
        case _S.PENDING:
            return f"{campaign.issue} waits for its turn; campaign {campaign.id} is {campaign.state}"
        case _S.SENDING:
            return f"{campaign.issue} was handed over on {since}, and there is no answer yet"
        case _S.DEFERRED:
            due = f", and is tried again at {when(delivery.due_at)}" if delivery.due_at else ""
            return f"{campaign.issue} was put off on {since}{due}{because}"
        case _S.REJECTED:
            return f"{campaign.issue} was refused for good on {since}{because}"
        case _S.FAILED:
            return f"{campaign.issue} was given up on {since}{because}"
        case _S.IN_DOUBT:
            return f"{campaign.issue} was sent on {tried}, and the answer was lost; `newsletter resolve {campaign.id}` decides"
        case _S.SKIPPED if (delivery.state, delivery.reason) == _RESOLVED:
            return f"{campaign.issue} was sent on {tried}, the answer was lost, and somebody decided not to send it again"
        case _S.RECALLED:
            return f"{campaign.issue} was accepted, and withdrawn in time on {since}"
        case _:
            return f"{campaign.issue} was not sent: {told(reason) or 'no reason was given'}, on {since}"


def as_data(address: Address, answers: Iterable[Answer], tests: Iterable[TestSend]) -> dict[str, Any]:
    """Return everything, as JSON can hold it; times are ISO 8601 in UTC."""
    data: dict[str, Any] = _jsonable(
        {
            "email": address.email,
            "campaigns": [
                {
                    "campaign": each.campaign.id,
                    "issue": each.campaign.issue,
                    "lists": [one.name for one in each.campaign.lists],
                    "transport": each.campaign.transport,
                    "real": each.campaign.real,
                    "correction": each.campaign.correction,
                    "created_at": each.campaign.created_at,
                    "got": each.got,
                    "answer": each.sentence,
                    "absence": each.absence,
                    "delivery": _delivery(each.delivery) if each.delivery else None,
                }
                for each in answers
            ],
            "test_sends": [{name: value for name, value in asdict(each).items() if name != "key"} for each in tests],
        }
    )
    return data


def _delivery(found: Delivered) -> dict[str, Any]:
    shown = ("id", "position", "list", "email", "name", "state", "reason", "first_tried_at", "due_at", "updated_at")
    return {**{name: getattr(found, name) for name in shown}, "attempts": [asdict(each) for each in found.attempts]}


def as_pairs(address: Address, answers: Sequence[Answer], tests: Sequence[TestSend]) -> Iterator[list[tuple[str, str]]]:
    """Yield blocks of names and values to print in two columns, the answers first of each."""
    yield [("Address", address.email)]
    yield from ([*_block(each)] for each in answers)
    if tests:
        yield [("" if number else "Tests", _test(each)) for number, each in enumerate(tests)]


def _block(answer: Answer) -> Iterator[tuple[str, str]]:
    campaign, found = answer.campaign, answer.delivery
    kind = ", a correction" if campaign.correction else ""
    yield "Answer", answer.sentence
    lists = ", ".join(each.name for each in campaign.lists)
    yield "Campaign", f"{campaign.id}, {campaign.issue} for {lists} by {campaign.transport}{kind}, begun {when(campaign.created_at)}"
    if found is None:
        return
    yield (
        "Delivery",
        f"{found.state.replace('_', ' ')}{f' ({found.reason})' if found.reason else ''}, id {found.id}, list {found.list or '-'}",
    )
    for number, tried in enumerate(found.attempts):
        words = f"{tried.number}: {when(tried.started_at)}, {tried.outcome.replace('_', ' ')}" + (
            f", {tried.answer}" if tried.answer else ""
        )
        yield "" if number else "Attempts", words


def _test(each: TestSend) -> str:
    words = f"{each.issue}{f' ({each.variant})' if each.variant else ''} by {each.transport}: {each.outcome or 'no answer'}"
    begun = f", {when(each.started_at)}" if each.started_at else ""
    return words + begun + (f", {each.answer}" if each.answer else "")


def _jsonable(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, dict):
        return {name: _jsonable(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_jsonable(each) for each in value]
    return value
