"""A campaign goes on from the ledger alone, and goes where its list belongs."""

from __future__ import annotations

import shutil
from dataclasses import replace
from email import message_from_bytes, policy
from hashlib import sha256

import pytest

from composer.config import Database, Images, Newsletter, Outbox, Public, Transports, Unsubscribe
from composer.delivery.campaign import begin, place, run
from composer.delivery.prepare import prepare
from composer.delivery.sending import Watch
from composer.delivery.setting import freeze, thaw
from composer.errors import TransportError, UsageError
from composer.issue.model import Asset
from composer.ledger.campaigns import move_campaign, read_campaign, start_campaign
from composer.ledger.lock import hold_campaign, lock_path
from composer.ledger.opening import open_ledger
from composer.project import with_config
from composer.testing import FakeClock, MemoryTransport, an_audience, an_edition
from composer.transport import registry


@pytest.fixture
def project(any_project):
    """Every test runs on both databases."""
    return any_project


@pytest.fixture
def ledger(any_ledger):
    return any_ledger


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


def test_what_another_process_finished_meanwhile_is_not_run(project, ledger, monkeypatch):
    """Whoever waited for the campaign looks again when it has it."""
    begun = begin(ledger, prepare(project, "2026-01", ["staff"]), FakeClock().now)
    stale = read_campaign(ledger)
    assert run(project, ledger, begun, clock=FakeClock()).state == "finished"
    with pytest.raises(UsageError, match="campaign 1 is finished"):
        run(project, ledger, stale, clock=FakeClock())
    assert read_campaign(ledger).state == "finished"


def test_the_transport_is_closed_whatever_happens(project, ledger, monkeypatch):
    """Connections do not stay open when the run ends in trouble; one that is refused opens none."""
    memory, opened = MemoryTransport(), []
    monkeypatch.setitem(
        registry.WAYS_OUT, "memory", registry.WayOut(real=True, place=lambda *_: "", opener=lambda *_: opened.append(1) or memory)
    )
    start_campaign(ledger, an_edition(), an_audience(), transport="memory", real=True, setting={}, now=FakeClock().now)
    with open_ledger(project) as other, hold_campaign(project, other, 1), pytest.raises(UsageError, match="another process"):
        run(project, ledger, read_campaign(ledger), clock=FakeClock())
    assert opened == []

    def probe(step):
        if step == "claim":
            raise RuntimeError("boom")

    with pytest.raises(RuntimeError, match="boom"):
        run(project, ledger, read_campaign(ledger), clock=FakeClock(), watch=Watch(probe=probe))
    assert memory.closed


def test_a_resume_sends_what_was_tested_whatever_the_configuration_says_now(project, ledger, monkeypatch):
    """Addresses of images, the way to unsubscribe, the newsletter's name in List-Id: all as on the first day."""
    picture = Asset("q0f1e2d3c4b5ai1x", "map.png", "image/png", b"x", sha256(b"x").hexdigest(), 1, 1)
    memory = MemoryTransport()
    monkeypatch.setitem(registry.WAYS_OUT, "memory", registry.WayOut(real=True, place=lambda *_: "", opener=lambda *_: memory))
    then = with_config(
        project,
        newsletter=Newsletter(name="Then"),
        unsubscribe=Unsubscribe(address="then@openletters.org"),
        images=Images(url="https://then.openletters.org"),
    )
    now = with_config(
        project,
        newsletter=Newsletter(name="Now"),
        unsubscribe=Unsubscribe(via="service"),
        images=Images(),
        public=Public(public_url="https://now.openletters.org"),
    )
    for setting in (freeze(then.config), freeze(now.config)):
        edition = an_edition(f"2026-{len(memory.sent)}", attachments=(picture,))
        start_campaign(ledger, edition, an_audience(1), transport="memory", real=True, setting=setting, now=FakeClock().now)
        run(now, ledger, read_campaign(ledger), clock=FakeClock())
    before, after = memory.sent
    assert before.headers["List-Id"].startswith("Then <")
    assert before.headers["List-Unsubscribe"].startswith("<mailto:then@openletters.org")
    assert before.image_urls == {picture.mark: f"https://then.openletters.org/{picture.hosted_name}"}
    assert after.headers["List-Unsubscribe"].startswith("<https://now.openletters.org")


