"""Second implementations of classification: one value at a time, and natural breaks by trying them all."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence


def class_of(value: float, breaks: Sequence[float]) -> int:
    """Return the class of a value by looking at the limits one after the other; -1 for NaN."""
    if math.isnan(value):
        return -1
    for number, limit in enumerate(breaks):
        if value <= limit:
            return number
    raise AssertionError(f"{value} lies above every limit")


def squared_deviations(groups: Sequence[Sequence[float]]) -> float:
    """Return the sum over groups of squared deviations from the group's mean."""
    total = 0.0
    for group in groups:
        mean = sum(group) / len(group)
        total += sum((value - mean) ** 2 for value in group)
    return total


def best_split(values: Sequence[float], k: int) -> float:
    """Return the least `squared_deviations` of values cut into ``k`` groups in order, trying every cut."""
    ordered = sorted(values)
    return min(
        squared_deviations([ordered[low:high] for low, high in itertools.pairwise((0, *cuts, len(ordered)))])
        for cuts in itertools.combinations(range(1, len(ordered)), k - 1)
    )
