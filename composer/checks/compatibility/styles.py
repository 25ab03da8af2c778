"""Which of caniemail's CSS features stand in declarations, selectors and at-rules: tables, and who reads them. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from functools import lru_cache
from typing import NamedTuple

from composer.checks.css import Declaration, Rule, colour, declarations


class Styled(NamedTuple):
    """A feature in a declaration, or in a rule's head (``value`` is empty); ``covered`` when the same list has what stands in for it."""

    slug: str
    name: str
    value: str = ""
    covered: bool = False


def _each(slug: str, names: str) -> dict[str, str]:
    return dict.fromkeys(names.split(), slug)


# Features that a property is by its name alone, whatever its value.
_SAME_NAME = (
    "accent-color align-items aspect-ratio backdrop-filter background-blend-mode background-clip background-origin background-position"
    " background-repeat background-size border-collapse border-image border-radius border-spacing box-shadow box-sizing caption-side clear"
    " clip-path color-scheme column-count cursor direction empty-cells filter flex-direction flex-wrap float font-kerning font-size"
    " font-stretch font-weight height hyphenate-character hyphenate-limit-chars hyphens justify-content letter-spacing line-height"
    " list-style list-style-image list-style-position list-style-type mask-image max-block-size max-height max-inline-size max-width"
    " min-block-size min-height min-inline-size min-width mix-blend-mode object-fit object-position opacity orphans outline outline-offset"
    " overflow overflow-wrap padding resize shape-margin shape-outside tab-size table-layout text-align text-align-last text-decoration"
    " text-decoration-color text-decoration-line text-decoration-skip-ink text-decoration-style text-decoration-thickness text-emphasis"
    " text-emphasis-position text-indent text-justify text-orientation text-overflow text-shadow text-transform text-underline-offset"
    " text-underline-position text-wrap transform transition user-select vertical-align white-space white-space-collapse widows width"
    " word-break word-spacing word-wrap writing-mode z-index"
)
PROPERTIES: Mapping[str, str] = {
    **{name: f"css-{name}" for name in _SAME_NAME.split()},
    **_each("css-animation", "animation animation-name animation-duration"),
    **_each("css-block-inline-size", "block-size inline-size"),
    **_each("css-border-inline-block", "border-inline border-block"),
    **_each(
        "css-border-inline-block-individual",
        "border-inline-color border-block-color border-inline-style border-block-style border-inline-width border-block-width"
        " border-inline-start border-inline-end border-block-start border-block-end",
    ),
    **{
        f"border-{axis}-{end}-{what}": "css-border-inline-block-longhand"
        for axis in ("inline", "block")
        for end in ("start", "end")
        for what in ("color", "style", "width")
    },
    **_each(
        "css-border-radius-logical",
        "border-start-start-radius border-start-end-radius border-end-start-radius border-end-end-radius",
    ),
    **_each(
        "css-column-layout-properties", "columns column-fill column-rule column-rule-color column-rule-style column-rule-width column-span"
    ),
    "column-width": "css-column-layout-properties",
    **_each("css-gap", "gap column-gap row-gap"),
    **_each("css-grid-template", "grid-template grid-template-areas grid-template-columns grid-template-rows"),
    **_each("css-inset", "inset inset-block inset-inline inset-inline-start inset-inline-end inset-block-start inset-block-end"),
    **_each("css-left-right-top-bottom", "left right top bottom"),
    **_each("css-margin-block-start-end", "margin-block-start margin-block-end"),
    **_each("css-margin-inline-block", "margin-inline margin-block"),
    **_each("css-margin-inline-start-end", "margin-inline-start margin-inline-end"),
    **_each("css-mask-image", "mask -webkit-mask-image"),
    **_each("css-padding-block-start-end", "padding-block-start padding-block-end"),
    **_each("css-padding-inline-block", "padding-inline padding-block"),
    **_each("css-padding-inline-start-end", "padding-inline-start padding-inline-end"),
    **_each("css-scroll-snap", "scroll-snap-type scroll-snap-align scroll-snap-stop"),
}

