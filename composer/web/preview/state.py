"""All that a page knows of an issue beside its frames, as JSON. Its shape is in docs/preview.md."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict
from types import MappingProxyType
from typing import Any

from composer.delivery.edge_cases import LABELS
from composer.edition.model import Edition
from composer.errors import ComposerError
from composer.findings import Where, as_data
from composer.issue.model import LINK_FIELDS
from composer.project import Project
from composer.transport.registry import way_out
from composer.web.preview.inbox import in_inboxes
from composer.web.preview.judging import Judgement
from composer.web.preview.merging import as_typed, merged_html, merged_text, missing, value_of
from composer.web.preview.people import Guise, People, values_of
from composer.web.preview.rendering import Rendering, Shown
from composer.web.preview.trial import last_test

_REMOTE = re.compile(r"<img\b[^<>]*?\ssrc=\"(https?:[^\"]*)\"", re.IGNORECASE)
_AROUND = 2
_NOTHING: Mapping[str, Any] = MappingProxyType({
    "title": "", "subject": "", "preheader": "", "from": "", "reply_to": "", "digest": "", "draft": False, "as": "defaults",
    "findings": [], "silenced": [], "size": None, "inbox": [], "fields": [], "remote_images": 0, "last_test": None, "lists": [],
    "cases": list(LABELS),
})  # fmt: skip


def state(project: Project, shown: Shown, judgement: Judgement | None, guise: Guise, people: People) -> dict[str, Any]:
    """Return what a page shows of an issue, as somebody; ``judgement`` is of the rendering shown, None where there is none."""
    rendering, problem = shown.good, shown.error or (judgement.error if judgement else None)
    error = described(problem, project) if problem else None
    transport = project.config.delivery.transport
    common = {"error": error, "transport": transport, "real": way_out(transport).real}
    if rendering is None or judgement is None:
        return {**common, **_NOTHING}
    edition, values = rendering.edition, values_of(guise.person)
    subject, preheader = (merged_text(edition, text, values) for text in (edition.subject, edition.preheader))
    html = merged_html(edition, edition.html, values)
    return {
        **common,
        **_head(rendering, subject, preheader, guise),
        "findings": [as_data(each) for each in judgement.report.findings],
        "silenced": [{**as_data(each.finding), "reason": each.reason} for each in judgement.report.silenced],
        "size": asdict(judgement.weight) if judgement.weight else None,
        "inbox": [asdict(row) for row in in_inboxes(edition.from_, subject, preheader, html)],
        "fields": _fields(edition, values),
        "remote_images": len(set(_REMOTE.findall(edition.html))),
        "last_test": _last_test(rendering),
        "lists": people.lists(rendering.project),
        "cases": list(LABELS),
    }


def described(error: ComposerError, project: Project | None) -> dict[str, Any]:
    """Return an error for the page, with the lines around its place."""
    where = error.where
    place = None if where is None else {"path": where.path, "line": where.line, "column": where.column}
    return {"message": error.message, "hint": error.hint, "where": place, "excerpt": _excerpt(where, project)}


def _head(rendering: Rendering, subject: str, preheader: str, guise: Guise) -> dict[str, Any]:
    issue, edition = rendering.issue, rendering.edition
    return {
        "stem": edition.stem,
        "title": as_typed(issue, issue.title),
        "subject": subject,
        "preheader": preheader,
        "from": edition.from_,
        "reply_to": edition.reply_to,
        "digest": edition.digest,
        "draft": edition.draft,
        "as": guise.label,
    }


def _last_test(rendering: Rendering) -> dict[str, Any] | None:
    try:
        return last_test(rendering.project, rendering.edition.stem, rendering.edition.digest)
    except ComposerError:
        return None  # no ledger within reach: a test send says so itself


def _fields(edition: Edition, values: Mapping[str, str]) -> list[dict[str, Any]]:
    lacking = missing(edition, values)
    slots = {slot.source: slot for slot in edition.fields}
    return [
        {
            "name": slot.name,
            "source": slot.source,
            "missing": slot.name in lacking,
            "value": "" if slot.name in LINK_FIELDS else value_of(slot, values) or "",
            "line": slot.where.line,
        }
        for slot in slots.values()
    ]


def _excerpt(where: Where | None, project: Project | None) -> str:
    """The lines around a place in one of the project's files, numbered, the one meant marked."""
    if where is None or where.line is None or project is None:
        return ""
    path = (project.root / where.path).resolve()
    # Settings beside the issue's own files may hold secrets.
    if not path.is_relative_to(project.root) or path.name.startswith("."):
        return ""
    try:
        lines = path.read_text(encoding="utf-8-sig", errors="replace").splitlines()
    except OSError:
        return ""
    first, last = max(1, where.line - _AROUND), min(len(lines), where.line + _AROUND)
    width = len(str(last))
    rows = [f"{'>' if number == where.line else ' '} {number:>{width}} | {lines[number - 1][:160]}" for number in range(first, last + 1)]
    return "\n".join(rows)
