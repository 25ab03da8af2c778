"""What a writer switches off, with a reason: ``<!-- check off: CODE: reason -->`` in the text, ``checks_off`` in the front matter.

Only what is written; which findings it reaches is for ``composer.checks.silence`` to say.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from composer.findings import Where

_COMMENT = re.compile(r"\s{0,20}checks?[ -]off\b[ \t]{0,20}:?(?P<said>.*)", re.IGNORECASE | re.DOTALL)
_WORDS = re.compile(r"[,\s]+")
LONGEST_CODE = 60


@dataclass(frozen=True, slots=True)
class Silence:
    """Codes of findings and why they shall not be told; both may be empty, as written.

    ``where`` is its first line and ``last`` the line of its end; ``whole`` when it holds for the whole issue.
    """

    codes: tuple[str, ...]
    reason: str
    where: Where
    last: int = 0
    whole: bool = False


def from_comment(text: str, path: str, line: int) -> Silence | None:
    """Read what stands within a comment that begins at ``line``; None when it switches nothing off."""
    match = _COMMENT.match(text)
    if match is None:
        return None
    codes, _, reason = match["said"].partition(":")
    return Silence(_codes(codes), " ".join(reason.split()), Where(path, line), line + text.count("\n"))


def from_front_matter(key: str, reason: object, where: Where) -> Silence:
    """Read one entry of ``checks_off``: its codes and what stands behind them, which is a reason when it is a text."""
    said = "" if reason is None or isinstance(reason, bool | dict | list) else " ".join(str(reason).split())
    return Silence(_codes(key), said, where, where.line or 0, whole=True)


def _codes(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(word[:LONGEST_CODE] for word in _WORDS.split(text) if word))
