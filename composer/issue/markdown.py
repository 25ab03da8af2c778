"""Markdown to HTML whose elements carry their source line (``data-l``); the only importer of markdown-it.

CommonMark with tables, strikethrough, footnotes, ``{.class}`` attributes, ``:::`` directives, and links for bare
URLs with a scheme and e-mail addresses. Raw HTML is rebuilt by ``composer.issue.rawhtml``; ``composer.issue.html`` sanitises.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import cache
from html import escape
from typing import Any, Literal, Protocol

from markdown_it import MarkdownIt
from markdown_it.parser_inline import ParserInline
from markdown_it.rules_core import StateCore
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token
from mdit_py_plugins.attrs import attrs_plugin
from mdit_py_plugins.footnote import footnote_plugin

from composer.errors import IssueError
from composer.findings import Finding, Where
from composer.issue.containers import DEEPEST, directive_rule
from composer.issue.tokens import Tokens

# Within one paragraph the time that links and brackets take grows faster than its length; this keeps it under a second.
LONGEST_PARAGRAPH = 50_000
# Each [ is tried as a link, an image and a footnote, which takes up to 0.2 ms.
MOST_BRACKETS = 20_000
# Each cell of a table is styled on its own: so many take as long as the longest text does.
MOST_CELLS = 10_000
_ANY_TLD = r"[A-Za-z\u00a1-\uffff]{2,63}"
_PASTED = re.compile(r"data:[a-z]{1,20}/[a-z0-9.+-]{1,60}[;,][\w+/=%;,.-]*", re.IGNORECASE | re.ASCII)


class RawHtml(Protocol):
    """Says what shall stand for a piece of raw HTML at a line, given the elements closed later in its paragraph."""

    def __call__(self, source: str, line: int, closed_later: AbstractSet[str] = ...) -> str:
        """Return HTML."""


@dataclass(frozen=True, slots=True)
class Rendered:
    """The body as HTML and each footnote's HTML, numbered from 1; ``findings`` tell what Markdown itself leaves out."""

    html: str
    footnotes: tuple[str, ...]
    findings: tuple[Finding, ...]


def render(body: str, path: str, first_line: int, raw_html: RawHtml) -> Rendered:
    """Render an issue's body that starts at ``first_line`` of the file ``path``.

    ``raw_html`` is given every piece of raw HTML with its line and returns what shall stand for it.
    Raises IssueError for nesting deeper than any newsletter's.
    """
    parser = _parser()
    env: dict[str, Any] = {"footnote_lines": [], "where": lambda line: Where(path, first_line + line)}
    tokens = parser.parse(body, env)
    seen = Tokens(path, first_line, body.split("\n"))
    seen.look_over(tokens)
    seen.footnotes(env["footnote_lines"], env.get("footnotes", {}).get("refs", {}))
    env["raw_html"] = raw_html
    start = next((index for index, token in enumerate(tokens) if token.type == "footnote_block_open"), len(tokens))
    html = parser.renderer.render(tokens[:start], parser.options, env)
    return Rendered(html, _footnotes(parser, tokens[start:], env), tuple(seen.findings))


def _footnotes(parser: MarkdownIt, tokens: Sequence[Token], env: dict[str, Any]) -> tuple[str, ...]:
    footnotes: list[str] = []
    opened = 0
    for index, token in enumerate(tokens):
        if token.type == "footnote_open":
            opened = index + 1
        elif token.type == "footnote_close":
            inner = [token for token in tokens[opened:index] if token.type != "footnote_anchor"]
            footnotes.append(parser.renderer.render(inner, parser.options, env))
    return tuple(footnotes)


def measured(text: str) -> int:
    """The length of a text without the pictures pasted into it as ``data:`` addresses."""
    return len(_PASTED.sub("", text)) if "data:" in text else len(text)


def _refuse_long(state: StateCore) -> None:
    brackets = cells = 0
    for token in state.tokens:
        if token.type != "inline":
            cells += token.type in {"td_open", "th_open"}
            continue
        brackets += token.content.count("[")
        where = state.env["where"](token.map[0] if token.map else 0)
        if cells > MOST_CELLS:
            hint = "Put the table on a page of its own, and link to it."
            raise IssueError(f"here the tables have more than {MOST_CELLS:,} cells", where=where, hint=hint)
        if brackets > MOST_BRACKETS:
            raise IssueError(f"here the text has more than {MOST_BRACKETS:,} opening brackets [", where=where, hint="Delete some links.")
        if len(token.content) > LONGEST_PARAGRAPH and measured(token.content) > LONGEST_PARAGRAPH:
            message = f"a paragraph is longer than {LONGEST_PARAGRAPH:,} characters"
            raise IssueError(message, where=where, hint="Put blank lines into it.")


