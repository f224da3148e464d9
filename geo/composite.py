"""Composite indices: normalise, weight, aggregate; and how far the ranks hang on the choice of methods.

Methods after the OECD/JRC "Handbook on Constructing Composite Indicators" (2008), entropy weights after
Shannon, CRITIC after Diakoulaki et al. (1995).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import rankdata

from geo.errors import CompositeError
from geo.rounding import all_equal, levels, more, nothing, ranks, settled, size

Normalisation = Literal["min_max", "z", "target"]
Weighting = Literal["equal", "expert", "entropy", "critic"]
Aggregation = Literal["arithmetic", "geometric"]
NORMALISATIONS: tuple[Normalisation, ...] = get_args(Normalisation)
WEIGHTINGS: tuple[Weighting, ...] = get_args(Weighting)
AGGREGATIONS: tuple[Aggregation, ...] = get_args(Aggregation)

WEIGHT_TOLERANCE = 1e-6
FULL = 100.0
"""The points of a whole score: beside them two scores are told apart, or are equal and share a rank."""

GEOMETRIC_FLOOR = 1.0
"""Under a geometric mean min–max scores run from here to 100: a single zero would wipe out the rest."""

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Part:
    """One component: a column of the values, which way is better, its expert weight and its target."""

    id: str
    direction: Literal["higher_better", "lower_better"]
    weight: float | None = None
    target: float | None = None


@dataclass(frozen=True, eq=False)
class CompositeResult:
    """An index by region.

    ``frame``: index as the values, columns ``score`` (float64, NaN where undefined), ``rank`` (float64, 1 is
    best, ties share the lowest) and ``reason`` (text, empty where defined). ``parts`` are the normalised
    scores, ``contributions`` the points each component brings (they add up to the score), both regions by
    components. ``weights`` sum to 1; ``part_reasons`` say why a component has no score anywhere.
    """

    frame: pd.DataFrame
    parts: pd.DataFrame
    contributions: pd.DataFrame
    weights: pd.Series
    part_reasons: dict[str, str]


def require_parts(values: pd.DataFrame, parts: Sequence[Part], weighting: str) -> None:
    """Raise `CompositeError` that lists every fault of the components and their weights."""
    ids = [part.id for part in parts]
    faults = [] if parts else ["没有组成指标，请至少选一个"]
    faults += [f"组成指标“{name}”出现了多次" for name in dict.fromkeys(ids) if ids.count(name) > 1]
    faults += [f"没有“{name}”的数值" for name in ids if name not in values]
    faults += [
        f"“{part.id}”没有好坏方向，请写明 higher_better 或 lower_better"
        for part in parts
        if part.direction not in {"higher_better", "lower_better"}
    ]
    if weighting == "expert":
        faults += weight_faults(parts)
    if faults:
        raise CompositeError("综合指数无法计算：" + "；".join(faults) + "。")


def weight_faults(parts: Sequence[Part]) -> list[str]:
    """Return what is wrong with the expert weights: missing, negative, not summing to 1."""
    lacking = [part.id for part in parts if part.weight is None]
    if lacking:
        return [f"专家权重缺少：{'、'.join(lacking)}"]
    weights = [float(part.weight or 0.0) for part in parts]
    faults = [
        f"“{part.id}”的权重 {weight:g} 应为 0 至 1 的数"
        for part, weight in zip(parts, weights, strict=True)
        if not 0.0 <= weight <= 1.0
    ]
    total = float(np.sum(weights))
    if parts and not faults and abs(total - 1.0) > WEIGHT_TOLERANCE:
        faults.append(f"专家权重之和为 {total:.6g}，应为 1")
    return faults


def normalise(
    values: pd.DataFrame,
    parts: Sequence[Part],
    method: Normalisation,
    *,
    limits_of: pd.DataFrame | None = None,
) -> tuple[pd.DataFrame, dict[str, str]]:
    """Return scores of which more is always better (regions by components), and why a component has none.

    ``min_max``: 0 (worst) to 100 (best). ``z``: 50 + 10 standard deviations (population) from the mean.
    ``target``: percentage of the target reached, at most 100; without a target the best region's value is
    the target; needs positive values. ``limits_of`` (same columns) gives the values that limits, mean and
    best are taken from, for several years on one scale. NaN stays NaN.
    """
    base = values if limits_of is None else limits_of
    columns: dict[str, Floats] = {}
    reasons: dict[str, str] = {}
    for part in parts:
        # Equal values get equal scores: a narrow span would make much of their last bits.
        own, known = settled(values[part.id]), settled(base[part.id])
        known = known[~np.isnan(known)]
        reason = _reason(known, part, method)
        if reason:
            reasons[part.id] = reason
            columns[part.id] = np.full(len(own), np.nan)
        else:
            columns[part.id] = _score(own, known, part, method)
    return pd.DataFrame(columns, index=values.index), reasons


def _reason(known: Floats, part: Part, method: Normalisation) -> str:
    """Return why a component cannot be normalised; empty when it can."""
    if len(known) == 0:
        return "没有任何地区有数值"
    if method == "target":
        target = part.target if part.target is not None else 1.0
        positive = more(known.min(), 0.0, beside=size(known)) and target > 0
        return "" if positive else "目标法要求数值和目标都大于零"
    if len(known) == 1:
        return "只有一个地区有数值，无法比较"
    return "各地区数值相同，无法区分" if all_equal(known) else ""


def _score(own: Floats, known: Floats, part: Part, method: Normalisation) -> Floats:
    up = part.direction == "higher_better"
    low, high = known.min(), known.max()
    if method == "min_max":
        return np.asarray(100.0 * ((own - low) if up else (high - own)) / (high - low))
    if method == "z":
        z = (own - known.mean()) / known.std()
        return np.asarray(50.0 + 10.0 * (z if up else -z))
    target = part.target if part.target is not None else (high if up else low)
    return 100.0 * np.minimum(own / target if up else target / own, 1.0)


def unit_scores(values: pd.DataFrame, parts: Sequence[Part]) -> Floats:
    """Return the min–max scores from 0 to 1 of the regions complete in all components: what weights see."""
    scores, _ = normalise(values, parts, "min_max")
    array = scores.to_numpy(dtype=np.float64) / 100.0
    return array[~np.isnan(array).any(axis=1)]


def weigh(values: pd.DataFrame, parts: Sequence[Part], method: Weighting) -> pd.Series:
    """Return the weights of the components (sum 1), from the regions complete in all of them.

    ``entropy`` gives more to components that differ more between regions, ``critic`` to those that vary more
    and agree less with the others. Raises `CompositeError` when these cannot be told.
    """
    count = len(parts)
    if method == "expert":
        raw = np.array([float(part.weight or 0.0) for part in parts])
    elif method == "equal" or count == 1:
        raw = np.ones(count)
    else:
        unit = unit_scores(values, parts)
        if len(unit) < 3:
            raise CompositeError(
                "数据赋权（熵权、CRITIC）需要至少 3 个各项指标都有数值的地区；请改用等权或专家权重。"
            )
        raw = entropy_information(unit) if method == "entropy" else critic_information(unit)
    return pd.Series(raw / raw.sum(), index=[part.id for part in parts], dtype="float64")


def entropy_information(unit: Floats) -> Floats:
    """Return 1 - e per component, e its Shannon entropy over the regions as a share of the largest.

    ``unit`` as of `unit_scores`. A component in which the regions are alike tells nothing, also where all
    have the worst score, and no shares can be told.
    """
    total = unit.sum(axis=0)
    share = np.divide(unit, total, out=np.zeros_like(unit), where=total > 0)
    logs = np.log(share, out=np.zeros_like(share), where=share > 0)
    told = 1.0 + (share * logs).sum(axis=0) / np.log(len(unit))
    return _positive(np.where(_alike(unit), 0.0, told))


def _alike(unit: Floats) -> np.ndarray:
    """Return in which components the regions are all alike."""
    return np.array([all_equal(column, beside=1.0) for column in unit.T], dtype=np.bool_)


def critic_information(unit: Floats, without: int | None = None) -> Floats:
    """Return per component its deviation times the sum of 1 - r with the others (without one of them)."""
    if unit.shape[1] == 1:
        return np.ones(1)
    alike = _alike(unit)
    spread = np.where(alike, 0.0, unit.std(axis=0, ddof=1))
    with np.errstate(invalid="ignore", divide="ignore"):
        agree = np.array(np.nan_to_num(np.corrcoef(unit, rowvar=False)), dtype=np.float64)
    # What is the same everywhere agrees with nothing; its last bits would agree with anything.
    agree[alike], agree[:, alike] = 0.0, 0.0
    conflict = np.asarray(1.0 - agree, dtype=np.float64)
    if without is not None:
        conflict[:, without] = 0.0
        spread = spread.copy()
        spread[without] = 0.0
    np.fill_diagonal(conflict, 0.0)
    return _positive(spread * conflict.sum(axis=1))


def _positive(information: Floats) -> Floats:
    """Return information without rounding around zero; all alike when there is none at all."""
    clean = np.where(more(information, 0.0, beside=1.0), information, 0.0)
    return clean if clean.any() else np.ones(len(clean))


def for_geometric(scores: Floats, normalisation: Normalisation) -> Floats:
    """Return scores that a geometric mean can take: min–max from `GEOMETRIC_FLOOR`, none at or below 0."""
    if normalisation == "min_max":
        return GEOMETRIC_FLOOR + scores * (100.0 - GEOMETRIC_FLOOR) / 100.0
    return np.where(scores > 0.0, scores, np.nan)


def composite(
    values: pd.DataFrame,
    parts: Sequence[Part],
    *,
    normalisation: Normalisation = "min_max",
    weighting: Weighting = "equal",
    aggregation: Aggregation = "arithmetic",
    limits_of: pd.DataFrame | None = None,
) -> CompositeResult:
    """Return the index of every region of ``values`` (regions by components, NaN where undefined).

    A region without a value in a component has no index, and ``reason`` names the component. Raises
    `CompositeError` listing every fault: no or doubled components, no direction, weights that do not sum to
    1, an unknown method.
    """
    _require_methods(normalisation, weighting, aggregation)
    require_parts(values, parts, weighting)
    scores, part_reasons = normalise(values, parts, normalisation, limits_of=limits_of)
    if part_reasons:
        # No region has an index then, and constant components have no information to weigh.
        weights = pd.Series(np.nan, index=scores.columns, dtype="float64")
    else:
        weights = weigh(values if limits_of is None else limits_of, parts, weighting)
    array, w = scores.to_numpy(dtype=np.float64), weights.to_numpy(dtype=np.float64)
    if aggregation == "arithmetic":
        bring = array * w
        total = bring.sum(axis=1)
    else:
        usable = for_geometric(array, normalisation)
        logs = np.asarray(np.log(usable) * w, dtype=np.float64)
        total = np.exp(logs.sum(axis=1))
        bring = total[:, None] * _log_shares(logs)
    rank = ranks(pd.Series(total, index=values.index), ascending=False, beside=FULL)
    frame = pd.DataFrame({"score": total, "rank": rank}, index=values.index)
    frame["reason"] = _reasons(values, scores, part_reasons, frame["score"])
    contributions = pd.DataFrame(bring, index=values.index, columns=scores.columns)
    return CompositeResult(frame, scores, contributions, weights, part_reasons)


def _log_shares(logs: Floats) -> Floats:
    """Return each component's share of the logarithm of the index; alike where that is nothing."""
    total = logs.sum(axis=1, keepdims=True)
    even = np.full_like(logs, 1.0 / logs.shape[1])
    none = nothing(total, beside=np.abs(logs).sum(axis=1, keepdims=True))
    shares = np.divide(logs, total, out=even, where=~none)
    return np.where(np.isnan(total), np.nan, shares)


