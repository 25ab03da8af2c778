"""Why somebody was left out of a campaign is told as far as it can be known, and not made up."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import insert

from composer.audience.model import LeftOut
from composer.config import ListSettings
from composer.delivery.absence import why_absent
from composer.ledger.campaigns import read_campaign, start_campaign
from composer.ledger.deliveries import claim, record
from composer.ledger.forgotten import forget
from composer.ledger.model import DeliveryState, Reason, Result
from composer.ledger.opening import open_ledger
from composer.ledger.resolution import cancel, resolve
from composer.ledger.schema import subscribers, subscriptions
from composer.ledger.subscribers import read_person
from composer.ledger.suppressions import Suppression, suppress
from composer.testing import FakeClock, an_audience, an_edition

NOW = FakeClock().now
DAY = timedelta(days=1)
ANA = "ana@example.org"
KEYS = ("a key",)


@pytest.fixture
def ledger(project):
    with open_ledger(project) as ledger:
        yield ledger


@pytest.fixture
def why(project, ledger):
    """Say why Ana is not in a campaign to a list, with that name declared to be in the ledger."""
    (project.recipients / "readers.toml").write_text('people = "ledger"\n')
    _start(ledger)

    def why(campaign=None, key=ANA, **changes):
        found = read_campaign(ledger, campaign)
        return why_absent(project, replace(found, **changes), read_person(ledger, key, KEYS))

    return why


def _start(ledger, stem="2026-01", *, correction=False, first=1):
    audience = an_audience(3, first=first)
    return start_campaign(ledger, an_edition(stem), audience, transport="memory", real=True, setting={}, now=NOW, correction=correction)


def _subscribe(ledger, *, state="confirmed", joined=NOW - DAY, changed=None):
    with ledger.write() as connection:
        row = {"address_key": ANA, "email": ANA, "name": "Ana", "fields": {}, "created_at": joined, "updated_at": joined}
        number = connection.execute(insert(subscribers).values(row)).inserted_primary_key[0]
        said = {"list": "readers", "subscriber": number, "state": state, "source": "", "created_at": joined}
        connection.execute(insert(subscriptions).values(**said, updated_at=changed or joined))


def test_somebody_unknown_is_not_on_the_list(why):
    """The commonest answer of all."""
    assert why() == "not on the list readers"
    both = (ListSettings(name="readers"), ListSettings(name="staff"))
    assert why(lists=both) == "on none of the lists readers, staff"


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"joined": NOW + DAY}, "joined readers later, on 2026-01-16"),
        ({"state": "unconfirmed"}, "on readers, but never confirmed"),
        ({"state": "unsubscribed"}, "left readers on 2026-01-14"),
        ({"changed": NOW + DAY}, "on readers, where something changed later, on 2026-01-16"),
        ({}, "on readers since 2026-01-14, but left out then for a reason that no longer holds"),
    ],
)
def test_what_a_subscription_tells(why, ledger, said, words):
    """What they said of the list, and when."""
    _subscribe(ledger, **said)
    assert why() == words


def test_a_segment_leaves_out(why, ledger):
    """A campaign that asked for a segment has said so."""
    _subscribe(ledger)
    assert why(left_out=(LeftOut("not_in_segment", 4),)) == "on readers since 2026-01-14, but not in the segment that was asked for"


@pytest.mark.parametrize(
    ("scope", "since", "words"),
    [
        ("", NOW - DAY, "suppressed everywhere since 2026-01-14: mail bounced: the mailbox is not there"),
        ("readers", NOW, "suppressed on readers since 2026-01-15: mail bounced: the mailbox is not there"),
        ("readers", NOW + DAY, "not on the list readers"),
        ("staff", NOW - DAY, "not on the list readers"),
    ],
)
def test_only_a_suppression_of_then_and_there_explains(why, ledger, scope, since, words):
    """One of later, or of another list, left nobody out."""
    suppress(ledger, [Suppression(ANA, scope, Reason.HARD_BOUNCE, "", since)], NOW + 2 * DAY)
    assert why() == words


def test_who_has_the_issue_is_left_out_of_the_next_send(why, ledger):
    """Sending again for those who joined since leaves out all others; a correction does not."""
    for row in claim(ledger, 1, 3, NOW).rows:
        record(ledger, [Result(row, DeliveryState.ACCEPTED, "accepted")], NOW)
    again = _start(ledger, first=4)
    assert why(again, "person2@example.com") == "had this issue already, by campaign 1"
    assert why(again, "person2@example.com", correction=True) == "not on the list readers"
    assert why(_start(ledger, "2026-02", first=7), "person2@example.com") == "not on the list readers"


def test_who_was_in_doubt_and_skipped_may_have_it(why, ledger):
    """They were left out of the next send for that; one that was cancelled before anything left was not."""
    record(ledger, [Result(row, DeliveryState.IN_DOUBT, "unknown") for row in claim(ledger, 1, 1, NOW).rows], NOW)
    resolve(ledger, 1, DeliveryState.SKIPPED, NOW)
    cancel(ledger, 1, "cancelled on request", NOW)
    again = _start(ledger, first=4)
    assert why(again, "person1@example.com") == "had this issue already, by campaign 1"
    assert why(again, "person2@example.com") == "not on the list readers"


def test_who_was_forgotten_is_known_by_the_hash(why, ledger):
    """Nothing else is kept of them."""
    forget(ledger, ANA, KEYS, NOW - DAY)
    assert why() == "forgotten on 2026-01-14, and mailed no more since"


def test_rows_of_a_csv_list_are_looked_at_as_they_are_today(why, project):
    """The file of then is gone: what can be said is said, with the line."""
    (project.recipients / "readers.toml").unlink()
    assert why() == "the list readers is not declared any more"
    (project.recipients / "readers.csv").write_text("email\nbo@example.org\n")
    assert why() == "not on the list readers"
    (project.recipients / "readers.csv").write_text('email\nbo@example.org\n"Ana" <ANA@example.org>\n')
    today = "in recipients/readers.csv:3 today: added later, or "
    assert why() == f"{today}left out then for a reason that no longer holds"
    assert why(left_out=(LeftOut("not_in_segment", 4),)) == f"{today}not in the segment that was asked for"
