"""What is known before a send is asked for: who gets it, who does not and why, and what forbids it."""

from __future__ import annotations

import pytest

from composer.audience.segment import SegmentError
from composer.config import Delivery, Newsletter
from composer.delivery.campaign import begin, run
from composer.delivery.prepare import Wish, prepare
from composer.errors import AudienceError, ComposerError, ConfigError, UsageError
from composer.ledger.forgotten import forget
from composer.ledger.model import Reason
from composer.ledger.opening import open_ledger
from composer.ledger.suppressions import Suppression, suppress
from composer.project import with_config
from composer.testing import FakeClock, MemoryTransport
from composer.transport import registry


@pytest.fixture
def memory(monkeypatch):
    transport = MemoryTransport()
    way = registry.WayOut(real=True, place=lambda *_: "", opener=lambda *_: transport)
    monkeypatch.setitem(registry.WAYS_OUT, "memory", way)
    return transport


@pytest.fixture
def real(project, memory):
    newsletter = Newsletter(
        name="News", from_="News <news@openletters.org>", postal_address="1 Sample Street", site_url="https://openletters.org"
    )
    return with_config(project, delivery=Delivery(transport="memory"), newsletter=newsletter)


def _write(project, name, text):
    (project.recipients / f"{name}.csv").write_text(text, encoding="utf-8")


def _send(project, *names):
    with open_ledger(project) as ledger:
        return run(
            project, ledger, begin(ledger, prepare(project, "2026-01", names, Wish(untested=True)), FakeClock().now), clock=FakeClock()
        )


def _codes(findings):
    return [finding.code for finding in findings]


def test_a_rehearsal_for_staff(project):
    """The plain case: composed, chosen, nothing against it, nothing written."""
    prepared = prepare(project, "2026-01", ["staff"])
    assert [person.email for person in prepared.audience.subscribers] == ["ada@example.org", "grace@example.org", "sean@example.org"]
    assert (prepared.transport, prepared.real, prepared.blocking) == ("outbox", False, ())
    assert prepared.edition.subject == "News of January"
    assert not project.var.exists()


def test_lists_are_merged(project):
    """Who is on two lists gets one; it is public when one of them is."""
    _write(project, "readers", "email,first_name\nnew@example.org,New\nADA@example.org,Ada\n")
    prepared = prepare(project, "2026-01", ["staff", "readers", "staff"])
    assert len(prepared.audience.subscribers) == 4
    assert [(left.reason, left.count) for left in prepared.audience.left_out] == [("duplicate", 1)]
    assert prepared.settings.name == "readers"
    assert [each.name for each in prepared.audience.lists] == ["staff", "readers"]


def test_a_missing_field_stops_any_send(project):
    """Each person is named with the row, before anything goes out, in a rehearsal too."""
    path = project.issues / "2026-01.md"
    path.write_text(path.read_text(encoding="utf-8").replace(' | default("friend")', ""), encoding="utf-8")
    _write(project, "readers", "email,first_name\na@example.org,Ann\nb@example.org,\n")
    prepared = prepare(project, "2026-01", ["readers"])
    assert [str(finding.where) for finding in prepared.blocking] == ["recipients/readers.csv:3:first_name"]
    with open_ledger(project) as ledger, pytest.raises(UsageError, match="cannot be sent"):
        begin(ledger, prepared, FakeClock().now)


def test_a_broken_row_is_left_out_and_said(project):
    """One bad address does not keep the others from their mail."""
    _write(project, "readers", "email\nnot an address\na@example.org\n")
    prepared = prepare(project, "2026-01", ["readers"])
    assert "address-invalid" in _codes(prepared.findings)
    assert prepared.blocking == ()
    assert [(left.reason, left.count) for left in prepared.audience.left_out] == [("invalid", 1)]


def test_nobody_is_an_error(project):
    """An empty list is a mistake, not a success of nothing."""
    _write(project, "readers", "email\n")
    assert _codes(prepare(project, "2026-01", ["readers"]).blocking) == ["nobody-to-mail"]


def test_a_list_without_an_address_column_is_said_once(project):
    """Its header is what is wrong; that nobody is left follows from it."""
    _write(project, "readers", "first_name\nAnn\n")
    prepared = prepare(project, "2026-01", ["readers"])
    assert _codes(prepared.blocking) == ["list-no-address-column"]
    assert _codes(prepared.findings).count("list-no-address-column") == 1
    assert "nobody-to-mail" not in _codes(prepared.findings)


