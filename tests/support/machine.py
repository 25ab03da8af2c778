"""What tests ask of the machine they run on: programs that may not be there, and a port that is free."""

from __future__ import annotations

import os
import shutil
import socket

import pytest

# Where daemons are, which is not in everybody's PATH.
_PATH = f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin"


def without(reason):
    """Skip a test with a reason; in CI, which installs everything, fail it."""
    if os.environ.get("CI", "").lower() in {"1", "true", "yes"}:
        pytest.fail(f"{reason}; in CI these tests must run", pytrace=False)
    pytest.skip(reason)


def program(name, package):
    """Find a program, or go without the test."""
    found = shutil.which(name, path=_PATH)
    if found is None:
        without(f"no {package} here ({name})")
    return found


def free_port():
    """Give a port of loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
