"""Tests to colleagues: what arrives is the edition that readers will get, marked, with links that unsubscribe nobody."""

from __future__ import annotations

import email
import email.policy
import re
from dataclasses import replace
from datetime import timedelta

import pytest
from PIL import Image

from composer.config import Delivery, Newsletter, Public, SendGrid, Smtp, Transports, Unsubscribe
from composer.delivery.edge_cases import LABELS
from composer.delivery.prepare import Wish, prepare
from composer.delivery.test_run import run_test
from composer.delivery.test_send import Asked, prepare_test
from composer.errors import AudienceError, ConfigError, UsageError
from composer.ledger.forgotten import forget
from composer.ledger.model import Reason
from composer.ledger.opening import open_ledger
from composer.ledger.schema import subscribers, subscriptions
from composer.ledger.suppressions import Suppression, suppress
from composer.ledger.test_sends import last_accepted, list_test_sends
from composer.message.token import read_test, read_unsubscribe
from composer.project import with_config
from composer.testing import FakeClock, MemoryTransport
from composer.testing.sendgrid import SendGridDouble
from composer.testing.smtp import SmtpServer
from composer.transport import registry
from composer.transport.base import Accepted, Deferred, Rejected, Unknown, Unusable

CLOCK = FakeClock()
NEWSLETTER = Newsletter(
    name="News", from_="News <news@openletters.org>", postal_address="1 Sample Street", site_url="https://openletters.org"
)
READERS = "email,first_name,last_name,country\nana@example.org,Ana,Silva,PT\nbo@example.org,,,\n"


@pytest.fixture
def project(project):
    """The small project with a public list of two."""
    (project.recipients / "readers.csv").write_text(READERS, encoding="utf-8")
    return with_config(project, newsletter=NEWSLETTER)


@pytest.fixture
def memory(monkeypatch):
    transport = MemoryTransport()
    way = registry.WayOut(real=True, place=lambda *_: "a place", opener=lambda *_: transport)
    monkeypatch.setitem(registry.WAYS_OUT, "memory", way)
    return transport


@pytest.fixture
def real(project, memory):
    return with_config(project, delivery=Delivery(transport="memory"))


def _run(project, prepared, ledger=None):
    if ledger:
        return run_test(project, ledger, prepared, sender="grace", clock=CLOCK)
    with open_ledger(project) as opened:
        return run_test(project, opened, prepared, sender="grace", clock=CLOCK)


def _test(project, **asked):
    return _run(project, prepare_test(project, "2026-01", Asked(**asked)))


def _issue(project, text):
    path = project.issues / "2026-01.md"
    path.write_text(re.sub(r"Hello .*\n", text + "\n", path.read_text(encoding="utf-8")), encoding="utf-8")


def _parsed(data):
    return email.message_from_bytes(data, policy=email.policy.default)


def _parts(mail):
    return mail.get_body(("plain",)).get_content(), mail.get_body(("html",)).get_content()


# ---- what arrives


def test_a_test_into_the_outbox(project):
    """A rehearsal like any other, in a folder of its own, so that no campaign's files mix with it."""
    report = _test(project)
    assert (report.exit_code, [each.outcome for each in report.tested]) == (0, ["accepted"] * 3)
    assert report.place == str(project.root / "outbox" / "2026-01" / "test-20260115-090000-000000")
    files = sorted((project.root / "outbox" / "2026-01" / "test-20260115-090000-000000").iterdir())
    mails = [_parsed(file.read_bytes()) for file in files]
    assert [mail["To"].addresses[0].addr_spec for mail in mails] == ["ada@example.org", "grace@example.org", "sean@example.org"]
    assert {mail["Subject"] for mail in mails} == {"[TEST] News of January"}
    assert [re.search(r"Hello ([^,]*),", _parts(mail)[0])[1] for mail in mails] == ["Ada", "Grace", "Seán"]


