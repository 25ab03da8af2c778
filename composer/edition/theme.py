"""The theme: its texts laid over one another key by key, every key and value checked. Pure; reads no file.

A theme may set what is listed here and nothing else, so that a slip of the pen is a TemplateError with the theme's line
and never a letter that quietly looks as before.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, cast

from composer.errors import TemplateError
from composer.findings import Where

Theme = Mapping[str, Any]
KeyPath = tuple[str, ...]
_Check = Callable[[object], tuple[str, str] | None]
"""Says what is wrong with a value, after its name, and how to mend it."""

_HEADER = re.compile(r"\s*\[(\[)?([^\[\]]+)\]")
_KEYS = re.compile(r"(?:^|[{,])\s*((?:[\w-]+|\"[^\"]*\"|'[^']*')(?:\s*\.\s*(?:[\w-]+|\"[^\"]*\"|'[^']*'))*)\s*=")
_QUOTED = re.compile(r"(?:\"[^\"]*\"|'[^']*')(\s*[.=])?")
_KEY = re.compile(r"[\w-]+|\"[^\"]*\"|'[^']*'")


@dataclass(frozen=True, slots=True)
class Source:
    """A theme file: its data, how people know its path, and the line of each key."""

    data: Theme
    shown: str
    lines: Mapping[KeyPath, int] = field(default_factory=dict)

    def where(self, path: KeyPath) -> Where:
        """Return the place of a key, or of the table that it stands in."""
        near = (self.lines[path[:length]] for length in range(len(path), 0, -1) if path[:length] in self.lines)
        return Where(self.shown, next(near, None))


def read(text: str, shown: str) -> Source:
    """Read and check the text of one theme file, known as ``shown``. Raises TemplateError with the line."""
    try:
        data = tomllib.loads(text)
    except (ValueError, RecursionError) as err:  # a number of thousands of digits, brackets without end
        line = re.search(r"at line (\d+)", str(err))
        raise TemplateError(f"the theme is not valid TOML: {err}", where=Where(shown, int(line[1]) if line else None)) from err
    source = Source(data, shown, _lines(text))
    _check(data, _SHAPE, source, ())
    return source


def laid_over(below: Theme, above: Theme) -> dict[str, Any]:
    """Return two themes as one: tables are merged, all else is taken from ``above``."""
    merged = dict(below)
    for key, value in above.items():
        merged[key] = laid_over(below[key], value) if isinstance(value, dict) and isinstance(below.get(key), dict) else value
    return merged


def known_sections(theme: Theme) -> dict[str, tuple[str, str]]:
    """(accent, chip) of the theme's known sections, by case-folded name."""
    sections = cast("Mapping[str, Mapping[str, Any]]", theme.get("sections", {}))
    found: dict[str, tuple[str, str]] = {}
    for key, section in sections.items():
        names = section.get("names", ())
        for name in [names] if isinstance(names, str) else names:
            found[str(name).casefold()] = (key, str(section.get("chip", "")))
    return found


# ---- values ----------------------------------------------------------------------------------------------------


def is_colour(value: object) -> bool:
    """Whether a value is a colour as every mail program knows it."""
    return isinstance(value, str) and bool(re.fullmatch(r"#[0-9A-Fa-f]{6}", value))


def _colour(value: object) -> tuple[str, str] | None:
    return None if is_colour(value) else (f"is not a colour: {value!r}", "Write it as #rrggbb: mail programs know no other form for sure.")


def _bar(value: object) -> tuple[str, str] | None:
    if not isinstance(value, list) or len(value) not in {0, 2, 3, 4, 5, 6}:
        return "is not a list of two to six colours", "Write [] for no bar."
    return next((wrong for colour in value if (wrong := _colour(colour))), None)


def _text(value: object) -> tuple[str, str] | None:
    return None if isinstance(value, str) else (f"is not a text: {value!r}", 'Write it in quotes; "" for none.')


def _names(value: object) -> tuple[str, str] | None:
    listed = [value] if isinstance(value, str) else value
    right = isinstance(listed, list) and listed and all(isinstance(name, str) and name.strip() for name in listed)
    return None if right else (f"is not a list of names: {value!r}", 'Write names = ["Garden", "The Garden Project"].')


def _font(value: object) -> tuple[str, str] | None:
    if isinstance(value, str) and value.strip() and not re.search(r"[;{}<>\"&\\\x00-\x1f]", value):
        return None
    return f"is not a list of font names: {value!r}", "Write names with commas between; names of several words need no quotes."


def _word(value: object, fields: Iterable[str] = ()) -> tuple[str, str] | None:
    if not isinstance(value, str) or not value.strip():
        return f"is not a text: {value!r}", "Every word of the template needs one; delete the line for the shipped one."
    for name in re.findall(r"\{[^{}]*\}?|\}", value):
        if name not in fields:
            known = f"Only {', '.join(fields)} stands for something there." if fields else "Only {list} in `why` stands for something."
            return f"has {name} in it, which readers would see", known
    return None


def _why(value: object) -> tuple[str, str] | None:
    return _word(value, ("{list}",))


