"""Measures what we promise of imports, beside the least that anybody could do; exit code 1 when a bound is missed.

The other side reads the same file with `csv.reader` and inserts its rows with `sqlite3.executemany` into one table in which an
address is unique too, in a file that is written as durably. Rounds alternate, so that both meet the same machine.
"""

from __future__ import annotations

import argparse
import csv
import random
import resource
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

BOUND = 5.0
# Peak memory of an import ten times as large; what is above 1.0 is caches that fill up.
FLAT = 1.3
SMALL, LARGE = 100_000, 1_000_000
_HEADER = ("Email Address", "First Name", "Last Name", "Country", "Member since", "TAGS")
_TABLE = (
    "CREATE TABLE people (email TEXT PRIMARY KEY, first_name TEXT NOT NULL, last_name TEXT NOT NULL, country TEXT NOT NULL,"
    " member_since TEXT NOT NULL, tags TEXT NOT NULL)"
)


def write_export(path: Path, people: int) -> None:
    """Write a file as another tool exports it, its addresses in no order."""
    chance = random.Random(1)  # noqa: S311 - made-up people
    names, families, hosts = ("Ana", "Ben", "Chloé", "Dmitri"), ("O'Neil", "Nguyen", "Kowalski"), ("example.org", "mail.example.com")
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(_HEADER)
        for number in range(people):
            name, family, host = chance.choice(names), chance.choice(families), chance.choice(hosts)
            address = f"{chance.randrange(10**8):08}.{number}@{host}"
            writer.writerow((address, name, family, chance.choice(("FR", "DE", "US")), f"20{number % 16 + 10}-03-04", "member,donor"))


def ours(path: Path, folder: Path) -> tuple[float, float]:
    """Import the file into a fresh ledger; return seconds, and the most memory its process had, in MB."""
    command = (sys.executable, __file__, "--import-into", str(folder), str(path))
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    seconds, peak = map(float, done.stdout.split())
    return seconds, peak


def import_here(folder: Path, path: Path) -> None:
    """Be the process that ``ours`` measures."""
    from composer.audience.exports import ImportedRow  # noqa: PLC0415 - the other processes need none of this
    from composer.audience.files import read_export  # noqa: PLC0415
    from composer.ledger.imports import import_people  # noqa: PLC0415
    from composer.ledger.opening import open_ledger  # noqa: PLC0415
    from composer.project import find  # noqa: PLC0415

    (folder / "newsletter.toml").write_text("")
    with open_ledger(find(folder, exact=True)) as ledger:
        begun = time.perf_counter()
        rows = (row for row in read_export(path) if isinstance(row, ImportedRow))
        import_people(ledger, "members", rows, source="bench", now=datetime.now(UTC), secret_keys=("bench",))
        taken = time.perf_counter() - begun
    unit = 1024**2 if sys.platform == "darwin" else 1024
    print(taken, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit)


def bare(path: Path, folder: Path) -> float:
    """Read the file and insert its rows; return seconds."""
    database = sqlite3.connect(folder / "bare.db")
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("PRAGMA synchronous = FULL")
    database.execute(_TABLE)
    begun = time.perf_counter()
    with path.open(encoding="utf-8", newline="") as file, database:
        rows = csv.reader(file)
        next(rows)
        database.executemany("INSERT INTO people VALUES (?, ?, ?, ?, ?, ?)", rows)
    taken = time.perf_counter() - begun
    database.close()
    return taken


def compare(folder: Path, people: int, rounds: int) -> bool:
    """Time both in turn and print their ratio; say whether it is within its bound."""
    path = folder / "export.csv"
    write_export(path, people)
    times: list[tuple[float, float]] = []
    for _ in range(rounds):
        with tempfile.TemporaryDirectory(dir=folder) as one, tempfile.TemporaryDirectory(dir=folder) as other:
            times.append((ours(path, Path(one))[0], bare(path, Path(other))))
    mine, theirs = (statistics.median(side) for side in zip(*times, strict=True))
    what = f"import of {people:,} rows : csv.reader and sqlite3.executemany"
    return tell(mine / theirs, BOUND, what, f"{mine:.2f} s : {theirs:.2f} s")


def compare_memory(folder: Path) -> bool:
    """Print the peak memory of a small and a large import; say whether it is flat."""
    peaks = []
    for people in (SMALL, LARGE):
        path = folder / f"{people}.csv"
        write_export(path, people)
        with tempfile.TemporaryDirectory(dir=folder) as one:
            peaks.append(ours(path, Path(one))[1])
        path.unlink()
    small, large = peaks
    return tell(large / small, FLAT, f"peak memory, {LARGE:,} rows : {SMALL:,} rows", f"{large:.0f} MB : {small:.0f} MB")


def tell(ratio: float, bound: float, what: str, sides: str) -> bool:
    """Print one ratio beside its bound."""
    print(f"{ratio:6.2f} of {bound:4.1f}  {'ok' if ratio <= bound else 'MISSED':6}  {what}  ({sides})", flush=True)
    return ratio <= bound


def main() -> int:
    """Measure; the exit code is 1 when a bound is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("people", type=int, nargs="?", default=200_000, help="rows of the export that is timed (default: 200000)")
    parser.add_argument("--full", action="store_true", help="time 1,000,000 rows")
    parser.add_argument("--rounds", type=int, default=3, help="how often each side is timed (default: 3)")
    parser.add_argument("--no-memory", action="store_true", help="leave out the memory of 100,000 and 1,000,000 rows")
    parser.add_argument("--import-into", nargs=2, type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.import_into:
        import_here(*options.import_into)
        return 0
    with tempfile.TemporaryDirectory() as name:
        kept = [compare(Path(name), LARGE if options.full else options.people, options.rounds)]
        if not options.no_memory:
            kept.append(compare_memory(Path(name)))
    return int(not all(kept))


if __name__ == "__main__":
    sys.exit(main())
