"""The people of one list, wherever they are: in a CSV file or in the ledger."""

from __future__ import annotations

from collections import Counter
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from composer.cli.output import print_findings

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from composer.audience.model import Declaration, List, Subscriber
    from composer.ledger.database import Ledger
    from composer.project import Project

STATES = ("confirmed", "unconfirmed", "unsubscribed")
# An import reads this column as what a person said of the list, and keeps no field of that name.
STATE_COLUMN = "subscription_status"


def declaration_of(project: Project, name: str) -> Declaration:
    """Return what is declared of a list. Raises AudienceError."""
    from composer.audience.files import declare  # noqa: PLC0415 - `--help` reads no list

    return declare(project, name)


@contextmanager
def ledger_of(project: Project) -> Iterator[Ledger]:
    """Open the ledger, made when there is none. Raises LedgerError."""
    from composer.ledger.opening import open_ledger  # noqa: PLC0415 - the database costs 230 ms

    with open_ledger(project) as ledger:
        yield ledger


@contextmanager
def people_of(project: Project, declaration: Declaration) -> Iterator[List]:
    """Read a list, wherever its people are; those of the ledger are there as long as the block runs."""
    if not declaration.in_ledger:
        yield read_file(project, declaration)
        return
    from composer.ledger.people import read_ledger_list  # noqa: PLC0415 - the database costs 230 ms

    with ledger_of(project) as ledger:
        yield read_ledger_list(ledger, declaration)


def read_file(project: Project, declaration: Declaration) -> List:
    """Read a list whose people are in a CSV file. Raises AudienceError."""
    from composer.audience.files import list_names, read_list  # noqa: PLC0415 - `--help` reads no list

    name = declaration.settings.name
    return read_list(project, name if name in list_names(project) and declaration_of(project, name) == declaration else declaration.people)


@contextmanager
def members_of(project: Project, declaration: Declaration) -> Iterator[tuple[tuple[str, ...], Iterator[tuple[Subscriber, str]]]]:
    """Give the columns of a list, and all who are on it with what they said."""
    if not declaration.in_ledger:
        read = read_file(project, declaration)
        print_findings(read.findings)
        yield tuple(column for column in read.columns if column != STATE_COLUMN), ((person, STATES[0]) for person in read.subscribers)
        return
    from composer.ledger.people import count_fields, iter_members  # noqa: PLC0415 - the database costs 230 ms

    name = declaration.settings.name
    with ledger_of(project) as ledger:
        members = iter_members(ledger, name)
        yield tuple(count_fields(ledger, name)), ((member.subscriber, str(member.state)) for member in members)


def numbers_of(project: Project, declaration: Declaration) -> tuple[dict[str, int], dict[str, int]]:
    """Count the people of a list by what they said, and by the fields they have."""
    if not declaration.in_ledger:
        read = read_file(project, declaration)
        print_findings(read.findings)
        columns = Counter(dict.fromkeys(read.columns, 0))
        columns.update(name for person in read.subscribers for name, value in person.fields.items() if value)
        return {each: len(read.subscribers) if each == STATES[0] else 0 for each in STATES}, dict(columns)
    from composer.ledger.people import count_fields, count_states  # noqa: PLC0415 - the database costs 230 ms

    name = declaration.settings.name
    with ledger_of(project) as ledger:
        return in_order(count_states(ledger, name)), count_fields(ledger, name)


def in_order(counts: Mapping[Any, int]) -> dict[str, int]:
    """Return numbers of people for every state, in one order."""
    return {state: next((number for each, number in counts.items() if each == state), 0) for state in STATES}