def _reasons(
    values: pd.DataFrame, scores: pd.DataFrame, part_reasons: dict[str, str], total: pd.Series
) -> pd.Series:
    """Return per region why it has no index."""
    told = []
    for code in values.index:
        if not np.isnan(total[code]):
            told.append("")
            continue
        parts = [f"{name}：{reason}" for name, reason in part_reasons.items()]
        parts += [
            f"{name}：没有数值"
            for name in scores.columns
            if name not in part_reasons and np.isnan(values.loc[code, name])
        ]
        told.append("；".join(parts) or "标准分不为正，几何平均无定义")
    return pd.Series(told, index=values.index, dtype="str")


def _require_methods(normalisation: str, weighting: str, aggregation: str) -> None:
    for word, value, known in (
        ("归一化方法", normalisation, NORMALISATIONS),
        ("赋权方法", weighting, WEIGHTINGS),
        ("合成方法", aggregation, AGGREGATIONS),
    ):
        if value not in known:
            raise CompositeError(f"没有{word}“{value}”；可用：{'、'.join(known)}。")


def equalisation(scores: pd.Series) -> tuple[float, str]:
    """Return 100 × (1 - coefficient of variation) of an index over regions, and why it is undefined.

    100 means that all regions are alike; population standard deviation. Undefined with fewer than two
    regions or a mean that is not positive.
    """
    known = scores.dropna().to_numpy(dtype=np.float64)
    if len(known) < 2:
        return float("nan"), "有指数的地区不足两个"
    if not more(known.mean(), 0.0, beside=size(known)):
        return float("nan"), "指数平均值不大于零"
    if all_equal(known, beside=FULL):
        return 100.0, ""
    return 100.0 * (1.0 - float(known.std() / known.mean())), ""


