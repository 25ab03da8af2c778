"""The sender is killed at random moments of a whole campaign and resumed each time: nobody is lost, nobody is mailed twice.

`bench/crash.py` is the harness, and runs it for longer. Doubles and sender are processes of their own; configuration, transports
and ledger are the real ones.
"""

from __future__ import annotations

from collections import Counter
from random import Random

import pytest
import trustme
from accounts import Account, make_project
from crash import flight, moments, ordeal
from processes import Double, Sender


@pytest.mark.parametrize("kind", ["sendgrid", "smtp"])
def test_twenty_thousand_people_and_fifty_deaths(sender, tmp_path, kind):
    """After any number of crashes each person was mailed once, or is in doubt, and no more are in doubt than were in flight."""
    with Double(kind, tmp_path) as double:
        # Many connections, for they share their commits: it takes less time.
        project = make_project(tmp_path / "project", double, **({"connections": 40} if kind == "smtp" else {}))
        done = ordeal(project, double, sender, people=20_000, kills=50, seed=2026)
    assert done.faults == []
    assert len(done.account.states) == 20_000
    assert done.account.who("in_doubt")


@pytest.mark.parametrize("kind", ["sendgrid", "smtp"])
def test_with_the_ledger_in_postgresql(sender, tmp_path, postgres_url, kind):
    """A server that outlives its client by a moment may still be committing for it: that loses and doubles nobody either."""
    with Double(kind, tmp_path) as double:
        settings = {"people_per_request": 10} if kind == "sendgrid" else {"connections": 10}
        project = make_project(tmp_path / "project", double, database=postgres_url, **settings)
        done = ordeal(project, double, sender, people=1_500, kills=12, seed=2026)
    assert done.faults == []
    assert len(done.account.states) == 1_500


@pytest.mark.parametrize("way", ["over TLS", "a command at a time"])
def test_whatever_the_line_is_like(tmp_path, monkeypatch, way):
    """An envelope that is out when its sender dies has reached nobody, encrypted or not, and so has one that was never offered ahead."""
    arguments, settings = ["--no-pipelining"], {}
    if way == "over TLS":
        authority, certificate = trustme.CA(), tmp_path / "server.pem"
        authority.issue_cert("localhost").private_key_and_cert_chain_pem.write_to_path(str(certificate))
        authority.cert_pem.write_to_path(str(tmp_path / "authority.pem"))
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))
        arguments, settings = ["--certificate", str(certificate)], {"host": "localhost", "security": "starttls"}
    with Double("smtp", tmp_path, *arguments) as double, Sender() as sender:
        project = make_project(tmp_path / "project", double, connections=20, **settings)
        done = ordeal(project, double, sender, people=3_000, kills=12, seed=2026)
    assert done.faults == []
    assert len(done.account.states) == 3_000
    assert done.account.who("in_doubt")


def test_kills_are_spread_over_the_campaign(tmp_path):
    """Fifty deaths at the first message would prove little; one that comes when everybody has been mailed proves nothing."""
    chosen = moments(20_000, 50, 80, Random(1))  # noqa: S311 - the same moments each time
    assert len(set(chosen)) == 50
    assert chosen[0] < 2_000
    assert 12_000 < chosen[-1] <= 20_000 - 52 * 80
    with pytest.raises(ValueError, match="too few"):
        moments(1_000, 50, 80, Random(1))  # noqa: S311
    project = make_project(tmp_path, Double("sendgrid", tmp_path), people_per_request=7)
    assert flight(project) == 4 * 7


WELL = {"a": "accepted", "b": "in_doubt", "c": "in_doubt"}
BROKEN = [
    (Account({"a": "accepted", "b": "pending"}, "finished", 0, Counter("a")), "1 lost"),
    (Account({"a": "accepted"}, "finished", 0, Counter("aa")), "1 mailed twice"),
    (Account({"a": "accepted"}, "finished", 0, Counter()), "1 accepted in the ledger, never taken"),
    (Account({}, "finished", 0, Counter("a")), "1 taken, and not in the campaign"),
    (Account({**WELL, "d": "in_doubt"}, "paused", 0, Counter("ab")), "1 in doubt beyond 2"),
    (Account(WELL, "paused", 1, Counter("ab")), "1 attempts that do not add up"),
    (Account(WELL, "finished", 0, Counter("ab")), "the campaign is finished, not paused"),
]


@pytest.mark.parametrize(("account", "fault"), BROKEN)
def test_every_broken_promise_is_found(account, fault):
    """A harness that finds nothing means something only if it would."""
    assert account.faults(2) == [fault]
    assert Account(WELL, "paused", 0, Counter("ab")).faults(2) == []
