"""A canary from its share to the word that lets the rest go: how many, who, when it is over, and that nobody is lost or doubled by it."""

from __future__ import annotations

from collections import Counter
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from composer.config import Delivery
from composer.delivery import campaign as campaigns
from composer.delivery.canary import parse_share, people_first
from composer.delivery.control import release, resolve, retry
from composer.delivery.model import DeliveryState
from composer.delivery.sending import Watch
from composer.errors import Stopped, TransportError, UsageError
from composer.ledger.campaigns import count_states, read_campaign, start_campaign
from composer.ledger.canary import count_canary
from composer.ledger.lock import hold_campaign
from composer.ledger.model import CanaryStage
from composer.ledger.opening import open_ledger
from composer.ledger.schema import deliveries
from composer.ledger.suppressions import Suppression, suppress
from composer.project import with_config
from composer.testing import FakeClock, MemoryTransport, an_audience, an_edition
from composer.transport import registry
from composer.transport.base import Deferred, Rejected, Unknown

PEOPLE, FIRST = 200, 20
CLOCK = FakeClock()


@pytest.fixture
def project(any_project):
    """Every test runs on both databases."""
    return with_config(any_project, delivery=Delivery(batch=7))


@pytest.fixture
def ledger(any_ledger):
    return any_ledger


@pytest.fixture
def memory(monkeypatch):
    transport = MemoryTransport()
    monkeypatch.setitem(registry.WAYS_OUT, "memory", registry.WayOut(real=True, place=lambda *_: "", opener=lambda *_: transport))
    return transport


def _begin(ledger, people=PEOPLE, canary=FIRST):
    start_campaign(ledger, an_edition(), an_audience(people), transport="memory", real=True, setting={}, now=CLOCK.now, canary=canary)
    return _chosen(ledger)


def _chosen(ledger):
    with ledger.read() as connection:
        return list(connection.execute(select(deliveries.c.email).where(deliveries.c.canary).order_by(deliveries.c.position)).scalars())


def _run(project, ledger, **more):
    return campaigns.run(project, ledger, read_campaign(ledger), clock=CLOCK, **more)


def _go_on(project, ledger):
    """Do what `newsletter resume` does."""
    release(project, ledger, 1, CLOCK.now)
    return _run(project, ledger)


# ---- the share -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "share"),
    [("2%", "1/50"), ("2 %", "1/50"), (" 0.5% ", "1/200"), ("2\N{NO-BREAK SPACE}%", "1/50"), ("99.999999%", "99999999/100000000")],
)
def test_a_share_is_read(text, share):
    """As people write it, and exactly: a float makes 21 of 2 % of 1,000."""
    assert parse_share(text) == Fraction(share)


@pytest.mark.parametrize(
    "text", ["", "%", "0%", "0.0%", "100%", "100.0%", "250%", "-2%", "2", "0.02", "two%", "2%%", "2,5%", "1e1%", "2% x", "٢%", "nan%"]
)
def test_what_is_no_share_is_refused(text):
    """Whatever is guessed here is a number of people who get a letter."""
    with pytest.raises(UsageError, match="a canary cannot be") as caught:
        parse_share(text)
    assert "--canary 2%" in caught.value.hint


@pytest.mark.parametrize(
    ("share", "people", "first"), [("2%", 1000, 20), ("2%", 1001, 21), ("2%", 3, 1), ("0.5%", 1000, 5), ("0.000001%", 9, 1), ("2%", 0, 0)]
)
def test_how_many_that_is(share, people, first):
    """Rounded up, so that a canary is never nobody."""
    assert people_first(parse_share(share), people) == first


@given(st.integers(1, 10**7), st.integers(1, 99_999_999))
def test_never_nobody_and_never_everybody(people, millionths):
    """Either the number is between the two, or it is said that there is nothing to wait for."""
    share = Fraction(millionths, 10**8)
    try:
        first = people_first(share, people)
    except UsageError:
        assert share * people > people - 1
    else:
        assert share * people <= first < share * people + 1
        assert 0 < first < people


@pytest.mark.parametrize(("people", "said"), [(1, "the one person there is"), (10, "all 10 people")])
def test_everybody_is_no_canary(people, said):
    """A send that was to stop, and does not, is worse than one that does not begin."""
    with pytest.raises(UsageError, match=said):
        people_first(parse_share("99%"), people)


