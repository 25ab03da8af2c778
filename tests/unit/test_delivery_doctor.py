"""The examination as a whole: settings, login, and the sender's domain on a real name server."""

from __future__ import annotations

import os
from dataclasses import replace

import pytest

from composer.checks.dns import asking
from composer.config import Database, Delivery, Doctor, Newsletter, Public, SendGrid, Smtp, Transports, Unsubscribe
from composer.delivery.doctor import examine, examine_received
from composer.delivery.reach import count_public, count_reached
from composer.errors import ConfigError, TransportError, UsageError
from composer.ledger.opening import open_ledger
from composer.project import with_config
from composer.testing.dns import name_server
from composer.transport.registry import WAYS_OUT, WayOut

# Made with openssl genrsa 2048; nobody has the other half.
RSA_2048 = "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA6jBRKise01jubQl5MpVU2V7TFI1aR8v95GqTwLrJpp7ksoJXCr6V6JT/XWmqy0amxHshAZVTKTpghR9IPMphjEQfbRVxpt9gUeG0rTo7YUFRTlDH6xQpSfnmGiKZPLlcD6rQo4KUapzQkpv49PXPUxlBqdhUAkKlVeWkXFRitXLbk0t4M2v1Ss/2BjPjvMVOLATQOaDsWeU/6Rzq9KrD/anaMX2OGsrTyAapzuMLWZk8VgrWzRzuWEniVkwv33oj9tIs3YYGsfn0Vpxz45BfjVIWy/fCy15BVnKfiAbiKCxb7FQyaCwD26wsuD5a2CV3g7/JUQ+ORkQTXAV+hz4jLQIDAQAB"
KEY = {"TXT": [f"v=DKIM1; k=rsa; p={RSA_2048}"]}
GOOD = {
    "letters.org": {"MX": ["10 mx.letters.org"], "TXT": ["v=spf1 include:sendgrid.net ~all"]},
    "mx.letters.org": {"A": ["192.0.2.1"]},
    "sendgrid.net": {"TXT": ["v=spf1 ip4:192.0.2.0/24 ~all"]},
    "s1._domainkey.letters.org": {"CNAME": ["s1.domainkey.u1.sendgrid.net"]},
    "s2._domainkey.letters.org": {"CNAME": ["s2.domainkey.u1.sendgrid.net"]},
    "s1.domainkey.u1.sendgrid.net": KEY,
    "s2.domainkey.u1.sendgrid.net": KEY,
    "_dmarc.letters.org": {"TXT": ["v=DMARC1; p=reject; rua=mailto:d@letters.org"]},
}
SECRET = "SG.very-secret-key"


def nobody_asks(name, kind):
    pytest.fail(f"DNS was asked for {kind} of {name}")


@pytest.fixture
def ways(monkeypatch):
    """Real ways out whose logins succeed, unless a test says otherwise."""

    def set_up(probe=lambda project: "signed in as letters", lacks=lambda _: ()):
        for name in ("sendgrid", "smtp"):
            way = WayOut(real=True, place=lambda *_: "", opener=lambda *_: None, probe=probe, lacks=lacks)
            monkeypatch.setitem(WAYS_OUT, name, way)

    set_up()
    return set_up


@pytest.fixture
def ready(project, ways):
    """A project that SendGrid could deliver."""
    config = with_config(
        project,
        newsletter=Newsletter(name="Letters", from_="Letters <news@letters.org>", postal_address="Letters, 3 Harbour Lane, Porto"),
        delivery=Delivery(transport="sendgrid"),
        transport=Transports(sendgrid=SendGrid(group_id=7)),
        unsubscribe=Unsubscribe(via="sendgrid"),
        sendgrid_api_key=SECRET,
    )
    assert config.config.doctor.selectors == "s1 s2"
    return config


def at(project, records, failures=None):
    """Examine a project while a name server runs."""
    with name_server(records, failures) as server:
        return examine(with_config(project, doctor=replace(project.config.doctor, nameserver=server.address)))


def codes(report, *severities):
    return [each.code for each in report.findings if not severities or each.severity in severities]


# ---- the whole -------------------------------------------------------------------------------------------------


def test_a_project_that_is_ready_has_nothing_to_hear(ready):
    """Silence must mean that all was looked at."""
    report = at(ready, GOOD)
    assert codes(report) == []
    assert (report.login, report.domain, report.real) == ("signed in as letters", "letters.org", True)
    assert {kind: checked.passes for kind, checked in report.records.items()} == dict.fromkeys(("MX", "SPF", "DKIM", "DMARC"), True)


