"""How unequal regions are: ratios, coefficient of variation, Gini, Lorenz and concentration curves.

Method notes: docs/methods/disparity.md. Values are one number per region; NaN is a region without a value and
takes no part. Without ``weights`` every region counts once; with them (people, as a rule) every person does.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from geo.errors import DisparityError
from geo.rounding import all_equal, equal, levels, nothing

FloatArray = NDArray[np.float64]

NO_VALUE = "没有一个地区有数值"
ONE_VALUE = "只有一个地区有数值，谈不上差距"
ALL_ZERO = "各地区数值合计为零，{name}无定义"
NEGATIVE = "有 {count} 个地区的数值为负，{name}无定义"
LOWEST_ZERO = "最低的地区数值为零，比值无定义"
LOWEST_NEGATIVE = "最低的地区数值为负，比值没有意义"


@dataclass(frozen=True)
class Measure:
    """One figure, or NaN with the ``reason`` why there is none; never both, never neither."""

    value: float
    reason: str | None = None

    def __post_init__(self) -> None:
        """Refuse a figure that is undefined without a reason, or defined with one."""
        if np.isnan(self.value) != (self.reason is not None):
            raise DisparityError(f"数值 {self.value} 与原因“{self.reason}”不符：没有数值才有原因")

    @property
    def defined(self) -> bool:
        """Whether there is a figure."""
        return self.reason is None


def undefined(reason: str) -> Measure:
    """Return the measure that is undefined for ``reason``."""
    return Measure(float("nan"), reason)


def usable(values: ArrayLike, weights: ArrayLike | None = None) -> tuple[FloatArray, FloatArray]:
    """Return the values that are there, and their weights (ones without ``weights``).

    Regions without a value are left out. Raises `DisparityError` for infinite values, weights of another
    length, and weights that are negative, missing or not finite where there is a value.
    """
    array = np.asarray(values, dtype=np.float64)
    weight = np.ones(len(array)) if weights is None else np.asarray(weights, dtype=np.float64)
    if weight.shape != array.shape or array.ndim != 1:
        raise DisparityError(f"数值 {array.shape} 与权重 {weight.shape} 的个数不同")
    there = ~np.isnan(array)
    array, weight = array[there], weight[there]
    if np.isinf(array).any():
        raise DisparityError("数值中有无穷大，请检查数据")
    if not np.isfinite(weight).all() or (weight < 0).any():
        raise DisparityError("权重缺失或为负：有数值的地区都要有不为负的权重")
    if array.size and weights is not None and weight.sum() <= 0:
        raise DisparityError("权重合计为零")
    # A region with nobody in it is none of those whom a weighted measure counts.
    return array[weight > 0], weight[weight > 0]


def shared_fault(values: FloatArray, name: str) -> str | None:
    """Return why a relative measure ``name`` of ``values`` (as from `usable`) is undefined; None if it is."""
    if values.size == 0:
        return NO_VALUE
    if values.size == 1:
        return ONE_VALUE
    negative = int((values < 0).sum())
    if negative:
        return NEGATIVE.format(count=negative, name=name)
    return ALL_ZERO.format(name=name) if values.sum() == 0 else None


def max_min_ratio(values: ArrayLike) -> Measure:
    """Return highest : lowest."""
    array, _ = usable(values)
    if array.size < 2:
        return undefined(ONE_VALUE if array.size else NO_VALUE)
    low, high = float(array.min()), float(array.max())
    if nothing(low, beside=high):
        return undefined(LOWEST_ZERO)
    if low < 0:
        return undefined(LOWEST_NEGATIVE)
    return Measure(1.0 if all_equal(array) else high / low)


def ratio_between(upper: float, lower: float, names: tuple[str, str]) -> Measure:
    """Return ``upper`` : ``lower`` of two regions' own figures (Σ numerator / Σ denominator each).

    ``names`` are what the two are called where the ratio is undefined.
    """
    for value, name in zip((upper, lower), names, strict=True):
        if np.isnan(value):
            return undefined(f"{name}没有数值")
        if value < 0:
            return undefined(f"{name}的数值为负，比值没有意义")
    if nothing(lower, beside=upper):
        return undefined(f"{names[1]}的数值为零，比值无定义")
    return Measure(1.0 if equal(upper, lower) else upper / lower)


def coefficient_of_variation(values: ArrayLike, weights: ArrayLike | None = None) -> Measure:
    """Return standard deviation : mean; with weights both are weighted (Williamson's V).

    The deviation is that of the whole population (divided by n): the regions are all there are, no sample,
    and doubling every region changes nothing.
    """
    array, weight = usable(values, weights)
    fault = shared_fault(array, "变异系数")
    if fault:
        return undefined(fault)
    if all_equal(array):
        return Measure(0.0)
    share = weight / weight.sum()
    mean = float(share @ array)
    return Measure(float(np.sqrt(share @ (array - mean) ** 2)) / mean)


def gini(values: ArrayLike, weights: ArrayLike | None = None) -> Measure:
    """Return the Gini coefficient: 1 minus twice the area below the Lorenz curve.

    Without weights this is the classic coefficient of n regions, whose largest value is (n − 1) / n.
    """
    array, weight = usable(values, weights)
    fault = shared_fault(array, "基尼系数")
    if fault:
        return undefined(fault)
    if all_equal(array):
        return Measure(0.0)
    order = np.argsort(array, kind="stable")
    return Measure(max(0.0, _twice_area_above(array[order], weight[order])))


def _twice_area_above(array: FloatArray, weight: FloatArray) -> float:
    """Return 1 − twice the area below the curve of shares, in the order given."""
    part = weight * array / (weight @ array)
    reached = np.cumsum(part)
    return float(1.0 - (weight / weight.sum()) @ (2.0 * reached - part))


def lorenz_curve(values: ArrayLike, weights: ArrayLike | None = None) -> pd.DataFrame:
    """Return the Lorenz curve from (0, 0) to (1, 1), the lowest value first.

    Columns ``population_share`` and ``value_share`` (float64, cumulative). No row where it is undefined.
    """
    array, _ = usable(values, weights)
    return _curve(values, values, weights) if shared_fault(array, "洛伦兹曲线") is None else _no_curve()


def concentration_curve(
    values: ArrayLike, order: ArrayLike, weights: ArrayLike | None = None
) -> pd.DataFrame:
    """Return how far ``values`` are with those who rank low by ``order``, such as the poorer regions.

    Columns as `lorenz_curve`; regions in order of ``order``, equal ones as one step. A region that lacks
    either number takes no part. Above the diagonal the low ranks have more than their share.
    """
    array, ranked, weight = _both(values, order, weights)
    if shared_fault(array, "集中曲线") is not None:
        return _no_curve()
    return _curve(array, ranked, weight)


def concentration_index(values: ArrayLike, order: ArrayLike, weights: ArrayLike | None = None) -> Measure:
    """Return twice the area between diagonal and concentration curve, from −1 to 1.

    Positive: the high ranks have more than their share; negative: the low ranks. Ordered by the values
    themselves it is the Gini coefficient.
    """
    array, ranked, weight = _both(values, order, weights)
    fault = shared_fault(array, "集中指数")
    if fault:
        return undefined(fault)
    if all_equal(array) or all_equal(ranked):
        return Measure(0.0)
    curve = _curve(array, ranked, weight)
    across, up = curve["population_share"].to_numpy(), curve["value_share"].to_numpy()
    return Measure(float(1.0 - np.diff(across) @ (up[1:] + up[:-1])))


def _both(
    values: ArrayLike, order: ArrayLike, weights: ArrayLike | None
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return values, ranking numbers and weights of the regions that have both numbers."""
    array, ranked = (np.asarray(one, dtype=np.float64) for one in (values, order))
    if array.shape != ranked.shape:
        raise DisparityError(f"数值 {array.shape} 与排序依据 {ranked.shape} 的个数不同")
    there = ~np.isnan(array) & ~np.isnan(ranked)
    weight = None if weights is None else np.asarray(weights, dtype=np.float64)[there]
    kept, used = usable(array[there], weight)
    counted = slice(None) if weight is None else weight > 0
    return kept, ranked[there][counted], used


def _curve(values: ArrayLike, order: ArrayLike, weights: ArrayLike | None) -> pd.DataFrame:
    array, ranked, weight = _both(values, order, weights)
    steps = pd.DataFrame({"order": levels(ranked), "people": weight, "amount": weight * array})
    reached = steps.groupby("order", sort=True)[["people", "amount"]].sum().cumsum()
    ends: Sequence[FloatArray] = [
        np.concatenate([[0.0], reached[name].to_numpy() / reached[name].iloc[-1]])
        for name in ("people", "amount")
    ]
    return pd.DataFrame({"population_share": ends[0], "value_share": ends[1]})


def _no_curve() -> pd.DataFrame:
    return pd.DataFrame({"population_share": [], "value_share": []}, dtype="float64")


NO_GAP = "各地区完全相同，没有差距可以分解"
_NAME = "泰尔指数"


@dataclass(frozen=True)
class TheilParts:
    """A Theil index and its exact parts; NaN with a ``reason`` where undefined.

    ``total`` = ``within`` + ``between``; each is exactly 0 where there is no such gap. ``between_share`` is
    undefined, with its reason, where the total is nothing. ``groups``: index group; columns ``n`` (int64),
    ``weight_share``, ``value_share``, ``mean`` (weighted), ``theil`` (inside the group), ``within`` and
    ``between`` (what the group adds to each).
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
    if all_equal(array):
        return 0.0
    people = weight / weight.sum()
    mean = float(people @ array)
    # Summed exactly: the parts must make up the whole to the last digits.
    return math.fsum(people * _apart(array, mean))


def _apart(values: FloatArray, mean: FloatArray | float) -> FloatArray:
    """Return r ln r − r + 1 of r = value ÷ mean (> 0): 0 at the mean, above it everywhere else.

    Weighted by people the terms −r + 1 cancel, so that these add up to T as Σ p r ln r does; but no term is
    negative, and a mean that is off in its last digit puts T off by its square only.
    """
    away = (values - mean) / mean
    with np.errstate(divide="ignore", invalid="ignore"):
        found = (1.0 + away) * np.log1p(away) - away
    # The limit of x ln x at nothing is 0, which leaves the 1.
    return np.where(away <= -1.0, 1.0, np.maximum(found, 0.0))


def _part(amount: float, total: float) -> float:
    """Return a part of the whole, 0 where it is nothing beside it, or the whole is nothing."""
    return 0.0 if total == 0 or nothing(amount, beside=total) else amount


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
    total = _theil(array, weight)
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
            "between": 0.0 if part == 0 or equal(part, share) else part * math.log(part / share),
        }
    table = pd.DataFrame.from_dict(rows, orient="index")
    within = _part(math.fsum(table["within"]), total)
    if within == 0:
        table["within"] = 0.0
    apart = table["weight_share"].to_numpy() * _apart(table["mean"].to_numpy(), amount / people)
    return TheilParts(
        total=total,
        within=within,
        between=_part(math.fsum(apart), total),
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
    share, mean = below.groups["weight_share"].to_numpy(), below.groups["mean"].to_numpy()
    outer_mean = parent.map(above.groups["mean"]).to_numpy(dtype=np.float64)
    some = outer_mean > 0
    worth = share[some] * outer_mean[some] / float(share @ mean)
    between_inner = math.fsum(worth * _apart(mean[some], outer_mean[some]))
    return NestedTheil(below.total, above.between, _part(between_inner, below.total), below.within)


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