NONE_LEFT_OUT = ""


@dataclass(frozen=True, eq=False)
class Sensitivity:
    """Ranks over combinations.

    ``frame``: index as the values, columns ``best``, ``q1``, ``median``, ``q3``, ``worst`` (float64 ranks,
    NaN for regions that are not complete) and ``combinations`` (how many count). ``ranks``: combinations
    that count by regions. ``combinations``: normalisation, weighting, aggregation, left_out (component left
    out, empty: none), ``reason`` (why it does not count, empty when it does).
    """

    frame: pd.DataFrame
    ranks: pd.DataFrame
    combinations: pd.DataFrame


def rank_ranges(
    values: pd.DataFrame,
    parts: Sequence[Part],
    *,
    normalisations: Sequence[Normalisation] = NORMALISATIONS,
    weightings: Sequence[Weighting] | None = None,
    aggregations: Sequence[Aggregation] = AGGREGATIONS,
    leave_out: bool = True,
) -> Sensitivity:
    """Return how the ranks of the regions complete in all components move over all combinations.

    All normalisations × weightings × aggregations, and each of these with every component left out in turn
    (``leave_out``, with at least three components). ``weightings`` defaults to all, expert weights only where
    they are given and sum to 1. A combination that cannot rank every complete region counts for none, and
    says why. Raises `CompositeError` for faulty components.
    """
    chosen = _weightings(parts) if weightings is None else tuple(weightings)
    require_parts(values, parts, "expert" if "expert" in chosen else "equal")
    complete = values[[part.id for part in parts]].notna().all(axis=1).to_numpy()
    left_out = [None, *(range(len(parts)) if leave_out and len(parts) > 2 else [])]
    table, labels = _weight_table(values, parts, chosen, left_out)
    rows: list[tuple[str, str, str, str, str]] = []
    ranked: list[Floats] = []
    for normalisation in normalisations:
        scores, reasons = normalise(values, parts, normalisation)
        array = scores.to_numpy(dtype=np.float64)[complete]
        for aggregation in aggregations:
            totals, why = _totals(array, table, normalisation, aggregation)
            why = "；".join(reasons.values()) or why
            empty = np.ones(len(table), dtype=np.bool_)
            bad = np.asarray(np.isnan(totals).any(axis=0) if len(totals) else empty, dtype=np.bool_)
            rows += [
                (normalisation, weighting, aggregation, name, (why or "无法排序") if lost else "")
                for (weighting, name), lost in zip(labels, bad, strict=True)
            ]
            kept = totals[:, ~bad]
            ranked.append(_rank_columns(kept) if kept.size else np.zeros((0, len(array))))
    return _summary(values.index, complete, np.concatenate(ranked), rows)


