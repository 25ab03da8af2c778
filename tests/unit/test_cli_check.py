"""``newsletter check`` as its user meets it: text, data and annotations, exit codes, and what goes wrong."""

from __future__ import annotations

import json
import re
import socket
from pathlib import Path

import pytest
from typer.testing import CliRunner

from composer.cli.app import app
from composer.cli.github import as_commands
from composer.cli.verdict import Verdict, as_text, exit_code
from composer.findings import Where, error, info, warning

FRONT = "---\ntitle: Letter\nsubject: A subject of a good length\npreheader: A line that says more than the subject does.\n---\n\n# One\n\n"
ON = ("--on", "2026-02-02")


@pytest.fixture
def newsletter(project):
    def command(*arguments):
        return CliRunner().invoke(app, ["--project", str(project.root), "check", *map(str, arguments)], prog_name="newsletter")

    return command


def _write(project, stem, body):
    path = project.issues / f"{stem}.md"
    path.write_text(FRONT + body, encoding="utf-8")
    return path


def _codes(result):
    return [(each["code"], each["line"]) for issue in json.loads(result.stdout)["issues"] for each in issue["findings"]]


def test_a_finding_is_shown_with_its_line_and_what_to_do(newsletter, project):
    """Place, severity, code, sentence, the source, and how to mend it; the counts at the end, all of it the result."""
    _write(project, "bad", "::: button\nRegister\n:::\n\nSee [](https://www.example.org/x).\n")
    result = newsletter("bad", *ON)
    lines = result.stdout.splitlines()
    at = next(number for number, line in enumerate(lines) if " button-without-link " in line)
    assert lines[at].startswith("issues/bad.md:9: error button-without-link  ")
    assert lines[at + 1] == "     9 | ::: button"
    assert lines[at + 2].startswith("    Mend: ")
    assert lines.index("    13 | See [](https://www.example.org/x).") > at
    assert lines[-1].startswith("issues/bad.md: 1 error, 1 warning")
    assert result.stderr == ""
    assert "\x1b" not in result.stdout


def test_exit_codes(newsletter, project):
    """0 when nothing fails, 1 from the severity asked for, 2 when there is no letter to check."""
    _write(project, "warns", "See [](https://www.example.org/x).\n")
    _write(project, "fails", "::: button\nRegister\n:::\n")
    (project.issues / "empty.md").write_text("---\ntitle: x\n---\n", encoding="utf-8")
    assert newsletter("warns", *ON).exit_code == 0
    assert newsletter("warns", "--fail-on", "warning", *ON).exit_code == 1
    assert newsletter("fails", *ON).exit_code == 1
    assert newsletter("empty", *ON).exit_code == 2
    assert newsletter("warns", "empty", "fails", *ON).exit_code == 2


@pytest.mark.parametrize("form", ["text", "json", "github"])
def test_an_issue_that_cannot_be_read_hides_no_other(newsletter, project, form):
    """Whoever checks ten at once sees nine; what is in the way has its place, in the form that was asked for."""
    _write(project, "fails", "::: button\nRegister\n:::\n")
    (project.issues / "broken.md").write_text("---\ntitle: [\n---\n\ntext\n", encoding="utf-8")
    result = newsletter("broken", "fails", "--format", form, *ON)
    assert result.exit_code == 2
    assert "issue-unreadable" in result.stdout
    assert "button-without-link" in result.stdout
    if form == "json":
        first, second = json.loads(result.stdout)["issues"]
        assert (first["readable"], second["readable"]) == (False, True)
        assert first["findings"][0]["line"]
    if form == "text":
        assert result.stdout.splitlines()[-1].endswith("; issues/broken.md cannot be read")


def test_a_template_that_fails_is_told_at_its_line(newsletter, project):
    """The issue may be right; then the template's file is the place."""
    folder = project.root / "templates" / "email"
    folder.mkdir(parents=True)
    (folder / "newsletter.mjml").write_text("<mjml>\n{% if %}\n</mjml>\n", encoding="utf-8")
    result = newsletter("2026-01", *ON, "--json")
    assert result.exit_code == 2
    assert [(each["code"], each["where"]) for each in json.loads(result.stdout)["issues"][0]["findings"]] == [
        ("template-unusable", "templates/email/newsletter.mjml:2")
    ]


