"""Everybody of a campaign can be read back, in SQLite and PostgreSQL alike, however many they are."""

from __future__ import annotations

import tracemalloc
from datetime import timedelta

import pytest

from composer.ledger import answers
from composer.ledger.answers import count_accepted, iter_lines, states_of
from composer.ledger.campaigns import start_campaign
from composer.ledger.deliveries import claim, record
from composer.ledger.model import DeliveryState, Result
from composer.testing import FakeClock, an_audience, an_edition

NOW = FakeClock().now
LATER = NOW + timedelta(minutes=5)
S = DeliveryState


def _start(ledger, people, stem="2026-01"):
    return start_campaign(ledger, an_edition(stem), an_audience(people), transport="memory", real=True, setting={}, now=NOW)


def _settle(ledger, campaign, states, at=LATER):
    """Send to as many people as there are states, and let each end in its own."""
    rows = claim(ledger, campaign, len(states), NOW, NOW + timedelta(days=1)).rows
    due = NOW + timedelta(hours=1)
    told = [
        Result(row, state, "told", f"{state} said", due if state is S.DEFERRED else None) for row, state in zip(rows, states, strict=True)
    ]
    record(ledger, told, at)


def test_a_line_says_what_is_known_of_a_person(any_ledger):
    """State, reason, how often and when tried, and what was answered last; nothing of somebody who was never tried."""
    campaign = _start(any_ledger, 3)
    _settle(any_ledger, campaign, [S.REJECTED, S.ACCEPTED])
    first, second, third = iter_lines(any_ledger, campaign)
    assert (first.email, first.name, first.state, first.reason) == ("person1@example.com", "Person 1", "rejected", "rejected said")
    assert (first.attempts, first.first_tried_at, first.updated_at, first.answer) == (1, NOW, LATER, "rejected said")
    assert (second.state, second.reason, second.answer) == ("accepted", "", "accepted said")
    assert (third.state, third.attempts, third.first_tried_at, third.updated_at, third.answer) == ("pending", 0, None, NOW, "")
    assert len({first.id, second.id, third.id}) == 3


def test_the_last_of_several_answers_is_told(any_ledger):
    """What was said an hour ago is history."""
    campaign = _start(any_ledger, 1)
    _settle(any_ledger, campaign, [S.DEFERRED])
    _settle(any_ledger, campaign, [S.ACCEPTED])
    (line,) = iter_lines(any_ledger, campaign)
    assert (line.state, line.attempts, line.answer, line.reason) == ("accepted", 2, "accepted said", "")


def test_nobody_of_another_campaign_is_told(any_ledger):
    """Positions are alike in all campaigns."""
    first, second = _start(any_ledger, 2), _start(any_ledger, 3, "2026-02")
    _settle(any_ledger, first, [S.ACCEPTED, S.REJECTED])
    assert [line.state for line in iter_lines(any_ledger, second)] == ["pending"] * 3
    assert [line.answer for line in iter_lines(any_ledger, second)] == [""] * 3


@pytest.mark.parametrize(
    ("states", "positions"),
    [((), [1, 2, 3, 4, 5, 6, 7]), ((S.REJECTED,), [2, 5]), ((S.REJECTED, S.PENDING), [2, 5, 6, 7]), ((S.RECALLED,), [])],
)
def test_pages_lose_and_double_nobody(any_ledger, monkeypatch, states, positions):
    """Whatever the size of a page, and wherever those in one state stand."""
    campaign = _start(any_ledger, 7)
    _settle(any_ledger, campaign, [S.ACCEPTED, S.REJECTED, S.ACCEPTED, S.FAILED, S.REJECTED])
    for size in (1, 2, 7, 100):
        monkeypatch.setattr(answers, "_PAGE", size)
        assert [line.position for line in iter_lines(any_ledger, campaign, states)] == positions, size


def test_memory_does_not_grow_with_the_campaign(any_ledger):
    """A page is held, not the campaign."""
    campaign = _start(any_ledger, 12_000)

    def peak(most):
        tracemalloc.start()
        number = sum(1 for _, _ in zip(iter_lines(any_ledger, campaign), range(most), strict=False))
        held = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return number, held

    peak(2_000)
    (_, one_page), (number, all_pages) = peak(2_000), peak(12_000)
    assert number == 12_000
    assert all_pages < 1.5 * one_page


def test_how_some_people_stand(any_ledger):
    """Those who are not in the campaign are not made up."""
    campaign = _start(any_ledger, 3)
    _settle(any_ledger, campaign, [S.IN_DOUBT])
    found = states_of(any_ledger, campaign, ["person1@example.com", "person3@example.com", "nobody@example.com"])
    assert found == {"person1@example.com": S.IN_DOUBT, "person3@example.com": S.PENDING}


def test_accepted_are_counted_for_each_campaign(any_ledger):
    """A list of campaigns asks once for all of them."""
    first, second, third = (_start(any_ledger, 3, stem) for stem in ("2026-01", "2026-02", "2026-03"))
    _settle(any_ledger, first, [S.ACCEPTED, S.REJECTED, S.ACCEPTED])
    _settle(any_ledger, third, [S.ACCEPTED])
    assert count_accepted(any_ledger, [first, second, third]) == {first: 2, third: 1}
    assert count_accepted(any_ledger, [second]) == {}
