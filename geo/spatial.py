"""Are like values neighbours? Contiguity, Moran's I, local Moran by permutation with false discovery held."""

from __future__ import annotations

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse
from shapely import STRtree

from geo.disparity import FloatArray
from geo.rounding import all_equal, more

PERMUTATIONS = 9999
SEED = 20201101

HIGH_HIGH, LOW_LOW, HIGH_LOW, LOW_HIGH = "HH", "LL", "HL", "LH"
TOO_FEW = "有数值且有相邻地区的只有 {count} 个，至少要 4 个"
ALL_EQUAL = "各地区数值全部相同，谈不上集聚"
ISOLATED = "没有相邻的地区有数值"
NO_VALUE = "没有数值"

Pairs = NDArray[np.int64]


@dataclass(frozen=True)
class Moran:
    """Moran's I of a variable; NaN with a ``reason`` where undefined.

    ``expected`` is −1 / (n − 1); ``p_value`` two-sided by permutation; ``n`` regions took part.
    """

    i: float
    expected: float
    p_value: float
    n: int
    permutations: int
    reason: str | None = None


@dataclass(frozen=True)
class LocalMoran:
    """Moran's I and its local parts.

    ``table``: index of the caller's values; columns ``value``, ``lag`` (mean of the neighbours), ``local_i``,
    ``p_value`` (two-sided), ``quadrant`` (HH, LL, HL, LH: the region against the mean, then its neighbours),
    ``significant`` (bool, false discovery held at ``false_discovery``) and ``reason`` (text; None where
    there is an I).
    """

    moran: Moran
    table: pd.DataFrame
    false_discovery: float

    def cluster(self, quadrant: str) -> list[str]:
        """Return the significant regions of a quadrant, the most significant first, then by index."""
        found = self.table[self.table["significant"] & (self.table["quadrant"] == quadrant)]
        return list(found.sort_values(["p_value"], kind="stable").index)


def contiguity(frame: gpd.GeoDataFrame) -> Pairs:
    """Return which regions touch, at an edge or a point: ordered pairs of positions, both ways, shape (m, 2).

    The polygons must be a coverage (shared borders the same on both sides), as the store's are.
    """
    shapes = frame.geometry.to_numpy()
    pairs = STRtree(shapes).query(shapes, predicate="intersects").T
    pairs = pairs[pairs[:, 0] != pairs[:, 1]].astype(np.int64)
    found: Pairs = pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))]
    return found


def local_moran(
    values: pd.Series,
    pairs: Pairs,
    *,
    false_discovery: float,
    permutations: int = PERMUTATIONS,
    seed: int = SEED,
) -> LocalMoran:
    """Return Moran's I and local Moran of ``values``, whose positions ``pairs`` name.

    Weights are 1 / number of neighbours with a value (rows sum to 1). Regions without a value, or none of
    whose neighbours has one, take no part and carry the reason. Anselin (1995); conditional permutations: a
    region keeps its value and draws its neighbours from the others. p is twice the smaller tail, at most 1.
    Significance by Benjamini and Hochberg (1995) over all regions. The same seed gives the same result.
    """
    array = values.to_numpy(dtype=np.float64)
    there = ~np.isnan(array)
    used = pairs[there[pairs[:, 0]] & there[pairs[:, 1]]]
    linked = np.zeros(len(array), dtype=bool)
    linked[used[:, 0]] = True
    table = _empty_table(values, there, linked)
    at = np.flatnonzero(linked)
    fault = _fault(array[at])
    if fault is not None:
        nothing = float("nan")
        table.loc[linked, "reason"] = fault
        return LocalMoran(
            Moran(nothing, nothing, nothing, at.size, permutations, fault), table, false_discovery
        )
    place = np.full(len(array), -1)
    place[at] = np.arange(at.size)
    weights = _row_weights(place[used], at.size)
    z = (array[at] - array[at].mean()) / array[at].std()
    lag = weights @ z
    generator = np.random.default_rng(seed)
    p_values = _conditional_p(z, lag, np.diff(weights.indptr), permutations, generator)
    threshold = false_discovery_threshold(p_values, false_discovery)
    found = pd.DataFrame(
        {
            "lag": array[at].mean() + lag * array[at].std(),
            "local_i": z * lag,
            "p_value": p_values,
            "quadrant": _quadrants(z, lag),
            "significant": p_values <= threshold,
        },
        index=values.index[at],
    )
    table.update(found[["lag", "local_i", "p_value", "quadrant"]])
    table.loc[found.index, "significant"] = found["significant"]
    overall = float(z @ lag / (z @ z))
    p_value = _overall_p(z, weights, overall, permutations, generator)
    moran = Moran(overall, -1.0 / (at.size - 1), p_value, at.size, permutations)
    return LocalMoran(moran, table, false_discovery)


