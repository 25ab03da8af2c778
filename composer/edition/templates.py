"""Templates and theme: Jinja2 over the project's folder, then the shipped one; the only importer of jinja2.

A project's file replaces the shipped file of that name, which stays in reach as ``shipped/NAME``; the project's theme
is laid over the shipped theme key by key. All of a template's mistakes are TemplateErrors with file and line.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, cast

import jinja2

from composer.edition.mjml import mark_source
from composer.errors import TemplateError
from composer.findings import Where

THEME = "theme.toml"
_SHIPPED = "shipped/"
_COLOUR = re.compile(r"#[0-9A-Fa-f]{6}")
Theme = Mapping[str, Any]


@lru_cache(maxsize=8)
def templates_of(folders: tuple[Path, ...]) -> Templates:
    """Return the templates found in these folders, the first folder first. Changed files are read again."""
    return Templates(folders)


class Templates:
    """The templates of one project."""

    def __init__(self, folders: tuple[Path, ...]) -> None:
        self._folders = folders
        self.names: list[str] = []
        self._numbers: dict[Path, int] = {}
        self._theme: tuple[tuple[object, ...], Theme] | None = None
        self._environment = jinja2.Environment(
            loader=jinja2.FunctionLoader(self._source),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=False,
        )

    def render(self, name: str, context: Mapping[str, object]) -> str:
        """Render a template. MJML comes marked, see ``composer.edition.mjml``. Raises TemplateError."""
        try:
            return self._environment.get_template(name).render(context)
        except jinja2.TemplateNotFound as err:
            known = ", ".join(self.available())
            raise TemplateError(f"there is no template {err.name}", where=self._frame(err), hint=f"Templates are: {known}.") from err
        except jinja2.TemplateSyntaxError as err:
            where = Where(self._shown(Path(err.filename)) if err.filename else str(err.name), err.lineno)
            raise TemplateError(f"not valid Jinja2: {err.message}", where=where, hint="See docs/templates.md.") from err
        except TemplateError:
            raise
        except RecursionError as err:
            raise TemplateError("the template includes or extends itself without end", where=Where(self._named(name))) from err
        except Exception as err:  # a template may fail in as many ways as a program
            hint = "Names that a template can use are listed in docs/templates.md."
            raise TemplateError(f"the template fails: {err}", where=self._frame(err) or Where(self._named(name)), hint=hint) from err

    def available(self) -> tuple[str, ...]:
        """Names that an issue may put into ``template:``."""
        inner = {"base"}
        return tuple(sorted({path.stem for folder in self._folders for path in folder.glob("*.mjml")} - inner))

    def theme(self) -> Theme:
        """The shipped theme with the project's laid over it. Raises TemplateError with the line."""
        paths = [path for folder in reversed(self._folders) if (path := folder / THEME).is_file()]
        key = tuple((path, path.stat().st_mtime_ns, path.stat().st_size) for path in paths)
        if self._theme is None or self._theme[0] != key:
            merged: dict[str, Any] = {}
            for path in paths:
                theme = self._read_theme(path)
                _check_shape(merged, theme, self._shown(path))
                merged = _laid_over(merged, theme)
            self._theme = (key, merged)
        return self._theme[1]

    def _read_theme(self, path: Path) -> dict[str, Any]:
        shown = self._shown(path)
        try:
            text = path.read_text(encoding="utf-8-sig")
            data = tomllib.loads(text)
        except tomllib.TOMLDecodeError as err:
            line = re.search(r"at line (\d+)", str(err))
            raise TemplateError(f"the theme is not valid TOML: {err}", where=Where(shown, int(line[1]) if line else None)) from err
        except UnicodeDecodeError as err:
            raise TemplateError(
                "the theme is not text in UTF-8", where=Where(shown), hint="Save it again with the encoding UTF-8."
            ) from err
        for name, value in _colours(data):
            if not isinstance(value, str) or not _COLOUR.fullmatch(value):
                message, hint = f"{name} is not a colour: {value!r}", "Write it as #rrggbb: mail programs know no other form for sure."
                raise TemplateError(message, where=Where(shown, _line_of(text, name, value)), hint=hint)
        return data

    def _source(self, name: str) -> tuple[str, str, Callable[[], bool]] | None:
        folders, plain_name = self._folders, name
        if name.startswith(_SHIPPED):
            folders, plain_name = self._folders[-1:], name.removeprefix(_SHIPPED)
        if ".." in Path(plain_name).parts or Path(plain_name).is_absolute():
            return None
        path = _first(folders, plain_name)
        if path is None:
            return None
        text = path.read_text(encoding="utf-8-sig").replace("\r\n", "\n")
        modified = path.stat().st_mtime_ns
        if path.suffix == ".mjml":
            text = mark_source(text, self._number(path))
        return text, str(path), lambda: _first(folders, plain_name) == path and path.stat().st_mtime_ns == modified

    def _number(self, path: Path) -> int:
        if path not in self._numbers:
            self._numbers[path] = len(self.names)
            self.names.append(self._shown(path))
        return self._numbers[path]

    def _shown(self, path: Path) -> str:
        """``templates/email/…`` for the project's files, ``shipped/…`` for the others."""
        for folder in self._folders:
            if path.is_relative_to(folder):
                relative = path.relative_to(folder).as_posix()
                return f"templates/email/{relative}" if folder == self._folders[0] else f"{_SHIPPED}{relative}"
        return path.name

    def _named(self, name: str) -> str:
        path = _first(self._folders, name)
        return self._shown(path) if path else name

    def _frame(self, err: BaseException) -> Where | None:
        """The innermost template line of a traceback; Jinja2 rewrites its frames to template lines."""
        found = None
        trace = err.__traceback__
        while trace is not None:
            path = Path(trace.tb_frame.f_code.co_filename)
            if any(path.is_relative_to(folder) for folder in self._folders):
                found = Where(self._shown(path), trace.tb_lineno)
            trace = trace.tb_next
        return found


