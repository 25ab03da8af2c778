"""The files of a build: what each holds, and how they come onto the disk. Every file is replaced as a whole or not at all."""

from __future__ import annotations

import json
import os
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from composer.config import ListSettings
    from composer.edition.model import Edition, Slot
    from composer.issue.model import Asset, Issue
    from composer.project import Project

READER = "reader@example.com"


def files_of(issue: Issue, edition: Edition, settings: ListSettings, project: Project) -> dict[str, bytes]:
    """Return every file of a build: path below its folder → bytes. ``email.eml`` is what a made-up reader gets."""
    from composer.edition.compose import compose_web  # noqa: PLC0415 - heavy

    texts = {
        "email.html": shown(edition, edition.html, project),
        "email.txt": shown(edition, edition.text, project),
        "email.mjml": shown(edition, edition.mjml, project),
        "web.html": shown(edition, compose_web(issue, settings, project), project),
        "edition.json": json.dumps(description(edition), ensure_ascii=False, indent=2) + "\n",
    }
    images = {f"images/{asset.hosted_name}": asset.data for asset in edition.attachments}
    return {**{name: text.encode() for name, text in texts.items()}, "email.eml": sample_mail(issue, edition, settings, project), **images}


def shown(edition: Edition, text: str, project: Project) -> str:
    """Return a text of the edition for looking at: fields as defaults or as written, images at their addresses."""
    from composer.edition.fields import fill_for_display  # noqa: PLC0415 - `--help` needs no edition

    base = (project.config.images.url or "images").rstrip("/")
    text = fill_for_display(edition, text)
    for asset in edition.attachments:
        text = text.replace(asset.mark, f"{base}/{asset.hosted_name}")
    return text


def sample_mail(issue: Issue, edition: Edition, settings: ListSettings, project: Project) -> bytes:
    """Return the mail of a made-up reader who has a value for every field; its unsubscribe link is signed with no real key."""
    from composer.audience.model import Subscriber  # noqa: PLC0415 - `--help` needs none of these
    from composer.message.build import build_message, inline_images  # noqa: PLC0415
    from composer.message.merge import Merger  # noqa: PLC0415
    from composer.message.mime import to_bytes  # noqa: PLC0415

    message = build_message(
        Merger(edition, inline_images(edition)),
        Subscriber(READER, READER, fields=_made_up(edition)),
        delivery_id="sample",
        date=issue.date or datetime.now(UTC),
        config=project.config,
        settings=settings,
        keys=("this mail goes to nobody",),
    )
    return to_bytes(message)


def description(edition: Edition) -> dict[str, object]:
    """Return what ``edition.json`` says: everything of the edition but its long texts. Its shape is in docs/cli.md."""
    from composer.edition.fields import as_written  # noqa: PLC0415 - `--help` needs no edition

    return {
        "stem": edition.stem,
        "list": edition.list_name,
        "language": edition.language,
        "from": edition.from_,
        "reply_to": edition.reply_to,
        "subject": as_written(edition, edition.subject),
        "preheader": as_written(edition, edition.preheader),
        "draft": edition.draft,
        "digest": edition.digest,
        "fields": [_field(slot) for slot in edition.fields],
        "images": [_image(asset) for asset in edition.attachments],
    }


def _field(slot: Slot) -> dict[str, object]:
    context = slot.context.name.lower()
    return {"name": slot.name, "context": context, "default": slot.default, "source": slot.source, "where": str(slot.where)}


def _image(asset: Asset) -> dict[str, object]:
    file = f"images/{asset.hosted_name}"
    return {"name": asset.name, "file": file, "sha256": asset.sha256, "width": asset.width, "height": asset.height}


def write(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write files below a folder, each replaced at once. Raises OSError."""
    for name, data in files.items():
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        number, temporary = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
        try:
            with os.fdopen(number, "wb") as file:
                file.write(data)
            Path(temporary).chmod(0o644)
            Path(temporary).replace(target)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise


def _made_up(edition: Edition) -> dict[str, str]:
    from composer.edition.model import Context  # noqa: PLC0415 - `--help` needs no edition
    from composer.issue.model import SYSTEM_FIELDS  # noqa: PLC0415

    values: dict[str, str] = {}
    for slot in edition.fields:
        if slot.default is None and slot.name not in SYSTEM_FIELDS:
            words = slot.name.replace("_", " ")
            values[slot.name] = f"https://www.example.com/{slot.name}" if slot.context is Context.HREF else values.get(slot.name, words)
    return values