def test_the_digest_is_the_one_that_send_has(real):
    """This is the point: what was tested is what is sent, and preflight can tell."""
    before = prepare(real, "2026-01", ["readers"], Wish())
    assert "not-tested" in [each.code for each in before.blocking]
    prepared = prepare_test(real, "2026-01", Asked())
    assert prepared.edition.digest == before.edition.digest
    _run(real, prepared)
    assert prepare(real, "2026-01", ["readers"], Wish()).blocking == ()
    with open_ledger(real) as ledger:
        assert last_accepted(ledger, before.edition.digest, "memory") == CLOCK.now
        assert last_accepted(ledger, before.edition.digest, "outbox") is None


def test_several_lists_share_the_settings_of_the_first_public_one(project):
    """As a send to these lists does."""
    asked = Asked(meant_for=("staff", "readers"))
    assert prepare_test(project, "2026-01", asked).edition.digest == prepare(project, "2026-01", ["staff", "readers"]).edition.digest
    assert prepare_test(project, "2026-01", asked).settings.name == "readers"


def test_by_a_mail_server(project):
    """Over real sockets: envelope, mark, the text of the edition, and a token that unsubscribes nobody."""
    with SmtpServer() as server:
        smtp = Smtp(host="127.0.0.1", port=server.port, security="none", timeout=10, ehlo_name="me.example")
        mailing = with_config(
            project,
            delivery=Delivery(transport="smtp"),
            transport=Transports(smtp=smtp),
            unsubscribe=Unsubscribe(via="service"),
            public=Public("https://news.openletters.org"),
        )
        prepared = prepare_test(mailing, "2026-01", Asked(to=("Ada <ada@example.org>",), merged_as=("ana@example.org",)))
        assert _run(mailing, prepared).exit_code == 0
        (received,) = server.received
    mail = _parsed(received.data)
    text, html = _parts(mail)
    assert (received.recipients, mail["Subject"]) == (("ada@example.org",), "[TEST] News of January")
    assert "Hello Ana, here is the month." in text
    assert "snowdrops" in html
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    token = re.fullmatch(r"<https://news\.openletters\.org/u/([^>]+)>", mail["List-Unsubscribe"])[1]
    assert read_unsubscribe(token, mailing.signing_keys()) is None
    assert read_test(token, mailing.signing_keys()).startswith("test-")
    links = {link.split("/u/")[1] for link in re.findall(r"https://news\.openletters\.org/u/[\w.-]+", text + html)}
    assert links == {token}


def test_by_sendgrid(project):
    """No group goes along, so that nothing in a test takes a colleague off; one mailbox gets all its tests, each numbered."""
    with SendGridDouble() as double:
        double.groups[7] = "News"
        mailing = replace(
            with_config(
                project,
                delivery=Delivery(transport="sendgrid"),
                unsubscribe=Unsubscribe(via="sendgrid"),
                transport=Transports(sendgrid=SendGrid(base_url=double.url, group_id=7, timeout=5, undo_minutes=30)),
            )
        )
        mailing = replace(mailing, config=replace(mailing.config, sendgrid_api_key=double.key))
        report = _test(mailing, to=("ada@example.org",), edge_cases=True)
        assert [each.outcome for each in report.tested] == ["accepted"] * 8, report.tested
        received = double.received
    assert {each.email for each in received} == {"ada@example.org"}
    assert [each.subject for each in received] == [f"[TEST {at}/8 {label}] News of January" for at, label in enumerate(LABELS, 1)]
    for each in received:
        assert "asm" not in each.request
        assert "send_at" not in each.request
        assert "asm_group" not in f"{each.request}{each.person}"
        assert each.headers["List-Unsubscribe"] == "<mailto:news@openletters.org?subject=TEST%2C%20please%20ignore>"
        assert "mailto:news@openletters.org?subject=TEST%2C%20please%20ignore" in each.html
        assert each.delivery.startswith("test-")
    assert 'Hello &lt;b&gt;Bob&lt;/b&gt; &amp; "Co",' in received[5].html
    assert 'Hello <b>Bob</b> & "Co",' in received[5].text


# ---- as whom