def test_json_holds_everything_in_order(newsletter, project):
    """Its shape is documented in docs/checking.md; programs rely on it."""
    _write(project, "bad", "See [](https://www.example.org/x).\n\n::: button\nRegister\n:::\n")
    result = newsletter("bad", "2026-01", "--json", "--to", "staff", *ON)
    data = json.loads(result.stdout)
    assert data["on"] == "2026-02-02T00:00:00+00:00"
    bad, good = data["issues"]
    assert bad.keys() == {"issue", "path", "list", "readable", "counts", "findings", "silenced", "fixed"}
    assert (bad["issue"], bad["path"], bad["list"], good["issue"]) == ("bad", "issues/bad.md", "staff", "2026-01")
    assert [number for code, number in _codes(result) if code in {"empty-link", "button-without-link"}] == [9, 11]
    assert bad["findings"][0].keys() == {"code", "severity", "path", "line", "column", "where", "message", "hint"}
    assert data["counts"]["error"] == bad["counts"]["error"] + good["counts"]["error"] == 1
    assert newsletter("bad", "2026-01", "--format", "json", "--to", "staff", *ON).stdout == result.stdout


def test_a_list_tells_what_its_people_lack(newsletter, project):
    """The same words as a send would use, at row and column."""
    _write(project, "personal", "Dear {{ nickname }}, hello.\n")
    assert "field-unknown" not in newsletter("personal", *ON).stdout
    result = newsletter("personal", "--to", "staff", *ON)
    assert result.exit_code == 1
    assert "error field-unknown  recipients/staff.csv has no column nickname" in result.stdout


def test_a_list_of_the_ledger_can_be_named(newsletter, project):
    """Its people are read from there; an empty one is said to be empty."""
    (project.recipients / "members.toml").write_text('people = "ledger"\n', encoding="utf-8")
    assert "list-empty" in newsletter("2026-01", "--to", "members", *ON).stdout


def test_which_issues_are_meant(newsletter, project):
    """By stem or path, each once; none named is no guess, and --all is all of them."""
    other = _write(project, "other", "Some text.\n")
    result = newsletter()
    assert result.exit_code == 2
    assert "hint: `newsletter check other` checks the one that was changed last" in result.stderr
    both = newsletter("--all", "--json", *ON)
    assert [each["issue"] for each in json.loads(both.stdout)["issues"]] == ["2026-01", "other"]
    twice = newsletter("other", other, project.issues / "2026-01.md", "--json", *ON)
    assert [each["issue"] for each in json.loads(twice.stdout)["issues"]] == ["other", "2026-01"]
    assert newsletter("other", "--all").exit_code == 2
    assert newsletter("other", "nowhere").exit_code == 2
    for path in project.issues.glob("*.md"):
        path.unlink()
    assert newsletter("--all").exit_code == newsletter().exit_code == 2


def test_what_editors_leave_beside_an_issue_is_none(newsletter, project):
    """Emacs marks a file that is being written with a hidden link to nowhere; a folder may end in .md: neither stops the others."""
    (project.issues / ".#2026-01.md").symlink_to("rosa@desk.4711")
    (project.issues / "old.md").mkdir()
    assert [each["issue"] for each in json.loads(newsletter("--all", "--json", *ON).stdout)["issues"]] == ["2026-01"]
    assert "`newsletter check 2026-01`" in newsletter().stderr


@pytest.mark.parametrize(
    ("on", "well"), [("2026-02-02", True), ("2026-02-02T09:00:00+02:00", True), ("02.02.2026", False), ("soon", False)]
)
def test_on_is_a_day_or_a_moment(newsletter, on, well):
    """What is neither is refused, with what to write instead."""
    result = newsletter("2026-01", "--on", on)
    assert result.exit_code == 0 if well else result.exit_code == 2
    assert well or "write" in result.stderr


def test_links_are_asked_on_demand_alone(newsletter, project):
    """Without --links nobody is asked; with it this machine's own network is not, whatever an issue links to."""
    settings = project.root / "newsletter.toml"
    settings.write_text(settings.read_text(encoding="utf-8") + '\n[checks]\nskip_links = "www.example.org"\n', encoding="utf-8")
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.2)
        port = server.getsockname()[1]
        _write(project, "linked", f"See [here it is](http://127.0.0.1:{port}/x) and [there it is](http://localhost:{port}/y).\n")
        assert "link-private-address" not in newsletter("linked", *ON).stdout
        result = newsletter("linked", "--links", *ON)
        with pytest.raises(TimeoutError):
            server.accept()
    assert result.exit_code == 1
    assert result.stdout.count("issues/linked.md:9: error link-private-address") == 2


