"""The people of a list, as the preview needs them: to choose one by name, and to merge the letter as one of them.

Lists are files or in the ledger. An address is shown on the page and nowhere else: in no log, in no file.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import islice

from composer.audience.files import declare, list_names, read_list, with_defaults
from composer.audience.model import Declaration, List, Subscriber
from composer.audience.select import is_public
from composer.config import ListSettings
from composer.delivery.edge_cases import LABELS, edge_cases
from composer.delivery.testers import find_subscriber
from composer.edition.model import Edition
from composer.errors import ComposerError, UsageError
from composer.ledger.model import SubscriptionState
from composer.ledger.opening import ledger_exists, open_ledger
from composer.ledger.people import LedgerPeople, count_states, read_ledger_list
from composer.project import Project
from composer.web.preview.workspace import stamp

CASE = "case:"
MOST = 20
_LARGE = 1_000_000  # bytes of a CSV file that are read in a moment
MADE_UP = Subscriber("reader@example.com", "reader@example.com")


@dataclass(frozen=True, slots=True)
class Guise:
    """As whom a letter is shown; ``person`` is None for nobody: fields then show their defaults."""

    label: str
    person: Subscriber | None = None


class People:
    """Lists as read, kept until their files change; safe to share between threads."""

    def __init__(self) -> None:
        self._kept: dict[str, tuple[object, List]] = {}

    @contextmanager
    def of(self, project: Project, name: str) -> Iterator[List]:
        """Yield a list, an empty one for no name. Raises AudienceError, LedgerError."""
        if not name:
            yield List(ListSettings(), ())
            return
        declaration = declare(project, name)
        if not declaration.in_ledger:
            yield self._from_file(project, name, declaration.people)
        elif not ledger_exists(project):
            yield List(declaration.settings, (), findings=declaration.findings)
        else:
            with open_ledger(project) as ledger:
                yield read_ledger_list(ledger, declaration)

    def _from_file(self, project: Project, name: str, people: str) -> List:
        mark = self._mark(project, name, people)
        kept = self._kept.get(name)
        if not kept or kept[0] != mark:
            kept = self._kept[name] = (mark, read_list(project, name))
        return kept[1]

    @staticmethod
    def _mark(project: Project, name: str, people: str) -> object:
        return tuple(stamp(path) for path in (project.root / people, project.recipients / f"{name}.toml"))

    def lists(self, project: Project) -> list[dict[str, object]]:
        """Describe every list of the project; one that cannot be read, or is large and was not yet, has None for a count."""
        found: list[dict[str, object]] = []
        for name in list_names(project):
            try:
                declaration = declare(project, name)
                title, kind, count = declaration.settings.title, declaration.settings.kind, self._count(project, name, declaration)
            except ComposerError:
                title, kind, count = "", "", None
            found.append({"name": name, "title": title or name, "kind": kind, "count": count})
        return found

    def _count(self, project: Project, name: str, declaration: Declaration) -> int | None:
        if declaration.in_ledger:
            if not ledger_exists(project):
                return 0
            with open_ledger(project) as ledger:
                return count_states(ledger, declaration.settings.name).get(SubscriptionState.CONFIRMED, 0)
        kept = self._kept.get(name)
        stat = stamp(project.root / declaration.people)
        if stat and stat[1] > _LARGE and not (kept and kept[0] == self._mark(project, name, declaration.people)):
            return None
        return len(self._from_file(project, name, declaration.people).subscribers)

    @contextmanager
    def _persons(self, project: Project, name: str) -> Iterator[Iterable[Subscriber]]:
        """Yield the people of a list and nothing else of it. Raises AudienceError, LedgerError."""
        declaration = declare(project, name)
        if not declaration.in_ledger:
            yield self._from_file(project, name, declaration.people).subscribers
        elif not ledger_exists(project):
            yield ()
        else:
            with open_ledger(project) as ledger:
                yield LedgerPeople(ledger, declaration)

    def search(self, project: Project, name: str, words: str) -> list[dict[str, str]]:
        """Find people of a list whose name or address holds all the words; at most 20."""
        with self._persons(project, name) as people:
            wanted = words.casefold().split()
            fitting = (_entry(person) for person in people)
            return list(islice((each for each in fitting if _holds(each, wanted)), MOST))

    def testers(self, project: Project) -> list[dict[str, str]]:
        """Name the people of all lists of kind staff."""
        found: list[dict[str, str]] = []
        for name in list_names(project):
            try:
                if is_public(declare(project, name).settings):
                    continue
                with self._persons(project, name) as staff:
                    found += [{**_entry(person), "list": name} for person in staff]
            except ComposerError:
                continue  # what is wrong with a list is said where it is chosen
        return found

    def guise(self, project: Project, name: str, wanted: str, edition: Edition) -> Guise:
        """Return as whom to show an edition: an address of the list, ``case:NAME``, or nobody.

        Raises UsageError for somebody who is not on the list, or a case that there is not.
        """
        if not wanted:
            return Guise("defaults")
        if wanted.startswith(CASE):
            base = MADE_UP
            if name:
                with self._persons(project, name) as people:
                    base = next(iter(people), MADE_UP)
            cases = dict(edge_cases(base, edition))
            if (label := wanted.removeprefix(CASE)) not in cases:
                raise UsageError("there is no such edge case", hint=f"They are: {', '.join(LABELS)}.")
            return Guise(label, cases[label])
        if not name:
            raise UsageError("nobody is on no list", hint="Choose a list first.")
        declarations = {name: declare(project, name)}
        if ledger_exists(project):
            with open_ledger(project) as ledger:
                person = find_subscriber(project, ledger, declarations, wanted)
        else:
            person = find_subscriber(project, None, declarations, wanted)
        (person,) = with_defaults([person], declarations[name])
        return Guise(person.name or person.email, person)


def values_of(person: Subscriber | None) -> dict[str, str]:
    """Return what stands in a person's fields, as a message has it."""
    if person is None:
        return {}
    values = {key: value.strip() for key, value in person.fields.items() if value.strip()}
    if person.name:
        values.setdefault("name", person.name)
    return {**values, "email": person.email}


def filled(person: Subscriber | None, stand_ins: dict[str, str]) -> Subscriber:
    """Return somebody who has a value for each of these fields."""
    person = person or MADE_UP
    return replace(person, fields={**stand_ins, **{key: value for key, value in person.fields.items() if value.strip()}})


def _entry(person: Subscriber) -> dict[str, str]:
    parts = (person.fields.get("first_name", ""), person.fields.get("last_name", ""))
    return {"email": person.email, "name": person.name or " ".join(filter(None, parts))}


def _holds(entry: dict[str, str], words: list[str]) -> bool:
    text = f"{entry['name']} {entry['email']}".casefold()
    return all(word in text for word in words)
