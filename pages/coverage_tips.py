"""What regions and uncovered clusters say when pointed at, on the map of the page 设施覆盖."""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import pandas as pd

from data.store import Store
from geo.crs import ALBERS, STORE_CRS
from layers.coverage_charts import percent
from layers.model import format_number
from layers.overlays import RankedPlace
from pages import cached
from pages.coverage_answers import Answers
from pages.coverage_choice import CoverageChoice


def ranked_places(store: Store, choice: CoverageChoice, answers: Answers) -> list[RankedPlace]:
    """Return the uncovered clusters that stand on the map, the most populous first."""
    if not choice.places:
        return []
    rows = answers.clusters(choice.minutes, choice.group).table.head(choice.places)
    if rows.empty:
        return []
    at = gpd.GeoSeries.from_xy(rows["x"], rows["y"], crs=ALBERS).to_crs(STORE_CRS)
    names = cached.region_table(store)["name"]
    return [
        RankedPlace(int(row["rank"]), round(point.x, 4), round(point.y, 4), _place_lines(row, names))
        for row, point in zip(rows.to_dict("records"), at, strict=True)
    ]


def _place_lines(row: dict[Any, Any], names: pd.Series) -> tuple[str, ...]:
    return (
        f"第 {row['rank']} 位：{format_number(row['population'], 0)} 人",
        f"主要在{names.get(row['adcode'], row['adcode'])}",
        f"面积 {format_number(row['area_km2'], 0)} 平方公里",
    )


def region_tips(choice: CoverageChoice, answers: Answers) -> dict[str, list[str]]:
    """Return what the tip of each region says."""
    rows = answers.table(choice.minutes, choice.level, choice.group)
    return {row["adcode"]: _tip(row) for row in rows.to_dict("records")}


def _tip(row: dict[Any, Any]) -> list[str]:
    if row["reason"] and pd.isna(row["population_coverage"]):
        return [f"无数据：{row['reason']}"]
    lines = [
        f"人口覆盖率 {percent(row['population_coverage'])}",
        f"面积覆盖率 {percent(row['area_coverage'])}",
    ]
    return [*lines, "近省界：省外没有设施数据"] if row["edge"] else lines
