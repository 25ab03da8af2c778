"""The text part of a letter, letter by letter; and that the same input gives the same bytes anywhere.

After a wanted change: ``UPDATE_GOLDEN=1 pytest tests/golden`` and look at the difference.
"""

import json
import os
import struct
import subprocess
import sys
import zlib
from dataclasses import replace
from pathlib import Path

import pytest

from composer.config import ListSettings
from composer.edition.compose import compose
from composer.edition.fields import fill_for_display
from composer.issue.files import read_issue
from composer.project import find, with_config

FOLDER = Path(__file__).parent / "edition"
STAFF = ListSettings(name="staff", kind="staff")
ELSEWHERE = """
import json, sys
from pathlib import Path
from composer.config import ListSettings
from composer.edition.compose import compose
from composer.issue.files import read_issue
from composer.project import find
project = find(Path(sys.argv[1]), exact=True)
edition = compose(read_issue(project.issues / "letter.md", project), ListSettings(name="staff", kind="staff"), project)
print(json.dumps([edition.digest, edition.html, edition.text, edition.mjml]))
"""


def picture(shade):
    """A PNG of 40 by 20 pixels in one shade of grey."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = (b"\x00" + bytes([shade]) * 40) * 20
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", struct.pack(">IIBBBBB", 40, 20, 8, 0, 0, 0, 0))
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )


@pytest.fixture
def letter(project):
    """The project with the letter of this folder and its picture."""
    (project.issues / "letter.md").write_bytes((FOLDER / "letter.md").read_bytes())
    (project.issues / "wave.png").write_bytes(picture(100))
    return project


def edition(project, list_=STAFF):
    """Compose the letter of a project."""
    return compose(read_issue(project.issues / "letter.md", project), list_, project)


def test_the_text_part(letter):
    """What a person with a terminal reads; a change of one space is seen here."""
    made = edition(letter)
    text = f"Subject: {fill_for_display(made, made.subject)}\n\n{fill_for_display(made, made.text)}"
    golden = FOLDER / "letter.txt"
    if os.environ.get("UPDATE_GOLDEN"):
        golden.write_text(text, encoding="utf-8")
    assert text == golden.read_text(encoding="utf-8")


def test_the_same_bytes_on_every_run_and_machine(letter, tmp_path):
    """What was tested is what is sent: hash seed, folder, time zone, language and the time of day change nothing."""
    here = edition(letter)
    moved = letter.root.rename(tmp_path / "a folder elsewhere")
    settings = [("0", "Pacific/Kiritimati", "C", "/"), ("4242", "America/St_Johns", "tr_TR.UTF-8", str(tmp_path))]
    for seed, zone, language, folder in settings:
        environment = {**os.environ, "PYTHONHASHSEED": seed, "TZ": zone, "LC_ALL": language, "LANG": language, "PYTHONUTF8": "0"}
        run = subprocess.run(
            [sys.executable, "-c", ELSEWHERE, str(moved)], cwd=folder, env=environment, capture_output=True, text=True, check=True
        )
        assert json.loads(run.stdout) == [here.digest, here.html, here.text, here.mjml]


def test_composing_again_gives_the_same(letter):
    """Caches of templates and of the inliner leave no trace, nor does another letter in between."""
    first = edition(letter)
    other = compose(read_issue(letter.issues / "2026-01.md", letter), STAFF, letter)
    assert edition(letter) == first
    assert other.digest != first.digest


def edited(old, new):
    """Change the letter's text."""

    def change(project):
        path = project.issues / "letter.md"
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new, 1), encoding="utf-8")
        return project

    return change


def themed(project):
    """Change one colour."""
    folder = project.root / "templates" / "email"
    folder.mkdir(parents=True)
    (folder / "theme.toml").write_text('[colors.light]\nlink = "#B5121C"\n', encoding="utf-8")
    return project


def repainted(project):
    """Change the picture's bytes, not its size."""
    (project.issues / "wave.png").write_bytes(picture(101))
    return project


def configured(**changes):
    """Change the newsletter's settings."""
    return lambda project: with_config(project, newsletter=replace(project.config.newsletter, **changes))


CHANGES = {
    "one letter": edited("grows", "growS"),
    "a subject": edited("news of January", "news of january"),
    "a preheader": edited("while it snowed", "while it rained"),
    "an address": edited("example.org/fair", "example.org/fare"),
    "a default": edited('default("friend")', 'default("reader")'),
    "a field": edited("{{ city }}", "{{ town }}"),
    "an alternative text": edited("A wave", "A cave"),
    "a sender": configured(from_="Other <team@example.org>"),
    "a reply-to": configured(reply_to="other@example.org"),
    "a postal address": configured(postal_address="Elsewhere"),
    "a theme": themed,
    "a picture": repainted,
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_whatever_a_reader_gets_is_in_the_digest(letter, change):
    """A test that was approved says nothing of a letter that differs in one bit."""
    before = edition(letter)
    assert edition(change(letter)).digest != before.digest


def test_another_list_is_another_edition_where_the_reader_sees_it(letter):
    """The footer names the list; a list that is not named there differently is the same letter."""
    before = edition(letter)
    assert edition(letter, replace(STAFF, title="Others")).digest != before.digest
    assert edition(letter, replace(STAFF, from_="o@example.org")).digest != before.digest


def test_what_no_reader_gets_is_not_in_the_digest(letter):
    """A category, or a comment in the configuration, needs no new test send."""
    before = edition(letter)
    path = letter.root / "newsletter.toml"
    path.write_text(path.read_text(encoding="utf-8") + "\n# a remark\n", encoding="utf-8")
    assert edition(find(letter.root, exact=True)).digest == before.digest