def test_fix_mends_the_file_and_tells_each_change(newsletter, project):
    """What is safe is done, what is left is found; a second run has nothing to do, and an issue that cannot be read is left alone."""
    path = _write(project, "untidy", "See [](https://www.example.org/x) and [the fair ](https://www.example.org/fair)today.\n")
    broken = project.issues / "broken.md"
    broken.write_text("---\ntitle: [\n---\n\n[](x)\n", encoding="utf-8")
    result = newsletter("untidy", "broken", "--fix", *ON)
    assert result.exit_code == 2
    assert result.stdout.startswith("issues/untidy.md:9: fixed ")
    assert "empty-link" not in result.stdout
    text = path.read_text(encoding="utf-8")
    assert text.endswith("[the fair](https://www.example.org/fair) today.\n")
    assert "[](x)" in broken.read_text(encoding="utf-8")
    again = newsletter("untidy", "--fix", "--json", *ON)
    assert json.loads(again.stdout)["issues"][0]["fixed"] == []
    assert path.read_text(encoding="utf-8") == text
    path.write_text(text + "\n![]()\n", encoding="utf-8")
    (change,) = json.loads(newsletter("untidy", "--fix", "--json", *ON).stdout)["issues"][0]["fixed"]
    assert change.keys() == {"line", "what"}


# ---- how it is printed -----------------------------------------------------------------------------------------


def _verdict(*findings, lines=(), path="issues/a.md"):
    return Verdict("a", path, "", tuple(lines), findings)


def _printed(*findings, lines=()):
    return [re.sub(r"\x1b\[[0-9;]*m", "", line) for line in as_text([_verdict(*findings, lines=lines)], silenced=False)]


def test_what_is_of_the_settings_is_told_once():
    """A folder of twelve issues has one sender to fill in, not twelve; what is of an issue is told of each."""
    setting = warning("no-sender", Where("newsletter.toml"), "the newsletter has no sender")
    first, second = (_verdict(setting, info("a11y-h1", Where(f"issues/{name}.md", 1), "odd"), path=f"issues/{name}.md") for name in "ab")
    shown = "\n".join(as_text([first, second], silenced=False))
    assert shown.count("no-sender") == 1
    assert shown.count("a11y-h1") == 2
    assert shown.endswith("2 issues: 1 warning, 2 info")
    assert "\n".join(as_commands([first, second], Path("/nowhere"))).count("no-sender") == 1


def test_a_caret_stands_below_the_column():
    """Also behind wide characters, and in a long line of which only a part is shown."""
    lines = ["short and sweet", "日本語 text here", "x" * 300 + "HERE" + "y" * 300]
    printed = _printed(
        *(warning("click-here", Where("issues/a.md", number, column), "m") for number, column in ((1, 7), (2, 5), (3, 301))), lines=lines
    )
    assert printed[1:3] == ["     1 | short and sweet", "       |       ^"]
    assert printed[5:7] == ["     2 | 日本語 text here", "       |        ^"]
    assert printed[9].startswith("     3 | …xxx")
    assert printed[9].endswith("yyy…")
    assert printed[9][printed[10].index("^") :].startswith("HERE")


def test_a_place_that_is_not_in_the_file_shows_no_source():
    """A file may have changed, a finding may be of a list or a template: no line is shown that is not meant."""
    findings = [
        error("x-y", where, "m") for where in (Where("issues/a.md"), Where("issues/a.md", 9), Where("recipients/s.csv", 1, "email"))
    ]
    assert not [line for line in _printed(*findings, lines=["the first line"]) if "first" in line]
    assert "         | " not in _printed(warning("x-y", Where("issues/a.md", 1, 40), "m"), lines=["short"])


def test_of_the_same_kind_twenty_are_shown():
    """A list of a million people may lack the same field; all of them are in the data."""
    findings = [error("field-missing", Where("recipients/s.csv", number, "name"), "m") for number in range(1, 31)]
    printed = _printed(*findings)
    assert sum("field-missing  m" in line for line in printed) == 20
    assert "recipients/s.csv: and 10 more like this field-missing" in printed
    assert printed[-1] == "issues/a.md: 30 errors"


def test_no_text_of_an_issue_commands_the_terminal():
    """An issue may come from anybody: escape sequences and directions are not printed."""
    hostile = warning("x-y", Where("issues/a.md", 1, 1), "a\x1b[31mb\u202ec", "h\x1b]0;t\x07")
    printed = "\n".join(as_text([_verdict(hostile, lines=["\x1b[2Jgone\u202e"])], silenced=False))
    assert "[31mb" in printed
    assert not [each for each in ("\x1b[31m", "\x1b]", "\x07", "\x1b[2J", "\u202e") if each in printed]


