"""``newsletter.toml``, ``.env`` and the environment, read once into a frozen Config.

Nothing else in the package reads ``os.environ``. Every key has a default that works, except what only the team
can know (its name, sender and postal address). Secrets come from the environment or ``.env``, never from the file.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, Field, dataclass, fields, is_dataclass, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any, cast, get_type_hints

from composer.environment import read_dotenv, read_text
from composer.errors import ConfigError
from composer.findings import Where
from composer.tables import (
    Checks,
    Config,
    Database,
    Delivery,
    Doctor,
    Images,
    ListSettings,
    Newsletter,
    Outbox,
    Preview,
    Public,
    SendGrid,
    Smtp,
    Transports,
    Unsubscribe,
)

__all__ = [
    "ENV_PREFIX",
    "FILE_NAME",
    "Checks",
    "Config",
    "Database",
    "Delivery",
    "Doctor",
    "Images",
    "Key",
    "ListSettings",
    "Newsletter",
    "Outbox",
    "Preview",
    "Public",
    "SendGrid",
    "Smtp",
    "Transports",
    "Unsubscribe",
    "keys",
    "load",
    "unfit",
]

FILE_NAME = "newsletter.toml"
ENV_PREFIX = "NEWSLETTER_"
_SECRET = re.compile(r"password|secret|api_?key|private_?key|token|credential", re.IGNORECASE)
# A password within an address: before the last @ of a database's, in its options, or before the host of any other.
_SECRET_IN_ADDRESS = re.compile(r"^\s*postgres[\w+]*://[^:/\s]*:[^@\s]+@|[?&](?:ssl)?password=|://[^:/?#@\s]*:[^/?#@\s]+@", re.IGNORECASE)
_SECRETS = ("secret_keys", "sendgrid_api_key", "smtp_password", "dkim_private_key")
_SCALARS = {str: "text in quotes", bool: "true or false", int: "a whole number"}


_FORMS: Mapping[str, tuple[str, str]] = {
    "url": (r"https?://[^\s/?#<>\"]+[^\s<>\"]*", "a whole address: https://example.org/…"),
    "mailbox": (r"[^<>@\r\n]*<[^\s<>@,;]+@[^\s<>@,;]+>|[^\s<>@,;]+@[^\s<>@,;]+", "one address: Name <name@example.org>"),
    "language": (r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}", "a language tag: en, fr or pt-BR"),
    "undo": (r"0|[2-5]\d|60", "0, or a number from 20 to 60"),
    # RFC 6376, 3.1: a selector is one label or several, of letters, digits and hyphens within.
    "selector": (r"[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*", "a word of letters, digits and hyphens: 2026a"),
    "domain": (r"[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)+", "a domain as DNS has it, in ASCII: example.org"),
    # Gmail: "a mandatory unique Identifier (5-15 characters) chosen by the sender".
    "sender_id": (r"[A-Za-z0-9_.-]{5,15}", "5 to 15 letters, digits, hyphens, underscores and dots: exampleorg"),
    "host": (r"[^\s/:@\[\]]+|\[?[0-9a-f:.]+\]?", "the name of a server: mail.example.org"),
}


def unfit(form: str, value: str) -> str:
    """Return what a value of a form (``url``, ``mailbox``, ``language``, ``host`` …) looks like; empty when this one does."""
    pattern, shape = _FORMS[form]
    return "" if re.fullmatch(pattern, value.strip(), re.IGNORECASE) else shape


@dataclass(frozen=True, slots=True)
class Key:
    """One configuration key as documented: ``table`` is dotted, ``default`` the value when nothing is set."""

    table: str
    name: str
    default: object
    doc: str
    choices: tuple[str, ...]

    @property
    def env(self) -> str:
        """The environment variable that overrides this key."""
        return f"{ENV_PREFIX}{self.table}_{self.name}".replace(".", "_").upper()


def keys(table: type = Config, prefix: str = "") -> Iterator[Key]:
    """Yield every key of the configuration in the order of the file."""
    hints = get_type_hints(table)
    for item in fields(cast("Any", table)):
        if is_dataclass(hints[item.name]):
            yield from keys(cast("type", hints[item.name]), f"{prefix}{item.name}.")
        elif "doc" in item.metadata:
            yield Key(prefix[:-1], _name(item), item.default, item.metadata["doc"], item.metadata["choices"])


def load(root: Path, environ: Mapping[str, str] | None = None) -> Config:
    """Read the configuration of the project at ``root``.

    Raises ConfigError with file and line for a file that is not TOML in UTF-8, an unknown table or key, a value of the
    wrong kind or form, or a secret kept in the file; with the variable's name for a wrong environment value.
    """
    text = read_text(root / FILE_NAME)
    try:
        data = tomllib.loads(text)
    except (ValueError, RecursionError) as err:  # a number of thousands of digits, brackets without end
        line = re.search(r"at line (\d+)", str(err))
        where = Where(FILE_NAME, int(line[1]) if line else None)
        raise ConfigError(f"not valid TOML: {err}", where=where, hint="Texts stand in double quotes; see docs/configuration.md.") from err
    source = _Source(text, {})
    _refuse_secrets(data, source, "")
    environment = {**read_dotenv(root / ".env"), **(os.environ if environ is None else environ)}
    _misspelt(environment)
    config = cast("Config", _table(Config, data, replace(source, environ=environment), ""))
    secrets = tuple(part for part in re.split(r"[\s,]+", environment.get(f"{ENV_PREFIX}SECRET_KEYS", "")) if part)
    api_key, password = (environment.get(name, "").strip() for name in ("SENDGRID_API_KEY", "SMTP_PASSWORD"))
    dkim = environment.get("DKIM_PRIVATE_KEY", "").replace("\\n", "\n").strip()  # so a key of many lines fits into one of .env
    return replace(config, secret_keys=secrets, sendgrid_api_key=api_key, smtp_password=password, dkim_private_key=dkim)


def _misspelt(environ: Mapping[str, str]) -> None:
    """Refuse a variable that is nearly one of ours: it would be ignored without a word."""
    known = {*(key.env for key in keys()), f"{ENV_PREFIX}SECRET_KEYS", f"{ENV_PREFIX}DEBUG"}
    for name in environ:
        if name.startswith(ENV_PREFIX) and name not in known and (near := get_close_matches(name, known, 1, cutoff=0.85)):
            raise ConfigError("there is no such setting", where=Where(name), hint=f"Did you mean {near[0]}?")


def _refuse_secrets(data: Mapping[str, object], source: _Source, path: str) -> None:
    """Refuse a secret in the file wherever it stands, also in a table of a later version."""
    for key, value in data.items():
        if isinstance(value, dict):
            _refuse_secrets(value, source, f"{path}.{key}".lstrip("."))
        elif _SECRET.search(key):
            hint = f"Put it into the environment or .env; {FILE_NAME} is meant to be shared."
            raise ConfigError(f"a secret does not belong in the file: {key}", where=source.where(path, key), hint=hint)
        elif isinstance(value, str) and _SECRET_IN_ADDRESS.search(value):
            hint = f"Put the whole address into the environment or .env; {FILE_NAME} is meant to be shared."
            raise ConfigError(f"a password does not belong in the file: {key}", where=source.where(path, key), hint=hint)


@dataclass(frozen=True, slots=True)
class _Source:
    text: str
    environ: Mapping[str, str]

    def where(self, table: str, key: str) -> Where:
        current = ""
        for number, line in enumerate(self.text.splitlines(), 1):
            if header := re.match(r"\s*\[\s*([\w.-]+)\s*\]", line):
                current = header[1]
                if current == f"{table}.{key}".lstrip("."):
                    return Where(FILE_NAME, number)
            elif current == table and re.match(rf"\s*[\"']?{re.escape(key)}[\"']?\s*[=.]", line):
                return Where(FILE_NAME, number)
        return Where(FILE_NAME)


def _name(item: Field[Any]) -> str:
    return item.metadata.get("name") or item.name


def _table(kind: type, data: Mapping[str, object], source: _Source, path: str) -> object:
    hints = get_type_hints(kind)
    known = {_name(item): item for item in fields(cast("Any", kind)) if item.name not in _SECRETS}
    for key in data:
        where = source.where(path, key)
        if key not in known:
            place = f"[{path}]" if path else "this file"
            raise ConfigError(f"unknown key: {key}", where=where, hint=f"{place} knows: {', '.join(known)}.")
    values: dict[str, object] = {}
    for key, item in known.items():
        below = f"{path}.{key}".lstrip(".")
        hint_type = hints[item.name]
        if is_dataclass(hint_type):
            sub = data.get(key, {})
            if not isinstance(sub, dict):
                raise ConfigError(f"{key} is a table", where=source.where(path, key), hint=f"Write [{below}] on a line of its own.")
            values[item.name] = _table(cast("type", hint_type), sub, source, below)
        else:
            values[item.name] = _value(item, hint_type, data, source, path)
    return kind(**values)


def _value(item: Field[Any], kind: type, data: Mapping[str, object], source: _Source, table: str) -> object:
    key = _name(item)
    variable = Key(table, key, None, "", ()).env
    value: object = data.get(key, item.default if item.default is not MISSING else None)
    where = source.where(table, key)
    if variable in source.environ:
        value, where = source.environ[variable], Where(variable)
        if kind is bool and str(value).lower() in {"true", "false", "1", "0", "yes", "no"}:
            value = str(value).lower() in {"true", "1", "yes"}
        elif kind is int and re.fullmatch(r"-?\d{1,9}", str(value).strip()):
            value = int(str(value))
    if type(value) is not kind:
        raise ConfigError(f"{key} must be {_SCALARS[kind]}, not {value!r}", where=where)
    choices, form = item.metadata["choices"], item.metadata["form"]
    if choices and value not in choices:
        raise ConfigError(f"{key} cannot be {value!r}", where=where, hint=f"It is one of: {', '.join(choices)}.")
    if (between := item.metadata["between"]) and isinstance(value, int) and not between[0] <= value <= between[1]:
        raise ConfigError(f"{key} cannot be {value!r}", where=where, hint=f"It is a number from {between[0]} to {between[1]}.")
    if form and value != "" and (shape := unfit(form, str(value))):
        raise ConfigError(f"{key} cannot be {value!r}", where=where, hint=f"It is {shape}.")
    return value.strip() if isinstance(value, str) else value