def _footnote_lines(state: StateCore) -> None:
    """Note where footnotes are defined, before the plugin forgets it."""
    state.env["footnote_lines"] += [
        (token.meta["label"], token.map[0]) for token in state.tokens if token.type == "footnote_reference_open" and token.map
    ]


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
    parser.core.ruler.before("inline", "refuse_long", _refuse_long)
    parser.core.ruler.before("footnote_tail", "footnote_lines", _footnote_lines)
    parser.block.ruler.before("fence", "directive", directive_rule, {"alt": ["paragraph", "reference", "blockquote", "list"]})
    # Nothing is a link that does not say so: `example.org` alone is text.
    assert parser.linkify is not None  # noqa: S101 - tells the type checker what linkify=True means
    parser.linkify.set({"fuzzy_link": False, "fuzzy_email": True, "fuzzy_ip": False})
    parser.linkify.add("//", None)
    # An address is one in whatever domain; a pattern in place of the list of all top-level domains costs no time to compile.
    parser.linkify.tlds([_ANY_TLD], keep_old=False)
    parser.linkify.re["pretest"] = "[:@]"  # its own looks for bare domains too, which takes long and is not wanted
    # Every address becomes a link here; those with a scheme that mail must not hold are dropped later, with a finding.
    parser.validateLink = lambda url: True  # type: ignore[method-assign]  # noqa: ARG005 - the name it is called by
    for name, rule in _RULES.items():
        parser.add_render_rule(name, rule)
    return parser


def _raw_block(self: Any, tokens: list[Token], index: int, options: Any, env: dict[str, Any]) -> str:
    token = tokens[index]
    return str(env["raw_html"](token.content, token.meta.get("line", 0), token.meta.get("closed", frozenset())))


def _directive_open(self: Any, tokens: list[Token], index: int, options: Any, env: dict[str, Any]) -> str:
    token = tokens[index]
    name, _, argument = token.info.partition(" ")
    return f'<div data-l="{token.meta.get("line", 0)}" data-d="{escape(name.lower())}" data-a="{escape(argument.strip())}">'


def _footnote_ref(self: Any, tokens: list[Token], index: int, options: Any, env: dict[str, Any]) -> str:
    return f'<sup data-fn="{tokens[index].meta["id"] + 1}"></sup>'


def _cell_open(self: Any, tokens: list[Token], index: int, options: Any, env: dict[str, Any]) -> str:
    token = tokens[index]
    style = str(token.attrGet("style") or "")
    return f'<{token.tag} data-a="{style.removeprefix("text-align:")}">'


def _item_open(self: Any, tokens: list[Token], index: int, options: Any, env: dict[str, Any]) -> str:
    token = tokens[index]
    return f'<li data-l="{token.meta.get("line", 0)}" data-a="{escape(token.info + token.markup) if token.info else ""}">'


def _list_open(self: Any, tokens: list[Token], index: int, options: Any, env: dict[str, Any]) -> str:
    token = tokens[index]
    start = f' start="{token.attrGet("start") or 1}"' if token.tag == "ol" else ""
    return f'<{token.tag} data-l="{token.meta.get("line", 0)}" data-a="{"tight" if token.meta.get("tight", True) else "loose"}"{start}>'


_RULES: dict[str, Any] = {
    "html_block": _raw_block,
    "html_inline": _raw_block,
    "directive_open": _directive_open,
    "directive_close": lambda *_: "</div>",
    "directive_stray": lambda *_: "",
    "column_end_open": lambda *_: "<p>",
    "column_end_close": lambda *_: "</p><hr>",
    "footnote_ref": _footnote_ref,
    "footnote_anchor": lambda *_: "",
    "th_open": _cell_open,
    "td_open": _cell_open,
    "bullet_list_open": _list_open,
    "ordered_list_open": _list_open,
    "list_item_open": _item_open,
    "softbreak": lambda *_: "\n",
}
