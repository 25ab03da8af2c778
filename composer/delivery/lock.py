"""One process a campaign: a lock of the kernel, gone with its process however that ends."""

from __future__ import annotations

import fcntl
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from composer.errors import LedgerError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def hold(path: Path) -> Iterator[None]:
    """Hold the lock file at ``path`` (made at need). Raises UsageError when another process has it, LedgerError when there can be none."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as err:
        raise LedgerError(f"cannot lock the campaign: {err.strerror} ({path.name})", hint=f"Check your rights in {path.parent}.") from err
    try:
        _lock(descriptor, path)
        yield
    finally:
        os.close(descriptor)


def _lock(descriptor: int, path: Path) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as err:
        hint = "Wait until it is done, or stop it with Ctrl-C where it runs; `newsletter status` shows how far it is."
        raise UsageError("another process is sending this campaign", hint=hint) from err
    except OSError as err:
        hint = "Some network drives have no locks: name a file on a local disk under [database] url."
        raise LedgerError(f"cannot lock the campaign: {err.strerror} ({path.name})", hint=hint) from err
