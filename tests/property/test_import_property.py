"""Whatever is imported in whatever order: nobody comes back, and the counts add up."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from composer.audience.address import parse_address
from composer.audience.consent import State
from composer.audience.exports import ImportedRow
from composer.ledger.forgotten import forget
from composer.ledger.imports import import_people
from composer.ledger.model import Reason
from composer.ledger.opening import open_ledger
from composer.ledger.people import iter_members
from composer.ledger.suppressions import Suppression, suppress, suppressions_of
from composer.project import find

NOW = datetime(2026, 1, 5, 9, tzinfo=UTC)
PEOPLE = ("ana@example.org", "ben@example.org", "eve@example.org", "zoe@example.org")
LISTS = ("members", "donors")
rows = st.tuples(
    st.sampled_from(PEOPLE),
    st.sampled_from(list(State)),
    st.dictionaries(st.sampled_from("abc"), st.sampled_from(["", "1", 'é"\\']), max_size=3),
)
imports = st.tuples(st.just("import"), st.sampled_from(LISTS), st.lists(rows, max_size=6))
suppressions = st.tuples(st.just("suppress"), st.sampled_from(PEOPLE), st.sampled_from(("", *LISTS)), st.sampled_from(list(Reason)))
forgettings = st.tuples(st.just("forget"), st.sampled_from(PEOPLE))


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    return lambda: tmp_path_factory.mktemp("ledger")


def _states(ledger):
    return {(name, each.subscriber.key): each for name in LISTS for each in iter_members(ledger, name)}


def _reasons(ledger, key):
    return {(each.scope, each.reason) for each in suppressions_of(ledger, key)}


def _import(ledger, name, people, moment):
    found = [ImportedRow(parse_address(email), "", fields, state, "", line) for line, (email, state, fields) in enumerate(people, 2)]
    dry = import_people(ledger, name, found, source="x", now=moment, secret_keys=("key",), dry_run=True)
    before = _states(ledger)
    done = import_people(ledger, name, found, source="x", now=moment, secret_keys=("key",))
    return dry, before, done


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(steps=st.lists(st.one_of(imports, imports, suppressions, forgettings), min_size=1, max_size=8))
def test_no_sequence_of_imports_brings_anyone_back(folders, steps):
    """Unsubscribed stays unsubscribed, the suppressed are never newly confirmed, the forgotten are gone, all is counted."""
    root = folders()
    (root / "newsletter.toml").write_text("")
    forgotten = set()
    with open_ledger(find(root, exact=True)) as ledger:
        for number, (what, *step) in enumerate(steps):
            moment = NOW + timedelta(hours=number)
            if what == "suppress":
                suppress(ledger, [Suppression(step[0], step[1], step[2])], moment)
                continue
            if what == "forget":
                forget(ledger, step[0], ("key",), moment)
                forgotten.add(step[0])
                continue
            name, people = step
            held = {key: _reasons(ledger, key) for key in PEOPLE}
            dry, before, done = _import(ledger, name, people, moment)
            after = _states(ledger)
            assert dry == done
            assert done.rows == len(people)
            assert done.people == len({email for email, _, _ in people} - forgotten)
            assert done.forgotten == sum(email in forgotten for email, _, _ in people)
            assert done.created == len(after) - len(before)
            for (where, key), member in after.items():
                _look(where, key, member, before.get((where, key)), held[key], people, here=where == name)
                assert key not in forgotten
                assert _reasons(ledger, key) >= held[key]
                if member.state == "unsubscribed" and (where, key) not in before:
                    assert {reason for scope, reason in _reasons(ledger, key) if scope in {"", where}} & {Reason.UNSUBSCRIBED}


def _look(where, key, member, old, held, people, *, here):
    said = {state for email, state, _ in people if email == key and here}
    if old and old.state == "unsubscribed":
        assert member.state == "unsubscribed"
    if State.UNSUBSCRIBED in said:
        assert member.state == "unsubscribed"
    if member.state == "confirmed" and not (old and old.state == "confirmed"):
        assert said == {State.CONFIRMED}
        assert not [scope for scope, _ in held if scope in {"", where}]
    # What is known of a person is known on all lists.
    for field, value in old.subscriber.fields.items() if old else ():
        new = [fields[field] for email, _, fields in people if email == key and fields.get(field)]
        assert member.subscriber.fields[field] == (new[0] if new else value)
