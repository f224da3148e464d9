"""Places near one another, of kinds that may be one, found by a grid and never more than a given number.

The cells of the grid are as wide as the distance looked for, so that what is near stands in a cell or beside
it; the places are sorted by cell, and what may be near each of them is a few ranges of that order. How many
candidates there are is known before one of them is looked at.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

IntArray = NDArray[np.int64]

_CHUNK: Final = 500_000
# Cells a little wider than the distance: rounding must not put two places two cells apart.
_WIDER: Final = 1.0 + 1e-9


@dataclass(frozen=True)
class Places:
    """Where places are (metres, one row each), and their kind: its number, and that of its group.

    Places of different groups are never compared.
    """

    xy: NDArray[np.float64]
    kind: IntArray
    group: IntArray

    def __len__(self) -> int:
        """Return how many they are."""
        return len(self.xy)


@dataclass(frozen=True)
class NearPairs:
    """Pairs within the distance, by the numbers of their places; the other places count on from the own.

    ``per_place`` is None when every pair is here, else the number of candidates in a row of cells to which
    the search around each place was cut.
    """

    left: NDArray[np.int32]
    right: NDArray[np.int32]
    distance: NDArray[np.float64]
    per_place: int | None


def near_pairs(own: Places, others: Places, alike: NDArray[np.bool_], near_m: float, most: int) -> NearPairs:
    """Return the pairs within ``near_m`` among ``own``, and between them and ``others``.

    ``alike`` says which kinds may be one. Of more than ``most`` candidates (of either sort) each place keeps
    as many as keep them within that, at least one: a heap of places in one spot takes nothing from the rest.
    """
    keys, width = _keys(own, others, near_m * _WIDER)
    mine, theirs = keys[: len(own)], keys[len(own) :]
    order = np.lexsort((own.xy[:, 1], own.xy[:, 0], mine))
    mine = mine[order]
    beside = [
        (np.arange(1, len(own) + 1), np.searchsorted(mine, mine + 1, "right")),
        _span(mine, mine, width),
    ]
    rule = _Rule(alike, near_m, most)
    found = [_within((own, order), (own, order), beside, rule)]
    if len(others):
        other_order = np.lexsort((others.xy[:, 1], others.xy[:, 0], theirs))
        theirs = theirs[other_order]
        around = [_span(mine, theirs, shift) for shift in (0, -width, width)]
        left, right, distance, cut = _within((own, order), (others, other_order), around, rule)
        found.append((left, right + np.int32(len(own)), distance, cut))
    cuts = [cut for *_, cut in found if cut is not None]
    return NearPairs(
        left=np.concatenate([part[0] for part in found]),
        right=np.concatenate([part[1] for part in found]),
        distance=np.concatenate([part[2] for part in found]),
        per_place=min(cuts, default=None),
    )


def _keys(own: Places, others: Places, cell_m: float) -> tuple[IntArray, int]:
    """Return the number of each place's cell, counted apart for each group, and that of cells in a row."""
    xy = np.concatenate([own.xy, others.xy])
    # Free cells on every side: the neighbour of a cell is never one of another row or group.
    cells = np.floor((xy - xy.min(axis=0, initial=np.inf)) / cell_m).astype(np.int64) + 1
    columns, width = (int(count) + 2 for count in cells.max(axis=0, initial=0))
    group = np.concatenate([own.group, others.group])
    return (group * columns + cells[:, 0]) * width + cells[:, 1], width


def _span(keys: IntArray, among: IntArray, shift: int) -> tuple[IntArray, IntArray]:
    """Return the stretch of the sorted ``among`` in the three cells around ``keys + shift``."""
    return np.searchsorted(among, keys + shift - 1, "left"), np.searchsorted(among, keys + shift + 1, "right")


@dataclass(frozen=True)
class _Rule:
    """Which kinds may be one, how near, and how many candidates are looked at."""

    alike: NDArray[np.bool_]
    near_m: float
    most: int


def _within(
    one: tuple[Places, IntArray],
    other: tuple[Places, IntArray],
    ranges: list[tuple[IntArray, IntArray]],
    rule: _Rule,
) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.float64], int | None]:
    """Return the pairs of places in the ranges that are near and of kinds that may be one."""
    (own, order), (others, other_order) = one, other
    counts = [stop - start for start, stop in ranges]
    cut = _cut(counts, rule.most)
    lefts, rights, distances = [], [], []
    for (start, _), count in zip(ranges, counts, strict=True):
        kept = count if cut is None else np.minimum(count, cut)
        for at, other_at in _expanded(start, kept):
            left, right = order[at], other_order[other_at]
            distance = np.hypot(*(own.xy[left] - others.xy[right]).T)
            near = (distance <= rule.near_m) & rule.alike[own.kind[left], others.kind[right]]
            lefts.append(left[near].astype(np.int32))
            rights.append(right[near].astype(np.int32))
            distances.append(distance[near])
    if not lefts:
        nothing = np.empty(0, dtype=np.int32)
        return nothing, nothing, np.empty(0), cut
    return np.concatenate(lefts), np.concatenate(rights), np.concatenate(distances), cut


def _cut(counts: list[IntArray], most: int) -> int | None:
    """Return the largest number per range that keeps all of them together within ``most``, None for all."""
    if sum(int(count.sum()) for count in counts) <= most:
        return None
    low, high = 1, most + 1
    while high - low > 1:
        middle = (low + high) // 2
        if sum(int(np.minimum(count, middle).sum()) for count in counts) <= most:
            low = middle
        else:
            high = middle
    return low


def _expanded(start: IntArray, count: IntArray) -> Iterator[tuple[IntArray, IntArray]]:
    """Give, in pieces that weigh little, each place with each number of its range."""
    total = np.cumsum(count)
    if not len(total) or not total[-1]:
        return
    cuts = np.searchsorted(total, np.arange(_CHUNK, total[-1], _CHUNK), "left") + 1
    bounds = np.unique(np.concatenate([[0], cuts, [len(count)]]))
    for first, last in pairwise(bounds.tolist()):
        counted = count[first:last]
        at = np.repeat(np.arange(first, last), counted)
        before = np.repeat(np.cumsum(counted) - counted - start[first:last], counted)
        yield at, np.arange(len(at)) - before
