"""What a transport did lately is counted alike in SQLite and PostgreSQL, and only what may have reached its server."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import update

from composer.ledger.campaigns import start_campaign
from composer.ledger.deliveries import claim, record, settle_orphans
from composer.ledger.model import DeliveryState, Result
from composer.ledger.schema import campaigns
from composer.ledger.tallies import Tally, tally_attempts
from composer.testing import FakeClock, an_audience, an_edition

NOW = FakeClock().now
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
S = DeliveryState


def _start(ledger, people=10, *, stem="2026-01", transport="smtp", real=True):
    return start_campaign(ledger, an_edition(stem), an_audience(people), transport=transport, real=real, setting={}, now=NOW - DAY)


def _attempt(ledger, campaign, at, *kinds):
    """Claim as many as there are kinds, half a second before they end so."""
    rows = claim(ledger, campaign, len(kinds), at - timedelta(seconds=0.5), NOW + DAY).rows
    states = {"accepted": S.ACCEPTED, "rejected": S.REJECTED, "deferred": S.DEFERRED, "not_sent": S.PENDING, "unbuilt": S.FAILED}
    due = at + timedelta(minutes=1)
    record(
        ledger,
        [
            Result(row, states.get(kind, S.IN_DOUBT), kind, "said", due if kind == "deferred" else None)
            for row, kind in zip(rows, kinds, strict=True)
        ],
        at,
    )


def test_what_may_have_reached_the_server_counts(any_ledger):
    """Whatever was answered, and also when the answer was lost; what certainly never left does not."""
    kinds = ("accepted", "rejected", "deferred", "unknown", "lost", "not_sent", "unbuilt")
    _attempt(any_ledger, _start(any_ledger), NOW, *kinds)
    assert tally_attempts(any_ledger, "smtp", NOW - HOUR) == [Tally(NOW, 5)]


def test_what_a_dead_process_left_counts(any_ledger):
    """It may have been sent, up to the moment at which it was found."""
    campaign = _start(any_ledger)
    claim(any_ledger, campaign, 3, NOW - timedelta(minutes=5))
    settle_orphans(any_ledger, campaign, S.IN_DOUBT, "lost", NOW)
    assert tally_attempts(any_ledger, "smtp", NOW - HOUR) == [Tally(NOW, 3)]


def test_all_campaigns_of_the_transport_count_and_no_other(any_ledger):
    """The server knows nothing of campaigns; a rehearsal and another way out never reached it."""
    for number, (transport, real) in enumerate([("smtp", True), ("smtp", True), ("smtp", False), ("sendgrid", True)]):
        campaign = _start(any_ledger, stem=f"2026-0{number + 1}", transport=transport, real=real)
        _attempt(any_ledger, campaign, NOW, *["accepted"] * (number + 1))
    assert tally_attempts(any_ledger, "smtp", NOW - HOUR) == [Tally(NOW, 3)]
    assert tally_attempts(any_ledger, "sendgrid", NOW - HOUR) == [Tally(NOW, 4)]
    assert tally_attempts(any_ledger, "outbox", NOW - HOUR) == []


def test_only_what_ended_since_counts(any_ledger):
    """What ended just then is an hour old."""
    campaign = _start(any_ledger)
    _attempt(any_ledger, campaign, NOW - HOUR, "accepted")
    _attempt(any_ledger, campaign, NOW - HOUR + timedelta(microseconds=1), "accepted", "accepted")
    assert tally_attempts(any_ledger, "smtp", NOW - HOUR) == [Tally(NOW - HOUR + timedelta(microseconds=1), 2)]
    assert sum(each.number for each in tally_attempts(any_ledger, "smtp", NOW - DAY)) == 3


def test_half_minutes_are_told_apart_the_oldest_first(any_ledger):
    """Each with its last moment, to the microsecond: none of it counts longer than half a minute too long."""
    campaign, moments = _start(any_ledger, 60), [NOW - timedelta(seconds=7.25 * place) for place in range(60)]
    for moment in moments:
        _attempt(any_ledger, campaign, moment, "accepted")
    found = tally_attempts(any_ledger, "smtp", NOW - HOUR)
    assert sum(each.number for each in found) == 60
    assert [each.last for each in found] == sorted(each.last for each in found)
    assert {each.last for each in found} <= set(moments)
    assert found[-1].last == NOW
    assert 15 <= len(found) <= 16
    assert max(each.number for each in found) <= 5


@pytest.mark.parametrize("behind", [timedelta(0), timedelta(minutes=59)])
def test_a_campaign_that_died_in_flight_counts(any_ledger, behind):
    """It is touched by claims: the last that it did may have ended some time after."""
    campaign = _start(any_ledger)
    _attempt(any_ledger, campaign, NOW - timedelta(minutes=30), "accepted")
    with any_ledger.write() as connection:
        connection.execute(update(campaigns).values(updated_at=NOW - HOUR - behind))
    assert len(tally_attempts(any_ledger, "smtp", NOW - HOUR)) == 1