def _empty_table(values: pd.Series, there: np.ndarray, linked: np.ndarray) -> pd.DataFrame:
    reasons = [
        NO_VALUE if not known else None if near else ISOLATED
        for known, near in zip(there, linked, strict=True)
    ]
    table = pd.DataFrame(
        {"value": values.astype("float64"), "lag": np.nan, "local_i": np.nan, "p_value": np.nan},
        index=values.index,
    )
    table["quadrant"] = pd.Series(None, index=values.index, dtype=object)
    table["significant"] = False
    table["reason"] = pd.Series(reasons, index=values.index, dtype=object)
    return table


def _fault(array: FloatArray) -> str | None:
    if array.size < 4:
        return TOO_FEW.format(count=array.size)
    return ALL_EQUAL if all_equal(array) else None


def _row_weights(pairs: Pairs, count: int) -> sparse.csr_array:
    """Return the weights of a region's neighbours, each row summing to 1."""
    degree = np.bincount(pairs[:, 0], minlength=count)
    each = 1.0 / degree[pairs[:, 0]]
    return sparse.csr_array((each, (pairs[:, 0], pairs[:, 1])), shape=(count, count))


def _conditional_p(
    z: FloatArray, lag: FloatArray, degree: np.ndarray, permutations: int, generator: np.random.Generator
) -> FloatArray:
    """Return the two-sided p-value of every region's local I."""
    count = z.size
    drawn = generator.permuted(np.tile(np.arange(count - 1), (permutations, 1)), axis=1)
    result = np.empty(count)
    for number in range(count):
        others = np.delete(z, number)
        lags = others[drawn[:, : degree[number]]].mean(axis=1)
        result[number] = two_sided(z[number] * lags, float(z[number] * lag[number]))
    return result


def _overall_p(
    z: FloatArray,
    weights: sparse.csr_array,
    observed: float,
    permutations: int,
    generator: np.random.Generator,
) -> float:
    mixed = generator.permuted(np.tile(z, (permutations, 1)), axis=1)
    simulated = np.einsum("ij,ij->i", mixed, (weights @ mixed.T).T) / float(z @ z)
    return two_sided(simulated, observed)


def two_sided(simulated: FloatArray, observed: float) -> float:
    """Return the pseudo p-value: twice the smaller tail with the observation in it, at most 1.

    Numbers that differ in the last digits only are the same number: a tie counts for both tails.
    """
    near = 1e-10 * max(1.0, abs(observed))
    above = int((simulated >= observed - near).sum())
    below = int((simulated <= observed + near).sum())
    return min(1.0, 2.0 * (min(above, below) + 1) / (simulated.size + 1))


def false_discovery_threshold(p_values: FloatArray, rate: float) -> float:
    """Return the largest p-value that counts as significant (Benjamini–Hochberg); −1 when none does."""
    ordered = np.sort(p_values)
    passed = ordered <= rate * np.arange(1, ordered.size + 1) / ordered.size
    return float(ordered[np.flatnonzero(passed)[-1]]) if passed.any() else -1.0


def _quadrants(z: FloatArray, lag: FloatArray) -> np.ndarray:
    high, around = (more(one, 0.0, beside=1.0) for one in (z, lag))
    return np.select(
        [high & around, ~high & ~around, high & ~around], [HIGH_HIGH, LOW_LOW, HIGH_LOW], LOW_HIGH
    ).astype(object)
