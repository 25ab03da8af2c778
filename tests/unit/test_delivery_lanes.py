"""Batches in, what became of them out: one contract for threads and for what is done at once."""

from __future__ import annotations

from threading import Event

import pytest

from composer.delivery.lanes import AtOnce, Lanes


@pytest.fixture(params=["threads", "at once"])
def worker(request):
    """Return a function that sets up one that takes one batch at a time."""
    made = []

    def make(work):
        made.append(Lanes(work, 1) if request.param == "threads" else AtOnce(work))
        return made[-1]

    yield make
    for each in made:
        each.close()


def _collected(worker):
    for _ in range(500):
        if found := list(worker.collect()):
            return found
        Event().wait(0.01)
    return []


def test_one_batch_in_one_answer_out(worker):
    """Busy until it is collected, then free for the next."""
    doubles = worker(lambda number: number * 2)
    for number in (1, 2):
        doubles.submit([number])
        assert doubles.busy == 1
        assert _collected(doubles) == [number * 2]
        assert doubles.busy == 0
        assert list(doubles.collect()) == []


@pytest.mark.parametrize("error", [ValueError("broken"), KeyboardInterrupt()])
def test_what_the_work_raises_comes_out_where_it_is_collected(worker, error):
    """Never in between, and never twice."""

    def fail(_):
        raise error

    failing = worker(fail)
    failing.submit([1])
    assert failing.busy == 1
    with pytest.raises(type(error)):
        _collected(failing)
    assert failing.busy == 0
    assert list(failing.collect()) == []


def test_threads_say_when_one_has_ended():
    """Who waits need not look again and again."""
    other = Event()
    lanes = Lanes(lambda number: number, 2, other.set)
    assert not lanes.wait(0.01)
    lanes.submit([1])
    assert lanes.wait(5)
    assert other.wait(5)
    assert list(lanes.collect()) == [1]
    assert not lanes.wait(0.01)
    assert lanes.idle == 2
    lanes.close()
