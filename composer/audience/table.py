"""Tables as CSV has them, read as a stream: lines in, rows with the line each begins at, and a finding for each that is broken.

Memory does not grow with the file; after a row that cannot be read, reading goes on with the line after its first. Pure.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from itertools import chain

from composer.audience.address import EDGES, parse_address
from composer.audience.columns import Columns, read_header
from composer.findings import Finding, Where, error, warning

CLOSE = "Close the quote, or delete it; a quote inside a quoted value is written twice."
# What one row may take, so that a quote left open in a file of any size stays one finding.
_MAX_ROW = 1_000_000
_ADDRESS = "email"
# What spreadsheets take for the beginning of a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


class Table:
    """Rows of one file; iterate over it once. ``width`` is the number of columns, known when the header has been read.

    ``bare`` says that it may be one address a line, without a header.
    """

    def __init__(self, path: str, lines: Iterator[str], *, bare: bool = False) -> None:
        self.path = path
        self.width = 0
        self._lines = lines
        self._back: list[str] = []  # lines to be read again, the next one last
        self._taken: list[str] = []  # lines of the row being read
        self._number = 0  # lines before it
        self._separator = self._guess()
        self._rows = self._read()
        self._bare = bare

    def __iter__(self) -> Iterator[tuple[int, list[str]] | Finding]:
        """Yield rows that hold anything, each with its first line; a finding of severity error for one that cannot be read."""
        return self._rows

    def header(self) -> tuple[Columns | None, list[Finding]]:
        """Read the header; no columns when it is of no use, then with an error among the findings."""
        findings: list[Finding] = []
        for row in self._rows:
            if isinstance(row, Finding):
                findings.append(row)
            elif not row[1][0].lower().startswith("sep="):  # Excel's own hint to itself
                self.width = len(row[1])
                if self._bare and "@" in row[1][0] and not any(map(_stripped, row[1][1:])):
                    self._rows = chain([row], self._rows)
                    row = (row[0], [_ADDRESS, *row[1][1:]])  # noqa: PLW2901 - the header that it goes without
                columns, said = read_header(row[1], Where(self.path, row[0]))
                return columns, findings + said
        hint = "Its first line names the columns: email,name"
        return None, [*findings, error("list-no-header", Where(self.path), "the file is empty", hint)]

    def fitted(self, line: int, row: list[str]) -> Finding | None:
        """Bring a row to the table's width; a finding when it was too short (a warning) or is too long (an error)."""
        missing = self.width - len(row)
        if missing < 0 and any(map(_stripped, row[self.width :])):
            hint = "A value that holds the separator must stand in double quotes."
            return error("row-too-long", Where(self.path, line), f"{len(row)} values for {self.width} columns", hint)
        if missing <= 0:
            return None
        row.extend([""] * missing)
        there, lacking = self.width - missing, "last is" if missing == 1 else f"last {missing} are"
        message = f"{there} {'value' if there == 1 else 'values'} for {self.width} columns: the {lacking} taken as empty"
        return warning("row-short", Where(self.path, line), message, "Add the missing separators.")

    def _guess(self) -> str:
        """Return the separator that the first line with anything on it has most of, outside quotes."""
        skipped = []
        for line in self._lines:
            skipped.append(line)
            if line.strip():
                break
        self._back = skipped[::-1]
        bare = "".join("".join(skipped).split('"')[::2])
        return max(",;\t", key=bare.count)

    def _feed(self) -> Iterator[str]:
        taken, back = self._taken, self._back
        while back:
            taken.append(back.pop())
            yield taken[-1]
        size = 0
        for line in self._lines:
            size = size + len(line) if taken else 0
            if size > _MAX_ROW:
                raise csv.Error("field larger than a row may be")
            taken.append(line)
            yield line

    def _read(self) -> Iterator[tuple[int, list[str]] | Finding]:
        taken, separator = self._taken, self._separator
        while True:
            try:
                for row in csv.reader(self._feed(), delimiter=separator, strict=True):
                    if len(taken) > 1 and (swallowed := self._swallowed(row)):
                        yield self._unreadable(f"a quote opened in this row swallows line {self._number + 1 + swallowed}", CLOSE)
                        break
                    first = self._number + 1
                    self._number += len(taken)
                    nul = "\0" in taken[0] or (len(taken) > 1 and any("\0" in line for line in taken))
                    guarded = "'" in taken[0] or len(taken) > 1
                    taken.clear()
                    if nul:
                        yield self._unreadable("the row holds a NUL character", "Delete it; a text file holds none.", first)
                    elif row and (row[0][:1].isalnum() or any(map(_stripped, row))):
                        yield first, list(map(_unguarded, row)) if guarded else row
                else:
                    return
            except csv.Error as err:
                loose = _loose(taken[0], separator)
                yield (self._number + 1, loose) if loose else self._unreadable(_said(err), CLOSE)
            self._go_back()

    def _go_back(self) -> None:
        """Take up again the lines that a broken row took, all but its first."""
        self._back.extend(self._taken[:0:-1])
        self._taken.clear()
        self._number += 1

    def _swallowed(self, row: list[str]) -> int:
        """Which of the further lines of a row looks like a row of its own, counted from 1; 0 when none does."""
        width = max(self.width, 2)
        if len(row) > self.width:
            return 0
        looks = (number for number, line in enumerate(self._taken[1:], 1) if "@" in line and line.count(self._separator) >= width - 1)
        return next(looks, 0)

    def _unreadable(self, message: str, hint: str, line: int = 0) -> Finding:
        return error("row-unreadable", Where(self.path, line or self._number + 1), message, hint)


def address_problem(path: str, line: int, column: str, text: str) -> Finding:
    """Say why the address of a row is none."""
    where = Where(path, line, column)
    if not text.strip(EDGES):
        return error("address-missing", where, "the address is empty", "Fill it in, or delete the row.")
    problem = parse_address(text)
    return error("address-invalid", where, getattr(problem, "message", ""), getattr(problem, "hint", ""))


def _loose(line: str, separator: str) -> list[str]:
    """Read a line whose quotes are balanced though out of place, as in ``"Ana" <ana@example.org>``; else nothing."""
    if line.count('"') % 2 or "\0" in line or len(line) > csv.field_size_limit():
        return []
    return next(csv.reader([line], delimiter=separator), [])


def _unguarded(cell: str) -> str:
    """Take away the apostrophe that an export for spreadsheets puts before what they would run, so that ``'+ana@…`` is ``+ana@…`` again."""
    return cell[1:] if cell[:1] == "'" and cell[1:2] in _FORMULA else cell


def _said(err: csv.Error) -> str:
    """The csv module's words for people: a value beyond its limit, an end inside quotes, or text behind a closing quote."""
    if "field larger" in str(err):
        return "a value is far too long: a quote is opened and not closed"
    if "unexpected end" in str(err):
        return "a quote opened in this row is never closed"
    return "a quote opened in this row is closed in the middle of a value"


def _stripped(cell: str) -> str:
    return cell.strip(EDGES + "\r\n")
