"""The Feedback-ID header: its form, by which ways it goes, and that a test carries the one that readers will get."""

from __future__ import annotations

import re
from dataclasses import replace
from email import message_from_bytes, policy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from composer.config import Config, Delivery, ListSettings, Newsletter, Smtp, Transports
from composer.delivery.campaign import as_begun, begin, place, run
from composer.delivery.prepare import prepare
from composer.delivery.setting import freeze, thaw
from composer.delivery.test_run import run_test
from composer.delivery.test_send import Asked, prepare_test
from composer.errors import ConfigError
from composer.ledger.campaigns import read_campaign, start_campaign
from composer.ledger.opening import open_ledger
from composer.message.build import Builder
from composer.message.feedback import feedback_id
from composer.message.merge import Merger
from composer.message.mime import to_bytes
from composer.project import find, with_config
from composer.testing import FakeClock, an_audience, an_edition
from composer.testing.smtp import SmtpServer

CLOCK = FakeClock()
SET = Transports(smtp=Smtp(feedback_id="openletters"))


def _config(transport="smtp", name="Inside News"):
    return Config(newsletter=Newsletter(name=name), delivery=Delivery(transport=transport), transport=SET)


def test_issue_list_newsletter_and_the_sender_last():
    """Gmail reports by each field alone, and wants the sender's own id in the last."""
    assert feedback_id(_config(), "2026-01", "readers") == {"Feedback-ID": "2026-01:readers:inside-news:openletters"}


def test_only_where_nobody_else_writes_one():
    """SendGrid has its own; a rehearsal shows what a mail server gets; without an id there is none."""
    assert feedback_id(_config("outbox"), "a", "b")
    assert feedback_id(_config("sendgrid"), "a", "b") == {}
    assert feedback_id(replace(_config(), transport=Transports()), "a", "b") == {}


@given(st.text(), st.text(), st.text())
def test_whatever_stands_in_a_name(issue, list_name, name):
    """Always four fields of safe characters, none empty, so that no name can end the header or shift its fields."""
    (value,) = feedback_id(_config(name=name), issue, list_name).values()
    assert re.fullmatch(r"(?:[A-Za-z0-9_.-]{1,40}:){3}openletters", value)


@pytest.mark.parametrize(
    ("names", "value"),
    [
        (("Größe: 1", "Écoles & Cie", "新闻"), "Groe-1:Ecoles-Cie:newsletter:openletters"),
        (("..", "::", " "), "issue:list:newsletter:openletters"),
        (("x" * 90, "a" * 39 + "-b", "N"), f"{'x' * 40}:{'a' * 39}:n:openletters"),
    ],
)
def test_names_that_are_none(names, value):
    """What is left of them, or what they are."""
    issue, list_name, name = names
    assert feedback_id(_config(name=name), issue, list_name) == {"Feedback-ID": value}


def test_it_stands_in_the_message():
    """Beside List-Id, the same for everybody."""
    builder = Builder(Merger(an_edition(), {}), config=_config(), settings=ListSettings(name="readers"), keys=("key",))
    one, other = (builder.build(person, f"d{number}", CLOCK.now) for number, person in enumerate(an_audience(2).subscribers))
    assert one.headers is other.headers or one.headers == other.headers
    assert b"\r\nFeedback-ID: 2026-01:readers:inside-news:openletters\r\n" in to_bytes(one)


@pytest.mark.parametrize("identity", ["abcd", "a" * 16, "with space", "a:b:c:d", "größe1", "x\r\ny: z"])
def test_a_bad_sender_id_is_refused(project, identity):
    """Gmail ignores the whole header then, without a word."""
    with pytest.raises(ConfigError, match="feedback_id cannot be") as caught:
        _set(project, identity.replace("\r\n", "\\r\\n"))
    assert "5 to 15 letters" in caught.value.hint
    assert caught.value.where.line


def _set(project, identity, more=""):
    path = project.root / "newsletter.toml"
    path.write_text(f'{path.read_text()}\n[transport.smtp]\nfeedback_id = "{identity}"\n{more}', encoding="utf-8")
    return find(project.root, exact=True)


def test_a_campaign_keeps_the_one_it_began_with(project):
    """What was tested is what is sent, also when the configuration is mended between two runs."""
    then = _set(project, "openletters")
    setting = freeze(then.config)
    assert thaw(project.config, setting).transport.smtp.feedback_id == "openletters"
    assert thaw(then.config, {}).transport.smtp == then.config.transport.smtp
    # Where to is of today.
    moved = with_config(project, transport=Transports(smtp=Smtp(host="new.example.org", feedback_id="another")))
    assert thaw(moved.config, setting).transport.smtp == Smtp(host="new.example.org", feedback_id="openletters")


def test_the_way_is_the_campaigns_own(project):
    """A campaign by a mail server that is resumed after the team changed to SendGrid is still by the mail server."""
    today = with_config(project, delivery=Delivery(transport="sendgrid", batch=7), transport=SET)
    with open_ledger(project) as ledger:
        start_campaign(ledger, an_edition(), an_audience(1), transport="smtp", real=True, setting={}, now=CLOCK.now)
        delivery = as_begun(today, read_campaign(ledger)).config.delivery
    assert (delivery.transport, delivery.batch) == ("smtp", 7)


def test_a_rehearsal_and_a_test_show_it(project):
    """The file in the outbox, and what a colleague gets from the mail server, have the header of the readers' letter."""
    rehearsing = _set(project, "openletters")
    with open_ledger(rehearsing) as ledger:
        campaign = begin(ledger, prepare(rehearsing, "2026-01", ["staff"]), CLOCK.now)
        run(rehearsing, ledger, campaign, clock=CLOCK)
        written = {message_from_bytes(path.read_bytes())["Feedback-ID"] for path in (project.root / place(rehearsing, campaign)).iterdir()}
    assert written == {"2026-01:staff:the-example-letter:openletters"}
    with SmtpServer() as server:
        smtp = Smtp(host="127.0.0.1", port=server.port, security="none", ehlo_name="me.example", feedback_id="openletters")
        sender = replace(rehearsing.config.newsletter, from_="News <news@openletters.org>")
        mailing = with_config(rehearsing, newsletter=sender, delivery=Delivery(transport="smtp"), transport=Transports(smtp=smtp))
        prepared = prepare_test(mailing, "2026-01", Asked(meant_for=("staff",), to=("ada@example.org",)))
        with open_ledger(mailing) as ledger:
            assert run_test(mailing, ledger, prepared, sender="me", clock=CLOCK).exit_code == 0
        (received,) = server.received
    assert message_from_bytes(received.data, policy=policy.default)["Feedback-ID"] == written.pop()
