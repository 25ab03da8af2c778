"""Undo through SendGrid: handed over for later, withdrawn in time, and doubt that is cancelled and sent again."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from composer.delivery.campaign import run
from composer.delivery.control import release
from composer.delivery.sending import Watch
from composer.delivery.setting import freeze
from composer.delivery.undo import recall, reconcile
from composer.errors import Stopped, UsageError
from composer.ledger.campaigns import count_states, read_campaign, start_campaign
from composer.ledger.model import BatchState
from composer.ledger.opening import open_ledger
from composer.ledger.undo import count_in_doubt, mark_batch, read_batches
from composer.project import find
from composer.testing import an_audience, an_edition
from composer.testing.sendgrid import SendGridDouble
from composer.testing.sendgrid_http import Fault, Point

PEOPLE = 10


class Clock:
    """One clock for us and for the account."""

    def __init__(self):
        self.now = datetime.now(UTC).replace(microsecond=0)

    def __call__(self):
        return self.now

    def timestamp(self):
        return self.now.timestamp()


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def account(clock):
    with SendGridDouble(clock=clock.timestamp) as double:
        yield double


@pytest.fixture
def letters(project, account, monkeypatch):
    monkeypatch.setenv("SENDGRID_API_KEY", account.key)
    toml = (project.root / "newsletter.toml").read_text() + (
        f'[delivery]\ntransport = "sendgrid"\n[unsubscribe]\naddress = "leave@openletters.org"\n'
        f'[transport.sendgrid]\nbase_url = "{account.url}"\nthreads = 1\npeople_per_request = 5\nundo_minutes = 30\ntimeout = 1\n'
    )
    (project.root / "newsletter.toml").write_text(toml)
    return find(project.root, exact=True)


@pytest.fixture
def ledger(letters):
    with open_ledger(letters) as opened:
        yield opened


def _begin(letters, ledger, clock, **more):
    settings = {"transport": "sendgrid", "real": True, "setting": freeze(letters.config), "now": clock.now, **more}
    start_campaign(ledger, an_edition(), an_audience(PEOPLE), **settings)
    return read_campaign(ledger)


def _got(account, clock):
    return Counter(each.email for each in account.delivered(clock.now.timestamp()))


def test_nothing_goes_out_before_its_time(letters, ledger, account, clock):
    """All requests carry one batch and one moment, half an hour from now."""
    report = run(letters, ledger, _begin(letters, ledger, clock), clock=clock)
    (batch,) = read_batches(ledger, 1)
    assert (report.state, report.counts) == ("finished", {"accepted": PEOPLE})
    assert batch.send_at == clock.now + timedelta(minutes=30)
    assert _got(account, clock) == {}
    clock.now += timedelta(minutes=31)
    assert len(_got(account, clock)) == PEOPLE


def test_recall_in_time(letters, ledger, account, clock):
    """Nobody gets it, and the ledger says of everybody that it was withdrawn."""
    run(letters, ledger, _begin(letters, ledger, clock), clock=clock)
    clock.now += timedelta(minutes=15)
    done = recall(letters, letters.config, ledger, read_campaign(ledger, 1), clock)
    assert (done.recalled, done.skipped, done.too_late) == (PEOPLE, 0, 0)
    assert count_states(ledger, 1) == {"recalled": PEOPLE}
    assert read_campaign(ledger, 1).state == "cancelled"
    clock.now += timedelta(hours=1)
    assert _got(account, clock) == {}


def test_recall_too_late_changes_nobody(letters, ledger, account, clock):
    """Ten minutes before, SendGrid has begun to hand it on."""
    run(letters, ledger, _begin(letters, ledger, clock), clock=clock)
    clock.now += timedelta(minutes=20)
    done = recall(letters, letters.config, ledger, read_campaign(ledger, 1), clock)
    assert (done.recalled, done.too_late) == (0, 1)
    assert count_states(ledger, 1) == {"accepted": PEOPLE}
    assert read_campaign(ledger, 1).state == "finished"


def test_a_second_recall_says_that_it_is_done(letters, ledger, account, clock):
    """Who asks twice must not read that it was never possible."""
    run(letters, ledger, _begin(letters, ledger, clock), clock=clock)
    recall(letters, letters.config, ledger, read_campaign(ledger, 1), clock)
    with pytest.raises(UsageError, match="recalled already"):
        recall(letters, letters.config, ledger, read_campaign(ledger, 1), clock)


def test_recall_without_undo_is_refused(letters, ledger, clock):
    """What was sent at once is gone."""
    campaign = _begin(letters, ledger, clock)
    with pytest.raises(UsageError, match="cannot be recalled"):
        recall(letters, letters.config, ledger, campaign, clock)


@pytest.mark.parametrize("taken", [True, False])
def test_a_batch_in_doubt_is_cancelled_and_sent_again_once(letters, ledger, account, clock, taken):
    """The answer to one request is lost, whether SendGrid took it or not: in the end everybody gets exactly one."""
    account.script += [None, Fault(Point.CLOSE_AFTER, accept=taken)]
    report = run(letters, ledger, _begin(letters, ledger, clock), clock=clock)
    assert (report.state, report.counts) == ("finished", {"accepted": PEOPLE})
    assert [str(batch.state) for batch in read_batches(ledger, 1)] == ["cancelled", "open"]
    clock.now += timedelta(hours=1)
    assert set(_got(account, clock).values()) == {1}
    assert len(_got(account, clock)) == PEOPLE


def test_without_a_free_slot_it_stays_in_doubt(letters, ledger, account, clock):
    """The account may hold back ten batches at a time; the sender is told, nobody is mailed twice."""
    for number in range(10):
        account.batches.ids.append(f"other{number}")
        account.batches.held[f"other{number}"] = "cancel"
    account.script += [None, Fault(Point.CLOSE_AFTER, accept=True)]
    report = run(letters, ledger, _begin(letters, ledger, clock), clock=clock)
    assert (report.state, report.counts) == ("paused", {"accepted": 5, "in_doubt": 5})


def test_a_later_run_hands_over_for_a_later_time_and_four_batches_are_all(letters, ledger, account, clock):
    """A campaign that is resumed an hour later has a batch of its own; when all four are used the rest is sent at once."""
    campaign = _begin(letters, ledger, clock)
    for _ in range(4):
        account.script.append(Fault(Point.STATUS, status=401))
        assert run(letters, ledger, campaign, clock=clock).state == "paused"
        clock.now += timedelta(hours=1)
    assert len({batch.send_at for batch in read_batches(ledger, 1)}) == 4
    assert run(letters, ledger, campaign, clock=clock).state == "finished"
    assert len(read_batches(ledger, 1)) == 4
    assert len(_got(account, clock)) == PEOPLE


def test_without_an_id_nothing_is_begun(letters, ledger, account, clock):
    """The account refuses the key: the campaign waits, and says so."""
    account.key = "another"
    with pytest.raises(Stopped) as caught:
        run(letters, ledger, _begin(letters, ledger, clock), clock=clock)
    assert "newsletter resume 1" in caught.value.hint
    assert read_campaign(ledger, 1).state == "paused"
    assert count_states(ledger, 1) == {"pending": PEOPLE}


def _orphan(ledger, position, now):
    """Leave somebody in flight, as a process that was killed does."""
    with ledger.write() as connection:
        connection.execute(
            text(
                "UPDATE deliveries SET state = 'sending', held = true, attempts = attempts + 1, updated_at = :now WHERE position = :position"
            ),
            {"position": position, "now": now.isoformat(" ")},
        )


def test_who_was_in_flight_is_in_doubt_with_the_batch_of_then(letters, ledger, account, clock):
    """A later run, with a batch of its own, never takes them for people of that one: it would send to them again."""
    campaign = _begin(letters, ledger, clock)
    account.script.append(Fault(Point.STATUS, status=401))
    run(letters, ledger, campaign, clock=clock)
    _orphan(ledger, 1, clock.now)
    clock.now += timedelta(hours=1)
    report = run(letters, ledger, read_campaign(ledger, 1), clock=clock)
    first, second = read_batches(ledger, 1)
    assert report.counts == {"accepted": PEOPLE - 1, "in_doubt": 1}
    assert (count_in_doubt(ledger, first), count_in_doubt(ledger, second)) == (1, 0)
    assert [str(each.state) for each in (first, second)] == ["open", "open"]


@pytest.mark.parametrize(("done", "counts"), [(True, {"recalled": PEOPLE}), (False, {"accepted": PEOPLE})])
def test_a_cancelling_that_nobody_told_the_end_of_is_found_out(letters, ledger, account, clock, done, counts):
    """The process died between asking SendGrid and writing it down; the next one asks SendGrid what became of it."""
    run(letters, ledger, _begin(letters, ledger, clock), clock=clock)
    (batch,) = read_batches(ledger, 1)
    mark_batch(ledger, batch, BatchState.RECALLING)
    if done:
        account.batches.held[batch.id] = "cancel"
        account.batches.held_at[batch.id] = clock.timestamp()
    reconcile(letters.config, ledger, read_campaign(ledger, 1), clock)
    assert count_states(ledger, 1) == counts
    assert str(read_batches(ledger, 1)[0].state) == ("cancelled" if done else "open")


def test_when_nobody_can_say_it_is_in_doubt(letters, ledger, account, clock):
    """What was cancelled is no longer listed after its time: then the sender has to know."""
    run(letters, ledger, _begin(letters, ledger, clock), clock=clock)
    mark_batch(ledger, read_batches(ledger, 1)[0], BatchState.REPLACING)
    clock.now += timedelta(hours=2)
    reconcile(letters.config, ledger, read_campaign(ledger, 1), clock)
    assert count_states(ledger, 1) == {"in_doubt": PEOPLE}


def test_a_pause_is_a_pause_also_with_somebody_in_doubt(letters, ledger, account, clock):
    """Nothing is cancelled and sent again behind the back of somebody who asked to stop."""
    account.script += [Fault(Point.CLOSE_AFTER, accept=True)]
    asked = iter([False, False])
    report = run(letters, ledger, _begin(letters, ledger, clock), clock=clock, watch=Watch(stop=lambda: next(asked, True)))
    assert (report.state, report.stopped) == ("paused", True)
    assert [str(batch.state) for batch in read_batches(ledger, 1)] == ["open"]


def test_nothing_is_handed_over_that_could_not_be_recalled(letters, ledger, account, clock):
    """The run outlives the time of its batch: it stops, and a resume hands the rest over for later."""

    def probe(step):
        if step == "sent":
            clock.now += timedelta(minutes=25)

    campaign = _begin(letters, ledger, clock)
    report = run(letters, ledger, campaign, clock=clock, watch=Watch(probe=probe))
    assert (report.state, report.counts) == ("paused", {"accepted": 5, "pending": 5})
    assert "recalled" in report.reason
    assert run(letters, ledger, campaign, clock=clock).state == "finished"
    assert len(read_batches(ledger, 1)) == 2


@pytest.mark.parametrize("taken", [True, False])
def test_a_canary_in_doubt_is_replaced_by_itself(letters, ledger, account, clock, taken):
    """The second run, which sends again what was cancelled, is as much of the canary as the first: nobody else gets it."""
    account.script += [None, Fault(Point.CLOSE_AFTER, accept=taken)]
    report = run(letters, ledger, _begin(letters, ledger, clock, canary=8), clock=clock)
    assert report.reason.startswith("the canary has gone out: 8 of 10 people (8 accepted)")
    assert [str(batch.state) for batch in read_batches(ledger, 1)] == ["cancelled", "open"]
    clock.now += timedelta(hours=1)
    assert sorted(_got(account, clock).values()) == [1] * 8
    assert release(letters, ledger, 1, clock.now)
    assert run(letters, ledger, read_campaign(ledger, 1), clock=clock).state == "finished"
    clock.now += timedelta(hours=1)
    assert sorted(_got(account, clock).values()) == [1] * PEOPLE


def test_a_canary_is_recalled_with_the_rest_that_waits(letters, ledger, account, clock):
    """What the sender saw before its time was bad: nobody gets anything."""
    run(letters, ledger, _begin(letters, ledger, clock, canary=4), clock=clock)
    done = recall(letters, letters.config, ledger, read_campaign(ledger, 1), clock)
    assert (done.recalled, done.skipped, done.too_late) == (4, 6, 0)
    clock.now += timedelta(hours=1)
    assert _got(account, clock) == {}
