"""What sites said, kept for a day in one file, so that checking again is quick: only what is well, for a fault may be mended by now."""

from __future__ import annotations

import json
import os
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any

from composer.checks.links.follow import Found

if TYPE_CHECKING:
    from collections.abc import Mapping

KEPT = timedelta(days=1)
_VERSION = 1
_MOST = 5_000


@dataclass(frozen=True, slots=True)
class Kept:
    """An answer with its moment (seconds since 1970) and the anchors that were looked for."""

    found: Found
    at: float
    anchors: frozenset[str] = frozenset()


def read_cache(path: Path, now: datetime) -> dict[str, Kept]:
    """Return what is known by address and not older than a day; nothing when the file is not there or not ours."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        entries = data["answers"] if data["version"] == _VERSION else {}
        kept = {str(url): _kept(entry) for url, entry in entries.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return {}
    return {url: each for url, each in kept.items() if 0 <= now.timestamp() - each.at < KEPT.total_seconds()}


def write_cache(path: Path, known: Mapping[str, Kept]) -> None:
    """Write the newest answers, whole or not at all; a disk that refuses costs only time the next time."""
    newest = sorted(known.items(), key=lambda each: each[1].at)[-_MOST:]
    text = json.dumps({"version": _VERSION, "answers": {url: _entry(each) for url, each in newest}}, ensure_ascii=False)
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        number, temporary = tempfile.mkstemp(prefix=".links.", dir=path.parent)
        try:
            with os.fdopen(number, "w", encoding="utf-8") as file:
                file.write(text)
            Path(temporary).replace(path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise


def worth_keeping(found: Found) -> bool:
    """Whether an answer holds for a day: a page that is there, with its anchors."""
    return found.trouble is None and found.status < HTTPStatus.BAD_REQUEST and not found.missing


def _kept(entry: Mapping[str, Any]) -> Kept:
    found = Found(int(entry["status"]), final=str(entry["final"]), moved=str(entry["moved"]))
    return Kept(found, float(entry["at"]), frozenset(map(str, entry["anchors"])))


def _entry(kept: Kept) -> dict[str, Any]:
    found = kept.found
    return {"at": kept.at, "status": int(found.status), "final": found.final, "moved": found.moved, "anchors": sorted(kept.anchors)}
