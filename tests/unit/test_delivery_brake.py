"""A run stops by itself when people are refused, and not because a few are."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from composer.delivery.brake import Brake
from composer.ledger.model import Claimed, DeliveryState, Result

ROW = Claimed("id", 1, 1, 1, "ana@example.com", "ana@example.com", "", "{}", "list", datetime(2026, 1, 15, tzinfo=UTC))
S = DeliveryState
NO = "550 5.7.1 blocked"


def _results(state, number, answer=NO):
    return [Result(ROW, state, "told", answer)] * number


def _mixed(rejected, accepted):
    """Spread the refusals, so that no row of them is long."""
    results = _results(S.REJECTED, rejected) + _results(S.ACCEPTED, accepted)
    return [results[place * 37 % len(results)] for place in range(len(results))]


def test_fifty_in_a_row_stop_a_run_whatever_the_share():
    """It is not the people. Somebody who is deferred or in doubt in between is no yes."""
    brake = Brake(0)
    assert brake.heard(_results(S.REJECTED, 49)) == ""
    assert brake.heard(_results(S.DEFERRED, 5) + _results(S.IN_DOUBT, 5)) == ""
    assert brake.heard(_results(S.REJECTED, 1)) == "50 people in a row were refused; the last answer: 550 5.7.1 blocked"


def test_one_who_is_accepted_ends_a_row():
    """In a row means in a row."""
    brake = Brake(0)
    for _ in range(10):
        assert brake.heard(_results(S.REJECTED, 49)) == ""
        assert brake.heard(_results(S.ACCEPTED, 1)) == ""


def test_a_share_stops_a_run():
    """A list that nobody should have been sent to is noticed while it is small; the last answer says why."""
    brake = Brake(10)
    assert brake.heard(_mixed(5, 45)) == ""
    assert brake.heard(_results(S.REJECTED, 1, "550 5.1.1 nobody")) == (
        "6 of 51 people were refused, more than 10 percent; the last answer: 550 5.1.1 nobody"
    )


def test_a_share_of_few_says_nothing():
    """Three typing errors among the first twenty are a list like any other."""
    brake = Brake(10)
    assert brake.heard(_mixed(15, 34)) == ""
    assert brake.heard(_results(S.ACCEPTED, 1)).startswith("15 of 50 people were refused")


def test_large_numbers_can_be_read():
    """They are written as elsewhere."""
    assert Brake(10).heard(_mixed(1_200, 8_800)).startswith("1,200 of 10,000 people were refused, more than 10 percent")


@pytest.mark.parametrize("state", [S.DEFERRED, S.IN_DOUBT, S.PENDING, S.FAILED])
def test_who_was_not_answered_does_not_count(state):
    """A thousand who are deferred make a share of refusals neither larger nor smaller."""
    brake = Brake(10)
    assert brake.heard(_mixed(9, 40) + _results(state, 1_000)) == ""
    assert brake.heard(_results(S.REJECTED, 1)).startswith("10 of 50 people")


def test_a_share_of_none_is_any():
    """0 switches it off, and a share that is just reached is not passed."""
    assert Brake(0).heard(_mixed(40, 20)) == ""
    assert Brake(10).heard(_mixed(10, 90)) == ""
