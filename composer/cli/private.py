"""Files that hold people: readable by their owner alone, whole or not there at all, and CSV that no spreadsheet takes for formulas."""

from __future__ import annotations

import csv
import os
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


@contextmanager
def private_file(path: Path) -> Iterator[TextIO]:
    """Open a text file (UTF-8, mode 0600) that takes the place of ``path`` when the block ends well. Raises UsageError."""
    from composer.errors import UsageError  # noqa: PLC0415 - `--help` needs no errors

    try:
        number, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        try:
            with os.fdopen(number, "w", encoding="utf-8", newline="") as file:
                yield file
            Path(temporary).replace(path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
    except OSError as err:
        raise UsageError(f"{path} cannot be written: {err.strerror}", hint="Check the folder and your rights in it.") from err


def write_csv(path: Path, header: Sequence[str], rows: Iterable[Sequence[str]]) -> int:
    """Write a private CSV file row by row; return how many rows. Raises UsageError."""
    count = 0
    with private_file(path) as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        for row in rows:
            writer.writerow([neutral(cell) for cell in row])
            count += 1
    return count


def neutral(cell: str) -> str:
    """Put an apostrophe before what a spreadsheet would run as a formula."""
    return f"'{cell}" if cell.startswith(_FORMULA) else cell
