"""What it means for a letter when a client lacks a feature: each with what to do, or why it is left alone. Pure tables."""

from __future__ import annotations

from collections.abc import Mapping

_FLOW = "Use a table, or <mj-column>, which MJML writes as one for Outlook."
_FORM = "Link to a form on your site."
_PICTURE = "Save the picture as PNG, JPEG or GIF."
_SIDES = "Write the plain property instead: left, right, top, bottom, width or height."
_FIRST = "Write a plain value before it, in an attribute or in the same rule."
_STEPS = "Give the element a class of its own, and write the rule for that."
_DROP = "Leave it out if the letter is fine without it."

# Where it is lacking, words are lost or covered, or the letter falls apart: a warning.
BREAKS: Mapping[str, str] = {
    "css-display-flex": _FLOW,
    "css-display-grid": _FLOW,
    "css-position": "Use padding, or an image that is drawn as it should look: what is placed over something else lands beside it.",
    "css-variables": "Write the value itself, or take it from theme.toml.",
    "css-visibility": "Leave the element out: where this is lacking, everybody sees it.",
    "css-display-none": "Add mso-hide:all;max-height:0;overflow:hidden, or leave the element out: some would see it.",
    "css-background-image": "Add a background-color on which the text can be read.",
    "css-linear-gradient": "Add a background-color on which the text can be read.",
    "css-radial-gradient": "Add a background-color on which the text can be read.",
    "css-conic-gradient": "Add a background-color on which the text can be read.",
    "css-function-light-dark": _FIRST,
    "css-modern-color": "Write the colour as #RRGGBB.",
    "css-unit-calc": _FIRST,
    "css-function-clamp": _FIRST,
    "css-function-max": _FIRST,
    "css-function-min": _FIRST,
    "css-unit-rem": "Write the size in px.",
    "css-unit-ch": "Write the size in px.",
    "css-unit-vmin": "Write the size in px or %.",
    "css-unit-vmax": "Write the size in px or %.",
    "css-unit-vw": "Write the size in px or %.",
    "css-unit-vh": "Write the size in px or %.",
    "css-block-inline-size": _SIDES,
    "css-inset": _SIDES,
    "css-margin-block-start-end": _SIDES,
    "css-margin-inline-block": _SIDES,
    "css-margin-inline-start-end": _SIDES,
    "css-padding-block-start-end": _SIDES,
    "css-padding-inline-block": _SIDES,
    "css-padding-inline-start-end": _SIDES,
    "html-video": "Show a picture of it that links to the video.",
    "html-audio": "Link to the recording.",
    "html-object": "Link to it, or show a picture of it.",
    "html-svg": _PICTURE,
    "html-dialog": "Write the words into the letter.",
    "html-form": _FORM,
    "html-input-checkbox": _FORM,
    "html-input-radio": _FORM,
    "html-input-reset": _FORM,
    "html-input-submit": _FORM,
    "html-input-text": _FORM,
    "html-textarea": _FORM,
    "html-select": _FORM,
    "html-button-reset": _FORM,
    "html-button-submit": "Use <mj-button> with an address.",
    "html-link": "Put the rules into styles/inline.css.j2: a style sheet elsewhere is not read.",
    "css-at-import": "Put the rules into styles/inline.css.j2: a style sheet elsewhere is not read.",
    "html-hidden": "Leave the element out: where this is lacking, everybody sees it.",
    "html-base": "Write every address in full.",
    "image-svg": _PICTURE,
    "image-webp": _PICTURE,
    "image-avif": _PICTURE,
    "image-heif": _PICTURE,
    "image-hdr": _PICTURE,
    "image-tiff": _PICTURE,
    "image-bmp": _PICTURE,
    "image-ico": _PICTURE,
    "image-mp4": "Show a picture of it that links to the video.",
    "image-base64": "Keep the picture as a file beside the issue; the build takes care of it.",
}

