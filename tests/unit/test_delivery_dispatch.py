"""The loop that sends: every outcome, every failure, and what a run leaves behind."""

from __future__ import annotations

import os
import signal
import threading
import time
from contextlib import ExitStack, nullcontext
from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest
from sqlalchemy import select, text

from composer.cli import interrupt as interrupt_module
from composer.cli.interrupt import stop_on_signal
from composer.delivery import desk, draining
from composer.delivery.dispatch import dispatch
from composer.delivery.sending import Sending, Watch
from composer.errors import ConfigError, LedgerError, MergeError, Stopped, TransportError, UsageError
from composer.ledger.campaigns import ask_campaign, count_states, move_campaign, read_campaign, start_campaign
from composer.ledger.lock import hold_campaign
from composer.ledger.model import Request
from composer.ledger.opening import open_ledger
from composer.ledger.schema import attempts, deliveries
from composer.testing import FakeClock, MemoryTransport, a_message, an_audience, an_edition
from composer.transport.base import Accepted, Deferred, Rejected, Unknown


@pytest.fixture
def project(any_project):
    """Every test runs on both databases."""
    return any_project


@pytest.fixture
def ledger(any_ledger):
    return any_ledger


@pytest.fixture
def start(project, ledger):
    """Begin a campaign and return what a run of it needs; ``change`` replaces parts."""

    def begin(people=5, *, transport=None, lists=("readers",), **change):
        transport = transport or MemoryTransport()
        edition = an_edition()
        audience = an_audience(people, lists=lists)
        kind = {"transport": transport.name, "real": transport.real}
        identity = start_campaign(ledger, edition, audience, **kind, setting={}, now=FakeClock().now)

        def build(row, _now):
            return a_message(edition, row, row.id)

        sending = Sending(
            ledger,
            read_campaign(ledger, identity),
            transport,
            build,
            partial(hold_campaign, project, ledger, identity),
            FakeClock(),
            2,
        )
        return replace(sending, **change)

    return begin


def _person(number):
    return f"person{number}@example.com"


def _states(ledger, campaign):
    with ledger.read() as connection:
        rows = select(deliveries.c.state).where(deliveries.c.campaign == campaign).order_by(deliveries.c.position)
        return list(connection.execute(rows).scalars())


def test_everybody_gets_one_in_order_and_the_campaign_is_finished(ledger, start):
    """The plain case."""
    sending = start()
    report = dispatch(sending)
    assert sending.transport.addresses == [_person(number) for number in range(1, 6)]
    assert sending.transport.batches == [2, 2, 1]
    assert (report.state, report.counts, report.exit_code, report.left) == ("finished", {"accepted": 5}, 0, 0)
    assert read_campaign(ledger).state == "finished"


def test_outcomes_are_recorded_each_for_its_person(ledger, start):
    """One refused person harms nobody else; what needs attention pauses the campaign."""
    answers = {_person(2): Rejected("550 no such user"), _person(3): Deferred("451 busy", 30), _person(4): Unknown("timeout")}
    sending = start(transport=MemoryTransport(answers=answers))
    report = dispatch(sending)
    assert _states(ledger, sending.campaign.id) == ["accepted", "rejected", "deferred", "in_doubt", "accepted"]
    assert (report.state, report.exit_code, report.reason) == (
        "paused",
        3,
        "1 deferred, 1 in doubt; the next is due at 2026-01-15 09:00:30 UTC",
    )
    with ledger.read() as connection:
        due = connection.execute(select(deliveries.c.due_at, deliveries.c.reason).where(deliveries.c.state == "deferred")).one()
        assert tuple(due) == (FakeClock().now + timedelta(seconds=30), "451 busy")


def test_when_a_resume_will_find_something(start):
    """ "`newsletter resume` goes on" is no help while nothing is due for an hour; what is pending is due now."""
    answers = {_person(1): Deferred("busy", 7200), _person(2): Deferred("busy", 3600), _person(3): TransportError("down")}
    sending = start(transport=MemoryTransport(answers=answers))
    assert dispatch(sending).due is None
    del sending.transport.answers[_person(3)]
    report = dispatch(sending)
    assert report.due == FakeClock().now + timedelta(hours=1)
    assert report.reason == "2 deferred; the next is due at 2026-01-15 10:00:00 UTC"
    sending.transport.answers.clear()
    sending.clock.advance(7201)
    assert (dispatch(sending).due, dispatch(sending).reason) == (None, "")


