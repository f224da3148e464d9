"""Whole people: quotas become integers that add up to the given totals, by largest remainders."""

import numpy as np
from numpy.typing import NDArray

from geo.errors import PopulationError

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

# Remainders that differ by less come from the last digits of a sum, which no two machines share.
_REMAINDER_DECIMALS = 9
_LOT_BITS = np.uint64(33)
_MIX = np.uint64(0x9E3779B97F4A7C15)


def spread_to_whole(totals: IntArray, group: IntArray, weight: FloatArray, key: IntArray) -> IntArray:
    """Return whole numbers (int64, one per entry) that add up to ``totals[g]`` over the entries of each
    group ``g``.

    Hamilton's method: each entry gets the whole part of its quota ``totals[g] × weight / Σ weight``, and
    those with the largest remainders one more, so no entry is off its quota by one or more, and with whole
    weights and a total of at most their sum none exceeds its weight. Equal remainders go by a scattering of
    ``key`` (an id per entry), not by position, and not by the order of the entries. ``weight`` is finite
    and not negative; an entry of weight 0 gets 0. ``PopulationError`` when a group has a total but no
    weight.
    """
    sums = np.bincount(group, weights=weight, minlength=len(totals))
    empty = (sums <= 0) & (totals > 0)
    if empty.any():
        raise PopulationError(f"有 {int(empty.sum())} 组人口没有可以分布的格。")
    safe = np.where(sums > 0, sums, 1.0)
    quota = weight * (totals / safe)[group]
    whole = np.floor(np.round(quota, _REMAINDER_DECIMALS)).astype(np.int64)
    remainder = np.round(quota - whole, _REMAINDER_DECIMALS)
    left = totals - np.bincount(group, weights=whole, minlength=len(totals)).astype(np.int64)
    order = _ranked(group, remainder, key)
    first = np.searchsorted(group[order], np.arange(len(totals)))
    place = np.arange(len(group)) - first[group[order]]
    whole[order[(place < left[group[order]]) & (remainder[order] > 0)]] += 1
    return _settled(whole, totals, group, weight, order)


def _settled(
    whole: IntArray, totals: IntArray, group: IntArray, weight: FloatArray, order: IntArray
) -> IntArray:
    """Return the numbers with the last one or two people placed whom rounding of the remainders left over."""
    left = totals - np.bincount(group, weights=whole, minlength=len(totals)).astype(np.int64)
    for g in np.flatnonzero(left):
        members = order[(group[order] == g) & (weight[order] > 0)]
        step = 1 if left[g] > 0 else -1
        able = members if step > 0 else members[whole[members] > 0][::-1]
        whole[able[: abs(left[g])]] += step
    return whole


def _ranked(group: IntArray, remainder: FloatArray, key: IntArray) -> IntArray:
    """Return the order of the entries by group, then falling remainder, then the scattering of their keys."""
    rank = np.round((1.0 - remainder) * 10**_REMAINDER_DECIMALS).astype(np.uint64) << _LOT_BITS
    rank |= _scattered(key) >> (np.uint64(64) - _LOT_BITS)
    order = np.argsort(rank, kind="stable")
    # Sorting small numbers again, stably, is a matter of counting; three keys at once take three times as
    # long.
    small = group[order].astype(np.uint16 if group.max(initial=0) < 2**16 else np.int64)
    return order[np.argsort(small, kind="stable")]


def _scattered(key: IntArray) -> NDArray[np.uint64]:
    """Return a fixed mixing of the keys: neighbours' values are far apart, as if drawn by lot."""
    mixed = key.astype(np.uint64) * _MIX
    mixed ^= mixed >> np.uint64(31)
    return mixed * _MIX