def _rank_columns(totals: Floats) -> Floats:
    """Return the ranks of the regions (rows) under each combination (columns): combinations by regions."""
    number = np.column_stack([levels(column, beside=FULL) for column in totals.T])
    return np.asarray(rankdata(-number, method="min", axis=0).T, dtype=np.float64)


def _weightings(parts: Sequence[Part]) -> tuple[Weighting, ...]:
    return tuple(name for name in WEIGHTINGS if name != "expert" or not weight_faults(parts))


def _weight_table(
    values: pd.DataFrame, parts: Sequence[Part], weightings: Sequence[str], left_out: Sequence[int | None]
) -> tuple[Floats, list[tuple[str, str]]]:
    """Return the weights of every combination (rows by components), and (weighting, component left out)."""
    unit = unit_scores(values, parts)
    rows, labels = [], []
    for weighting in weightings:
        if weighting in {"entropy", "critic"} and len(unit) < 3:
            continue
        for without in left_out:
            raw = _raw_weights(unit, parts, weighting, without)
            if without is not None:
                raw = raw.copy()
                raw[without] = 0.0
            if raw.sum() <= 0:
                continue
            rows.append(raw / raw.sum())
            labels.append((weighting, NONE_LEFT_OUT if without is None else parts[without].id))
    return np.array(rows).reshape(len(rows), len(parts)), labels


