"""Imports into a list of the ledger: who is written, who stays out, and what is said of it. On both databases."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select

from composer.audience.address import parse_address
from composer.audience.consent import State
from composer.audience.exports import ImportedRow
from composer.errors import ConfigError, LedgerError
from composer.ledger import imports
from composer.ledger.forgotten import forget
from composer.ledger.imports import ImportCounts, import_people
from composer.ledger.model import Reason, SubscriptionState
from composer.ledger.people import count_states, iter_members
from composer.ledger.schema import subscribers, subscriptions, suppressions
from composer.ledger.suppressions import Suppression, suppress, suppressions_of, unsuppress

NOW = datetime(2026, 1, 5, 9, tzinfo=UTC)
KEYS = ("new key", "old key")


def a_row(email, state="confirmed", line=2, **fields):
    name = fields.get("name", "")
    return ImportedRow(parse_address(email), name, fields, State(state), "", line)


def bring(ledger, *rows, to="members", now=NOW, **options):
    return import_people(ledger, to, rows, source="import test.csv", now=now, secret_keys=KEYS, **options)


def states(ledger, name="members"):
    return {member.subscriber.key: str(member.state) for member in iter_members(ledger, name)}


def fields_of(ledger, key, name="members"):
    return next(dict(member.subscriber.fields) for member in iter_members(ledger, name) if member.subscriber.key == key)


def reasons(ledger, key):
    return {(each.scope, str(each.reason)) for each in suppressions_of(ledger, key)}


def everything(ledger):
    with ledger.read() as connection:
        return [
            connection.execute(select(table).order_by(*table.primary_key)).all() for table in (subscribers, subscriptions, suppressions)
        ]


def test_new_people_are_written_whole(any_ledger):
    """An import is how people get in: address, name, fields, state, source and time."""
    counts = bring(any_ledger, a_row("Ana@Example.org", name="Ana", country="FR", city=""), a_row("ben@example.org", state="unconfirmed"))
    assert counts == ImportCounts(created=2, unconfirmed=1)
    assert (counts.rows, counts.people) == (2, 2)
    with any_ledger.read() as connection:
        row = connection.execute(select(subscribers, subscriptions).join(subscriptions).order_by(subscribers.c.address_key)).first()
    assert (row.email, row.address_key, row.name, row.fields) == (
        "Ana@example.org",
        "ana@example.org",
        "Ana",
        {"name": "Ana", "country": "FR"},
    )
    assert (row.list, row.state, row.source, row.created_at, row.updated_at) == ("members", "confirmed", "import test.csv", NOW, NOW)
    assert states(any_ledger) == {"ana@example.org": "confirmed", "ben@example.org": "unconfirmed"}


def test_the_same_file_again_changes_nothing(any_ledger):
    """Whoever is not sure whether an import went through may run it once more."""
    rows = [a_row(f"p{number}@example.org", name=f"Zoë {number}", note='a "quote" \\ é 🙂\t') for number in range(30)]
    bring(any_ledger, *rows)
    before = everything(any_ledger)
    assert bring(any_ledger, *rows, now=NOW + timedelta(days=1)) == ImportCounts(unchanged=30)
    assert everything(any_ledger) == before


def test_new_values_win_and_empty_ones_erase_nothing(any_ledger):
    """A second tool knows other things of a person; what it does not know stays."""
    bring(any_ledger, a_row("ana@example.org", name="Ana", country="FR", city="Lyon"))
    later = NOW + timedelta(days=1)
    counts = bring(any_ledger, a_row("ana@example.org", country="BE", city="", tags="donor"), now=later)
    assert counts == ImportCounts(updated=1)
    assert fields_of(any_ledger, "ana@example.org") == {"name": "Ana", "country": "BE", "city": "Lyon", "tags": "donor"}
    with any_ledger.read() as connection:
        row = connection.execute(select(subscribers)).one()
    assert (row.name, row.created_at, row.updated_at) == ("Ana", NOW, later)
    assert bring(any_ledger, a_row("ana@example.org", country="BE"), now=later) == ImportCounts(unchanged=1)


def test_rows_of_one_person_are_put_together(any_ledger):
    """Exports hold people twice; the first row counts, later ones fill what it lacks, and the strongest word on consent holds."""
    counts = bring(
        any_ledger,
        a_row("ana@example.org", country="FR", city=""),
        a_row("ben@example.org"),
        a_row("ANA@example.org", country="DE", city="Lyon", name="Ana"),
        a_row("ana@example.org", state="unsubscribed"),
        a_row("ana@example.org", state="bounced"),
    )
    assert counts == ImportCounts(created=2, duplicates=3, unsubscribed=1, suppressed=1)
    assert fields_of(any_ledger, "ana@example.org") == {"country": "FR", "city": "Lyon", "name": "Ana"}
    assert states(any_ledger) == {"ana@example.org": "unsubscribed", "ben@example.org": "confirmed"}
    assert reasons(any_ledger, "ana@example.org") == {("members", "unsubscribed"), ("", "hard_bounce")}


@pytest.mark.parametrize(
    ("said", "state", "suppressed"),
    [
        ("unsubscribed", "unsubscribed", {("members", "unsubscribed")}),
        ("bounced", "unconfirmed", {("", "hard_bounce")}),
        ("complained", "unconfirmed", {("", "complaint")}),
        ("blocked", "unconfirmed", {("", "manual")}),
    ],
)
def test_what_the_file_says_of_consent_is_kept(any_ledger, said, state, suppressed):
    """Another tool's unsubscribes, bounces and complaints are the reason to import its files at all."""
    counts = bring(any_ledger, a_row("ana@example.org", state=said))
    assert counts.created == 1
    assert counts.unsubscribed + counts.suppressed == 1
    assert states(any_ledger) == {"ana@example.org": state}
    assert reasons(any_ledger, "ana@example.org") == suppressed
    assert bring(any_ledger, a_row("ana@example.org")).people == 1
    assert states(any_ledger) == {"ana@example.org": state}


