"""Campaigns: everything is written before anything is sent, and comes back as it was."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256

import pytest
from sqlalchemy import event, select, text

from composer.audience.model import LeftOut
from composer.errors import LedgerError, UsageError
from composer.issue.model import Asset
from composer.ledger.campaigns import (
    already_mailed,
    count_reasons,
    count_states,
    move_campaign,
    new_ids,
    next_due,
    read_campaign,
    start_campaign,
)
from composer.ledger.deliveries import claim, record
from composer.ledger.editions import read_edition
from composer.ledger.model import Result
from composer.ledger.opening import open_ledger
from composer.ledger.ready import Ready
from composer.ledger.schema import attachments, campaigns, deliveries, editions
from composer.testing import FakeClock, an_audience, an_edition

NOW = FakeClock().now


@pytest.fixture
def ledger(any_ledger):
    """Every test runs on both databases."""
    return any_ledger


def _start(ledger, edition=None, audience=None, *, real=True, setting=None):
    edition, audience = edition or an_edition(), audience or an_audience()
    return start_campaign(ledger, edition, audience, transport="memory", real=real, setting=setting or {}, now=NOW)


def _rows(ledger, campaign):
    with ledger.read() as connection:
        return list(connection.execute(select(deliveries).where(deliveries.c.campaign == campaign).order_by(deliveries.c.position)))


def _asset(name, data):
    return Asset(f"q0f1e2d3c4b5ai{name}x", f"{name}.png", "image/png", data, sha256(data).hexdigest(), 2, 1)


def test_every_person_has_a_pending_row_before_anything_is_sent(ledger):
    """Who was to get it is known whatever happens next, in list order and with the fields of that moment."""
    rows = _rows(ledger, _start(ledger))
    assert [(row.position, row.email, row.state, row.attempts) for row in rows] == [
        (number, f"person{number}@example.com", "pending", 0) for number in (1, 2, 3)
    ]
    assert rows[1].fields == {"first_name": "P2"}
    assert rows[1].name == "Person 2"


def test_half_a_campaign_is_never_written(ledger):
    """A mistake in the last row undoes the edition, the campaign and every row."""
    audience = an_audience(3)
    twice = replace(audience, subscribers=(*audience.subscribers, audience.subscribers[0]))
    with pytest.raises(LedgerError):
        _start(ledger, audience=twice)
    with ledger.read() as connection:
        assert [connection.execute(select(table)).all() for table in (editions, campaigns, deliveries)] == [[], [], []]


def test_edition_comes_back_equal_with_its_images(ledger):
    """A resume needs neither the issue nor the templates."""
    edition = an_edition(attachments=(_asset("a", b"\x89PNG\0"), _asset("b", b"other")))
    _start(ledger, edition)
    read = read_edition(ledger, edition.digest)
    assert read == edition
    assert [asset.data for asset in read.attachments] == [b"\x89PNG\0", b"other"]


def test_an_edition_and_an_image_are_kept_once(ledger):
    """Content is addressed by its digest: a second campaign, or a second edition with the same logo, adds no copy."""
    logo = _asset("logo", b"logo")
    for edition in (an_edition(attachments=(logo,)), an_edition(attachments=(logo,)), an_edition("2026-02", attachments=(logo,))):
        _start(ledger, edition)
    with ledger.read() as connection:
        assert len(connection.execute(select(editions)).all()) == 2
        assert len(connection.execute(select(attachments)).all()) == 1


def test_no_such_edition(ledger):
    """A digest that is not there is an error with a name, not an empty mail."""
    with pytest.raises(LedgerError, match="no edition abc"):
        read_edition(ledger, "abc")


def test_delivery_ids_cannot_be_guessed_and_fit_everywhere():
    """They stand in addresses, URLs and Message-IDs: 120 bits in lower-case letters and digits."""
    ids = new_ids(2_000)
    assert len(set(ids)) == 2_000
    assert all(re.fullmatch("[a-z2-7]{24}", one) for one in ids)
    assert new_ids(0) == []


def test_campaign_comes_back_as_it_began(ledger):
    """Lists, who was left out, transport, setting and times are those of the start."""
    audience = replace(an_audience(lists=("staff", "readers")), left_out=(LeftOut("duplicate", 4),))
    setting = {"newsletter": {"name": "Größe"}}
    campaign = read_campaign(ledger, _start(ledger, audience=audience, setting=setting))
    assert campaign.setting == setting
    assert [each.name for each in campaign.lists] == ["staff", "readers"]
    assert campaign.left_out == audience.left_out
    assert (campaign.issue, campaign.transport, campaign.real, campaign.state) == ("2026-01", "memory", True, "running")
    assert campaign.created_at == NOW


def test_default_campaign_is_the_newest_unfinished_else_the_newest(ledger):
    """`status` and `resume` mean the one that needs attention."""
    with pytest.raises(UsageError, match="no campaign yet"):
        read_campaign(ledger)
    first, second, third = (_start(ledger, real=False) for _ in range(3))
    move_campaign(ledger, third, "finished", NOW)
    assert read_campaign(ledger).id == second
    for campaign in (first, second):
        move_campaign(ledger, campaign, "finished", NOW)
    assert read_campaign(ledger).id == third
    move_campaign(ledger, first, "paused", NOW, "stopped on request")
    assert (read_campaign(ledger).id, read_campaign(ledger).reason) == (first, "stopped on request")


def test_unknown_campaign(ledger):
    """A wrong number is the user's mistake, said plainly; moving one is the program's."""
    with pytest.raises(UsageError, match="no campaign 7"):
        read_campaign(ledger, 7)
    with pytest.raises(LedgerError, match="no campaign 7"):
        move_campaign(ledger, 7, "paused", NOW)


def test_a_word_that_is_no_state_is_refused(ledger):
    """The database itself knows the words: nothing can be in a state that nobody can explain."""
    campaign = _start(ledger)
    with pytest.raises(LedgerError, match="break its rules"):
        move_campaign(ledger, campaign, "banana", NOW)
    assert read_campaign(ledger, campaign).state == "running"
    with pytest.raises(LedgerError, match="break its rules"), ledger.write() as connection:
        connection.execute(text("UPDATE deliveries SET state = 'banana'"))
    assert count_states(ledger, campaign) == {"pending": 3}


def test_the_next_that_is_due(ledger):
    """Whoever resumes wants to know when there is something to do; other campaigns and states do not count."""
    campaign = _start(ledger)
    other = _start(ledger, an_edition("2026-02"))
    assert next_due(ledger, campaign) is None
    for identity, minutes in ((campaign, (30, 10)), (other, (5,))):
        rows = claim(ledger, identity, len(minutes), NOW).rows
        record(
            ledger,
            [Result(row, "deferred", "x", due_at=NOW + timedelta(minutes=each)) for row, each in zip(rows, minutes, strict=True)],
            NOW,
        )
    assert next_due(ledger, campaign) == NOW + timedelta(minutes=10)


def test_ids_are_never_used_again(ledger):
    """The number of a campaign that was deleted does not come back for another."""
    first = _start(ledger, real=False)
    with ledger.write() as connection:
        connection.execute(text("DELETE FROM deliveries"))
        connection.execute(text("DELETE FROM campaigns"))
    assert _start(ledger, real=False) > first


@pytest.mark.parametrize(
    ("state", "held"), [("accepted", True), ("in_doubt", True), ("deferred", True), ("rejected", False), ("failed", False)]
)
def test_already_mailed_counts_what_may_have_arrived(ledger, state, held):
    """Accepted, in doubt, deferred and in flight count as mailed; a refusal does not."""
    campaign = _start(ledger)
    rows = claim(ledger, campaign, 2, NOW).rows
    keys = [f"person{number}@example.com" for number in range(1, 1_200)]
    assert already_mailed(ledger, "2026-01", keys) == {rows[0].key, rows[1].key}
    record(ledger, [Result(row, state, "x") for row in rows], NOW)
    assert already_mailed(ledger, "2026-01", keys) == ({rows[0].key, rows[1].key} if held else set())
    assert already_mailed(ledger, "2026-02", keys) == set()


def test_a_rehearsal_never_counts_as_mailed(ledger):
    """What went into the outbox reached nobody."""
    rows = claim(ledger, _start(ledger, real=False), 3, NOW).rows
    record(ledger, [Result(row, "accepted", "accepted") for row in rows], NOW)
    assert already_mailed(ledger, "2026-01", [row.key for row in rows]) == set()


@pytest.fixture
def file_ledger(project):
    with open_ledger(project) as opened:
        yield opened


def test_looking_for_the_mailed_uses_the_index(file_ledger, monkeypatch):
    """With a million rows a scan for each batch would take hours; PostgreSQL would not tell with so few rows."""
    ledger = file_ledger
    plans = []

    def explain(connection, _cursor, statement, parameters, _context, _many):
        if statement.lstrip().startswith("SELECT"):
            plans.append([row[3] for row in connection.connection.driver_connection.execute(f"EXPLAIN QUERY PLAN {statement}", parameters)])

    def rows(ready, connection, values):
        compiled = ready._for(connection.dialect)
        explain(connection, None, compiled.text, compiled.bound(values), None, False)
        return of_a_batch(ready, connection, values)

    _start(ledger)
    campaign = _start(ledger)
    event.listen(ledger._engine, "before_cursor_execute", explain)
    of_a_batch = Ready.rows
    monkeypatch.setattr(Ready, "rows", rows)
    already_mailed(ledger, "2026-01", ["a", "b"])
    claim(ledger, campaign, 2, NOW)
    count_states(ledger, campaign)
    next_due(ledger, campaign)
    steps = [step for plan in plans for step in plan if "deliveries" in step]
    assert len(steps) >= 5
    assert any("ix_deliveries_address_key_issue" in step for step in steps)
    assert all(step.startswith("SEARCH") for step in steps), steps
    assert not any("TEMP B-TREE" in step for plan in plans for step in plan)


def test_counts_are_by_state(ledger):
    """Only states that somebody is in; other campaigns are not counted."""
    campaign = _start(ledger)
    _start(ledger, real=False)
    claim(ledger, campaign, 2, NOW)
    assert count_states(ledger, campaign) == {"pending": 1, "sending": 2}


def test_reasons_are_counted_without_addresses(ledger):
    """Whoever asks why somebody did not get it is told the reasons, most frequent first."""
    campaign = _start(ledger, audience=an_audience(5))
    rows = claim(ledger, campaign, 5, NOW).rows
    states = [
        ("failed", "too long"),
        ("failed", "no link"),
        ("failed", "too long"),
        ("rejected", "550 no such user"),
        ("accepted", "250 ok"),
    ]
    record(ledger, [Result(row, state, "x", reason) for row, (state, reason) in zip(rows, states, strict=True)], NOW)
    assert count_reasons(ledger, campaign) == [("failed", "too long", 2), ("rejected", "550 no such user", 1), ("failed", "no link", 1)]
