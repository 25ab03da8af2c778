"""What DNS says, as data: an Answer for every question, and what may be read from one. Pure; who asks is handed in."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from composer.findings import Finding, Where, warning

_TAG = re.compile(r"\s*([A-Za-z][A-Za-z0-9_]*)\s*=\s*(.*?)\s*", re.DOTALL)


class State(StrEnum):
    """How a question to DNS ended."""

    FOUND = "found"
    NO_NAME = "no such name"
    NO_RECORD = "no such record"
    FAILED = "the name server failed"
    TIMEOUT = "no answer in time"
    UNREACHABLE = "no name server can be reached"
    NOT_A_NAME = "not a name that DNS could know"


@dataclass(frozen=True, slots=True)
class Answer:
    """What DNS said of one name and kind of record.

    ``values`` are texts: a TXT's chunks joined, an MX as ``10 mx.example.org`` (no dot at the end). ``alias`` is where CNAMEs
    led, empty when there were none; ``detail`` is what the name server said when it failed.
    """

    name: str
    kind: str
    state: State
    values: tuple[str, ...] = ()
    alias: str = ""
    detail: str = ""

    @property
    def known(self) -> bool:
        """Whether DNS said yes or no; False when it could not say."""
        return self.state in {State.FOUND, State.NO_NAME, State.NO_RECORD}


Ask = Callable[[str, str], Answer]


@dataclass(frozen=True, slots=True)
class Checked:
    """What a check of a domain found; ``passes`` is None when nobody can tell from here, ``record`` is what DNS holds."""

    findings: tuple[Finding, ...]
    passes: bool | None
    record: str = ""


def unanswered(answer: Answer) -> Finding:
    """Return the finding for a question that DNS did not answer."""
    said = {
        State.FAILED: f"the name server could not answer ({answer.detail or 'SERVFAIL'})",
        State.TIMEOUT: "no name server answered in time",
        State.UNREACHABLE: "no name server can be reached" + (f" ({answer.detail})" if answer.detail else ""),
        State.NOT_A_NAME: "this cannot be a name in DNS",
    }.get(answer.state, str(answer.state))
    hint = "Try again; if it stays so, the zone's own name servers or DNSSEC are broken, and receivers fail as we did."
    if answer.state is State.NOT_A_NAME:
        hint = "A name has labels of 1 to 63 characters with single dots between."
    return warning("dns-no-answer", Where(answer.name), f"{answer.kind} of {answer.name}: {said}", hint)


def read_tags(text: str) -> dict[str, str] | str:
    """Read ``v=DKIM1; k=rsa; p=…`` (RFC 6376, 3.2), also of DMARC: name in small letters → value. A text says what is wrong."""
    tags: dict[str, str] = {}
    parts = text.split(";")
    if not parts[-1].strip():
        parts.pop()
    for part in parts:
        match = _TAG.fullmatch(part)
        if not match:
            return f"“{part.strip()[:40]}” is not name=value" if part.strip() else "two semicolons stand side by side"
        if (name := match[1].lower()) in tags:
            return f"{name}= stands there twice"
        tags[name] = match[2]
    return tags
