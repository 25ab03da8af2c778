"""CSS into style attributes by premailer, its only importer, wrapped so that it does none of the damage it is known for.

Only plain theme rules are inlined. An at-rule, a hover state or a client's own selector stays in a ``<style>``
untouched, for that is what makes columns, phones and dark mode work.
"""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass

from composer.errors import TemplateError

_STYLE = re.compile(r"<style\b([^>]*)>(.*?)</style>", re.DOTALL | re.IGNORECASE)
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
# MJML's own reset (it starts with #outlook) would be repeated on every table and cell; cellspacing, border and the
# theme's rules say the same inline where it matters.
_RESET = re.compile(r"#outlook\b")
_LEFT_ALONE = re.compile(r"\[data-og|:hover|:focus|:visited|\.moz-text-html")
_CSS = re.compile(r"/\*(?:.*?\*/)?|\"(?:[^\"\\\n]|\\.)*\"|'(?:[^'\\\n]|\\.)*'|\\.|[{};]", re.DOTALL)
_COMMENT_IN_CSS = re.compile(r"/\*.*?\*/", re.DOTALL)
_BLANK = re.compile(r"(?:\s|/\*.*?\*/)*", re.DOTALL)
_PART = re.compile(r"<!--.*?-->|<style\b.*?</style>|<[A-Za-z](?:[^<>\"']|\"[^\"]*\"|'[^']*')*>", re.DOTALL | re.IGNORECASE)
_ATTRIBUTE = re.compile(r"\s([^\s=<>\"'/]+)=(?:\"([^\"]*)\"|'([^']*)')")
_IGNORE = ' data-premailer="ignore"'
_SELECTED = re.compile(r"\.(-?[_a-zA-Z][\w-]*)")


def inline(html: str) -> str:
    """Inline the plain rules of an HTML document; text, comments, and the other style blocks stay as they are.

    Raises TemplateError for CSS that premailer cannot read.
    """
    # Its cache of parsed rules, sized by this variable when it is imported, holds 128 entries by default: fewer than a
    # letter's rules and elements, so that it keeps missing (80 ms a letter instead of 30).
    os.environ.setdefault("PREMAILER_CACHE_MAXSIZE", "4096")
    from premailer import Premailer  # noqa: PLC0415 - costs 180 ms, and only composing needs it

    prepared = re.sub(r"^\s*<!doctype html[^>]*>", "<!DOCTYPE html>", html, count=1, flags=re.IGNORECASE)
    prepared = _protected(prepared)
    try:
        inlined = Premailer(
            prepared,
            keep_style_tags=False,
            strip_important=False,
            remove_classes=False,
            remove_unset_properties=False,
            allow_network=False,
            disable_validation=True,
            disable_leftover_css=False,
            # premailer would rewrite width="550" from a style of 100 %, and Outlook would draw the image full size.
            disable_basic_attributes=["width", "height"],
            cssutils_logging_level=logging.CRITICAL,
        ).transform()
    except (ValueError, IndexError, AttributeError, KeyError) as err:
        raise TemplateError(
            f"the styles cannot be inlined: {err}", hint="Keep at-rules in an <mj-style> of their own, one level deep."
        ) from err
    return _tidied(str(inlined))


def _protect(html: str) -> str:
    def mark(match: re.Match[str]) -> str:
        attributes, css = match.groups()
        if "media=" in attributes or _RESET.search(css):
            return f"<style{attributes}{_IGNORE}>{css}</style>"
        plain, alone = split(css)
        kept = f"<style{attributes}{_IGNORE}>{alone}</style>" if alone else ""
        return kept if not plain else f"<style{attributes}>{plain}</style>{kept}"

    return _STYLE.sub(mark, html)


