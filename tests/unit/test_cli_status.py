"""``status`` as its user meets it: every fact, what to do now, and a campaign watched while another process sends it."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from typer.testing import CliRunner

from composer.cli.app import app
from composer.cli.standing import Standing, deferring
from composer.cli.watch import Pace, _line, _time_left
from composer.delivery.model import DeliveryState
from composer.ledger.campaigns import ask_campaign, count_states, move_campaign, read_campaign, start_campaign
from composer.ledger.deferring import DeferringDomain
from composer.ledger.deliveries import claim, record
from composer.ledger.lock import hold_campaign
from composer.ledger.model import Request, Result
from composer.ledger.opening import open_ledger
from composer.testing import an_audience, an_edition

S = DeliveryState
NEWSLETTER = [sys.executable, "-c", "from composer.cli.app import main; main()"]
# A second process that is sending: it holds the campaign, and one more is accepted each fiftieth of a second.
SENDER = """
import sys, time
from datetime import UTC, datetime
from pathlib import Path
from composer.ledger.campaigns import move_campaign
from composer.ledger.deliveries import claim, record
from composer.ledger.lock import hold_campaign
from composer.ledger.model import DeliveryState, Result
from composer.ledger.opening import open_ledger
from composer.project import find

project = find(Path(sys.argv[1]), exact=True)
with open_ledger(project) as ledger, hold_campaign(project, ledger, 1):
    while rows := claim(ledger, 1, 1, datetime.now(UTC)).rows:
        time.sleep(0.02)
        record(ledger, [Result(rows[0], DeliveryState.ACCEPTED, "accepted")], datetime.now(UTC))
    move_campaign(ledger, 1, "finished", datetime.now(UTC))
