"""The outbox: complete files under safe, sortable names, or a clear error."""

from __future__ import annotations

import errno
import os
import re
from pathlib import Path

import pytest

from composer.config import Outbox, Transports
from composer.errors import ConfigError, TransportError
from composer.project import with_config
from composer.testing import FakeClock, a_message, an_audience
from composer.transport import outbox
from composer.transport.outbox import OutboxTransport, file_name
from composer.transport.registry import Occasion, open_transport, way_out


def _batch(people):
    everyone = enumerate(an_audience(people).subscribers, 1)
    return [a_message(subscriber=person, delivery_id=f"d{number}", position=number) for number, person in everyone]


def test_names_sort_as_the_list_does(tmp_path):
    """People look through the folder in the order of their list, beyond nine too."""
    transport = OutboxTransport(tmp_path)
    transport.send(_batch(11))
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names[0] == "000001-person1-example.com.eml"
    assert names[10] == "000011-person11-example.com.eml"


@pytest.mark.parametrize(
    ("email", "name"),
    [
        ("Ana.O_Neil+x@example.org", "000001-ana.o_neil+x-example.org.eml"),
        ("../../etc/passwd@example.org", "000001-etc-passwd-example.org.eml"),
        ("a\\b:c*d@example.org", "000001-a-b-c-d-example.org.eml"),
        ("josé@example.org", "000001-jos-example.org.eml"),
        ("\n\0", "000001-nobody.eml"),
        (".hidden@example.org", "000001-hidden-example.org.eml"),
    ],
)
def test_no_address_plays_tricks_with_paths(email, name):
    """An address is other people's text; the file stays in its folder."""
    assert file_name(a_message()._replace(email=email, position=1)) == name


def test_names_are_bounded_and_plain():
    """Every file system takes them."""
    name = file_name(a_message()._replace(email="x" * 300 + "@" + "y" * 300, position=123))
    assert len(name) <= 100
    assert re.fullmatch(r"[a-z0-9._+-]+\.eml", name)


def test_names_without_a_place_are_told_apart_by_the_delivery():
    """Two people whose addresses look alike once sanitised get two files."""
    one, two = (file_name(a_message()._replace(email="a/b@c.org", delivery_id=identity)) for identity in ("aaa", "bbb"))
    assert one != two


def test_the_same_delivery_replaces_its_file(tmp_path):
    """That is what makes it safe to send again after a crash."""
    message = a_message()
    OutboxTransport(tmp_path).send([message])
    OutboxTransport(tmp_path).send([message._replace(prefix="[Second] ")])
    (path,) = tmp_path.iterdir()
    assert b"Subject: [Second] " in path.read_bytes()


def test_full_disk_leaves_no_half_file(tmp_path, monkeypatch):
    """A file that has the name is complete; what was in the making is gone."""
    fsync, calls = os.fsync, []

    def full(descriptor):
        calls.append(descriptor)
        if len(calls) == 2:
            raise OSError(errno.ENOSPC, "No space left on device")
        fsync(descriptor)

    monkeypatch.setattr(outbox.os, "fsync", full)
    with pytest.raises(TransportError, match="No space left") as caught:
        OutboxTransport(tmp_path).send(_batch(3))
    assert "room" in caught.value.hint
    assert [path.name for path in tmp_path.iterdir()] == ["000001-person1-example.com.eml"]


def test_folder_that_cannot_be(tmp_path):
    """A file in the folder's place is a transport that is unusable, not a rejected person."""
    (tmp_path / "outbox").write_text("a file")
    with pytest.raises(TransportError, match="cannot be written"):
        OutboxTransport(tmp_path / "outbox" / "2026-01").send(_batch(1))


@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="needs a file system that nobody may write to")
def test_read_only_folder():
    """The same for a folder that may not be written."""
    with pytest.raises(TransportError, match="cannot be written"):
        OutboxTransport(Path("/proc/outbox")).send(_batch(1))


def test_what_a_killed_process_left_is_swept(tmp_path):
    """Half-written files of a dead process go when the next one begins; other files stay."""
    (tmp_path / ".000001-x.eml.part").write_bytes(b"half")
    (tmp_path / "notes.txt").write_text("mine")
    OutboxTransport(tmp_path).send(_batch(1))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["000001-person1-example.com.eml", "notes.txt"]


def test_registry_opens_by_name(project):
    """The folder names issue, time and campaign, so that campaigns never mix, and is the same on a resume."""
    moved = with_config(project, transport=Transports(outbox=Outbox(path="mail/out")))
    occasion = Occasion("2026-01", 7, FakeClock().now)
    transport = open_transport(moved, "outbox", occasion)
    assert transport.folder == project.root / "mail" / "out" / "2026-01" / "20260115-090000-7"
    assert way_out("outbox").place(moved, occasion) == str(transport.folder)
    assert (transport.real, transport.idempotent) == (False, True)


def test_registry_keeps_an_absolute_folder(project, tmp_path):
    """An outbox outside the project is shown with its whole path and used as it is."""
    moved = with_config(project, transport=Transports(outbox=Outbox(path=str(tmp_path / "elsewhere"))))
    transport = open_transport(moved, "outbox", Occasion("2026-01", 7, FakeClock().now))
    assert transport.folder == tmp_path / "elsewhere" / "2026-01" / "20260115-090000-7"


@pytest.mark.parametrize("stem", ["..", ".", "", "../..", "/etc", "a/../../..", "\0", ". .", "..\n"])
def test_no_stem_leads_out_of_the_outbox(project, stem):
    """A stem is whatever a file was called; the mails of a campaign stay in the folder that is ignored by git."""
    place = Path(way_out("outbox").place(project, Occasion(stem, 7, FakeClock().now)))
    outbox = project.root / "outbox"
    assert place.resolve().parent.parent == outbox
    assert open_transport(project, "outbox", Occasion(stem, 7, FakeClock().now)).folder == place


def test_a_plain_stem_is_its_folder(project):
    """Letters of any script, spaces, dots and dashes stay as they are."""
    for stem in ("2026-01", "Fête 2.1", "news_of.may+june", "新聞 一月"):
        assert Path(way_out("outbox").place(project, Occasion(stem, 7, FakeClock().now))).parent.name == stem


def test_unknown_transport(project):
    """A typo names what there is."""
    with pytest.raises(ConfigError, match="no transport pigeon") as caught:
        way_out("pigeon")
    assert "outbox" in caught.value.hint


def test_a_message_is_readable_by_its_owner_alone(tmp_path):
    """Subscriber data is personal, also in a rehearsal on a shared machine."""
    outbox = OutboxTransport(tmp_path)
    outbox.send([a_message()])
    (file,) = tmp_path.glob("*.eml")
    assert file.stat().st_mode & 0o777 == 0o600
