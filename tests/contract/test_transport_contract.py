"""What every transport must hold, whatever is behind it. A new one is added to WAYS and to nothing else."""

from __future__ import annotations

from email import message_from_bytes, policy
from pathlib import Path

import pytest

from composer.testing import MemoryTransport, a_message, an_audience
from composer.transport.base import Accepted, Deferred, Rejected, Unknown
from composer.transport.outbox import OutboxTransport
from composer.transport.registry import WAYS_OUT


class Outbox:
    """The outbox, and what arrived in it."""

    def __init__(self, folder: Path):
        self.transport = OutboxTransport(folder)

    def arrived(self):
        files = sorted(self.transport.folder.glob("*.eml")) if self.transport.folder.is_dir() else []
        return sorted(message_from_bytes(path.read_bytes(), policy=policy.default)["To"].addresses[0].addr_spec for path in files)


class Memory:
    """The double that stands for a real transport."""

    def __init__(self, _folder: Path):
        self.transport = MemoryTransport()

    def arrived(self):
        return sorted(self.transport.addresses)


WAYS = {"outbox": Outbox, "memory": Memory}


@pytest.fixture(params=WAYS)
def way(request, tmp_path):
    made = WAYS[request.param](tmp_path / "out" / "box")
    yield made
    made.transport.close()


def _batch(people):
    return [a_message(subscriber=person, delivery_id=f"d{number}") for number, person in enumerate(an_audience(people).subscribers)]


def test_every_shipped_transport_is_held_to_this():
    """A way out that is registered but not in this suite has promised nothing."""
    assert set(WAYS_OUT) <= set(WAYS)


def test_says_what_it_is(way):
    """The ledger and the loop decide by these three alone."""
    assert way.transport.name
    assert isinstance(way.transport.real, bool)
    assert isinstance(way.transport.idempotent, bool)


@pytest.mark.parametrize("people", [0, 1, 7])
def test_one_outcome_a_message_in_order(way, people):
    """The loop matches outcomes to deliveries by place."""
    outcomes = way.transport.send(_batch(people))
    assert isinstance(outcomes, list)
    assert len(outcomes) == people
    assert all(isinstance(outcome, Accepted | Deferred | Rejected | Unknown) for outcome in outcomes)


def test_what_is_accepted_arrives_and_nothing_else(way):
    """Accepted is a promise about the other side."""
    batch = _batch(5)
    outcomes = way.transport.send(batch)
    accepted = sorted(message.email for message, outcome in zip(batch, outcomes, strict=True) if isinstance(outcome, Accepted))
    assert way.arrived() == accepted == sorted(message.email for message in batch)


def test_batches_add_up(way):
    """One transport takes many batches."""
    batch = _batch(4)
    way.transport.send(batch[:2])
    way.transport.send(batch[2:])
    assert len(way.arrived()) == 4


def test_idempotent_means_that_twice_is_once(way):
    """After a crash the loop sends again what was in flight, if and only if this holds."""
    batch = _batch(3)
    way.transport.send(batch)
    way.transport.send(batch)
    assert len(way.arrived()) == (3 if way.transport.idempotent else 6)


def test_close_is_safe_twice(way):
    """Cleaning up never fails."""
    way.transport.close()
    way.transport.close()
