"""Are two names one and the same, but for a letter or two? Pure."""

from __future__ import annotations

LONGEST = 60
SHORTEST = 6
_LONG = 10
_MOST_LETTERS = 4


def misspelt(name: str, known: str) -> bool:
    """Tell whether ``name`` looks like ``known`` mistyped: a letter wrong, missing, too many or in another's place; two in long names.

    Digits that differ make another name (``summit2025``, ``summit2026``).
    """
    if name == known or abs(len(name) - len(known)) > 2 or not SHORTEST <= len(name) <= LONGEST or len(known) < SHORTEST:  # noqa: PLR2004
        return False
    if len(set(name) ^ set(known)) > _MOST_LETTERS or [c for c in name if c.isdigit()] != [c for c in known if c.isdigit()]:
        return False
    return _distance(name, known) <= (2 if min(len(name), len(known)) >= _LONG else 1)


def _distance(one: str, two: str) -> int:
    """Letters to change, add, drop or swap with the next (optimal string alignment)."""
    before: list[int] = []
    above = list(range(len(two) + 1))
    for row, letter in enumerate(one, 1):
        current = [row]
        for column, other in enumerate(two, 1):
            cost = min(above[column] + 1, current[column - 1] + 1, above[column - 1] + (letter != other))
            if row > 1 and column > 1 and letter == two[column - 2] and one[row - 2] == other:
                cost = min(cost, before[column - 2] + 1)
            current.append(cost)
        before, above = above, current
    return above[-1]
