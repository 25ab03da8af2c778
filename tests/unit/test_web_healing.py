"""Whatever is broken while somebody writes: the error at its line over the last good letter, and no restart."""

from __future__ import annotations

import json

import preview_server as server
import pytest


def test_a_broken_issue_shows_its_error_over_the_last_good_letter(preview):
    """While somebody types, the letter stays; the error names the line and shows it."""
    good = preview.frame("mail")
    server.write(preview.project, server.text_of(preview.project).replace("---\n\nHello", "--\n\nHello"))
    said = preview.state()
    assert said["error"]["where"] == {"path": "issues/2026-01.md", "line": said["error"]["where"]["line"], "column": None}
    assert said["error"]["message"]
    assert said["error"]["excerpt"].count("> ") == 1
    assert said["subject"] == "News of January"
    assert preview.frame("mail") == good


def test_a_deleted_issue_comes_back(preview):
    """Nothing ever needs a restart."""
    good, text = preview.frame("mail"), server.text_of(preview.project)
    path = preview.project.root / "issues" / "2026-01.md"
    path.unlink()
    assert "not there" in preview.state()["error"]["message"]
    assert preview.frame("mail") == good
    server.write(preview.project, text.replace("News of January", "News of February"))
    said = preview.state()
    assert (said["error"], said["subject"]) == (None, "News of February")


@pytest.mark.parametrize(
    ("name", "wrong", "place"),
    [
        ("newsletter.toml", "[newsletter\n", "newsletter.toml"),
        (".env", "what is this\n", ".env"),
        ("templates/email/partials/footer.mjml", "{% broken %}", "templates/email/partials/footer.mjml"),
        ("templates/email/theme.toml", "[colors.light]\nlink = 'red'\n", "templates/email/theme.toml"),
    ],
)
def test_whatever_is_broken_heals(preview, name, wrong, place):
    """Settings, templates and theme may be wrong for a while; the letter stays, and is true again when they are right."""
    good, path = preview.frame("mail"), preview.project.root / name
    before = path.read_text(encoding="utf-8") if path.exists() else None
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(wrong, encoding="utf-8")
    said = preview.state()
    assert said["error"]["where"]["path"] == place
    assert said["subject"] == "News of January"
    assert preview.frame("mail") == good
    if before is None:
        path.unlink()
    else:
        path.write_text(before, encoding="utf-8")
    assert preview.state()["error"] is None
    assert preview.frame("mail") == good


def test_settings_are_read_again(preview):
    """The name of the newsletter changes in the file, and in the letter."""
    path = preview.project.root / "newsletter.toml"
    path.write_text(path.read_text(encoding="utf-8").replace("Example Team <", "Another Team <"), encoding="utf-8")
    assert preview.state()["from"] == "Another Team <team@example.org>"


def test_an_issue_that_was_never_right_shows_its_error(project):
    """The first thing that somebody opens may be broken: the page still comes, with the error and no letter."""
    server.write(project, "---\ntitle: [\n---\n")
    with server.running(project) as preview:
        assert preview.get("/issues/2026-01").status_code == 200
        assert preview.state()["error"]["where"]["path"] == "issues/2026-01.md"
        assert "nothing to show yet" in preview.frame("mail")
        assert "2026-01" in preview.get("/").text


def test_a_secret_is_never_part_of_an_error(preview):
    """The lines around a mistake are shown, but not those of the file that holds passwords."""
    (preview.project.root / ".env").write_text("SMTP_PASSWORD=hunter2\nwhat is this\n", encoding="utf-8")
    error = preview.state()["error"]
    assert error["where"]["path"] == ".env"
    assert error["excerpt"] == ""
    assert "hunter2" not in json.dumps(preview.state())


def test_a_list_that_cannot_be_read_is_told(preview):
    """Another list's mistake does not take the page away."""
    (preview.project.root / "recipients" / "odd.csv").write_bytes(b"\0\1\2\3" * 50)
    assert {each["name"]: each["count"] for each in preview.state(to="staff")["lists"]}["staff"] == 3
    assert preview.get("/issues/2026-01/state.json", to="odd").status_code == 200


def test_a_mistake_of_the_program_is_told(preview, monkeypatch):
    """A check that fails in an unforeseen way takes no frame away, its answer is guarded, and the page can say what happened."""
    from composer.web.preview import judging

    def fails(*_args):
        raise ZeroDivisionError("by zero")

    monkeypatch.setattr(judging, "check", fails)
    answer = preview.get("/issues/2026-01/state.json")
    assert answer.status_code == 500
    assert answer.json()["error"]["message"] == "something went wrong that should not: ZeroDivisionError: by zero"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["connection"] == "close"  # as it will: who asks again on this connection may find it gone
    assert "snowdrops" in preview.frame("mail")
    assert preview.get("/issues/2026-01").status_code == 500
    monkeypatch.undo()
    assert preview.get("/issues/2026-01").status_code == 200
