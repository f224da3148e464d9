"""The Theil index, and where inequality sits: between groups of regions or inside them, exactly."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from geo.disparity import FloatArray, Measure, shared_fault, undefined, usable
from geo.errors import DisparityError

NO_GAP = "各地区完全相同，没有差距可以分解"
_NAME = "泰尔指数"


@dataclass(frozen=True)
class TheilParts:
    """A Theil index and its exact parts; NaN with a ``reason`` where undefined.

    ``total`` = ``within`` + ``between``. ``between_share`` is NaN, with ``share_reason``, where the total is
    zero. ``groups``: index group; columns ``n`` (int64), ``weight_share``, ``value_share``, ``mean``
    (weighted), ``theil`` (inside the group), ``within`` and ``between`` (what the group adds to each).
    """

    total: float
    within: float
    between: float
    groups: pd.DataFrame
    reason: str | None = None

    @property
    def between_share(self) -> Measure:
        """Return which share of the gap lies between the groups."""
        if self.reason is not None:
            return undefined(self.reason)
        return Measure(self.between / self.total) if self.total > 0 else undefined(NO_GAP)


@dataclass(frozen=True)
class NestedTheil:
    """A Theil index in three exact parts: between outer groups, between inner ones inside them, the rest."""

    total: float
    between_outer: float
    between_inner: float
    within_inner: float
    reason: str | None = None


def theil(values: ArrayLike, weights: ArrayLike | None = None) -> Measure:
    """Return Theil's T: Σ sᵢ ln(sᵢ / pᵢ), sᵢ the share of the value and pᵢ that of the weight.

    A region of value zero adds nothing, the limit of x ln x.
    """
    array, weight = usable(values, weights)
    fault = shared_fault(array, _NAME)
    return undefined(fault) if fault else Measure(_theil(array, weight))


def _theil(array: FloatArray, weight: FloatArray) -> float:
    """Return T of values of which none is negative and some are positive; one value, or all equal: 0."""
    people = weight / weight.sum()
    relative = array / float(people @ array)
    there = relative > 0
    # Summed exactly: the parts must make up the whole to the last digits.
    terms = people[there] * relative[there] * np.log(relative[there])
    return max(0.0, math.fsum(terms))


def decompose_theil(values: ArrayLike, groups: ArrayLike, weights: ArrayLike | None = None) -> TheilParts:
    """Return Theil's T with its parts between and within ``groups`` (one label per value).

    Each part is computed on its own, none as what is left over. Method: Theil (1967), T = Σ_g S_g T_g +
    Σ_g S_g ln(S_g / P_g), with S_g the group's share of the value and P_g that of the weight.
    """
    label = np.asarray(groups, dtype=object)
    raw = np.asarray(values, dtype=np.float64)
    if label.shape != raw.shape:
        raise DisparityError(f"数值 {raw.shape} 与分组 {label.shape} 的个数不同")
    array, weight = usable(raw, weights)
    fault = shared_fault(array, _NAME)
    if fault:
        return undefined_parts(fault)
    label = label[_kept(raw, weights)]
    if pd.isna(label).any():
        raise DisparityError("有数值的地区没有分组")
    amount, people = float(weight @ array), float(weight.sum())
    rows = {}
    for group in sorted(set(label)):
        inside = label == group
        own, own_weight = array[inside], weight[inside]
        part, share = float(own_weight @ own) / amount, float(own_weight.sum()) / people
        inner = _theil(own, own_weight) if part > 0 else 0.0
        rows[group] = {
            "n": int(inside.sum()),
            "weight_share": share,
            "value_share": part,
            "mean": float(own_weight @ own) / float(own_weight.sum()),
            "theil": inner,
            "within": part * inner,
            "between": part * math.log(part / share) if part > 0 else 0.0,
        }
    table = pd.DataFrame.from_dict(rows, orient="index")
    return TheilParts(
        total=_theil(array, weight),
        within=math.fsum(table["within"]),
        between=max(0.0, math.fsum(table["between"])),
        groups=table,
    )


def decompose_nested(
    values: ArrayLike, outer: ArrayLike, inner: ArrayLike, weights: ArrayLike | None = None
) -> NestedTheil:
    """Return Theil's T in three parts, for ``inner`` groups that each lie in one ``outer`` group.

    Between the outer groups; between the inner groups within their outer group; inside the inner groups.
    Raises `DisparityError` when an inner group lies in several outer ones.
    """
    table = pd.DataFrame({"outer": np.asarray(outer), "inner": np.asarray(inner)})
    if table.groupby("inner")["outer"].nunique().gt(1).any():
        raise DisparityError("下一级的分组跨了上一级的分组，不能逐级分解")
    above, below = decompose_theil(values, outer, weights), decompose_theil(values, inner, weights)
    if below.reason is not None:
        return undefined_nested(below.reason)
    parent = table.drop_duplicates("inner").set_index("inner")["outer"].reindex(below.groups.index)
    ratios = above.groups["value_share"] / above.groups["weight_share"]
    between_inner = math.fsum(
        value * math.log(value / weight / ratio)
        for value, weight, ratio in zip(
            below.groups["value_share"], below.groups["weight_share"], parent.map(ratios), strict=True
        )
        if value > 0
    )
    return NestedTheil(below.total, above.between, max(0.0, between_inner), below.within)


def undefined_parts(reason: str) -> TheilParts:
    """Return the decomposition that is undefined for ``reason``."""
    nothing = float("nan")
    return TheilParts(nothing, nothing, nothing, _no_groups(), reason)


def undefined_nested(reason: str) -> NestedTheil:
    """Return the decomposition in three parts that is undefined for ``reason``."""
    nothing = float("nan")
    return NestedTheil(nothing, nothing, nothing, nothing, reason)


def _kept(raw: FloatArray, weights: ArrayLike | None) -> np.ndarray:
    """Return which values `usable` keeps."""
    there = ~np.isnan(raw)
    return there if weights is None else there & (np.asarray(weights, dtype=np.float64) > 0)


def _no_groups() -> pd.DataFrame:
    columns = ["n", "weight_share", "value_share", "mean", "theil", "within", "between"]
    return pd.DataFrame(columns=columns, dtype="float64")
