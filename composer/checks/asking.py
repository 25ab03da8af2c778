"""The codes of findings that only somebody else's answer can give: a silence of one is not unused while nobody asks. Plain data."""

from __future__ import annotations

LINKS = frozenset(
    """
    link-anchor-missing link-dead link-doubtful link-insecure-certificate link-moved link-not-published link-private-address link-unverified
    links-not-checked
    """.split()
)
SPAM = frozenset({"spam-not-checked", "spam-rule", "spam-score"})