def test_an_import_takes_confirmed_people_off(any_ledger):
    """Who unsubscribed at the other tool since has unsubscribed; on other lists they stay."""
    bring(any_ledger, a_row("ana@example.org"))
    bring(any_ledger, a_row("ana@example.org"), to="donors")
    counts = bring(any_ledger, a_row("ana@example.org", state="unsubscribed"))
    assert counts == ImportCounts(updated=1, unsubscribed=1)
    assert (states(any_ledger), states(any_ledger, "donors")) == ({"ana@example.org": "unsubscribed"}, {"ana@example.org": "confirmed"})


def test_an_import_never_brings_back_who_unsubscribed(any_ledger):
    """Not by their subscription, and not by a suppression that is older than it."""
    bring(any_ledger, a_row("ana@example.org", state="unsubscribed"))
    assert bring(any_ledger, a_row("ana@example.org", city="Lyon")) == ImportCounts(updated=1, kept_unsubscribed=1)
    unsuppress(any_ledger, "ana@example.org", "members")
    assert bring(any_ledger, a_row("ana@example.org", city="Lyon")) == ImportCounts(unchanged=1, kept_unsubscribed=1)
    suppress(any_ledger, [Suppression("ben@example.org", "members", Reason.UNSUBSCRIBED)], NOW)
    suppress(any_ledger, [Suppression("eve@example.org", "", Reason.UNSUBSCRIBED)], NOW)
    counts = bring(any_ledger, a_row("ben@example.org"), a_row("eve@example.org"))
    assert counts == ImportCounts(created=2, kept_unsubscribed=2)
    assert set(states(any_ledger).values()) == {"unsubscribed"}


@pytest.mark.parametrize("reason", [Reason.HARD_BOUNCE, Reason.COMPLAINT, Reason.MANUAL, Reason.INVALID])
def test_an_import_never_confirms_who_is_suppressed(any_ledger, reason):
    """Neither a new subscriber nor one who has not confirmed yet; what somebody confirmed before stays theirs."""
    suppress(any_ledger, [Suppression("new@example.org", "", reason)], NOW)
    bring(any_ledger, a_row("waiting@example.org", state="unconfirmed"), a_row("ours@example.org"))
    suppress(any_ledger, [Suppression(f"{who}@example.org", "members", reason) for who in ("waiting", "ours")], NOW)
    counts = bring(any_ledger, *(a_row(f"{who}@example.org") for who in ("new", "waiting", "ours")))
    assert counts == ImportCounts(created=1, unchanged=2, kept_suppressed=3)
    assert states(any_ledger) == {"new@example.org": "unconfirmed", "waiting@example.org": "unconfirmed", "ours@example.org": "confirmed"}


def test_a_suppression_on_another_list_is_none_here(any_ledger):
    """A person may leave one list and stay on another."""
    suppress(any_ledger, [Suppression("ana@example.org", "donors", Reason.UNSUBSCRIBED)], NOW)
    assert bring(any_ledger, a_row("ana@example.org")) == ImportCounts(created=1)
    assert states(any_ledger) == {"ana@example.org": "confirmed"}


def test_a_later_import_may_confirm_but_not_unconfirm(any_ledger):
    """Consent that was given is not lost to an export that does not know of it."""
    bring(any_ledger, a_row("ana@example.org", state="unconfirmed"))
    assert bring(any_ledger, a_row("ana@example.org")).updated == 1
    assert bring(any_ledger, a_row("ana@example.org", state="unconfirmed")).unchanged == 1
    assert states(any_ledger) == {"ana@example.org": "confirmed"}


def test_state_is_what_everyone_is_at_least(any_ledger):
    """A file without any word on consent may be of people who gave none, and a stronger word in a row still holds."""
    counts = bring(any_ledger, a_row("a@example.org"), a_row("b@example.org", state="bounced"), state=State.UNSUBSCRIBED)
    assert counts == ImportCounts(created=2, unsubscribed=1, suppressed=1)
    assert states(any_ledger) == {"a@example.org": "unsubscribed", "b@example.org": "unconfirmed"}


