"""The domains that defer: counted by what stands behind the last @, with what was said last, and nobody named."""

from __future__ import annotations

from datetime import timedelta

import pytest

from composer.audience.model import Audience, Subscriber
from composer.config import ListSettings
from composer.ledger.campaigns import start_campaign
from composer.ledger.deferring import deferring_domains
from composer.ledger.deliveries import claim, record
from composer.ledger.forgotten import forget
from composer.ledger.model import DeliveryState, Result
from composer.testing import FakeClock, an_edition

NOW = FakeClock().now
S = DeliveryState


@pytest.fixture
def ledger(any_ledger):
    """Every test runs on both databases."""
    return any_ledger


def _deferred(ledger, *people, state=S.DEFERRED):
    """Begin a campaign and let each of (address, reason, minutes until due) end so, a second after the one before."""
    everyone = tuple(Subscriber(email, email, "Person", {"first_name": "P"}) for email, *_ in people)
    audience = Audience((ListSettings(name="readers"),), everyone)
    campaign = start_campaign(ledger, an_edition(), audience, transport="memory", real=True, setting={}, now=NOW)
    rows = claim(ledger, campaign, len(people), NOW).rows
    for number, (row, (_, reason, minutes)) in enumerate(zip(rows, people, strict=True)):
        due = NOW + timedelta(minutes=minutes) if state is S.DEFERRED else None
        record(ledger, [Result(row, state, "told", reason, due)], NOW + timedelta(seconds=number))
    return campaign


def test_counted_by_domain_the_most_first(ledger):
    """Which domain, how many, when the next is due, what it said last; addresses with an @ in quotes, and equal endings, are told apart."""
    campaign = _deferred(
        ledger,
        ("a@example.com", "451 first", 30),
        ("b@example.com", "451 second", 10),
        ("c@mail.example.com", "450 other", 5),
        ('"x@example.net"@example.com', "451 third", 20),
        ("d@xn--grn-hoa.example", "", 1),
    )
    found, more = deferring_domains(ledger, campaign)
    assert more == 0
    assert [tuple(each) for each in found] == [
        ("example.com", 3, NOW + timedelta(minutes=10), "451 third"),
        ("mail.example.com", 1, NOW + timedelta(minutes=5), "450 other"),
        ("xn--grn-hoa.example", 1, NOW + timedelta(minutes=1), ""),
    ]
    assert found[0].due_at.tzinfo is not None


def test_ten_and_how_many_more(ledger):
    """A screen has room for the biggest."""
    campaign = _deferred(ledger, *((f"p{number}@d{number % 13:02}.example", "451 later", number) for number in range(30)))
    found, more = deferring_domains(ledger, campaign)
    assert [(each.domain, each.number) for each in found] == [(f"d{n:02}.example", 3 if n < 4 else 2) for n in range(10)]
    assert more == 3


@pytest.mark.parametrize("state", [S.ACCEPTED, S.REJECTED, S.FAILED, S.IN_DOUBT])
def test_the_others_are_none_of_it(ledger, state):
    """Only who is tried again is deferred."""
    assert deferring_domains(ledger, _deferred(ledger, ("a@example.com", "said", 1), state=state)) == ((), 0)


def test_who_was_forgotten_is_not_named(ledger):
    """What stands in the place of the address is no domain."""
    campaign = _deferred(ledger, ("a@example.com", "451 later", 1), ("b@example.net", "451 later", 2))
    forget(ledger, "a@example.com", ("key",), NOW)
    assert [each.domain for each in deferring_domains(ledger, campaign)[0]] == ["example.net"]