def test_a_new_project_offline_hears_what_to_fill_in(project):
    """Nothing configured, no network, no error: only what the team alone can know."""
    report = examine(with_config(project, newsletter=Newsletter()), ask=nobody_asks)
    assert codes(report, "error") == []
    assert codes(report) == ["newsletter-unnamed", "no-sender", "no-postal-address", "unsubscribe-unusable", "rehearsal-only"]
    assert not (project.var / "newsletter.db").exists()
    assert not (project.var / "secret.key").exists()


def test_a_rehearsal_turns_errors_of_the_domain_into_warnings(project):
    """Somebody who sets up DNS before the transport sees all of it, and nothing fails."""
    tried = with_config(project, newsletter=Newsletter("L", "news@letters.org", "", "3 Harbour Lane"))
    report = at(tried, {"letters.org": {"MX": ["0 ."]}})
    assert codes(report, "error") == []
    assert {"mx-null", "dmarc-missing", "spf-missing", "dkim-missing"} <= set(codes(report, "warning"))


def test_without_an_answer_from_dns_there_is_one_warning(ready):
    """A train without a network is no reason for twenty findings."""
    with name_server(GOOD, dict.fromkeys(GOOD, "silence")) as server:
        report = examine(ready, ask=asking(server.address, seconds=0.3))
    assert codes(report) == ["dns-unreachable"]
    assert report.records == {}


def test_a_sender_that_does_not_exist_ends_the_examination(ready):
    """Five more findings on a misspelt domain would hide the one that matters."""
    assert codes(at(ready, {})) == ["domain-missing"]


@pytest.mark.parametrize(
    ("sender", "code"),
    [("news@example.org", "placeholder-sender"), ("me@gmail.com", "mailbox-provider-sender"), ("two words", "no-mailbox")],
)
def test_a_useless_sender_is_said_without_asking(ready, sender, code):
    """DNS has nothing to add to these."""
    report = examine(with_config(ready, newsletter=replace(ready.config.newsletter, from_=sender)), ask=nobody_asks)
    assert codes(report) == [code]


def test_each_broken_record_reaches_the_report_and_the_rules(ready):
    """The families are put together: what they find, and which providers refuse for it."""
    broken = {**GOOD, "s1.domainkey.u1.sendgrid.net": {"TXT": ["p="]}, "s2.domainkey.u1.sendgrid.net": {"TXT": ["p="]}}
    del broken["_dmarc.letters.org"]
    report = at(ready, broken)
    assert codes(report) == ["dkim-revoked", "dkim-revoked", "dmarc-missing", "bulk-sender-rule", "bulk-sender-rule"]


def test_selectors_and_name_server_come_from_the_configuration(ready):
    """A provider that signs with others is looked at where it publishes."""
    named = with_config(ready, doctor=Doctor(selectors="k1, k2"))
    report = at(named, {**GOOD, "k1._domainkey.letters.org": KEY})
    assert codes(report) == ["dkim-selector-missing"]
    with pytest.raises(ConfigError, match="nameserver"):
        examine(with_config(ready, doctor=Doctor(nameserver="ns.letters.org")))


def test_smtp_looks_where_bounces_go(ready):
    """SPF is looked up for the envelope's sender, and aligns only within one organization."""
    smtp = Smtp(host="mail.host.net", bounce_address="bounces@host.net")
    mailed = with_config(ready, delivery=Delivery(transport="smtp"), transport=Transports(smtp=smtp), unsubscribe=Unsubscribe("service"))
    mailed = with_config(mailed, public=Public("https://letters.org/n"))
    report = at(mailed, {**GOOD, "host.net": {"TXT": ["v=spf1 mx -all"]}})
    assert codes(report) == ["spf-not-aligned"]
    assert report.records["SPF"].record == "v=spf1 mx -all"


# ---- login -----------------------------------------------------------------------------------------------------


def test_a_refused_login_is_an_error_without_the_secret(ready, ways):
    """Servers repeat what they were sent; a report goes into tickets."""

    def refuse(project):
        raise TransportError(f"401 for Bearer {project.config.sendgrid_api_key}", hint=f"Is {project.config.sendgrid_api_key} right?")

    ways(refuse)
    report = at(ready, GOOD)
    (finding,) = report.findings
    assert (finding.code, finding.severity, report.login) == ("login-failed", "error", "refused")
    assert SECRET not in repr(report)
    assert "401" in finding.message


