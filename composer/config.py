"""``newsletter.toml``, ``.env`` and the environment, read once into a frozen Config.

Nothing else in the package reads ``os.environ``. Every key has a default that works, except what only the team
can know (its name, sender and postal address). Secrets come from the environment or ``.env``, never from the file.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, Field, dataclass, field, fields, is_dataclass, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any, cast, get_type_hints

from composer.environment import read_dotenv, read_text
from composer.errors import ConfigError
from composer.findings import Where

FILE_NAME = "newsletter.toml"
ENV_PREFIX = "NEWSLETTER_"
_SECRET = re.compile(r"password|secret|api_?key|token|credential", re.IGNORECASE)
_SCALARS = {str: "text in quotes", bool: "true or false", int: "a whole number"}


_FORMS: Mapping[str, tuple[str, str]] = {
    "url": (r"https?://[^\s/?#<>\"]+[^\s<>\"]*", "a whole address: https://example.org/…"),
    "mailbox": (r"[^<>@\r\n]*<[^\s<>@,;]+@[^\s<>@,;]+>|[^\s<>@,;]+@[^\s<>@,;]+", "one address: Name <name@example.org>"),
    "language": (r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}", "a language tag: en, fr or pt-BR"),
    "number": (r"[1-9]\d{0,2}|1000", "a number from 1 to 1000"),
}


def _key(default: object, doc: str, *, name: str = "", choices: tuple[str, ...] = (), form: str = "") -> Any:
    return field(default=default, metadata={"doc": doc, "name": name, "choices": choices, "form": form})


@dataclass(frozen=True, slots=True)
class Newsletter:
    """``[newsletter]``: who is writing."""

    name: str = _key("Newsletter", "The newsletter's name: masthead, List-Id, window title.")
    from_: str = _key(
        "", "Sender, `Name <address>` or an address. Empty: a placeholder that no real transport accepts.", name="from", form="mailbox"
    )
    reply_to: str = _key("", "Where answers go. Empty: the sender.", form="mailbox")
    postal_address: str = _key("", "Postal address in the footer; CAN-SPAM requires one in every mail to the public.")
    language: str = _key("en", "Language of the issues, a BCP 47 tag such as `en` or `fr-CA`.", form="language")
    site_url: str = _key("", "Where issues are published; an issue's address is this, a slash and its slug.", form="url")


@dataclass(frozen=True, slots=True)
class Unsubscribe:
    """``[unsubscribe]``: how a reader leaves."""

    via: str = _key(
        "mailto",
        "`mailto` (a message to `address`), `service` (one click at `[public] public_url`) "
        "or `sendgrid` (SendGrid puts in the link of an unsubscribe group).",
        choices=("mailto", "service", "sendgrid"),
    )
    address: str = _key("", "Address for `mailto` requests. Empty: the reply-to address.", form="mailbox")
    preferences_url: str = _key(
        "",
        "Page where a reader changes preferences. Empty: with `mailto` a message to the same address, with `sendgrid` its page.",
        form="url",
    )


@dataclass(frozen=True, slots=True)
class Delivery:
    """``[delivery]``: how messages leave."""

    transport: str = _key("outbox", "The way out: `outbox` writes files and mails nobody.", choices=("outbox",))
    batch: int = _key(100, "Deliveries claimed in one commit of the ledger, 1 to 1000.", form="number")


@dataclass(frozen=True, slots=True)
class Outbox:
    """``[transport.outbox]``: deliveries as files."""

    path: str = _key("outbox", "Folder for the `.eml` files, relative to the project.")


@dataclass(frozen=True, slots=True)
class Transports:
    """``[transport]``: one table per way out."""

    outbox: Outbox = field(default_factory=Outbox)


@dataclass(frozen=True, slots=True)
class Images:
    """``[images]``: where local images are hosted."""

    url: str = _key(
        "", "Address at which the `images/` folder of a build is published. Empty: mail to the public may hold no local image.", form="url"
    )


@dataclass(frozen=True, slots=True)
class Public:
    """``[public]``: the readers' own service."""

    public_url: str = _key("", "https address of the service that answers unsubscribe links.", form="url")


@dataclass(frozen=True, slots=True)
class Database:
    """``[database]``: the ledger."""

    url: str = _key("sqlite:///var/newsletter.db", "SQLAlchemy address of the ledger; a SQLite path is relative to the project.")


@dataclass(frozen=True, slots=True)
class Config:
    """The whole configuration; ``secret_keys`` (newest first) sign links and never show in ``repr``."""

    newsletter: Newsletter = field(default_factory=Newsletter)
    unsubscribe: Unsubscribe = field(default_factory=Unsubscribe)
    delivery: Delivery = field(default_factory=Delivery)
    transport: Transports = field(default_factory=Transports)
    images: Images = field(default_factory=Images)
    public: Public = field(default_factory=Public)
    database: Database = field(default_factory=Database)
    secret_keys: tuple[str, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class ListSettings:
    """What a list says about the editions set for it; empty values fall back to ``[newsletter]``."""

    name: str = ""
    kind: str = "public"
    title: str = ""
    from_: str = ""
    reply_to: str = ""
    language: str = ""
    template: str = ""


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
    except tomllib.TOMLDecodeError as err:
        line = re.search(r"at line (\d+)", str(err))
        where = Where(FILE_NAME, int(line[1]) if line else None)
        raise ConfigError(f"not valid TOML: {err}", where=where, hint="Texts stand in double quotes; see docs/configuration.md.") from err
    source = _Source(text, {})
    _refuse_secrets(data, source, "")
    environment = {**read_dotenv(root / ".env"), **(os.environ if environ is None else environ)}
    _misspelt(environment)
    config = cast("Config", _table(Config, data, replace(source, environ=environment), ""))
    secrets = tuple(part for part in re.split(r"[\s,]+", environment.get(f"{ENV_PREFIX}SECRET_KEYS", "")) if part)
    return replace(config, secret_keys=secrets)


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
    known = {_name(item): item for item in fields(cast("Any", kind)) if item.name != "secret_keys"}
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
    if form and value != "" and not re.fullmatch(_FORMS[form][0], str(value).strip(), re.IGNORECASE):
        raise ConfigError(f"{key} cannot be {value!r}", where=where, hint=f"It is {_FORMS[form][1]}.")
    return value.strip() if isinstance(value, str) else value
