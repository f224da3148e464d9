"""The plan tables a second time, slowly: straight from the CSV, by trying values, not by reasoning."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

FACTS = Path(__file__).parents[2] / "data" / "facts"


def csv_rows(name: str) -> list[dict[str, str]]:
    """Return the rows of a packaged CSV as the file has them."""
    with (FACTS / name).open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))


def naive_state(
    comparator: str, direction: str, target: float, actual: float, actual_comparator: str = "="
) -> str:
    """Try every value that the plan's words allow: met if all satisfy the target, not met if none does."""
    if (comparator == "cum") != (actual_comparator == "cum"):
        return "undefined"
    satisfies = _requirement(comparator, direction, target)
    if satisfies is None:
        exact = actual_comparator in ("=", "~") and comparator in ("=", "~", "cum")
        return "met" if direction == "neutral" and exact and actual == target else "undefined"
    verdicts = {satisfies(value) for value in _possible(actual, actual_comparator, target)}
    return "undefined" if len(verdicts) > 1 else ("met" if verdicts.pop() else "not_met")


def _requirement(comparator: str, direction: str, target: float) -> Callable[[float], bool] | None:
    wanted: dict[str, Callable[[float], bool]] = {
        ">=": lambda value: value >= target,
        ">": lambda value: value > target,
        "<=": lambda value: value <= target,
        "<": lambda value: value < target,
    }
    if comparator in wanted:
        upward = comparator[0] == ">"
        if (direction == "higher_better" and not upward) or (direction == "lower_better" and upward):
            return None
        return wanted[comparator]
    return wanted.get({"higher_better": ">=", "lower_better": "<="}.get(direction, ""))


def _possible(actual: float, comparator: str, target: float) -> list[float]:
    """Return values an actual value written so may have: at, just beside and far from both numbers."""
    step = 1e-6
    spread = abs(actual - target) + 1.0
    values = [actual + shift for shift in (-3 * spread, -step, 0.0, step, 3 * spread)]
    values += [target + shift for shift in (-step, 0.0, step)]
    allowed: dict[str, Callable[[float], bool]] = {
        ">=": lambda value: value >= actual,
        ">": lambda value: value > actual,
        "<=": lambda value: value <= actual,
        "<": lambda value: value < actual,
    }
    keep = allowed.get(comparator)
    return [actual] if keep is None else [value for value in values if keep(value)]


def naive_contradictions() -> set[frozenset[str]]:
    """Return the seed lines of targets alike in text, scope, year and unit to the letter, not in number."""
    rows = [
        row
        for row in csv_rows("plan_indicators.csv")
        if row["kind"] == "target" and row["value_num"] and row["year"]
    ]
    groups: dict[tuple[str, ...], list[dict[str, str]]] = {}
    for row in rows:
        key = (row["indicator"], row["scope"], row["year"], row["unit"])
        groups.setdefault(key, []).append(row)
    return {
        frozenset(row["seed_line"] for row in group)
        for group in groups.values()
        if len({float(row["value_num"]) for row in group}) > 1
    }