def _width(value: object) -> tuple[str, str] | None:
    right = isinstance(value, int) and not isinstance(value, bool) and value > 0
    return None if right else (f"is not a whole number of pixels: {value!r}", "Write a number without quotes and unit, such as 160.")


def _logo(value: object) -> tuple[str, str] | None:
    if isinstance(value, str) and (not value or re.fullmatch(r"https?://[^\s/\"<>]+(?:/[^\s\"<>]*)?", value)):
        return None
    hint = "Write its whole address on the web, https://…: readers of a mail have nothing that another address could start from."
    return f"is no address that a reader can load: {value!r}", hint


def _address(value: object) -> tuple[str, str] | None:
    right = isinstance(value, str) and re.fullmatch(r"https?://[^\s/]\S*|mailto:\S+", value)
    return None if right else (f"is no address: {value!r}", "Write https://…, http://… or mailto:….")


# ---- the shape: what may be set, and as what ---------------------------------------------------------------------

_COLOURS = dict.fromkeys(
    "page card text heading muted link accent button on_button rule line tint mark on_mark".split(), cast("_Check", _colour)
)
_TONES = ("note", "tip", "important", "warning")
_BOX = {scheme: dict.fromkeys(("fill", "edge", "ink"), _colour) for scheme in ("light", "dark")}
_SECTION = {"names": _names, "chip": _text, **dict.fromkeys(("light", "on_light", "dark", "on_dark"), _colour)}
_PLACE = {"name": _word, "url": _address}
_WORDS = ("view", "contents", "notes", "unsubscribe", "preferences", *_TONES)
_SHAPE: Mapping[str, Any] = MappingProxyType({
    "colors": {"light": _COLOURS, "dark": _COLOURS},
    "fonts": dict.fromkeys(("heading", "body", "code", "outlook"), _font),
    "bar": {"colors": _bar},
    "logo": {"src": _logo, "alt": _text, "width": _width},
    "social": [_PLACE],
    "words": {**dict.fromkeys(_WORDS, _word), "why": _why},
    "callouts": dict.fromkeys(_TONES, _BOX),
    "sections": {"*": _SECTION},
})  # fmt: skip


def _check(data: Mapping[str, Any], shape: Mapping[str, Any], source: Source, path: KeyPath) -> None:
    for key, value in data.items():
        here = (*path, key)
        expected = shape.get(key, shape.get("*"))
        if expected is None:
            raise TemplateError(f"the theme knows no {'.'.join(here)}", where=source.where(here), hint=_near(key, shape, path))
        if "*" in shape and not re.fullmatch(r"[A-Za-z0-9_-]+", key):
            hint = "Take letters a to z, digits, - and _ for it; `names` may hold anything."
            raise TemplateError(f"the key of a section cannot be {key!r}", where=source.where(here), hint=hint)
        _check_value(value, expected, source, here)


def _check_value(value: object, expected: Any, source: Source, path: KeyPath) -> None:
    name = ".".join(path)
    if isinstance(expected, Mapping):
        if not isinstance(value, dict):
            raise TemplateError(f"{name} is a table", where=source.where(path), hint=f"Write [{name}] on a line of its own.")
        _check(value, expected, source, path)
    elif isinstance(expected, list):
        if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
            raise TemplateError(f"{name} is a list of tables", where=source.where(path), hint=f"Write [[{name}]] on a line of its own.")
        for number, each in enumerate(value):
            _check(each, expected[0], source, (*path, str(number)))
            if missing := [key for key in expected[0] if key not in each]:
                where = source.where((*path, str(number)))
                raise TemplateError(f"a [[{name}]] has no {missing[0]}", where=where, hint=f"It needs {' and '.join(expected[0])}.")
    elif wrong := expected(value):
        raise TemplateError(f"{name} {wrong[0]}", where=source.where(path), hint=wrong[1])


def _near(key: str, shape: Mapping[str, Any], path: KeyPath) -> str:
    if near := difflib.get_close_matches(key, shape, 1):
        return f"Did you mean {near[0]}?"
    return f"[{'.'.join(path)}] takes: {', '.join(shape)}." if path else f"Its tables are: {', '.join(shape)}."


def _lines(text: str) -> dict[KeyPath, int]:
    """Line of every table and key; a key that spans lines has its first one. Good enough for TOML that people write."""
    found: dict[KeyPath, int] = {}
    table: KeyPath = ()
    counts: dict[KeyPath, int] = {}

    for number, line in enumerate(text.splitlines(), 1):
        keys: list[KeyPath] = []
        if header := _HEADER.match(line):
            table = _path(header[2])
            if header[1]:
                counts[table] = counts.get(table, -1) + 1
                table = (*table, str(counts[table]))
            keys = [table]
        else:
            for match in _KEYS.finditer(_QUOTED.sub(lambda quoted: quoted[0] if quoted[1] else '""', line).partition("#")[0]):
                keys.append((*(keys[0] if keys else table), *_path(match[1])))
        for path in keys:
            for length in range(1, len(path) + 1):
                found.setdefault(path[:length], number)
    return found


def _path(written: str) -> KeyPath:
    return tuple(key.strip("\"'") for key in _KEY.findall(written))
