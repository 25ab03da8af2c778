"""Marks that say where a piece of a letter was written, from template and issue through MJML to HTML, and out again byte for byte. Pure.

A template's tags get its number and their line when it is loaded (``<mj-text@3:12``, ``<td@3:13``, in CSS ``/*<@5:2>*/``); an issue's
fragments and pieces bring its line (``<p data-at="42"``, ``<mj-button at="42"``). Each needs a ``<`` or stands in a tag, so that no text,
which is escaped, can be one.
"""

from __future__ import annotations

import re
from typing import NamedTuple

_SOURCE_TAG = re.compile(r"<(/?)(mj[a-z-]*)(?=[\s/>{])")
# What of a template is no HTML of the letter: Jinja2 and comments; or the start of a tag that is, or of MJML with its line.
_SOURCE_HTML = re.compile(
    r"\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}|<!--.*?-->|<mj(?P<carries>(?!-raw)[a-z-]*)?[a-z-]*@\d{1,6}:(?P<mjml>\d{1,6})|<[a-z][a-z0-9]*(?=[\s/>])",
    re.DOTALL,
)
# What of a style sheet is Jinja2, a comment or a string; or the start of a line where a mark may stand.
_SOURCE_CSS = re.compile(
    r"(?P<line>^[ \t]*(?![ \t\n]|\{[%#]|/\*|\}|\Z))|\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}|/\*.*?\*/|\"(?:[^\"\\\n]|\\.)*\"|'(?:[^'\\\n]|\\.)*'",
    re.DOTALL | re.MULTILINE,
)
_SOURCE_STYLE = re.compile(r"(<mj-style@\d{1,6}:(\d{1,6})[^<>]*>)(.*?)(?=</mj-style)", re.DOTALL)
# Marks as templates and fragments have them: right behind the name of a tag, or (seldom) later in it.
_MARK = re.compile(
    r"(</?[A-Za-z][\w-]*)(?:@\d{1,6}:\d{1,6}(?=[\s/>])(?: (?:data-)?at=\"\d{0,9}\"(?=[\s/>]))?| (?:data-)?at=\"\d{0,9}\"(?=[\s/>]))"
)
_CSS = re.compile(r"/\*<@(\d{1,6}):(\d{1,6})>\*/")
_AT_LATER = re.compile(r"(<[A-Za-z](?:[^<>\"']|\"[^\"]*\"|'[^']*')*?) data-at=\"(\d{0,9})\"")
_HTML = re.compile(r"(<(?!mj)[A-Za-z][\w-]*)(?:@(\d{1,6}:\d{1,6})(?=[\s/>])(?: data-at=\"(\d{0,9})\")?| data-at=\"(\d{0,9})\")")
_MJML = re.compile(
    r"(<(mj-(?:body|wrapper|section|hero|group|column|text|button|image|divider|spacer|table|social|social-element|accordion"
    r"|accordion-element|accordion-title|accordion-text|style))@(\d{1,6}):(\d{1,6}))((?:[^<>\"']|\"[^\"]*\"|'[^']*')*)>"
)
_MJML_AT = re.compile(r"\sat=\"(\d{0,9})\"")
_MJML_AT_LATER = re.compile(r"(<mj-(?:[^<>\"']|\"[^\"]*\"|'[^']*')*?) at=\"\d{0,9}\"")
_CLASS = re.compile(r"\scss-class\s*=\s*[\"'](?=[^\"'\s])")
_TOP = re.compile(r"<mjml@(\d{1,6}):(\d{1,6})")


class Carried(NamedTuple):
    """MJML or HTML that carries marks: ``word`` begins each of them, ``top`` is the number and line of the outermost template."""

    text: str
    word: str
    top: tuple[int, int] | None


