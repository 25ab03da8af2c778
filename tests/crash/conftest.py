"""What the tests of dying senders and failing servers share: the programs of bench/, which are no package, and a sender to order about."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest

BENCH = Path(__file__).resolve().parents[2] / "bench"


def _load(name):
    spec = importlib.util.spec_from_file_location(name, BENCH / f"{name}.py")
    sys.modules[name] = module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)


# Test modules import these by their names; the last one needs the others.
for each in ("accounts", "processes", "crash"):
    if each not in sys.modules:
        _load(each)


@pytest.fixture(scope="module")
def sender():
    """Start the process that forks senders."""
    from processes import Sender

    with Sender() as started:
        yield started


@pytest.fixture(scope="module")
def other_sender():
    """Start a second one, for two lives at a time."""
    from processes import Sender

    with Sender() as started:
        yield started
