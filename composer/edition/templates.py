"""Templates and theme: Jinja2 over the project's folder, then the shipped one; the only importer of jinja2.

A project's file replaces the shipped file of that name, which stays in reach as ``shipped/NAME``; the project's theme
is laid over the shipped theme key by key. All of a template's mistakes are TemplateErrors with file and line.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache, reduce
from pathlib import Path

import jinja2
from jinja2 import meta, nodes

from composer.edition.contrast import contrast_findings
from composer.edition.marks import mark_css, mark_source
from composer.edition.theme import Theme, laid_over, read
from composer.errors import TemplateError
from composer.findings import Finding, Where

THEME = "theme.toml"
_SHIPPED = "shipped/"


@dataclass(frozen=True, slots=True)
class _Blocks:
    """What a template extends (empty: nothing; "?": only rendering can tell), and its blocks; ``outermost`` with lines."""

    shown: str
    parent: str
    names: frozenset[str]
    outermost: tuple[tuple[str, int], ...]


@lru_cache(maxsize=8)
def templates_of(folders: tuple[Path, ...]) -> Templates:
    """Return the templates found in these folders, the first folder first. Changed files are read again."""
    return Templates(folders)


@lru_cache(maxsize=8)
def pages_of(folder: Path) -> Pages:
    """Return the web pages found in a folder. Changed files are read again."""
    return Pages(folder)


class Pages:
    """The pages of a small service: HTML in which every value is escaped."""

    def __init__(self, folder: Path) -> None:
        self._environment = jinja2.Environment(
            loader=jinja2.FileSystemLoader(folder), autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
        )

    def render(self, name: str, context: Mapping[str, object]) -> str:
        """Render a page; what is wrong with one is a mistake of this program."""
        return self._environment.get_template(name).render(context)


class Templates:
    """The templates of one project."""

    def __init__(self, folders: tuple[Path, ...]) -> None:
        self._folders = folders
        self.names: list[str] = []
        self._numbers: dict[Path, int] = {}
        self._theme: tuple[tuple[object, ...], Theme, tuple[Finding, ...]] | None = None
        self._blocks: dict[str, _Blocks] = {}
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
            rendered = self._environment.get_template(name).render(context)
        except jinja2.TemplateNotFound as err:
            known = ", ".join(self.available())
            raise TemplateError(f"there is no template {err.name}", where=self._frame(err), hint=f"Templates are: {known}.") from err
        except jinja2.TemplateSyntaxError as err:
            where = Where(self._shown(Path(err.filename)) if err.filename else str(err.name), err.lineno)
            raise TemplateError(f"not valid Jinja2: {err.message}", where=where, hint="See docs/templates.md.") from err
        except TemplateError:
            raise
        except RecursionError as err:
            raise TemplateError("the template includes or extends itself without end", where=Where(self.place_of(name))) from err
        except Exception as err:  # a template may fail in as many ways as a program
            hint = "Names that a template can use are listed in docs/templates.md."
            raise TemplateError(f"the template fails: {err}", where=self._frame(err) or Where(self.place_of(name)), hint=hint) from err
        self._check_blocks(name)
        return rendered

    def available(self) -> tuple[str, ...]:
        """Names that an issue may put into ``template:``."""
        inner = {"base"}
        return tuple(sorted({path.stem for folder in self._folders for path in folder.glob("*.mjml")} - inner))

    def dependencies(self, name: str) -> frozenset[str] | None:
        """Name all files that rendering a template may read, by their names below a folder, itself among them.

        None when only rendering can tell: a name is worked out there, or a file cannot be read.
        """
        found: set[str] = set()
        todo = [name]
        while todo:
            each = todo.pop()
            folders = self._folders[-1:] if each.startswith(_SHIPPED) else self._folders
            path = _first(folders, each.removeprefix(_SHIPPED))
            known = each in found
            found.add(each)
            if known or path is None:  # what is not there yet may come
                continue
            try:
                named = list(meta.find_referenced_templates(self._environment.parse(self._text(path))))
            except (jinja2.TemplateSyntaxError, TemplateError, OSError):
                return None
            if None in named:
                return None
            todo += [other for other in named if other]
        return frozenset(found)

    def theme(self) -> Theme:
        """The shipped theme with the project's laid over it. Raises TemplateError with the line."""
        return self._read_theme()[0]

    def theme_findings(self) -> tuple[Finding, ...]:
        """What there is to say of the theme. Raises TemplateError as ``theme`` does."""
        return self._read_theme()[1]

    def _read_theme(self) -> tuple[Theme, tuple[Finding, ...]]:
        paths = [path for folder in reversed(self._folders) if (path := folder / THEME).is_file()]
        key = tuple((path, path.stat().st_mtime_ns, path.stat().st_size) for path in paths)
        if self._theme is None or self._theme[0] != key:
            sources = [read(self._text(path), self._shown(path)) for path in paths]
            theme: Theme = reduce(laid_over, (source.data for source in sources), {})
            self._theme = (key, theme, contrast_findings(theme, sources))
        return self._theme[1:]

    def _text(self, path: Path) -> str:
        try:
            return path.read_text(encoding="utf-8-sig").replace("\r\n", "\n")
        except UnicodeDecodeError as err:
            where, hint = Where(self._shown(path)), "Save it again with the encoding UTF-8."
            raise TemplateError("the file is not text in UTF-8", where=where, hint=hint) from err

    def _source(self, name: str) -> tuple[str, str, Callable[[], bool]] | None:
        folders, plain_name = self._folders, name
        if name.startswith(_SHIPPED):
            folders, plain_name = self._folders[-1:], name.removeprefix(_SHIPPED)
        if ".." in Path(plain_name).parts or Path(plain_name).is_absolute():
            return None
        path = _first(folders, plain_name)
        if path is None:
            return None
        modified = path.stat().st_mtime_ns
        text = self._text(path)
        if path.suffix == ".mjml":
            text = mark_source(text, self._number(path))
        elif ".css" in path.name:
            text = mark_css(text, self._number(path))
        self._blocks[name] = self._blocks_of(text, name, path)
        return text, str(path), lambda: _first(folders, plain_name) == path and path.stat().st_mtime_ns == modified

    def _blocks_of(self, text: str, name: str, path: Path) -> _Blocks:
        tree = self._environment.parse(text, name, str(path))
        names = frozenset(block.name for block in tree.find_all(nodes.Block))
        return _Blocks(self._shown(path), _parent(tree), names, tuple(_outermost(tree)))

    def _check_blocks(self, name: str) -> None:
        """A template that extends another is made of blocks of that one: Jinja2 drops all others in silence."""
        chain: list[_Blocks] = []
        while name in self._blocks and self._blocks[name] not in chain:
            chain.append(self._blocks[name])
            name = chain[-1].parent
        if name:
            return
        for index, child in enumerate(chain[:-1]):
            known = frozenset[str]().union(*(parent.names for parent in chain[index + 1 :]))
            for block, line in child.outermost:
                if block not in known:
                    near = difflib.get_close_matches(block, known, 1)
                    hint = f"Did you mean {near[0]}?" if near else f"Its blocks are: {', '.join(sorted(known)) or 'none'}."
                    message = f"what this template extends has no block {block!r}, so that its content would be lost"
                    raise TemplateError(message, where=Where(child.shown, line), hint=hint)

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

    def place_of(self, name: str) -> str:
        """Where a template is found, as people know the place."""
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


def _first(folders: tuple[Path, ...], name: str) -> Path | None:
    return next((path for folder in folders if (path := folder / name).is_file()), None)


def _parent(tree: nodes.Template) -> str:
    extends = list(tree.find_all(nodes.Extends))
    if not extends:
        return ""
    template = extends[0].template
    sure = len(extends) == 1 and any(node is extends[0] for node in tree.body)
    return str(template.value) if sure and isinstance(template, nodes.Const) else "?"


def _outermost(node: nodes.Node) -> Iterator[tuple[str, int]]:
    for child in node.iter_child_nodes():
        if isinstance(child, nodes.Block):
            yield child.name, child.lineno
        else:
            yield from _outermost(child)