def test_an_error_in_the_issue_stops_the_public_alone(project, real):
    """An image that is not there: a rehearsal may show it, subscribers never see it."""
    path = project.issues / "2026-01.md"
    path.write_text(path.read_text(encoding="utf-8") + "\n![A map](maps/nowhere.png)\n", encoding="utf-8")
    _write(project, "readers", "email\na@example.org\n")
    assert prepare(project, "2026-01", ["readers"]).blocking == ()
    assert prepare(real, "2026-01", ["staff"]).blocking == ()
    blocking = prepare(real, "2026-01", ["readers"], Wish(untested=True)).blocking
    assert [str(finding.where).partition(":")[0] for finding in blocking] == ["issues/2026-01.md"]


def test_those_who_have_it_are_left_out_and_counted(real, memory):
    """A second send goes to those who joined since."""
    _write(real, "readers", "email\na@openletters.org\nb@openletters.org\n")
    assert _send(real, "readers").counts == {"accepted": 2}
    _write(real, "readers", "email\na@openletters.org\nc@openletters.org\nB@openletters.org\n")
    prepared = prepare(real, "2026-01", ["readers"])
    assert [person.email for person in prepared.audience.subscribers] == ["c@openletters.org"]
    assert ("already_mailed", 2) in [(left.reason, left.count) for left in prepared.audience.left_out]
    _send(real, "readers", "staff")
    assert sorted(memory.addresses) == sorted(set(memory.addresses))
    assert len(memory.addresses) == 6
    (blocking,) = prepare(real, "2026-01", ["readers"], Wish(untested=True)).blocking
    assert blocking.message == "there is nobody to send to (3 mailed already, or being mailed, by another campaign)"


def test_a_rehearsal_leaves_nobody_out(project, real):
    """It starts afresh, however often and whatever was mailed."""
    _send(real, "staff")
    _send(project, "staff")
    assert len(prepare(project, "2026-01", ["staff"]).audience.subscribers) == 3


def test_a_configuration_that_lets_no_message_be_built_is_known_before(project):
    """Not after the campaign was written."""
    unset = with_config(project, newsletter=Newsletter(), unsubscribe=type(project.config.unsubscribe)(via="service"))
    with pytest.raises(ConfigError, match="https address"):
        prepare(unset, "2026-01", ["staff"])


@pytest.mark.parametrize("key", ["from_", "reply_to"])
def test_a_sender_that_is_no_mailbox_stops_a_rehearsal(project, key):
    """It is about the configuration, not a final no about each person."""
    wrong = with_config(project, newsletter=Newsletter(**{"from_": "Team <team@example.org>", key: "Only a name"}))
    assert _codes(prepare(wrong, "2026-01", ["staff"]).blocking) == ["no-mailbox"]


def test_what_no_message_can_be_written_with_is_known_before(project):
    """A host name with an underscore is an address to some, but in no Message-ID: every message would fail."""
    wrong = with_config(project, newsletter=Newsletter(from_="team@my_host.example.org"))
    with pytest.raises(ComposerError, match="Message-ID"):
        prepare(wrong, "2026-01", ["staff"])


def test_a_value_that_cannot_be_a_link_stops_the_send_at_its_row(project):
    """Like a value that is lacking: known before anything goes out, and named at row and column."""
    path = project.issues / "2026-01.md"
    path.write_text(path.read_text(encoding="utf-8") + "\n[Your page]({{ page }})\n", encoding="utf-8")
    _write(project, "readers", "email,page\na@example.org,home\nb@example.org,https://www.example.org/b\n")
    (finding,) = prepare(project, "2026-01", ["readers"]).blocking
    assert (finding.code, str(finding.where)) == ("field-not-link", "recipients/readers.csv:2:page")


def test_one_list_under_two_names_is_read_once(project):
    """Naming a list by its name and by its file makes nobody a duplicate."""
    _write(project, "readers", "email\na@example.org\nb@example.org\n")
    prepared = prepare(project, "2026-01", ["readers", "readers.csv"])
    assert len(prepared.audience.subscribers) == 2
    assert prepared.audience.left_out == ()


def test_a_letter_that_gmail_would_clip_is_said_before_the_question(project):
    """With the longest name of the audience; the unsubscribe link is what readers would not see."""
    (project.issues / "long.md").write_text("---\ntitle: T\n---\n" + '{{ name | default("x") }} word\n\n' * 900, encoding="utf-8")
    _write(project, "readers", f"email,name\na@example.org,{'n' * 100}\n")
    assert "gmail-clip" in _codes(prepare(project, "long", ["readers"]).findings)


def test_a_list_that_is_not_there(project):
    """The error is the list's own."""
    with pytest.raises(AudienceError, match="no list"):
        prepare(project, "2026-01", ["nobody"])


