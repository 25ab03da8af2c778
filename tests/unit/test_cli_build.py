"""`newsletter build`: its files, what it prints, and how it ends."""

from __future__ import annotations

import email
import email.policy
import json
import re

import pytest
from typer.testing import CliRunner

from composer.cli.app import app
from composer.cli.artifacts import write
from composer.config import ListSettings
from composer.edition.compose import compose
from composer.issue.files import read_issue
from composer.project import with_config

FILES = {"email.html", "email.txt", "email.mjml", "email.eml", "web.html", "edition.json"}
MARK = re.compile(r"q[0-9a-f]{12}[a-z]\d+x")


def build(project, *words):
    return CliRunner().invoke(app, ["--project", str(project.root), "build", *map(str, words)], prog_name="newsletter")


@pytest.fixture
def with_image(project):
    """Give the project an issue with a local image."""
    from PIL import Image

    (project.issues / "images").mkdir()
    Image.new("RGB", (40, 20), "#28A4DB").save(project.issues / "images" / "dot.png")
    text = (project.issues / "2026-01.md").read_text(encoding="utf-8")
    (project.issues / "picture.md").write_text(text + "\n![A blue field](images/dot.png)\n", encoding="utf-8")
    return project


def test_build_writes_every_file(project):
    """These are the files that people and scripts look for."""
    result = build(project, "2026-01", "--to", "staff")
    assert result.exit_code == 0, result.output
    assert {path.name for path in (project.root / "build" / "2026-01").iterdir()} == FILES


def test_build_may_be_repeated_and_gives_the_same_bytes(project):
    """What was tested is what is sent: nothing in a build depends on when it is made."""
    folder = project.root / "build" / "2026-01"
    build(project, "2026-01")
    first = {path.name: path.read_bytes() for path in folder.iterdir()}
    build(project, project.issues / "2026-01.md")
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == first


def test_no_mark_is_left_in_what_people_look_at(with_image):
    """Marks stand for fields and images until the merge; nobody should have to read one."""
    assert build(with_image, "picture").exit_code == 0
    for path in (with_image.root / "build" / "picture").glob("*.*"):
        assert not MARK.findall(path.read_bytes().decode(errors="replace").replace("=\r\n", "")), path.name


def test_fields_show_their_default(project):
    """A build shows what a person without a value would read."""
    build(project, "2026-01")
    folder = project.root / "build" / "2026-01"
    for name in ("email.html", "email.txt", "web.html"):
        assert "Hello friend" in (folder / name).read_text(encoding="utf-8"), name


def test_images_are_written_under_names_that_change_with_their_content(with_image):
    """They are published as they are, and caches must never show an old one."""
    build(with_image, "picture")
    folder = with_image.root / "build" / "picture"
    (image,) = (folder / "images").iterdir()
    assert re.fullmatch(r"dot-[0-9a-f]{12}\.png", image.name)
    assert f'src="images/{image.name}"' in (folder / "email.html").read_text(encoding="utf-8")
    (described,) = json.loads((folder / "edition.json").read_text(encoding="utf-8"))["images"]
    assert described["file"] == f"images/{image.name}"


def test_images_stand_at_their_public_address_when_there_is_one(with_image):
    """With [images] url, the build is what the public will get."""
    toml = with_image.root / "newsletter.toml"
    toml.write_text(toml.read_text() + '\n[images]\nurl = "https://img.example.org/news/"\n')
    build(with_image, "picture")
    html = (with_image.root / "build" / "picture" / "web.html").read_text(encoding="utf-8")
    assert re.search(r'src="https://img\.example\.org/news/dot-[0-9a-f]{12}\.png"', html)


def test_sample_mail_opens_in_any_mail_program(with_image):
    """email.eml is a whole mail to a made-up reader, its image inside."""
    build(with_image, "picture")
    data = (with_image.root / "build" / "picture" / "email.eml").read_bytes()
    mail = email.message_from_bytes(data, policy=email.policy.default)
    assert mail["To"].addresses[0].addr_spec == "reader@example.com"
    assert mail["Subject"] == "News of January"
    assert "Hello friend" in mail.get_body(("plain",)).get_content()
    assert [part.get_content_type() for part in mail.walk() if part.get_content_maintype() == "image"] == ["image/png"]


def test_field_without_default_has_a_value_in_the_sample_mail(project):
    """A required field must not stop a look at the mail."""
    path = project.issues / "needs.md"
    path.write_text("---\ntitle: Needs\n---\n\nDear {{ first_name }}, [page]({{ page }}) of {{ city }}.\n", encoding="utf-8")
    assert build(project, "needs").exit_code == 0
    mail = email.message_from_bytes((project.root / "build" / "needs" / "email.eml").read_bytes(), policy=email.policy.default)
    assert "Dear first name, " in mail.get_body(("plain",)).get_content()


def test_edition_json_describes_the_edition(project):
    """Scripts compare digests and look up fields."""
    build(project, "2026-01", "--to", "staff")
    described = json.loads((project.root / "build" / "2026-01" / "edition.json").read_text(encoding="utf-8"))
    edition = compose(read_issue(project.issue_path("2026-01"), project), ListSettings(name="staff", kind="staff"), project)
    assert described["digest"] == edition.digest
    assert described["list"] == "staff"
    assert described["from"] == "Example Team <team@example.org>"
    field = next(field for field in described["fields"] if field["name"] == "first_name")
    assert (field["default"], field["where"]) == ("friend", "issues/2026-01.md:8")


