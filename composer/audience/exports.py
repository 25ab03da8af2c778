"""What other tools export, as people with a state: lines in, ImportedRow out, or a Finding for each row that is none. Pure.

Reads in one pass and constant memory; a broken row never stops the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from operator import itemgetter
from typing import NamedTuple

from composer.audience import attributes
from composer.audience.address import Address, parse_address
from composer.audience.columns import BLANK, Columns, full_name
from composer.audience.consent import RANK, Rule, State, of_file, rule_of, tool_of
from composer.audience.table import Table, address_problem
from composer.errors import AudienceError
from composer.findings import Finding, Severity, Where, info

FILE_NAME = "the file's name"
# Names that other tools have for what merge fields call first_name, last_name and name.
_SAME = {
    "fname": "first_name", "firstname": "first_name", "given_name": "first_name", "forename": "first_name", "vorname": "first_name",
    "prenom": "first_name", "nombre": "first_name", "lname": "last_name", "lastname": "last_name", "surname": "last_name",
    "family_name": "last_name", "nachname": "last_name", "nom_de_famille": "last_name", "apellidos": "last_name", "apellido": "last_name",
    "full_name": "name", "fullname": "name", "display_name": "name",
}  # fmt: skip


class ImportedRow(NamedTuple):
    """A person of an export; a tuple, since a file has a million.

    ``state`` is the strongest that a column, a tag or the file's name says; ``why`` is the column and its value, or FILE_NAME, and
    empty when nothing said more than confirmed; ``fields`` are merge values by name, the name among them; ``line`` counts from 1.
    """

    address: Address
    name: str
    fields: Mapping[str, str]
    state: State
    why: str
    line: int


@dataclass(frozen=True, slots=True)
class Export:
    """One exported file. Iterate over it, as often as needed, for ImportedRow and Finding in the order of the file.

    ``tool`` is whose export it seems to be, or empty; ``columns`` are its fields as merge fields write them (none for JSON
    lines, where each line has its own); ``state`` is what the file's name says of everyone in it; ``findings`` concern the
    whole file. A finding of severity error stands for a row left out, every other one for a row that is there too.
    """

    path: str
    tool: str
    columns: tuple[str, ...]
    json: bool
    state: State
    lines: Callable[[], Iterator[str]]
    findings: tuple[Finding, ...] = ()
    bare: bool = False

    @classmethod
    def of(
        cls, path: str, stem: str, lines: Callable[[], Iterator[str]], findings: tuple[Finding, ...] = (), *, bare: bool = False
    ) -> Export:
        """Read a file's header; ``lines`` opens it anew each time it is called. ``bare``: it may be one address a line without one."""
        said = of_file(stem)
        if said:
            message = f"the file's name says that everyone in it is {said}; nobody in it becomes a confirmed subscriber"
            findings = (*findings, info("import-file-state", Where(path), message, "Rename the file when it means something else."))
        state = said or State.CONFIRMED
        if attributes.is_json(lines):
            return cls(path, "", (), json=True, state=state, lines=lines, findings=findings)
        with closing(_closable(lines())) as opened:
            columns, about = Table(path, opened, bare=bare).header()
        if columns is None:
            return cls(path, "", (), json=False, state=state, lines=lines, findings=(*findings, *about))
        plan = _Plan.of(columns)
        tool = tool_of(frozenset(columns.names))
        fields, findings = tuple(dict.fromkeys(plan.names)), (*findings, *about)
        return cls(path, tool, fields, json=False, state=state, lines=lines, findings=findings, bare=bare)

    def checked(self) -> Export:
        """Raise AudienceError when its header is of no use."""
        fatal = next((finding for finding in self.findings if finding.severity is Severity.ERROR), None)
        if fatal:
            raise AudienceError(fatal.message, where=fatal.where, hint=fatal.hint)
        return self

    @property
    def _why(self) -> str:
        return "" if self.state is State.CONFIRMED else FILE_NAME

    def __iter__(self) -> Iterator[ImportedRow | Finding]:
        """Read the file."""
        with closing(_closable(self.lines())) as lines:
            yield from attributes.people(self.path, lines, self._person) if self.json else self._rows(lines)

    def _rows(self, lines: Iterator[str]) -> Iterator[ImportedRow | Finding]:
        table = Table(self.path, lines, bare=self.bare)
        columns, _ = table.header()
        if columns is None:
            return
        plan, width, at = _Plan.of(columns), table.width, columns.address_at
        pick, names, asks, nested = plan.pick, plan.names, [(place, rule.reads) for place, rule in plan.rules], bool(plan.nested)
        for found in table:
            if isinstance(found, Finding):
                yield found
                continue
            line, row = found
            if len(row) != width and (misfit := table.fitted(line, row)):
                yield misfit
                if misfit.severity is Severity.ERROR:
                    continue
            address = parse_address(row[at])
            if not isinstance(address, Address):
                yield address_problem(self.path, line, columns.address, row[at])
                continue
            cells = list(map(str.strip, row)) if "".join(row).isascii() else [cell.strip(BLANK) for cell in row]
            fields = dict(zip(names, pick(cells)))  # noqa: B905 - the keyword costs 0.15 µs a row
            state, why = self.state, self._why
            for place, reads in asks:
                if reads(cells[place]) is not None:
                    state, why = _strongest(state, why, [(rule, cells[each]) for each, rule in plan.rules])
                    break
            if nested:
                yield from plan.unfold(self.path, line, cells, fields)
            yield ImportedRow(address, full_name(fields, address), fields, state, why, line)

    def _person(self, line: int, values: dict[str, str], column: str) -> ImportedRow | Finding:
        """Make the person of a line of JSON, given its values by name and which of them is the address."""
        text = values.pop(column, "")
        address = parse_address(text)
        if not isinstance(address, Address):
            return address_problem(self.path, line, column or "email", text)
        rules = [(rule, values[name]) for name in values if (rule := rule_of(name))]
        state, why = _strongest(self.state, self._why, rules)
        for rule, _ in rules:
            if not rule.kept:
                values.pop(rule.column, None)
        fields = dict(zip(_renamed(tuple(values)), values.values(), strict=True))
        return ImportedRow(address, full_name(fields, address), fields, state, why, line)


