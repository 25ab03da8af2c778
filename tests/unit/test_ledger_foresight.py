"""Those who would be next: shown, then claimed; whatever befell them between is noticed, whoever wrote it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import insert, text, update

from composer.errors import LedgerError
from composer.ledger.campaigns import ask_campaign, start_campaign
from composer.ledger.deliveries import claim, record_and_claim
from composer.ledger.model import DeliveryState, Foresight, Request, Result
from composer.ledger.opening import open_ledger
from composer.ledger.schema import deliveries, suppressions
from composer.testing import FakeClock, an_audience, an_edition

NOW = FakeClock().now


@pytest.fixture
def ledger(any_ledger):
    """Every test runs on both databases."""
    return any_ledger


def _start(ledger, people=6, **about):
    about = {"real": True, "correction": False, **about}
    return start_campaign(ledger, an_edition(), an_audience(people), transport="memory", setting={}, now=NOW, **about)


def _shown(ledger, campaign, number=2):
    """Claim two people, and be shown as many more as those who would be next."""
    batch = record_and_claim(ledger, campaign, [], 2, NOW, Foresight((), (), number))
    assert [row.position for row in batch.ahead] == list(range(3, 3 + number))
    return batch


def _claimed(ledger, campaign, ahead, most=0, results=()):
    batch = record_and_claim(ledger, campaign, list(results), most, NOW, Foresight(tuple(ahead), (), 0))
    return [row.position for row in batch.rows], batch.skipped


def _suppress(ledger, key, scope=""):
    with ledger.write() as connection:
        connection.execute(insert(suppressions).values(address_key=key, scope=scope, reason="manual", source="", created_at=NOW))


def test_who_was_shown_is_claimed_before_others(ledger):
    """A lane was prepared for them; the fields of a claim are those that were shown, its moment is its own."""
    campaign = _start(ledger)
    ahead = _shown(ledger, campaign).ahead
    later = NOW + timedelta(seconds=1)
    batch = record_and_claim(ledger, campaign, [], 1, later, Foresight(ahead, (), 0))
    assert [row.position for row in batch.rows] == [3, 4, 5]
    assert batch.rows[0][:-1] == ahead[0][:-1]
    assert {row[-1] for row in batch.rows} == {later}


def test_who_is_suppressed_between_is_skipped(ledger):
    """The promise is made for the moment of the claim, not for that of the look."""
    campaign = _start(ledger)
    ahead = _shown(ledger, campaign).ahead
    _suppress(ledger, ahead[0].key)
    assert _claimed(ledger, campaign, ahead) == ([4], 1)


def test_who_is_suppressed_by_another_process_is_skipped(any_project, ledger):
    """Another process is another connection too."""
    campaign = _start(ledger)
    ahead = _shown(ledger, campaign).ahead
    with open_ledger(any_project) as other:
        _suppress(other, ahead[1].key)
    assert _claimed(ledger, campaign, ahead) == ([3], 1)


def test_a_suppression_of_another_list_is_none(ledger):
    """It is looked at, and does not count."""
    campaign = _start(ledger)
    ahead = _shown(ledger, campaign).ahead
    _suppress(ledger, ahead[0].key, "no-such-list")
    assert _claimed(ledger, campaign, ahead) == ([3, 4], 0)


def test_who_is_claimed_by_another_is_not_claimed_again(any_project, ledger):
    """Two would be sent the same."""
    campaign = _start(ledger)
    ahead = _shown(ledger, campaign).ahead
    with open_ledger(any_project) as other:
        assert [row.position for row in claim(other, campaign, 1, NOW).rows] == [3]
    assert _claimed(ledger, campaign, ahead) == ([4], 0)


def test_who_was_claimed_once_is_not_claimed_again(ledger):
    """A caller that chooses somebody twice is wrong, and nobody is sent the same twice for it."""
    campaign = _start(ledger)
    ahead = _shown(ledger, campaign).ahead
    assert _claimed(ledger, campaign, ahead) == ([3, 4], 0)
    assert _claimed(ledger, campaign, ahead) == ([], 0)


def test_who_was_never_shown_is_looked_at(ledger):
    """What a caller says it has seen is not taken for true: this one was claimed and recorded long ago."""
    campaign = _start(ledger)
    gone = _shown(ledger, campaign).rows
    results = [Result(row, DeliveryState.ACCEPTED, "accepted") for row in gone]
    assert _claimed(ledger, campaign, gone, results=results) == ([], 0)


def test_another_campaign_that_begins_between_is_heeded(ledger):
    """Of two real campaigns of an issue the first that claims an address has it, also when there was only one at first."""
    campaign = _start(ledger)
    ahead = _shown(ledger, campaign).ahead
    other = _start(ledger)
    assert claim(ledger, other, 3, NOW).skipped == 2  # the two of the first campaign; the third is now its own
    assert _claimed(ledger, campaign, ahead) == ([4], 1)


def test_a_request_between_is_heard(ledger):
    """Nobody is claimed after it."""
    campaign = _start(ledger)
    ahead = _shown(ledger, campaign).ahead
    ask_campaign(ledger, campaign, Request.PAUSE)
    batch = record_and_claim(ledger, campaign, [], 1, NOW, Foresight(ahead, (), 1))
    assert (batch.rows, batch.request) == ((), Request.PAUSE)


def test_two_campaigns_on_one_connection_are_told_apart(ledger):
    """Their people have the same positions."""
    first, second = _start(ledger, real=False), _start(ledger, real=False)
    ahead, others = _shown(ledger, first).ahead, _shown(ledger, second).ahead
    assert _claimed(ledger, first, ahead) == ([3, 4], 0)
    assert _claimed(ledger, second, others) == ([3, 4], 0)
    with ledger.read() as connection:
        sending = connection.execute(text("SELECT campaign, count(*) FROM deliveries WHERE state = 'sending' GROUP BY campaign")).all()
    assert sorted(sending) == [(first, 4), (second, 4)]


def test_an_exchange_that_fails_leaves_everybody_as_they_were(ledger):
    """Nothing of it happened: those who were chosen can be chosen again, and are looked at again."""
    campaign = _start(ledger)
    batch = _shown(ledger, campaign)
    wrong = [Result(batch.rows[0], DeliveryState.ACCEPTED, "accepted")] * 2
    with pytest.raises(LedgerError):
        _claimed(ledger, campaign, batch.ahead, results=wrong)
    _suppress(ledger, batch.ahead[0].key)  # perhaps on the connection that was kept until a moment ago
    assert _claimed(ledger, campaign, batch.ahead) == ([4], 1)


def test_a_change_of_the_ledger_by_hand_is_noticed(ledger):
    """Somebody who repairs a ledger with a tool of the database is another connection."""
    campaign = _start(ledger)
    ahead = _shown(ledger, campaign).ahead
    with ledger.write() as connection:
        connection.execute(update(deliveries).where(deliveries.c.position == 3).values(state="skipped", reason="manual"))
    assert _claimed(ledger, campaign, ahead) == ([4], 0)


@pytest.mark.parametrize("written", [False, True])
def test_sqlite_is_asked_again_only_when_somebody_has_written(sqlite_project, written):
    """That is what the memory of a connection saves: for each person a look at what cannot have changed."""
    with open_ledger(sqlite_project) as ledger:
        assert _is_asked(ledger, written=written) is written


def _is_asked(ledger, *, written):
    campaign, asked = _start(ledger), []
    ahead = _shown(ledger, campaign).ahead
    if written:
        _suppress(ledger, "somebody@else.example")
    with ledger.write_again() as connection:
        driver = connection.connection.dbapi_connection
    driver.set_trace_callback(asked.append)
    assert _claimed(ledger, campaign, ahead) == ([3, 4], 0)
    driver.set_trace_callback(None)
    return any(statement.startswith("SELECT deliveries.position") for statement in asked)