# Features that are a value: the pattern is looked for in the value, in lower case; the names are those it can stand in, none for any.
_SIZES = frozenset("width height max-width min-width max-height min-height block-size inline-size flex-basis".split())
VALUES: tuple[tuple[str, frozenset[str], re.Pattern[str]], ...] = tuple(
    (slug, frozenset(names.split()), re.compile(pattern))
    for slug, names, pattern in (
        ("css-display-flex", "display", r"\b(?:inline-)?flex\b"),
        ("css-display-grid", "display", r"\b(?:inline-)?grid\b"),
        ("css-display-none", "display", r"\Anone\Z"),
        ("css-position", "position", r"\A(?:absolute|fixed|sticky|-webkit-sticky)\Z"),
        ("css-visibility", "visibility", r"\A(?:hidden|collapse)\Z"),
        ("css-margin", "margin margin-top margin-right margin-bottom margin-left", r"(?:\A|\s)-[\d.]"),
        ("css-background-image", "background background-image", r"\burl\("),
        ("css-linear-gradient", "background background-image", r"\blinear-gradient\("),
        ("css-radial-gradient", "background background-image", r"\bradial-gradient\("),
        ("css-conic-gradient", "background background-image", r"\bconic-gradient\("),
        ("css-variables", "", r"\bvar\("),
        ("css-function-light-dark", "", r"\blight-dark\("),
        ("css-modern-color", "", r"\b(?:ok)?l(?:ch|ab)\("),
        ("css-rgba", "", r"\brgba\("),
        ("css-rgb", "", r"\brgb\("),
        ("css-unit-calc", "", r"\bcalc\("),
        ("css-function-clamp", "", r"\bclamp\("),
        ("css-function-max", "", r"(?<![\w-])max\("),
        ("css-function-min", "", r"(?<![\w-])min\("),
        ("css-intrinsic-size", " ".join(_SIZES), r"\b(?:fit|min|max)-content\b"),
        ("css-unit-initial", "", r"\Ainitial\Z"),
        ("css-sytem-ui", "font font-family", r"\b(?:system-ui|ui-(?:serif|sans-serif|rounded|monospace))\b"),
        *((f"css-unit-{unit}", "", rf"(?<![\w#])\d*\.?\d+{unit}\b") for unit in ("rem", "ch", "vw", "vh", "vmin", "vmax")),
    )
)
# A value of letters alone, or of plain lengths and colours, has none of those that may stand in any property.
_PLAIN = re.compile(r"(?:[a-z-]+|#[0-9a-f]{3,8}|-?[\d.]+(?:px|%|em|pt)?)(?:[ ,]+(?:[a-z-]+|#[0-9a-f]{3,8}|-?[\d.]+(?:px|%|em|pt)?))*")
_BY_NAME: Mapping[str, tuple[tuple[str, re.Pattern[str]], ...]] = {
    name: tuple((slug, pattern) for slug, names, pattern in VALUES if name in names)
    for name in frozenset[str]().union(*(names for _, names, _ in VALUES))
}
_ANYWHERE = tuple((slug, pattern) for slug, names, pattern in VALUES if not names)
_IMAGE = re.compile(r"(?:url|[a-z-]*gradient)\((?:[^()]|\([^()]*\))*\)")
_BACKGROUNDS = frozenset({"css-background-image", "css-linear-gradient", "css-radial-gradient", "css-conic-gradient"})

AT_RULES: Mapping[str, str] = {
    "@font-face": "css-at-font-face",
    "@import": "css-at-import",
    "@keyframes": "css-at-keyframes",
    "@-webkit-keyframes": "css-at-keyframes",
    "@supports": "css-at-supports",
    "@media": "css-at-media",
}
PSEUDO: Mapping[str, str] = {
    **{
        f":{name}": f"css-pseudo-class-{name}"
        for name in (
            "active checked first-child first-of-type focus has hover lang last-child last-of-type link not nth-child nth-last-child"
            " nth-last-of-type nth-of-type only-child only-of-type target visited"
        ).split()
    },
    **{f"::{name}": f"css-pseudo-element-{name}" for name in "after before first-letter first-line marker placeholder".split()},
    **{f":{name}": f"css-pseudo-element-{name}" for name in "after before first-letter first-line".split()},
}
_PSEUDO = re.compile(r"::?[a-z-]+")
_COMBINED: tuple[tuple[str, str], ...] = (
    ("+", "css-selector-adjacent-sibling"),
    ("~", "css-selector-general-sibling"),
    ("[", "css-selector-attribute"),
    ("&", "css-nesting"),
)
_SAID_OF_POSITION = frozenset({"css-left-right-top-bottom", "css-z-index"})
# What a property is when nobody sets it.
_NOTHING = frozenset("normal none auto 0 0px inherit unset static visible medium".split())
# Rules that are for one client or for one moment: who does not know them loses nothing that is inline.
_ON_PURPOSE = re.compile(
    r"\[(?:data-og|class[~^*]?=|owa|office365)|\.moz-text-html|#outlook|#MessageViewBody|\bu ?[+~] ?|\.ii\b|\.externalclass|\.readmsgbody"
    r"|:hover|:focus|:visited|:active|:link|x-apple-data-detectors|\A\* \[lang",
    re.IGNORECASE,
)


