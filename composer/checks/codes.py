"""The codes that a check of an issue may give, so that a silence of none of them is seen; ``docs/findings.md`` explains each.

A test compares them with the code.
"""

from __future__ import annotations

# What stops a send for reasons other than the text, and what is said of silences themselves.
NEVER_SILENT = frozenset(
    """
    audience-changed draft-issue field-missing field-not-link field-unknown html-comment-open image-not-hosted leaving-header
    leaving-hidden leaving-link leaving-text leaving-token no-image-url no-mailbox
    no-postal-address no-postal-address-in-letter no-sender no-unsubscribe-link nobody-to-mail not-tested placeholder-sender
    silence-not-allowed silence-unknown-code silence-unused silence-without-reason
    """.split()
)
CODES = NEVER_SILENT | frozenset(
    """
    a11y-contrast a11y-direction a11y-font-size a11y-h1 a11y-heading-order a11y-image-alt a11y-language a11y-link-colour
    a11y-link-name a11y-link-text a11y-links-touch a11y-table-head a11y-table-role a11y-table-scope a11y-target a11y-title
    address-misspelt all-capitals alt-says-nothing anchor-missing attribute-dropped attributes-as-text bold-heading braces-as-text
    braces-left button-in-text button-without-link callout-kind columns-number compat-partial compat-unsupported control-characters
    date-impossible date-past date-relative date-repeated directive-stray directive-unclosed duplicate-key empty-directive
    empty-heading empty-image empty-link event-past event-without-date exclamation-marks field-defaulted footnote-missing
    footnote-repeated footnote-unused foreign-merge-field gmail-clip handle-differs handle-form handle-misspelt heading-jump
    html-attribute-dropped html-comment html-dropped html-player html-stray-end image-address image-data-uri image-heavy
    image-not-found image-not-local image-too-wide image-unreadable image-weight image-width image-without-alt issue-archived
    link-anchor-missing link-brackets link-campaign link-dead link-doubtful link-edge-space link-http
    link-insecure-certificate link-long link-moved link-no-break-space link-not-published link-private-address link-text-address
    link-text-same link-text-vague link-unverified link-with-space link-without-address link-without-scheme links-not-checked
    mail-address-broken mjml-attribute mjml-nesting mjml-padding mjml-unclosed mjml-unknown-tag mjml-unsupported months-differ
    parity-field parity-heading parity-link placeholder-left preheader-leaks preheader-long preheader-missing preheader-repeated
    preheader-repeats preheader-short private-link relative-link site-differs site-misspelt spam-not-checked spam-rule spam-score
    subject-long subject-loud subject-repeated subject-reply subject-short table-cells-dropped table-wide theme-contrast tracking-link
    unknown-class unknown-directive unknown-keys unsubscribe-unusable url-repaired url-repeated weekday-wrong word-doubled
    word-too-long yaml-comment
    """.split()
)