def test_several_issues_and_nothing_to_mend():
    """The last line says it all."""
    assert _printed() == ["issues/a.md: nothing to mend"]
    two = [_verdict(info("x-y", Where("issues/a.md"), "m")), _verdict(path="issues/b.md")]
    assert list(as_text(two, silenced=False))[-1] == "2 issues: 1 info"


def test_silenced_findings_are_counted_and_shown_on_demand(newsletter, project):
    """A silence hides nothing from whoever wants to know, and what it hides makes nobody fail."""
    _write(project, "quiet", "<!-- check off: empty-link: the site wants it so -->\nSee [](https://www.example.org/x).\n")
    result = newsletter("quiet", "--fail-on", "warning", *ON)
    assert (result.exit_code, "empty-link" in result.stdout) == (0, False), result.output
    assert result.stdout.splitlines()[-1].endswith("; 1 silenced")
    shown = newsletter("quiet", "--silenced", *ON).stdout
    assert "issues/quiet.md:10: warning empty-link" in shown
    assert "    silenced: the site wants it so" in shown
    data = json.loads(newsletter("quiet", "--json", *ON).stdout)
    assert [(each["code"], each["reason"]) for each in data["issues"][0]["silenced"]] == [("empty-link", "the site wants it so")]
    assert data["counts"]["silenced"] == 1


def test_a_silence_for_links_is_of_use_though_nobody_asked_them(newsletter, project):
    """`--links` is not run every time; a silence that waits for it is not called unused."""
    _write(project, "quiet", "<!-- check off: link-dead: it opens in March -->\nSee [x](https://www.example.org/x).\n")
    assert "silence-unused" not in newsletter("quiet", *ON).stdout


# ---- GitHub ----------------------------------------------------------------------------------------------------


def _commands(root, *findings):
    return list(as_commands([_verdict(*findings)], root))


def test_annotations_are_escaped_as_the_runner_reads_them(tmp_path):
    """A percent sign or a line break in a message, a comma or a colon in a path would else be taken for syntax."""
    finding = error("x-y", Where("issues/a,b: 100%.md", 3, 7), "50% off: a, b", "Write\nit so.")
    assert _commands(tmp_path, finding) == ["::error file=issues/a%2Cb%3A 100%25.md,line=3,col=7,title=x-y::50%25 off: a, b%0AWrite it so."]


def test_annotations_have_the_worst_first_and_every_severity(tmp_path):
    """GitHub shows ten of a kind; a whole file has no line, a column of a list no number."""
    findings = [info("c-c", Where("a.md"), "m"), warning("b-b", Where("l.csv", 2, "email"), "m"), error("a-a", Where("a.md", 1), "m")]
    assert _commands(tmp_path, *findings) == [
        "::error file=a.md,line=1,title=a-a::m",
        "::warning file=l.csv,line=2,title=b-b::m",
        "::notice file=a.md,title=c-c::m",
    ]


def test_annotations_name_files_as_the_repository_does(tmp_path):
    """A project may be a folder of a repository; the pull request knows its files from the top."""
    root = tmp_path / "team" / "letters"
    root.mkdir(parents=True)
    finding = warning("x-y", Where("issues/a.md", 1), "m")
    assert _commands(root, finding)[0].startswith("::warning file=issues/a.md,")
    (tmp_path / ".git").mkdir()
    assert _commands(root, finding)[0].startswith("::warning file=team/letters/issues/a.md,")
    (root / ".git").write_text("gitdir: elsewhere")
    assert _commands(root, finding)[0].startswith("::warning file=issues/a.md,")


def test_a_line_of_an_issue_cannot_be_a_command(newsletter, project):
    """Whoever writes an issue must not speak to the runner through it."""
    _write(project, "evil", "::: nonsense::error file=x::y\nbody\n:::\n\n[](https://www.example.org/%0A::error::x)\n")
    printed = newsletter("evil", "--format", "github", *ON).stdout.splitlines()
    assert printed
    assert all(line.startswith(("::error file=issues/evil.md", "::warning file=issues/evil.md", "::notice file=")) for line in printed)


def test_exit_code_of_nothing_is_well():
    """The plainest case."""
    assert exit_code([_verdict()], warnings=True) == 0
