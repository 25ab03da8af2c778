"""The outbox: one ``.eml`` file a person, on this machine. A rehearsal; nothing leaves.

A file has its name only when it is complete and on disk: it is written under another name in the same folder, flushed,
then renamed. The same delivery has the same name, so delivering it again replaces the file.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from composer.errors import TransportError
from composer.message.mime import to_bytes
from composer.transport.base import Accepted

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from composer.message.model import Message
    from composer.transport.base import Outcome

_UNSAFE = re.compile(r"[^a-z0-9._+-]+")
_LONGEST = 80
_PART = ".part"


class OutboxTransport:
    """Writes into one folder."""

    name: str = "outbox"
    real: bool = False
    idempotent: bool = True
    lanes: int = 1
    batch: int = 0
    ahead: bool = False
    direct: bool = False

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._swept = False

    def send(self, batch: Sequence[Message], _upcoming: Message | None = None, /) -> list[Outcome]:
        """Write a batch of files; all are on disk when this returns. Raises TransportError for a full disk or a folder it may not use."""
        try:
            self._prepare()
            outcomes: list[Outcome] = [self._write(message) for message in batch]
            _flush_folder(self.folder)
        except OSError as err:
            hint = f"Make room, or check your rights in {self.folder}; [transport.outbox] path names another folder."
            raise TransportError(f"the outbox cannot be written: {err.strerror or err}", hint=hint) from err
        return outcomes

    def interrupt(self) -> None:
        """Do nothing; it never waits."""

    def close(self) -> None:
        """Do nothing; no file stays open."""

    def _prepare(self) -> None:
        if self._swept:
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        for left_behind in self.folder.glob(f".*{_PART}"):
            left_behind.unlink(missing_ok=True)
        self._swept = True

    def _write(self, message: Message) -> Accepted:
        name, content = file_name(message), to_bytes(message)
        part = self.folder / f".{name}{_PART}"
        try:
            # Readable by its owner alone: a message is personal.
            with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            part.replace(self.folder / name)
        except OSError:
            part.unlink(missing_ok=True)
            raise
        return Accepted(name)


def file_name(message: Message) -> str:
    """Name a message's file: its position, then its address, letters digits ``. _ - +`` only, at most 100 characters.

    Without a position the start of the delivery id keeps names apart.
    """
    address = slug(message.email)
    if not message.position:
        return f"{address}-{_UNSAFE.sub('-', message.delivery_id)[:12]}.eml"
    return f"{message.position:06d}-{address}.eml"


def slug(email: str) -> str:
    """Return what of an address stands in a file's name."""
    return _UNSAFE.sub("-", email.lower()).strip(".-")[:_LONGEST] or "nobody"


def _flush_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