def test_edge_cases_are_eight_people(real, memory):
    """Each is what its number says; all of them are mailed to the one who looks."""
    _issue(real, 'Hello {{ first_name | default("friend") }} of {{ country | default("somewhere") }}, {{ email }}.')
    report = _test(real, to=("staff",), edge_cases=True)
    assert memory.addresses == [each for each in ("ada@example.org", "grace@example.org", "sean@example.org") for _ in range(8)]
    assert report.exit_code == 0
    mine = {message.prefix: message for message in memory.sent[:8]}
    assert list(mine) == [f"[TEST {at}/8 {label}] " for at, label in enumerate(LABELS, 1)]
    said = dict(zip(LABELS, (re.search(r"Hello .*\.", message.text)[0] for message in mine.values()), strict=True))
    assert said["no name"] == "Hello friend of somewhere, ada@example.org."
    assert len(re.search(r"Hello (.*) of", said["60-character name"])[1]) == 60
    assert said["plus-address"] == "Hello Ada of somewhere, ada+test@example.org."
    assert said["missing fields"] == "Hello friend of somewhere, ada@example.org."
    names = dict(zip(LABELS, (message.name for message in mine.values()), strict=True))
    assert (names["no name"], names["missing fields"]) == ("", "")
    assert "'" in names["apostrophe"]
    assert re.search("[\u0600-\u06ff]", names["right-to-left name"])
    assert "🌻" in names["emoji"]
    assert "<b>" in names["markup in the name"]
    assert "<b>" not in mine["[TEST 6/8 markup in the name] "].html.partition("<body")[2].partition("Hello ")[2][:60]
    assert len({message.delivery_id for message in memory.sent}) == 24
    assert [message.position for message in memory.sent] == list(range(1, 25))


def test_merged_as_a_subscriber_of_a_file(real, memory):
    """What Ana will see, in Ada's mailbox alone; the greeting, and {{ email }} too."""
    _issue(real, "Hello {{ first_name }} <{{ email }}>.")
    prepared = prepare_test(real, "2026-01", Asked(to=("ada@example.org",), merged_as=("ANA@example.org",)))
    assert _run(real, prepared).exit_code == 0
    (message,) = memory.sent
    assert (message.email, message.prefix) == ("ada@example.org", "[TEST] ")
    assert "Ana <ana@example.org>" in message.text


def test_merged_as_a_subscriber_of_the_ledger(real, memory):
    """Lists that are kept in the ledger have people too, whose empty fields are filled as the list declares."""
    declared = 'people = "ledger"\n[fields]\ncountry = "the world"\n'
    (real.recipients / "members.toml").write_text(declared, encoding="utf-8")
    _issue(real, "Hello {{ first_name }} of {{ country }}.")
    with open_ledger(real) as ledger, ledger.write() as connection:
        now = {"created_at": CLOCK.now, "updated_at": CLOCK.now}
        person = {"address_key": "li@example.org", "email": "li@example.org", "name": "Li", "fields": {"first_name": "Li"}, **now}
        number = connection.execute(subscribers.insert().values(person)).inserted_primary_key[0]
        row = {"list": "members", "subscriber": number, "state": "confirmed", "source": "", **now}
        connection.execute(subscriptions.insert().values(row))
    report = _test(real, meant_for=("members",), to=("ada@example.org",), merged_as=("li@example.org",), edge_cases=True)
    assert report.exit_code == 0
    assert memory.sent[0].prefix == "[TEST 1/9 as subscriber] "
    assert "Hello Li of the world." in memory.sent[0].text
    with pytest.raises(UsageError, match=r"li@example\.org is not on readers"):
        prepare_test(real, "2026-01", Asked(meant_for=("readers",), merged_as=("li@example.org",)))


def test_values_of_an_earlier_list_are_completed_by_a_later_one(real, memory):
    """As in a send to both."""
    (real.recipients / "club.csv").write_text("email,first_name\nbo@example.org,Bo\n", encoding="utf-8")
    _test(real, meant_for=("readers", "club"), to=("ada@example.org",), merged_as=("bo@example.org",))
    assert "Hello Bo," in memory.sent[0].text


