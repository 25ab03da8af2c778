"""Servers that die, freeze, come late or refuse by the dozen, disks that are full and ledgers that are locked, while a campaign runs.

Whatever happens, and however often it is resumed: nobody is lost, nobody is mailed twice, and only what was in flight is in doubt.
"""

from __future__ import annotations

import resource
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from accounts import account, begin_campaign, make_project
from processes import Double, waiting

from composer.errors import Stopped
from composer.testing.sendgrid import Fault, Point, SendGridDouble, Storm

KINDS = ("sendgrid", "smtp")
LANES = 4
# How many a request names; SMTP has one message a transaction.
SIZES = {"sendgrid": 5, "smtp": 1}
SETTINGS = {"sendgrid": {"threads": LANES, "people_per_request": SIZES["sendgrid"]}, "smtp": {"connections": LANES}}
TAKEN = Fault(Point.STATUS, status=503, accept=True)
REFUSED = Fault(Point.STATUS, status=503)


class Here(SendGridDouble):
    """A SendGrid double in this process, whose failures a test chooses one by one."""

    kind = "sendgrid"

    @property
    def port(self):
        return int(self.url.rpartition(":")[2])

    @property
    def addresses(self):
        return self.emails


def everybody(people, first=1):
    return {f"person{number}@example.com" for number in range(first, first + people)}


def set_up(tmp_path, double, people, **settings):
    """Make a project and the rows of its campaign."""
    project = make_project(tmp_path / "project", double, **{**SETTINGS[double.kind], **settings})
    return project, begin_campaign(project, people)


def finish(sender, project, double, campaign):
    """Resume until nobody is left to send to, an hour later each time; return what both sides say."""
    for hour in range(20):
        sender.run(project.root, campaign, later=3600 * hour)
        found = account(project, double, campaign)
        if not {"pending", "sending", "deferred"} & set(found.states.values()):
            return found
    pytest.fail(f"twenty hours were not enough: {found.state}")


# ---- the server ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_the_server_dies_and_comes_back(sender, tmp_path, kind):
    """What it had not taken is sent when it is there again; what it was answering is in doubt."""
    with Double(kind, tmp_path) as double:
        project, campaign = set_up(tmp_path, double, 400)
        sender.begin(project.root, campaign)
        for taken in (100, 250):
            double.wait_for(taken)
            double.kill()
            double.start()
        sender.end()
        found = finish(sender, project, double, campaign)
    assert found.faults(2 * LANES * SIZES[kind]) == []


@pytest.mark.parametrize("kind", KINDS)
def test_a_server_that_stops_reading(sender, tmp_path, kind):
    """Its connections stand and new ones are made, but nothing moves; later it reads what was sent long ago."""
    with Double(kind, tmp_path) as double:
        project, campaign = set_up(tmp_path, double, 400, timeout=1)
        sender.begin(project.root, campaign)
        double.wait_for(100)
        double.freeze()
        time.sleep(2.5)
        double.thaw()
        sender.end()
        found = finish(sender, project, double, campaign)
    # SendGrid has an outage after five doubtful requests in a row, while three more are on their way.
    assert found.faults((5 + LANES - 1) * SIZES[kind]) == []
    # A mail server is mostly silent before the final dot, where nothing is in doubt.
    assert kind == "smtp" or found.who("in_doubt")


