"""Composite indices by plain loops over lists: nothing of the vectorised method is used."""

from __future__ import annotations

import itertools
import math
import statistics

NAN = float("nan")


def scores(columns: dict[str, list[float]], up: dict[str, bool], method: str) -> dict[str, list[float]]:
    """Return direction-aware scores; a component that cannot be scored is NaN throughout."""
    found = {}
    for name, values in columns.items():
        known = [value for value in values if not math.isnan(value)]
        low, high = min(known), max(known)
        mean, spread = statistics.fmean(known), statistics.pstdev(known)
        out = []
        for value in values:
            if math.isnan(value) or (method != "target" and low == high) or (method == "target" and low <= 0):
                out.append(NAN)
            elif method == "min_max":
                out.append(100 * ((value - low) if up[name] else (high - value)) / (high - low))
            elif method == "z":
                out.append(50 + 10 * (1 if up[name] else -1) * (value - mean) / spread)
            else:
                reached = value / high if up[name] else low / value
                out.append(100 * min(reached, 1.0))
        found[name] = out
    return found


def complete_rows(columns: dict[str, list[float]]) -> list[int]:
    count = len(next(iter(columns.values())))
    return [i for i in range(count) if not any(math.isnan(values[i]) for values in columns.values())]


def weights(
    columns: dict[str, list[float]], up: dict[str, bool], method: str, expert: dict[str, float]
) -> dict[str, float]:
    """Return the weights of the components, from the regions complete in all of them."""
    names = list(columns)
    if method == "equal" or len(names) == 1:
        raw = dict.fromkeys(names, 1.0)
    elif method == "expert":
        raw = {name: expert[name] for name in names}
    else:
        rows = complete_rows(columns)
        unit = {n: [column[i] / 100 for i in rows] for n, column in scores(columns, up, "min_max").items()}
        raw = _entropy(unit, len(rows)) if method == "entropy" else _critic(unit)
    total = sum(raw.values())
    return {name: value / total for name, value in raw.items()}


def _entropy(unit: dict[str, list[float]], count: int) -> dict[str, float]:
    raw = {}
    for name, column in unit.items():
        total = sum(column)
        entropy = -sum(v / total * math.log(v / total) for v in column if v > 0) / math.log(count)
        raw[name] = 1 - entropy
    return raw


def _critic(unit: dict[str, list[float]]) -> dict[str, float]:
    return {
        name: statistics.stdev(column)
        * sum(1 - statistics.correlation(column, other) for key, other in unit.items() if key != name)
        for name, column in unit.items()
    }


def index(
    columns: dict[str, list[float]],
    up: dict[str, bool],
    normalisation: str,
    weight: dict[str, float],
    aggregation: str,
) -> list[float]:
    """Return the index of every region; NaN where any component with a column has none."""
    scored = scores(columns, up, normalisation)
    out = []
    for i in range(len(next(iter(columns.values())))):
        row = {name: column[i] for name, column in scored.items()}
        if any(math.isnan(value) for value in row.values()):
            out.append(NAN)
        elif aggregation == "arithmetic":
            out.append(sum(weight[name] * value for name, value in row.items()))
        else:
            if normalisation == "min_max":
                row = {name: 1 + 0.99 * value for name, value in row.items()}
            usable = all(value > 0 for value in row.values())
            out.append(math.prod(v ** weight[n] for n, v in row.items()) if usable else NAN)
    return out


def ranks(values: list[float]) -> list[int]:
    """Return one more than the number of regions that are better, rounding errors aside."""
    return [1 + sum(1 for other in values if round(other, 9) > round(value, 9)) for value in values]


def rank_range(
    columns: dict[str, list[float]],
    up: dict[str, bool],
    expert: dict[str, float] | None,
    *,
    weightings: tuple[str, ...] = ("equal", "expert", "entropy", "critic"),
) -> tuple[list[list[int]], int]:
    """Return the ranks of the complete regions under every combination that counts, and how many do not."""
    rows = complete_rows(columns)
    kept, lost = [], 0
    names = list(columns)
    for normalisation, aggregation, weighting in itertools.product(
        ("min_max", "z", "target"), ("arithmetic", "geometric"), weightings
    ):
        if weighting == "expert" and expert is None:
            continue
        for without in [None, *(names if len(names) > 2 else [])]:
            part = {name: column for name, column in columns.items() if name != without}
            weight = _weights_without(columns, up, weighting, expert or {}, without)
            found = index(part, up, normalisation, weight, aggregation)
            chosen = [found[i] for i in rows]
            if any(math.isnan(value) for value in chosen) or _unusable(columns, normalisation):
                lost += 1
            else:
                kept.append(ranks(chosen))
    return kept, lost


def _unusable(columns: dict[str, list[float]], normalisation: str) -> bool:
    """Tell whether any component, also one left out, cannot be normalised."""
    known = [[v for v in column if not math.isnan(v)] for column in columns.values()]
    if normalisation == "target":
        return any(min(values) <= 0 for values in known)
    return any(min(values) == max(values) for values in known)


def _weights_without(
    columns: dict[str, list[float]],
    up: dict[str, bool],
    weighting: str,
    expert: dict[str, float],
    without: str | None,
) -> dict[str, float]:
    """Return the weights of the others; limits and complete regions stay those of all components."""
    rows = complete_rows(columns)
    names = [name for name in columns if name != without]
    if weighting == "equal":
        raw = dict.fromkeys(names, 1.0)
    elif weighting == "expert":
        raw = {name: expert[name] for name in names}
    else:
        unit = {n: [column[i] / 100 for i in rows] for n, column in scores(columns, up, "min_max").items()}
        unit = {name: unit[name] for name in names}
        raw = _entropy(unit, len(rows)) if weighting == "entropy" else _critic(unit)
    total = sum(raw.values())
    return {name: value / total for name, value in raw.items()}