def test_refused_people_make_exit_code_1(start):
    """Done, with errors to look at."""
    report = dispatch(start(transport=MemoryTransport(answers={_person(2): Rejected("no")})))
    assert (report.state, report.exit_code) == ("finished", 1)


def test_what_is_in_doubt_is_never_sent_again_by_itself(start):
    """However often it is resumed."""
    sending = start(transport=MemoryTransport(answers={_person(3): Unknown("timeout")}))
    dispatch(sending)
    sending.transport.answers.clear()
    report = dispatch(sending)
    assert _person(3) not in sending.transport.addresses
    assert (report.exit_code, report.left, report.reason) == (3, 0, "1 in doubt")


def test_deferred_is_tried_again_by_a_later_run_when_due(start):
    """Within one run it is not, or a server that always says "later" would hold us for ever."""
    sending = start(transport=MemoryTransport(answers={_person(1): Deferred("busy", 0)}))
    assert dispatch(sending).counts == {"accepted": 4, "deferred": 1}
    assert sum(sending.transport.batches) == 5
    sending.transport.answers.clear()
    sending.clock.advance(1)
    assert dispatch(sending).counts == {"accepted": 5}


def test_a_message_that_cannot_be_built_fails_alone(ledger, start):
    """Its reason is kept, the others go on."""
    sending = start()

    def build(row, now):
        if row.position == 2:
            raise MergeError("no home page")
        return sending.build(row, now)

    report = dispatch(replace(sending, build=build))
    assert _states(ledger, sending.campaign.id) == ["accepted", "failed", "accepted", "accepted", "accepted"]
    assert (report.state, report.exit_code) == ("finished", 1)
    with ledger.read() as connection:
        assert connection.execute(select(deliveries.c.reason).where(deliveries.c.state == "failed")).scalar() == "no home page"


def test_a_batch_of_which_nothing_can_be_built_is_not_sent(start):
    """A transport is never called for nobody."""
    sending = start(2)

    def build(_row, _now):
        raise MergeError("no")

    assert dispatch(replace(sending, build=build)).counts == {"failed": 2}
    assert sending.transport.batches == []


@pytest.mark.parametrize(
    ("error", "raised", "reason"),
    [
        (ConfigError("no address is known", hint="Set one."), Stopped, "no address is known. Set one."),
        (KeyboardInterrupt(), Stopped, "interrupted"),
        (RuntimeError("boom"), RuntimeError, "RuntimeError: boom"),
        (SystemExit(), SystemExit, "SystemExit"),
    ],
)
def test_trouble_while_building_stops_with_its_reason(ledger, start, error, raised, reason):
    """What is wrong for everybody stops the run at once; nobody is marked as failed, the first batch stays sent."""
    sending = start()

    def build(row, now):
        if row.position == 4:
            raise error
        return sending.build(row, now)

    with pytest.raises(raised) as caught:
        dispatch(replace(sending, build=build))
    assert _states(ledger, sending.campaign.id) == ["accepted", "accepted", "pending", "pending", "pending"]
    campaign = read_campaign(ledger)
    assert (campaign.state, campaign.reason) == ("paused", reason)
    if raised is Stopped:
        assert caught.value.exit_code == 3
        assert "newsletter resume 1" in caught.value.hint
    assert dispatch(sending).counts == {"accepted": 5}


@pytest.mark.parametrize("step", ["recover", "run", "claim", "claimed", "built", "sent", "recorded", "finish"])
@pytest.mark.parametrize("error", [KeyboardInterrupt(), LedgerError("the disk is full"), RuntimeError("boom")])
def test_no_campaign_is_left_running(ledger, start, step, error):
    """Wherever a run ends, the ledger says that it did and why."""

    def probe(name):
        if name == step:
            raise error

    sending = start()
    with pytest.raises(RuntimeError if isinstance(error, RuntimeError) else Stopped):
        dispatch(replace(sending, watch=Watch(probe=probe)))
    campaign = read_campaign(ledger)
    assert campaign.state == "paused"
    assert campaign.reason in {"interrupted", "the disk is full", "RuntimeError: boom"}