def test_the_password_of_the_database_stays_hidden(ready, ways):
    """It stands in an address, which errors like to repeat."""
    url = "postgresql://letters:p%40ss-w0rd@127.0.0.1:9/letters"

    def refuse(project):
        raise TransportError(f"{project.config.database.url} or p@ss-w0rd")

    ways(refuse)
    report = at(with_config(ready, database=Database(url)), GOOD)
    assert "login-failed" in codes(report)
    assert "ss-w0rd" not in repr(report)


def test_a_login_is_not_tried_without_what_it_needs(ready, ways):
    """A second error about the same missing key helps nobody."""
    ways(lambda project: pytest.fail("a login was tried"))
    report = at(with_config(ready, sendgrid_api_key=""), GOOD)
    assert (codes(report), report.login) == (["no-api-key"], "")


def test_what_a_login_says_holds_no_secret(ready, ways):
    """A success may be as talkative as a refusal."""
    ways(lambda project: f"key {project.config.sendgrid_api_key} may send")
    assert at(ready, GOOD).login == "key ••• may send"


# ---- configuration ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tables", "code", "severity"),
    [
        ({"unsubscribe": Unsubscribe(via="service")}, "unsubscribe-unusable", "error"),
        ({"unsubscribe": Unsubscribe(via="service"), "public": Public("http://localhost:8000")}, "unsubscribe-unusable", "error"),
        ({"transport": Transports()}, "unsubscribe-unusable", "error"),
        ({"unsubscribe": Unsubscribe(via="mailto")}, "bulk-sender-rule", "warning"),
        ({"newsletter": Newsletter("Letters", "news@letters.org")}, "no-postal-address", "error"),
        ({"newsletter": Newsletter("Letters", "news@letters.org", "", "1 Sample Street")}, "placeholder-postal-address", "warning"),
        ({"newsletter": Newsletter("Letters", "", "", "3 Harbour Lane")}, "no-sender", "error"),
        ({"newsletter": Newsletter("Our Newsletter", "news@letters.org", "", "3 Harbour Lane")}, "newsletter-unnamed", "warning"),
    ],
)
def test_what_only_the_team_can_know_is_asked_for(ready, tables, code, severity):
    """Each thing that is missing is one finding, as bad as it is for a real send."""
    report = at(with_config(ready, **tables), GOOD)
    assert [(each.code, each.severity) for each in report.findings] == [(code, severity)]


@pytest.mark.parametrize(
    ("smtp", "expected"),
    [
        (Smtp(), ["no-smtp-host"]),
        (Smtp(host="mail.letters.org", username="letters"), ["no-smtp-password"]),
        (Smtp(host="mail.letters.org"), []),
    ],
)
def test_what_smtp_needs(ready, smtp, expected):
    """A mail server has a name, and a user a password."""
    public = {"unsubscribe": Unsubscribe("service"), "public": Public("https://letters.org/n")}
    mailed = with_config(ready, delivery=Delivery(transport="smtp"), transport=Transports(smtp=smtp), **public)
    assert codes(at(mailed, GOOD)) == expected


def test_rights_that_a_send_needs_besides(ready, ways):
    """A key that may only send stops the first send; better to hear it the day before."""
    ways(lacks=lambda _: ("Suppressions", "Scheduled Sends"))
    report = at(ready, GOOD)
    assert codes(report, "warning") == ["key-cannot-read-suppressions", "key-cannot-schedule"]
    assert report.login == "signed in as letters"
    assert [each.hint for each in report.findings] == [
        f"Give the key the permission {right} at SendGrid under Settings, API Keys." for right in ("Suppressions", "Scheduled Sends")
    ]


def test_unsubscribe_by_sendgrid_needs_sendgrid(ready):
    """Its tags would stand in the mail as they are."""
    mailed = with_config(ready, delivery=Delivery(transport="smtp"), transport=Transports(smtp=Smtp(host="mail.letters.org")))
    assert "unsubscribe-unusable" in codes(at(mailed, GOOD), "error")


