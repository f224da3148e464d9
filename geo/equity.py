"""How unequal coverage is: between regions, and between town and country."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

NOT_TWO = "有覆盖率的区域不足两个"
LOWEST_ZERO = "最低覆盖率为零，比值无定义"
RURAL_ZERO = "乡村覆盖率为零，比值无定义"


@dataclass(frozen=True)
class GapResult:
    """The widest gap between regions: adcodes, difference in percentage points, ratio highest : lowest.

    NaN with a ``reason`` where undefined: fewer than two regions with a figure, or a lowest of zero (ratio
    only).
    """

    highest: str | None
    lowest: str | None
    gap_points: float
    ratio: float
    reason: str | None


def region_gap(table: pd.DataFrame) -> GapResult:
    """Return the gap between the best and the worst covered region of a ``coverage_table``.

    Of equal regions the lowest adcode counts. Regions without a figure take no part.
    """
    known = table.dropna(subset=["population_coverage"]).sort_values(["population_coverage", "adcode"])
    if len(known) < 2:
        return GapResult(None, None, float("nan"), float("nan"), NOT_TWO)
    coverage = known["population_coverage"].to_numpy(dtype=np.float64)
    best = known[coverage == coverage[-1]].iloc[0]
    low, high = float(coverage[0]), float(coverage[-1])
    return GapResult(
        highest=str(best["adcode"]),
        lowest=str(known.iloc[0]["adcode"]),
        gap_points=(high - low) * 100.0,
        ratio=high / low if low > 0.0 else float("nan"),
        reason=None if low > 0.0 else LOWEST_ZERO,
    )


def urban_rural_gap(urban: pd.DataFrame, rural: pd.DataFrame) -> pd.DataFrame:
    """Return town and country side by side for every region of two ``coverage_table`` results.

    ``urban`` and ``rural`` are tables of the groups of those names, for the same regions. Columns
    ``adcode``, ``name``, ``urban_coverage``, ``rural_coverage``, ``gap_points`` (urban - rural, percentage
    points), ``ratio`` (urban : rural), ``reason``. Where either has no figure the gap has none, with that
    table's reason.
    """
    both = urban[["adcode", "name", "population_coverage", "reason"]].merge(
        rural[["adcode", "population_coverage", "reason"]],
        on="adcode",
        how="left",
        suffixes=("_urban", "_rural"),
        validate="one_to_one",
        sort=False,
    )
    town = both["population_coverage_urban"].to_numpy(dtype=np.float64)
    country = both["population_coverage_rural"].to_numpy(dtype=np.float64)
    ratio = np.divide(town, country, out=np.full(len(both), np.nan), where=country > 0.0)
    reasons = [
        _gap_reason({"城镇": (one, why_one), "乡村": (two, why_two)})
        for one, why_one, two, why_two in zip(
            town, both["reason_urban"], country, both["reason_rural"], strict=True
        )
    ]
    return pd.DataFrame(
        {
            "adcode": both["adcode"],
            "name": both["name"],
            "urban_coverage": town,
            "rural_coverage": country,
            "gap_points": (town - country) * 100.0,
            "ratio": ratio,
            "reason": pd.Series(reasons, dtype=object),
        }
    )


def _gap_reason(coverage: dict[str, tuple[float, object]]) -> str | None:
    """Return why a gap or its ratio is undefined; None when both are there."""
    told = [f"{who}：{reason}" for who, (value, reason) in coverage.items() if np.isnan(value)]
    if not told and coverage["乡村"][0] == 0.0:
        return RURAL_ZERO
    return "；".join(told) or None