def test_unusable_transport_gives_everything_back(ledger, start):
    """It says that nothing was accepted, so the rows are due again; the reason and the hint are kept."""
    sending = start()
    sending.transport.answers[_person(3)] = TransportError("login refused", hint="Check the key.")
    report = dispatch(sending)
    assert _states(ledger, sending.campaign.id) == ["accepted", "accepted", "pending", "pending", "pending"]
    assert (report.state, report.exit_code, report.left) == ("paused", 3, 3)
    assert read_campaign(ledger).reason == "login refused. Check the key."
    sending.transport.answers.clear()
    assert dispatch(sending).counts == {"accepted": 5}
    assert len(sending.transport.addresses) == 5


@pytest.mark.parametrize("error", [RuntimeError("boom"), KeyboardInterrupt(), TimeoutError()])
def test_unexpected_trouble_leaves_the_batch_in_doubt(ledger, start, error):
    """Nobody knows what was sent of it; a resume goes on with the others only."""
    sending = start()
    sending.transport.answers[_person(4)] = error
    report = dispatch(sending)
    assert _states(ledger, sending.campaign.id) == ["accepted", "accepted", "in_doubt", "in_doubt", "pending"]
    assert (report.state, report.exit_code) == ("paused", 3)
    assert report.reason.startswith("the answer of memory was lost: ")
    assert ("interrupted" if isinstance(error, KeyboardInterrupt) else type(error).__name__) in report.reason
    dispatch(sending)
    assert sending.transport.addresses.count(_person(3)) == 1


@pytest.mark.parametrize("outcomes", [[], [Accepted()], [Accepted()] * 3, [Accepted(), None], None])
def test_an_answer_that_does_not_fit_leaves_the_batch_in_doubt(ledger, start, outcomes):
    """Too few, too many, or not Outcomes: whom each belongs to is unknown."""
    sending = start()
    sending.transport.script.append(lambda _batch: outcomes)
    dispatch(sending)
    assert _states(ledger, sending.campaign.id)[:3] == ["in_doubt", "in_doubt", "pending"]


def test_unexpected_trouble_of_an_idempotent_transport_is_sent_again(ledger, start):
    """Where twice is once, doubt is of no use."""
    sending = start(transport=MemoryTransport(real=False, idempotent=True, answers={_person(1): RuntimeError("boom")}))
    assert dispatch(sending).state == "paused"
    assert set(_states(ledger, sending.campaign.id)) == {"pending"}


def test_stop_ends_after_the_batch_in_flight(start):
    """What was claimed is sent and recorded, the rest waits."""
    sending = start()
    report = dispatch(replace(sending, watch=Watch(stop=lambda: len(sending.transport.batches) == 2)))
    assert (report.state, report.reason, report.exit_code) == ("paused", "stopped on request", 3)
    assert report.counts == {"accepted": 4, "pending": 1}


def test_stop_asked_too_late_is_no_pause(start):
    """When nobody is left, the campaign is finished whatever was asked."""
    sending = start(4)
    report = dispatch(replace(sending, watch=Watch(stop=lambda: len(sending.transport.batches) == 2)))
    assert (report.state, report.reason, report.exit_code) == ("finished", "", 0)


def test_progress_adds_up(start):
    """The bar ends at its end, those skipped and refused counted."""
    dispatch(start(2))
    seen = []
    dispatch(start(5, watch=Watch(progress=seen.append), transport=MemoryTransport(answers={_person(4): Rejected("no")})))
    assert sum(seen) == 5


def test_at_most_once_over_campaigns_and_lists(start):
    """Promise 2: the second campaign mails only those whom the first did not."""
    transport = MemoryTransport()
    dispatch(start(3, transport=transport, lists=("staff",)))
    report = dispatch(start(5, transport=transport, lists=("readers",)))
    assert sorted(transport.addresses) == [_person(number) for number in range(1, 6)]
    assert report.counts == {"skipped": 3, "accepted": 2}
    assert report.exit_code == 0


def test_a_rehearsal_never_counts(start):
    """Before and after the real thing, as often as one likes."""
    rehearsal = MemoryTransport(name="rehearsal", real=False, idempotent=True)
    dispatch(start(3, transport=rehearsal))
    real = MemoryTransport()
    assert dispatch(start(3, transport=real)).counts == {"accepted": 3}
    dispatch(start(3, transport=rehearsal))
    assert (len(rehearsal.sent), len(real.sent)) == (6, 3)


