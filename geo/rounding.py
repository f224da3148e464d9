"""What counts as nothing, and what as equal, beside the amounts that a number was made of.

A double carries 53 bits, so a sum of n terms, each rounded, is off by up to n × 2⁻⁵³ of the sum of their
sizes (Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed., section 4.2): a mean of 95 sevens need
not be seven. Whatever compares or ranks numbers that were computed asks here; what is exact (whole people in
``UNIT``, minutes in ticks, counts) is compared as it is.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

EQUAL = 1e-12
"""The part of an amount below which a difference is rounding.

Above what rounding does: it is the bound n × 2⁻⁵³ for 9,000 terms, and what is summed over more (people over
cells) is whole. Below what data say: the longest figures of the sources, people of the province
and yuan, have nine digits, so two that differ do so by 10⁻⁹ or more.
"""


def size(values: ArrayLike) -> float:
    """Return the largest magnitude among ``values`` (any shape), NaN and infinite ones aside; 0 of none."""
    array = np.asarray(values, dtype=np.float64)
    return float(np.abs(array[np.isfinite(array)]).max(initial=0.0))


def nothing(amount: ArrayLike, beside: ArrayLike) -> Any:
    """Return whether ``amount`` is nothing ``beside`` what it was made of (broadcast; NaN is not nothing)."""
    return np.abs(np.asarray(amount, dtype=np.float64)) <= EQUAL * np.abs(beside)


def equal(one: ArrayLike, other: ArrayLike, beside: ArrayLike | None = None) -> Any:
    """Return whether two numbers are one, element by element (broadcast; NaN equals nothing).

    ``beside``: the size of what they were made of; None: the larger of the two themselves.
    """
    first, second = np.asarray(one, dtype=np.float64), np.asarray(other, dtype=np.float64)
    made_of = np.maximum(np.abs(first), np.abs(second)) if beside is None else beside
    # Infinite numbers have no difference; they are equal when they are the same.
    with np.errstate(invalid="ignore"):
        return (first == second) | (nothing(first - second, made_of) & np.isfinite(first - second))


def more(one: ArrayLike, other: ArrayLike, beside: ArrayLike | None = None) -> Any:
    """Return whether ``one`` is above ``other`` by more than rounding; arguments as of `equal`."""
    return (np.asarray(one) > np.asarray(other)) & ~equal(one, other, beside)


def all_equal(values: ArrayLike, beside: float | None = None) -> bool:
    """Return whether all ``values`` that are there are one value; also of none or one.

    ``beside``: the size of what they were made of; None: the largest among them.
    """
    array = np.asarray(values, dtype=np.float64)
    array = array[~np.isnan(array)]
    return array.size < 2 or bool(equal(array.max(), array.min(), size(array) if beside is None else beside))


def levels(values: ArrayLike, beside: float | None = None) -> IntArray:
    """Return the number of each value's level, 0 for the lowest; values that are equal share one; NaN: −1.

    A level takes in what lies within rounding of its lowest value, so that values strung out in small steps
    do not all become one. ``beside`` as of `all_equal`; all are one level exactly where that is true.
    """
    array = np.asarray(values, dtype=np.float64)
    found = np.full(array.shape, -1, dtype=np.int64)
    there = np.flatnonzero(~np.isnan(array))
    if not there.size:
        return found
    order = there[np.argsort(array[there], kind="stable")]
    ordered = array[order]
    room = EQUAL * (size(ordered) if beside is None else abs(beside))
    found[order] = np.cumsum(_begins(ordered, room)) - 1
    return found


def _begins(ordered: FloatArray, room: float) -> NDArray[np.bool_]:
    """Return which of ascending values begin a level."""
    begins = np.ones(ordered.size, dtype=np.bool_)
    with np.errstate(invalid="ignore"):
        begins[1:] = np.diff(ordered) > room
        lowest = ordered[begins][np.cumsum(begins) - 1]
        if not (ordered - lowest > room).any():
            return begins
    # Some are strung out: from each level's lowest value as far as the room goes, then the next.
    begins[:] = False
    at = 0
    while at < ordered.size:
        begins[at] = True
        at = max(at + 1, int(np.searchsorted(ordered, ordered[at] + room, side="right")))
    return begins


def settled(values: ArrayLike, beside: float | None = None) -> FloatArray:
    """Return ``values`` (one-dimensional) with equal ones made the same, the lowest of them; NaN stays."""
    array = np.array(values, dtype=np.float64)
    number = levels(array, beside)
    there = number >= 0
    if there.any():
        lowest = np.full(int(number.max()) + 1, np.inf)
        np.minimum.at(lowest, number[there], array[there])
        array[there] = lowest[number[there]]
    return array


def ranks(
    values: pd.Series,
    *,
    ascending: bool = True,
    method: Literal["min", "average"] = "min",
    beside: float | None = None,
) -> pd.Series:
    """Return the rank of each value (float64, NaN stays NaN): 1 is the lowest value.

    Not ``ascending``: 1 is the highest. Equal values share a rank: the first of theirs (``min``), or the
    middle of them (``average``).
    """
    number = pd.Series(levels(values, beside), index=values.index, dtype="float64")
    return number.mask(number < 0).rank(method=method, ascending=ascending)


def whole_up(values: ArrayLike) -> FloatArray:
    """Return the next whole number at or above each value; a hair above a whole number is that number."""
    array = np.asarray(values, dtype=np.float64)
    near = np.round(array)
    return np.where(equal(array, near), near, np.ceil(array))
