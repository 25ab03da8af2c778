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
_CLASS = re.compile(r'(<[A-Za-z][^<>]*?)\sclass="([^"]*)"')
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
    return _without_idle_classes(str(inlined))


def _protect(html: str) -> str:
    def mark(match: re.Match[str]) -> str:
        attributes, css = match.groups()
        alone = "media=" in attributes or _LEFT_ALONE.search(css)
        return f'<style{attributes} data-premailer="ignore">{css}</style>' if alone else match[0]

    return _STYLE.sub(mark, html)


def _protected(html: str) -> str:
    """Mark the style blocks to leave alone; those in a conditional comment are Outlook's and no block of the document."""
    parts: list[str] = []
    start = 0
    for comment in _COMMENT.finditer(html):
        parts += [_protect(html[start : comment.start()]), comment[0]]
        start = comment.end()
    return "".join([*parts, _protect(html[start:])])


def _without_idle_classes(html: str) -> str:
    """Drop class names that no style block left in the document speaks of: they only weigh."""
    selected = {name for _, css in _STYLE.findall(html) for name in _SELECTED.findall(css)}

    def keep(match: re.Match[str]) -> str:
        names = " ".join(name for name in match[2].split() if name in selected)
        return f'{match[1]} class="{names}"' if names else match[1]

    return _CLASS.sub(keep, html)
