"""Who is of a canary: exactly so many, anybody as likely as anybody else, and found without looking at the rest."""

from __future__ import annotations

from collections import Counter

import pytest
from sqlalchemy import select, text

from composer.errors import LedgerError
from composer.ledger import statements
from composer.ledger.campaigns import read_campaign, start_campaign
from composer.ledger.canary import count_canary, hold_rest, release_rest
from composer.ledger.deliveries import claim, record
from composer.ledger.model import CanaryStage, DeliveryState, Result
from composer.ledger.schema import deliveries
from composer.testing import FakeClock, an_audience, an_edition

NOW = FakeClock().now


@pytest.fixture
def ledger(any_ledger):
    """Every test runs on both databases."""
    return any_ledger


def _start(ledger, people=10, canary=3, stem="2026-01"):
    return start_campaign(ledger, an_edition(stem), an_audience(people), transport="memory", real=False, setting={}, now=NOW, canary=canary)


def _chosen(ledger, campaign):
    of_it = deliveries.c.campaign == campaign, deliveries.c.canary
    with ledger.read() as connection:
        return list(connection.execute(select(deliveries.c.position).where(*of_it).order_by(deliveries.c.position)).scalars())


@pytest.mark.parametrize("canary", [1, 2, 499, 999])
def test_exactly_so_many_of_this_campaign(ledger, canary):
    """One more or less is a person; and those of other campaigns are none of it."""
    other = _start(ledger, 50, 0, "2025-12")
    campaign = _start(ledger, 1_000, canary)
    assert len(_chosen(ledger, campaign)) == canary
    assert _chosen(ledger, other) == []
    assert count_canary(ledger, campaign) == {"pending": canary}


def test_anybody_as_likely_as_anybody(ledger):
    """The first of the list, which is in the order of addresses, must not always be those it is tried on."""
    drawn = Counter(place for _ in range(150) for place in _chosen(ledger, _start(ledger, 10, 3)))
    assert sorted(drawn) == list(range(1, 11))
    # 45 are expected of each, with a deviation of 5.6: beyond 5 of those once in a million runs.
    assert max(drawn.values()) - 45 < 29
    assert 45 - min(drawn.values()) < 29


def test_a_claim_finds_nobody_else(ledger):
    """In the list's order, deferred ones when they are due; and after the sender's word the others."""
    campaign = _start(ledger, 20, 6)
    chosen = _chosen(ledger, campaign)
    first, second, none = (claim(ledger, campaign, 4, NOW) for _ in range(3))
    assert [row.position for row in first.rows] == chosen[:4]
    assert [row.position for row in second.rows] == chosen[4:]
    assert not none
    record(ledger, [Result(first.rows[0], DeliveryState.DEFERRED, "deferred", "later", NOW)], NOW)
    assert [row.position for row in claim(ledger, campaign, 4, NOW).rows] == chosen[:1]
    hold_rest(ledger, campaign, "gone", NOW)
    assert not claim(ledger, campaign, 100, NOW)
    assert release_rest(ledger, campaign, NOW)
    others = [row.position for row in claim(ledger, campaign, 100, NOW).rows]
    assert others == sorted(set(range(1, 21)) - set(chosen))


def test_stages(ledger):
    """Going, gone, over, each once; a campaign without a canary has none."""
    campaign = _start(ledger)
    assert read_campaign(ledger, campaign).canary_stage is CanaryStage.GOING
    assert not release_rest(ledger, campaign, NOW)
    hold_rest(ledger, campaign, "gone", NOW)
    found = read_campaign(ledger, campaign)
    assert (found.canary_stage, found.state, found.reason, found.request) == (CanaryStage.GONE, "paused", "gone", "")
    assert [stage.holds for stage in CanaryStage] == [False, True, True, False]
    plain = _start(ledger, canary=0)
    assert read_campaign(ledger, plain).canary_stage is CanaryStage.NONE
    assert count_canary(ledger, plain) == {}
    with pytest.raises(LedgerError, match="no campaign 77"):
        hold_rest(ledger, 77, "gone", NOW)


def _plan(connection, ready):
    """What the database means to do for a claim."""
    compiled = ready._for(connection.dialect)
    values = compiled.bound({"of": 1, "most": 100, "before": NOW})
    cursor = connection.connection.dbapi_connection.cursor()
    if connection.dialect.name == "postgresql":
        cursor.execute("SET enable_seqscan = off")
        cursor.execute(f"EXPLAIN {compiled.text}", values)
    else:
        cursor.execute(f"EXPLAIN QUERY PLAN {compiled.text}", values)
    return " ".join(str(row) for row in cursor.fetchall())


def test_a_claim_walks_an_index_of_its_own(ledger):
    """Of a million people, those who wait must not be looked at for each batch of the few who go first; the usual claim stays as it was."""
    _start(ledger, 2_000, 20)
    with ledger.write() as connection:
        connection.execute(text("ANALYZE"))
    with ledger.read() as connection:
        assert "ix_deliveries_canary" in _plan(connection, statements.FIRST_PENDING)
        assert "ix_deliveries_canary" in _plan(connection, statements.FIRST_DEFERRED)
        assert "ix_deliveries_canary" not in _plan(connection, statements.PENDING)
