"""What is known of one person, as JSON (its shape is in docs/people.md) and as lines to read."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from composer.audience.reasons import told

if TYPE_CHECKING:
    from collections.abc import Iterator

    from composer.audience.address import Address
    from composer.delivery.traces import Row
    from composer.findings import Finding
    from composer.ledger.subscribers import Delivered, Person


@dataclass(frozen=True, slots=True)
class Dossier:
    """One person: what the ledger knows, their rows in CSV lists, their files in the outbox; findings say what was not searched."""

    address: Address
    person: Person
    rows: tuple[Row, ...]
    files: tuple[str, ...]
    findings: tuple[Finding, ...]


def as_data(found: Dossier) -> dict[str, Any]:
    """Return everything, as JSON can hold it; times are ISO 8601 in UTC."""
    person = asdict(found.person)
    del person["key"]
    for each in person["suppressions"]:
        del each["key"]
    for each in person["test_sends"]:
        del each["key"]
    rows = [{"where": str(row.where), "email": row.email, "name": row.name, "fields": dict(row.fields)} for row in found.rows]
    data = {"email": found.address.email, "known": bool(found.person or rows or found.files), **person}
    plain: dict[str, Any] = _jsonable({**data, "rows": rows, "files": list(found.files)})
    return plain


def as_pairs(found: Dossier) -> Iterator[tuple[str, str]]:
    """Yield names and values to print in two columns."""
    person = found.person
    yield "Address", found.address.email
    if not (person or found.rows or found.files):
        yield "", "Nothing is known of this address."
    if person.forgotten_at:
        yield "Forgotten", f"{_time(person.forgotten_at)}; never mailed again"
    if person.profile:
        yield "Name", person.profile.name or "-"
        for number, (name, value) in enumerate(person.profile.fields.items()):
            yield "" if number else "Fields", f"{name}: {value}"
        yield "Known since", _time(person.profile.created_at)
    yield from _first("Lists", [_sentence(f"{each.list}: {each.state}", each.updated_at, each.source) for each in person.subscriptions])
    yield from _first(
        "Suppressed",
        [
            _sentence(f"{f'on {each.scope}' if each.scope else 'everywhere'}: {told(each.reason)}", each.created_at, each.source)
            for each in person.suppressions
        ],
    )
    yield from _first("Deliveries", [line for each in person.deliveries for line in _delivery(each)])
    yield from _first(
        "Tests",
        [
            f"{each.issue} for {each.list or 'no list'} by {each.transport}: {each.outcome or 'no answer'}"
            + (f", {_time(each.started_at)}" if each.started_at else "")
            for each in person.test_sends
        ],
    )
    yield from _first("CSV lists", [str(row.where) for row in found.rows])
    yield from _first("Files", list(found.files))


def _first(name: str, lines: list[str]) -> Iterator[tuple[str, str]]:
    for number, line in enumerate(lines):
        yield "" if number else name, line


def _delivery(each: Delivered) -> Iterator[str]:
    kind = "".join(words for words, holds in ((", a rehearsal", not each.real), (", a correction", each.correction)) if holds)
    why = f" ({each.reason})" if each.reason else ""
    state = each.state.replace("_", " ")
    what = f"campaign {each.campaign}, {each.issue} for {each.list or 'no list'} by {each.transport}{kind}"
    yield f"{what}: {state}{why}, {_time(each.updated_at)}"
    for tried in each.attempts:
        yield f"  attempt {tried.number}, {_time(tried.started_at)}: {tried.outcome}" + (f", {tried.answer}" if tried.answer else "")


def _sentence(what: str, since: datetime | None, source: str) -> str:
    return what + (f", since {_time(since)}" if since else "") + (f" ({source})" if source else "")


def _time(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def _jsonable(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, dict):
        return {name: _jsonable(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_jsonable(each) for each in value]
    return value