@lru_cache(maxsize=4096)
def of_style(text: str, judged: frozenset[str]) -> tuple[Styled, ...]:
    """Return the judged features of a ``style`` attribute, each with its declaration."""
    return tuple(_of_declarations(declarations(text), judged))


def of_rules(rules: Collection[Rule], judged: frozenset[str]) -> Iterator[tuple[Rule, Styled]]:
    """Yield the judged features of a style block's rules: of the at-rules, and of plain rules their selectors and declarations.

    What stands inside of ``@media`` is an enhancement for whom the condition holds; so is a rule for one client alone.
    """
    said: set[str] = set()
    for rule in rules:
        for name in (*rule.within, rule.selector.partition(" ")[0].lower()):
            slug = AT_RULES.get(name, "")
            if slug in judged and (name not in rule.within or name not in said):
                said.add(name)
                yield rule, Styled(slug, name)
        if rule.within or rule.selector.startswith("@") or _ON_PURPOSE.search(rule.selector):
            continue
        for found in _of_selector(rule.selector.lower(), judged):
            yield rule, found
        for found in _of_declarations(rule.declarations, judged):
            yield rule, found


def _of_selector(selector: str, judged: frozenset[str]) -> Iterator[Styled]:
    for name in dict.fromkeys(_PSEUDO.findall(selector)):
        if PSEUDO.get(name) in judged:
            yield Styled(PSEUDO[name], name)
    for sign, slug in _COMBINED:
        if sign in selector and slug in judged:
            yield Styled(slug, selector)


def _of_declarations(listed: Collection[Declaration], judged: frozenset[str]) -> Iterator[Styled]:
    names = {name for name, _, _ in listed}
    placed = "position" in names
    values = {(name, value.lower()) for name, value, _ in listed}
    hidden = ("display", "none") in values
    earlier: set[str] = set()
    for name, written, _ in listed:
        value = written.lower()
        known, earlier = earlier, {*earlier, name}
        if hidden and name != "display":
            continue  # what nobody is to see need not look right
        slug = PROPERTIES.get(name, "")
        if slug in judged and value not in _NOTHING and not (placed and slug in _SAID_OF_POSITION):
            yield Styled(slug, name, written)
        for slug in _in_value(name, value):
            if slug not in judged:
                continue
            covered = name in known and not any(slug in _in_value(name, other) for own, other in values if own == name and other != value)
            if slug in _BACKGROUNDS:
                covered = covered or "background-color" in names or _coloured(written)
            if slug == "css-display-none" and names & {"mso-hide", "max-height"}:
                continue  # the ways to hide it from those who do not know this one
            yield Styled(slug, name, written, covered)


def _coloured(background: str) -> bool:
    """Say whether the value of ``background`` has a colour beside its image."""
    rest = _IMAGE.sub(" ", background.lower())
    return "rgb" in rest or "hsl" in rest or any(colour(word) for word in rest.replace("/", " ").split())


def _in_value(name: str, value: str) -> Iterator[str]:
    for slug, pattern in _BY_NAME.get(name, ()):
        if pattern.search(value):
            yield slug
    if not _PLAIN.fullmatch(value) or value == "initial":
        for slug, pattern in _ANYWHERE:
            if pattern.search(value):
                yield slug
