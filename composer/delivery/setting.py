"""What of the configuration a campaign's messages depend on: frozen when it is prepared, put in the place of today's when it runs.

Pure. Secrets are no part of it, nor is what only sets the pace.
"""

from __future__ import annotations

from dataclasses import asdict, fields, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from composer.config import Config

_TABLES = ("newsletter", "unsubscribe", "images", "public")
_OUTBOX, _SMTP, _SENDGRID = "transport.outbox", "transport.smtp", "transport.sendgrid"
_OF_SMTP = ("feedback_id",)
# What of [transport.sendgrid] readers see; the rest may be mended between two runs.
_OF_SENDGRID = ("group_id", "open_tracking", "click_tracking", "undo_minutes")


def freeze(config: Config) -> dict[str, Any]:
    """Return the tables that messages and their place depend on, by name, as JSON can hold them."""
    ways = config.transport
    return {
        **{name: asdict(getattr(config, name)) for name in _TABLES},
        _OUTBOX: asdict(ways.outbox),
        _SMTP: {name: getattr(ways.smtp, name) for name in _OF_SMTP},
        _SENDGRID: {name: getattr(ways.sendgrid, name) for name in _OF_SENDGRID},
    }


def thaw(config: Config, setting: Mapping[str, Mapping[str, Any]]) -> Config:
    """Return ``config`` as it was when ``setting`` was frozen from it; keys that are younger keep their value of today."""
    tables = {name: _as_then(getattr(config, name), setting.get(name, {})) for name in _TABLES}
    outbox = _as_then(config.transport.outbox, setting.get(_OUTBOX, {}))
    smtp = _as_then(config.transport.smtp, setting.get(_SMTP, {}))
    sendgrid = _as_then(config.transport.sendgrid, setting.get(_SENDGRID, {}))
    return replace(config, transport=replace(config.transport, outbox=outbox, smtp=smtp, sendgrid=sendgrid), **tables)


def _as_then(table: Any, values: Mapping[str, Any]) -> Any:
    known = {item.name for item in fields(table)}
    return replace(table, **{name: value for name, value in values.items() if name in known})
