"""One person in the ledger, in SQLite and PostgreSQL alike: all of it shown, all of it forgotten, and never mailed again."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import insert, select, update

from composer.errors import ConfigError, UsageError
from composer.ledger.campaigns import count_states, start_campaign
from composer.ledger.deliveries import claim, record
from composer.ledger.forgotten import count_forgotten, forget, forgotten_since, identities, is_forgotten
from composer.ledger.keyed import count_lost, keyed_hashes, write_off
from composer.ledger.model import DeliveryState, Reason, Result
from composer.ledger.opening import ledger_path, open_ledger
from composer.ledger.resolution import retry
from composer.ledger.schema import attempts, campaigns, deliveries, metadata, subscribers, subscriptions, test_sends
from composer.ledger.subscribers import read_person, subscription_states
from composer.ledger.suppressions import Suppression, suppress, suppressed
from composer.testing import FakeClock, an_audience, an_edition

NOW = FakeClock().now
LATER = NOW + timedelta(hours=1)
KEYS = ("newest key", "older key")
ONE, TWO, THREE = (f"person{number}@example.com" for number in (1, 2, 3))


def _subscribe(ledger, key, **lists):
    with ledger.write() as connection:
        row = {"address_key": key, "email": key, "name": "Person", "fields": {"country": "FR"}, "created_at": NOW, "updated_at": NOW}
        number = connection.execute(insert(subscribers).values(row)).inserted_primary_key[0]
        for name, state in lists.items():
            said = {"list": name, "subscriber": number, "state": state, "source": "import of members.csv", "created_at": NOW}
            connection.execute(insert(subscriptions).values(**said, updated_at=LATER))


def _test_send(ledger, key):
    with ledger.write() as connection:
        row = {"issue": "2026-01", "edition": "e" * 64, "list": "readers", "transport": "sendgrid", "real": True, "sender": "grace"}
        person = {"address_key": key, "email": key, "variant": "", "outcome": "accepted", "answer": f"{key} is fine"}
        connection.execute(insert(test_sends).values(**row, **person, started_at=NOW, ended_at=LATER))


def _start(ledger, stem="2026-01", people=3):
    return start_campaign(ledger, an_edition(stem), an_audience(people), transport="sendgrid", real=True, setting={}, now=NOW)


def _send(ledger, campaign, state=DeliveryState.ACCEPTED, **more):
    rows = claim(ledger, campaign, 10, NOW).rows
    record(ledger, [Result(row, state, str(state), f"250 to {row.email}", **more) for row in rows], LATER)


@pytest.fixture
def known(any_ledger):
    """A ledger that knows a lot of person 1, and the same of person 2."""
    for key in (ONE, TWO):
        _subscribe(any_ledger, key, members="confirmed", board="unsubscribed")
        suppress(any_ledger, [Suppression(key, "board", Reason.UNSUBSCRIBED, "link in 2025-12", NOW)], NOW)
        _test_send(any_ledger, key)
    _send(any_ledger, _start(any_ledger))
    _send(any_ledger, _start(any_ledger, "2026-02"), DeliveryState.REJECTED)
    return any_ledger


def _everything(ledger):
    """Return every value of every table as one text."""
    with ledger.read() as connection:
        return "\n".join(repr(tuple(row)) for table in metadata.sorted_tables for row in connection.execute(select(table)))


def test_all_that_is_known_is_shown(known):
    """Fields, lists with dates and sources, suppressions, every attempt with its answer, test sends."""
    person = read_person(known, ONE, KEYS)
    assert (person.profile.email, person.profile.fields, person.profile.created_at) == (ONE, {"country": "FR"}, NOW)
    assert [(each.list, each.state, each.source, each.updated_at) for each in person.subscriptions] == [
        ("board", "unsubscribed", "import of members.csv", LATER),
        ("members", "confirmed", "import of members.csv", LATER),
    ]
    assert [(each.scope, each.reason, each.source) for each in person.suppressions] == [("board", "unsubscribed", "link in 2025-12")]
    assert [(each.issue, each.list, each.transport, each.state, each.fields) for each in person.deliveries] == [
        ("2026-01", "", "sendgrid", "accepted", {"first_name": "P1"}),
        ("2026-02", "", "sendgrid", "rejected", {"first_name": "P1"}),
    ]
    assert [(each.number, each.started_at, each.ended_at, each.answer) for each in person.deliveries[1].attempts] == [
        (1, NOW, LATER, f"250 to {ONE}")
    ]
    assert [(each.sender, each.outcome, each.answer) for each in person.test_sends] == [("grace", "accepted", f"{ONE} is fine")]
    assert person.forgotten_at is None
    assert subscription_states(known, ONE) == {"board": "unsubscribed", "members": "confirmed"}


def test_nothing_is_known_of_a_stranger(known):
    """Other people's rows are not theirs."""
    person = read_person(known, "stranger@example.org", KEYS)
    assert not person
    assert (person.profile, person.subscriptions, person.deliveries, person.test_sends) == (None, (), (), ())


