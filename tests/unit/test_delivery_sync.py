"""What SendGrid knows of people comes into the ledger: each of its lists as it is meant, all or nothing, and nobody comes back by it."""

from __future__ import annotations

import json
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest

from composer.config import SendGrid, Transports
from composer.delivery.sync import SyncCounts, sync
from composer.errors import ConfigError, TransportError
from composer.ledger.forgotten import forget
from composer.ledger.model import Reason
from composer.ledger.opening import open_ledger
from composer.ledger.suppressions import Suppression, iter_suppressions, suppress, suppressed
from composer.project import with_config
from composer.testing import FakeClock
from composer.transport.sendgrid.account import RemoteSuppression

NOW = FakeClock().now
EARLIER = NOW - timedelta(days=30)
OURS = 7


@pytest.fixture
def ours(project):
    """A project whose letter is mailed with unsubscribe group 7."""
    return with_config(project, transport=Transports(sendgrid=SendGrid(group_id=OURS)))


@pytest.fixture
def ledger(ours):
    with open_ledger(ours) as opened:
        yield opened


def _remote(email, reason="hard_bounce", group=None, created=EARLIER):
    return RemoteSuppression(email, reason, group, created)


@pytest.mark.parametrize(
    ("reason", "group", "kept", "source"),
    [
        ("unsubscribed", None, Reason.UNSUBSCRIBED, "SendGrid: unsubscribed"),
        ("unsubscribed", OURS, Reason.UNSUBSCRIBED, "SendGrid: left group 7"),
        ("hard_bounce", None, Reason.HARD_BOUNCE, "SendGrid: hard bounce"),
        ("complaint", None, Reason.COMPLAINT, "SendGrid: complaint"),
        ("invalid", None, Reason.INVALID, "SendGrid: invalid"),
    ],
)
def test_each_list_suppresses_everywhere(ours, ledger, reason, group, kept, source):
    """Since when and from where is kept: the team is asked."""
    counts = sync(ours, ledger, NOW, [_remote("Ana@Example.ORG", reason, group)])
    assert counts == SyncCounts({kept: 1}, new=1)
    assert list(iter_suppressions(ledger)) == [Suppression("ana@example.org", "", kept, source, EARLIER)]


def test_blocks_are_counted_and_not_suppressed(ours, ledger):
    """A full mailbox is empty again next month; SendGrid itself goes on mailing it."""
    assert sync(ours, ledger, NOW, [_remote("ana@example.org", "blocked")]) == SyncCounts(blocks=1)
    assert list(iter_suppressions(ledger)) == []


def test_groups_of_other_mail_are_counted_and_not_suppressed(ours, ledger):
    """Who wants no invoices by mail may well want the letter."""
    assert sync(ours, ledger, NOW, [_remote("ana@example.org", "unsubscribed", 8)]) == SyncCounts(other_groups=1)
    assert list(iter_suppressions(ledger)) == []


def test_without_a_group_of_ours_none_is_ours(project, ledger):
    """Group 0 is no group."""
    assert sync(project, ledger, NOW, [_remote("ana@example.org", "unsubscribed", 8)]).other_groups == 1


def test_what_is_no_address_is_counted(ours, ledger):
    """SendGrid's list of invalid addresses holds what nobody could be mailed at; no list of ours can hold it either."""
    assert sync(ours, ledger, NOW, [_remote("ana at example", "invalid"), _remote("", "invalid")]) == SyncCounts(unreadable=2)


def test_doing_it_again_changes_nothing(ours, ledger):
    """It is done before every send."""
    remote = [_remote("ana@example.org"), _remote("bo@example.org", "complaint"), _remote("bo@example.org", "unsubscribed", OURS)]
    first = sync(ours, ledger, NOW, remote)
    before = list(iter_suppressions(ledger))
    again = sync(ours, ledger, NOW + timedelta(days=1), remote)
    assert (first.new, again.new) == (3, 0)
    assert again.suppressed == first.suppressed == {Reason.UNSUBSCRIBED: 1, Reason.HARD_BOUNCE: 1, Reason.COMPLAINT: 1}
    assert list(iter_suppressions(ledger)) == before


def test_nobody_comes_back_by_it(ours, ledger):
    """Somebody took a bounce off SendGrid's list; what is known here stays until it is removed here."""
    suppress(ledger, [Suppression("old@example.org", "", Reason.HARD_BOUNCE)], NOW)
    sync(ours, ledger, NOW, [])
    assert suppressed(ledger, ["old@example.org"], "readers") == {"old@example.org": Reason.HARD_BOUNCE}


