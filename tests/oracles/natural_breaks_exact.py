"""Natural breaks in exact arithmetic: every cut of the distinct values that is as good as the best."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from fractions import Fraction
from functools import cache


def every_best_cut(values: Sequence[int], k: int) -> set[tuple[int, ...]]:
    """Return the upper limits of every cut into ``k`` classes with the least squared deviations.

    Equal values are never parted.
    """
    counts = sorted(Counter(values).items())

    @cache
    def deviation(first: int, end: int) -> Fraction:
        part = counts[first:end]
        number = sum(count for _, count in part)
        total = sum(value * count for value, count in part)
        return sum(value * value * count for value, count in part) - Fraction(total * total, number)

    @cache
    def least(end: int, classes: int) -> Fraction:
        if classes == 1:
            return deviation(0, end)
        return min(least(at, classes - 1) + deviation(at, end) for at in range(classes - 1, end))

    def cuts(end: int, classes: int) -> list[tuple[int, ...]]:
        if classes == 1:
            return [(counts[end - 1][0],)]
        best = least(end, classes)
        return [
            (*before, counts[end - 1][0])
            for at in range(classes - 1, end)
            if least(at, classes - 1) + deviation(at, end) == best
            for before in cuts(at, classes - 1)
        ]

    return set(cuts(len(counts), k))