def test_each_thing_known_makes_a_person_known(any_ledger):
    """A suppression alone, or a test alone, is something that is kept of a person."""
    suppress(any_ledger, [Suppression(ONE, "", Reason.MANUAL)], NOW)
    _test_send(any_ledger, TWO)
    assert read_person(any_ledger, ONE, KEYS)
    assert read_person(any_ledger, TWO, KEYS)


def test_forgetting_leaves_no_trace_of_the_address(known):
    """In no table, in no answer of a server; and of the others everything stays."""
    before = _everything(known)
    assert before.count(ONE) == before.count(TWO) > 5
    done = forget(known, ONE, KEYS, LATER)
    assert (done.known, done.subscriptions, done.suppressions, done.deliveries, done.not_sent, done.test_sends) == (False, 2, 1, 2, 0, 1)
    after = _everything(known)
    assert ONE not in after
    assert "P1" not in after
    assert after.count(TWO) == before.count(TWO)


def test_what_counted_still_counts_after_forgetting(known):
    """The proof of who was mailed holds: states, attempts and their times stay, under a name that says nothing."""
    forget(known, ONE, KEYS, LATER)
    person = read_person(known, ONE, KEYS)
    assert person.forgotten_at == LATER
    assert [(each.state, each.email, each.name, each.fields, each.reason) for each in person.deliveries] == [
        ("accepted", "", "", {}, ""),
        ("rejected", "", "", {}, ""),
    ]
    assert [(tried.outcome, tried.started_at, tried.answer) for tried in person.deliveries[0].attempts] == [("accepted", NOW, "")]
    assert count_states(known, 1) == {"accepted": 3}


def test_the_forgotten_are_known_by_hash_alone(known):
    """With the newest key, and still after a new key was put before it."""
    keys = (ONE, TWO, "new@example.org")
    assert is_forgotten(known, keys, KEYS) == set()
    forget(known, ONE, KEYS, LATER)
    assert is_forgotten(known, keys, KEYS) == {ONE}
    assert is_forgotten(known, keys, ("newer key", *KEYS)) == {ONE}
    assert forgotten_since(known, ONE, ("newer key", *KEYS)) == LATER
    assert forgotten_since(known, TWO, KEYS) is None


def test_a_lost_key_is_noticed(known):
    """A key that was lost is made anew without a word: whoever was forgotten would then be mailed again."""
    forget(known, ONE, KEYS, LATER)
    forget(known, TWO, ("second key", *KEYS), LATER)
    for keys, number in ((("another key",), "2 people"), (KEYS, "1 person"), (("second key",), "1 person"), ((), "2 people")):
        with pytest.raises(ConfigError, match=f"^{number} who (was|were) forgotten cannot be recognised"):
            is_forgotten(known, ["new@example.org"], keys)
    assert is_forgotten(known, (ONE, TWO), ("third key", "second key", *KEYS)) == {ONE, TWO}
    assert [count_lost(known, keys) for keys in ((), ("another key",), KEYS, ("second key", *KEYS))] == [2, 2, 1, 0]