def test_a_field_without_a_value_gets_a_placeholder(real, memory):
    """The test goes out, shows where the gap is, and says so; in a link the placeholder is an address."""
    _issue(real, "Hello {{ first_name }}, [your page]({{ page }}) in {{ country }}.")
    prepared = prepare_test(real, "2026-01", Asked())
    warned = {each.message: str(each.where) for each in prepared.findings if each.code == "test-placeholder"}
    assert warned == {
        "3 of 3 test messages have no value for page and show https://example.org/page": "issues/2026-01.md:8",
        "3 of 3 test messages have no value for country and show «country»": "issues/2026-01.md:8",
    }
    assert _run(real, prepared).exit_code == 0
    assert "Hello Ada," in memory.sent[0].text
    assert "«country»" in memory.sent[0].text
    assert 'href="https://example.org/page"' in memory.sent[0].html


# ---- to whom


def test_the_only_public_list_is_the_one(real):
    """With one list nobody has to say it; with two, or none, guessing would test the wrong letter."""
    assert prepare_test(real, "2026-01", Asked()).lists == ("readers",)
    (real.recipients / "club.csv").write_text("email\nbo@example.org\n", encoding="utf-8")
    with pytest.raises(UsageError, match="several public lists") as caught:
        prepare_test(real, "2026-01", Asked())
    assert "club, readers" in caught.value.hint
    for name in ("club", "readers"):
        (real.recipients / f"{name}.csv").unlink()
    with pytest.raises(UsageError, match="no public list") as caught:
        prepare_test(real, "2026-01", Asked())
    assert "staff" in caught.value.hint


def test_a_public_list_gets_no_test(real, memory):
    """One slip must not mail [TEST] to thousands; by its path it is the same list."""
    for name in ("readers", str(real.recipients / "readers.csv")):
        with pytest.raises(UsageError, match="public list"):
            prepare_test(real, "2026-01", Asked(to=("staff", name)))
    with pytest.raises(AudienceError, match="no list 'nobody'"):
        prepare_test(real, "2026-01", Asked(to=("nobody",)))
    assert memory.sent == []


def test_everybody_once(real, memory):
    """Named twice is not mailed twice."""
    _test(real, to=("ADA@example.org", "staff", "ada@example.org"))
    assert sorted(memory.addresses) == ["ada@example.org", "grace@example.org", "sean@example.org"]


@pytest.mark.parametrize("text", ["ada@", "a b@example.org", "@example.org", "ada@example.org\nBcc: eve@example.org"])
def test_what_is_no_address(real, text):
    """A typing mistake is told before anything is sent."""
    with pytest.raises(UsageError):
        prepare_test(real, "2026-01", Asked(to=(text,)))


@pytest.mark.parametrize("scope", ["", "readers"])
def test_an_address_that_is_suppressed_is_refused(real, scope):
    """Also a test is mail; the sentence says who and why, so that another address can be named."""
    with open_ledger(real) as ledger:
        suppress(ledger, [Suppression("ada@example.org", scope, Reason.HARD_BOUNCE)], CLOCK.now)
    with pytest.raises(UsageError, match=r"ada@example\.org is suppressed .*\(mail bounced: the mailbox is not there\)"):
        prepare_test(real, "2026-01", Asked(to=("ada@example.org",)))


def test_a_colleague_who_is_suppressed_is_left_out(real, memory):
    """The others go on testing; somebody who left the public list alone still gets the staff's mail."""
    with open_ledger(real) as ledger:
        entries = [
            Suppression("ada@example.org", "staff", Reason.UNSUBSCRIBED),
            Suppression("grace@example.org", "readers", Reason.UNSUBSCRIBED),
        ]
        suppress(ledger, entries, CLOCK.now)
    prepared = prepare_test(real, "2026-01", Asked())
    assert [(left.reason, left.count) for left in prepared.left_out] == [("unsubscribed", 1)]
    _run(real, prepared)
    assert memory.addresses == ["grace@example.org", "sean@example.org"]


