"""What commands print, and what they never print."""

from __future__ import annotations

import json
import os
import signal
import sys

import pytest

from composer.cli.interrupt import stop_on_signal
from composer.cli.output import confirm, number_of, plain, print_findings, print_json, print_pairs, print_table, progress, typed
from composer.errors import UsageError
from composer.findings import Where, error, info, warning


def test_findings_are_grouped_and_counted_on_stderr(capsys):
    """The worst first, results stay clean on stdout."""
    where = Where("issues/x.md", 3)
    print_findings(
        [
            info("c-info", where, "by the way"),
            warning("b-warn", where, "hm"),
            error("a-err", where, "bad", "Mend it."),
            error("a-err", where, "worse"),
        ]
    )
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines() == [
        "issues/x.md:3: error: bad [a-err]",
        "  Mend it.",
        "issues/x.md:3: error: worse [a-err]",
        "issues/x.md:3: warning: hm [b-warn]",
        "issues/x.md:3: info: by the way [c-info]",
        "2 errors, 1 warning, 1 info",
    ]


def test_no_findings_are_no_words(capsys):
    """Silence is good news."""
    print_findings([])
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(("number", "shown", "rest"), [(20, 20, None), (21, 20, "and 1 more"), (1_520, 20, "and 1,500 more")])
def test_many_alike_are_cut_short(capsys, number, shown, rest):
    """A list of a thousand bad rows must not hide the one finding that differs."""
    alike = [error("row", Where("list.csv", line), "bad") for line in range(number)]
    print_findings([*alike, error("other", Where("x"), "different")])
    lines = capsys.readouterr().err.splitlines()
    assert sum("bad" in line for line in lines) == shown
    assert any("different" in line for line in lines)
    assert [line for line in lines if "more like this" in line] == ([f"  {rest} like this [row]"] if rest else [])
    assert lines[-1] == f"{number + 1:,} errors"


def test_other_peoples_text_cannot_command_the_terminal(capsys):
    """A subject or a row is data: no escape sequence, line break or direction override goes through."""
    evil = "a\x1b[2Jb\nc\u202ed\u2028e\x9bf"
    print_pairs([("Subject", evil)])
    print_table(["x"], [[evil]])
    print_findings([error("x", Where(evil), evil, evil)])
    shown = "".join(capsys.readouterr())
    assert not {"\x1b", "\u202e", "\u2028", "\x9b"} & set(shown)
    assert plain("Zoë \U0001f469\u200d\U0001f4bb 日本") == "Zoë \U0001f469\u200d\U0001f4bb 日本"


def test_numbers_in_words():
    """Thousands are set apart, one is singular."""
    assert [number_of(1, "error"), number_of(2_000, "error"), number_of(3, "info")] == ["1 error", "2,000 errors", "3 info"]


def test_columns_line_up(capsys):
    """Numbers to the right, words to the left."""
    print_table(["name", "n"], [["a", "1,000"], ["long", "7"]])
    print_pairs([("A", "1"), ("", "2"), ("Long", "")])
    assert capsys.readouterr().out.splitlines() == ["name      n", "a     1,000", "long      7", "A     1", "      2", "Long"]


def test_json_is_for_machines_and_readable(capsys):
    """Letters stay letters."""
    print_json({"name": "Zoë", "counts": {"accepted": 1}})
    out = capsys.readouterr().out
    assert "Zoë" in out
    assert json.loads(out)["counts"] == {"accepted": 1}


def test_no_bar_where_nobody_looks(capsys):
    """Logs of scripts and CI stay clean."""
    with progress("Sending", 3) as advance:
        advance(3)
    assert capsys.readouterr() == ("", "")


def test_a_bar_on_a_terminal(capsys, monkeypatch):
    """Long work shows how far it is, on stderr."""
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm")
    with progress("Sending", 3) as advance:
        advance(2)
    out, err = capsys.readouterr()
    assert out == ""
    assert "Sending" in err


def test_nobody_to_answer_is_said_with_a_way_out(monkeypatch):
    """A script that forgot --yes must not hang or send."""
    monkeypatch.setattr(sys.stdin, "isatty", lambda: False, raising=False)
    with pytest.raises(UsageError) as caught:
        confirm("Send?")
    assert "--yes" in caught.value.hint


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_first_signal_asks_second_stops(number, capfd):
    """The batch in flight is finished; who insists gets out of a call at once; the handlers before are back."""
    before = [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)]
    with stop_on_signal() as interrupt:
        assert not interrupt.asked()
        with interrupt.interruptible():
            os.kill(os.getpid(), number)
        assert interrupt.asked()
        with pytest.raises(KeyboardInterrupt), interrupt.interruptible():
            os.kill(os.getpid(), number)
        os.kill(os.getpid(), number)
    assert [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)] == before
    assert "Stopping" in capfd.readouterr().err


def test_a_path_is_shown_as_one_would_type_it(tmp_path, monkeypatch):
    """With --project the project lies elsewhere, and a path relative to it would lead nowhere."""
    inside = tmp_path / "here"
    inside.mkdir()
    monkeypatch.chdir(inside)
    assert typed(inside / "outbox" / "a.eml") == "outbox/a.eml"
    assert typed(tmp_path / "elsewhere") == str(tmp_path / "elsewhere")
