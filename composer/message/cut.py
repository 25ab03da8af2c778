"""A text of an Edition cut at its marks: ready pieces, and holes for the values. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

from composer.edition.model import Slot


@dataclass(frozen=True, slots=True)
class Cut:
    """A text cut at its marks: ``pieces`` in order, and which of them a slot fills."""

    pieces: tuple[str, ...]
    holes: tuple[tuple[int, Slot], ...]

    @property
    def around(self) -> tuple[str, ...]:
        """The texts before, between and behind the holes: one more than there are holes, some of them perhaps empty."""
        edges = (-1, *(position for position, _ in self.holes), len(self.pieces))
        return tuple("".join(self.pieces[left + 1 : right]) for left, right in pairwise(edges))

    def join(self, filled: Mapping[str, str]) -> str:
        """Return the text with the values of ``filled``, by mark."""
        pieces = list(self.pieces)
        for position, slot in self.holes:
            pieces[position] = filled[slot.mark]
        return "".join(pieces)


def cut(source: str, slots: Mapping[str, Slot], fixed: Mapping[str, str]) -> Cut:
    """Cut ``source`` at the marks of ``slots``; the marks of ``fixed`` get their values at once."""
    marks = sorted({*slots, *fixed}, key=len, reverse=True)
    if not marks:
        return Cut((source,), ())
    pieces: list[str] = []
    holes: list[tuple[int, Slot]] = []
    for position, piece in enumerate(re.split(f"({'|'.join(map(re.escape, marks))})", source)):
        if position % 2 and piece in slots:
            holes.append((position, slots[piece]))
        pieces.append(fixed.get(piece, piece) if position % 2 else piece)
    return Cut(tuple(pieces), tuple(holes))
