"""Claims and records: durable before and after, never two hands on one row, never twice to one address."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import insert, select, text, update

from composer.errors import LedgerError
from composer.ledger.campaigns import already_mailed, ask_campaign, count_states, move_campaign, start_campaign
from composer.ledger.deliveries import MOST, claim, give_up, record, settle_orphans
from composer.ledger.model import DeliveryState, Request, Result
from composer.ledger.opening import open_ledger
from composer.ledger.resolution import resolve
from composer.ledger.schema import attempts, deliveries, moved_to, suppressions
from composer.testing import FakeClock, an_audience, an_edition

NOW = FakeClock().now
STATES = ("pending", "accepted", "deferred", "rejected", "failed", "in_doubt", "skipped", "recalled")


@pytest.fixture
def ledger(any_ledger):
    """Every test runs on both databases."""
    return any_ledger


def _start(ledger, people=3, *, stem="2026-01", real=True, first=1, correction=False):
    edition, audience = an_edition(stem), an_audience(people, first=first)
    about = {"real": real, "correction": correction}
    return start_campaign(ledger, edition, audience, transport="memory", setting={}, now=NOW, **about)


def _attempts(ledger):
    with ledger.read() as connection:
        return connection.execute(select(attempts).order_by(attempts.c.campaign, attempts.c.position, attempts.c.number)).all()


def _settle(ledger, rows, state, **more):
    record(ledger, [Result(row, state, "word", **more) for row in rows], NOW)


def test_claim_takes_rows_in_list_order_once(ledger):
    """Two claims share nothing, and an empty one means that nothing is due."""
    campaign = _start(ledger)
    first, second, third = (claim(ledger, campaign, 2, NOW) for _ in range(3))
    assert [row.position for row in first.rows] == [1, 2]
    assert [row.position for row in second.rows] == [3]
    assert first.rows[0].fields == {"first_name": "P1"}
    assert not third


def test_claim_is_on_disk_when_it_returns(any_project, ledger):
    """Another process sees it at once: that is what makes a crash after it safe."""
    campaign = _start(ledger)
    claim(ledger, campaign, 2, NOW)
    claimed = text("SELECT count(*) FROM deliveries WHERE state = 'sending' AND attempts = 1")
    with open_ledger(any_project) as other, other.read() as connection:
        assert connection.execute(claimed).scalar() == 2


def test_claim_is_bounded(ledger):
    """A batch setting beyond what SQLite can bind in one statement is cut, not an error."""
    campaign = _start(ledger, MOST + 5)
    assert len(claim(ledger, campaign, 1_000_000, NOW).rows) == MOST
    assert len(claim(ledger, campaign, 1_000_000, NOW).rows) == 5


def test_personal_data_stays_out_of_reprs(ledger):
    """A claimed row may end in a log; the address may not."""
    row = claim(ledger, _start(ledger), 1, NOW).rows[0]
    assert "person1" not in repr(row)


def test_record_closes_the_attempt_and_moves_the_row(ledger):
    """Every attempt has a beginning, an end and what the other side said."""
    campaign = _start(ledger)
    rows = claim(ledger, campaign, 2, NOW).rows
    record(ledger, [Result(rows[0], "accepted", "accepted", "250 ok"), Result(rows[1], "rejected", "rejected", "550 no")], NOW)
    assert count_states(ledger, campaign) == {"accepted": 1, "rejected": 1, "pending": 1}
    assert [(row.number, row.outcome, row.answer, row.ended_at) for row in _attempts(ledger)] == [
        (1, "accepted", "250 ok", NOW),
        (1, "rejected", "550 no", NOW),
    ]


@pytest.mark.parametrize("state", STATES)
def test_only_what_is_being_sent_can_have_an_outcome(ledger, state):
    """An answer that comes for a row in any other state is refused whole: it would rewrite what is known."""
    campaign = _start(ledger)
    rows = claim(ledger, campaign, 2, NOW).rows
    with ledger.write() as connection:
        connection.execute(update(deliveries).where(deliveries.c.position == 1).values(**moved_to(DeliveryState(state))))
    with pytest.raises(LedgerError, match="nobody was sending"):
        _settle(ledger, rows, "accepted")
    assert count_states(ledger, campaign).get("sending") == 1
    assert _attempts(ledger) == []


def test_an_outcome_that_is_no_state_is_refused(ledger):
    """A misspelt word changes nothing, for nobody of the batch."""
    campaign = _start(ledger)
    first, second = claim(ledger, campaign, 2, NOW).rows
    with pytest.raises(LedgerError, match="break its rules"):
        record(ledger, [Result(first, "accepted", "x"), Result(second, "banana", "x")], NOW)
    assert count_states(ledger, campaign) == {"sending": 2, "pending": 1}
    assert _attempts(ledger) == []


def test_recording_nothing_is_nothing(ledger):
    """A batch of which no message could be sent has no outcome to write."""
    record(ledger, [], NOW)


def test_deferred_is_claimed_again_when_due(ledger):
    """Not before, and as a new attempt; when it was first tried is known still."""
    campaign = _start(ledger, 1)
    rows = claim(ledger, campaign, 5, NOW).rows
    _settle(ledger, rows, "deferred", due_at=NOW + timedelta(seconds=60))
    assert not claim(ledger, campaign, 5, NOW + timedelta(seconds=59))
    later = NOW + timedelta(seconds=60)
    assert not claim(ledger, campaign, 5, later, due_before=NOW)
    (row,) = claim(ledger, campaign, 5, later).rows
    assert (row.id, row.attempt) == (rows[0].id, 2)
    with ledger.read() as connection:
        assert connection.execute(select(deliveries.c.first_tried_at)).scalar() == NOW
    _settle(ledger, [row], "accepted")
    assert [(one.number, one.started_at) for one in _attempts(ledger)] == [(1, NOW), (2, later)]


def test_who_was_tried_for_too_long_is_given_up(ledger):
    """After a day a deferred delivery has failed, with the last reason; a younger one has not."""
    campaign = _start(ledger, 1)
    _settle(ledger, claim(ledger, campaign, 5, NOW).rows, "deferred", answer="451 later", due_at=NOW + timedelta(seconds=60))
    day = timedelta(days=1)
    assert give_up(ledger, campaign, NOW, NOW + day) == 0
    assert give_up(ledger, campaign, NOW + timedelta(seconds=1), NOW + day) == 1
    with ledger.read() as connection:
        row = connection.execute(select(deliveries.c.state, deliveries.c.reason, deliveries.c.due_at)).one()
    assert tuple(row) == ("failed", "gave up: 451 later", None)


@pytest.mark.parametrize(("scope", "skipped"), [("", 1), ("readers", 1), ("members", 0)])
def test_who_asked_not_to_be_mailed_since_is_skipped(ledger, scope, skipped):
    """The audience was chosen an hour ago; a suppression of now counts, everywhere or on the list they are mailed by."""
    audience = an_audience(2)
    people = tuple(replace(person, list="readers") for person in audience.subscribers)
    campaign = start_campaign(
        ledger, an_edition(), replace(audience, subscribers=people), transport="memory", real=True, setting={}, now=NOW
    )
    with ledger.write() as connection:
        row = {"address_key": people[0].key, "scope": scope, "reason": "complaint", "source": "test", "created_at": NOW}
        connection.execute(insert(suppressions), [row])
    batch = claim(ledger, campaign, 5, NOW)
    assert (len(batch.rows), batch.skipped) == (2 - skipped, skipped)
    with ledger.read() as connection:
        reasons = connection.execute(select(deliveries.c.reason).where(deliveries.c.state == "skipped")).scalars().all()
    assert reasons == ["complaint"] * skipped


def test_a_correction_goes_to_those_who_have_it(ledger):
    """It is a campaign that was asked for by name; an ordinary one of the same issue then has nobody left."""
    _settle(ledger, claim(ledger, _start(ledger), 5, NOW).rows, "accepted")
    again = start_campaign(ledger, an_edition(), an_audience(4), transport="memory", real=True, setting={}, now=NOW, correction=True)
    _settle(ledger, claim(ledger, again, 5, NOW).rows, "accepted")
    batch = claim(ledger, _start(ledger, 4), 5, NOW)
    assert (batch.rows, batch.skipped) == ((), 4)


def test_a_request_is_heard_with_the_next_claim(ledger):
    """That is how another process stops the one that sends; a change of state answers it."""
    campaign = _start(ledger)
    assert claim(ledger, campaign, 1, NOW).request == ""
    ask_campaign(ledger, campaign, Request.PAUSE)
    assert claim(ledger, campaign, 1, NOW).request == "pause"
    move_campaign(ledger, campaign, "paused", NOW)
    assert claim(ledger, campaign, 1, NOW).request == ""


@pytest.mark.parametrize("state", ["sending", "accepted", "deferred", "in_doubt"])
def test_an_address_held_by_another_campaign_is_skipped(ledger, state):
    """At most once an issue and address, over campaigns and lists, whatever was chosen before."""
    first, second = _start(ledger, 2), _start(ledger, 3)
    rows = claim(ledger, first, 5, NOW).rows
    if state != "sending":
        _settle(ledger, rows, state)
    batch = claim(ledger, second, 5, NOW)
    assert [row.key for row in batch.rows] == ["person3@example.com"]
    assert batch.skipped == 2
    with ledger.read() as connection:
        skipped = select(deliveries.c.reason, deliveries.c.attempts).where(deliveries.c.state == "skipped")
        assert connection.execute(skipped).all() == [("already_mailed", 0)] * 2


@pytest.mark.parametrize("state", ["rejected", "failed", "skipped", "recalled", "pending"])
def test_an_address_that_was_not_reached_is_free(ledger, state):
    """A refusal in one campaign does not keep another from trying."""
    rows = claim(ledger, _start(ledger, 2), 5, NOW).rows
    second = _start(ledger, 2)
    _settle(ledger, rows, state)
    assert len(claim(ledger, second, 5, NOW).rows) == 2


@pytest.mark.parametrize("known", ["when it began", "since"])
def test_who_was_in_doubt_and_is_not_sent_to_again_counts_as_reached(ledger, known):
    """They perhaps have it: no other send of the issue may reach them, by the look before, the claim, or the index; a correction may."""
    first = _start(ledger, 3)
    second = _start(ledger, 3) if known == "since" else 0
    rows = claim(ledger, first, 2, NOW).rows
    _settle(ledger, rows, "in_doubt")
    assert resolve(ledger, first, DeliveryState.SKIPPED, NOW) == 2
    keys = [f"person{number}@example.com" for number in (1, 2, 3)]
    assert already_mailed(ledger, "2026-01", keys) == set(keys[:2])
    second = second or _start(ledger, 3)
    assert [row.key for row in claim(ledger, second, 5, NOW).rows] == keys[2:]
    force = text("UPDATE deliveries SET state = 'sending', held = true WHERE campaign = :campaign AND position = 1")
    with pytest.raises(LedgerError, match="break its rules"), ledger.write() as connection:
        connection.execute(force, {"campaign": second})
    assert len(claim(ledger, _start(ledger, 2, correction=True), 5, NOW).rows) == 2


def test_a_batch_of_skipped_alone_is_not_the_end(ledger):
    """The loop must go on to the next batch when the first held only people who have it."""
    claim(ledger, _start(ledger, 2), 5, NOW)
    second = _start(ledger, 3)
    batch = claim(ledger, second, 2, NOW)
    assert batch
    assert (batch.rows, batch.skipped) == ((), 2)
    assert len(claim(ledger, second, 2, NOW).rows) == 1


def test_another_issue_is_another_matter(ledger):
    """The promise is per issue."""
    claim(ledger, _start(ledger), 5, NOW)
    assert len(claim(ledger, _start(ledger, stem="2026-02"), 5, NOW).rows) == 3


def test_rehearsals_hold_and_heed_nothing(ledger):
    """A rehearsal starts afresh each time, before and after the real thing."""
    assert len(claim(ledger, _start(ledger, real=False), 5, NOW).rows) == 3
    assert len(claim(ledger, _start(ledger, real=True), 5, NOW).rows) == 3
    assert len(claim(ledger, _start(ledger, real=False), 5, NOW).rows) == 3


def test_the_database_itself_refuses_a_second_mail(ledger):
    """Should the code ever forget to look, the index does not."""
    first, second = _start(ledger), _start(ledger)
    claim(ledger, first, 5, NOW)
    force = text("UPDATE deliveries SET state = 'sending', held = true WHERE campaign = :campaign")
    with pytest.raises(LedgerError, match="break its rules"), ledger.write() as connection:
        connection.execute(force, {"campaign": second})


@pytest.mark.parametrize("state", ["pending", "in_doubt"])
def test_orphans_are_settled_with_their_attempts(ledger, state):
    """What a dead process left in flight is moved once, and only in its own campaign."""
    campaign, other = _start(ledger), _start(ledger, first=100)
    claim(ledger, campaign, 2, NOW)
    claim(ledger, other, 1, NOW)
    assert settle_orphans(ledger, campaign, state, "died", NOW) == 2
    assert settle_orphans(ledger, campaign, state, "died", NOW) == 0
    assert count_states(ledger, other)["sending"] == 1
    assert [(row.outcome, row.answer) for row in _attempts(ledger)] == [("lost", "died"), ("lost", "died")]
    assert len(claim(ledger, campaign, 9, NOW).rows) == (3 if state == "pending" else 1)