def test_delivery_id_is_the_same_over_attempts(ledger, start):
    """Message-ID hangs on it: a client shows one mail, should two arrive."""
    sending = start(1, transport=MemoryTransport(answers={_person(1): TransportError("down")}))
    seen = []
    watching = replace(sending, build=lambda row, now: seen.append((row.id, row.attempt)) or sending.build(row, now))
    dispatch(watching)
    sending.transport.answers.clear()
    dispatch(watching)
    assert [attempt for _, attempt in seen] == [1, 2]
    assert len({identity for identity, _ in seen}) == 1
    with ledger.read() as connection:
        assert connection.execute(select(attempts.c.number, attempts.c.outcome).order_by(attempts.c.number)).all() == [
            (1, "not_sent"),
            (2, "accepted"),
        ]


def test_full_disk_on_the_way_stops_and_a_resume_goes_on(ledger, start, monkeypatch):
    """The ledger failed after the send: those in flight are in doubt, never sent again, and the rest is sent."""
    sending = start()

    def full(*_):
        raise LedgerError("the disk is full", hint="Make room.")

    with monkeypatch.context() as patch:
        exchange = desk.record_and_claim
        patch.setattr(desk, "record_and_claim", lambda *given: full() if given[2] else exchange(*given))
        with pytest.raises(Stopped, match="disk is full") as caught:
            dispatch(replace(sending, sleep=lambda _: None))
    assert caught.value.exit_code == 3
    assert "newsletter resume 1" in caught.value.hint
    assert dispatch(sending).counts == {"in_doubt": 2, "accepted": 3}
    assert sorted(sending.transport.addresses) == [_person(number) for number in range(1, 6)]


def test_interrupt_between_steps_stops_with_a_hint(start):
    """The second Ctrl-C ends at once and loses nothing."""
    sending = start()

    def probe(step):
        if step == "sent":
            raise KeyboardInterrupt

    with pytest.raises(Stopped, match="interrupted"):
        dispatch(replace(sending, watch=Watch(probe=probe)))
    assert dispatch(sending).counts == {"in_doubt": 2, "accepted": 3}


def _signals(times=2):
    for _ in range(times):
        os.kill(os.getpid(), signal.SIGINT)


@pytest.mark.parametrize("step", ["claim", "claimed", "built", "sent", "recorded", "finish"])
def test_a_second_signal_never_throws_away_an_answer(ledger, start, capfd, step):
    """Between the answer and its record, and everywhere else outside of the transport, the run ends in order."""
    sending = start()
    with stop_on_signal() as interrupt:
        watch = Watch(stop=interrupt.asked, interruptible=interrupt.interruptible, probe=lambda name: _signals(3) if name == step else None)
        report = dispatch(replace(sending, watch=watch))
    states = _states(ledger, sending.campaign.id)
    assert states.count("accepted") == len(sending.transport.sent) > 0
    assert set(states) <= {"accepted", "pending"}
    assert report.state == read_campaign(ledger).state == ("finished" if step == "finish" else "paused")
    assert capfd.readouterr().err.count("once more stops now") == 1


def test_a_second_signal_ends_a_call_that_hangs(ledger, start, monkeypatch):
    """Of those in flight nobody knows; they are in doubt, the rest waits."""
    monkeypatch.setattr(draining, "DRAIN_SECONDS", 0.4)
    sending = start()

    def hang(_batch):
        _signals()
        time.sleep(30)

    sending.transport.script.append(hang)
    with stop_on_signal() as interrupt:
        report = dispatch(replace(sending, watch=Watch(stop=interrupt.asked, interruptible=interrupt.interruptible)))
    assert _states(ledger, sending.campaign.id) == ["in_doubt", "in_doubt", "pending", "pending", "pending"]
    assert report.reason in {"interrupted", "stopped on request"}


def test_an_interrupt_that_comes_with_the_answer_loses_nothing(ledger, start):
    """The call has returned: what it said is recorded."""

    class Late:
        def __enter__(self):
            """Nothing yet."""

        def __exit__(self, *_):
            raise KeyboardInterrupt

    sending = start()
    report = dispatch(replace(sending, watch=Watch(interruptible=Late)))
    assert _states(ledger, sending.campaign.id) == ["accepted", "accepted", "pending", "pending", "pending"]
    assert (report.state, report.reason) == ("paused", "interrupted")


