"""CSS as checks see it: declarations and rules, in the order they are written; the sole importer of tinycss2. Pure.

What cannot be read is left out, as a browser leaves it out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import tinycss2
from tinycss2.color4 import parse_color

# Anything that needs a tokenizer: strings, comments, escapes, functions and blocks, and a ! that is not the one at the end.
_NEEDS_READER = re.compile(r"[\"'\\(){}\[\]]|/\*|<!--|-->|@|!(?!\s*important\s*(?:;|\Z))", re.IGNORECASE)
_IMPORTANT = re.compile(r"\s*!\s*important\s*\Z", re.IGNORECASE)
_NAME = re.compile(r"-{0,2}[A-Za-z_][\w-]*", re.ASCII)
_NESTING = frozenset({"media", "supports", "layer", "document", "container"})


class Declaration(NamedTuple):
    """``name: value``; the name in lower case, the value as written without ``!important``, its white space collapsed."""

    name: str
    value: str
    important: bool = False


class Rule(NamedTuple):
    """A style rule, or an at-rule that holds no rules.

    ``media`` is the condition of the ``@media`` around it, or empty; ``selector`` as written, of an at-rule its name (``@font-face``)
    and what stands behind it; ``line`` counts from 1 in the text; ``within`` names the at-rules around it, the outermost first.
    """

    media: str
    selector: str
    declarations: tuple[Declaration, ...]
    line: int
    within: tuple[str, ...] = ()


@lru_cache(maxsize=4096)
def declarations(text: str) -> tuple[Declaration, ...]:
    """Read the content of a ``style`` attribute."""
    if not _NEEDS_READER.search(text):
        return tuple(_simple(text))
    try:
        return _declared(tinycss2.parse_blocks_contents(text, skip_comments=True, skip_whitespace=True))
    except RecursionError:  # brackets in brackets without end
        return ()


@lru_cache(maxsize=64)
def rules(text: str) -> tuple[Rule, ...]:
    """Read the content of a ``<style>``; rules inside of ``@media`` and its like follow one another."""
    try:
        return tuple(_rules(tinycss2.parse_stylesheet(text, skip_comments=True, skip_whitespace=True), "", ()))
    except RecursionError:
        return ()


def _simple(text: str) -> Iterator[Declaration]:
    """A tokenizer costs some 20 µs a declaration, and a letter has a thousand that need none."""
    for part in text.split(";"):
        name, colon, value = part.partition(":")
        name, value = name.strip(), " ".join(value.split())
        if not colon or not _NAME.fullmatch(name):
            continue
        important = "!" in value
        if important:
            value = _IMPORTANT.sub("", value)
        yield Declaration(name.lower(), value, important)


def _declared(nodes: Sequence[Any]) -> tuple[Declaration, ...]:
    return tuple(
        Declaration(node.lower_name, " ".join(tinycss2.serialize(node.value).split()), bool(node.important))
        for node in nodes
        if node.type == "declaration"
    )


def _rules(nodes: Sequence[Any], media: str, within: tuple[str, ...]) -> Iterator[Rule]:
    for node in nodes:
        if node.type == "qualified-rule":
            selector = " ".join(tinycss2.serialize(node.prelude).split())
            content = tinycss2.parse_blocks_contents(node.content, skip_comments=True, skip_whitespace=True)
            yield Rule(media, selector, _declared(content), node.source_line, within)
        elif node.type == "at-rule":
            yield from _at_rule(node, media, within)


def _at_rule(node: Any, media: str, within: tuple[str, ...]) -> Iterator[Rule]:
    name = node.lower_at_keyword
    prelude = " ".join(tinycss2.serialize(node.prelude).split())
    if name in _NESTING and node.content is not None:
        inner = tinycss2.parse_rule_list(node.content, skip_comments=True, skip_whitespace=True)
        around = " and ".join(part for part in (media, prelude) if part) if name == "media" else media
        yield from _rules(inner, around, (*within, f"@{name}"))
        return
    content = () if node.content is None else tinycss2.parse_blocks_contents(node.content, skip_comments=True, skip_whitespace=True)
    yield Rule(media, f"@{name} {prelude}".strip(), _declared(content), node.source_line, within)


@lru_cache(maxsize=1024)
def colour(text: str) -> tuple[float, float, float, float] | None:
    """Read a colour as red, green, blue and alpha, each from 0 to 1; None for what is none, or depends on another (``currentcolor``)."""
    try:
        found = parse_color(text)
    except RecursionError:
        return None
    if found is None or isinstance(found, str):
        return None
    try:
        parts = found.to("srgb")
    except NotImplementedError:  # a space that has no way to sRGB here
        return None
    red, green, blue = (min(1.0, max(0.0, part or 0.0)) for part in parts.coordinates)
    return red, green, blue, parts.alpha
