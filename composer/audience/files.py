"""The files that people come from: lists as CSV with or without a declaration, and what other tools export.

The only place of this package that reads files. It never writes one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TextIO

from composer.audience.address import Address, parse_address
from composer.audience.columns import Columns
from composer.audience.declaration import place_of, plain_settings, read_declaration
from composer.audience.encoding import Encoding, detect, whole_lines
from composer.audience.exports import Export
from composer.audience.model import LEDGER, Declaration, List, Subscriber
from composer.audience.select import unite
from composer.audience.suppressed import Suppressions
from composer.audience.table import Table, address_problem
from composer.errors import AudienceError
from composer.findings import Finding, Severity, Where, warning
from composer.project import Project

MAX_BYTES = 256_000_000


def list_names(project: Project) -> tuple[str, ...]:
    """Name all lists in ``recipients/``, sorted: each has a CSV file, a declaration, or both."""
    found = (path for pattern in ("*.csv", "*.toml") for path in project.recipients.glob(pattern))
    return tuple(sorted({path.stem for path in found if path.is_file()}))


def declare(project: Project, name: str) -> Declaration:
    """Return what is declared of the list ``name``, or of the CSV file that ``name`` is the path of.

    A CSV file alone is a public list, ``staff.csv`` one of kind staff. Raises AudienceError when there is no such list, or
    at the line of its declaration that is wrong.
    """
    if name.lower().endswith(".csv"):
        for path in (Path(name), project.root / name, project.recipients / name):
            if _is_file(path):
                return _of_path(project, path)
    elif name and Path(name).name == name:
        if _is_file(project.recipients / f"{name}.toml"):
            return _declared(project, name)
        if _is_file(path := project.recipients / f"{name}.csv"):
            return _undeclared(project, path)
    lists = ", ".join(list_names(project)) or "none yet"
    hint = f"Lists in {project.shown(project.recipients)}/: {lists}. A CSV file elsewhere is named by its path."
    raise AudienceError(f"there is no list {name!r}", hint=hint)


def read_list(project: Project, name: str) -> List:
    """Read a list that is a file: ``recipients/<name>.csv``, what ``recipients/<name>.toml`` names, or the CSV file at a path.

    Rows that cannot be used are findings of severity error and are left out; the rest is read. Values of the declaration
    stand in for empty ones. Raises AudienceError when there is no such list, its people are in the ledger, or the file is
    no text table.
    """
    declaration = declare(project, name)
    if declaration.in_ledger:
        hint = f"Its declaration is {declaration.where}; `people` there names a CSV file, or the ledger."
        raise AudienceError(f"the people of the list {name} are in the ledger, not in a file", where=declaration.where, hint=hint)
    path = project.root / declaration.people
    shown = declaration.people
    _check_size(path, shown)
    encoding = _detect(path, shown)
    findings = [*declaration.findings, *encoding.findings]
    with _text(path, shown, encoding) as file:
        table = Table(shown, iter(file))
        columns, said = table.header()
        findings += said
        if columns is None:
            encoding.refuse_binary(shown)
            return List(declaration.settings, (), findings=tuple(findings))
        rows = list(_people(table, columns, findings))
    people = unite(rows)
    if not people:
        findings.append(warning("list-empty", Where(shown), "nobody is on this list", "Add one row per person."))
    names = dict.fromkeys(columns.fields)
    if any(person.name for person in people):
        names["name"] = None
    names.update(dict.fromkeys(declaration.fields))
    people = tuple(with_defaults(people, declaration))
    invalid = sum(finding.severity is Severity.ERROR for finding in findings)
    return List(declaration.settings, people, tuple(names), len(rows) - len(people), invalid, tuple(findings))


def with_defaults(people: Iterable[Subscriber], declaration: Declaration) -> Iterator[Subscriber]:
    """Fill the empty fields of people with the values that their list declares."""
    defaults = declaration.fields
    if not defaults:
        yield from people
        return
    for person in people:
        lacking = {name: value for name, value in defaults.items() if not person.fields.get(name)}
        yield replace(person, fields={**person.fields, **lacking}) if lacking else person


def read_export(path: Path, shown: str = "", *, bare: bool = False) -> Export:
    """Open what another tool exported; iterate over it (again and again) for ImportedRow and Finding, in constant memory.

    ``bare``: it may be one address a line without a header. Raises AudienceError when the file is none that people could be in.
    """
    shown = shown or path.name
    encoding = _detect(path, shown)

    def rows() -> Iterator[str]:
        with _text(path, shown, encoding) as file:
            yield from whole_lines(file) if encoding.long_lines else file

    export = Export.of(shown, path.stem, rows, encoding.findings, bare=bare)
    if not export.columns and not export.json:
        encoding.refuse_binary(shown)
    return export.checked()


def read_suppressions(path: Path, shown: str = "", *, reason: str = "") -> Suppressions:
    """Open an export of suppressed addresses; iterate over it for SuppressedRow and Finding, in constant memory.

    ``reason`` holds for rows that do not say theirs. Raises AudienceError as ``read_export`` does.
    """
    return Suppressions.of(read_export(path, shown, bare=True), reason)


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # a name that is too long, or holds a NUL
        return False


def _of_path(project: Project, path: Path) -> Declaration:
    """A file that a list of its name is declared to be is that list, however it is named."""
    if path.resolve().parent == project.recipients.resolve() and _is_file(project.recipients / f"{path.stem}.toml"):
        declaration = _declared(project, path.stem)
        if declaration.people == project.shown(path):
            return declaration
    return _undeclared(project, path)


def _undeclared(project: Project, path: Path) -> Declaration:
    shown = project.shown(path)
    return Declaration(plain_settings(path.stem), shown, where=Where(shown))


def _declared(project: Project, name: str) -> Declaration:
    path, beside = project.recipients / f"{name}.toml", project.recipients / f"{name}.csv"
    shown = project.shown(path)
    text = _declaration_text(path, shown)
    declaration = read_declaration(text, name, shown)
    if not declaration.people:
        return replace(declaration, people=project.shown(beside) if _is_file(beside) else LEDGER)
    if declaration.in_ledger:
        return replace(declaration, findings=(_unused(project.shown(beside), shown),)) if _is_file(beside) else declaration
    for folder in (project.recipients, project.root):
        if _is_file(folder / declaration.people):
            return replace(declaration, people=project.shown(folder / declaration.people))
    hint = 'Name a CSV file in the same folder, or write people = "ledger".'
    raise AudienceError(f"there is no file {declaration.people}", where=place_of(text, shown, "people"), hint=hint)


def _unused(csv_file: str, declaration: str) -> Finding:
    hint = f'Delete it when its people are imported, or write people = "{Path(csv_file).name}" in {declaration}.'
    return warning(
        "list-csv-unused", Where(csv_file), "this file is not read: the declaration says that its people are in the ledger", hint
    )


def _declaration_text(path: Path, shown: str) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as err:
        raise AudienceError(f"the file cannot be read: {err.strerror}", where=Where(shown)) from err
    except UnicodeDecodeError as err:
        raise AudienceError("the file is not text in UTF-8", where=Where(shown), hint="Save it again with the encoding UTF-8.") from err


def _people(table: Table, columns: Columns, findings: list[Finding]) -> Iterator[Subscriber]:
    """Yield a Subscriber for every good row; findings gather on the way."""
    for found in table:
        if isinstance(found, Finding):
            findings.append(found)
            continue
        line, row = found
        misfit = table.fitted(line, row) if len(row) != table.width else None
        if misfit and misfit.severity is Severity.ERROR:
            findings.append(misfit)
            continue
        address = parse_address(row[columns.address_at])
        if isinstance(address, Address):
            findings += [misfit] if misfit else []
            yield columns.subscriber(address, row, Where(table.path, line, columns.address))
        else:
            findings.append(address_problem(table.path, line, columns.address, row[columns.address_at]))


def _check_size(path: Path, shown: str) -> None:
    try:
        size = path.stat().st_size
    except OSError as err:
        raise AudienceError(f"the file cannot be read: {err.strerror}", where=Where(shown)) from err
    if size > MAX_BYTES:
        hint = "Cut it into several lists, or import it into a list of the ledger."
        raise AudienceError(f"the file is larger than {MAX_BYTES // 1_000_000} MB", where=Where(shown), hint=hint)


def _detect(path: Path, shown: str) -> Encoding:
    try:
        with path.open("rb") as file:
            if not file.seekable():
                hint = "Save what comes from it as a file, and name that."
                raise AudienceError("this is a pipe, and a file is read more than once", where=Where(shown), hint=hint)
            return detect(file, shown)
    except OSError as err:
        raise AudienceError(f"the file cannot be read: {err.strerror}", where=Where(shown)) from err


@contextmanager
def _text(path: Path, shown: str, encoding: Encoding) -> Iterator[TextIO]:
    try:
        with path.open(encoding=encoding.name, newline="") as file:
            yield file
    except UnicodeDecodeError as err:  # the file is another one than a moment ago
        raise AudienceError("the file changed while it was read", where=Where(shown), hint="Try again.") from err
    except OSError as err:
        raise AudienceError(f"the file cannot be read: {err.strerror}", where=Where(shown)) from err
