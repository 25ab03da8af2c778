"""Suppressions in the ledger, in SQLite and PostgreSQL alike: kept once, dated by the earliest word, found for every list."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import event

from composer.cli.suppress import Why
from composer.errors import LedgerError
from composer.ledger.model import Reason
from composer.ledger.suppressions import (
    EVERYWHERE,
    STRENGTH,
    Suppression,
    iter_suppressions,
    suppress,
    suppressed,
    suppressions_of,
    unsuppress,
)
from composer.testing import FakeClock

NOW = FakeClock().now
ANA = "ana@example.org"


def _entry(key=ANA, scope=EVERYWHERE, reason=Reason.MANUAL, source="phone", created_at=None):
    return Suppression(key, scope, reason, source, created_at)


def test_what_is_suppressed_comes_back_as_it_went_in(any_ledger):
    """Reason, scope, moment and source are what the team answers questions with."""
    entry = _entry(scope="members", reason=Reason.COMPLAINT, created_at=NOW - timedelta(days=3, microseconds=7))
    assert suppress(any_ledger, [entry], NOW) == 1
    assert list(iter_suppressions(any_ledger)) == [entry]


def test_without_a_moment_it_is_now(any_ledger):
    """An export may not say since when; and nobody can have left tomorrow."""
    suppress(any_ledger, [_entry(), _entry("b@example.org", created_at=NOW + timedelta(days=1))], NOW)
    assert [each.created_at for each in iter_suppressions(any_ledger)] == [NOW, NOW]


def test_the_earliest_moment_is_kept_with_its_source(any_ledger):
    """Two exports tell of the same bounce: the first date is the true one, whichever is imported first."""
    early, late = NOW - timedelta(days=9), NOW - timedelta(days=2)
    assert suppress(any_ledger, [_entry(source="late", created_at=late)], NOW) == 1
    assert suppress(any_ledger, [_entry(source="early", created_at=early)], NOW) == 0
    assert suppress(any_ledger, [_entry(source="again", created_at=late)], NOW) == 0
    assert list(iter_suppressions(any_ledger)) == [_entry(source="early", created_at=early)]


def test_the_earliest_counts_within_one_file_too(any_ledger):
    """One statement may not touch a row twice, and a file may name a person twice."""
    early = NOW - timedelta(days=9)
    both = [_entry(source="late", created_at=NOW), _entry(source="early", created_at=early), _entry(source="mid", created_at=NOW)]
    assert suppress(any_ledger, both, NOW) == 1
    assert list(iter_suppressions(any_ledger)) == [_entry(source="early", created_at=early)]


def test_reasons_and_scopes_stand_beside_each_other(any_ledger):
    """To take one back may not take back another."""
    entries = [_entry(), _entry(scope="members"), _entry(reason=Reason.HARD_BOUNCE)]
    assert suppress(any_ledger, entries, NOW) == 3
    assert unsuppress(any_ledger, ANA, EVERYWHERE, Reason.MANUAL) == 1
    assert unsuppress(any_ledger, ANA, EVERYWHERE, Reason.MANUAL) == 0
    assert [(each.scope, each.reason) for each in suppressions_of(any_ledger, ANA)] == [("", "hard_bounce"), ("members", "manual")]
    assert unsuppress(any_ledger, ANA, EVERYWHERE) == 1
    assert suppressed(any_ledger, [ANA], "members") == {ANA: Reason.MANUAL}


def test_a_list_sees_its_own_and_what_holds_everywhere(any_ledger):
    """Who left one list still gets the other."""
    suppress(any_ledger, [_entry("all@example.org"), _entry("here@example.org", "members"), _entry("there@example.org", "board")], NOW)
    keys = ["all@example.org", "here@example.org", "there@example.org", "free@example.org"]
    assert set(suppressed(any_ledger, keys, "members")) == {"all@example.org", "here@example.org"}
    assert set(suppressed(any_ledger, keys, "board")) == {"all@example.org", "there@example.org"}


@pytest.mark.parametrize("at", range(len(STRENGTH)))
def test_the_strongest_reason_is_told(any_ledger, at):
    """A complaint is more than a note by hand, in whatever order they came."""
    suppress(any_ledger, [_entry(reason=reason, scope="members") for reason in reversed(STRENGTH[at:])], NOW)
    assert suppressed(any_ledger, [ANA], "members") == {ANA: STRENGTH[at]}


def test_the_order_of_strength_is_the_promised_one():
    """And it knows every reason, as the command line does."""
    assert STRENGTH == ("complaint", "hard_bounce", "invalid", "unsubscribed", "manual")
    assert set(STRENGTH) == set(Reason) == {str(why) for why in Why}


def test_many_are_found_in_chunks(any_ledger):
    """A list is longer than what one statement can bind; keys may come from a stream."""
    suppress(any_ledger, (_entry(f"p{number}@example.org") for number in range(0, 5_000, 2)), NOW)
    found = suppressed(any_ledger, (f"p{number}@example.org" for number in range(5_000)), "members")
    assert len(found) == 2_500
    assert "p4998@example.org" in found
    assert "p4999@example.org" not in found
    assert len(list(iter_suppressions(any_ledger))) == 2_500


def test_nothing_is_asked_when_nobody_is_suppressed(any_ledger):
    """A first send of a million people pays nothing for a table that is empty."""
    keys = iter([ANA])
    assert suppressed(any_ledger, keys, "members") == {}
    assert next(keys) == ANA


def test_a_reader_holds_no_transaction_open(any_ledger):
    """Somebody pages through the list for an hour: others write meanwhile, and what they add is seen."""
    suppress(any_ledger, (_entry(f"p{number}@example.org") for number in range(1_500)), NOW)
    reading = iter_suppressions(any_ledger)
    next(reading)
    suppress(any_ledger, [_entry("late@example.org")], NOW)
    assert [each.key for each in reading][-1] == "late@example.org"


def test_listing_is_narrowed_by_scope_and_reason(any_ledger):
    """Everywhere is a scope of its own, not all scopes."""
    entries = [_entry("a@example.org"), _entry("b@example.org", "members"), _entry("c@example.org", reason=Reason.INVALID)]
    suppress(any_ledger, entries, NOW)
    names = [each.key[0] for each in iter_suppressions(any_ledger, EVERYWHERE)]
    assert names == ["a", "c"]
    assert [each.key[0] for each in iter_suppressions(any_ledger, None, Reason.MANUAL)] == ["a", "b"]
    assert [each.key[0] for each in iter_suppressions(any_ledger, "members", Reason.INVALID)] == []
    assert [(each.scope, each.reason) for each in iter_suppressions(any_ledger)] == [("", "manual"), ("members", "manual"), ("", "invalid")]


def test_all_or_nothing(any_ledger):
    """An import that breaks off has changed nothing."""

    def breaking():
        for number in range(2_500):
            yield _entry(f"p{number}@example.org")
        yield replace(_entry(), reason="no such reason")

    with pytest.raises(LedgerError):
        suppress(any_ledger, breaking(), NOW)
    assert list(iter_suppressions(any_ledger)) == []


def test_known_ones_write_nothing(any_ledger):
    """A sync before every send finds the same people each time."""
    entries = [_entry(f"p{number}@example.org", created_at=NOW) for number in range(10)]
    suppress(any_ledger, entries, NOW)
    said = []
    event.listen(any_ledger._engine, "before_cursor_execute", lambda *about: said.append(about[2]))
    assert suppress(any_ledger, entries, NOW) == 0
    assert said
    assert not [statement for statement in said if statement.startswith("INSERT")]


def test_addresses_stay_out_of_reprs():
    """A suppression may end in a log; the address may not."""
    assert "ana" not in repr(_entry(source="ana called"))