@pytest.mark.skipif(os.name != "posix", reason="modes of files")
def test_files_that_others_may_read_are_named(ready):
    """Keys and addresses are nobody else's business on a shared machine."""
    open_ledger(ready).close()
    ready.signing_keys()
    (ready.root / ".env").touch(0o600)
    (ready.root / ".env").chmod(0o600)
    assert codes(at(ready, GOOD)) == []
    for name in (".env", "var/secret.key", "var/newsletter.db"):
        (ready.root / name).chmod(0o644)
    report = at(ready, GOOD)
    assert [(each.code, str(each.where)) for each in report.findings] == [
        ("file-open-to-others", name) for name in (".env", "var/secret.key", "var/newsletter.db")
    ]


def test_a_ledger_that_does_not_open_is_an_error(ready):
    """Better now than in the middle of a send."""
    ready.var.mkdir()
    path = ready.var / "newsletter.db"
    path.touch(0o600)
    path.write_bytes(b"this is no database" * 100)
    path.chmod(0o600)
    report = at(ready, GOOD)
    assert (codes(report), str(report.findings[0].where)) == (["ledger-unusable"], "var/newsletter.db")


def test_a_ledger_that_cannot_be_made_is_an_error(ready):
    """A file stands where its folder should be."""
    ready.var.write_text("not a folder")
    assert codes(at(ready, GOOD)) == ["ledger-unusable"]


# ---- size ------------------------------------------------------------------------------------------------------


def test_people_of_public_lists_are_counted(project):
    """Staff do not make a bulk sender, whether they are called so or declared so."""
    folder = project.recipients
    (folder / "readers.csv").write_bytes(b"email\na@a.org\nb@a.org")
    (folder / "members.csv").write_bytes(b"email\r\nc@a.org\r\n")
    (folder / "board.csv").write_bytes(b"email\nd@a.org\n")
    (folder / "board.toml").write_text('kind = "staff"\n')
    (folder / "empty.csv").write_bytes(b"")
    assert count_public(project) == 3
    assert count_reached(project) == 3


def test_the_size_decides_whether_a_rule_holds_now(ready):
    """Five thousand people make the rule an error."""
    (ready.recipients / "readers.csv").write_text("email\n" + "a@a.org\n" * 5_000)
    without = {name: values for name, values in GOOD.items() if name != "_dmarc.letters.org"}
    assert codes(at(ready, without), "error") == ["dmarc-missing", "bulk-sender-rule"]


def test_a_campaign_tells_the_size_where_no_file_does(project):
    """People in the ledger, or in a file that was since taken away, are remembered by what was sent."""
    from composer.ledger.campaigns import start_campaign
    from composer.testing import FakeClock, an_audience, an_edition

    with open_ledger(project) as ledger:
        for real, people in ((True, 7), (False, 9)):
            start_campaign(ledger, an_edition(), an_audience(people), transport="memory", real=real, setting={}, now=FakeClock().now)
    assert count_reached(project) == 7


def test_people_of_public_lists_in_the_ledger_are_counted(project):
    """The largest lists are kept there, and the rules for bulk senders hold from the first letter on."""
    from datetime import UTC, datetime

    from composer.audience.address import Address
    from composer.audience.consent import State
    from composer.audience.exports import ImportedRow
    from composer.ledger.imports import import_people

    (project.recipients / "crew.toml").write_text('kind = "staff"\npeople = "ledger"\n')
    rows = [ImportedRow(Address(f"p{n}@a.org", f"p{n}@a.org"), "", {}, State.CONFIRMED, "", n) for n in range(3)]
    rows.append(ImportedRow(Address("q@a.org", "q@a.org"), "", {}, State.UNCONFIRMED, "", 4))
    with open_ledger(project) as ledger:
        for name in ("members", "crew"):
            import_people(ledger, name, rows, source="a file", now=datetime(2026, 1, 1, tzinfo=UTC), secret_keys=())
    assert count_reached(project) == 3


# ---- a received mail -------------------------------------------------------------------------------------------


def test_a_received_mail_is_read_from_its_file(tmp_path):
    """The file is named in each finding; one that is not there is bad usage."""
    path = tmp_path / "test.eml"
    path.write_bytes(b"From: news@letters.org\r\n\r\nHello\r\n")
    findings = examine_received(path)
    assert {each.code for each in findings} == {"received-unsigned", "received-no-unsubscribe", "received-no-results"}
    assert {str(each.where) for each in findings} == {str(path)}
    with pytest.raises(UsageError, match="cannot be read"):
        examine_received(tmp_path / "none.eml")
