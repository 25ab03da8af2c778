"""What SpamAssassin answers about a message, and how its report is read. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

# The same line stands in spamd's head and in the report that the command is asked for.
TOTAL = re.compile(r"^Spam:[ \t]*\w+[ \t]*;[ \t]*(-?\d+(?:\.\d+)?)[ \t]*/[ \t]*(-?\d+(?:\.\d+)?)[ \t]*\r?$", re.MULTILINE)
# " pts rule name              description"; a description goes on in lines that begin with spaces alone.
_HIT = re.compile(r"\s{0,3}(-?\d{1,4}(?:\.\d{1,3})?)\s+([A-Z_][A-Z0-9_]{2,60})\s+(\S.*)")
_GOES_ON = re.compile(r"\s{20,}(\S.*)")


class Silent(Exception):  # noqa: N818 - no error: the next one is asked
    """SpamAssassin gave no answer; the text says why, in a few words."""


@dataclass(frozen=True, slots=True)
class Hit:
    """One rule that the message met: its points as printed (rounded to a tenth), its name, SpamAssassin's own description."""

    points: float
    rule: str
    description: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What the message got: points in all, points from which this SpamAssassin calls it spam, and the rules it met."""

    points: float
    limit: float
    hits: tuple[Hit, ...]


def read_answer(total: str, report: str) -> Answer:
    """Read the line ``Spam: No ; 0.0 / 5.0`` out of ``total``, and the rules out of a report. Raises Silent when there is no total."""
    match = TOTAL.search(total)
    if not match:
        raise Silent("its answer has no points")
    return Answer(float(match[1]), float(match[2]), read_hits(report))


def read_hits(report: str) -> tuple[Hit, ...]:
    """Read the table of rules; lines that are none of it are passed over."""
    hits: list[Hit] = []
    open_ = False
    for line in report.splitlines():
        if match := _HIT.fullmatch(line):
            hits.append(Hit(float(match[1]), match[2], match[3].strip()))
            open_ = True
        elif open_ and (more := _GOES_ON.fullmatch(line)):
            last = hits[-1]
            hits[-1] = Hit(last.points, last.rule, f"{last.description} {more[1].strip()}")
        else:
            open_ = False
    return tuple(hits)