# Where it is lacking, the letter looks plainer and can be read all the same: an info.
FADES: Mapping[str, str] = {
    **dict.fromkeys(
        (
            "css-accent-color css-animation css-aspect-ratio css-backdrop-filter css-background-blend-mode"
            " css-background-clip css-background-origin css-border-image css-border-inline-block"
            " css-border-inline-block-individual css-border-inline-block-longhand css-border-radius-logical"
            " css-border-spacing css-caption-side css-clear css-clip-path css-column-count"
            " css-column-layout-properties css-empty-cells css-filter css-float css-font-stretch css-hyphens"
            " css-hyphenate-character css-hyphenate-limit-chars css-intrinsic-size css-left-right-top-bottom"
            " css-list-style-image css-margin css-mask-image css-max-block-size css-max-inline-size"
            " css-min-block-size css-min-inline-size css-mix-blend-mode css-object-fit css-object-position"
            " css-outline-offset css-resize css-rgba css-scroll-snap css-shape-margin css-shape-outside"
            " css-tab-size css-text-align-last css-text-emphasis css-text-emphasis-position css-text-orientation"
            " css-text-overflow css-text-shadow css-box-shadow css-transform css-transition css-unit-initial"
            " css-user-select css-white-space-collapse css-word-spacing css-writing-mode css-z-index"
            " css-text-justify css-opacity css-text-wrap css-text-underline-offset css-text-decoration-color"
            " css-text-decoration-style css-text-decoration-thickness css-text-decoration-skip-ink"
            " css-text-underline-position"
        ).split(),
        _DROP,
    ),
    **dict.fromkeys(
        (
            "css-pseudo-class-checked css-pseudo-class-first-child css-pseudo-class-first-of-type"
            " css-pseudo-class-has css-pseudo-class-lang css-pseudo-class-last-child css-pseudo-class-last-of-type"
            " css-pseudo-class-not css-pseudo-class-nth-child css-pseudo-class-nth-last-child"
            " css-pseudo-class-nth-last-of-type css-pseudo-class-nth-of-type css-pseudo-class-only-child"
            " css-pseudo-class-only-of-type css-pseudo-class-target css-pseudo-element-after"
            " css-pseudo-element-before css-pseudo-element-first-letter css-pseudo-element-first-line"
            " css-pseudo-element-marker css-pseudo-element-placeholder css-selector-adjacent-sibling"
            " css-selector-general-sibling css-selector-attribute"
        ).split(),
        _STEPS,
    ),
    "css-at-font-face": "Name a font behind it that readers have.",
    "css-at-keyframes": _DROP,
    "css-at-supports": "Write what everybody is to see outside of it.",
    "css-nesting": "Write each rule on its own.",
    "css-gap": "Use padding.",
    "html-background": "Add bgcolor, with a colour on which the text can be read.",
    "html-image-maps": "Cut the picture into pictures with a link each.",
    "html-marquee": "Write the words into the letter.",
    "html-meter": "Write the figure as text.",
    "html-progress": "Write the figure as text.",
    "html-picture": "See that the <img> inside will do for everybody.",
    "html-popover": "Write the words into the letter.",
    "html-ruby": "See that it reads well with the small letters behind the word.",
    "html-semantics": "Use <div> or a table with a role.",
    "html-srcset": "See that the picture of src will do for everybody.",
}


def _group(reason: str, slugs: str) -> dict[str, str]:
    return dict.fromkeys(slugs.split(), reason)


# What is seen and never spoken of, with the reason.
LEFT_OUT: Mapping[str, str] = {
    **_group(
        "an enhancement by design: in a block of its own, and everybody else has the letter that is inline",
        "css-at-media css-at-media-device-pixel-ratio css-at-media-hover css-at-media-orientation"
        " css-at-media-prefers-color-scheme css-at-media-prefers-reduced-motion css-color-scheme"
        " html-meta-color-scheme html-style css-important css-pseudo-class-hover css-pseudo-class-active"
        " css-pseudo-class-focus css-pseudo-class-link css-pseudo-class-visited",
    ),
    **_group(
        "the inliner moves such rules into the elements; what it leaves is for clients that read them",
        "css-selector-chaining css-selector-child css-selector-class css-selector-descendant"
        " css-selector-grouping css-selector-id css-selector-type css-selector-universal css-comments"
        " html-comments",
    ),
    **_group(
        "said once, of display:flex or display:grid",
        "css-align-items css-justify-content css-flex-direction css-flex-wrap css-grid-template",
    ),
    **_group("corners stay square, and nothing else changes", "css-border-radius"),
    **_group(
        "a bound, not a size: what must hold for Outlook stands in width attributes, which MJML writes",
        "css-max-width css-max-height css-min-width css-min-height css-inline-size css-width css-height"
        " html-width html-height css-box-sizing css-table-layout",
    ),
    **_group(
        "where it is lacking the client's own way of setting text takes over, a matter of taste",
        "css-white-space css-word-break css-word-wrap css-overflow-wrap css-overflow css-letter-spacing"
        " css-line-height css-font-size css-font-weight css-font-kerning css-text-align css-text-decoration"
        " css-text-decoration-line css-text-indent css-text-transform css-list-style css-list-style-position"
        " css-sytem-ui css-display css-orphans css-widows css-cursor css-outline css-direction css-border"
        " css-padding css-background css-background-position css-background-repeat css-background-size css-rgb",
    ),
    **_group(
        "for people who listen to the letter, or for what the client shows around it: nothing is lost where it is dropped",
        "html-aria-describedby html-aria-hidden html-aria-label html-aria-labelledby html-aria-live html-role"
        " html-lang html-dir html-abbr html-acronym html-dfn html-bdi html-wbr html-rp html-rt html-strike"
        " html-loading-attribute html-required html-input-hidden",
    ),
    **_group("the reader reads on where a jump or a program does not start", "html-anchor-links html-mailto-links html-target"),
    **_group(
        "clients set the letter into a page of their own, and the letter is made for that",
        "html-body html-doctype html-align html-lists",
    ),
    **_group("shows its first picture where it does not move", "image-gif image-apng"),
}
