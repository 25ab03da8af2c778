"""Many writers at one ledger: threads and processes, on both databases, never two hands on one row."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC
from threading import Barrier

import pytest
from sqlalchemy import select, text

from composer.ledger.campaigns import count_states, start_campaign
from composer.ledger.checking import check_ledger
from composer.ledger.deliveries import claim, record, record_and_claim
from composer.ledger.lock import hold_campaign
from composer.ledger.model import Result
from composer.ledger.opening import open_ledger
from composer.ledger.schema import deliveries
from composer.testing import FakeClock, an_audience, an_edition

NOW = FakeClock().now
PEOPLE, BATCH, WRITERS = 400, 20, 4


def _start(ledger, stem="2026-01"):
    return start_campaign(ledger, an_edition(stem), an_audience(PEOPLE), transport="memory", real=True, setting={}, now=NOW)


def _send_all(project, campaign, begin):
    """Claim and record, batch by batch, until nothing is left; return what was claimed."""
    taken, results = [], []
    with open_ledger(project) as ledger:
        begin.wait(30)
        while batch := record_and_claim(ledger, campaign, results, BATCH, NOW):
            taken += batch.rows
            results = [Result(row, "accepted", "accepted") for row in batch.rows]
    return taken


def _together(project, campaigns):
    begin = Barrier(len(campaigns))
    with ThreadPoolExecutor(len(campaigns)) as pool:
        done = [pool.submit(_send_all, project, campaign, begin) for campaign in campaigns]
        return [each.result(120) for each in done]


def test_writers_of_one_campaign_share_nothing(any_project, any_ledger):
    """Should two processes ever run one campaign, each row is still claimed by one of them."""
    campaign = _start(any_ledger)
    taken = _together(any_project, [campaign] * WRITERS)
    positions = [row.position for rows in taken for row in rows]
    assert sorted(positions) == list(range(1, PEOPLE + 1))
    assert count_states(any_ledger, campaign) == {"accepted": PEOPLE}
    assert not [each for each in check_ledger(any_project, any_ledger) if each.code != "ledger-not-durable"]


def test_campaigns_of_one_issue_mail_nobody_twice(any_project, any_ledger):
    """Two campaigns to the same people, begun in the same moment: each person is claimed by one, skipped by the others."""
    campaigns = [_start(any_ledger) for _ in range(WRITERS)]
    taken = _together(any_project, campaigns)
    keys = [row.key for rows in taken for row in rows]
    assert len(keys) == len(set(keys)) == PEOPLE
    states = [count_states(any_ledger, campaign) for campaign in campaigns]
    assert sum(each.get("accepted", 0) for each in states) == PEOPLE
    assert sum(each.get("skipped", 0) for each in states) == PEOPLE * (WRITERS - 1)


def test_a_row_that_another_holds_is_passed_over(postgres_ledger):
    """A claim waits for no other claim: it takes the next rows."""
    campaign = _start(postgres_ledger)
    held = select(deliveries.c.position).where(deliveries.c.campaign == campaign, deliveries.c.position <= 5).with_for_update()
    with postgres_ledger.write() as connection:
        connection.execute(held)
        assert [row.position for row in claim(postgres_ledger, campaign, 3, NOW).rows] == [6, 7, 8]


def test_claims_of_other_issues_do_not_wait(postgres_ledger, postgres_project):
    """Only campaigns of the same issue take turns."""
    first, second = _start(postgres_ledger), _start(postgres_ledger, "2026-02")
    turn = "SELECT pg_advisory_xact_lock(CAST(CAST(to_regclass('deliveries') AS oid) AS integer), hashtext('2026-01'))"
    with open_ledger(postgres_project, busy_seconds=0.2) as other, postgres_ledger.write() as connection:
        connection.execute(text(turn))
        assert len(claim(other, second, 3, NOW).rows) == 3
        with pytest.raises(Exception, match="locked by another process"):
            claim(other, first, 3, NOW)


def test_the_clock_of_the_claim_is_kept_to_the_microsecond(any_ledger):
    """What is due and how old a delivery is are told by these times, read back on either database."""
    moment = NOW.replace(microsecond=123_456)
    campaign = _start(any_ledger)
    row = claim(any_ledger, campaign, 1, moment).rows[0]
    record(any_ledger, [Result(row, "deferred", "deferred", due_at=moment)], moment)
    (again,) = claim(any_ledger, campaign, 1_000, moment.replace(year=2027), due_before=moment.replace(microsecond=123_457)).rows[-1:]
    with any_ledger.read() as connection:
        first = connection.execute(select(deliveries.c.first_tried_at).where(deliveries.c.position == again.position)).scalar()
    assert (again.position, first, first.tzinfo) == (1, moment, UTC)


def test_a_campaign_is_held_while_its_rows_move(any_project, any_ledger):
    """The lock of a campaign is no lock on its rows: other commands read and write meanwhile."""
    campaign = _start(any_ledger)
    with hold_campaign(any_project, any_ledger, campaign), open_ledger(any_project, busy_seconds=1) as other:
        assert len(claim(other, campaign, 3, NOW).rows) == 3
        assert count_states(any_ledger, campaign) == {"sending": 3, "pending": PEOPLE - 3}
