"""The issue package's only I/O: the issue's file, and the images it names."""

from __future__ import annotations

import base64
import binascii
import errno
import hashlib
import io
import re
import unicodedata
import warnings
from contextlib import suppress
from pathlib import Path
from urllib.parse import unquote, unquote_to_bytes

from composer.errors import IssueError
from composer.findings import Where
from composer.issue.addresses import Found
from composer.issue.model import Asset, Issue
from composer.issue.reader import LARGEST, parse_issue
from composer.project import Project

# MPO is how phones save a JPEG that carries a second picture.
_FORMATS = {"PNG": ("png", "image/png"), "JPEG": ("jpg", "image/jpeg"), "MPO": ("jpg", "image/jpeg"), "GIF": ("gif", "image/gif")}
_NOT_THERE = {errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG, errno.ELOOP}
MOST_IMAGE_BYTES = 25_000_000


def read_issue(path: Path, project: Project) -> Issue:
    """Read an issue from its file. Raises IssueError with the line for what cannot be read."""
    images = _Images(path.parent, project.root)
    return parse_issue(
        read_source(path, project),
        path=project.shown(path),
        stem=unicodedata.normalize("NFC", path.stem),  # macOS spells an accent apart
        site_url=project.config.newsletter.site_url,
        local=images.local,
        embedded=images.embedded,
    )


def read_source(path: Path, project: Project) -> str:
    """Return the text of an issue's file with LF line ends. Raises IssueError with the line for what is no text."""
    shown = project.shown(path)
    try:
        if path.exists() and not path.is_file():
            raise IssueError("this is not a file", where=Where(shown), hint="Name the issue's Markdown file, such as issues/2026-01.md.")
        data = path.read_bytes()
    except OSError as err:
        raise IssueError(f"the file cannot be read: {err.strerror}", where=Where(shown)) from err
    if len(data) > 4 * LARGEST:
        line = data.count(b"\n", 0, 4 * LARGEST) + 1
        hint = "Save pasted pictures as files beside the issue."
        raise IssueError(f"the file has {len(data):,} bytes", where=Where(shown, line), hint=hint)
    return _decoded(data, shown).replace("\r\n", "\n").replace("\r", "\n")


def image_file(src: str, issue: Path, root: Path) -> Path | None:
    """Return the file that an image's address in an issue's file names, in the project's ``root`` or beside it; None when there is none."""
    images = _Images(issue.parent, root)
    for folder in images.looked_in(src):
        with suppress(OSError, ValueError, RuntimeError):
            if path := images.inside(folder, src):
                return path
    return None


def _decoded(data: bytes, shown: str) -> str:
    encoding = "utf-16" if data[:2] in {b"\xff\xfe", b"\xfe\xff"} else "utf-8-sig"
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as err:
        line = data.count(b"\n", 0, err.start) + 1
        raise IssueError("the file is not text in UTF-8", where=Where(shown, line), hint="Save it again with the encoding UTF-8.") from err


class _Images:
    """Looks for images beside the issue, then in the project; never outside of both."""

    def __init__(self, beside: Path, root: Path) -> None:
        self.folders = (beside.resolve(), root.resolve())
        self.count = 0
        self.prefix = ""

    def local(self, src: str) -> Found:
        for folder in self.looked_in(src):
            try:
                path = self.inside(folder, src)
                if path is None:
                    continue
                if path.stat().st_size > MOST_IMAGE_BYTES:
                    return Found(problem=f"is larger than {MOST_IMAGE_BYTES // 1_000_000} MB")
                return _asset(path.read_bytes(), path.stem)
            except (OSError, ValueError, RuntimeError) as err:  # pathlib raises RuntimeError for links in a circle
                if isinstance(err, OSError) and err.errno not in _NOT_THERE:
                    return Found(problem=f"cannot be read: {err.strerror}")
        return Found()

    def looked_in(self, src: str) -> tuple[Path, ...]:
        return self.folders[::-1] if src.startswith("/") else self.folders

    def inside(self, folder: Path, src: str) -> Path | None:
        path = (folder / unquote(re.split(r"[?#]", src, maxsplit=1)[0]).lstrip("/")).resolve()
        return path if path.is_file() and any(path.is_relative_to(inside) for inside in self.folders) else None

    def embedded(self, src: str) -> Found:
        head, _, body = src.partition(",")
        try:
            data = base64.b64decode(unquote(body), validate=False) if head.endswith(";base64") else unquote_to_bytes(body)
        except (binascii.Error, ValueError):
            return Found(problem="is broken: it cannot be decoded")
        return _asset(data, "embedded")


def _asset(data: bytes, stem: str) -> Found:
    from PIL import Image, UnidentifiedImageError  # noqa: PLC0415 - costs 40 ms that issues without local images need not pay

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(data)) as image:
                kind, (width, height) = image.format or "", image.size
    except UnidentifiedImageError:
        return Found(problem="is not an image that mail programs show" if data.strip() else "is empty")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError, Image.DecompressionBombWarning):
        return Found(problem="is broken, or far too large")
    if kind not in _FORMATS:
        return Found(problem=f"is in the format {kind}, which mail programs do not all show")
    suffix, media_type = _FORMATS[kind]
    digest = hashlib.sha256(data).hexdigest()
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", stem).strip("-.")[:60] or "image"
    # The mark only has to be one for this content; a digest cannot be met by accident in an issue's text.
    return Found(Asset(f"q{digest[:24]}i", f"{name}.{suffix}", media_type, data, digest, width, height))
