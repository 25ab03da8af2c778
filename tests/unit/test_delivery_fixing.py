"""Mending on disk: the file keeps its encoding and rights, originals of images stay, and a second time nothing is left to do."""

from __future__ import annotations

import io
import os

import pytest
from PIL import Image

from composer.checks.fixes import Change
from composer.delivery.fixing import mend
from composer.errors import IssueError
from composer.issue.files import read_issue

HEAD = "---\ntitle: T\n---\n"


@pytest.fixture
def issue(project):
    """Name an issue's file, and write to it."""
    path = project.issues / "2026-02.md"

    def write(body, encoding="utf-8", head=HEAD):
        path.write_bytes((head + body).encode(encoding))
        return path

    return write


def picture(path, size=(1500, 1000), kind=None, mode="RGB", **options):
    """Write a picture that is not all of one colour."""
    image = Image.radial_gradient("L").resize(size).convert(mode)
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path, kind, **options)
    return path.read_bytes()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_the_file_keeps_its_encoding_and_rights(project, issue, encoding):
    """The next program that reads it finds what it left."""
    path = issue("![]()\r\n\r\nö [a ](https://x.org)\r\n", encoding, HEAD.replace("\n", "\r\n"))
    path.chmod(0o640)
    first = path.read_bytes()[:3]
    changes = mend(project, path)
    assert [change.line for change in changes] == [4, 6]
    data = path.read_bytes()
    assert data[:2] == first[:2]
    assert data.decode(encoding) == "---\r\ntitle: T\r\n---\r\n\r\nö [a](https://x.org)\r\n"
    assert path.stat().st_mode & 0o777 == 0o640
    assert mend(project, path) == ()
    assert path.read_bytes() == data


def test_a_file_with_nothing_to_mend_is_not_written(project, issue):
    """Its time of change would wake every editor and preview."""
    path = issue("text\n")
    os.utime(path, (1, 1))
    assert mend(project, path) == ()
    assert path.stat().st_mtime == 1
    assert [each.name for each in path.parent.iterdir() if each.name.startswith(".")] == []


def test_a_wide_image_gets_a_smaller_one_beside_it(project, issue):
    """1,200 pixels travel; the photograph stays where it was, as it was."""
    original = picture(project.issues / "images" / "my hall.jpg", quality=95)
    body = 'a\n\n![A hall](images/my%20hall.jpg "T"){width=300}\n\n[![A hall](<images/my hall.jpg>)](https://x.org)\n'
    path = issue(body)
    changes = mend(project, path)
    said = "the image images/my%20hall.jpg is scaled to 1,200 pixels as images/my%20hall-1200.jpg"
    assert changes[0] == Change(6, said)
    assert len(changes) == 2
    text = path.read_text(encoding="utf-8")
    assert text == HEAD + body.replace("my%20hall.", "my%20hall-1200.").replace("my hall.", "my hall-1200.")
    assert (project.issues / "images" / "my hall.jpg").read_bytes() == original
    (asset,) = read_issue(path, project).assets
    assert (asset.width, asset.height) == (1200, 800)
    assert len(asset.data) < len(original)
    assert mend(project, path) == ()


@pytest.mark.parametrize(
    ("name", "mode", "options"),
    [("a.png", "RGB", {}), ("a.png", "RGBA", {}), ("a.png", "P", {}), ("a.png", "L", {}), ("a.JPEG", "L", {}), ("a.jpg", "CMYK", {})],
)
def test_pictures_of_every_kind(project, issue, name, mode, options):
    """The kind stays: what had few colours has few, what was clear stays clear."""
    picture(project.issues / name, mode=mode, **options)
    path = issue(f"![A]({name})\n")
    assert len(mend(project, path)) == 1
    small = project.issues / name.replace(".", "-1200.")
    with Image.open(small) as image:
        assert image.size == (1200, 800)
        assert image.mode == mode
    assert small.stat().st_mode & 0o777 == 0o644


def test_a_picture_that_lies_on_its_side_is_set_upright(project, issue):
    """Phones write which way is up beside the picture; mail programs do not all read it, and where it was taken is nobody's business."""
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x010E] = "taken at home"
    picture(project.issues / "a.jpg", size=(2400, 1600), exif=exif)
    path = issue("![A](a.jpg)\n")
    mend(project, path)
    with Image.open(project.issues / "a-1200.jpg") as image:
        assert image.size == (1200, 1800)
        assert not image.getexif()


@pytest.mark.parametrize(
    "body",
    [
        "![A](small.png)",
        "![A](moving.gif)",
        "![A](https://x.org/wide.png)",
        "![A](missing.png)",
        "`![A](wide.png)` ![A](small.png)",
        "```\n![A](wide.png)\n```",
        '<img src="wide.png" alt="A">',
        "![A](taken.png)",
    ],
)
def test_what_is_left_alone(project, issue, body):
    """What fits, what moves, what is elsewhere, code, and where another picture has the name."""
    picture(project.issues / "wide.png")
    picture(project.issues / "small.png", size=(1200, 800))
    picture(project.issues / "taken.png")
    taken = picture(project.issues / "taken-1200.png", size=(40, 40))
    frames = [Image.new("L", (1400, 20), shade) for shade in (0, 255)]
    frames[0].save(project.issues / "moving.gif", save_all=True, append_images=frames[1:])
    path = issue(f"text\n\n{body}\n")
    assert mend(project, path) == ()
    assert path.read_text(encoding="utf-8") == f"{HEAD}text\n\n{body}\n"
    assert not (project.issues / "wide-1200.png").exists()
    assert (project.issues / "taken-1200.png").read_bytes() == taken


def test_a_copy_that_is_there_already_is_taken(project, issue):
    """Two issues may show the same picture."""
    picture(project.issues / "a.png")
    path = issue("![A](a.png)\n")
    mend(project, path)
    before = (project.issues / "a-1200.png").stat().st_mtime_ns
    issue("![A](a.png)\n")
    assert len(mend(project, path)) == 1
    assert (project.issues / "a-1200.png").stat().st_mtime_ns == before


def test_a_picture_outside_of_the_project_is_not_touched(project, issue, tmp_path):
    """A path cannot lead out."""
    picture(tmp_path / "outside.png")
    path = issue("text ![A](../../outside.png)\n")
    assert mend(project, path) == ()
    assert not (tmp_path / "outside-1200.png").exists()


def test_a_broken_picture_is_left(project, issue):
    """Half a download is no picture; the reader speaks of those it cannot open."""
    stream = io.BytesIO()
    Image.radial_gradient("L").resize((2400, 1600)).save(stream, "PNG")
    (project.issues / "a.png").write_bytes(stream.getvalue()[:5000])
    path = issue("text ![A](a.png)\n")
    assert mend(project, path) == ()
    assert [each.name for each in project.issues.iterdir() if "1200" in each.name or each.name.startswith(".")] == []


def test_an_issue_that_cannot_be_read_is_an_error(project, issue):
    """With its line, as everywhere."""
    with pytest.raises(IssueError):
        mend(project, issue("text", head=""))


def test_a_link_to_the_file_stays_one(project, issue):
    """What it leads to is written, not the link."""
    path = issue("![]()\n\ntext\n")
    link = project.issues / "linked.md"
    link.symlink_to(path)
    assert len(mend(project, link)) == 1
    assert link.is_symlink()
    assert path.read_text(encoding="utf-8") == f"{HEAD}\ntext\n"