@pytest.mark.parametrize("kind", KINDS)
def test_answers_after_the_timeout(sender, tmp_path, kind):
    """A late yes is a message that went out: it is in doubt, and never sent again."""
    if kind == "smtp":
        late = Double(kind, tmp_path, "--fail", "dot=late 2@0.05", "--seed", "3")
    else:
        late = Here(storm=Storm({Fault(Point.SLOW, accept=True, seconds=2): 0.1}, seed=3))
    with late as double:
        project, campaign = set_up(tmp_path, double, 200, timeout=1)
        found = finish(sender, project, double, campaign)
        with waiting("the last answer") as again:
            while set(double.addresses) != everybody(200):
                again()
        found = account(project, double, campaign)
    assert found.faults(200 // 2) == []
    assert found.who("in_doubt")
    assert found.who("accepted") | found.who("in_doubt") == set(found.mailed) == everybody(200)


def test_a_storm_of_429(sender, tmp_path):
    """A limit is waited for by all threads together, and everybody is mailed in the same run."""
    limit = Fault(Point.STATUS, status=429, headers=(("Retry-After", "1"),))
    with Here(script=[*[None] * 6, *[limit] * 5, *[None] * 6, *[limit] * 5]) as double:
        project, campaign = set_up(tmp_path, double, 200)
        started = time.monotonic()
        assert sender.run(project.root, campaign) == 0
        found = account(project, double, campaign)
    assert found.faults(0) == []
    assert 2 <= time.monotonic() - started < 20
    assert [status for _, _, status in double.calls].count(202) >= 40


def test_a_limit_of_an_hour(sender, tmp_path):
    """Nobody waits an hour for a limit: who is left is deferred, and mailed when it is over."""
    limit = Fault(Point.STATUS, status=429, headers=(("Retry-After", "3600"),))
    with Here(script=[*[None] * 6, *[limit] * 4]) as double:
        project, campaign = set_up(tmp_path, double, 200)
        started = time.monotonic()
        assert sender.run(project.root, campaign) == 3
        assert time.monotonic() - started < 10
        assert account(project, double, campaign).who("deferred")
        found = finish(sender, project, double, campaign)
    assert found.faults(0) == []


def test_a_storm_of_5xx(sender, tmp_path):
    """A 503 may stand for mail that was taken: those people are in doubt, whichever it was, and an outage stops the run."""
    with Here(storm=Storm({TAKEN: 0.2, REFUSED: 0.2}, seed=5)) as double:
        project, campaign = set_up(tmp_path, double, 500)
        found = finish(sender, project, double, campaign)
    assert found.faults(500 // 2) == []
    lost = found.who("in_doubt") - set(found.mailed)
    assert lost
    assert lost < found.who("in_doubt")


def test_an_outage_stops_before_the_list_is_in_doubt(sender, tmp_path):
    """Every further request would bring more people into doubt."""
    with Here(storm=Storm({TAKEN: 1.0})) as double:
        project, campaign = set_up(tmp_path, double, 500)
        assert sender.run(project.root, campaign) == 3
        found = account(project, double, campaign)
    assert len(found.who("in_doubt")) <= (5 + LANES - 1) * SIZES["sendgrid"]
    assert len(found.who("pending")) + len(found.who("in_doubt")) == 500


def test_a_storm_of_5xx_that_is_retried_knowingly(sender, tmp_path):
    """With retry_5xx nobody is in doubt or lost; those whose 503 was a yes get a second mail, and nobody else."""
    script = [None, REFUSED, None, TAKEN, None, None, TAKEN, REFUSED]
    with Here(script=script) as double:
        project, campaign = set_up(tmp_path, double, 200, retry_5xx=True)
        found = finish(sender, project, double, campaign)
    assert found.who("accepted") == everybody(200)
    assert set(found.mailed) == everybody(200)
    again = [times for times in found.mailed.values() if times > 1]
    assert again == [2] * (script.count(TAKEN) * SIZES["sendgrid"])
    assert found.untold == 0


def test_storms_of_4xx_from_a_mail_server(sender, tmp_path):
    """Whatever it defers, and wherever it hangs up with a 421, everybody is mailed in the end, once."""
    faults = ("mail=421 4.7.0 enough@0.03", "rcpt=451 4.3.2 busy@0.1", "data=421 4.3.2 going down@0.03", "dot=452 4.3.1 full@0.1")
    faults = (*faults, "connect=421 4.3.2 too many@0.1", "dot=421 4.3.2 going down@0.03")
    storm = [word for fault in faults for word in ("--fail", fault)]
    with Double("smtp", tmp_path, *storm, "--seed", "7", "--per-connection", "30") as double:
        project, campaign = set_up(tmp_path, double, 300)
        found = finish(sender, project, double, campaign)
    assert found.faults(0) == []
    assert found.who("accepted") == everybody(300)


@pytest.mark.parametrize("kind", KINDS)
def test_everything_at_once(sender, tmp_path, kind):
    """Connections closed at any point, answers that are none, late ones, refusals: what is certain is told from what is not."""
    if kind == "smtp":
        points = ("mail=close", "rcpt=half", "data=close", "dot=close", "dot=half", "dot=lost", "dot=late 1.5", "dot=250 ok", "rset=close")
        storm = [word for point in points for word in ("--fail", f"{point}@0.02")]
    else:
        storm = ["--rate", "0.25", "--late", "1.5"]
    with Double(kind, tmp_path, *storm, "--seed", "11") as double:
        project, campaign = set_up(tmp_path, double, 300, timeout=1)
        finish(sender, project, double, campaign)
        _stand_still(double)
        found = account(project, double, campaign)
    assert found.faults(300 // 2) == []
    assert found.who("in_doubt") & set(found.mailed)
    assert found.who("in_doubt") - set(found.mailed)


# ---- the ledger ------------------------------------------------------------------------------------------------


def _room(project):
    """Return how large files may get, so that a campaign begins and cannot end: the log of SQLite is full after some commits."""
    return (project.var / "newsletter.db").stat().st_size + 300_000


def _stand_still(double):
    """Wait until nothing more is taken."""
    before = -1
    with waiting("an end of the sending") as again:
        while double.taken != before:
            before = double.taken
            time.sleep(0.4)
            again()


@pytest.mark.parametrize("kind", KINDS)
def test_the_disk_is_full_and_then_has_room_again(sender, tmp_path, kind):
    """Answers that cannot be written are kept for some seconds: with room in time nobody comes into doubt."""
    with Double(kind, tmp_path) as double:
        project, campaign = set_up(tmp_path, double, 600)
        sender.begin(project.root, campaign, room=_room(project))
        double.wait_for(20)
        _stand_still(double)
        assert not sender.ended
        assert double.taken < 600
        resource.prlimit(sender.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        assert sender.end() == 0
        found = account(project, double, campaign)
    assert found.faults(0) == []


def test_the_disk_stays_full(sender, tmp_path):
    """The run stops; with room again, what could not be recorded is in doubt, and all others are mailed."""
    with Double("smtp", tmp_path) as double:
        project, campaign = set_up(tmp_path, double, 600)
        sender.begin(project.root, campaign)
        double.wait_for(20)
        resource.prlimit(sender.pid, resource.RLIMIT_FSIZE, (1, 1))  # no commit fits from now on, and no answer that is still to come
        assert sender.end() == 3
        taken = len(double.addresses)
        assert 0 < taken < 600
        left = account(project, double, campaign).who("sending")
        found = finish(sender, project, double, campaign)
    assert found.faults(LANES) == []
    assert found.who("in_doubt") == left
    assert left


def test_sqlite_says_that_the_disk_is_full(tmp_path):
    """SQLite's own word for it, told as such: the run stops with what to do, and goes on when there is room."""
    from sqlalchemy import event

    from composer.delivery.campaign import run
    from composer.ledger.campaigns import read_campaign
    from composer.ledger.opening import open_ledger

    with Double("sendgrid", tmp_path) as double:
        project, campaign = set_up(tmp_path, double, 2_000)
        with open_ledger(project) as ledger:
            with ledger.read() as connection:
                pages = connection.exec_driver_sql("PRAGMA page_count").scalar() + 20
            ledger.close()

            def set_up_small(connection, _record):
                connection.execute(f"PRAGMA max_page_count = {pages}").close()

            event.listen(ledger._engine, "connect", set_up_small)
            with pytest.raises(Stopped, match="the disk is full") as stopped:
                run(project, ledger, read_campaign(ledger), clock=lambda: datetime.now(UTC))
            assert "newsletter resume 1" in stopped.value.hint
            event.remove(ledger._engine, "connect", set_up_small)
            ledger.close()
            assert 0 < len(double.addresses) < 2_000
            run(project, ledger, read_campaign(ledger), clock=lambda: datetime.now(UTC))
        found = account(project, double, campaign)
    assert found.faults(LANES * SIZES["sendgrid"]) == []


@contextmanager
def locked(project):
    """Keep every other process from writing to the ledger."""
    with closing(sqlite3.connect(project.var / "newsletter.db", timeout=0, isolation_level=None)) as ledger:
        with waiting("the lock") as again:
            while not _begun(ledger):
                again()
        yield
        ledger.execute("ROLLBACK")


def _begun(ledger):
    try:
        ledger.execute("BEGIN IMMEDIATE")
    except sqlite3.OperationalError:
        return False
    return True


@pytest.mark.parametrize("kind", KINDS)
def test_the_ledger_is_locked_for_longer_than_anybody_waits(sender, tmp_path, kind):
    """Answers wait for the ledger over several tries: with the lock gone in time nobody comes into doubt."""
    with Double(kind, tmp_path) as double:
        project, campaign = set_up(tmp_path, double, 300)
        sender.begin(project.root, campaign, busy=0.2)
        double.wait_for(50)
        with locked(project):
            time.sleep(2)
            assert not sender.ended
        assert sender.end() == 0
        found = account(project, double, campaign)
    assert found.faults(0) == []


def test_the_ledger_stays_locked(sender, tmp_path):
    """The run stops; what was accepted and could not be recorded is in doubt, never pending."""
    with Double("sendgrid", tmp_path) as double:
        project, campaign = set_up(tmp_path, double, 300)
        sender.begin(project.root, campaign, busy=0.2)
        double.wait_for(50)
        with locked(project):
            assert sender.end() == 3
        found = finish(sender, project, double, campaign)
    assert found.faults(LANES * SIZES["sendgrid"]) == []
    assert found.who("in_doubt")


def test_postgresql_ends_every_connection(sender, tmp_path, postgres, postgres_url):
    """With its connection the sender has lost the lock too: it writes nothing more, and the next run finds what was in flight."""
    with Double("smtp", tmp_path) as double:
        project = make_project(tmp_path / "project", double, database=postgres_url, **SETTINGS["smtp"])
        campaign = begin_campaign(project, 400)
        sender.begin(project.root, campaign)
        double.wait_for(100)
        name = postgres_url.partition("?")[0].rpartition("/")[2]
        postgres.run(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")  # noqa: S608 - our own
        assert sender.end() == 3
        assert len(double.addresses) < 400
        found = finish(sender, project, double, campaign)
    assert found.faults(LANES) == []
    assert found.who("in_doubt")


def test_a_full_disk_leaves_no_half_campaign(tmp_path):
    """Either everybody has a row or there is no campaign, and with room again it begins as if nothing had been."""
    from sqlalchemy import event

    from composer.errors import LedgerError
    from composer.ledger.campaigns import list_campaigns, start_campaign
    from composer.ledger.opening import open_ledger
    from composer.testing import an_audience, an_edition

    project = make_project(tmp_path, Double("smtp", tmp_path))
    terms = {"transport": "smtp", "real": True, "setting": {}, "now": datetime.now(UTC)}
    with open_ledger(project) as ledger:
        ledger.close()
        event.listen(ledger._engine, "connect", lambda connection, _: connection.execute("PRAGMA max_page_count = 200").close())
        with pytest.raises(LedgerError, match="the disk is full"):
            start_campaign(ledger, an_edition(), an_audience(5_000), **terms)
        assert list_campaigns(ledger) == []
        with ledger.read() as connection:
            assert connection.exec_driver_sql("SELECT (SELECT count(*) FROM deliveries) + (SELECT count(*) FROM editions)").scalar() == 0
        start_campaign(ledger, an_edition(), an_audience(50), **terms)
    assert begin_campaign(project, 5_000) == 2


def test_sqlite_writes_through_to_the_disk_on_the_connection_that_sends(tmp_path):
    """A claim that a power cut could take back would be a second mail; SQLite's own defaults promise less."""
    from sqlalchemy import event

    from composer.delivery.campaign import run
    from composer.ledger.campaigns import read_campaign
    from composer.ledger.opening import open_ledger

    seen = set()

    def look(connection):
        driver = connection.connection.dbapi_connection
        seen.add(tuple(driver.execute(f"PRAGMA {name}").fetchone()[0] for name in ("journal_mode", "synchronous")))

    with Double("smtp", tmp_path) as double:
        project, _ = set_up(tmp_path, double, 50)
        with open_ledger(project) as ledger:
            event.listen(ledger._engine, "commit", look)
            assert run(project, ledger, read_campaign(ledger), clock=lambda: datetime.now(UTC)).exit_code == 0
        assert double.taken == 50
    assert seen == {("wal", 2)}


# ---- people and processes --------------------------------------------------------------------------------------


@contextmanager
def newsletter(project, *arguments):
    """Start the real command."""
    command = (Path(sys.executable).parent / "newsletter", "--project", project.root, *arguments)
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def slow(kind, tmp_path):
    """Make a server that takes its time, so that there is some for a signal."""
    if kind == "smtp":
        return Double(kind, tmp_path, "--fail", "dot=late 0.04")
    return Here(storm=Storm({Fault(Point.SLOW, accept=True, seconds=0.2): 1.0}))


def wait_for(double, people):
    with waiting(f"{people} messages") as again:
        while len(double.addresses) < people:
            again()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("kind", KINDS)
def test_a_signal_drains_and_resume_finishes(tmp_path, kind, number):
    """Whoever stops the command finds a paused campaign with nobody in doubt, within seconds."""
    with slow(kind, tmp_path) as double:
        project, campaign = set_up(tmp_path, double, 200)
        with newsletter(project, "resume") as first:
            wait_for(double, 40)
            first.send_signal(number)
            started = time.monotonic()
            said = first.communicate(timeout=20)[1]
        assert time.monotonic() - started < 5
        assert first.returncode == 3
        assert "newsletter resume 1" in said
        paused = account(project, double, campaign)
        assert paused.state == "paused"
        assert paused.who("accepted") == set(paused.mailed)
        assert paused.who("pending") == everybody(200) - set(paused.mailed) != set()
        with newsletter(project, "resume") as second:
            second.communicate(timeout=60)
        assert second.returncode == 0
        found = account(project, double, campaign)
    assert found.faults(0) == []


@pytest.mark.parametrize(("kind", "signals", "seconds"), [("smtp", [signal.SIGTERM], 12), ("sendgrid", [signal.SIGINT] * 2, 5)])
def test_a_signal_while_the_server_hangs(sender, tmp_path, kind, signals, seconds):
    """An answer that does not come is waited for some seconds, after a second Ctrl-C not at all; then it is in doubt."""
    with Double(kind, tmp_path) as double:
        project, campaign = set_up(tmp_path, double, 400)
        with newsletter(project, "resume") as process:
            double.wait_for(100)
            double.freeze()
            time.sleep(0.5)
            started = time.monotonic()
            for number in signals:
                process.send_signal(number)
                time.sleep(0.5)
            process.communicate(timeout=30)
        assert process.returncode == 3
        assert time.monotonic() - started < seconds
        stopped = account(project, double, campaign)
        assert stopped.state == "paused"
        assert not stopped.who("sending")
        double.thaw()
        found = finish(sender, project, double, campaign)
    assert found.faults(LANES * SIZES[kind]) == []
    assert stopped.who("in_doubt") <= found.who("in_doubt")


def test_two_commands_at_once_on_one_campaign(tmp_path):
    """The second is refused, and says why; the first sends to all."""
    with slow("smtp", tmp_path) as double:
        # The second waits three seconds for the campaign; sending to so many takes longer.
        project, campaign = set_up(tmp_path, double, 600)
        with newsletter(project, "resume", "1") as one, newsletter(project, "resume", "1") as other:
            said = [process.communicate(timeout=60)[1] for process in (one, other)]
        codes = [one.returncode, other.returncode]
        assert sorted(codes) == [0, 2]
        assert "another process is sending this campaign" in said[codes.index(2)]
        found = account(project, double, campaign)
    assert found.faults(0) == []


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_two_campaigns_of_one_issue_at_once(request, sender, other_sender, tmp_path, database):
    """Whoever is on both lists gets it from the one that claims first, also when both look at the same moment."""
    url = "sqlite:///var/newsletter.db" if database == "sqlite" else request.getfixturevalue("postgres_url")
    with Double("sendgrid", tmp_path) as double:
        project = make_project(tmp_path / "project", double, database=url, **SETTINGS["sendgrid"])
        first, second = begin_campaign(project, 500), begin_campaign(project, 500, first=51)
        sender.begin(project.root, first)
        other_sender.begin(project.root, second)
        assert [sender.end(), other_sender.end()] == [0, 0]
        one, two = account(project, double, first), account(project, double, second)
    assert sorted(double.addresses) == sorted(everybody(550))
    assert len(one.who("skipped")) + len(two.who("skipped")) == 450
    assert one.who("accepted") | two.who("accepted") == everybody(550)
    assert (one.untold, two.untold) == (0, 0)