@pytest.mark.parametrize(("form", "start"), [("html", "<!DOCTYPE html"), ("text", "The Example Letter"), ("mjml", "<mjml")])
def test_stdout_prints_one_format_and_writes_nothing(project, form, start):
    """For pipes: nothing but the text, and no files."""
    result = build(project, "2026-01", "--stdout", form)
    assert result.exit_code == 0
    assert result.stdout.lstrip().startswith(start)
    assert result.stdout.endswith("\n")
    assert not (project.root / "build").exists()


def test_stdout_with_out_is_refused(project):
    """Two places for one result is a mistake."""
    assert build(project, "2026-01", "--stdout", "html", "--out", "x").exit_code == 2


def test_out_names_the_folder_and_json_reports_it(project, tmp_path):
    """A script says where, and reads what came of it."""
    result = build(project, "2026-01", "--out", tmp_path / "here", "--json")
    report = json.loads(result.stdout)
    assert report["folder"] == str(tmp_path / "here")
    assert set(report["files"]) == FILES
    written = len((tmp_path / "here" / "email.html").read_bytes())
    assert written <= report["html_bytes"] < written + 200  # the unsubscribe link is longer than what stands for it
    assert report["findings"] == []


def test_errors_to_look_at_end_with_one_and_still_write(project):
    """The editor wants to see the letter even when something in it is wrong."""
    (project.issues / "wrong.md").write_text("---\ntitle: Wrong\n---\n\nText ![Hall](no.png) more.\n", encoding="utf-8")
    result = build(project, "wrong", "--json")
    assert result.exit_code == 1
    assert "issues/wrong.md:5: error:" in result.stderr
    assert [finding["code"] for finding in json.loads(result.stdout)["findings"]] == ["image-not-found"]
    assert (project.root / "build" / "wrong" / "email.html").is_file()


def test_issue_that_cannot_be_parsed_ends_with_two_and_writes_nothing(project):
    """There is nothing to write."""
    (project.issues / "bad.md").write_text("no front matter", encoding="utf-8")
    result = build(project, "bad")
    assert result.exit_code == 2
    assert result.stderr.startswith("error: issues/bad.md:1: ")
    assert not (project.root / "build").exists()


def test_unknown_issue_and_list_are_named(project):
    """The message says which issues and lists there are."""
    assert "2026-01" in build(project, "2026-99").stderr
    assert "staff" in build(project, "2026-01", "--to", "stuff").stderr


def test_folder_that_cannot_be_written_is_a_clear_error(project):
    """A file where the folder should be."""
    (project.root / "taken").write_text("")
    result = build(project, "2026-01", "--out", project.root / "taken")
    assert result.exit_code == 2
    assert "--out" in result.stderr


def test_a_letter_that_gmail_would_clip_is_a_warning(project):
    """Gmail hides what exceeds its clip, and the unsubscribe link with it; the longest name of the list counts."""
    (project.issues / "long.md").write_text("---\ntitle: Long\n---\n" + '{{ first_name | default("x") }} word\n\n' * 900, encoding="utf-8")
    assert "gmail-clip" not in build(project, "long").stderr
    (project.recipients / "long.csv").write_text(f"email,first_name\na@example.org,{'n' * 100}\n", encoding="utf-8")
    assert "gmail-clip" in build(project, "long", "--to", "long").stderr


def test_build_for_a_list_checks_the_list(project):
    """Promise 4: what would stop the send, or go wrong for somebody, is said at its row before the send."""
    text = '---\ntitle: T\n---\nHello {{ first_name }} of {{ ctiy | default("town") }}, [yours]({{ page }})\n'
    (project.issues / "fields.md").write_text(text, encoding="utf-8")
    rows = "email,first_name,city,page\na@example.org,Ann,Rome,https://a.example\nb@example.org,,Rome,nowhere\nc@,Cy,Rome,\n"
    (project.recipients / "people.csv").write_text(rows, encoding="utf-8")
    assert build(project, "fields").exit_code == 0
    result = build(project, "fields", "--to", "people")
    assert result.exit_code == 1
    for expected in (
        "recipients/people.csv:3:first_name: error",
        "recipients/people.csv:3:page: error",
        "recipients/people.csv:4:email: error",
        "issues/fields.md:4: warning: no list has a column ctiy",
    ):
        assert expected in result.stderr


def test_a_failed_write_leaves_the_old_file_and_no_litter(tmp_path, monkeypatch):
    """Whoever looks at the folder meanwhile sees whole files only."""
    from pathlib import Path

    (tmp_path / "a.txt").write_bytes(b"old")

    def fail(self, target):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(OSError, match="No space"):
        write(tmp_path, {"a.txt": b"new"})
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"a.txt": b"old"}


def test_list_decides_sender_and_language(project):
    """A build for a list shows that list's letter (settings come from the list)."""
    issue = read_issue(project.issue_path("2026-01"), project)
    settings = ListSettings(name="fr", from_="Équipe <equipe@example.org>", language="fr")
    assert compose(issue, settings, with_config(project)).from_ == "Équipe <equipe@example.org>"
