"""Whatever transports answer and wherever senders die: nobody is mailed twice, nobody is forgotten."""

from __future__ import annotations

import itertools
from collections import Counter
from contextlib import suppress
from functools import partial

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from composer.audience.model import Audience
from composer.config import ListSettings
from composer.delivery.dispatch import dispatch
from composer.delivery.sending import Sending, Watch
from composer.errors import TransportError
from composer.ledger.campaigns import count_states, read_campaign, start_campaign
from composer.ledger.lock import hold
from composer.ledger.opening import open_ledger
from composer.testing import FakeClock, a_message, an_audience, an_edition
from composer.transport.base import Accepted, Deferred, Rejected, Unknown, Unusable

PEOPLE = an_audience(6).subscribers
STEPS = ("recover", "run", "claim", "claimed", "built", "sent", "recorded", "finish")


class Death(BaseException):
    """The process is gone: nothing after this line runs."""


class World:
    """A transport that takes what it takes, and answers, fails or dies as the plan says, one entry a message."""

    name, real, batch, direct = "world", True, 0, False

    def __init__(self, plan, *, idempotent, lanes, ahead):
        self.plan, self.idempotent, self.lanes, self.ahead, self.taken = iter(plan), idempotent, lanes, ahead, []

    def send(self, batch, upcoming=None, /):
        assert upcoming is None or (self.ahead and upcoming.delivery_id not in {message.delivery_id for message in batch})
        outcomes = []
        for message in batch:
            what = next(self.plan, "accept")
            if what == "reject" and self.idempotent and message.email in self.taken:
                what = "accept"  # for whom twice is once, a yes is not followed by a final no
            if what == "refuse all" and not outcomes:
                raise TransportError("down")
            if what in {"accept", "take and lose", "take and die", "take and break", "refuse all"}:
                self.taken.append(message.email)
            if what == "take and die":
                raise Death
            if what == "take and break":
                raise RuntimeError("boom")
            outcomes.append(
                {"defer": Deferred("later", 0), "reject": Rejected("no"), "lose": Unknown("?"), "take and lose": Unknown("?")}.get(
                    what, Accepted()
                )
            )
        return outcomes

    def interrupt(self):
        """It never waits."""

    def close(self):
        """Nothing is held."""


class Together(World):
    """The same with all that is under way in one thread; of what has ended it tells only some at a time, the newest first."""

    batch = 1

    def __init__(self, plan, **how):
        super().__init__(plan, **how)
        self.under_way = []

    def begin(self, letters, /):
        for message, upcoming, about in letters:
            try:
                (outcome,) = self.send([message], upcoming)
            except TransportError as err:
                outcome = Unusable(str(err))
            except RuntimeError as err:
                outcome = Unusable(str(err))
                outcome.outcomes = [Unknown("boom")]
            self.under_way.append((about, outcome))
        assert len(self.under_way) <= self.lanes

    def wait(self, _seconds, _enough=1, /):
        return bool(self.under_way)

    def wake(self):
        """It never waits."""

    def ended(self):
        for _ in range(max(1, len(self.under_way) // 2) if self.under_way else 0):
            yield self.under_way.pop()


answers = st.sampled_from(["accept", "accept", "reject", "defer", "lose", "take and lose", "take and die", "take and break", "refuse all"])
deaths = st.none() | st.tuples(st.sampled_from(STEPS), st.integers(1, 3))
campaign_plans = st.lists(st.tuples(st.sets(st.integers(0, 5), min_size=1), st.lists(deaths, max_size=3)), min_size=1, max_size=3)
stems = itertools.count()


@pytest.fixture(scope="module")
def ledger(tmp_path_factory):
    from composer.project import find

    root = tmp_path_factory.mktemp("project")
    (root / "newsletter.toml").touch()
    with open_ledger(find(root, exact=True)) as opened:
        yield opened


def _prober(death):
    left = Counter({death[0]: death[1]} if death else {})

    def probe(step):
        if step in left:
            left[step] -= 1
            if left[step] == 0:
                raise Death

    return probe


@given(
    plans=campaign_plans,
    plan=st.lists(answers, max_size=30),
    idempotent=st.booleans(),
    batch=st.integers(1, 4),
    lanes=st.tuples(st.integers(1, 3), st.booleans(), st.sampled_from([World, Together])),
)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_at_most_once_and_all_accounted_for(ledger, tmp_path_factory, plans, plan, idempotent, batch, lanes):
    """Over any campaigns, lists, answers and deaths; only a transport for which twice is once may be given one twice."""
    edition, clock = an_edition(f"issue-{next(stems)}"), FakeClock()
    number, ahead, kind = lanes
    world, lock = kind(plan, idempotent=idempotent, lanes=number, ahead=ahead), tmp_path_factory.getbasetemp() / "lock"
    begun = []

    def send(identity, death=None):
        clock.advance(1)
        sending = Sending(
            ledger=ledger,
            campaign=read_campaign(ledger, identity),
            transport=world,
            build=lambda row, _now: a_message(edition, row, row.id),
            lock=partial(hold, lock),
            clock=clock,
            batch=batch,
            watch=Watch(probe=_prober(death)),
        )
        with suppress(Death):
            dispatch(sending)

    for people, runs in plans:
        audience = Audience((ListSettings(name="l"),), tuple(PEOPLE[number] for number in sorted(people)))
        begun.append(start_campaign(ledger, edition, audience, transport="world", real=True, setting={}, now=clock()))
        for death in runs:
            send(begun[-1], death)
    world.plan = iter(())
    for identity in begun:
        send(identity)
    _check(ledger, begun, plans, world)


def _check(ledger, begun, plans, world):
    if not world.idempotent:
        assert max(Counter(world.taken).values(), default=0) <= 1
    for identity, (people, _) in zip(begun, plans, strict=True):
        counts = count_states(ledger, identity)
        assert sum(counts.values()) == len(people)
        assert set(counts) <= {"accepted", "rejected", "in_doubt", "skipped"}
    with ledger.read() as connection:
        from sqlalchemy import select

        from composer.ledger.schema import deliveries

        rows = connection.execute(select(deliveries.c.email, deliveries.c.state).where(deliveries.c.campaign.in_(begun))).all()
    taken = set(world.taken)
    assert {row.email for row in rows if row.state == "accepted"} <= taken
    known = {row.email for row in rows if row.state in {"accepted", "in_doubt"}}
    refused = {row.email for row in rows if row.state == "rejected"}
    assert taken <= known
    assert {row.email for row in rows} == known | refused
