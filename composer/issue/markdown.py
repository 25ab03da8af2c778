"""Markdown to HTML whose elements carry their source line (``data-l``); the only importer of markdown-it.

CommonMark with tables, strikethrough, footnotes, ``{.class}`` attributes, ``:::`` directives, and links for bare
URLs with a scheme and e-mail addresses. Raw HTML passes through here unjudged: ``composer.issue.html`` sanitises.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

from markdown_it import MarkdownIt
from markdown_it.parser_inline import ParserInline
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token
from mdit_py_plugins.attrs import attrs_plugin
from mdit_py_plugins.container import container_plugin
from mdit_py_plugins.footnote import footnote_plugin

from composer.errors import IssueError
from composer.findings import Where

DEEPEST = 60
RawHtml = Callable[[str, int], str]


@dataclass(frozen=True, slots=True)
class Rendered:
    """The body as HTML and each footnote's HTML, numbered from 1; ``unclosed`` are the lines of directives left open."""

    html: str
    footnotes: tuple[str, ...]
    unclosed: tuple[int, ...]


def render(body: str, path: str, first_line: int, raw_html: RawHtml) -> Rendered:
    """Render an issue's body that starts at ``first_line`` of the file ``path``.

    ``raw_html`` is given every piece of raw HTML with its line and returns what shall stand for it.
    Raises IssueError for nesting deeper than any newsletter's.
    """
    parser = _parser()
    env: dict[str, Any] = {}
    tokens = parser.parse(body, env)
    unclosed: list[int] = []
    in_columns: list[bool] = []
    lines = body.split("\n")
    for token in tokens:
        if token.level >= DEEPEST:
            where = Where(path, first_line + (token.map[0] if token.map else 0))
            raise IssueError("lists or quotations are nested too deeply here", where=where, hint="Keep fewer levels.")
        if token.map:
            token.meta["line"] = first_line + token.map[0]
        if token.type == "container_directive_open":
            in_columns.append(token.info.split()[:1] == ["columns"])
            if token.map and not "".join(lines[token.map[1] : token.map[1] + 1]).lstrip(" >").startswith(":::"):
                unclosed.append(first_line + token.map[0])
        elif token.type == "container_directive_close":
            in_columns.pop()
        elif token.type.startswith("heading_") and token.markup == "-" and in_columns and in_columns[-1]:
            token.type, token.tag = token.type.replace("heading", "column_end"), "p"
        _number_lines(token)
    return _split_footnotes(parser, tokens, env, raw_html, tuple(unclosed))


def _number_lines(token: Token) -> None:
    """Give the block's line to its tag, and every inline its own line within the paragraph."""
    line = token.meta.get("line")
    if token.nesting >= 0 and line is not None:
        token.attrSet("data-l", str(line))
    if token.type != "inline" or not token.children:
        return
    breaks = [index for index, char in enumerate(token.content) if char == "\n"]
    for child in token.children:
        child.meta["line"] = (line or 0) + bisect_right(breaks, child.meta.get("pos", 0) - 1)
        if child.type in {"link_open", "image"}:
            child.attrSet("data-l", str(child.meta["line"]))


def _split_footnotes(
    parser: MarkdownIt, tokens: list[Token], env: dict[str, Any], raw_html: RawHtml, unclosed: tuple[int, ...]
) -> Rendered:
    env["raw_html"] = raw_html
    start = next((index for index, token in enumerate(tokens) if token.type == "footnote_block_open"), len(tokens))
    footnotes: list[str] = []
    opened = start
    for index in range(start, len(tokens)):
        if tokens[index].type == "footnote_open":
            opened = index + 1
        elif tokens[index].type == "footnote_close":
            inner = [token for token in tokens[opened:index] if token.type != "footnote_anchor"]
            footnotes.append(parser.renderer.render(inner, parser.options, env))
    return Rendered(parser.renderer.render(tokens[:start], parser.options, env), tuple(footnotes), unclosed)


