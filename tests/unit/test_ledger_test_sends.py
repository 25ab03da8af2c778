"""Test sends in the ledger: written before, ended after, and what they say of an edition; on both databases."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest

from composer.errors import LedgerError
from composer.ledger.test_sends import TestSend, finish_test_send, last_accepted, list_test_sends, start_test_send

NOW = datetime(2026, 1, 15, 9, 0, tzinfo=UTC)
LATER = NOW + timedelta(seconds=3)
DIGEST, OTHER = "a" * 64, "b" * 64
TEST = TestSend(
    issue="2026-01",
    edition=DIGEST,
    list="readers",
    transport="smtp",
    real=True,
    sender="grace",
    email="Ada@example.org",
    key="ada@example.org",
)


def _test(ledger, outcome="accepted", now=NOW, answer="250 ok", **changes):
    number = start_test_send(ledger, replace(TEST, **changes), now)
    finish_test_send(ledger, number, outcome, answer, now + timedelta(seconds=3))


def test_a_test_is_known_before_and_after(any_ledger):
    """Between its two records a crash leaves it with no end: in doubt, as it truly is."""
    number = start_test_send(any_ledger, replace(TEST, variant="no name"), NOW)
    (begun,) = list_test_sends(any_ledger, "2026-01")
    assert begun == replace(TEST, variant="no name", started_at=NOW)
    finish_test_send(any_ledger, number, "accepted", "250 ok", LATER)
    (ended,) = list_test_sends(any_ledger, "2026-01")
    assert ended == replace(begun, ended_at=LATER, outcome="accepted", answer="250 ok")


def test_an_end_is_written_once(any_ledger):
    """A second answer for one message would hide the first."""
    number = start_test_send(any_ledger, TEST, NOW)
    finish_test_send(any_ledger, number, "rejected", "550 no", LATER)
    for wrong in (number, number + 1):
        with pytest.raises(LedgerError, match="not under way"):
            finish_test_send(any_ledger, wrong, "accepted", "", LATER)
    assert [each.outcome for each in list_test_sends(any_ledger, "2026-01")] == ["rejected"]


def test_what_counts_as_tested(any_ledger):
    """This very edition, by this transport, and taken: anything less shows nothing of what will be sent."""
    start_test_send(any_ledger, TEST, NOW)
    _test(any_ledger, "unknown")
    _test(any_ledger, "rejected")
    _test(any_ledger, transport="outbox")
    _test(any_ledger, edition=OTHER)
    assert last_accepted(any_ledger, DIGEST, "smtp") is None
    _test(any_ledger)
    _test(any_ledger, now=NOW - timedelta(days=1))
    assert last_accepted(any_ledger, DIGEST, "smtp") == LATER


def test_times_come_back_in_utc(any_ledger):
    """A clock elsewhere writes the same moment."""
    _test(any_ledger, now=NOW.astimezone(timezone(timedelta(hours=9))))
    assert last_accepted(any_ledger, DIGEST, "smtp") == LATER


def test_tests_of_an_issue_newest_first(any_ledger):
    """What was tried last is what one asks for; other issues and, if wanted, other editions are left out."""
    _test(any_ledger, variant="one")
    _test(any_ledger, variant="two", edition=OTHER)
    _test(any_ledger, variant="three")
    _test(any_ledger, issue="2026-02")
    assert [each.variant for each in list_test_sends(any_ledger, "2026-01")] == ["three", "two", "one"]
    assert [each.variant for each in list_test_sends(any_ledger, "2026-01", digest=DIGEST)] == ["three", "one"]


def test_long_names_are_cut(any_ledger):
    """A column of PostgreSQL refuses what is too long; a test must not fail for the name of a file or a user."""
    start_test_send(any_ledger, replace(TEST, list="l" * 300, sender="s" * 300), NOW)
    (each,) = list_test_sends(any_ledger, "2026-01")
    assert (each.list, each.sender) == ("l" * 100, "s" * 100)


def test_a_person_does_not_show_in_a_log():
    """Addresses and answers are personal."""
    assert "ada" not in repr(replace(TEST, answer="ada is fine")).lower()
