"""Is a plan's target met by the value known at its base? Met, not met or undefined: never a percentage.

Method: docs/methods/targets.md. A target is a set of values that satisfy it (a half-line), an actual value
is a point, or, where the plan writes 超过 or 不足, itself a half-line. Inside the target's set: met; outside:
not met; neither: undefined.
"""

from __future__ import annotations

import math
import re

from geo.rounding import equal

MET, NOT_MET, UNDEFINED = "met", "not_met", "undefined"

# 6—8, 2-3个, 0.5～1小时, 1至2个: what the plans write for a range.
_AND_SOME = re.compile(r"\d\s*[余多]")
_RANGE = re.compile(r"\d\s*(?:个|所|家|项|名|倍)?\s*[-—–－~～至]+\s*\d")


def is_range(text: str) -> bool:
    """Return whether a value as written is a range (``6—8``), of which only the lower bound is a number."""
    return _RANGE.search(text) is not None


def actual_bound(comparator: str | None, text: str) -> str | None:
    """Return the comparator of an actual value; ``300余`` and ``150多万`` (``>``) lie near their number."""
    return "~" if comparator == ">" and _AND_SOME.search(text) else comparator


def target_state(
    comparator: str | None,
    direction: str,
    target_value: float | None,
    actual_value: float | None,
    *,
    actual_comparator: str | None = "=",
) -> tuple[str, str | None]:
    """Return the state of a target and, when undefined, the reason in Chinese (None otherwise).

    ``comparator`` is how the plan bounds the target: ``>=``, ``>``, ``<=``, ``<`` say it themselves; ``=``
    and ``~`` (左右) are a floor for ``higher_better`` and a ceiling for ``lower_better``, since a plan does
    not mean to fall back to its target; ``cum`` counts over the period of the plan. ``actual_comparator``
    is the same for the actual value: ``>`` and ``>=`` make it a lower bound, ``<`` and ``<=`` an upper
    bound, ``~`` is taken at its number; ``cum`` can only be held against a ``cum`` target, and the caller
    sees to it that both count over the same years.
    """
    target, actual = _number(target_value), _number(actual_value)
    if target is None or not comparator:
        return UNDEFINED, "目标没有可比较的数值"
    if actual is None:
        return UNDEFINED, "没有可比较的现状值"
    if (comparator == "cum") != (actual_comparator == "cum"):
        cumulative = "目标" if comparator == "cum" else "现状值"
        return UNDEFINED, f"{cumulative}是规划期累计数，两者不能直接比较"
    side = _side(comparator, direction)
    if side is None:
        if direction == "neutral" and equal(actual, target) and actual_comparator in {"=", "~"}:
            return MET, None
        return UNDEFINED, _no_side_reason(comparator, direction)
    return _compare(side, target, actual, actual_comparator or "=")


def _number(value: float | None) -> float | None:
    return None if value is None or math.isnan(value) else float(value)


def _side(comparator: str, direction: str) -> str | None:
    """Return the inequality that satisfies the target, or None when comparator and direction give none."""
    if comparator in {"=", "~", "cum"}:
        return {"higher_better": ">=", "lower_better": "<="}.get(direction)
    against = {"higher_better": "<", "lower_better": ">"}.get(direction)
    return None if against and comparator.startswith(against) else comparator


def _no_side_reason(comparator: str, direction: str) -> str:
    if direction == "neutral":
        return "中性指标没有优劣方向，偏离目标不等于未达到"
    return f"目标的比较符“{comparator}”与指标方向相反，无法判定"


def _compare(side: str, target: float, actual: float, actual_comparator: str) -> tuple[str, str | None]:
    """Hold an actual value, or the half-line it bounds, against the half-line that satisfies the target."""
    # An observed value is computed as a rule: 70 % of counts may lie a hair below 70.
    same = bool(equal(actual, target))
    holds = {
        ">=": same or actual > target,
        ">": not same and actual > target,
        "<=": same or actual < target,
        "<": not same and actual < target,
    }
    upward = side.startswith(">")
    if actual_comparator in {"=", "~", "cum"}:
        return (MET if holds[side] else NOT_MET), None
    if actual_comparator.startswith(">") == upward:
        # The actual value lies beyond its bound, on the target's side: it may be met, never refuted.
        strictly_beyond = same and actual_comparator in {">", "<"}
        if holds[side] or strictly_beyond:
            return MET, None
        bound = "下限" if upward else "上限"
        return UNDEFINED, f"现状值只写了{bound}，不知是否达到目标"
    # Bounded on the far side: it may be refuted, never confirmed.
    outside = not holds[">=" if upward else "<="]
    touches = same and (side in {">", "<"} or actual_comparator in {">", "<"})
    if outside or touches:
        return NOT_MET, None
    bound = "上限" if upward else "下限"
    return UNDEFINED, f"现状值只写了{bound}，不知是否达到目标"