# ---- the run ---------------------------------------------------------------------------------------------------


def test_first_the_canary_then_all_the_others(project, ledger, memory):
    """Two runs: exactly those who were chosen, in the list's order; then everybody else; nobody twice, nobody lost."""
    chosen = _begin(ledger)
    report = _run(project, ledger)
    assert memory.addresses == chosen
    assert len(chosen) == FIRST
    told = "the canary has gone out: 20 of 200 people (20 accepted); look at what came back, then `newsletter resume 1` sends to the rest"
    assert (report.state, report.reason, report.exit_code, report.left, report.held) == ("paused", told, 3, 180, True)
    found = read_campaign(ledger)
    assert (found.state, found.reason, found.canary, found.canary_stage) == ("paused", told, FIRST, CanaryStage.GONE)
    assert _go_on(project, ledger).exit_code == 0
    assert Counter(memory.addresses) == Counter(f"person{number}@example.com" for number in range(1, PEOPLE + 1))
    assert read_campaign(ledger).canary_stage is CanaryStage.OVER


def test_a_run_without_the_senders_word_sends_to_nobody_else(project, ledger, memory):
    """What goes on for another reason, such as `retry`, is not the word that it waits for."""
    chosen = _begin(ledger)
    memory.answers[chosen[3]] = Deferred("later", 3600)
    assert "(19 accepted, 1 deferred)" in _run(project, ledger).reason
    del memory.answers[chosen[3]]
    retry(project, ledger, 1, CLOCK.now)
    report = _run(project, ledger)
    assert sorted(memory.addresses) == sorted(chosen)
    assert "(20 accepted)" in report.reason
    assert report.held


def test_who_is_deferred_does_not_hold_up_its_end(project, ledger, memory):
    """With the longest wait set, and all of it deferred by a minute: the sender wants to look now."""
    patient = with_config(project, delivery=Delivery(batch=7, wait=1440))
    chosen = _begin(ledger)
    memory.answers |= {email: Deferred("later", 60) for email in chosen}
    waited = []
    report = _run(patient, ledger, watch=Watch(waiting=waited.append))
    assert (report.held, report.due, waited) == (True, None, [])
    assert "(20 deferred)" in report.reason
    memory.answers.clear()
    CLOCK.advance(86_000)
    _go_on(patient, ledger)
    assert count_states(ledger, 1) == {"accepted": PEOPLE}
    assert len(memory.sent) == PEOPLE


def test_every_answer_counts_as_gone(project, ledger, memory):
    """Rejected, in doubt, skipped: tried is tried, and it is said what became of them."""
    chosen = _begin(ledger)
    memory.answers |= {chosen[0]: Rejected("no"), chosen[1]: Unknown("lost")}
    report = _run(project, ledger)
    assert "20 of 200 people (18 accepted, 1 rejected, 1 in doubt)" in report.reason
    assert resolve(project, ledger, 1, CLOCK.now, resend=True) == 1
    memory.answers.clear()
    assert "(19 accepted, 1 rejected)" in _run(project, ledger).reason
    assert len(memory.sent) == FIRST - 1


@pytest.mark.parametrize("how", ["transport", "stop", "probe"])
def test_an_interrupted_canary_goes_on_and_then_stops(project, ledger, memory, how):
    """A resume in the middle of it is not the word for the rest, however the run ended."""
    chosen = _begin(ledger)
    if how == "transport":
        memory.answers[chosen[7]] = TransportError("down")  # the first of a batch
        assert "down" in _run(project, ledger).reason
    elif how == "stop":
        report = _run(project, ledger, watch=Watch(stop=lambda: len(memory.sent) >= 7))
        assert (report.reason, report.held) == ("stopped on request", False)
    else:

        def probe(step):
            if step == "recorded":
                raise KeyboardInterrupt

        with pytest.raises(Stopped):
            _run(project, ledger, watch=Watch(probe=probe))
    found = read_campaign(ledger)
    assert (found.state, found.canary_stage) == ("paused", CanaryStage.GOING)
    assert 0 < count_states(ledger, 1)["pending"] - (PEOPLE - FIRST) < FIRST
    memory.answers.clear()
    report = _go_on(project, ledger)
    assert report.held
    assert count_canary(ledger, 1).get("pending") is None
    assert set(memory.addresses) <= set(chosen)
    _go_on(project, ledger)
    assert max(Counter(memory.addresses).values()) == 1
    states = count_states(ledger, 1)
    assert states["accepted"] + states.get("in_doubt", 0) == PEOPLE