def _closable(lines: Iterator[str]) -> Generator[str, None, None]:
    yield from lines


def _renamed(names: tuple[str, ...]) -> tuple[str, ...]:
    """Give columns the names that merge fields have; the first of several that mean the same, and none beside the real one."""
    taken = set(names)
    found: list[str] = []
    for name in names:
        same = _SAME.get(name, name)
        found.append(name if same in taken else same)
        taken.add(found[-1])
    return tuple(found)


@dataclass(frozen=True, slots=True)
class _Plan:
    """What to do with the cells of each row: ``pick`` those that are fields called ``names``, ask ``rules``, unfold ``nested``."""

    names: tuple[str, ...]
    pick: Callable[[Sequence[str]], Sequence[str]]
    rules: tuple[tuple[int, Rule], ...]
    nested: tuple[int, ...]

    @classmethod
    def of(cls, columns: Columns) -> _Plan:
        rules = tuple((at, rule) for name, at in columns.fields.items() if (rule := rule_of(name)))
        dropped = {at for at, rule in rules if not rule.kept}
        nested = tuple(at for name, at in columns.fields.items() if name in attributes.COLUMNS)
        kept = {name: at for name, at in columns.fields.items() if at not in dropped and at not in nested}
        return cls(_renamed(tuple(kept)), _picker(tuple(kept.values())), rules, nested)

    def unfold(self, path: str, line: int, cells: Sequence[str], fields: dict[str, str]) -> Iterator[Finding]:
        for at in self.nested:
            yield from attributes.unfold(path, line, cells[at], fields)


def _picker(places: tuple[int, ...]) -> Callable[[Sequence[str]], Sequence[str]]:
    if len(places) > 1:
        return itemgetter(*places)
    return lambda cells: [cells[at] for at in places]


def _strongest(state: State, why: str, values: Iterable[tuple[Rule, str]]) -> tuple[State, str]:
    for rule, value in values:
        found = rule.reads(value)
        if found is not None and RANK[found] > RANK[state]:
            state, why = found, f"{rule.column}: {value[:60]}"
    return state, why