def test_signals_are_heard_where_nobody_can_be_told(monkeypatch):
    """A terminal that is gone is no reason to die in a handler, nor is output that was being written."""
    monkeypatch.setattr(interrupt_module, "_STDERR", -1)
    before = signal.getsignal(signal.SIGINT)
    with stop_on_signal() as interrupt:
        assert not interrupt.asked()
        _signals()
        assert interrupt.asked()
    assert signal.getsignal(signal.SIGINT) is before


def test_locked_ledger_stops_before_sending(project, start):
    """A claim that cannot be written sends nothing."""
    sending = start()
    with open_ledger(project, busy_seconds=0.05) as impatient, sending.ledger.write() as connection:
        connection.execute(text("UPDATE campaigns SET people = people"))
        with pytest.raises(Stopped, match="locked"):
            dispatch(replace(sending, ledger=impatient))
    assert sending.transport.batches == []


def test_one_process_a_campaign(project, start):
    """Another process is refused with a sentence, and sends nothing; when the first is gone it may."""
    sending = start()
    with open_ledger(project) as ledger, hold_campaign(project, ledger, sending.campaign.id):
        with pytest.raises(UsageError, match="another process is sending this campaign"):
            dispatch(sending)
        assert sending.transport.batches == []
    assert dispatch(sending).counts == {"accepted": 5}