def test_asked_to_stop_as_it_ends_says_so_with_the_next_run(project, ledger, memory):
    """A stop has its own reason; the canary is told as gone by the run that finds nobody of it left, and that sends nothing."""
    _begin(ledger)
    report = _run(project, ledger, watch=Watch(stop=lambda: len(memory.sent) >= FIRST))
    assert report.reason == "stopped on request"
    assert _go_on(project, ledger).held
    assert len(memory.sent) == FIRST


def test_a_death_before_it_is_told_as_gone(project, ledger, memory, monkeypatch):
    """Everybody of it was sent to and nothing of that was said: the next run finds nobody, says it, and sends nothing."""
    _begin(ledger)

    def die(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("composer.delivery.canary.hold_rest", die)
        with pytest.raises(KeyboardInterrupt):
            _run(project, ledger)
    assert read_campaign(ledger).canary_stage is CanaryStage.GOING
    assert _go_on(project, ledger).held
    assert len(memory.sent) == FIRST


def test_the_rest_is_released_by_nobody_else(project, ledger, memory):
    """Not while a process sends it, not before the canary has gone, not after it is over."""
    _begin(ledger)
    assert not release(project, ledger, 1, CLOCK.now)
    _run(project, ledger)
    with open_ledger(project) as other, hold_campaign(project, other, 1), pytest.raises(UsageError, match="another process"):
        release(project, ledger, 1, CLOCK.now)
    assert release(project, ledger, 1, CLOCK.now)
    assert not release(project, ledger, 1, CLOCK.now)


def test_without_a_canary_nothing_is_held_back(project, ledger, memory):
    """The usual send."""
    assert _begin(ledger, canary=0) == []
    report = _run(project, ledger)
    assert (report.exit_code, report.held, len(memory.sent)) == (0, False, PEOPLE)
    assert (read_campaign(ledger).canary, read_campaign(ledger).canary_stage) == (0, CanaryStage.NONE)


def test_suppressed_since_counts_as_gone(project, ledger, memory):
    """The whole canary left the list meanwhile: it ends, and nobody else takes their place."""
    chosen = _begin(ledger, canary=2)
    suppress(ledger, [Suppression(email, "", "manual", "test") for email in chosen], CLOCK.now)
    assert "2 of 200 people (2 skipped)" in _run(project, ledger).reason
    assert memory.sent == []


def test_by_two_lanes_and_from_the_ledgers_own_process(any_project, memory, monkeypatch):
    """A large campaign keeps its ledger in another process: what it claims is held back there, too."""
    monkeypatch.setattr(campaigns, "MANY", 100)
    memory.lanes = 3
    with open_ledger(any_project) as ledger:
        chosen = _begin(ledger, canary=150)
        assert _run(any_project, ledger).held
        assert sorted(memory.addresses) == sorted(chosen)
        assert _go_on(any_project, ledger).exit_code == 0
        assert len(set(memory.addresses)) == len(memory.sent) == PEOPLE
        assert count_states(ledger, 1) == {DeliveryState.ACCEPTED: PEOPLE}


def test_a_canary_that_was_only_held_back_has_not_gone_out(project, ledger, memory):
    """A limit of one a minute to a domain lets one of the canary out: the rest of the list must not go before the other nineteen did."""
    memory.direct = True
    chosen = _begin(ledger)
    limited = with_config(project, delivery=Delivery(batch=7, per_domain_minute=1, wait=0))
    report = _run(limited, ledger)
    assert (report.state, report.counts["accepted"], report.counts["deferred"]) == ("paused", 1, FIRST - 1)
    assert read_campaign(ledger).canary_stage is CanaryStage.GOING
    assert not report.held
    assert set(memory.addresses) <= set(chosen)
