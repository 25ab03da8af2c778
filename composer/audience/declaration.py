"""The declaration of a list: the text of ``recipients/<name>.toml`` in, Declaration out, every mistake at its line. Pure."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches

from composer.audience.address import Problem, parse_address
from composer.audience.columns import LONGEST_NAME, normalised
from composer.audience.model import LEDGER, Declaration
from composer.audience.segment import SegmentError, compile_segment
from composer.config import ListSettings, unfit
from composer.errors import AudienceError
from composer.findings import Where
from composer.issue.model import SYSTEM_FIELDS

KINDS = ("staff", "public")
_LONGEST_TITLE = 200
_KEYS = ("title", "kind", "from", "reply_to", "language", "template", "people", "fields", "segments")
_NAME = re.compile(r"[^\W_][\w-]{0,99}")
_TEMPLATE = re.compile(r"\w[\w-]*")
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")


def plain_settings(name: str) -> ListSettings:
    """Return what holds for a list that says nothing of itself: ``staff`` is of kind staff, every other list is public."""
    return ListSettings(name=name, kind="staff" if name == "staff" else "public")


def is_name(text: str) -> bool:
    """Tell whether a list can have this name."""
    return bool(_NAME.fullmatch(text))


def read_declaration(text: str, name: str, path: str) -> Declaration:
    """Read the text of a declaration; ``people`` stays as it is written there, empty when it is not.

    Raises AudienceError at ``path`` and line for what is no TOML, an unknown key, a value of the wrong kind or form, or a
    segment that cannot be understood.
    """
    source = _Source(text, path)
    if not is_name(name):
        hint = "Name the file with letters, digits, - and _ (at most 100), such as members.toml."
        raise AudienceError(f"{name[:80]!r} cannot be the name of a list", where=Where(path), hint=hint)
    try:
        data = tomllib.loads(text)
    except (ValueError, RecursionError) as err:  # a number of thousands of digits, brackets without end
        line = re.search(r"at line (\d+)", str(err))
        hint = "Texts stand in double quotes, a segment in single ones: fr = 'country == \"FR\"'."
        raise AudienceError(f"not valid TOML: {err}", where=Where(path, int(line[1]) if line else None), hint=hint) from err
    for key in data:
        if key not in _KEYS:
            raise source.wrong("", key, f"unknown key: {key}", _did_you_mean(key))
    read = _Reader(source, data)
    kind = read.text("kind", _kind) or plain_settings(name).kind
    settings = ListSettings(
        name=name,
        kind=kind,
        title=read.text("title", _title),
        from_=read.text("from", _mailbox),
        reply_to=read.text("reply_to", _mailbox),
        language=read.text("language", _language),
        template=read.text("template", _template),
    )
    return Declaration(settings, read.text("people", _people), read.fields(), read.segments(), Where(path))


def place_of(text: str, path: str, key: str) -> Where:
    """Return the line at which a declaration's text sets a key."""
    return _Source(text, path).where("", key)


def _did_you_mean(key: str) -> str:
    if key == "name":
        return "A list is called as its file is; what readers see is its title."
    near = get_close_matches(key.casefold().replace("-", "_"), _KEYS, n=1, cutoff=0.6)
    return f"Did you mean {near[0]}?" if near else f"A list knows: {', '.join(_KEYS)}."


def _kind(value: str) -> str:
    return "" if value in KINDS else "It is staff or public."


def _title(value: str) -> str:
    if len(value) > _LONGEST_TITLE:
        return f"A title has at most {_LONGEST_TITLE} characters; this one has {len(value):,}."
    return "A title is one line." if _UNPRINTABLE.search(value) else ""


def _mailbox(value: str) -> str:
    if shape := unfit("mailbox", value):
        return f"It is {shape}."
    found = parse_address(value)
    return f"{found.message[0].upper()}{found.message[1:]}." if isinstance(found, Problem) else ""


def _language(value: str) -> str:
    return f"It is {shape}." if (shape := unfit("language", value)) else ""


def _template(value: str) -> str:
    return "" if _TEMPLATE.fullmatch(value) else "It is the name of a template, such as default."


def _people(value: str) -> str:
    return "" if value == LEDGER or value.lower().endswith(".csv") else 'It is "ledger", or the path of a CSV file.'


@dataclass(frozen=True, slots=True)
class _Source:
    text: str
    path: str

    def wrong(self, table: str, key: str, message: str, hint: str = "") -> AudienceError:
        return AudienceError(message, where=self.where(table, key), hint=hint)

    def where(self, table: str, key: str) -> Where:
        """Find a key's line; for one that stands in no line of its own that of its table."""
        current, at_table = "", None
        for number, line in enumerate(self.text.splitlines(), 1):
            if header := re.match(r"\s*\[+\s*[\"']?([\w.-]+)[\"']?\s*\]", line):
                current = header[1]
                if current == (table or key):
                    at_table = number
            if (current == table and _sets(line, key)) or (not current and table and _sets(line, f"{table}.{key}")):
                return Where(self.path, number)
            if not current and table and _sets(line, table):
                at_table = number
        return Where(self.path, at_table)


def _sets(line: str, key: str) -> bool:
    return bool(re.match(rf"\s*[\"']?{re.escape(key)}[\"']?\s*[=.]", line))


@dataclass(frozen=True, slots=True)
class _Reader:
    source: _Source
    data: Mapping[str, object]

    def text(self, key: str, problem: Callable[[str], str]) -> str:
        value = self._string("", key, self.data.get(key, "")).strip()
        if value and (hint := problem(value)):
            raise self.source.wrong("", key, f"{key} cannot be {value[:80]!r}", hint)
        return value

    def fields(self) -> Mapping[str, str]:
        found: dict[str, str] = {}
        for key, value in self._table("fields").items():
            name = normalised(key)
            if len(name) > LONGEST_NAME:
                hint = f"A field's name has at most {LONGEST_NAME} characters."
                raise self.source.wrong("fields", key, f"{key[:80]!r} cannot be a field", hint)
            if not name or name in SYSTEM_FIELDS:
                message = f"{key} cannot have a default: it is made for each message" if name else f"{key!r} cannot be a field"
                raise self.source.wrong("fields", key, message, "A field is called as the column is.")
            if name in found:
                raise self.source.wrong("fields", key, f"the field {name} is there twice", "Keep one.")
            found[name] = self._string("fields", key, value).strip()
        return found

    def segments(self) -> Mapping[str, str]:
        found: dict[str, str] = {}
        for key, value in self._table("segments").items():
            if not _NAME.fullmatch(key):
                raise self.source.wrong("segments", key, f"{key[:80]!r} cannot be the name of a segment", "Use letters, digits, - and _.")
            found[key] = self._string("segments", key, value)
            try:
                compile_segment(found[key])
            except SegmentError as err:
                raise err.at(self.source.where("segments", key)) from err
        return found

    def _table(self, key: str) -> Mapping[str, object]:
        value = self.data.get(key, {})
        if not isinstance(value, dict):
            raise self.source.wrong("", key, f"{key} is a table", f"Write [{key}] on a line of its own, and its values below it.")
        return value

    def _string(self, table: str, key: str, value: object) -> str:
        if not isinstance(value, str):
            raise self.source.wrong(table, key, f"{key} must be text in quotes, not {value!r}"[:200])
        return value