def test_who_was_forgotten_is_not_mailed(real):
    """Only a hash is left of them, and it is enough."""
    with open_ledger(real) as ledger:
        forget(ledger, "ada@example.org", real.signing_keys(), CLOCK.now)
    with pytest.raises(UsageError, match="asked to be forgotten"):
        prepare_test(real, "2026-01", Asked(to=("ada@example.org",)))
    assert "ada@example.org" not in [each.tester.email for each in prepare_test(real, "2026-01", Asked()).trials]


def test_nobody_to_test_with(real):
    """An empty staff list is said, not a success with no mail."""
    (real.recipients / "staff.csv").write_text("email\n", encoding="utf-8")
    with pytest.raises(UsageError, match="nobody to send the test to"):
        prepare_test(real, "2026-01", Asked())


# ---- findings


def test_findings_are_told_and_stop_nothing(real, memory):
    """A test is how one sees what is wrong: a draft, a missing image, a broken link."""
    path = real.issues / "2026-01.md"
    path.write_text(path.read_text(encoding="utf-8").replace("date:", "hidePost: true\ndate:") + "\n[](https://x.org)\n", encoding="utf-8")
    prepared = prepare_test(real, "2026-01", Asked())
    codes = [each.code for each in prepared.findings]
    assert {"draft-issue", "empty-link"} <= set(codes)
    assert prepared.blocking == ()
    assert _run(real, prepared).exit_code == 0
    assert len(memory.sent) == 3


@pytest.mark.parametrize("sender", ["News <news@example.org>", "a@openletters.org, b@openletters.org"])
def test_no_test_in_a_strangers_name(real, memory, sender):
    """A sender that cannot be, or is an example, would be refused or worse."""
    wrong = with_config(real, newsletter=replace(NEWSLETTER, from_=sender))
    prepared = prepare_test(wrong, "2026-01", Asked())
    assert prepared.blocking
    with pytest.raises(UsageError):
        _run(wrong, prepared)
    assert memory.sent == []


def test_images_without_an_address_travel_inside(real, memory):
    """Until they are published a colleague sees them all the same; what a send would say of them is said."""
    (real.issues / "images").mkdir()
    Image.new("RGB", (40, 20), "#28A4DB").save(real.issues / "images" / "dot.png")
    _issue(real, "Hello. ![A blue field](images/dot.png)")
    prepared = prepare_test(real, "2026-01", Asked(to=("ada@example.org",)))
    assert "no-image-url" in [each.code for each in prepared.findings]
    _run(real, prepared)
    assert 'src="cid:' in memory.sent[0].html


def test_a_service_without_an_address_is_told(real):
    """What readers would click cannot be shown."""
    with pytest.raises(ConfigError, match="https address"):
        prepare_test(with_config(real, unsubscribe=Unsubscribe(via="service")), "2026-01", Asked())


# ---- the record


def test_every_message_has_a_row_before_it_leaves(real, memory):
    """Should the process die in the call, the row says that something may have arrived."""
    with open_ledger(real) as ledger:
        seen = []

        def look(batch):
            seen.append([(each.email, each.outcome) for each in list_test_sends(ledger, "2026-01")])
            return [Accepted("taken")] * len(batch)

        memory.script.extend([look] * 3)
        _run(real, prepare_test(real, "2026-01", Asked()), ledger)
        rows = list_test_sends(ledger, "2026-01")
    assert seen == [
        [("ada@example.org", "")],
        [("grace@example.org", ""), ("ada@example.org", "accepted")],
        [("sean@example.org", ""), ("grace@example.org", "accepted"), ("ada@example.org", "accepted")],
    ]
    assert {(each.sender, each.list, each.transport, each.real, each.answer, each.key == each.email) for each in rows} == {
        ("grace", "readers", "memory", True, "taken", True)
    }
    assert {len(each.edition) for each in rows} == {64}


