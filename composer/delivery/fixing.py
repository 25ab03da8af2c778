"""Mends an issue's file on disk: what ``composer.checks.fixes`` mends in the text, and images that are wider than any mail shows them.

Every original stays: a scaled image is a new file beside it, and the issue names that one.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from composer.checks.content.reading import words
from composer.checks.fixes import Change, Fixed, fix
from composer.checks.typed import typed
from composer.errors import IssueError
from composer.findings import Where
from composer.issue.addresses import WIDEST
from composer.issue.files import image_file, read_issue

if TYPE_CHECKING:
    from PIL.Image import Image

    from composer.issue.model import Issue
    from composer.project import Project

_ENCODINGS = {b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"}
_FORMATS = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG"}
_QUALITY = 85


def mend(project: Project, path: Path) -> tuple[Change, ...]:
    """Mend an issue's file and the images it names; return what was done, by lines as they were counted before.

    Raises IssueError when the issue cannot be read, or the file not be written.
    """
    issue = read_issue(path, project)
    data = path.read_bytes()
    encoding = _ENCODINGS.get(data[:2], "utf-8")
    source = data.decode(encoding)
    with_images = fix_images(source, issue, path, project.root)
    fixed = fix(with_images.source, issue)
    changes = tuple(sorted((*with_images.changes, *fixed.changes)))
    if changes:
        _write(path.resolve(), fixed.source.encode(encoding), Where(issue.path))
    return changes


def fix_images(source: str, issue: Issue, path: Path, root: Path) -> Fixed:
    """Scale each local PNG or JPEG that is too wide into a file beside it, ``hall-1200.png``, and name that one in the text.

    Leaves alone what moves, what the text names in another way than ``![…](…)``, and what cannot be read or written.
    """
    wide = {asset.sha256 for asset in issue.assets if asset.width > WIDEST}
    if not wide:
        return Fixed(source)
    changes: list[Change] = []
    lines = source.split("\n")
    for number in sorted({image.line for image in words(issue, source).images if 0 < image.line <= len(lines)}):
        for match in reversed([match for match in typed(lines[number - 1]) if match["image"]]):
            address = match["address"].strip("<>")
            scaled = _scaled(address, wide, path, root) if address else ""
            if scaled:
                start = match.start("address") + match["address"].index(address)
                lines[number - 1] = lines[number - 1][:start] + scaled + lines[number - 1][start + len(address) :]
                changes.append(Change(number, f"the image {address} is scaled to {WIDEST:,} pixels as {scaled}"))
    return Fixed("\n".join(lines), tuple(changes)) if changes else Fixed(source)


def _scaled(address: str, wide: set[str], path: Path, root: Path) -> str:
    """The address of the scaled copy of one of these images; empty when there is none."""
    found = image_file(address, path, root)
    kind = _FORMATS.get(found.suffix.lower(), "") if found else ""
    if found is None or not kind or hashlib.sha256(found.read_bytes()).hexdigest() not in wide:
        return ""
    stem, dot, ending = address.rpartition(".")
    target = found.with_name(f"{found.stem}-{WIDEST}{found.suffix}")
    return f"{stem}-{WIDEST}{dot}{ending}" if _is_there(target, found, kind) else ""


def _is_there(target: Path, original: Path, kind: str) -> bool:
    """Make the scaled copy; one that is there already is taken when it is this picture by its shape, and never written over."""
    from PIL import Image, ImageOps  # noqa: PLC0415 - costs 40 ms that a run without wide images need not pay

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(original) as opened:
                if getattr(opened, "is_animated", False) and kind == "PNG":
                    return False
                upright = ImageOps.exif_transpose(opened)
                width = min(WIDEST, upright.width)
                size = (width, max(1, round(upright.height * width / upright.width)))
                if target.exists():
                    with Image.open(target) as there:
                        return there.size == size
                _save(upright, size, target, kind)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError, Image.DecompressionBombWarning):
        return False
    return True


def _save(image: Image, size: tuple[int, int], target: Path, kind: str) -> None:
    from PIL import Image as Images  # noqa: PLC0415 - as above

    profile = image.info.get("icc_profile")
    few_colours = image.mode == "P"
    if few_colours:
        image = image.convert("RGBA" if "transparency" in image.info else "RGB")
    scaled = image.resize(size, Images.Resampling.LANCZOS)
    if few_colours:
        scaled = scaled.quantize(256)
    # What a camera notes of itself and the place is left out.
    options = {"quality": _QUALITY, "progressive": True} if kind == "JPEG" else {}
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=".scaled-")
    try:
        with os.fdopen(handle, "wb") as file:
            scaled.save(file, kind, optimize=True, icc_profile=profile, **options)
        Path(name).chmod(0o644)
        Path(name).replace(target)
    finally:
        Path(name).unlink(missing_ok=True)


def _write(path: Path, data: bytes, where: Where) -> None:
    """Write a file whole or not at all, with the rights that it has."""
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
            Path(name).chmod(path.stat().st_mode & 0o777)
            Path(name).replace(path)
        finally:
            Path(name).unlink(missing_ok=True)
    except OSError as err:
        raise IssueError(f"the file cannot be written: {err.strerror}", where=where) from err
