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
# A password within an address: before the last @ of a database's, in its options, or before the host of any other.
_SECRET_IN_ADDRESS = re.compile(r"^\s*postgres[\w+]*://[^:/\s]*:[^@\s]+@|[?&](?:ssl)?password=|://[^:/?#@\s]*:[^/?#@\s]+@", re.IGNORECASE)
_SECRETS = ("secret_keys", "sendgrid_api_key", "smtp_password")
_SCALARS = {str: "text in quotes", bool: "true or false", int: "a whole number"}


_FORMS: Mapping[str, tuple[str, str]] = {
    "url": (r"https?://[^\s/?#<>\"]+[^\s<>\"]*", "a whole address: https://example.org/…"),
    "mailbox": (r"[^<>@\r\n]*<[^\s<>@,;]+@[^\s<>@,;]+>|[^\s<>@,;]+@[^\s<>@,;]+", "one address: Name <name@example.org>"),
    "language": (r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}", "a language tag: en, fr or pt-BR"),
    "undo": (r"0|[2-5]\d|60", "0, or a number from 20 to 60"),
    "host": (r"[^\s/:@\[\]]+|\[?[0-9a-f:.]+\]?", "the name of a server: mail.example.org"),
}


def unfit(form: str, value: str) -> str:
    """Return what a value of a form (``url``, ``mailbox``, ``language``, ``host``) looks like; empty when this one does."""
    pattern, shape = _FORMS[form]
    return "" if re.fullmatch(pattern, value.strip(), re.IGNORECASE) else shape


def _key(
    default: object,
    doc: str,
    *,
    name: str = "",
    choices: tuple[str, ...] = (),
    form: str = "",
    between: tuple[int, int] | None = None,
    shown: bool = True,
) -> Any:
    return field(default=default, repr=shown, metadata={"doc": doc, "name": name, "choices": choices, "form": form, "between": between})


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

    transport: str = _key(
        "outbox", "The way out: `outbox` writes files and mails nobody, `smtp` and `sendgrid` mail.", choices=("outbox", "smtp", "sendgrid")
    )
    batch: int = _key(100, "Deliveries claimed in one commit of the ledger, 1 to 1000.", between=(1, 1000))
    wait: int = _key(15, "Minutes that a send waits for deferred deliveries to fall due before it pauses, 0 to 1440.", between=(0, 1440))
    give_up: int = _key(24, "Hours after the first try at which a deferred delivery is failed, 1 to 168.", between=(1, 168))
    audience_change: int = _key(
        50,
        "Percent by which an audience may differ from the last campaign's to the same lists before a send is refused; 0: any.",
        between=(0, 1000),
    )


@dataclass(frozen=True, slots=True)
class Outbox:
    """``[transport.outbox]``: deliveries as files."""

    path: str = _key("outbox", "Folder for the `.eml` files, relative to the project.")


@dataclass(frozen=True, slots=True)
class Smtp:
    """``[transport.smtp]``: a mail server; its password is ``SMTP_PASSWORD`` in the environment."""

    host: str = _key("", "The mail server.", form="host")
    port: int = _key(0, "Its port. 0: 465 with `tls`, 587 with `starttls`, 25 with `none`.", between=(0, 65535))
    security: str = _key(
        "starttls",
        "`tls` from the first byte, `starttls`, or `none`, which only a server on this machine may have.",
        choices=("tls", "starttls", "none"),
    )
    username: str = _key("", "Login name; its password is `SMTP_PASSWORD` in the environment. Empty: no login.")
    connections: int = _key(1, "Connections that send at the same time, 1 to 50.", between=(1, 50))
    bounce_address: str = _key("", "Where bounces go (the envelope's sender). Empty: the address of `from`.", form="mailbox")
    ehlo_name: str = _key("", "Name that this machine gives itself. Empty: its own.", form="host")
    timeout: int = _key(60, "Seconds to wait for the server, 1 to 600.", between=(1, 600))


@dataclass(frozen=True, slots=True)
class SendGrid:
    """``[transport.sendgrid]``: Twilio SendGrid; its key is ``SENDGRID_API_KEY`` in the environment."""

    base_url: str = _key("https://api.sendgrid.com", "The API; accounts in the EU have `https://api.eu.sendgrid.com`.", form="url")
    group_id: int = _key(0, 'The unsubscribe group of `[unsubscribe] via = "sendgrid"`. 0: none.', between=(0, 2**31 - 1))
    threads: int = _key(4, "Requests in flight at the same time, 1 to 32.", between=(1, 32))
    people_per_request: int = _key(200, "People that one request names, 1 to 1000.", between=(1, 1000))
    undo_minutes: int = _key(
        0, "Minutes between handing over and sending, 20 to 60; `recall` works until ten minutes before. 0: sent at once.", form="undo"
    )
    retry_5xx: bool = _key(default=False, doc="Send again after an answer of 500 and above, which may reach people twice.")
    open_tracking: bool = _key(default=False, doc="Let SendGrid count who opens the mail.")
    click_tracking: bool = _key(default=False, doc="Let SendGrid rewrite links to count who follows them.")
    timeout: int = _key(30, "Seconds to wait for an answer, 1 to 300.", between=(1, 300))


@dataclass(frozen=True, slots=True)
class Transports:
    """``[transport]``: one table per way out."""

    outbox: Outbox = field(default_factory=Outbox)
    smtp: Smtp = field(default_factory=Smtp)
    sendgrid: SendGrid = field(default_factory=SendGrid)


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

    url: str = _key(
        "sqlite:///var/newsletter.db",
        "Address of the ledger: `sqlite:///FILE` (relative to the project) or `postgresql://user@host/name`; "
        "with a password only in the environment.",
        shown=False,
    )


@dataclass(frozen=True, slots=True)
class Doctor:
    """``[doctor]``: where `newsletter doctor` looks."""

    selectors: str = _key("s1 s2", "DKIM selectors of the sender's domain, separated by spaces.")
    nameserver: str = _key("", "Name server to ask, `address` or `address:port`. Empty: the system's.")


@dataclass(frozen=True, slots=True)
class Config:
    """The whole configuration; secrets never show in ``repr``. ``secret_keys`` (newest first) sign links."""

    newsletter: Newsletter = field(default_factory=Newsletter)
    unsubscribe: Unsubscribe = field(default_factory=Unsubscribe)
    delivery: Delivery = field(default_factory=Delivery)
    transport: Transports = field(default_factory=Transports)
    images: Images = field(default_factory=Images)
    public: Public = field(default_factory=Public)
    database: Database = field(default_factory=Database)
    doctor: Doctor = field(default_factory=Doctor)
    secret_keys: tuple[str, ...] = field(default=(), repr=False)
    sendgrid_api_key: str = field(default="", repr=False)
    smtp_password: str = field(default="", repr=False)


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
    return replace(config, secret_keys=secrets, sendgrid_api_key=api_key, smtp_password=password)


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