def split(css: str) -> tuple[str, str]:
    """Return the plain rules of a style block, and all others byte for byte. Raises TemplateError for braces without a pair."""
    rules = list(_rules(css))
    if not any(rule.alone for rule in rules):
        return css, ""
    plain = "".join(rule.plain for rule in rules)
    return plain, "".join(rule.text for rule in rules if rule.alone).strip() if plain else css


@dataclass(frozen=True, slots=True)
class _Rule:
    """A piece of a style sheet's top level: all its text; what stands before its ``{`` (comments left out), and from there on."""

    text: str
    head: str
    body: str

    @property
    def alone(self) -> bool:
        return self.head.startswith("@") or bool(_LEFT_ALONE.search(self.head))

    @property
    def plain(self) -> str:
        """What of the rule is to be inlined: of ``a, a:hover`` that for ``a``."""
        if not self.alone:
            return self.text if self.head else ""
        if re.search(r"^@|[(\"']", self.head):
            return ""
        selectors = ",".join(selector for selector in self.head.split(",") if not _LEFT_ALONE.search(selector))
        return selectors and f"{selectors}{self.body}"


def _rules(css: str) -> Iterator[_Rule]:
    """Cut a style sheet at its top level, nothing lost."""
    depth = start = opened = 0
    head = _after_comments(css, 0)
    for match in _CSS.finditer(css):
        sign, end = match[0], match.end()
        if sign == "/*":
            raise _broken("a comment is never closed", css[match.start() :])
        if sign == "{":
            opened, depth = (opened if depth else match.start()), depth + 1
            if depth > 1 and css[head] != "@":
                raise _broken("a rule stands inside of another, or a { is never closed", css[head:])
        if sign == "}":
            depth -= 1
            if depth < 0:
                raise _broken("a } closes nothing", css[head:])
        if not depth and (sign == "}" or (sign == ";" and css[head] == "@")):
            cut = opened if sign == "}" else end
            yield _Rule(css[start:end], _COMMENT_IN_CSS.sub("", css[head:cut]).strip(), css[cut:end])
            start, head = end, _after_comments(css, end)
    if depth:
        raise _broken("a { is never closed", css[head:])
    yield _Rule(css[start:], "", "")


def _after_comments(css: str, start: int) -> int:
    found = _BLANK.match(css, start)
    return found.end() if found else start


def _broken(what: str, css: str) -> TemplateError:
    message = f"the styles cannot be read: {what}, at {' '.join(css[:60].split())!r}"
    return TemplateError(message, hint="Look for it in styles/inline.css.j2, or in the <mj-style> where it stands.")


def _protected(html: str) -> str:
    """Mark the style blocks to leave alone; those in a conditional comment are Outlook's and no block of the document."""
    parts: list[str] = []
    start = 0
    for comment in _COMMENT.finditer(html):
        parts += [_protect(html[start : comment.start()]), comment[0]]
        start = comment.end()
    return "".join([*parts, _protect(html[start:])])


def _tidied(html: str) -> str:
    """Put every attribute into double quotes, and drop class names that no style block left speaks of: they only weigh.

    libxml2 writes an attribute that holds a double quote in single ones, and ``<!--`` in one as it is.
    """
    selected = {name for _, css in _STYLE.findall(html) for name in _SELECTED.findall(css)}

    def attribute(match: re.Match[str]) -> str:
        name, value, single = match.groups()
        if name == "class":
            value = " ".join(word for word in (value or single or "").split() if word in selected)
            return f' class="{value}"' if value else ""
        if single is not None:
            value = single.replace('"', "&quot;")
        return f' {name}="{value.replace("<", "&lt;")}"'

    def part(match: re.Match[str]) -> str:
        tag = match[0]
        if tag[:6].lower() == "<style":  # premailer takes its mark off a block only where no medium is named
            return tag.replace(_IGNORE, "", 1)
        plain = tag[1] == "!" or not (" class=" in tag or "'" in tag or "<" in tag[1:])
        return tag if plain else _ATTRIBUTE.sub(attribute, tag)

    return _PART.sub(part, html)
