"""The table of delivery states: complete, and closed to everything it does not name."""

from __future__ import annotations

from itertools import product

import pytest

from composer.delivery.model import (
    FINAL,
    DeliveryEvent,
    DeliveryState,
    after,
    after_loss,
    event_of,
    follow,
    transition_table,
    unsent,
)
from composer.transport.base import Accepted, Deferred, Rejected, Unknown

TABLE = {(row.before, row.event): row.after for row in transition_table()}


def test_each_cause_has_one_effect():
    """Two rows for the same state and event would make the table a riddle."""
    assert len(TABLE) == len(transition_table())


def test_every_state_is_reachable_and_every_event_used():
    """A state nobody can come to, or an event that nothing answers, is a mistake in the table."""
    reached, front = {DeliveryState.PENDING}, [DeliveryState.PENDING]
    while front:
        state = front.pop()
        fresh = {after for (before, _), after in TABLE.items() if before is state} - reached
        reached |= fresh
        front += fresh
    assert reached == set(DeliveryState)
    assert {event for _, event in TABLE} == set(DeliveryEvent)


def test_final_states_are_those_of_the_glossary():
    """What is rejected, skipped or recalled stays so; accepted may only be withdrawn, failed only be tried again by the sender."""
    assert {"rejected", "skipped", "recalled"} == FINAL
    assert [str(row.event) for row in transition_table() if row.before == "accepted"] == [
        "withdrawn in time",
        "withdrawn to be sent again",
        "perhaps withdrawn",
    ]
    assert [str(row.event) for row in transition_table() if row.before == "failed"] == ["sender says: try again"]


@pytest.mark.parametrize(("state", "event"), list(product(DeliveryState, DeliveryEvent)))
def test_whatever_the_table_does_not_name_is_refused(state, event):
    """No default, no fall-through."""
    if (state, event) in TABLE:
        assert follow(state, event) is TABLE[state, event]
    else:
        with pytest.raises(ValueError, match="cannot be"):
            follow(state, event)


def test_doubt_never_leads_to_sending_by_itself():
    """Only a word from outside or from the sender ends it, or that the batch it was in was withdrawn."""
    leaving = {row.event for row in transition_table() if row.before is DeliveryState.IN_DOUBT}
    assert leaving == {
        DeliveryEvent.CONFIRMED,
        DeliveryEvent.BOUNCED,
        DeliveryEvent.RESEND,
        DeliveryEvent.SKIP,
        DeliveryEvent.RECALL,
        DeliveryEvent.WITHDRAWN,
    }


@pytest.mark.parametrize(
    ("outcome", "state"),
    [(Accepted(), "accepted"), (Deferred("busy", 5), "deferred"), (Rejected("no"), "rejected"), (Unknown("lost"), "in_doubt")],
)
def test_outcomes_become_states(outcome, state):
    """What a transport says decides, and nothing else."""
    assert after(outcome) == state
    assert follow(DeliveryState.SENDING, event_of(outcome)) == state


@pytest.mark.parametrize("thing", [None, "accepted", True])
def test_what_is_no_outcome_decides_nothing(thing):
    """A transport that answers nonsense must not have its mail counted as sent or unsent."""
    with pytest.raises(TypeError, match="not an Outcome"):
        after(thing)


def test_loss_depends_on_the_transport():
    """Sent again only where twice has the effect of once."""
    assert after_loss(idempotent=True) == "pending"
    assert after_loss(idempotent=False) == "in_doubt"


def test_unsent_counts_what_a_run_may_send():
    """Those in doubt are nobody's to send."""
    assert unsent({"pending": 1, "sending": 2, "deferred": 4, "in_doubt": 8, "accepted": 16}) == 7
    assert unsent({}) == 0