class _PositionedState(StateInline):
    """Inline state that notes where in the paragraph each token starts."""

    def push(self, ttype: str, tag: str, nesting: Literal[-1, 0, 1]) -> Token:
        token = super().push(ttype, tag, nesting)
        token.meta["pos"] = self.pos
        return token


class _PositionedInline(ParserInline):
    def parse(self, src: str, md: MarkdownIt, env: Any, tokens: list[Token]) -> list[Token]:
        state = _PositionedState(src, md, env, tokens)
        self.tokenize(state)
        for rule in self.ruler2.getRules(""):
            rule(state)
        return state.tokens


@cache
def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": True, "linkify": True, "maxNesting": DEEPEST + 40})
    parser.enable(["table", "strikethrough", "linkify"])
    parser.inline = _PositionedInline()
    parser.configure("commonmark")  # applies the preset's rule choice to the inline parser just set
    parser.options.update({"html": True, "linkify": True, "maxNesting": DEEPEST + 40})
    parser.enable(["table", "strikethrough", "linkify"])
    parser.use(footnote_plugin)
    parser.use(attrs_plugin, allowed=["class", "width"])
    parser.use(container_plugin, "directive", validate=lambda params, *_: bool(params.strip()))
    # Nothing is a link that does not say so: `example.org` alone is text.
    assert parser.linkify is not None  # noqa: S101 - tells the type checker what linkify=True means
    parser.linkify.set({"fuzzy_link": False, "fuzzy_email": True, "fuzzy_ip": False})
    parser.linkify.add("//", None)
    # Every address becomes a link here; those with a scheme that mail must not hold are dropped later, with a finding.
    parser.validateLink = lambda url: True  # type: ignore[method-assign]  # noqa: ARG005 - the name it is called by
    for name, rule in _RULES.items():
        parser.add_render_rule(name, rule)
    return parser


def _attribute(text: str) -> str:
    return text.replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;")


def _raw_block(self: Any, tokens: list[Token], index: int, options: Any, env: dict[str, Any]) -> str:
    token = tokens[index]
    return str(env["raw_html"](token.content, token.meta.get("line", 0)))


def _directive_open(self: Any, tokens: list[Token], index: int, options: Any, env: dict[str, Any]) -> str:
    token = tokens[index]
    name, _, argument = token.info.strip().partition(" ")
    return f'<div data-l="{token.meta.get("line", 0)}" data-d="{_attribute(name.lower())}" data-a="{_attribute(argument.strip())}">'


def _footnote_ref(self: Any, tokens: list[Token], index: int, options: Any, env: dict[str, Any]) -> str:
    return f'<sup data-fn="{tokens[index].meta["id"] + 1}"></sup>'


def _cell_open(self: Any, tokens: list[Token], index: int, options: Any, env: dict[str, Any]) -> str:
    token = tokens[index]
    style = str(token.attrGet("style") or "")
    return f'<{token.tag} data-a="{style.removeprefix("text-align:")}">'


def _list_open(self: Any, tokens: list[Token], index: int, options: Any, env: dict[str, Any]) -> str:
    token = tokens[index]
    tight = next((inner.hidden for inner in tokens[index:] if inner.type == "paragraph_open" and inner.level == token.level + 2), True)
    start = f' start="{token.attrGet("start") or 1}"' if token.tag == "ol" else ""
    return f'<{token.tag} data-l="{token.meta.get("line", 0)}" data-a="{"tight" if tight else "loose"}"{start}>'


_RULES: dict[str, Any] = {
    "html_block": _raw_block,
    "html_inline": _raw_block,
    "container_directive_open": _directive_open,
    "container_directive_close": lambda *_: "</div>",
    "column_end_open": lambda *_: "<p>",
    "column_end_close": lambda *_: "</p><hr>",
    "footnote_ref": _footnote_ref,
    "footnote_anchor": lambda *_: "",
    "th_open": _cell_open,
    "td_open": _cell_open,
    "bullet_list_open": _list_open,
    "ordered_list_open": _list_open,
    "softbreak": lambda *_: "\n",
}