def _raw_weights(unit: Floats, parts: Sequence[Part], weighting: str, without: int | None) -> Floats:
    if weighting == "entropy":
        return entropy_information(unit)
    if weighting == "critic":
        return critic_information(unit, without)
    if weighting == "expert":
        return np.array([float(part.weight or 0.0) for part in parts])
    return np.ones(len(parts))


def _totals(
    array: Floats, table: Floats, normalisation: Normalisation, aggregation: Aggregation
) -> tuple[Floats, str]:
    """Return the index of every complete region (rows) under every row of weights, and why some are NaN."""
    if aggregation == "arithmetic":
        return array @ table.T, ""
    usable = for_geometric(array, normalisation)
    return np.exp(np.log(usable) @ table.T), "标准分不为正，几何平均无定义"


def _summary(
    index: pd.Index, complete: np.ndarray, ranks: Floats, rows: list[tuple[str, str, str, str, str]]
) -> Sensitivity:
    codes = index[complete]
    columns = ["normalisation", "weighting", "aggregation", "left_out", "reason"]
    combinations = pd.DataFrame(rows, columns=columns)
    held = combinations.index[combinations["reason"] == ""]
    table = pd.DataFrame(ranks, index=held, columns=codes)
    names = ("best", "q1", "median", "q3", "worst")
    if len(table) and len(codes):
        found = np.quantile(ranks, (0.0, 0.25, 0.5, 0.75, 1.0), axis=0)
    else:
        found = np.full((len(names), len(codes)), np.nan)
    frame = pd.DataFrame(dict(zip(names, found, strict=True)), index=codes).reindex(index)
    frame["combinations"] = len(table)
    return Sensitivity(frame, table, combinations)
