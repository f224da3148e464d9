"""What a run leaves out or answers by another way: counted and said alike by every method (Chinese)."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from geo.coverage_profile import UNIT
from geo.modes import TravelMode
from geo.region_tree import LEVELS, region_hierarchy

STRAIGHT = "按直线距离估算"
"""How the notes on places without roads can be told from others."""


def road_notes(
    mode: TravelMode,
    *,
    straight_people: float,
    people: float,
    off_road: dict[str, tuple[int, int]],
) -> list[str]:
    """Return what must be said of places that an imported network does not cover; nothing if it covers all.

    ``straight_people`` of ``people`` have times of a straight line. ``off_road``: how many of each kind of
    point (设施, 候选点) lie off the network, and of how many.
    """
    near = f"路网 {mode.snap_limit_m:,.0f} 米以内"
    how = f"直线距离 × 绕行系数 {mode.detour_factor:g}"
    notes = []
    if straight_people > 0.0 and straight_people >= people:
        notes.append(f"路网没有覆盖所选范围：{people:,.0f} 人的时间都{STRAIGHT}（{how}）")
    elif straight_people > 0.0:
        share = straight_people / people
        notes.append(
            f"路网只覆盖一部分范围：{straight_people:,.0f} 人（{share:.1%}）的住处或所到的设施不在{near}，"
            f"时间{STRAIGHT}（{how}），其余按路网"
        )
    notes += [
        f"{all_of} 个{kind}中有 {off} 个不在{near}，往来{STRAIGHT}"
        for kind, (off, all_of) in off_road.items()
        if off
    ]
    return notes


WATER_RULE = "直线不跨长江和大湖，绕行或经桥梁、隧道、渡口（江线、湖岸为示意），其余河流未计"
NO_RIVER = "行政区边界里找不到长江两岸的分界：直线没有在长江停下，两岸的时间可能偏短"
AROUND = "的直线遇长江或大湖"
"""How the notes on ways round water can be told from others."""


def water_notes(people: float, everybody: float) -> list[str]:
    """Return what must be said of people whose line to a facility leads round water or over a crossing."""
    if people <= 0.0:
        return []
    return [f"{people:,.0f} 人（{people / everybody:.1%}）{AROUND}：{WATER_RULE}"]


def people_where(people: NDArray[np.float64], marked: NDArray[np.bool_]) -> tuple[float, float]:
    """Return the people of the cells marked, and of all."""
    return float(people[marked].sum()), float(people.sum())


def people_by_region(
    counties: pd.Series,
    people: NDArray[np.float64],
    marked: NDArray[np.bool_],
    regions: pd.DataFrame,
    wanted: pd.Series,
) -> NDArray[np.float64]:
    """Return the people of the cells marked in every region ``wanted`` (adcodes), counted in ``UNIT``.

    ``counties``: the county of each cell; ``regions``: as for ``geo.region_tree.region_hierarchy``.
    """
    whole = np.rint(people / UNIT).astype(np.int64)
    by_county = pd.Series(whole[marked]).groupby(counties.to_numpy()[marked]).sum()
    hierarchy = region_hierarchy(regions)
    totals: dict[str, int] = {}
    for level in LEVELS:
        owner = hierarchy[level].reindex(by_county.index)
        totals |= {str(code): int(total) for code, total in by_county.groupby(owner.to_numpy()).sum().items()}
    return np.array([totals.get(str(code), 0) * UNIT for code in wanted], dtype=np.float64)


EDGE = "住在离省界不到"
"""How the notes on people near the border can be told from others."""


def edge_notes(people: float, everybody: float, reach: str, *, competing: bool = False) -> list[str]:
    """Return what must be said of people so near the border that what lies beyond could change their answer.

    ``reach``: how far they would go, in words (30 分钟路程). ``competing``: what they reach is shared with
    people beyond, who are unknown; else only facilities beyond are.
    """
    if people <= 0.0:
        return []
    share = f"{people:,.0f} 人（{people / everybody:.1%}）" if everybody > 0.0 else f"{people:,.0f} 人"
    what = (
        "省外的居民不在数据里，给出的省外设施又都算给他们：他们的结果可能偏高，也可能因省外设施不全而偏低"
        if competing
        else "省外没有给出设施：他们的结果可能偏低"
    )
    return [f"{share}{EDGE}{reach}处，{what}"]