def mark_source(source: str, number: int) -> str:
    """Mark every MJML tag of a template's source with the template's number and its line, and HTML on lines of its own likewise."""
    line, seen = 1, 0

    def mark(match: re.Match[str]) -> str:
        nonlocal line, seen
        line += source.count("\n", seen, match.start())
        seen = match.start()
        return f"{match[0]}@{number}:{line}"

    return _SOURCE_STYLE.sub(
        lambda style: f"{style[1]}{mark_css(style[3], number, int(style[2]))}", _marked_html(_SOURCE_TAG.sub(mark, source), number)
    )


def mark_css(source: str, number: int, first: int = 1) -> str:
    """Mark the lines of a style sheet whose first line is ``first``; text of an issue, where ``<`` is escaped, cannot write such a mark."""
    line, seen = first, 0

    def mark(match: re.Match[str]) -> str:
        nonlocal line, seen
        if match["line"] is None:
            return match[0]
        line += source.count("\n", seen, match.start())
        seen = match.start()
        return f"{match[0]}/*<@{number}:{line}>*/"

    return _SOURCE_CSS.sub(mark, source)


def _marked_html(source: str, number: int) -> str:
    """Mark the HTML tags that do not stand on the line of the MJML tag before them."""
    line, seen, known = 1, 0, 0

    def mark(match: re.Match[str]) -> str:
        nonlocal line, seen, known
        if match["mjml"]:
            known = int(match["mjml"]) if match["carries"] else 0
            return match[0]
        if match[0][1] in "{%#!":
            return match[0]
        line += source.count("\n", seen, match.start())
        seen = match.start()
        return match[0] if line == known else f"{match[0]}@{number}:{line}"

    return _SOURCE_HTML.sub(mark, source)


def carried(marked: str) -> Carried:
    """Turn the marks of rendered MJML into what the compiler passes on; those that the lint reads stay beside them."""
    number = 0
    while (word := f"zq{number}z") in marked:
        number += 1
    # A class of its own takes the place of a default one, and must not where there is one.
    defaults = "css-class" in marked[marked.find("<mj-attributes") : marked.rfind("</mj-attributes")]
    text = _CSS.sub(rf"/*{word}\1-\2-0*/", marked)
    text = _HTML.sub(rf'\1 data-{word}="\2/\3\4"', text)
    if ' data-at="' in text:
        text = _AT_LATER.sub(rf'\1 data-{word}="/\2"', text)
    text = _MJML.sub(lambda match: _carrying(match, word, defaults=defaults), text)
    top = _TOP.search(marked)
    return Carried(text, word, (int(top[1]), int(top[2])) if top else None)


def _carrying(match: re.Match[str], word: str, *, defaults: bool) -> str:
    start, tag, number, line, rest = match.groups()
    if tag == "mj-style":
        return match[0] if rest.rstrip().endswith("/") else f"{match[0]}/*{word}{number}-{line}-0*/"
    at = _MJML_AT.search(rest)
    if at:
        rest = f"{rest[: at.start()]}{rest[at.end() :]}"
    token = f"{word}{number}-{line}-{at[1] or 0 if at else 0}"
    if own := _CLASS.search(rest):
        return f"{start}{rest[: own.end()]}{token} {rest[own.end() :]}>"
    return f"{start}{rest}>" if defaults else f'{start} css-class="{token}"{rest}>'


def without(html: str, word: str) -> str:
    """Take what ``carried`` put in out of the compiled HTML, which is then what it would be without."""
    token = rf"{word}\d+-\d+-\d+"
    # Outlook's part of a class is all of its words with "-outlook" behind them.
    pattern = rf' (?:class="{token}(?:-outlook)?"|data-{word}="[\d:/]*"|{token}(?:-outlook)?(?=[ "]))|{token} |/\*{token}\*/'
    return re.sub(pattern, "", html)


def unmark(marked: str) -> str:
    """Return rendered MJML without marks."""
    text = _MARK.sub(r"\1", _CSS.sub("", marked))
    if ' data-at="' in text:
        text = _AT_LATER.sub(r"\1", text)
    return _MJML_AT_LATER.sub(r"\1", text) if ' at="' in text else text