def test_a_segment_of_the_list_or_an_expression(project):
    """Both narrow a list of either kind, and those left out are counted."""
    _write(project, "readers", "email,first_name,country\na@example.org,Ann,FR\nb@example.org,Bob,FR\nc@example.org,Cy,PL\n")
    (project.recipients / "readers.toml").write_text("[segments]\nfrench = 'country == \"FR\"'\n", encoding="utf-8")
    french = prepare(project, "2026-01", ["readers"], Wish(segment="french"))
    assert [person.email for person in french.audience.subscribers] == ["a@example.org", "b@example.org"]
    assert [(left.reason, left.count) for left in french.audience.left_out] == [("not_in_segment", 1)]
    both = prepare(project, "2026-01", ["readers"], Wish(segment="french", where='first_name == "Bob"'))
    assert [person.email for person in both.audience.subscribers] == ["b@example.org"]
    with pytest.raises(SegmentError):
        prepare(project, "2026-01", ["readers"], Wish(segment="french", where='first_name == "Bob") or (first_name != ""'))
    with pytest.raises(UsageError, match="has no segment polish"):
        prepare(project, "2026-01", ["readers"], Wish(segment="polish"))
    assert "segment-field-unknown" in _codes(prepare(project, "2026-01", ["readers"], Wish(where='contry == "FR"')).findings)


def test_a_segment_of_a_column_that_nobody_has_stops_the_send(project):
    """A value without its quotes is taken for a column: empty like every missing country, it would choose those who have none."""
    _write(project, "readers", "email,first_name,country\na@example.org,Ann,FR\nb@example.org,Bob,\n")
    _write(project, "members", "email,first_name\nc@example.org,Cy\n")
    assert "segment-field-unknown" in _codes(prepare(project, "2026-01", ["readers"], Wish(where="country == FR")).blocking)
    both = prepare(project, "2026-01", ["readers", "members"], Wish(where='country == "FR"'))
    assert "segment-field-unknown" not in _codes(both.findings)
    assert [person.email for person in both.audience.subscribers] == ["a@example.org"]


def test_suppressed_people_are_left_out_for_their_reason(project):
    """On the list they left, or everywhere; another list may have them."""
    _write(project, "readers", "email,first_name\na@example.org,Ann\nb@example.org,Bob\nc@example.org,Cy\n")
    _write(project, "members", "email,first_name\na@example.org,Ann\nb@example.org,Bob\n")
    now = FakeClock().now
    with open_ledger(project) as ledger:
        suppress(ledger, [Suppression("a@example.org", "readers", Reason.UNSUBSCRIBED, "", now)], now)
        suppress(ledger, [Suppression("b@example.org", "", Reason.COMPLAINT, "", now)], now)
    alone, two = prepare(project, "2026-01", ["readers"]), prepare(project, "2026-01", ["readers", "members"])
    assert [person.email for person in alone.audience.subscribers] == ["c@example.org"]
    assert {left.reason: left.count for left in alone.audience.left_out} == {"unsubscribed": 1, "complaint": 1}
    assert [(person.email, person.list) for person in two.audience.subscribers] == [
        ("a@example.org", "members"),
        ("c@example.org", "readers"),
    ]


def test_a_correction_says_how_many_get_it_twice(real):
    """Only by that word; without it they are left out."""
    _send(real, "staff")
    _write(real, "staff", "email,first_name\nada@example.org,Ada\nnew@example.org,New\n")
    plain, again = prepare(real, "2026-01", ["staff"]), prepare(real, "2026-01", ["staff"], Wish(correction=True))
    assert (len(plain.audience.subscribers), plain.again) == (1, 0)
    assert (len(again.audience.subscribers), again.again, again.correction) == (2, 1, True)


def test_an_audience_that_shrank_is_stopped_until_one_says_so(real):
    """Compared with the last campaign of another issue to the same lists."""
    (real.issues / "2026-02.md").write_text((real.issues / "2026-01.md").read_text(encoding="utf-8"), encoding="utf-8")
    _write(real, "readers", "email\n" + "".join(f"p{number}@example.org\n" for number in range(10)))
    _send(real, "readers")
    _write(real, "readers", "email\np1@example.org\n")
    assert "audience-changed" in _codes(prepare(real, "2026-02", ["readers"], Wish(untested=True)).blocking)
    assert prepare(real, "2026-02", ["readers"], Wish(untested=True, any_size=True)).blocking == ()


def test_who_is_forgotten_while_the_sender_thinks_is_not_mailed(project):
    """The audience was chosen before; it is chosen again."""
    with open_ledger(project) as ledger:
        prepared = prepare(project, "2026-01", ["staff"])
        forget(ledger, "ada@example.org", project.signing_keys(), FakeClock().now)
        with pytest.raises(UsageError, match="forgotten since"):
            begin(ledger, prepared, FakeClock().now)
        again = prepare(project, "2026-01", ["staff"])
        assert [person.email for person in again.audience.subscribers] == ["grace@example.org", "sean@example.org"]
        assert begin(ledger, again, FakeClock().now).people == 2