def known_sections(theme: Theme) -> dict[str, tuple[str, str]]:
    """(accent, chip) of the theme's known sections, by case-folded name."""
    sections = cast("Mapping[str, Mapping[str, Any]]", theme.get("sections", {}))
    found: dict[str, tuple[str, str]] = {}
    for key, section in sections.items():
        names = section.get("names", ())
        for name in [names] if isinstance(names, str) else names:
            found[str(name).casefold()] = (key, str(section.get("chip", "")))
    return found


def _first(folders: tuple[Path, ...], name: str) -> Path | None:
    return next((path for folder in folders if (path := folder / name).is_file()), None)


def _colours(data: Mapping[str, Any]) -> Iterator[tuple[str, object]]:
    for scheme, colours in _tables(data.get("colors")):
        yield from ((f"colors.{scheme}.{name}", value) for name, value in colours.items())
    for tone, schemes in _tables(data.get("callouts")):
        yield from ((f"callouts.{tone}.{scheme}.{name}", value) for scheme, colours in _tables(schemes) for name, value in colours.items())
    for key, section in _tables(data.get("sections")):
        yield from ((f"sections.{key}.{name}", section[name]) for name in ("light", "on_light", "dark", "on_dark") if name in section)


def _tables(value: object) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for key, inner in value.items() if isinstance(value, dict) else ():
        if isinstance(inner, dict):
            yield key, inner


def _line_of(text: str, name: str, value: object) -> int | None:
    key = re.escape(name.rpartition(".")[2])
    found = (n for n, line in enumerate(text.splitlines(), 1) if re.search(rf"(?:^|[\s{{,]){key}\s*=.*{re.escape(str(value))}", line))
    return next(found, None)


def _check_shape(below: Mapping[str, Any], above: Mapping[str, Any], shown: str, path: str = "") -> None:
    """A table stays a table: templates read what is in it."""
    for key, value in above.items():
        if isinstance(below.get(key), dict):
            if not isinstance(value, dict):
                raise TemplateError(f"{path}{key} is a table", where=Where(shown), hint=f"Write [{path}{key}] on a line of its own.")
            _check_shape(below[key], value, shown, f"{path}{key}.")


def _laid_over(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(below)
    for key, value in above.items():
        merged[key] = _laid_over(below[key], value) if isinstance(value, dict) and isinstance(below.get(key), dict) else value
    return merged