def test_two_senders_at_once_share_nobody(project, start):
    """Two campaigns of one issue to the same people, side by side: each address is mailed once."""
    transport, reports = MemoryTransport(), []

    def send(sending):
        with open_ledger(project) as own:
            reports.append(dispatch(replace(sending, ledger=own)))

    threads = [threading.Thread(target=send, args=(start(60, transport=transport, batch=5),)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(transport.addresses) == sorted({_person(number) for number in range(1, 61)})
    assert sum(report.counts.get("accepted", 0) for report in reports) == 60
    assert sum(report.counts.get("skipped", 0) for report in reports) == 60


def test_a_finished_campaign_sends_nothing_again(ledger, start):
    """Dispatch of what is done is harmless."""
    sending = start()
    dispatch(sending)
    assert dispatch(sending).counts == {"accepted": 5}
    assert len(sending.transport.sent) == 5
    assert count_states(ledger, sending.campaign.id) == {"accepted": 5}


def test_what_falls_due_soon_is_waited_for(ledger, start):
    """Greylisting is over in minutes: the run waits for it, says so once, and finishes by itself."""
    sending = start(3, wait=timedelta(minutes=15))
    sending.transport.answers[_person(2)] = Deferred("451 greylisted", 120)
    told = []

    def sleep(seconds):
        sending.clock.advance(seconds)
        if sending.clock.now >= FakeClock().now + timedelta(seconds=110):
            sending.transport.answers.clear()

    report = dispatch(replace(sending, sleep=sleep, watch=Watch(waiting=told.append)))
    assert (report.state, report.counts) == ("finished", {"accepted": 3})
    assert told == [FakeClock().now + timedelta(seconds=120)]
    assert FakeClock().now + timedelta(seconds=120) <= sending.clock.now < FakeClock().now + timedelta(seconds=122)


def test_who_is_due_and_in_the_hands_of_another_transaction_is_waited_for(postgres_ledger):
    """Their row is passed over (SKIP LOCKED): to ask for it without a pause would keep two machines busy for nothing."""
    edition, clock, transport, asked = an_edition(), FakeClock(), MemoryTransport(answers={_person(2): Deferred("451 busy", 10)}), []
    identity = start_campaign(postgres_ledger, edition, an_audience(3), transport="memory", real=True, setting={}, now=clock.now)

    def take_their_row(_due):
        transport.answers.clear()
        other.enter_context(postgres_ledger.write()).execute(select(deliveries.c.id).with_for_update()).all()

    def sleep(seconds):
        if clock.advance(seconds) > FakeClock().now + timedelta(seconds=12):
            other.close()

    def count(step):
        asked.append(step)
        assert asked.count("claim") < 50

    watch, campaign = Watch(waiting=take_their_row, probe=count), read_campaign(postgres_ledger, identity)
    build, wait = (lambda row, _now: a_message(edition, row, row.id)), timedelta(minutes=1)
    with ExitStack() as other:
        report = dispatch(Sending(postgres_ledger, campaign, transport, build, nullcontext, clock, watch=watch, wait=wait, sleep=sleep))
    assert (report.state, report.counts) == ("finished", {"accepted": 3})


def test_what_falls_due_later_than_one_waits_pauses(ledger, start):
    """The sender goes home; a resume goes on."""
    sending = start(3, wait=timedelta(minutes=15))
    sending.transport.answers[_person(2)] = Deferred("451 later", 3_600)
    report = dispatch(replace(sending, sleep=sending.clock.advance))
    assert (report.state, report.exit_code, report.left) == ("paused", 3, 1)
    assert sending.clock.now == FakeClock().now


def test_after_a_day_a_deferred_delivery_has_failed(ledger, start):
    """It is tried for a day and no longer; others are not held up by it."""
    sending = start(2, wait=timedelta(hours=30))
    sending.transport.answers[_person(2)] = Deferred("451 never", 3_600)
    report = dispatch(replace(sending, sleep=lambda seconds: sending.clock.advance(seconds * 600)))
    assert (report.state, report.exit_code, report.counts) == ("finished", 1, {"accepted": 1, "failed": 1})
    assert sending.clock.now - FakeClock().now < timedelta(hours=27)


def test_many_lanes_share_the_work_and_nobody_is_twice(ledger, start):
    """Calls run at the same time, each for people of its own; everyone is accounted for."""
    begun, transport = threading.Barrier(3), MemoryTransport(lanes=3)
    transport.script.extend([lambda batch: (begun.wait(5) and None) or [Accepted()] * len(batch)] * 3)
    report = dispatch(start(12, transport=transport))
    assert report.counts == {"accepted": 12}
    assert sum(transport.batches) == 12


def test_a_request_from_outside_pauses_or_cancels(ledger, start):
    """Another process leaves a word in the ledger; the run hears it with its next claim."""
    for request, state, rest in ((Request.PAUSE, "paused", "pending"), (Request.CANCEL, "cancelled", "skipped")):
        sending = start(6, lists=(f"list-{request}",))
        identity = sending.campaign.id
        sending.transport.script.append(
            lambda batch, identity=identity, request=request: ask_campaign(ledger, identity, request) or [Accepted()] * len(batch)
        )
        with ledger.write() as connection:
            connection.execute(text("UPDATE deliveries SET issue = :issue WHERE campaign = :id"), {"issue": f"i{identity}", "id": identity})
            connection.execute(text("UPDATE campaigns SET issue = :issue WHERE id = :id"), {"issue": f"i{identity}", "id": identity})
        report = dispatch(sending)
        assert (report.state, report.exit_code) == (state, 3)
        assert report.reason == f"{'paused' if request == 'pause' else 'cancelled'} on request"
        assert set(_states(ledger, identity)) == {"accepted", rest}
        assert read_campaign(ledger, identity).request == ""


def test_what_was_cancelled_a_moment_ago_is_not_sent(ledger, start):
    """The word came between reading the campaign and taking its lock."""
    sending = start()
    move_campaign(ledger, sending.campaign.id, "cancelled", FakeClock().now)
    with pytest.raises(UsageError, match="is cancelled"):
        dispatch(sending)
    assert read_campaign(ledger).state == "cancelled"
    assert sending.transport.sent == []


def test_when_everybody_is_refused_the_run_stops(ledger, start):
    """A blocked address or a policy refuses each person alike: fifty are enough to know."""
    sending = start(80, batch=10)
    sending.transport.answers.update({_person(number): Rejected("550 5.7.1 blocked") for number in range(1, 81)})
    report = dispatch(sending)
    assert (report.state, report.exit_code) == ("paused", 3)
    assert report.counts == {"rejected": 50, "pending": 30}
    assert report.reason == "50 people in a row were refused; the last answer: 550 5.7.1 blocked"


def test_refusals_with_others_between_them_are_of_people(ledger, start):
    """An old list has many that are gone; that is no reason to stop."""
    sending = start(120, batch=10)
    sending.transport.answers.update({_person(number): Rejected("550 unknown") for number in range(1, 121) if number % 40})
    assert dispatch(sending).counts == {"rejected": 117, "accepted": 3}