def test_the_forgotten_stay_out(any_ledger):
    """Whoever asked to be forgotten does not come back by the export that still has them, whichever key remembers them."""
    bring(any_ledger, a_row("ana@example.org"), a_row("ben@example.org"))
    forget(any_ledger, "ana@example.org", KEYS, NOW)
    forget(any_ledger, "eve@example.org", KEYS[1:], NOW)
    counts = bring(any_ledger, a_row("ANA@example.org"), a_row("ana@example.org"), a_row("eve@example.org"), a_row("ben@example.org"))
    assert counts == ImportCounts(unchanged=1, forgotten=3)
    assert states(any_ledger) == {"ben@example.org": "confirmed"}
    with pytest.raises(ConfigError, match="2 people who were forgotten cannot be recognised"):
        import_people(any_ledger, "members", [a_row("ana@example.org")], source="", now=NOW, secret_keys=())


def test_somebody_forgotten_meanwhile_stops_the_import(any_ledger):
    """A long file must not bring back who was forgotten while it was read."""

    def rows():
        yield a_row("ana@example.org")
        forget(any_ledger, "ana@example.org", KEYS, NOW)

    with pytest.raises(LedgerError, match="forgotten while the file was read"):
        import_people(any_ledger, "members", rows(), source="", now=NOW, secret_keys=KEYS)
    assert states(any_ledger) == {}


def test_dry_run_says_the_same_and_writes_nothing(any_ledger):
    """What a dry run promises is what the import does."""
    bring(any_ledger, a_row("ana@example.org"))
    rows = [a_row("ana@example.org", city="Lyon"), a_row("ben@example.org", state="unsubscribed"), a_row("ben@example.org")]
    before = everything(any_ledger)
    expected = bring(any_ledger, *rows, dry_run=True)
    assert everything(any_ledger) == before
    assert bring(any_ledger, *rows) == expected == ImportCounts(created=1, updated=1, duplicates=1, unsubscribed=1)


@pytest.mark.parametrize("when", ["while rows are read", "while people are written"])
def test_nothing_is_half_imported(any_ledger, monkeypatch, when):
    """A file that turns out broken, or a power cut: all or nobody."""
    bring(any_ledger, a_row("ana@example.org"))
    before = everything(any_ledger)

    def rows():
        yield from (a_row(f"p{number}@example.org") for number in range(3_000))
        if when == "while rows are read":
            raise RuntimeError(when)

    if when == "while people are written":
        monkeypatch.setattr(imports.upsert, "_not_to_mail", lambda: "INSERT INTO nowhere VALUES (:now)")
    with pytest.raises((RuntimeError, LedgerError)):
        import_people(any_ledger, "members", rows(), source="", now=NOW, secret_keys=KEYS)
    monkeypatch.undo()
    assert everything(any_ledger) == before
    assert bring(any_ledger, a_row("ben@example.org")) == ImportCounts(created=1)


def test_others_write_while_a_file_is_read(any_ledger):
    """A campaign that is running must not wait for a slow export to be read."""

    def rows():
        yield from (a_row(f"p{number}@example.org") for number in range(10))
        suppress(any_ledger, [Suppression("p3@example.org", "", Reason.MANUAL)], NOW)
        yield a_row("last@example.org")

    counts = import_people(any_ledger, "members", rows(), source="", now=NOW, secret_keys=KEYS)
    assert counts == ImportCounts(created=11, kept_suppressed=1)


def test_many_people_and_many_rows_of_one(any_ledger):
    """More than one chunk of everything, in an order that is not that of the addresses."""
    people = [a_row(f"p{number * 7919 % 12_000}@example.org", number=str(number)) for number in range(12_000)]
    same = [a_row("same@example.org", **{f"f{number % 7}": str(number)}) for number in range(3_000)]
    counts = bring(any_ledger, *people, *same)
    assert counts == ImportCounts(created=12_001, duplicates=2_999)
    assert fields_of(any_ledger, "same@example.org") == {f"f{number}": str(number) for number in range(7)}
    assert count_states(any_ledger, "members") == {SubscriptionState.CONFIRMED: 12_001}


def test_an_empty_file_is_no_error(any_ledger):
    """An export of nobody changes nobody."""
    assert bring(any_ledger) == ImportCounts()
    with any_ledger.read() as connection:
        assert connection.execute(select(func.count()).select_from(subscribers)).scalar() == 0


def test_what_is_written_elsewhere_reads_as_unchanged(any_ledger):
    """Fields that another part of the program wrote, in JSON of another form, are compared by their values."""
    with any_ledger.write() as connection:
        values = {"email": "ana@example.org", "name": "", "fields": {"city": "Köln", "b": "1"}, "created_at": NOW, "updated_at": NOW}
        connection.execute(subscribers.insert().values(id=1, address_key="ana@example.org", **values))
        said = {"state": "confirmed", "source": "", "created_at": NOW, "updated_at": NOW}
        connection.execute(subscriptions.insert().values(list="members", subscriber=1, **said))
    assert bring(any_ledger, a_row("ana@example.org", b="1", city="Köln")) == ImportCounts(unchanged=1)
    assert bring(any_ledger, a_row("ana@example.org", b="2")) == ImportCounts(updated=1)
    assert fields_of(any_ledger, "ana@example.org") == {"city": "Köln", "b": "2"}
