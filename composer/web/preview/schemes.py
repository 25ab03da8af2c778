"""A letter in light, in dark as its author meant it, and in dark as a mail program that inverts colours makes it. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache

from composer.web.preview.colours import inverted

_STYLE, _STYLE_END = re.compile(r"<style\b", re.IGNORECASE), re.compile(r"</style\s*>", re.IGNORECASE)
_SCHEME_QUERY = re.compile(r"\(\s*prefers-color-scheme\s*:\s*(dark|light)\s*\)", re.IGNORECASE)
_SCHEME_META = re.compile(r"(<meta\s+name=\"(?:supported-)?color-schemes?\"\s+content=\")[^\"]*(\")", re.IGNORECASE)
_SCHEME_PROPERTY = re.compile(r"(?<![\w-])color-scheme\s*:\s*[^;}]*", re.IGNORECASE)
# What holds for every width, and for none, wherever a query about the scheme may stand.
_TRUE, _FALSE = "(min-width:0px)", "(max-width:0px)"
_TAG = re.compile(r"<[A-Za-z](?:[^<>\"]|\"[^\"]*\")*>")
_ATTRIBUTE = re.compile(r"(\s)(style|bgcolor|color|text|link|vlink|alink|bordercolor)=\"([^\"]*)\"", re.IGNORECASE)
_DECLARATION = re.compile(r"(?<![\w-])([\w-]+)(\s*:\s*)([^;{}\"]+)")
_COLOURED = re.compile(r"color|background|border|outline|fill|stroke", re.IGNORECASE)
_COLOUR = re.compile(
    r"url\((?:\"[^\"]*\"|'[^']*'|[^()]*)\)|#[0-9A-Fa-f]{3,8}\b|(?:rgb|hsl)a?\([^()]*\)|(?<![\w-])[A-Za-z]{3,20}(?![\w(-])", re.IGNORECASE
)
# A program that inverts puts its own dark ground and light ink under whatever the letter leaves open.
_GROUND = "<style>html{background:#333;color:#fff;color-scheme:dark}a{color:#8ab4f8}</style>"


def light(html: str) -> str:
    """Return the letter as shown in light, whatever scheme the browser is set to."""
    return _scheme(html, "light")


def dark(html: str) -> str:
    """Return the letter as shown in dark where its own dark rules are obeyed, whatever scheme the browser is set to."""
    return _scheme(html, "dark")


def forced_dark(html: str) -> str:
    """Return the letter in light with every colour inverted in lightness, as programs do that know no dark rules; images stay."""
    html = _in_styles(light(html), _declarations)
    html = _TAG.sub(_tag, html)
    head, found, rest = html.partition("<head>")
    return f"{head}{found}{_GROUND}{rest}" if found else f"{_GROUND}{html}"


def without_styles(html: str) -> str:
    """Return the letter without any style block or sheet, as Gmail's app shows it with another provider's account."""
    return re.sub(r"<link\b[^<>]*>", "", _in_styles(html, lambda _style: ""), flags=re.IGNORECASE)


def _scheme(html: str, scheme: str) -> str:
    def rules(style: str) -> str:
        asked = _SCHEME_QUERY.sub(lambda query: _TRUE if query[1].lower() == scheme else _FALSE, style)
        return _SCHEME_PROPERTY.sub(f"color-scheme:{scheme}", asked)

    def offered(meta: re.Match[str]) -> str:
        return f"{meta[1]}{scheme}{meta[2]}"

    return _SCHEME_META.sub(offered, _in_styles(html, rules))


def _in_styles(html: str, change: Callable[[str], str]) -> str:
    """Change each style block, its tags included."""
    parts: list[str] = []
    at = 0
    while start := _STYLE.search(html, at):
        end = _STYLE_END.search(html, start.end())
        if not end:
            break
        parts += [html[at : start.start()], change(html[start.start() : end.end()])]
        at = end.end()
    return "".join([*parts, html[at:]])


def _tag(tag: re.Match[str]) -> str:
    return _ATTRIBUTE.sub(_attribute, tag[0])


def _attribute(match: re.Match[str]) -> str:
    space, name, value = match.groups()
    changed = _inline(value) if name.lower() == "style" else inverted(value.strip()) or value
    return f'{space}{name}="{changed}"'


@lru_cache(maxsize=4096)
def _inline(css: str) -> str:
    return _declarations(css)


def _declarations(css: str) -> str:
    return _DECLARATION.sub(_declaration, css)


def _declaration(match: re.Match[str]) -> str:
    name, colon, value = match.groups()
    return f"{name}{colon}{_COLOUR.sub(_colour, value)}" if _COLOURED.search(name) else match[0]


def _colour(match: re.Match[str]) -> str:
    word = match[0]
    return word if word[:4].lower() == "url(" else inverted(word) or word