def test_who_cannot_be_recognised_may_be_given_up(known):
    """A key that is lost for good ends no newsletter; those whom a key recognises stay forgotten."""
    forget(known, ONE, KEYS, LATER)
    forget(known, TWO, ("second key",), LATER)
    assert write_off(known, ("second key",)) == 1
    assert is_forgotten(known, (ONE, TWO), ("second key",)) == {TWO}


def test_keyed_hashes_say_nothing_of_anybody():
    """Of one length, as the column has it; the name of a key is the same for all, the rest for nobody."""
    first, second = keyed_hashes(ONE, KEYS)[0], keyed_hashes(TWO, KEYS)[0]
    assert len(first) == len(second) == 64
    assert first[:16] == second[:16]
    assert first[16:] != second[16:]
    assert keyed_hashes(ONE, ("another key",))[0][:16] != first[:16]


def test_the_forgotten_are_counted_once_each(any_ledger):
    """Their number is all that may be told; whoever is forgotten again is one person still."""
    assert count_forgotten(any_ledger) == 0
    for email in (ONE, TWO, ONE):
        forget(any_ledger, email, KEYS, NOW)
    assert count_forgotten(any_ledger) == 2


def test_many_are_asked_in_chunks_and_none_when_nobody_was_forgotten(any_ledger):
    """A send asks about a million people; nearly always nobody was forgotten, and not even a key is needed."""
    keys = iter([ONE])
    assert is_forgotten(any_ledger, keys, ()) == set()
    assert next(keys) == ONE
    for number in (3, 2_999):
        forget(any_ledger, f"p{number}@example.org", KEYS, NOW)
    assert is_forgotten(any_ledger, (f"p{number}@example.org" for number in range(3_000)), KEYS) == {"p3@example.org", "p2999@example.org"}
    with pytest.raises(ConfigError, match="key"):
        is_forgotten(any_ledger, [ONE], ())


def test_who_waits_is_skipped(any_ledger):
    """A campaign that is paused does not mail who was forgotten meanwhile."""
    campaign = _start(any_ledger)
    assert forget(any_ledger, TWO, KEYS, LATER).not_sent == 1
    person = read_person(any_ledger, TWO, KEYS)
    assert [(each.state, each.reason) for each in person.deliveries] == [("skipped", "forgotten")]
    assert [row.email for row in claim(any_ledger, campaign, 10, LATER).rows] == [ONE, THREE]


def test_who_was_deferred_is_skipped(any_ledger):
    """Due again later is never, then."""
    campaign = _start(any_ledger)
    _send(any_ledger, campaign, DeliveryState.DEFERRED, due_at=LATER)
    forget(any_ledger, TWO, KEYS, LATER)
    assert read_person(any_ledger, TWO, KEYS).deliveries[0].due_at is None
    assert [row.email for row in claim(any_ledger, campaign, 10, LATER, LATER + timedelta(1)).rows] == [ONE, THREE]


def test_why_somebody_was_skipped_stays_known(any_ledger):
    """Words of our own name nobody."""
    campaign = _start(any_ledger)
    suppress(any_ledger, [Suppression(TWO, "", Reason.COMPLAINT)], NOW)
    _send(any_ledger, campaign)
    forget(any_ledger, TWO, KEYS, LATER)
    assert read_person(any_ledger, TWO, KEYS).deliveries[0].reason == "complaint"


def test_a_row_of_the_forgotten_that_is_tried_again_is_skipped_at_the_claim(any_ledger):
    """It failed, they were forgotten, the sender says retry: a message to nobody may not be built."""
    campaign = _start(any_ledger)
    _send(any_ledger, campaign, DeliveryState.FAILED)
    forget(any_ledger, TWO, KEYS, LATER)
    assert retry(any_ledger, campaign, LATER) == 3
    batch = claim(any_ledger, campaign, 10, LATER)
    assert [row.email for row in batch.rows] == [ONE, THREE]
    assert batch.skipped == 1
    assert [(each.state, each.reason) for each in read_person(any_ledger, TWO, KEYS).deliveries] == [("skipped", "forgotten")]


