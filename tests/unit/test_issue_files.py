"""The files of an issue: its text in any encoding, its images where they are looked for, and what is refused."""

import base64
import io
import os

import pytest
from PIL import Image

from composer.errors import IssueError
from composer.findings import Severity
from composer.issue.files import read_issue
from composer.issue.model import Figure


def picture(kind="PNG", mode="RGB", size=(4, 3)):
    """Draw a small picture."""
    data = io.BytesIO()
    Image.new(mode, size).save(data, kind)
    return data.getvalue()


@pytest.fixture
def write(project):
    """Write an issue's body (and files beside it) and read it back."""

    def write(body, **files):
        path = project.issues / "x.md"
        for name, data in files.items():
            (project.issues / name.replace("__", ".")).write_bytes(data)
        path.write_bytes(body if isinstance(body, bytes) else f"---\ntitle: T\n---\n{body}".encode())
        return read_issue(path, project)

    return write


def codes(issue):
    """List what was found, without remarks about alt texts."""
    return [finding.code for finding in issue.findings if finding.code != "image-without-alt"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_an_issue_in_its_encodings(write, encoding):
    """Editors on Windows write byte order marks and UTF-16."""
    issue = write("---\r\ntitle: Ünï\r\n---\r\nwörds\r\n".encode(encoding))
    assert issue.title == "Ünï"
    assert (issue.stem, issue.path, issue.lead[0].line) == ("x", "issues/x.md", 4)


def test_an_encoding_that_is_not(write):
    """A byte of Latin-1 names its line."""
    with pytest.raises(IssueError, match="not text in UTF-8") as caught:
        write(b"---\ntitle: T\n---\nw\xf6rds")
    assert caught.value.where.line == 4


def test_an_issue_outside_the_project(project, tmp_path):
    """A file from elsewhere is shown by its whole path, and reaches its own images."""
    path = tmp_path / "elsewhere" / "y.md"
    path.parent.mkdir()
    path.write_text("---\ntitle: T\n---\n![A](a.png)", encoding="utf-8")
    (path.parent / "a.png").write_bytes(picture())
    issue = read_issue(path, project)
    assert issue.path == path.as_posix()
    assert len(issue.assets) == 1


def test_what_is_no_file_is_refused(project):
    """A folder, a pipe that nobody writes to, nothing at all: an error, no hang."""
    folder, pipe = project.issues / "folder.md", project.issues / "pipe.md"
    folder.mkdir()
    os.mkfifo(pipe)
    for path in (folder, pipe, project.issues / "none.md"):
        with pytest.raises(IssueError) as caught:
            read_issue(path, project)
        assert caught.value.where.path == f"issues/{path.name}"


def test_a_file_that_may_not_be_read(project, monkeypatch):
    """The system's word, no traceback."""

    def refuse(path):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("pathlib.Path.read_bytes", refuse)
    with pytest.raises(IssueError, match="Permission denied"):
        read_issue(project.issues / "2026-01.md", project)


@pytest.mark.parametrize("src", ["a.png", "./a.png", "a.png?x=1#y", "issues/a.png", "/issues/a.png", "../issues/a.png", "%61.png"])
def test_where_images_are_looked_for(write, src):
    """Beside the issue, then from the project's root; percent signs and queries as in a URL."""
    issue = write(f"![A]({src})", a__png=picture())
    (asset,) = issue.assets
    figure = issue.lead[0]
    assert isinstance(figure, Figure)
    assert (figure.image.src, figure.image.width, figure.image.height) == (asset.mark, 4, 3)
    assert (asset.name, asset.media_type, codes(issue)) == ("a.png", "image/png", [])


def test_names_with_spaces(write, project):
    """Typed in angle brackets or escaped, they name one file."""
    (project.issues / "my picture.png").write_bytes(picture())
    issue = write("![A](<my picture.png>)\n\n![A](my%20picture.png)")
    assert [asset.name for asset in issue.assets] == ["my-picture.png"]


def test_no_way_out_of_the_project(write, project, tmp_path):
    """Neither dots nor links lead to other people's files."""
    (tmp_path / "secret.png").write_bytes(picture())
    (project.issues / "link.png").symlink_to(tmp_path / "secret.png")
    (project.issues / "loop.png").symlink_to(project.issues / "loop.png")
    issue = write("![A](../../secret.png) ![A](link.png) ![A](loop.png) ![A](%2e%2e/%2e%2e/secret.png) b")
    assert issue.assets == ()
    assert codes(issue) == ["image-not-found"] * 4


def test_what_is_not_found(write):
    """A relative path is an error; a root-relative one may be on the site."""
    issue = write(f"![A](no.png)\n\n![A](/img/no.png)\n\n![A]({'x' * 300}.png) ![A](a%00b.png) ![A](..) b")
    assert codes(issue) == ["image-not-found", "image-not-local", *["image-not-found"] * 3]
    assert [finding.where.line for finding in issue.findings] == [4, 6, 8, 8, 8]
    assert issue.findings[0].severity is Severity.ERROR
    assert issue.findings[1].severity is Severity.WARNING
    assert issue.lead[0].image.src == "https://www.example.org/img/no.png"


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "image-unreadable"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "image-unreadable"),
        (b"\x89PNG\r\n\x1a\nbroken", "image-unreadable"),
        (picture()[:30], "image-unreadable"),
        (picture("WEBP"), "image-unreadable"),
        (picture("BMP"), "image-unreadable"),
        (picture() + b"\0" * 1_000_001, "image-heavy"),
        (picture("JPEG", "CMYK"), None),
        (picture(size=(1, 1)), None),
        (picture("GIF", "P"), None),
    ],
)
def test_what_is_in_the_file(write, data, code):
    """The content decides, not the name."""
    assert codes(write("![A](a.png)\n\nb", a__png=data)) == ([code] if code else [])


def test_a_pasted_picture(write):
    """It becomes a file of the mail like any other, with a warning; a broken one is an error."""
    good = base64.b64encode(picture()).decode()
    issue = write(f"![A](data:image/png;base64,{good})\n\n![A](data:image/png;base64,AAA)\n\n![A](data:,x)")
    assert codes(issue) == ["image-data-uri", "image-data-uri", "image-unreadable", "image-data-uri", "image-unreadable"]
    assert len(issue.assets) == 1


def test_the_same_picture_twice_is_one_asset(write):
    """Mails carry it once."""
    issue = write("![A](a.png)\n\n![B](b.png)", a__png=picture(), b__png=picture())
    assert len(issue.assets) == 1
    assert issue.lead[0].image.src == issue.lead[1].image.src


def test_the_real_issues_are_read_without_errors(shared_issues, project):
    """The tool's whole purpose: those files as they are, sections, events and buttons seen."""
    for path in shared_issues:
        issue = read_issue(path, project)
        assert [finding for finding in issue.findings if finding.severity is Severity.ERROR] == []
        assert len(issue.sections) > 8
        assert all(section.title for section in issue.sections)
        assert {block.__class__.__name__ for section in issue.sections for block in section.blocks} >= {"Paragraph", "Items", "Events"}
        assert not issue.draft
        assert issue.month in issue.title


def test_our_own_issues_are_read_without_errors(repository):
    """They are what people copy."""
    from composer.project import find

    project = find(repository, exact=True)
    for path in sorted(project.issues.glob("*.md")):
        assert [finding for finding in read_issue(path, project).findings if finding.severity is Severity.ERROR] == []