def test_what_was_prepared_is_what_is_frozen(project, ledger):
    """Between the question and the yes, and between the start and a resume, the outbox stays where it was."""
    prepared = prepare(project, "2026-01", ["staff"])
    moved = with_config(project, transport=Transports(outbox=Outbox(path="elsewhere")))
    campaign = begin(ledger, prepared, FakeClock().now)
    assert run(moved, ledger, campaign, clock=FakeClock()).exit_code == 0
    assert not (project.root / "elsewhere").exists()
    assert len(list(project.root.glob("outbox/2026-01/*/*.eml"))) == 3
    assert place(moved, campaign) == place(project, campaign)


def test_a_setting_holds_no_secret_and_survives_new_and_old_keys(project):
    """It is kept for ever: keys stay out of it, and a later version of this program can still read it."""
    secret = with_config(project, secret_keys=("hush",)).config
    setting = freeze(secret)
    assert "hush" not in str(setting)
    today = with_config(project, newsletter=Newsletter(name="Today", language="fr"), secret_keys=("hush",)).config
    assert thaw(today, setting) == secret
    odd = thaw(today, {"newsletter": {"name": "Then", "gone": 1}})
    assert (odd.newsletter.name, odd.newsletter.language, odd.secret_keys) == ("Then", "fr", ("hush",))


@pytest.fixture
def sqlite_ledger(sqlite_project):
    with open_ledger(sqlite_project) as opened:
        yield opened


def test_two_projects_that_share_a_ledger_share_the_lock(sqlite_project, sqlite_ledger, tmp_path):
    """The second would take what the first has in flight for a dead process's."""
    project, ledger = sqlite_project, sqlite_ledger
    shared = Database(url=f"sqlite:///{project.root}/var/newsletter.db")
    other = replace(with_config(project, database=shared), root=tmp_path)
    linked = replace(project, root=tmp_path / "linked")
    linked.root.mkdir()
    (linked.root / "var").symlink_to(project.root / "var")
    assert lock_path(other, 1) == lock_path(linked, 1) == lock_path(project, 1) != lock_path(project, 2)
    campaign = begin(ledger, prepare(project, "2026-01", ["staff"]), FakeClock().now)
    refused = []

    def probe(step):
        if step == "claimed" and not refused:
            with pytest.raises(UsageError, match="another process") as caught:
                run(other, ledger, campaign, clock=FakeClock())
            refused.append(caught.value)

    assert run(project, ledger, campaign, clock=FakeClock(), watch=Watch(probe=probe)).counts == {"accepted": 3}
    assert len(refused) == 1


def test_ledgers_side_by_side_do_not_share_locks(sqlite_project):
    """Two ledgers in one folder number their campaigns each for itself."""
    first, second = (with_config(sqlite_project, database=Database(url=f"sqlite:///var/{name}.db")) for name in ("a", "b"))
    assert lock_path(first, 1) != lock_path(second, 1)


def test_an_address_that_no_header_can_hold_fails_alone(project, ledger):
    """It is no answer of anybody: the message could not be built, the others get theirs."""
    audience = an_audience(3)
    bad = replace(audience.subscribers[1], email="not an address")
    audience = replace(audience, subscribers=(audience.subscribers[0], bad, audience.subscribers[2]))
    start_campaign(ledger, an_edition(), audience, transport="outbox", real=False, setting={}, now=FakeClock().now)
    assert run(project, ledger, read_campaign(ledger), clock=FakeClock()).counts == {"accepted": 2, "failed": 1}
