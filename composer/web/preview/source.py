"""Source to read, coloured by Pygments, its only importer: a page of its own, with line numbers, in light and dark."""

from __future__ import annotations

from html import escape

from pygments import highlight
from pygments.formatters.html import HtmlFormatter
from pygments.lexers.html import HtmlLexer
from pygments.lexers.special import TextLexer

# Colouring takes 1 s for 500 KB; what is longer is shown plain.
_MOST_COLOURED = 400_000
_LIGHT = HtmlFormatter(linenos="inline", linespans="line", cssclass="source", style="default", wrapcode=True)
_DARK = HtmlFormatter(cssclass="source", style="github-dark")
_PAGE_STYLE = """
:root{color-scheme:light dark}
body{margin:0;padding:16px;font:13px/1.6 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;background:#fffefb;color:#1f2328}
pre{margin:0;white-space:pre-wrap;overflow-wrap:anywhere;font:inherit}
.source .linenos{user-select:none;padding-right:1em;color:#6e7781;background:none}
@media (prefers-color-scheme:dark){body{background:#232220;color:#e6edf3}.source .linenos{color:#8b949e;background:none}}
"""
_STYLE = "".join((
    _PAGE_STYLE,
    _LIGHT.get_style_defs(".source"),
    # A long line goes on under its text, not under its number.
    ".source{background:none}.source [id^=line-]{display:block;padding-left:5ch;text-indent:-5ch}",
    "@media (prefers-color-scheme:dark){",
    _DARK.get_style_defs(".source"),
    ".source{background:none}.source .linenos{color:#8b949e;background:none}}",
))  # fmt: skip


def source_page(title: str, text: str) -> str:
    """Return markup (HTML or MJML) as a page to read."""
    lexer = HtmlLexer(stripnl=False) if len(text) <= _MOST_COLOURED else TextLexer(stripnl=False)
    return page(title, highlight(text, lexer, _LIGHT), _STYLE)


def text_page(title: str, html: str) -> str:
    """Return running text, as HTML that is already escaped, as a page to read."""
    return page(title, f"<pre>{html}</pre>", f"{_PAGE_STYLE}pre{{max-width:80ch}}")


def page(title: str, body: str, style: str = _PAGE_STYLE) -> str:
    """Return a page for a frame; ``body`` is HTML."""
    head = f'<meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{escape(title)}</title>'
    return f'<!DOCTYPE html>\n<html lang="en"><head>{head}<style>{style}</style></head><body>{body}</body></html>\n'
