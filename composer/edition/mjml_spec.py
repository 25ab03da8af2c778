"""Which MJML tags there are, where each may stand and what attributes it takes (MJML 4, documentation.mjml.io).

Left out is what the compiler in use cannot render rightly: ``UNSUPPORTED`` says what to write instead.
"""

from __future__ import annotations

_PADDING = "padding padding-top padding-right padding-bottom padding-left"
_INNER_PADDING = "inner-padding inner-padding-top inner-padding-right inner-padding-bottom inner-padding-left"
_BORDER = "border border-top border-right border-bottom border-left border-radius"
_BACKGROUND = (
    "background-color background-url background-repeat background-size background-position background-position-x background-position-y"
)
_FONT = "color font-family font-size font-style font-weight letter-spacing line-height text-decoration text-transform"
_ICONS = "icon-align icon-height icon-position icon-unwrapped-alt icon-unwrapped-url icon-width icon-wrapped-alt icon-wrapped-url"
# `at` is ours: the line that an element comes from; see composer.edition.marks.
_COMMON = "css-class mj-class at"

_BLOCK_PARENTS = "mj-column mj-hero"
_SECTION = f"{_BACKGROUND} {_BORDER} {_PADDING} direction full-width text-align text-padding"

_TAGS: dict[str, tuple[str, str]] = {
    # Each tag with its parents and its attributes.
    "mjml": ("", "lang dir owa version"),
    "mj-head": ("mjml", ""),
    "mj-body": ("mjml", "background-color width id"),
    "mj-attributes": ("mj-head", ""),
    "mj-breakpoint": ("mj-head", "width"),
    "mj-font": ("mj-head", "name href"),
    "mj-preview": ("mj-head", ""),
    "mj-style": ("mj-head", ""),
    "mj-title": ("mj-head", ""),
    "mj-all": ("mj-attributes", "*"),
    "mj-class": ("mj-attributes", "*"),
    "mj-wrapper": ("mj-body", _SECTION),
    "mj-section": ("mj-body mj-wrapper", _SECTION),
    "mj-hero": (
        "mj-body mj-wrapper",
        (
            f"{_BACKGROUND} {_PADDING} {_INNER_PADDING} background-height background-width border-radius container-background-color height"
            " inner-background-color mode vertical-align"
        ),
    ),
    "mj-group": ("mj-section", "background-color direction vertical-align width"),
    "mj-column": (
        "mj-section mj-group",
        (
            f"background-color {_BORDER} {_PADDING} direction inner-background-color inner-border inner-border-top"
            " inner-border-right inner-border-bottom inner-border-left inner-border-radius vertical-align width"
        ),
    ),
    "mj-text": (_BLOCK_PARENTS, f"align background-color container-background-color height vertical-align {_FONT} {_PADDING}"),
    "mj-button": (
        _BLOCK_PARENTS,
        (
            f"align background-color container-background-color height href name rel target text-align title vertical-align width"
            f" {_BORDER} {_FONT} {_PADDING} inner-padding"
        ),
    ),
    "mj-image": (
        _BLOCK_PARENTS,
        (
            "align alt container-background-color fluid-on-mobile font-size height href max-height name rel sizes src srcset target title"
            f" usemap width {_BORDER} {_PADDING}"
        ),
    ),
    "mj-divider": (_BLOCK_PARENTS, f"align border-color border-style border-width container-background-color width {_PADDING}"),
    "mj-spacer": (_BLOCK_PARENTS, f"{_BORDER} container-background-color height {_PADDING}"),
    "mj-table": (
        _BLOCK_PARENTS,
        (
            "align border cellpadding cellspacing color container-background-color font-family font-size font-weight line-height role"
            f" table-layout vertical-align width {_PADDING}"
        ),
    ),
    "mj-raw": ("mj-head mj-body mj-wrapper mj-section mj-column mj-hero mj-group", ""),
    "mj-social": (
        _BLOCK_PARENTS,
        (
            f"align border-radius container-background-color icon-height icon-padding icon-size inner-padding mode table-layout"
            f" text-padding vertical-align {_FONT} {_PADDING}"
        ),
    ),
    "mj-social-element": (
        "mj-social",
        (
            "align alt background-color border-radius href icon-height icon-padding icon-position icon-size name rel sizes src srcset"
            f" target text-padding title vertical-align {_FONT} {_PADDING}"
        ),
    ),
    "mj-accordion": (_BLOCK_PARENTS, f"border container-background-color font-family {_ICONS} {_PADDING}"),
    "mj-accordion-element": ("mj-accordion", f"background-color border font-family {_ICONS}"),
    "mj-accordion-title": ("mj-accordion-element", f"background-color color font-family font-size font-weight {_PADDING}"),
    "mj-accordion-text": (
        "mj-accordion-element",
        f"background-color color font-family font-size font-weight letter-spacing line-height {_PADDING}",
    ),
}

PARENTS: dict[str, frozenset[str]] = {tag: frozenset(parents.split()) for tag, (parents, _) in _TAGS.items()}
ATTRIBUTES: dict[str, frozenset[str]] = {tag: frozenset(f"{names} {_COMMON}".split()) for tag, (_, names) in _TAGS.items()}

# Inside these, text is HTML or CSS for the mail and none of MJML's business.
ENDING = frozenset(
    {"mj-text", "mj-button", "mj-table", "mj-raw", "mj-style", "mj-title", "mj-preview", "mj-accordion-title", "mj-accordion-text"}
)

UNSUPPORTED: dict[str, str] = {
    "mj-include": "Use {% include %} of Jinja2: an included section would lose the container's width.",
    "mj-html-attributes": "Write the attribute in mj-raw.",
    "mj-carousel": "Use an image: all carousels of a mail would get the same ids.",
    "mj-navbar": "Use links in an mj-text: all navbars of a mail would get the same ids.",
}
