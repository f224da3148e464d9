"""How far an index hangs on its making: the ranks of every region over all combinations of methods."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import rankdata

from geo.composite import (
    AGGREGATIONS,
    NORMALISATIONS,
    TIE_DECIMALS,
    WEIGHTINGS,
    Aggregation,
    Floats,
    Normalisation,
    Part,
    Weighting,
    critic_information,
    entropy_information,
    for_geometric,
    normalise,
    require_parts,
    unit_scores,
    weight_faults,
)

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
            kept = np.round(totals[:, ~bad], TIE_DECIMALS)
            ranked.append(rankdata(-kept, method="min", axis=0).T if kept.size else np.zeros((0, len(array))))
    return _summary(values.index, complete, np.concatenate(ranked), rows)


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
