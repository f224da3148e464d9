"""Floating catchments once more, one pair after the other, as the papers write them down."""

import math


def weight(kind, minutes, catchment, steps=(), width=0.0):
    """Return the weight of a travel time."""
    if minutes is None or minutes > catchment:
        return 0.0
    if kind == "none":
        return 1.0
    if kind == "gaussian":
        return math.exp(-(minutes**2) / (2 * width**2))
    if kind == "exponential":
        return math.exp(-minutes / width)
    return next((value for limit, value in steps if minutes <= limit), 0.0)


def access(weights, demand, supply, *, three_steps=False):
    """Return the access of every cell; ``weights[i][j]`` is that of cell i and facility j."""
    cells, facilities = range(len(demand)), range(len(supply))
    choice = [[1.0 for _ in facilities] for _ in cells]
    if three_steps:
        for i in cells:
            total = sum(weights[i])
            choice[i] = [w / total if total else 0.0 for w in weights[i]]
    ratio = []
    for j in facilities:
        asked = sum(choice[i][j] * weights[i][j] * demand[i] for i in cells)
        ratio.append(supply[j] / asked if asked > 0 else 0.0)
    return [sum(choice[i][j] * weights[i][j] * ratio[j] for j in facilities) for i in cells]


def gini(values, people):
    """Return half the relative mean absolute difference between any two people."""
    total = sum(people)
    mean = sum(v * p for v, p in zip(values, people, strict=True)) / total
    spread = sum(
        p * q * abs(v - w)
        for v, p in zip(values, people, strict=True)
        for w, q in zip(values, people, strict=True)
    )
    return spread / (2 * mean * total * total)
