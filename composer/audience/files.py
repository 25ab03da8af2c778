"""Lists as CSV files, from this product or any other: file in, List with findings out.

The only place of this package that reads files. It never writes one.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from composer.audience.address import EDGES, Problem, parse_address
from composer.audience.columns import Columns, read_header
from composer.audience.model import List, Subscriber
from composer.audience.select import unite
from composer.config import ListSettings
from composer.errors import AudienceError
from composer.findings import Finding, Where, error, info, warning
from composer.project import Project

MAX_BYTES = 256_000_000
_CONTAINERS = {b"PK\x03\x04": "a spreadsheet or ZIP file", b"\xd0\xcf\x11\xe0": "an old Excel file", b"%PDF": "a PDF"}
_BOMS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe\x00\x00", "utf-32"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
_BINARY = re.compile("[\x00-\x08\x0e-\x1f]")
_SAMPLE = 4_096
_CLOSE = "Close the quote, or delete it; a quote inside a quoted value is written twice."
_SAVE_AS = "Save it as “CSV UTF-8” and try again."


def read_list(project: Project, name: str) -> List:
    """Read ``recipients/<name>.csv``, or the CSV file that ``name`` is the path of.

    Rows that cannot be used are findings of severity error and are left out; the rest is read. Raises AudienceError
    when there is no such list, or the file is no text table.
    """
    path = _find(project, name)
    shown = project.shown(path)
    text, findings = _decoded(_bytes(path, shown), shown)
    settings = ListSettings(name=path.stem, kind="staff" if path.stem == "staff" else "public")
    table = _Table(shown, text, findings)
    columns = table.columns()
    if columns is None:
        if _BINARY.search(text, 0, _SAMPLE):
            raise AudienceError("this is not a text file", where=Where(shown, 1), hint=_SAVE_AS)
        return List(settings, (), findings=tuple(table.findings))
    rows = list(table.people(columns))
    people = unite(rows)
    if not people:
        table.findings.append(warning("list-empty", Where(shown), "nobody is on this list", "Add one row per person."))
    derived = "name" not in columns.fields and any(person.name for person in people)
    names = (*columns.fields, "name") if derived else tuple(columns.fields)
    return List(settings, people, names, len(rows) - len(people), table.invalid, tuple(table.findings))


def _find(project: Project, name: str) -> Path:
    if name.lower().endswith(".csv"):
        for path in (Path(name), project.root / name, project.recipients / name):
            if path.is_file():
                return path.resolve()
    elif name and Path(name).name == name and (project.recipients / f"{name}.csv").is_file():
        return (project.recipients / f"{name}.csv").resolve()
    lists = ", ".join(sorted(path.stem for path in project.recipients.glob("*.csv"))) or "none yet"
    hint = f"Lists in {project.shown(project.recipients)}/: {lists}. A CSV file elsewhere is named by its path."
    raise AudienceError(f"there is no list {name!r}", hint=hint)


def _bytes(path: Path, shown: str) -> bytes:
    try:
        if path.stat().st_size > MAX_BYTES:
            hint = "Cut it into several lists; --to may be given more than once."
            raise AudienceError(f"the file is larger than {MAX_BYTES // 1_000_000} MB", where=Where(shown), hint=hint)
        return path.read_bytes()
    except OSError as err:
        raise AudienceError(f"the file cannot be read: {err.strerror}", where=Where(shown)) from err


def _decoded(data: bytes, shown: str) -> tuple[str, list[Finding]]:
    for start, kind in _CONTAINERS.items():
        if data.startswith(start):
            raise AudienceError(f"this is {kind}, not a CSV file", where=Where(shown), hint=_SAVE_AS)
    encoding = next((encoding for bom, encoding in _BOMS if data.startswith(bom)), "utf-8")
    try:
        return data.decode(encoding), []
    except UnicodeDecodeError as err:
        if encoding != "utf-8":
            raise AudienceError(f"the file is broken {encoding.upper()} text", where=Where(shown), hint=_SAVE_AS) from err
    try:
        text = data.decode("cp1252")
    except UnicodeDecodeError as err:
        raise AudienceError("the file is neither UTF-8 nor Windows-1252 text", where=Where(shown), hint=_SAVE_AS) from err
    return text, [info("list-encoding", Where(shown), "read as Windows-1252, because it is not UTF-8", "Save it as “CSV UTF-8”.")]


@dataclass(slots=True)
class _Table:
    """One file while it is read: rows with the physical line each begins at; findings gather on the way."""

    path: str
    text: str
    findings: list[Finding]
    rows: Iterator[tuple[int, list[str]]] = field(init=False)
    width: int = 0
    invalid: int = 0

    def __post_init__(self) -> None:
        self.rows = self._rows()

    def columns(self) -> Columns | None:
        """Read the header; None when it is of no use, with a finding."""
        line, header = next(self.rows, (0, []))
        if header and header[0].lower().startswith("sep="):  # Excel's own hint to itself
            line, header = next(self.rows, (0, []))
        if not header:
            hint = "Its first line names the columns: email,name"
            self.findings.append(error("list-no-header", Where(self.path), "the file is empty", hint))
            return None
        self.width = len(header)
        columns, findings = read_header(header, Where(self.path, line))
        self.findings += findings
        return columns

    def people(self, columns: Columns) -> Iterator[Subscriber]:
        """Yield a Subscriber for every good row."""
        width = len(columns.names)
        for line, row in self.rows:
            if len(row) > width and any(map(_stripped, row[width:])):
                hint = "A value that holds the separator must stand in double quotes."
                self._refuse(error("row-too-long", Where(self.path, line), f"{len(row)} values for {width} columns", hint))
                continue
            missing = width - len(row)
            row.extend([""] * missing)
            where = Where(self.path, line, columns.address)
            if not (email := row[columns.address_at]).strip(EDGES):
                self._refuse(error("address-missing", where, "the address is empty", "Fill it in, or delete the row."))
                continue
            address = parse_address(email)
            if isinstance(address, Problem):
                self._refuse(error("address-invalid", where, address.message, address.hint))
                continue
            if missing > 0:
                message = f"{width - missing} values for {width} columns: the last {missing} are taken as empty"
                self.findings.append(warning("row-short", Where(self.path, line), message, "Add the missing separators."))
            yield columns.subscriber(address, row, where)

    def _rows(self) -> Iterator[tuple[int, list[str]]]:
        """Yield rows with the line each begins at; after a row that cannot be read go on with the line after its first."""
        lines = self.text.splitlines(keepends=True) if "\r" not in self.text else list(io.StringIO(self.text, newline=""))
        separator = _separator(self.text)
        start = 0
        while start < len(lines):
            reader = csv.reader((lines[at] for at in range(start, len(lines))), delimiter=separator, strict=True)
            begun = start
            try:
                for row in reader:
                    first, begun = begun + 1, start + reader.line_num
                    if swallowed := self._swallowed(lines[first:begun], row, separator):
                        self._unreadable(first, f"a quote opened in this row swallows line {first + swallowed}", _CLOSE)
                        begun = first
                        break
                    if any("\0" in cell for cell in row):
                        self._unreadable(first, "the row holds a NUL character", "Delete it; a text file holds none.")
                    elif any(map(_stripped, row)):
                        yield first, row
            except csv.Error as err:
                if row := _loose(lines[begun], separator):
                    yield begun + 1, row
                else:
                    self._unreadable(begun + 1, _said(err), _CLOSE)
                begun += 1
            start = begun

    def _swallowed(self, more: list[str], row: list[str], separator: str) -> int:
        """Which of the further lines of a row looks like a row of its own, counted from 1; 0 when none does."""
        width = max(self.width, 2)
        for number, line in enumerate(more, 1):
            if "@" in line and line.count(separator) >= width - 1 and len(row) <= self.width:
                return number
        return 0

    def _unreadable(self, line: int, message: str, hint: str) -> None:
        self._refuse(error("row-unreadable", Where(self.path, line), message, hint))

    def _refuse(self, finding: Finding) -> None:
        self.findings.append(finding)
        self.invalid += 1


def _loose(line: str, separator: str) -> list[str]:
    """Read a line whose quotes are balanced though out of place, as in ``"Ana" <ana@example.org>``; else nothing."""
    if line.count('"') % 2 or "\0" in line or len(line) > csv.field_size_limit():
        return []
    return next(csv.reader([line], delimiter=separator), [])


def _said(err: csv.Error) -> str:
    """The csv module's words for people: a value beyond its limit, an end inside quotes, or text behind a closing quote."""
    if "field larger" in str(err):
        return "a value is far too long: a quote is opened and not closed"
    if "unexpected end" in str(err):
        return "a quote opened in this row is never closed"
    return "a quote opened in this row is closed in the middle of a value"


def _stripped(cell: str) -> str:
    return cell.strip(EDGES + "\r\n")


def _separator(text: str) -> str:
    """Return the separator that the first line with anything on it has most of, outside quotes."""
    line = next((line for line in io.StringIO(text, newline="") if line.strip()), "")
    bare = "".join(line.split('"')[::2])
    return max(",;\t", key=bare.count)
