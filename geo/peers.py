"""How a region stands: its place between the worst and the best on every indicator, and who is like it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from geo.errors import UnknownRegionError
from geo.rounding import all_equal, levels, ranks

NO_PEERS = "有数值的地区不足两个，无法比较"
ALL_EQUAL = "各地区数值相同，无法比较"


@dataclass(frozen=True)
class Spine:
    """One indicator across the peers.

    ``worst`` and ``best`` are the values at positions 0 and 1 (for a neutral indicator the lowest and the
    highest); ``positions``, ``ranks`` and ``percentiles`` by region: place on that line, rank (1 is best, for
    neutral the highest; ties share the lowest), and the share of the other regions that are worse, ties
    counting half. NaN where undefined; ``reason`` says why nothing can be placed at all.
    """

    indicator: str
    direction: str
    worst: float
    best: float
    q1: float
    median: float
    q3: float
    positions: pd.Series
    ranks: pd.Series
    percentiles: pd.Series
    reason: str

    @property
    def among(self) -> int:
        """How many regions have a value."""
        return int(self.ranks.notna().sum())

    def place(self, value: float) -> float:
        """Return where a value lies on the line; beyond the peers below 0 or above 1, NaN when undefined."""
        return float("nan") if self.reason else (value - self.worst) / (self.best - self.worst)


def spine(values: pd.Series, direction: str, *, indicator: str = "") -> Spine:
    """Return how the regions of ``values`` (float64 by adcode, NaN undefined) lie on one indicator.

    ``direction`` (higher_better, lower_better, neutral) decides which end is the best. The quartiles
    ``q1``, ``median``, ``q3`` are values, in the order worst to best.
    """
    known = values.dropna()
    falling = direction == "lower_better"
    places = ranks(values, ascending=falling)
    middle = ranks(values, ascending=falling, method="average")
    count = len(known)
    percentiles = (count - middle) / (count - 1) if count > 1 else middle * np.nan
    nothing = pd.Series(np.nan, index=values.index, dtype="float64")
    if count < 2 or all_equal(known):
        reason = NO_PEERS if count < 2 else ALL_EQUAL
        ends = (float(known.iloc[0]),) * 5 if count else (float("nan"),) * 5
        return Spine(indicator, direction, *ends, nothing, places, percentiles, reason)
    marks = [float(value) for value in np.quantile(known.to_numpy(), (0.0, 0.25, 0.5, 0.75, 1.0))]
    worst, q1, median, q3, best = reversed(marks) if falling else marks
    positions = (values - worst) / (best - worst)
    return Spine(indicator, direction, worst, best, q1, median, q3, positions, places, percentiles, "")


def spines(matrix: pd.DataFrame, directions: Mapping[str, str]) -> dict[str, Spine]:
    """Return the spine of every column of ``matrix`` (regions by indicators)."""
    return {name: spine(matrix[name], directions[name], indicator=name) for name in matrix.columns}


def strengths(found: Mapping[str, Spine], adcode: str, share: float) -> tuple[list[str], list[str]]:
    """Return the indicators in which a region is strong, and those in which it lags.

    Strong: among the best ``share`` of the peers by percentile, lagging: among the last. Neutral indicators
    count for neither. Strongest first, and weakest first; equal ones in the order given.
    """
    judged = {
        name: float(one.percentiles.get(adcode, np.nan))
        for name, one in found.items()
        if one.direction != "neutral" and not one.reason
    }
    strong = [name for name, place in judged.items() if place >= 1.0 - share]
    weak = [name for name, place in judged.items() if place <= share]
    return sorted(strong, key=lambda name: -judged[name]), sorted(weak, key=lambda name: judged[name])


def similar_regions(matrix: pd.DataFrame, adcode: str, count: int) -> pd.DataFrame:
    """Return the regions nearest to ``adcode`` in structure, the nearest first.

    Distance is the root mean square of the differences in standard deviations (population, over the regions
    with a value), every indicator counting alike; constant indicators count for nothing. Regions that lack
    any indicator are no candidates, and a region that lacks one itself has no neighbours: an empty frame.
    Columns ``adcode``, ``distance``; of equal distances the lower code first. Raises `UnknownRegionError`.
    """
    if adcode not in matrix.index:
        raise UnknownRegionError(f"没有行政区划代码为“{adcode}”的地区")
    empty = pd.DataFrame({"adcode": pd.Series(dtype="str"), "distance": pd.Series(dtype="float64")})
    spread = matrix.std(ddof=0)
    used = matrix.loc[:, [not all_equal(matrix[name]) for name in matrix.columns]]
    if used.shape[1] == 0 or bool(used.loc[adcode].isna().any()):
        return empty
    z = (used - used.mean()) / spread[used.columns]
    distance = np.sqrt(((z - z.loc[adcode]) ** 2).mean(axis=1, skipna=False)).drop(adcode).dropna()
    frame = pd.DataFrame({"adcode": distance.index, "distance": distance.to_numpy(dtype=np.float64)})
    if frame.empty:
        return empty
    # Distances are made of deviations of about 1.
    frame = frame.assign(level=levels(frame["distance"], beside=1.0)).sort_values(["level", "adcode"])
    return frame.drop(columns="level").head(count).reset_index(drop=True)


def distinct(codes: Sequence[str]) -> list[str]:
    """Return the codes without repetitions, in order: a region compared with itself is one region."""
    return list(dict.fromkeys(codes))
