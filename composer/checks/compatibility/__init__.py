"""HTML and CSS of a letter that clients lack, at the line of the template or issue where it is written. Pure but for its data file.

A warning is what loses words or breaks the letter apart (``judgement.BREAKS``), unless something stands in for it in the same list of
declarations or as an attribute; an info is what looks plainer (``FADES``). ``LEFT_OUT`` says why the rest is not spoken of: media
queries, dark mode and Outlook's conditions are there to be ignored by some. Facts: caniemail.com, see ``facts``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache

from composer.checks.compatibility.facts import Feature, features
from composer.checks.compatibility.judgement import BREAKS, FADES
from composer.checks.compatibility.seen import Seen, seen
from composer.checks.letter import Letter
from composer.checks.page import Page
from composer.findings import Finding, Where, info, warning

_LONGEST = 60
_MARKDOWN = re.compile(r"\[([^\]]*)\]\([^)]*\)|[`*]")


def check(letter: Letter, page: Page) -> Iterable[Finding]:
    """Return one finding a feature and place."""
    found: dict[tuple[str, Where], Seen] = {}
    for each in seen(page, letter.issue.assets, _judged()):
        key = (each.slug, each.where)
        if key not in found or (found[key].covered and not each.covered):
            found[key] = each
    return tuple(_findings(found.values()))


@lru_cache(maxsize=1)
def _judged() -> frozenset[str]:
    """Features that somebody lacks and that are spoken of: nothing else need be looked for."""
    known = features()
    return frozenset(slug for slug in (*BREAKS, *FADES) if known[slug].lacking or known[slug].partly)


def _findings(found: Iterable[Seen]) -> Iterator[Finding]:
    known = features()
    for slug, what, where, covered in found:
        feature = known[slug]
        breaks = slug in BREAKS and bool(feature.lacking) and not covered
        hint = f"{(BREAKS if slug in BREAKS else FADES)[slug]} See {feature.page}"
        if breaks:
            yield warning("compat-unsupported", where, f"{_short(what)} is not supported by {_listed(feature.lacking)}", hint)
        else:
            yield info("compat-partial", where, f"{_short(what)} {_partly(feature)}; the letter can be read all the same", hint)


def _partly(feature: Feature) -> str:
    if feature.lacking:
        return f"is ignored by {_listed(feature.lacking)}"
    note = _MARKDOWN.sub(r"\1", feature.notes[0]).removeprefix("Partial. ").rstrip(". ") if feature.notes else ""
    return f"works only in part in {_listed(feature.partly)}{f' ({note})' if note else ''}"


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def _listed(names: tuple[str, ...]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
