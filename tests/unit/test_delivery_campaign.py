"""A campaign goes on from the ledger alone, and goes where its list belongs."""

from __future__ import annotations

import shutil
from dataclasses import replace
from email import message_from_bytes, policy
from hashlib import sha256

import pytest

from composer.config import Images
from composer.delivery.campaign import begin, image_urls, lock_path, place, run
from composer.delivery.prepare import prepare
from composer.errors import TransportError, UsageError
from composer.issue.model import Asset
from composer.ledger.campaigns import move_campaign, read_campaign, start_campaign
from composer.ledger.database import open_ledger
from composer.project import with_config
from composer.testing import FakeClock, MemoryTransport, an_audience, an_edition
from composer.transport import registry


@pytest.fixture
def ledger(project):
    with open_ledger(project) as opened:
        yield opened


def test_a_rehearsal_from_end_to_end(project, ledger):
    """Every person of the list has a file that reads back with their name in it."""
    campaign = begin(ledger, prepare(project, "2026-01", ["staff"]), FakeClock().now)
    report = run(project, ledger, campaign, clock=FakeClock())
    assert (report.state, report.counts) == ("finished", {"accepted": 3})
    files = sorted((project.root / place(project, campaign)).iterdir())
    mails = [message_from_bytes(path.read_bytes(), policy=policy.default) for path in files]
    assert [mail["To"].addresses[0].addr_spec for mail in mails] == ["ada@example.org", "grace@example.org", "sean@example.org"]
    for mail, name in zip(mails, ("Ada", "Grace", "Seán"), strict=True):
        assert name in mail.get_body(("plain",)).get_content()
        assert name in mail.get_body(("html",)).get_content()


def test_a_resume_needs_neither_issue_nor_templates_nor_lists(project, ledger, monkeypatch):
    """What was approved is what is sent, whatever happened to the files since."""
    memory = MemoryTransport(answers={"grace@example.org": TransportError("down")})
    monkeypatch.setitem(registry.WAYS_OUT, "outbox", registry.WayOut(real=False, place=lambda *_: "", opener=lambda *_: memory))
    campaign = begin(ledger, prepare(project, "2026-01", ["staff"]), FakeClock().now)
    assert run(project, ledger, campaign, clock=FakeClock()).exit_code == 3
    assert memory.closed
    shutil.rmtree(project.issues)
    shutil.rmtree(project.recipients)
    memory.answers.clear()
    memory.sent.clear()
    assert run(project, ledger, read_campaign(ledger), clock=FakeClock()).exit_code == 0
    assert [message.subject for message in memory.sent] == ["News of January"] * 3
    assert "Grace" in memory.sent[1].text


@pytest.mark.parametrize("state", ["finished", "cancelled"])
def test_what_is_over_is_not_run(project, ledger, state):
    """A plain sentence instead of a campaign that opens again."""
    campaign = begin(ledger, prepare(project, "2026-01", ["staff"]), FakeClock().now)
    move_campaign(ledger, campaign.id, state, FakeClock().now)
    with pytest.raises(UsageError, match=f"campaign 1 is {state}"):
        run(project, ledger, read_campaign(ledger), clock=FakeClock())


def test_the_transport_is_closed_whatever_happens(project, ledger, monkeypatch):
    """Connections do not stay open after a refusal."""
    memory = MemoryTransport()
    monkeypatch.setitem(registry.WAYS_OUT, "memory", registry.WayOut(real=True, place=lambda *_: "", opener=lambda *_: memory))
    start_campaign(ledger, an_edition(), an_audience(), transport="memory", real=True, now=FakeClock().now)
    lock_path(project, 1).mkdir(parents=True)
    with pytest.raises(Exception, match="lock"):
        run(project, ledger, read_campaign(ledger), clock=FakeClock())
    assert memory.closed


def test_images_travel_inside_unless_the_public_really_gets_them(project):
    """Hosted for subscribers, cid: for staff and for every rehearsal."""
    picture = Asset("mark", "map.png", "image/png", b"x", sha256(b"x").hexdigest(), 1, 1)
    edition = replace(an_edition(), attachments=(picture,))
    config = with_config(project, images=Images(url="https://img.openletters.org/")).config
    hosted = {"mark": f"https://img.openletters.org/{picture.hosted_name}"}
    assert image_urls(edition, config, real=True, public=True) == hosted
    for real, public in ((True, False), (False, True), (False, False)):
        assert image_urls(edition, config, real=real, public=public)["mark"].startswith("cid:")