def test_who_was_forgotten_stays_forgotten(ours, ledger):
    """SendGrid still has the address; the ledger may not learn it again."""
    forget(ledger, "gone@example.org", ours.signing_keys(), NOW)
    counts = sync(ours, ledger, NOW, [_remote("gone@example.org"), _remote("ana@example.org")])
    assert (counts.new, counts.forgotten, counts.suppressed) == (1, 1, {Reason.HARD_BOUNCE: 1})
    assert [each.key for each in iter_suppressions(ledger)] == ["ana@example.org"]


def test_what_breaks_off_writes_nothing(ours, ledger):
    """Half a list looks like a whole one afterwards."""

    def breaking():
        yield _remote("ana@example.org")
        raise TransportError("SendGrid cannot be reached")

    with pytest.raises(TransportError):
        sync(ours, ledger, NOW, breaking())
    assert list(iter_suppressions(ledger)) == []


def test_a_missing_moment_is_now(ours, ledger):
    """SendGrid's times are seconds since 1970; none at all is not 1970."""
    sync(ours, ledger, NOW, [_remote("ana@example.org", created=datetime.fromtimestamp(0, UTC))])
    assert [each.created_at for each in iter_suppressions(ledger)] == [NOW]


def test_without_a_key_it_says_so(ours, ledger):
    """A send by SendGrid begins with this; the sentence is what the sender reads."""
    with pytest.raises(ConfigError, match="no API key for SendGrid"):
        sync(ours, ledger, NOW)


class Account(ThreadingHTTPServer):
    """An account's suppression lists, over HTTP; ``refuse`` answers every call with that status."""

    def __init__(self, lists):
        super().__init__(("127.0.0.1", 0), Answers)
        self.lists, self.refuse, self.keys = lists, 0, set()


class Answers(BaseHTTPRequestHandler):
    def do_GET(self):
        parts = urlsplit(self.path)
        query = {name: int(values[0]) for name, values in parse_qs(parts.query).items()}
        self.server.keys.add(self.headers["Authorization"])
        rows = self.server.lists.get(parts.path.removeprefix("/v3/"), [])
        offset = query.get("offset", 0)
        body = json.dumps(rows[offset : offset + query.get("limit", 500)]).encode()
        self.send_response(self.server.refuse or 200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


@pytest.fixture
def account():
    """An account with 1,203 bounces and something in every other list."""
    lists = {
        "suppression/bounces": [
            {"email": f"b{n}@example.org", "created": 1_700_000_000, "reason": "550", "status": "5.1.1"} for n in range(1_203)
        ],
        "suppression/blocks": [{"email": "full@example.org", "created": 1_700_000_000, "reason": "452", "status": "4.2.2"}],
        "suppression/spam_reports": [{"email": "spam@example.org", "created": 1_700_000_000, "ip": "192.0.2.1"}],
        "suppression/invalid_emails": [{"email": "nonsense", "created": 1_700_000_000, "reason": "syntax"}],
        "suppression/unsubscribes": [{"email": "left@example.org", "created": 1_700_000_000}],
        "asm/suppressions": [
            {"email": "ours@example.org", "group_id": OURS, "group_name": "Letter", "created_at": 1_700_000_000},
            {"email": "theirs@example.org", "group_id": 8, "group_name": "Invoices", "created_at": 1_700_000_000},
        ],
    }
    with Account(lists) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def connected(ours, account):
    """The project with that account's address and a key."""
    settings = SendGrid(group_id=OURS, base_url=f"http://127.0.0.1:{account.server_port}")
    config = replace(ours.config, transport=Transports(sendgrid=settings), sendgrid_api_key="SG.made-up")
    return replace(ours, config=config)


def test_the_whole_account_is_read(connected, ledger, account):
    """All six lists, every page of them, with the key of the configuration."""
    counts = sync(connected, ledger, NOW)
    found = {Reason.UNSUBSCRIBED: 2, Reason.HARD_BOUNCE: 1_203, Reason.COMPLAINT: 1}
    assert counts == SyncCounts(found, new=1_206, blocks=1, other_groups=1, unreadable=1)
    assert account.keys == {"Bearer SG.made-up"}
    times = {each.created_at for each in iter_suppressions(ledger)}
    assert times == {datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)}


def test_a_key_that_may_not_read_stops_a_send(connected, ledger, account):
    """Whoever left would be mailed: the error says what the key lacks."""
    account.refuse = 403
    with pytest.raises(TransportError, match="403"):
        sync(connected, ledger, NOW)
    assert list(iter_suppressions(ledger)) == []