"""


@pytest.fixture
def newsletter(project):
    def command(*arguments):
        return CliRunner().invoke(app, ["--project", str(project.root), *map(str, arguments)])

    return command


@pytest.fixture
def ledger(project):
    with open_ledger(project) as ledger:
        yield ledger


@pytest.fixture
def sending(project, ledger):
    """A campaign of 150 that another process is sending right now, for some seconds."""
    _start(ledger, people=150, state="running")
    process = subprocess.Popen([sys.executable, "-c", SENDER, str(project.root)])
    try:
        while not count_states(ledger, 1).get("accepted"):
            assert process.poll() is None
            time.sleep(0.02)
        yield process
    finally:
        process.kill()
        process.wait()


def _start(ledger, *states, people=6, state="paused", reason="", ago=timedelta(0), **more):
    now = datetime.now(UTC) - ago
    settings = {"transport": "outbox", "real": True, "setting": {}, "now": now, **more}
    campaign = start_campaign(ledger, an_edition(), an_audience(people), **settings)
    rows = claim(ledger, campaign, len(states), now).rows if states else ()
    told = [
        (row, each, "told", "" if each is S.ACCEPTED else f"{each} it", now + timedelta(hours=5) if each is S.DEFERRED else None)
        for row, each in zip(rows, states, strict=True)
    ]
    record(ledger, [Result(*each) for each in told], now)
    move_campaign(ledger, campaign, state, now, reason)
    return campaign


def _shown(newsletter, *arguments):
    result = newsletter("status", *arguments)
    assert result.exit_code == 0, result.output
    return result.stdout


def test_every_fact_of_a_campaign(newsletter, ledger):
    """A correction, and that it was not tested, belong to what happened."""
    _start(ledger, *[S.FAILED] * 2, S.REJECTED, S.ACCEPTED, correction=True, untested=True, reason="stopped on request")
    shown = _shown(newsletter)
    for words in (
        "Campaign   1, paused (stopped on request)",
        "Again      a correction: it goes to those who had this issue already, too",
        "Untested   it began although its edition was not accepted in a test send",
        "Why not    2 failed: failed it\n           1 rejected: rejected it\n",
        "What now   `newsletter resume 1` goes on.\n           `newsletter retry 1` tries those again who failed.\n",
    ):
        assert words in shown


def test_a_usual_campaign_is_not_burdened_with_them(newsletter, ledger):
    """What is as it should be is not said."""
    _start(ledger, *[S.ACCEPTED] * 6, state="finished")
    shown = _shown(newsletter)
    assert not re.search("Again|Untested|Why not|What now", shown)


def test_what_to_do_about_doubt(newsletter, ledger):
    """Nobody should have to look it up in the night."""
    _start(ledger, *[S.IN_DOUBT] * 2, *[S.ACCEPTED] * 4)
    shown = _shown(newsletter)
    assert "2 in doubt may have it or not: the answer was lost. `newsletter export 1 --state in_doubt` names them." in shown
    assert "`newsletter resolve 1 --resend` sends to them again; `newsletter resolve 1 --skip` leaves them out." in shown
    assert "resume 1" not in shown
    move_campaign(ledger, 1, "cancelled", datetime.now(UTC))
    shown = _shown(newsletter)
    assert "--skip` leaves them out" in shown
    assert "--resend" not in shown


def test_when_there_is_something_to_do_again(newsletter, ledger):
    """A resume before then finds nothing."""
    _start(ledger, *[S.DEFERRED] * 2, *[S.ACCEPTED] * 4)
    assert re.search(
        r"What now   `newsletter resume 1` goes on; the next is due at \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC\.\n", _shown(newsletter)
    )


def test_a_process_that_is_gone_is_noticed(newsletter, ledger, project):
    """A campaign is called running for ever when nobody was there to say otherwise."""
    _start(ledger, state="running", ago=timedelta(minutes=1))
    assert "What now   No process is sending it any more: `newsletter resume 1` goes on.\n" in _shown(newsletter)
    assert json.loads(_shown(newsletter, "--json"))["sending"] is False
    with hold_campaign(project, ledger, 1):
        assert "What now" not in _shown(newsletter)
        ask_campaign(ledger, 1, Request.PAUSE)
        assert "What now   It was asked to pause, and will when what is in flight has ended.\n" in _shown(newsletter)
        told = json.loads(_shown(newsletter, "--json"))
    assert (told["sending"], told["request"]) == (True, "pause")


def test_status_as_json(newsletter, ledger):
    """Every fact for a script."""
    _start(ledger, S.FAILED, S.DEFERRED, S.ACCEPTED, correction=True, untested=True)
    told = json.loads(_shown(newsletter, "--json"))
    assert (told["correction"], told["untested"], told["people"], told["request"], told["sending"]) == (True, True, 6, "", False)
    assert told["counts"] == {**{str(state): 0 for state in S}, "pending": 3, "failed": 1, "deferred": 1, "accepted": 1}
    assert told["reasons"] == [
        {"state": "deferred", "reason": "deferred it", "number": 1},
        {"state": "failed", "reason": "failed it", "number": 1},
    ]
    assert datetime.fromisoformat(told["next_due"]) > datetime.now(UTC) + timedelta(hours=4)


# ---- watching --------------------------------------------------------------------------------------------------


def test_what_does_not_run_is_not_watched(newsletter, ledger):
    """It would never end."""
    _start(ledger, S.ACCEPTED, reason="stopped on request")
    assert _shown(newsletter, "--watch") == "campaign 1 paused, 1 of 6 done, stopped on request\n"
    assert json.loads(_shown(newsletter, "--watch", "--json"))["state"] == "paused"


def test_watching_into_a_file_is_a_line_a_change(project, sending):
    """From another process, by the ledger alone, until it is finished."""
    program = "import composer.cli.watch as w; w._EVERY_LINE = 0.4; from composer.cli.app import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", program, "--project", str(project.root), "status", "--watch"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    lines = done.stdout.splitlines()
    assert done.returncode == 0, done.stderr
    assert len(lines) > 2
    assert re.fullmatch(r"campaign 1 running, \d+ of 150 done, \d+ a second, about \d+ s left", lines[1]), lines
    assert lines[-1] == "campaign 1 finished, 150 of 150 done"
    numbers = [int(re.search(r"(\d+) of", line)[1]) for line in lines]
    assert numbers == sorted(numbers)


def test_ctrl_c_ends_the_watching_alone(project, ledger, sending):
    """On a terminal it is shown in place; Ctrl-C is how one leaves, and no error."""
    main, side = pty.openpty()
    program = "import fcntl, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); from composer.cli.app import main; main()"
    command = [sys.executable, "-c", program, "--project", str(project.root), "status", "--watch"]
    process = subprocess.Popen(
        command, stdin=side, stdout=side, stderr=side, start_new_session=True, env={**os.environ, "TERM": "xterm", "COLUMNS": "100"}
    )
    os.close(side)
    shown = b""
    while shown.count(b"Time left") < 2:
        shown += os.read(main, 4096)
    os.write(main, b"\x03")
    with suppress(OSError):  # Linux says EIO when the other side of a terminal is gone.
        while piece := os.read(main, 4096):
            shown += piece
    assert process.wait() == 0, shown.decode()
    os.close(main)
    assert b"Traceback" not in shown
    assert re.search(rb"Speed +[\d,]+ a second", shown)
    assert b"\x1b[1A" in shown, "it was not redrawn in place"
    assert sending.poll() is None
    assert read_campaign(ledger, 1).state == "running"


def test_an_interrupt_ends_it_also_without_a_terminal(project, sending):
    """A script that watches is stopped as easily."""
    process = subprocess.Popen(
        [*NEWSLETTER, "--project", str(project.root), "status", "--watch"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout.readline().startswith(b"campaign 1 running")
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (0, b""), out


def _standing(campaign, **counts):
    return Standing(campaign, counts, ())


@pytest.mark.parametrize(
    ("looks", "words", "left"),
    [
        ([(0, 0)], "", ""),
        ([(0, 0), (10, 0)], "", ""),
        ([(0, 0), (10, 500)], "50 a second", "10 s"),
        ([(0, 0), (20, 10)], "30.0 a minute", "33 min 0 s"),
        ([(0, 100), (100, 100), (120, 140)], "2 a second", "7 min 10 s"),
        ([(0, 500), (10, 498)], "", ""),
        ([(0, 0), (30, 1)], "2.0 a minute", "8 h 19 min"),
        ([(0, 0), (10, 1000)], "100 a second", ""),
    ],
)
def test_pace_is_that_of_the_last_half_minute(ledger, looks, words, left):
    """An hour of rest before is no reason to say that it takes a day; those who are deferred are not waited for."""
    campaign, pace = read_campaign(ledger, _start(ledger)), Pace()
    for seconds, done in looks:
        pace.add(seconds, _standing(campaign, pending=1000 - done, accepted=done, deferred=7))
    assert (str(pace), pace.left) == (words, left)


@pytest.mark.parametrize(
    ("looks", "words", "left", "average"),
    [
        # Half of them deferred: those who wait get fewer twice as fast as is settled.
        ([(0, 1000, 0), (10, 800, 100)], "20 a second", "40 s", ""),
        # Everybody is: nothing is settled, and yet it goes on.
        ([(0, 1000, 0), (10, 800, 200)], "20 a second", "40 s", ""),
        # The deferred are tried again: nobody of those who wait is.
        ([(0, 0, 500), (10, 0, 300)], "20 a second", "", ""),
        # A wait of half a minute, then on: what it is now, and what it was on the whole.
        ([(0, 1000, 0), (30, 700, 0), (45, 700, 0), (60, 680, 0)], "40.0 a minute", "17 min 0 s", "2 min 8 s"),
        # Nothing moves at all: the speed of before is all that is known.
        ([(0, 1000, 0), (20, 800, 0), (30, 800, 0), (40, 800, 0), (60, 800, 0)], "", "", "4 min 0 s"),
        # Nothing ever did.
        ([(0, 1000, 0), (20, 1000, 0), (40, 1000, 0)], "", "", ""),
        # It was made to wait again by `retry` or `resolve`.
        ([(0, 100, 0), (10, 400, 0)], "", "", ""),
        # Counting takes longer than the half minute.
        ([(0, 1000, 0), (50, 900, 0), (100, 800, 0)], "2 a second", "6 min 40 s", ""),
    ],
)
def test_pace_with_waits_and_deferred(ledger, looks, words, left, average):
    """The time left is for those who wait, at the speed at which they get fewer; after a wait also at the speed on the whole."""
    campaign, pace = read_campaign(ledger, _start(ledger)), Pace()
    for seconds, pending, deferred in looks:
        pace.add(seconds, _standing(campaign, pending=pending, deferred=deferred, accepted=5000 - pending - deferred))
    assert (str(pace), pace.left, pace.left_on_average) == (words, left, average)


def test_while_a_canary_goes_the_rest_is_not_waited_for(ledger):
    """The time left is that until it stops."""
    campaign, pace = read_campaign(ledger, _start(ledger, canary=3)), Pace()
    assert campaign.canary_stage == "going"
    for seconds, pending in ((0, 400), (10, 300)):
        counts = {"pending": 9000 + pending, "accepted": 1000 - pending}
        pace.add(seconds, Standing(campaign, counts, (), first={"pending": pending}))
    assert (str(pace), pace.left) == ("10 a second", "30 s")


def test_what_is_left_in_words(ledger):
    """What a person reads beside the speed; when only deferred ones are left there is no speed to tell it by."""
    campaign, due = read_campaign(ledger, _start(ledger)), datetime(2026, 1, 15, 14, 5, tzinfo=UTC)
    assert (
        _time_left(Standing(campaign, {"deferred": 3}, (), due), Pace())
        == "nobody waits but those who are deferred; the next is due at 14:05 UTC"
    )
    pace = Pace()
    for seconds, pending in ((0, 1000), (30, 700), (45, 700), (60, 680)):
        standing = replace(_standing(campaign, pending=pending), sending=True)
        pace.add(seconds, standing)
    assert _time_left(standing, pace) == "about 17 min 0 s; about 2 min 8 s at the speed since the watch began"
    assert _line(standing, pace).endswith("about 17 min 0 s left, about 2 min 8 s left at the speed since the watch began")


def test_domains_that_defer(newsletter, ledger):
    """Which, how many, when and why; in a line the biggest alone. It names no person."""
    _start(ledger, *[S.DEFERRED] * 2, *[S.ACCEPTED] * 4)
    assert re.search(r"Deferring +example\.com: 2, next due \d\d:\d\d UTC: deferred it\n", _shown(newsletter))
    told = json.loads(_shown(newsletter, "--json"))
    assert told["deferring"] == [{"domain": "example.com", "number": 2, "next_due": told["next_due"], "reason": "deferred it"}]
    assert told["more_deferring"] == 0
    assert "2 deferred, most of the deferred at example.com" in _shown(newsletter, "--watch")
    assert "@" not in _shown(newsletter)


def test_when_the_next_of_a_domain_is_due(ledger):
    """The hour for today, the day beyond; what is due already is not promised for the past."""
    now = datetime(2026, 1, 15, 14, 0, tzinfo=UTC)
    domains = tuple(
        DeferringDomain(f"{name}.example", 1200, now + timedelta(minutes=minutes), "")
        for name, minutes in (("a", 5), ("b", 1200), ("c", 0), ("d", -5))
    )
    standing = Standing(read_campaign(ledger, _start(ledger)), {}, (), domains=domains, more_domains=1)
    assert list(deferring(standing, now)) == [
        "a.example: 1,200, next due 14:05 UTC: no reason was given",
        "b.example: 1,200, next due 2026-01-16 10:00 UTC: no reason was given",
        "c.example: 1,200, due now: no reason was given",
        "d.example: 1,200, due now: no reason was given",
        "and 1 more domain",
    ]


def test_a_watch_ends_when_nobody_sends_any_more(newsletter, ledger):
    """A killed process says nothing: the last line does."""
    _start(ledger, S.ACCEPTED, state="running", ago=timedelta(minutes=1))
    assert _shown(newsletter, "--watch") == "campaign 1 running, 1 of 6 done, no process is sending it any more\n"