@pytest.mark.parametrize("surprise", [KeyboardInterrupt, SystemExit])
def test_dying_in_the_call_leaves_it_in_doubt(real, memory, surprise):
    """No end is written for an answer that nobody heard; the next test says so."""
    memory.answers["ada@example.org"] = surprise()
    with pytest.raises(surprise):
        _test(real)
    assert memory.closed
    earlier = prepare_test(real, "2026-01", Asked()).earlier
    assert [(each.email, each.outcome, each.ended_at) for each in earlier] == [("ada@example.org", "", None)]


def test_each_outcome_is_recorded_and_the_others_go_on(real, memory):
    """One refusal is about one mailbox."""
    memory.answers |= {"ada@example.org": Rejected("no such person"), "grace@example.org": Unknown("silence")}
    report = _test(real)
    assert report.exit_code == 1
    found = {each.trial.tester.email: (each.outcome, each.answer) for each in report.tested}
    assert found == {
        "ada@example.org": ("rejected", "no such person"),
        "grace@example.org": ("unknown", "silence"),
        "sean@example.org": ("accepted", "taken"),
    }
    earlier = prepare_test(real, "2026-01", Asked()).earlier
    assert [each.outcome for each in earlier] == ["accepted", "unknown", "rejected"]


@pytest.mark.parametrize("answer", [Deferred("later"), ValueError("odd")])
def test_what_is_no_acceptance_is_exit_code_one(real, memory, answer):
    """Nobody tries a test again by itself."""
    memory.answers["ada@example.org"] = answer
    assert _test(real, to=("ada@example.org",)).exit_code == 1


def test_answers_that_do_not_fit_are_in_doubt(real, memory):
    """A transport that answers for nobody has perhaps sent."""
    memory.script.append(lambda _: [])
    (tested,) = _test(real, to=("ada@example.org",)).tested
    assert tested.outcome == "unknown"


def test_an_unusable_transport_stops_the_test(real, memory):
    """What was not tried has no row; what was refused as a whole was certainly not sent."""
    memory.answers["grace@example.org"] = Unusable("the key is refused", hint="Look at the key.")
    report = _test(real)
    assert (report.exit_code, report.reason) == (3, "the key is refused. Look at the key.")
    assert [(each.trial.tester.email, each.outcome) for each in report.tested] == [
        ("ada@example.org", "accepted"),
        ("grace@example.org", "not_sent"),
    ]
    assert len(prepare_test(real, "2026-01", Asked()).earlier) == 2


def test_an_answer_known_to_a_dying_transport_counts(real, memory):
    """It became unusable, but of this message it knows."""
    dying = Unusable("gone")
    dying.outcomes = [Unknown("perhaps")]
    memory.answers["ada@example.org"] = dying
    (tested,) = _test(real, to=("ada@example.org",)).tested
    assert (tested.outcome, tested.answer) == ("unknown", "perhaps")


def test_a_message_that_cannot_be_built_is_told(real, memory):
    """A value that is no address where a link stands: a send would stop at it, so the test says where."""
    _issue(real, "Hello [there]({{ last_name }}).")
    (tested, *_) = _test(real).tested
    assert tested.outcome == "unbuilt"
    assert "issues/2026-01.md:8" in tested.answer
    assert memory.sent == []


def test_other_editions_were_not_tested(real, memory):
    """A comma more, and the tests before are about another letter."""
    _test(real)
    assert len(prepare_test(real, "2026-01", Asked()).earlier) == 3
    _issue(real, "Hello, you.")
    assert prepare_test(real, "2026-01", Asked()).earlier == ()


def test_preparing_writes_nothing(project):
    """Whoever only looks, and then says no, leaves no trace."""
    prepare_test(project, "2026-01", Asked())
    assert not project.var.exists()
    assert not (project.root / "outbox").exists()


def test_two_tests_do_not_share_a_folder(project):
    """Not even within a second."""
    clock = FakeClock()
    prepared = prepare_test(project, "2026-01", Asked())
    with open_ledger(project) as ledger:
        places = []
        for _ in range(2):
            places.append(run_test(project, ledger, prepared, sender="grace", clock=clock).place)
            clock.now += timedelta(milliseconds=1)
    assert len(set(places)) == 2
