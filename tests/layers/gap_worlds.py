"""Small made-up gaps: a few regions in the three economic regions, with whatever values a test needs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from geo.disparity import Measure, undefined
from geo.gaps import GapAnalysis, GapComparison, GapSubject, analyse_gap
from geo.region_tree import CENTRAL, NORTH, SOUTH

NAN = float("nan")
GROUPS = {"甲": SOUTH, "乙": SOUTH, "丙": CENTRAL, "丁": CENTRAL, "戊": NORTH, "己": NORTH}


def subject(**changes: Any) -> GapSubject:
    given: dict[str, Any] = {
        "id": "income",
        "name": "人均收入（试算）",
        "unit": "元",
        "decimals": 0,
        "direction": "higher_better",
        "level": "prefecture",
        "additive": False,
    }
    return GapSubject(**(given | changes))


def gap(
    values: Sequence[float],
    year: int = 2020,
    *,
    regional: Sequence[float] | None = None,
    reasons: dict[str, str] | None = None,
    of: GapSubject | None = None,
    **settings: Any,
) -> GapAnalysis:
    """Return the analysis of 甲 to 己; a region's own figure is its members' mean unless given."""
    names = list(GROUPS)[: len(values)]
    frame = pd.DataFrame(
        {
            "name": [f"{name}市" for name in names],
            "short_name": names,
            "parent": [GROUPS[name] for name in names],
            "group": [GROUPS[name] for name in names],
            "value": np.array(values, dtype="float64"),
            "weight": 1.0,
            "reason": [
                (reasons or {}).get(name, "缺数") if np.isnan(value) else None
                for name, value in zip(names, values, strict=True)
            ],
        },
        index=[f"32{number:02d}00" for number in range(1, len(values) + 1)],
    )
    own = frame.groupby("group")["value"].mean().reindex([SOUTH, CENTRAL, NORTH])
    if regional is not None:
        own = pd.Series(regional, index=own.index, dtype="float64")
    table = pd.DataFrame(
        {"short_name": ["苏南", "苏中", "苏北"], "value": own, "reason": own.isna().map({True: "缺数"})}
    )
    province = float(own.mean())
    return analyse_gap(
        of or subject(),
        year,
        frame,
        table,
        province=undefined("缺数") if np.isnan(province) else Measure(province),
        weight_name="2020 年常住人口",
        **settings,
    )


def beside(now: GapAnalysis, then: GapAnalysis | None = None) -> GapComparison:
    """Return two years that have values for the same regions."""
    return GapComparison(now, then, now if then else None, then)
