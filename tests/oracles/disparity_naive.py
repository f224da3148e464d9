"""Second implementations of the measures of inequality: straight from their definitions, by loops."""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from decimal import Decimal, localcontext


def gini_pairs(values: Sequence[float], weights: Sequence[float] | None = None) -> float:
    """Half the mean absolute difference of all pairs, relative to the mean."""
    weight = [1.0] * len(values) if weights is None else list(weights)
    people = sum(weight)
    mean = sum(w * y for w, y in zip(weight, values, strict=True)) / people
    apart = 0.0
    for w1, y1 in zip(weight, values, strict=True):
        for w2, y2 in zip(weight, values, strict=True):
            apart += w1 * w2 * abs(y1 - y2)
    return apart / people**2 / (2 * mean)


def theil_people(values: Sequence[float], heads: Sequence[int]) -> float:
    """Theil's T of single people, as many of each value as there are heads."""
    people = [y for y, n in zip(values, heads, strict=True) for _ in range(n)]
    mean = sum(people) / len(people)
    return sum(y / mean * math.log(y / mean) for y in people if y > 0) / len(people)


def theil_parts_exact(
    values: Sequence[float], groups: Sequence[Hashable], weights: Sequence[float]
) -> tuple[float, float, float]:
    """Theil's T, its part within groups and its part between them, in decimals of 60 digits."""
    with localcontext() as context:
        context.prec = 60
        rows = [(Decimal(y), group, Decimal(w)) for y, group, w in zip(values, groups, weights, strict=True)]

        def index(own: Sequence[tuple[Decimal, Hashable, Decimal]]) -> Decimal:
            people = sum((w for *_, w in own), Decimal(0))
            mean = sum((y * w for y, _, w in own), Decimal(0)) / people
            return sum((w / people * y / mean * (y / mean).ln() for y, _, w in own if y > 0), Decimal(0))

        whole, within = sum((y * w for y, _, w in rows), Decimal(0)), Decimal(0)
        for label in set(groups):
            own = [row for row in rows if row[1] == label]
            part = sum((y * w for y, _, w in own), Decimal(0))
            within += part / whole * index(own) if part else Decimal(0)
        total = index(rows)
        return float(total), float(within), float(total - within)


def cv_people(values: Sequence[float], heads: Sequence[int]) -> float:
    people = [y for y, n in zip(values, heads, strict=True) for _ in range(n)]
    mean = sum(people) / len(people)
    return math.sqrt(sum((y - mean) ** 2 for y in people) / len(people)) / mean


def morans_i(values: Sequence[float], neighbours: dict[int, list[int]]) -> float:
    """Moran's I with weights 1 / number of neighbours, by the double sum of its definition."""
    mean = sum(values) / len(values)
    top = sum(
        (values[i] - mean) * (values[j] - mean) / len(near) for i, near in neighbours.items() for j in near
    )
    return top / sum((value - mean) ** 2 for value in values)


def benjamini_hochberg(p_values: Sequence[float], rate: float) -> set[int]:
    """Which hypotheses are rejected: all up to the last p that is at most its rank × rate / m."""
    order = sorted(range(len(p_values)), key=lambda at: p_values[at])
    last = max((k for k, at in enumerate(order, 1) if p_values[at] <= rate * k / len(p_values)), default=0)
    cut = p_values[order[last - 1]] if last else -1.0
    return {at for at, p in enumerate(p_values) if p <= cut}
