"""Reading lists of the ledger: who is on them, as a stream, and in numbers. On both databases."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from composer.audience.address import parse_address
from composer.audience.consent import State
from composer.audience.exports import ImportedRow
from composer.audience.model import Declaration, Subscriber
from composer.config import ListSettings
from composer.findings import Finding, Where
from composer.ledger import people
from composer.ledger.imports import import_people
from composer.ledger.model import Reason
from composer.ledger.people import all_counts, count_fields, count_states, iter_members, read_ledger_list
from composer.ledger.suppressions import Suppression, suppress

NOW = datetime(2026, 1, 5, 9, tzinfo=UTC)


def bring(ledger, rows, to="members"):
    found = [ImportedRow(parse_address(email), fields.get("name", ""), fields, State(state), "", 2) for email, state, fields in rows]
    return import_people(ledger, to, found, source="import test.csv", now=NOW, secret_keys=("key",))


def declared(**options):
    return Declaration(ListSettings(name="members", kind="public"), "ledger", **options)


def test_only_confirmed_people_get_mail(any_ledger):
    """The audience is those who said yes; all who are on the list are seen by an export."""
    bring(
        any_ledger,
        [
            ("ana@example.org", "confirmed", {"name": "Ana"}),
            ("ben@example.org", "unconfirmed", {}),
            ("eve@example.org", "unsubscribed", {}),
        ],
    )
    bring(any_ledger, [("zoe@example.org", "confirmed", {})], to="donors")
    found = read_ledger_list(any_ledger, declared())
    assert [person.key for person in found.subscribers] == ["ana@example.org"]
    assert len(found.subscribers) == 1
    assert {member.subscriber.key: str(member.state) for member in iter_members(any_ledger, "members")} == {
        "ana@example.org": "confirmed", "ben@example.org": "unconfirmed", "eve@example.org": "unsubscribed",
    }  # fmt: skip
    assert all_counts(any_ledger) == {"donors": {"confirmed": 1}, "members": {"confirmed": 1, "unconfirmed": 1, "unsubscribed": 1}}
    assert count_states(any_ledger, "donors") == {"confirmed": 1}
    assert count_states(any_ledger, "nothing") == {}


def test_a_person_is_named_without_an_address(any_ledger):
    """Findings say where somebody stands, and logs that keep findings must hold no address."""
    bring(any_ledger, [("ana@example.org", "confirmed", {"name": "Ana", "city": "Lyon"})])
    (person,) = read_ledger_list(any_ledger, declared()).subscribers
    assert person == Subscriber("ana@example.org", "ana@example.org", "Ana", {"name": "Ana", "city": "Lyon"}, Where("members", 1))


def test_declared_values_stand_in_for_empty_ones(any_ledger):
    """A list may say what a person is called who has no name; the field is then a column of the list."""
    bring(any_ledger, [("ana@example.org", "confirmed", {"city": "Lyon"}), ("ben@example.org", "confirmed", {})])
    found = read_ledger_list(any_ledger, declared(fields={"city": "Paris", "greeting": "Hello"}))
    assert [dict(person.fields) for person in found.subscribers] == [
        {"city": "Lyon", "greeting": "Hello"},
        {"city": "Paris", "greeting": "Hello"},
    ]
    assert found.columns == ("city", "greeting")


def test_columns_are_the_fields_that_anybody_has(any_ledger):
    """A field that is misspelt in an issue is found by the columns; what only people who left have is none."""
    bring(any_ledger, [
        ("ana@example.org", "confirmed", {"city": "Lyon", "tags": "x"}),
        ("ben@example.org", "confirmed", {"city": "Bonn", "country": ""}),
        ("eve@example.org", "unsubscribed", {"why": "too much"}),
    ])  # fmt: skip
    assert read_ledger_list(any_ledger, declared()).columns == ("city", "tags")
    assert count_fields(any_ledger, "members") == {"city": 2, "tags": 1, "why": 1}
    assert count_fields(any_ledger, "nothing") == {}


@pytest.mark.parametrize("number", [3, 4, 5, 8])
def test_people_come_page_by_page_as_often_as_wanted(any_ledger, monkeypatch, number):
    """A million people are never in memory at once; a page that is exactly full is not the last, and each walk sees all."""
    monkeypatch.setattr(people, "_PAGE", 4)
    bring(any_ledger, [(f"p{at}@example.org", "confirmed", {}) for at in range(number)])
    found = read_ledger_list(any_ledger, declared()).subscribers
    walks = [[person.key for person in found] for _ in range(2)]
    assert walks[0] == walks[1] == [f"p{at}@example.org" for at in range(number)]
    assert len(found) == number


def test_others_write_while_a_list_is_walked(any_ledger, monkeypatch):
    """A slow send over a list holds up no unsubscribe, and the walk goes on."""
    monkeypatch.setattr(people, "_PAGE", 2)
    bring(any_ledger, [(f"p{at}@example.org", "confirmed", {}) for at in range(6)])
    seen = []
    for person in read_ledger_list(any_ledger, declared()).subscribers:
        seen.append(person.key)
        suppress(any_ledger, [Suppression(person.key, "", Reason.MANUAL)], NOW)
    assert len(seen) == 6


def test_membership_is_a_question_to_the_ledger(any_ledger):
    """`in` must not walk a million people."""
    bring(any_ledger, [("ana@example.org", "confirmed", {}), ("ben@example.org", "unsubscribed", {})])
    found = read_ledger_list(any_ledger, declared()).subscribers
    assert Subscriber("ana@example.org", "ana@example.org") in found
    assert Subscriber("ben@example.org", "ben@example.org") not in found
    assert "ana@example.org" not in found


def test_an_empty_list_is_told(any_ledger):
    """A list that nobody was brought to yet is declared all the same; what is wrong with its declaration is passed on."""
    said = Finding("x", "warning", Where("recipients/members.toml"), "about the declaration")
    found = read_ledger_list(any_ledger, declared(findings=(said,)))
    assert [finding.code for finding in found.findings] == ["x", "list-empty"]
    assert "lists import" in found.findings[1].hint
    assert (len(found.subscribers), list(found.subscribers), found.columns) == (0, [], ())
