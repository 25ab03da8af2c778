"""CSS into style attributes by premailer, its only importer, wrapped so that it does none of the damage it is known for.

Only plain theme rules are inlined. Whatever holds an at-rule, a hover state or a client's own selector stays in its
``<style>`` untouched, for that is what makes columns, phones and dark mode work.
"""

from __future__ import annotations

import logging
import os
import re

from composer.errors import TemplateError

_STYLE = re.compile(r"<style\b([^>]*)>(.*?)</style>", re.DOTALL | re.IGNORECASE)
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
# MJML's own reset (it starts with #outlook) would be repeated on every table and cell; cellspacing, border and the
# theme's rules say the same inline where it matters.
_LEFT_ALONE = re.compile(r"@|\[data-og|:hover|:focus|:visited|#outlook|\.moz-text-html")
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
        alone = "media=" in attributes or _LEFT_ALONE.search(css)
        return f"<style{attributes}{_IGNORE}>{css}</style>" if alone else match[0]

    return _STYLE.sub(mark, html)


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
