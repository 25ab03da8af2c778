"""The final message: its headers, and the tree of its parts, as a page to read."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import Message as Part
from html import escape

from composer.delivery.edge_cases import lacking, placeholders
from composer.errors import ComposerError
from composer.message.build import build_message, inline_images
from composer.message.merge import Merger
from composer.message.mime import to_bytes
from composer.web.preview.people import Guise, filled
from composer.web.preview.rendering import Rendering
from composer.web.preview.source import page

# It signs nothing that could be followed: what is shown here never leaves.
_KEYS = ("this message goes to nobody",)
_STYLE = """
:root{color-scheme:light dark}
body{margin:0;padding:16px;font:14px/1.6 system-ui,sans-serif;background:#fffefb;color:#1f2328}
h2{font-size:15px;margin:0 0 8px}h2:not(:first-child){margin-top:24px}
dl{margin:0}dl div{display:grid;grid-template-columns:max(10em,22%) 1fr;padding:2px 0}dt{font-weight:600}
dd{margin:0;overflow-wrap:anywhere}@media (max-width:520px){dl div{display:block;padding:4px 0}}
dd,li{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;font-size:13px}
ul{padding-left:20px;margin:0}small{color:#59636e}
@media (prefers-color-scheme:dark){body{background:#232220;color:#e6edf3}small{color:#9198a1}}
"""


def message_bytes(rendering: Rendering, guise: Guise) -> bytes:
    """Return the message that a reader would get; what they lack is filled in as in a test. Raises ConfigError, MergeError."""
    edition = rendering.edition
    person = filled(guise.person, {})
    stand_ins = placeholders(edition, [slot.name for slot in lacking(person, edition)])
    message = build_message(
        Merger(edition, inline_images(edition)),
        filled(guise.person, dict(stand_ins)),
        delivery_id="preview",
        date=rendering.issue.date or datetime.now(UTC),
        config=rendering.project.config,
        settings=rendering.settings,
        keys=_KEYS,
    )
    return to_bytes(message)


def mime_page(rendering: Rendering, guise: Guise) -> str:
    """Return headers and parts of the message as a page."""
    try:
        data = message_bytes(rendering, guise)
    except ComposerError as err:
        return page("Message", f"<p>{escape(str(err))}</p><p>{escape(err.hint)}</p>", _STYLE)
    message = message_from_bytes(data)
    rows = "".join(f"<div><dt>{escape(name)}</dt><dd>{escape(_unfolded(value))}</dd></div>" for name, value in message.items())
    parts = "".join(_tree(message))
    size = f"<p><small>{len(data):,} bytes in all</small></p>"
    return page("Message", f"<h2>Headers</h2><dl>{rows}</dl><h2>Parts</h2><ul>{parts}</ul>{size}", _STYLE)


def _tree(part: Part) -> Iterator[str]:
    if part.is_multipart():
        yield f"<li>{escape(part.get_content_type())}<ul>"
        for child in part.get_payload():
            if isinstance(child, Part):
                yield from _tree(child)
        yield "</ul></li>"
        return
    encoded = len(str(part.get_payload()))
    details = (
        part.get_content_charset(""),
        part.get("Content-Transfer-Encoding", "7bit"),
        part.get_filename() or "",
        part.get("Content-ID", ""),
        f"{encoded:,} bytes as sent",
    )
    yield f"<li>{escape(part.get_content_type())} <small>{escape(' · '.join(filter(None, details)))}</small></li>"


def _unfolded(value: object) -> str:
    return " ".join(str(value).split())