def test_nobody_is_forgotten_while_they_are_being_mailed(known):
    """The process that sends holds the address: its answer would come back to a row that is gone. Nothing is changed."""
    campaign = _start(known, "2026-03")
    claim(known, campaign, 10, NOW)
    before = _everything(known)
    with pytest.raises(UsageError, match="being sent right now"):
        forget(known, ONE, KEYS, LATER)
    assert _everything(known) == before


def test_who_was_mailed_an_issue_cannot_get_it_under_the_hash(known):
    """Once an issue and address holds for what stands in the address's place."""
    forget(known, ONE, KEYS, LATER)
    with known.read() as connection:
        held = connection.execute(select(deliveries.c.address_key).where(deliveries.c.position == 1)).scalars().all()
    assert set(held) == {identities(ONE, KEYS)[1]}
    assert held[0].startswith("forgotten:")


def test_forgetting_twice_is_the_same_as_once(known):
    """The person asks again; the first moment stays."""
    forget(known, ONE, KEYS, NOW)
    done = forget(known, ONE, KEYS, LATER)
    assert (done.known, done.deliveries) == (True, 0)
    assert forgotten_since(known, ONE, KEYS) == NOW


def test_a_stranger_can_be_forgotten(any_ledger):
    """Somebody who never wants to be written to asks before they were."""
    forget(any_ledger, "stranger@example.org", KEYS, NOW)
    assert is_forgotten(any_ledger, ["stranger@example.org"], KEYS) == {"stranger@example.org"}
    assert "stranger" not in _everything(any_ledger)


def test_a_campaign_that_stopped_at_somebody_forgets_the_name(known):
    """Why a campaign paused is shown to everyone; it may be a server's words about one person."""
    with known.write() as connection:
        connection.execute(update(campaigns).where(campaigns.c.id == 1).values(reason=f"421 Person1@Example.com is too much for {ONE}"))
        connection.execute(update(campaigns).where(campaigns.c.id == 2).values(reason="the disk is full"))
    forget(known, ONE, KEYS, LATER)
    with known.read() as connection:
        assert connection.execute(select(campaigns.c.reason).order_by(campaigns.c.id)).scalars().all() == ["", "the disk is full"]


def test_suppressions_go_with_the_person(known):
    """The hash is what keeps them from being mailed; an address kept for that would be one too many."""
    forget(known, ONE, KEYS, LATER)
    assert suppressed(known, [ONE, TWO], "board") == {TWO: Reason.UNSUBSCRIBED}


def test_nothing_of_the_person_stays_in_sqlites_files(project):
    """Not in free pages, not in the write-ahead log: a copy of the files holds no address that was deleted."""
    names = [f"somebody{number}@example.net" for number in range(400)]
    with open_ledger(project) as ledger:
        for at in range(0, len(names), 50):
            suppress(ledger, [Suppression(name, "", Reason.MANUAL, f"wrote from {name}") for name in names[at : at + 50]], NOW)
        _subscribe(ledger, names[123], members="confirmed")
        forget(ledger, names[123], KEYS, LATER)
        path = ledger_path(project)
        left = {file.name: file.read_bytes() for file in path.parent.iterdir() if file.is_file()}
        assert left[f"{path.name}-wal"] == b""
    assert not [name for name, data in left.items() if names[123].encode() in data]
    assert names[124].encode() in left[path.name]


def test_attempts_of_others_keep_their_answers(known):
    """Blanking goes by campaign and place, and no place is taken for another."""
    forget(known, ONE, KEYS, LATER)
    with known.read() as connection:
        answers = connection.execute(select(attempts.c.answer).order_by(attempts.c.campaign, attempts.c.position)).scalars().all()
    assert answers == ["", f"250 to {TWO}", f"250 to {THREE}"] * 2
